/* trial.h: a case as a graph (a subject), and as a kernel call with every buffer between guards (a
 * trial). */
#ifndef TESTS_COMMON_TRIAL_H
#define TESTS_COMMON_TRIAL_H

#include "backend/backend.h"
#include "common/ops_case.h"
#include "graph/node.h"

/* Every row there is: lists that end with NULL. */
extern const iv_op *const *const row_families[];
extern const int n_row_families;
const iv_op *row_named(const char *name);

#define CHECK(condition, c, ...)       \
    do {                               \
        if (!(condition))              \
            fail_case(c, __VA_ARGS__); \
    } while (0)
void fail_case(const ops_case *c, const char *format, ...) IV_PRINTF(2, 3);

/* Within tolerance (1 + |b|); NaN is as good as NaN. */
bool close_to(double a, double b, double tolerance);

/* Numbers in [low, high] that f32 can hold; each (case, place) has its own. Freed by iv__free. */
double *draw(iv_home *home, const ops_case *c, const char *place, int64_t count, double low,
             double high, bool whole);
void *typed(iv_home *home, const double *value, int64_t count, iv_dtype dtype);

enum { MAX_LEAVES = 48 };

typedef struct subject {
    const ops_case *c;
    const iv_op *op;
    iv_home *home;
    iv_graph *graph;
    iv_node *x[MAX_CASE_INPUTS];
    const iv_call *call;
    int n_leaves; /* name and memory of each leaf that was made; the inputs x0, x1 ... are first */
    char name[MAX_LEAVES][16];
    void *data[MAX_LEAVES];
} subject;

/* time: axis of time of each input, or NULL. */
subject subject_new(const ops_case *c, iv_home *home, iv_dtype real, const int *time);
void subject_free(subject *s);
iv_node *subject_leaf(subject *s, const char *name, iv_dtype dtype, iv_shape shape, int axis,
                      const double *value);
void *subject_memory(void *s, const iv_node *leaf); /* for `evaluate` */
size_t node_bytes(const iv_node *node);

typedef struct guarded {
    unsigned char *block;
    size_t bytes;
} guarded;

typedef struct trial {
    const subject *s;
    iv_kernel_call k;
    guarded in[MAX_CASE_INPUTS], out[IV_MAX_OUT], scratch, packed[IV__MAX_PACKED];
    void *packed_data[IV__MAX_PACKED];
    int n_packed;
} trial;

/* Buffers for one run of the case's kernel with the threads of `home`; trial_reference and
 * trial_backend run it. */
trial trial_new(const subject *s, iv_home *home);
trial trial_reference(const subject *s, iv_home *home);
/* False when the backend has no kernel for this call. weights: the inputs are said to depend on
 * parameters alone. */
bool trial_backend(const subject *s, iv_home *home, const iv__backend *backend, bool weights, trial *t);
void trial_free(trial *t);
void trial_scratch(trial *t, size_t bytes);
void *inside(const guarded *g);
iv_kernel *reference_of(const subject *s);

/* Nothing was written beside a buffer, and the inputs are as they were. */
void check_guards(const trial *t);
void check_close(const trial *got, const trial *expected, double tolerance, const char *what);
void check_same(const trial *got, const trial *expected, int output, const char *what); /* bit for bit */

#endif
