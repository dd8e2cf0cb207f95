/* home.h: memory, threads and the last error, as the rooms above use them. */
#ifndef IV_BASE_HOME_H
#define IV_BASE_HOME_H

#include <ivory/base.h>

/* Zeroed and 64-byte aligned; NULL (NOMEM recorded) when memory is out. Freed by iv__free only. */
void *iv__alloc(iv_home *home, size_t bytes);
void *iv__alloc_array(iv_home *home, int64_t count, size_t size); /* overflow is NOMEM */
/* Grows or shrinks; new bytes are not zeroed; the old block stays valid on failure. */
void *iv__resize(iv_home *home, void *block, size_t bytes);
char *iv__copy_text(iv_home *home, const char *text);
void iv__free(iv_home *home, void *block); /* NULL is fine */

/* Bytes now held by blocks of this home. */
size_t iv__home_bytes(const iv_home *home);

/* A home as another is, but for its threads: with one, what runs in it is done by who runs it. Its memory is
 * counted there too. It has a last error of its own. */
iv_home *iv__home_like(iv_home *of, int threads);

/* The instruction set asked for (options, then $IVORY_ISA), or NULL for the best there is. */
const char *iv__home_isa(const iv_home *home);

/* a * b; false when it does not fit. */
static inline bool iv__mul_size(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

#endif
