/* data_pictures.c: pictures of a data set: counted, and some of them in rows, a class in each. */
#include "cli/data_pictures.h"

#include "base/home.h"
#include "data/pictures.h"
#include "format/image.h"

enum {
    COLUMNS = 10,
    ROWS = 10,     /* without classes */
    OWN_SIDE = 64, /* a person's own pictures may be large */
    CLASSES = 100, /* rows, at most */
};

/* ---- in words ---------------------------------------------------------------------- */

static int64_t count_label(const iv__pictures *p, int32_t label)
{
    int64_t count = 0;

    for (int64_t i = 0; i < iv__pictures_count(p, false); i++)
        count += iv__pictures_label(p, false, i) == label;
    return count;
}

static int put_report(const cli *c, const iv__pictures *p)
{
    iv__text report = { .home = c->home };
    const char *const *names;
    const int classes = iv__pictures_classes(p, &names);

    iv__pictures_report(p, &report);
    if (!report.failed)
        printf("  pictures  %s\n", report.data);
    for (int k = 0; k < classes; k++)
        printf("  %-9s %6lld %s\n", k ? "" : "classes", (long long)count_label(p, k), names[k]);
    const bool failed = report.failed;
    iv__text_free(&report);
    return failed ? cli_fail(c) : DONE;
}

/* ---- as a sheet -------------------------------------------------------------------- */

static iv__image image_of(const iv__pictures *p, const unsigned char *bytes)
{
    return (iv__image){ .height = iv__pictures_height(p),
                        .width = iv__pictures_width(p),
                        .channels = (int)iv__pictures_channels(p),
                        .bits = 8,
                        .pixels = (void *)(uintptr_t)bytes };
}

/* The first pictures; with classes the first of each in a row of its own, which `none` fills up. */
static int64_t choose(const iv__pictures *p, const unsigned char *none, iv__image *chosen)
{
    const char *const *names;
    const int classes = iv__pictures_classes(p, &names);
    const int64_t count = iv__pictures_count(p, false);
    int64_t n = 0;

    if (!classes || classes > CLASSES) {
        for (; n < count && n < COLUMNS * ROWS; n++)
            chosen[n] = image_of(p, iv__pictures_at(p, false, n));
        return n;
    }
    for (int k = 0; k < classes; k++) {
        const int64_t end = n + COLUMNS;
        for (int64_t i = 0; i < count && n < end; i++)
            if (iv__pictures_label(p, false, i) == k)
                chosen[n++] = image_of(p, iv__pictures_at(p, false, i));
        while (n < end)
            chosen[n++] = image_of(p, none);
    }
    return n;
}

static iv_status write_sheet(iv_home *home, const iv__pictures *p, const char *out)
{
    const size_t size = (size_t)(iv__pictures_height(p) * iv__pictures_width(p) *
                                 iv__pictures_channels(p));
    iv__image *chosen = iv__alloc_array(home, COLUMNS * CLASSES, sizeof *chosen), sheet = { 0 };
    unsigned char *none = iv__alloc(home, size);
    iv_status status = chosen && none ? IV_OK : IV_NOMEM;

    for (size_t i = 0; none && i < size; i++)
        none[i] = 255;
    if (!status)
        status = iv__image_sheet(home, choose(p, none, chosen), chosen,
                                 &(iv__sheet){ .columns = COLUMNS, .margin = 2 }, &sheet);
    if (!status)
        status = iv__image_write(home, out, &sheet);
    iv__image_free(home, &sheet);
    iv__free(home, none);
    iv__free(home, chosen);
    return status;
}

int data_show_pictures(cli *c, const iv__dataset *set, const char *path, const char *out)
{
    const int64_t side = set->file ? 0 : OWN_SIDE;
    iv__pictures *p = iv__pictures_open(c->home, set, path,
                                        &(iv__pictures_options){ .height = side,
                                                                 .width = side,
                                                                 .resize = IV__RESIZE_FILTERED });
    int status = p ? put_report(c, p) : cli_fail(c);

    if (!status && *out && write_sheet(c->home, p, out))
        status = cli_fail(c);
    if (!status && *out)
        cli_note(c, "wrote %s", out);
    iv__pictures_free(p);
    return status;
}
