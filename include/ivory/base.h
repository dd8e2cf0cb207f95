/* base.h: the home (allocator, threads, last error), status codes and fields. */
#ifndef IVORY_BASE_H
#define IVORY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IV_API __attribute__((visibility("default")))
#define IV_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#else
#define IV_API
#define IV_PRINTF(at, first)
#endif

/* Status codes are few; the message on the home is exact. */
#define IV_STATUS_MAP(XX)                \
    XX(OK, "done")                       \
    XX(NOMEM, "out of memory")           \
    XX(SHAPE, "shapes do not fit")       \
    XX(DTYPE, "wrong element type")      \
    XX(NAME, "unknown or repeated name") \
    XX(VALUE, "value out of range")      \
    XX(IO, "input or output failed")     \
    XX(FORMAT, "malformed data")         \
    XX(UNSUPPORTED, "not possible here") \
    XX(NUMERIC, "a number went bad")     \
    XX(STOPPED, "stopped on request")

typedef enum iv_status {
#define IV_STATUS_CODE(name, text) IV_##name,
    IV_STATUS_MAP(IV_STATUS_CODE)
#undef IV_STATUS_CODE
} iv_status;

IV_API const char *iv_status_text(iv_status status);
IV_API const char *iv_version(void);

/* The home owns the allocator, the thread pool and the last error; everything else is made in one.
 * A home is used by one thread at a time. */
typedef struct iv_home iv_home;

typedef struct iv_home_options {
    size_t size; /* sizeof(iv_home_options) */
    int threads; /* threads that share a kernel's work; 0: one per processor this process may use */
    const char *isa; /* amx, avx512bf16-few, avx512bf16, avx512, avx2 or portable (amx-emulated: slow, for tests);
                        NULL: $IVORY_ISA, else the best that this processor has */
    void *(*allocate)(void *user, void *old, size_t bytes); /* like realloc; bytes 0 frees */
    void *user;
    size_t most_bytes; /* that may be held at once: more is NOMEM, before any of it is asked for; 0: no limit */
} iv_home_options;

/* NULL options mean the defaults. NULL is returned only when memory is out. */
IV_API iv_home *iv_home_new(const iv_home_options *options);
IV_API void iv_home_free(iv_home *home);
IV_API iv_status iv_home_status(const iv_home *home);    /* of the last failure */
IV_API const char *iv_home_message(const iv_home *home); /* what was expected, what came, what to do */
IV_API void iv_home_clear(iv_home *home);
IV_API int iv_home_threads(const iv_home *home);

/* How products are computed in plans of f32 graphs. BF16: their operands are rounded to bf16 (8 bits
 * of precision, to nearest even) and their sums are f32, as are parameters, states and everything
 * else. Holds for plans made from then on; F32 at first. */
typedef enum iv_precision { IV_PRECISION_F32, IV_PRECISION_BF16 } iv_precision;
IV_API void iv_home_set_precision(iv_home *home, iv_precision precision);
IV_API iv_precision iv_home_precision(const iv_home *home);

/* Whether convolutions with stride 1 and two to five taps a row are computed in f32 by Winograd's transforms where that
 * is less work: up to 4 times less, with rounding errors two to three times as large. Holds for plans made from
 * then on; true at first. */
IV_API void iv_home_set_winograd(iv_home *home, bool on);
IV_API bool iv_home_winograd(const iv_home *home);

/* A training step takes so many records of its batch at a time, one lot after the other, and adds their gradients up:
 * the values are the same but for rounding, and less memory is taken. 0: as is fastest. Holds for plans made from
 * then on; 0 at first. */
IV_API void iv_home_set_micro_batch(iv_home *home, int64_t records);
IV_API int64_t iv_home_micro_batch(const iv_home *home);

/* Records a failure and returns its status, so that `return iv_fail(...)` reads well. */
IV_API iv_status iv_fail(iv_home *home, iv_status status, const char *format, ...) IV_PRINTF(3, 4);

/* Fields: one table describes the members of an option struct. Command-line help, saved files,
 * equality and printing all read it. */
typedef enum iv_field_type {
    IV_FIELD_INT = 1, /* int64_t */
    IV_FIELD_REAL,    /* double */
    IV_FIELD_BOOL,    /* bool */
    IV_FIELD_CHOICE,  /* int: index into the blank-separated words of `choices` */
    IV_FIELD_TEXT,    /* const char *, never NULL once set */
    IV_FIELD_SHAPE,   /* iv_shape, as [2,3] */
    IV_FIELD_DTYPE,   /* int64_t: an iv_dtype, as f32 */
} iv_field_type;

typedef struct iv_field {
    const char *name; /* NULL ends a table */
    iv_field_type type;
    size_t offset;
    const char *value;   /* the default, as text */
    double low, high;    /* inclusive range of numbers; both 0: any */
    const char *choices; /* words of a CHOICE, blank-separated */
    const char *unit;
    const char *help;
} iv_field;

/* In option structs of layers a field left zero means its default; IV_ZERO is an explicit zero. */
#define IV_ZERO INT64_MIN

#ifdef __cplusplus
}
#endif
#endif
