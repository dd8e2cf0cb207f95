/* idx.c: reads IDX files of bytes, item by item. */
#include "format/idx.h"

static iv_status cut_short(const iv__idx *idx)
{
    return iv_fail(iv__source_home(idx->source), IV_FORMAT,
                   "%s: the file ends within item %lld of %lld: it is cut short, copy or download it again",
                   iv__source_name(idx->source), (long long)idx->read, (long long)idx->dim[0]);
}

static iv_status wrong_head(iv__source *source, const char *what)
{
    return iv_fail(iv__source_home(source), IV_FORMAT,
                   "%s: %s: is this an IDX file of unsigned bytes, as MNIST's are?",
                   iv__source_name(source), what);
}

iv_status iv__idx_begin(iv__idx *idx, iv__source *source, int rank)
{
    iv_home *home = iv__source_home(source);
    unsigned char head[4 + 4 * IV__IDX_RANK];
    int64_t got = iv__source_read(source, head, 4);

    if (got < 0)
        return iv_home_status(home);
    if (got < 4 || head[0] || head[1])
        return wrong_head(source, "expected two zero bytes, the type and the rank at the beginning");
    if (head[2] != 8)
        return wrong_head(source, "expected the type 8");
    if (head[3] != rank)
        return iv_fail(home, IV_FORMAT, "%s: expected %d axes%s but found %d",
                       iv__source_name(source), rank,
                       rank == 1   ? " (labels)"
                       : rank == 3 ? " (pictures)"
                                   : "",
                       head[3]);
    got = iv__source_read(source, head, (size_t)rank * 4);
    if (got < 0)
        return iv_home_status(home);
    if (got < rank * 4)
        return wrong_head(source, "the file ends within its head");

    *idx = (iv__idx){ .source = source, .rank = rank, .item = 1 };
    for (int i = 0; i < rank; i++) {
        const unsigned char *at = head + (ptrdiff_t)4 * i;
        const uint32_t size = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
                              at[3];
        idx->dim[i] = size;
        if (i > 0 && (size == 0 || size > IV__IDX_ITEM / idx->item))
            return iv_fail(home, IV_FORMAT,
                           "%s: an item has no bytes, or more than %d: the file is damaged",
                           iv__source_name(source), IV__IDX_ITEM);
        if (i > 0)
            idx->item *= size;
    }
    return IV_OK;
}

iv_status iv__idx_next(iv__idx *idx, unsigned char *item)
{
    iv_home *home = iv__source_home(idx->source);
    int64_t got = iv__source_read(idx->source, item, idx->item);
    unsigned char more;

    if (got >= 0 && (size_t)got < idx->item)
        return cut_short(idx);
    if (got < 0)
        return iv_home_status(home);
    if (++idx->read < idx->dim[0])
        return IV_OK;
    got = iv__source_peek(idx->source, &more, 1);
    if (got > 0)
        return iv_fail(home, IV_FORMAT, "%s: bytes follow the last of %lld items: the file is damaged",
                       iv__source_name(idx->source), (long long)idx->dim[0]);
    return got < 0 ? iv_home_status(home) : IV_OK;
}
