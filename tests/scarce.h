/* scarce.h: a home whose memory runs out after so many allocations, for tests that nothing
 * crashes or leaks then. */
#ifndef IVORY_TESTS_SCARCE_H
#define IVORY_TESTS_SCARCE_H

#include <ivory/base.h>

#include <stdbool.h>
#include <stdlib.h>

typedef struct scarce {
    int64_t left;  /* allocations that still succeed */
    bool one;      /* then one fails, and those after it succeed again */
    int64_t alive; /* blocks that are not freed */
} scarce;

static inline void *scarce_allocate(void *user, void *old, size_t bytes)
{
    scarce *s = user;

    if (!bytes) {
        s->alive -= old != NULL;
        free(old);
        return NULL;
    }
    if (s->left-- <= 0 && !(s->one && s->left < -1))
        return NULL;
    s->alive += old == NULL;
    return realloc(old, bytes);
}

static inline iv_home *scarce_home(scarce *s)
{
    return iv_home_new(&(iv_home_options){
        .size = sizeof(iv_home_options), .threads = 1, .allocate = scarce_allocate, .user = s });
}

#endif
