/* pictures_fit.c: a picture of any size becomes one of the size, the channels and the levels asked
 * for: cropped, made grey or not, resized, rounded. */
#include "data/pictures_parts.h"

#include "base/home.h"

enum { LEVELS = 256 };

static bool within(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

iv_status iv__fitter_begin(iv__fitter *f, iv_home *home, const iv__pictures_options *o)
{
    *f = (iv__fitter){ .home = home, .options = *o };
    if (!o->levels)
        f->options.levels = LEVELS;
    if (!within(o->height, 0, IV__RESIZE_MOST) || !within(o->width, 0, IV__RESIZE_MOST))
        return iv_fail(home, IV_VALUE, "pictures of %lld x %lld: expected at most %d x %d",
                       (long long)o->height, (long long)o->width, IV__RESIZE_MOST, IV__RESIZE_MOST);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return iv_fail(home, IV_VALUE,
                       "pictures of %lld channels: expected 1 (grey) or 3 (red, green, blue)",
                       (long long)o->channels);
    if (!within(f->options.levels, 2, LEVELS))
        return iv_fail(home, IV_VALUE, "pictures of %lld levels: expected 2 to %d",
                       (long long)o->levels, LEVELS);
    return IV_OK;
}

void iv__fitter_settle(iv__fitter *f, const iv__found *found)
{
    iv__pictures_options *o = &f->options;

    o->height = o->height ? o->height : found->height;
    o->width = o->width ? o->width : found->width;
    o->channels = o->channels ? o->channels : found->channels;
}

void iv__fitter_end(iv__fitter *f)
{
    iv__resizer_free(f->resize);
    iv__free(f->home, f->row);
    iv__free(f->home, f->fitted);
    f->resize = NULL;
    f->row = f->fitted = NULL;
    f->height = f->width = 0;
}

/* The part that is kept: as wide or as high as the picture, of the shape asked for, in the middle. */
static iv__found part_of(const iv__fitter *f, const iv__found *found, int64_t *top, int64_t *left)
{
    const iv__pictures_options *o = &f->options;
    iv__found part = *found;

    if (o->crop == IV__CROP_CENTRE) {
        /* sides are at most 1 << 16: products fit */
        const int64_t width = (found->height * o->width + o->height / 2) / o->height,
                      height = (found->width * o->height + o->width / 2) / o->width;
        part.width = width < 1 ? 1 : width < found->width ? width : found->width;
        part.height = height < 1 ? 1 : height < found->height ? height : found->height;
    }
    *top = (found->height - part.height) / 2;
    *left = (found->width - part.width) / 2;
    return part;
}

/* Makes ready for parts of this size. */
static iv_status prepare(iv__fitter *f, const iv__found *part)
{
    const iv__pictures_options *o = &f->options;
    const int64_t fitted = o->height * o->width * o->channels;

    if (part->height == f->height && part->width == f->width)
        return IV_OK;
    iv__fitter_end(f);
    f->resize = iv__resizer_new(f->home, (iv__resizing)o->resize, part->height, part->width,
                                o->channels, o->height, o->width);
    if (!f->resize)
        return iv_home_status(f->home);
    f->row = iv__alloc_array(f->home, part->width * o->channels, sizeof *f->row);
    f->fitted = iv__alloc_array(f->home, fitted, sizeof *f->fitted);
    if (!f->row || !f->fitted) {
        iv__fitter_end(f);
        return IV_NOMEM;
    }
    f->height = part->height;
    f->width = part->width;
    return IV_OK;
}

/* Grey is ITU-R BT.601's luma. */
static void put_row(const unsigned char *from, int64_t width, int64_t channels, int64_t wanted,
                    float *row)
{
    for (int64_t x = 0; x < width; x++, from += channels)
        for (int64_t c = 0; c < wanted; c++)
            *row++ = channels == wanted ? (float)from[c]
                     : channels == 1
                         ? (float)from[0]
                         : (float)((299 * from[0] + 587 * from[1] + 114 * from[2]) / 1000.0);
}

static unsigned char value_of(float resized, int64_t levels)
{
    const double v = resized;
    const int64_t value = levels < LEVELS ? (int64_t)(v * (double)levels / LEVELS) : (int64_t)(v + 0.5);

    return (unsigned char)(value < levels ? value : levels - 1);
}

iv_status iv__fit(iv__fitter *f, const iv__found *found, unsigned char *to)
{
    const iv__pictures_options *o = &f->options;
    int64_t top, left;
    const iv__found part = part_of(f, found, &top, &left);
    iv_status status = prepare(f, &part);

    if (status)
        return status;
    for (int64_t y = 0; y < part.height; y++) {
        const int64_t place = (top + y) * found->width + left;
        put_row(found->bytes + place * found->channels, part.width, found->channels, o->channels,
                f->row);
        iv__resizer_row(f->resize, y, f->row);
    }
    iv__resizer_end(f->resize, f->fitted);
    for (int64_t i = 0; i < o->height * o->width * o->channels; i++)
        to[i] = value_of(f->fitted[i], o->levels);
    return IV_OK;
}
