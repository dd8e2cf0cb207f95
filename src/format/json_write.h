/* json_write.h: writing JSON onto a growing text. Commas, indentation and escapes are the
 * writer's. */
#ifndef IV_FORMAT_JSON_WRITE_H
#define IV_FORMAT_JSON_WRITE_H

#include "base/text.h"

/* { .text = &text } writes on one line; .indent = 2 writes a line for each member. */
typedef struct iv__json_writer {
    iv__text *text;
    int indent;
    int depth;  /* private from here */
    bool begun; /* something stands in the innermost object or array */
    bool named; /* a name waits for its value */
} iv__json_writer;

void iv__json_put_object(iv__json_writer *w); /* begins one */
void iv__json_end_object(iv__json_writer *w);
void iv__json_put_array(iv__json_writer *w);
void iv__json_end_array(iv__json_writer *w);
void iv__json_put_name(iv__json_writer *w, const char *name);
/* Bytes that are no UTF-8 become U+FFFD; NULL becomes null. */
void iv__json_put_string(iv__json_writer *w, const char *string);
/* The same of bytes that may be zero. */
void iv__json_put_bytes(iv__json_writer *w, const void *bytes, size_t size);
void iv__json_put_int(iv__json_writer *w, int64_t number);
/* 9 digits; what is not finite becomes null. */
void iv__json_put_float(iv__json_writer *w, double number);
/* The fewest digits, 15 to 17, that read back the same; what is not finite becomes null. */
void iv__json_put_double(iv__json_writer *w, double number);
void iv__json_put_bool(iv__json_writer *w, bool truth);
void iv__json_put_null(iv__json_writer *w);

#endif
