/* common_drafts.c: samples that are written side by side, begun and given out in order. */
#include "models/common_drafts.h"

#include "base/home.h"

iv_status iv__drafts_init(iv__drafts *d, iv_home *home, int64_t n)
{
    *d = (iv__drafts){ .home = home, .n = n, .room = n < IV__MOST_DRAFTS ? n : IV__MOST_DRAFTS };
    d->ring = iv__alloc_array(home, d->room, sizeof *d->ring);
    if (!d->ring)
        return IV_NOMEM;
    for (int64_t i = 0; i < d->room; i++)
        d->ring[i].ids.home = home;
    return IV_OK;
}

void iv__drafts_free(iv__drafts *d)
{
    for (int64_t i = 0; d->ring && i < d->room; i++)
        iv__ids_free(&d->ring[i].ids);
    iv__free(d->home, d->ring);
}

iv__draft *iv__drafts_begin(iv__drafts *d)
{
    if (d->begun == d->n || d->begun - d->given == d->room)
        return NULL;
    iv__draft *draft = &d->ring[d->begun % d->room];
    *draft = (iv__draft){ .number = d->begun++, .ids = draft->ids };
    draft->ids.count = 0;
    return draft;
}

const iv__draft *iv__drafts_take(iv__drafts *d)
{
    const iv__draft *draft = &d->ring[d->given % d->room];

    if (d->given == d->begun || !draft->done)
        return NULL;
    d->given++;
    return draft;
}
