/* pictures.c: pictures of a data set, made one size and few values. */
#include "data/pictures.h"

#include "base/home.h"

#include <math.h>
#include <string.h>

typedef struct hall {
    int64_t count, room;
    unsigned char *values; /* [count,H,W,C] */
    int32_t *labels;
} hall;

struct iv__pictures {
    iv_home *home;
    iv__pictures_options options; /* channels 0 until the first picture came */
    hall halls[2];                /* to train with, to test with */
    int classes;
    const char *const *class_names;
    int64_t dropped, height, width; /* of the pictures as they came; 0: of several sizes */
    iv__text first_dropped;
    iv__resizing rows, columns;
    double *row, *resized;
};

iv_home *iv__pictures_home(const iv__pictures *p)
{
    return p->home;
}

static int64_t values_each(const iv__pictures *p)
{
    return p->options.height * p->options.width * p->options.channels;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static iv_status grow(iv__pictures *p, hall *h, int64_t room)
{
    int64_t bytes;

    if (room <= h->room)
        return IV_OK;
    if (__builtin_mul_overflow(room, values_each(p), &bytes))
        return iv_fail(p->home, IV_NOMEM, "there are too many pictures for memory");
    unsigned char *values = iv__resize(p->home, h->values, (size_t)bytes);
    if (values)
        h->values = values;
    int32_t *labels = values ? iv__resize(p->home, h->labels, (size_t)room * sizeof *labels) : NULL;
    if (!labels)
        return IV_NOMEM;
    h->labels = labels;
    h->room = room;
    return IV_OK;
}

iv_status iv__pictures_expect(iv__pictures *p, bool test, int64_t count)
{
    hall *h = &p->halls[test];

    return p->options.channels ? grow(p, h, h->count + count) : IV_OK;
}

/* Weights of a picture's size, and room, kept as long as the next has the same. */
static iv_status prepare(iv__pictures *p, const iv__picture *picture)
{
    const iv__pictures_options *o = &p->options;

    if (p->rows.from == picture->height && p->columns.from == picture->width)
        return IV_OK;
    iv__resizing_free(p->home, &p->rows);
    iv__resizing_free(p->home, &p->columns);
    iv__free(p->home, p->row);
    p->row = iv__alloc_array(p->home, picture->width * 3, sizeof *p->row);
    if (!p->resized)
        p->resized = iv__alloc_array(p->home, o->height * o->width * 3, sizeof *p->resized);
    if (!p->row || !p->resized ||
        iv__resizing_make(p->home, (iv__resize_kind)o->resize, picture->height, o->height, &p->rows) ||
        iv__resizing_make(p->home, (iv__resize_kind)o->resize, picture->width, o->width, &p->columns))
        return IV_NOMEM;
    return IV_OK;
}

/* Grey of a colour, weighed as ITU-R BT.601 says and PNG and JPEG readers do. */
static double grey(const double *v)
{
    return 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
}

static unsigned char level_of(double v, int64_t levels)
{
    /* what lies on a border but for the rounding of weights lies above it */
    double level = levels == 256 ? floor(v + 0.5) : floor(v * (double)levels / 256 + 1e-9);

    return (unsigned char)(level < 0 ? 0 : level > (double)levels - 1 ? (double)levels - 1 : level);
}

static void take(const iv__pictures *p, const iv__picture *picture, unsigned char *to)
{
    const int64_t places = p->options.height * p->options.width, levels = p->options.levels;
    const double *from = p->resized;

    for (int64_t i = 0; i < places; i++, from += picture->channels) {
        if (p->options.channels == picture->channels)
            for (int64_t c = 0; c < picture->channels; c++)
                *to++ = level_of(from[c], levels);
        else if (p->options.channels == 1)
            *to++ = level_of(grey(from), levels);
        else
            for (int c = 0; c < 3; c++)
                *to++ = level_of(from[0], levels);
    }
}

iv_status iv__pictures_add(iv__pictures *p, const iv__picture *picture)
{
    hall *h = &p->halls[picture->test];
    bool first = !p->halls[0].count && !p->halls[1].count;

    if (!p->options.channels)
        p->options.channels = picture->channels;
    if (first) {
        p->height = picture->height;
        p->width = picture->width;
    } else if (p->height != picture->height || p->width != picture->width) {
        p->height = p->width = 0;
    }
    iv_status status = prepare(p, picture);
    if (!status && h->count == h->room)
        status = grow(p, h, h->room ? 2 * h->room : 64);
    if (status)
        return status;
    iv__resize_picture(&p->rows, &p->columns, picture->channels, picture->values, p->row, p->resized);
    take(p, picture, h->values + h->count * values_each(p));
    h->labels[h->count++] = picture->label;
    return IV_OK;
}

void iv__pictures_name_classes(iv__pictures *p, int count, const char *const *names)
{
    p->classes = count;
    p->class_names = names;
}

void iv__pictures_drop(iv__pictures *p, const char *name, const char *why)
{
    if (!p->dropped++)
        iv__text_print(&p->first_dropped, "%s: %s", name, why);
}

/* ---- a data set's ---------------------------------------------------------------------------- */

iv__pictures *iv__pictures_open(iv_home *home, const iv_dataset *set, const char *path,
                                const iv__pictures_options *options)
{
    if (!set->pictures) {
        iv_fail(home, IV_VALUE, "the data set %s has no pictures: `ivory data list` says which have",
                set->name);
        return NULL;
    }
    iv__pictures *p = iv__alloc(home, sizeof *p);
    if (!p)
        return NULL;
    *p = (iv__pictures){ .home = home, .options = *options, .first_dropped = { .home = home } };
    iv_status status = set->pictures(p, path);
    if (!status && !p->halls[0].count)
        status = iv_fail(home, IV_VALUE, "%s: expected pictures to train with, and %s%s", path,
                         p->dropped ? "none could be read: " : "there are none",
                         p->dropped && p->first_dropped.data ? p->first_dropped.data : "");
    if (!status)
        return p;
    iv__pictures_free(p);
    return NULL;
}

void iv__pictures_free(iv__pictures *p)
{
    if (!p)
        return;
    for (int i = 0; i < 2; i++) {
        iv__free(p->home, p->halls[i].values);
        iv__free(p->home, p->halls[i].labels);
    }
    iv__resizing_free(p->home, &p->rows);
    iv__resizing_free(p->home, &p->columns);
    iv__free(p->home, p->row);
    iv__free(p->home, p->resized);
    iv__text_free(&p->first_dropped);
    iv__free(p->home, p);
}

int64_t iv__pictures_count(const iv__pictures *p, bool test)
{
    return p->halls[test].count;
}

const unsigned char *iv__pictures_at(const iv__pictures *p, bool test, int64_t i)
{
    return p->halls[test].values + i * values_each(p);
}

int32_t iv__pictures_label(const iv__pictures *p, bool test, int64_t i)
{
    return p->halls[test].labels[i];
}

int iv__pictures_classes(const iv__pictures *p, const char *const **names)
{
    *names = p->class_names;
    return p->classes;
}

int64_t iv__pictures_height(const iv__pictures *p)
{
    return p->options.height;
}

int64_t iv__pictures_width(const iv__pictures *p)
{
    return p->options.width;
}

int64_t iv__pictures_channels(const iv__pictures *p)
{
    return p->options.channels;
}

void iv__pictures_report(const iv__pictures *p, iv__text *text)
{
    iv__text_print(text, "%lld pictures", (long long)p->halls[0].count);
    if (p->height)
        iv__text_print(text, " of %lld x %lld", (long long)p->width, (long long)p->height);
    if (p->halls[1].count)
        iv__text_print(text, ", %lld more for testing", (long long)p->halls[1].count);
    if (p->dropped)
        iv__text_print(text, "; %lld could not be read (%s)", (long long)p->dropped,
                       p->first_dropped.data ? p->first_dropped.data : "");
}
