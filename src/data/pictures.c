/* pictures.c: the pictures of a data set, collected in one block. */
#include "data/pictures_parts.h"

#include "base/home.h"

static int64_t picture_size(const iv__pictures *p)
{
    const iv__pictures_options *o = &p->fitter.options;

    return o->height * o->width * o->channels;
}

/* ---- collecting ------------------------------------------------------------------------------ */

static iv_status set_room(iv__pictures *p, iv__shelf *shelf, int64_t room)
{
    size_t bytes;

    if (!iv__mul_size((size_t)room, (size_t)picture_size(p), &bytes))
        return iv_fail(p->home, IV_NOMEM, "there are too many pictures for the memory");
    unsigned char *larger = iv__resize(p->home, shelf->bytes, bytes);
    if (!larger)
        return IV_NOMEM;
    shelf->bytes = larger;
    int32_t *labels = iv__resize(p->home, shelf->label, (size_t)room * sizeof *labels);
    if (!labels)
        return IV_NOMEM;
    shelf->label = labels;
    shelf->room = room;
    return IV_OK;
}

/* A picture in colours has come behind grey ones: these get three equal channels. */
static iv_status widen(iv__pictures *p)
{
    const int64_t grey = picture_size(p);

    iv__fitter_end(&p->fitter);
    p->fitter.options.channels = 3;
    for (int test = 0; test < 2; test++) {
        iv__shelf *shelf = &p->shelf[test];
        iv_status status = shelf->room ? set_room(p, shelf, shelf->room) : IV_OK;
        if (status)
            return status;
        for (int64_t i = shelf->count * grey - 1; i >= 0; i--)
            for (int c = 2; c >= 0; c--)
                shelf->bytes[3 * i + c] = shelf->bytes[i];
    }
    return IV_OK;
}

iv_status iv__pictures_add(iv__pictures *p, bool test, const iv__found *found, int32_t label)
{
    iv__shelf *shelf = &p->shelf[test];

    if (!p->found_height) {
        iv__fitter_settle(&p->fitter, found);
        p->found_height = found->height;
        p->found_width = found->width;
    }
    iv_status status = p->widens && p->fitter.options.channels < found->channels ? widen(p) : IV_OK;
    /* the head of a file may lie about the number: memory grows with what came */
    if (!status && shelf->count == shelf->room)
        status = set_room(p, shelf, shelf->room * 2 + 64);
    if (!status)
        status = iv__fit(&p->fitter, found, shelf->bytes + shelf->count * picture_size(p));
    if (status)
        return status;
    p->others += found->height != p->found_height || found->width != p->found_width;
    shelf->label[shelf->count++] = label;
    return IV_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static iv_status finish(iv__pictures *p, const char *path)
{
    iv__fitter_end(&p->fitter);
    if (p->shelf[false].count == 0)
        return iv_fail(p->home, IV_FORMAT, "%s has no pictures to train with", path);
    for (int test = 0; test < 2; test++) {
        iv__shelf *shelf = &p->shelf[test];
        iv_status status = shelf->count == shelf->room ? IV_OK : set_room(p, shelf, shelf->count);
        if (status)
            return status;
    }
    return IV_OK;
}

iv__pictures *iv__pictures_open(iv_home *home, const iv__dataset *set, const char *path,
                                const iv__pictures_options *options)
{
    if (!set->pictures) {
        iv_fail(home, IV_VALUE, "the data set %s holds %s, no pictures", set->name,
                set->table ? "a table" : "texts");
        return NULL;
    }
    iv__pictures *p = iv__alloc(home, sizeof *p);
    if (!p)
        return NULL;
    p->home = p->arena.home = p->left_out_names.home = p->left_out_why.home = home;
    p->set = set;
    p->widens = options->channels == 0;
    if (iv__fitter_begin(&p->fitter, home, options) || set->pictures(p, path) || finish(p, path)) {
        iv__pictures_free(p);
        return NULL;
    }
    return p;
}

void iv__pictures_free(iv__pictures *p)
{
    if (!p)
        return;
    iv__fitter_end(&p->fitter);
    for (int test = 0; test < 2; test++) {
        iv__free(p->home, p->shelf[test].bytes);
        iv__free(p->home, p->shelf[test].label);
    }
    iv__text_free(&p->left_out_names);
    iv__text_free(&p->left_out_why);
    iv__arena_free(&p->arena);
    iv__free(p->home, p);
}

/* ---- asking ---------------------------------------------------------------------------------- */

int64_t iv__pictures_count(const iv__pictures *p, bool test)
{
    return p->shelf[test].count;
}

const unsigned char *iv__pictures_at(const iv__pictures *p, bool test, int64_t i)
{
    return p->shelf[test].bytes + i * picture_size(p);
}

int32_t iv__pictures_label(const iv__pictures *p, bool test, int64_t i)
{
    return p->shelf[test].label[i];
}

int iv__pictures_classes(const iv__pictures *p, const char *const **names)
{
    *names = p->class_names;
    return p->classes;
}

int64_t iv__pictures_height(const iv__pictures *p)
{
    return p->fitter.options.height;
}

int64_t iv__pictures_width(const iv__pictures *p)
{
    return p->fitter.options.width;
}

int64_t iv__pictures_channels(const iv__pictures *p)
{
    return p->fitter.options.channels;
}

void iv__pictures_report(const iv__pictures *p, iv__text *text)
{
    const iv__pictures_options *o = &p->fitter.options;

    iv__text_print(text, "%lld %s", (long long)p->shelf[false].count,
                   p->shelf[false].count == 1 ? "picture" : "pictures");
    if (p->shelf[true].count)
        iv__text_print(text, " and %lld for tests", (long long)p->shelf[true].count);
    iv__text_print(text, ", %lld x %lld %s", (long long)p->found_height, (long long)p->found_width,
                   o->channels == 1 ? "grey" : "in colours");
    if (p->others)
        iv__text_print(text, " (%lld of other sizes)", (long long)p->others);
    if (p->others || o->height != p->found_height || o->width != p->found_width)
        iv__text_print(text, " made %lld x %lld", (long long)o->height, (long long)o->width);
    if (o->levels < 256)
        iv__text_print(text, ", %lld levels", (long long)o->levels);
    if (p->classes)
        iv__text_print(text, ", %d classes", p->classes);
    if (p->left_out)
        iv__text_print(text, "; %lld %s left out that cannot be read as %s: %s",
                       (long long)p->left_out, p->left_out == 1 ? "file was" : "files were",
                       p->left_out == 1 ? "a picture" : "pictures",
                       p->left_out_names.data ? p->left_out_names.data : "");
}
