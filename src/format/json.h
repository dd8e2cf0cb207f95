/* json.h: reading JSON (RFC 8259): event by event from a source of any length, or a small
 * document as a tree.
 *
 * Errors are FORMAT with file, line and column (both from 1; columns count characters):
 *   recipes.json:12:34: expected ',' or '}' but found 'x' */
#ifndef IV_FORMAT_JSON_H
#define IV_FORMAT_JSON_H

#include "base/arena.h"
#include "format/source.h"

typedef enum iv__json_kind {
    IV__JSON_FAILED, /* the home has the message */
    IV__JSON_END,    /* the document is complete and nothing follows it */
    IV__JSON_OBJECT,
    IV__JSON_OBJECT_END,
    IV__JSON_ARRAY,
    IV__JSON_ARRAY_END,
    IV__JSON_NAME, /* of an object's member; its value is the next event */
    IV__JSON_STRING,
    IV__JSON_NUMBER,
    IV__JSON_TRUE,
    IV__JSON_FALSE,
    IV__JSON_NULL,
} iv__json_kind;

/* ---- event by event; memory does not grow with the document beyond its longest string -------- */
enum { IV__JSON_DEPTH = 64 };           /* deepest nesting */
enum { IV__JSON_STRING_MAX = 1 << 28 }; /* bytes of the longest string */

typedef struct iv__json iv__json;

iv__json *iv__json_new(iv__source *source); /* borrows the source until it is freed */
void iv__json_free(iv__json *json);
iv__json_kind iv__json_next(iv__json *json); /* after FAILED or END: the same again */
/* Skips the value that began with the last event: the rest of an object or array; a scalar is
 * skipped already; after a NAME its value. False when it failed. */
bool iv__json_skip(iv__json *json);
/* Of the last event: NAME and STRING decoded (UTF-8, may hold zero bytes), NUMBER as written.
 * Terminated; valid until the next event. */
const char *iv__json_text(const iv__json *json, size_t *size);
int iv__json_depth(const iv__json *json); /* objects and arrays that are open */
/* Where the last event begins. */
void iv__json_place(const iv__json *json, int64_t *line, int64_t *column);
/* Records FORMAT "NAME:LINE:COLUMN: message" at the last event and ends the reading. */
iv_status iv__json_refuse(iv__json *json, const char *format, ...) IV_PRINTF(2, 3);

/* ---- a small document as a tree, in an arena ------------------------------------------------- */
typedef struct iv__json_value {
    iv__json_kind kind; /* OBJECT, ARRAY, STRING, NUMBER, TRUE, FALSE or NULL */
    const char *name;   /* of a member; NULL elsewhere */
    const char *text;   /* of a STRING, of a NUMBER as written; "" elsewhere */
    int64_t count;      /* members or elements */
    struct iv__json_value *first, *next;
    int64_t line, column;
} iv__json_value;

/* NULL when it failed; a string with a zero byte is refused. */
const iv__json_value *iv__json_tree(iv__source *source, iv__arena *arena);
const iv__json_value *iv__json_tree_of(iv_home *home, const char *name, const void *bytes,
                                       size_t size, iv__arena *arena);

/* The member of that name (the first of several), or NULL; NULL and what is no object have no
 * members. */
const iv__json_value *iv__json_member(const iv__json_value *object, const char *name);
const char *iv__json_string(const iv__json_value *value);        /* NULL unless a STRING */
bool iv__json_int(const iv__json_value *value, int64_t *number); /* a whole number that fits */
bool iv__json_real(const iv__json_value *value, double *number); /* a finite number */

#endif
