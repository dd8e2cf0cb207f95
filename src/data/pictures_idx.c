/* pictures_idx.c: pictures and labels of IDX files. */
#include "data/pictures_parts.h"

#include "base/home.h"
#include "format/idx.h"

/* The label of the next picture. */
static iv_status next_label(const iv__pictures *p, iv__idx *labels, int32_t *label)
{
    unsigned char value;
    iv_status status = iv__idx_next(labels, &value);

    if (!status && value >= p->classes)
        status = iv_fail(p->home, IV_FORMAT, "%s: label %lld is %d: expected 0 to %d",
                         iv__source_name(labels->source), (long long)labels->read - 1, value,
                         p->classes - 1);
    *label = value;
    return status;
}

static iv_status add_all(iv__pictures *p, bool test, iv__idx *pictures, iv__idx *labels)
{
    iv__found found = { .height = pictures->dim[1], .width = pictures->dim[2], .channels = 1 };
    unsigned char *bytes = iv__alloc(p->home, pictures->item);
    iv_status status = bytes ? IV_OK : IV_NOMEM;

    if (labels && labels->dim[0] != pictures->dim[0])
        status = iv_fail(p->home, IV_FORMAT, "%s has %lld labels, but %s has %lld pictures",
                         iv__source_name(labels->source), (long long)labels->dim[0],
                         iv__source_name(pictures->source), (long long)pictures->dim[0]);
    found.bytes = bytes;
    for (int64_t i = 0; i < pictures->dim[0] && !status; i++) {
        int32_t label = -1;
        status = iv__idx_next(pictures, bytes);
        if (!status && labels)
            status = next_label(p, labels, &label);
        if (!status)
            status = iv__pictures_add(p, test, &found, label);
    }
    iv__free(p->home, bytes);
    return status;
}

iv_status iv__pictures_add_idx(iv__pictures *p, bool test, const char *path, const char *labels_path)
{
    iv__idx pictures, labels;
    iv__source *source = iv__source_open(p->home, path);
    iv__source *labels_source = source && labels_path ? iv__source_open(p->home, labels_path) : NULL;
    iv_status status = source && (labels_source || !labels_path) ? IV_OK : iv_home_status(p->home);

    if (!status)
        status = iv__idx_begin(&pictures, source, 3);
    if (!status && labels_source)
        status = iv__idx_begin(&labels, labels_source, 1);
    if (!status)
        status = add_all(p, test, &pictures, labels_source ? &labels : NULL);
    iv__source_close(labels_source);
    iv__source_close(source);
    return status;
}
