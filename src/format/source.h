/* source.h: where bytes come from, in pieces: a file, a gzip file, memory. */
#ifndef IV_FORMAT_SOURCE_H
#define IV_FORMAT_SOURCE_H

#include <ivory/base.h>

typedef struct iv__source iv__source;

/* A kind of source: one static object of these functions per kind. */
typedef struct iv__source_kind {
    int64_t (*read)(iv__source *source, void *buffer, size_t size); /* as iv__source_read */
    void (*close)(iv__source *source); /* frees what `state` holds, and `state` */
} iv__source_kind;

/* A file that ends before its bytes do is read to its end: what is missing is for the format to
 * notice. */
iv__source *iv__source_file(iv_home *home, const char *path); /* bytes as they lie */
/* The same, but a gzip file is unpacked, whatever its name (libivory-io). */
iv__source *iv__source_open(iv_home *home, const char *path);
/* `bytes` are borrowed until the source is closed; `name` is copied and begins messages. */
iv__source *iv__source_memory(iv_home *home, const char *name, const void *bytes, size_t size);
/* Unpacks the gzip members that `packed` holds. Owns `packed`, also when it fails (libivory-io). */
iv__source *iv__source_gunzip(iv__source *packed);

/* A source of another kind; takes over `state` when it succeeds. */
iv__source *iv__source_new(iv_home *home, const char *name, const iv__source_kind *kind, void *state);
void *iv__source_state(const iv__source *source);

/* Up to `size` bytes; 0 at the end; -1 when it failed (IO, FORMAT: the home has the message),
 * then and ever after. Fewer than `size` bytes come only at the end. */
int64_t iv__source_read(iv__source *source, void *buffer, size_t size);
/* The next bytes, up to four, which the reads that follow give again; else as iv__source_read. */
int64_t iv__source_peek(iv__source *source, void *bytes, size_t size);
const char *iv__source_name(const iv__source *source);
iv_home *iv__source_home(const iv__source *source);
void iv__source_close(iv__source *source); /* NULL is fine */

/* SHA-256 of a file's bytes as they lie. */
iv_status iv__source_sha256(iv_home *home, const char *path, char hex[65]);

#endif
