/* common_coder.c: pictures as the numbers of an arithmetic coder. */
#include "models/common_coder.h"

#include "base/home.h"

/* ---- numbers --------------------------------------------------------------------------------- */

/* The range stays above this, so that the shares of symbols are exact to 2^-24 of them. */
static const uint64_t least_range = UINT64_C(1) << 48;

iv__number_encoder iv__number_encoder_new(iv_home *home)
{
    return (iv__number_encoder){ .range = UINT64_MAX, .bytes = { .home = home } };
}

/* Adds 1 to the number that the bytes so far are. */
static void carry(iv__text *bytes)
{
    for (size_t i = bytes->size; i-- > 0 && ++bytes->data[i] == 0;)
        ;
}

static void put_byte(iv__number_encoder *e)
{
    char byte = (char)(e->low >> 56);

    iv__text_add(&e->bytes, &byte, 1);
    e->low <<= 8;
}

static void add(iv__number_encoder *e, uint64_t amount)
{
    e->low += amount;
    if (e->low < amount && !e->bytes.failed)
        carry(&e->bytes);
}

void iv__encode_symbol(iv__number_encoder *e, uint32_t cumulated, uint32_t frequency)
{
    const uint64_t share = e->range >> IV__CODER_BITS;

    add(e, share * cumulated);
    e->range = share * frequency;
    while (e->range < least_range) {
        put_byte(e);
        e->range <<= 8;
    }
}

/* Zeros at the end that are not written, at most; and bytes that wait in a decoder. */
enum { UNWRITTEN = 16, WAITING = 8 };

/* The number in the last range that ends with the most zeros, which need not be written. */
void iv__number_encoder_end(iv__number_encoder *e)
{
    int kept = 1;

    while (kept < 8 && (UINT64_MAX >> (8 * kept)) >= e->range)
        kept++;
    const uint64_t rest = kept < 8 ? UINT64_MAX >> (8 * kept) : 0;
    add(e, rest);
    e->low &= ~rest;
    for (int i = 0; i < kept; i++)
        put_byte(e);
    for (int i = 0; i < UNWRITTEN && e->bytes.size && !e->bytes.data[e->bytes.size - 1]; i++)
        e->bytes.size--;
}

/* Behind the end there are zeros, but not for ever. */
static void read_byte(iv__number_decoder *d)
{
    d->code = d->code << 8 | (d->at < d->size ? d->bytes[d->at] : 0);
    d->at++;
}

iv__number_decoder iv__number_decoder_new(const void *bytes, size_t size)
{
    iv__number_decoder d = { .range = UINT64_MAX, .bytes = bytes, .size = size };

    for (int i = 0; i < WAITING; i++)
        read_byte(&d);
    return d;
}

static bool is_beyond(const iv__number_decoder *d)
{
    return d->at > d->size && d->at - d->size > UNWRITTEN + WAITING;
}

uint32_t iv__number_decoder_place(iv__number_decoder *d)
{
    const uint64_t place = d->code / (d->range >> IV__CODER_BITS);

    return place < IV__CODER_TOTAL ? (uint32_t)place : IV__CODER_TOTAL - 1;
}

void iv__number_decoder_take(iv__number_decoder *d, uint32_t cumulated, uint32_t frequency)
{
    const uint64_t share = d->range >> IV__CODER_BITS;

    d->code -= share * cumulated;
    d->range = share * frequency;
    while (d->range < least_range) {
        read_byte(d);
        d->range <<= 8;
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

enum { MOST_LEVELS = 256 };

/* Stretches of all values: of each at least 1, so that none is impossible. */
static void stretches(const iv__palette *p, const iv__instance *instance, const float *outputs,
                      int64_t channel, const unsigned char *before, uint32_t first[MOST_LEVELS + 1])
{
    const double room = IV__CODER_TOTAL - (double)p->levels;

    first[0] = 0;
    for (int64_t k = 1; k <= p->levels; k++) {
        double below = k < p->levels ? p->below(instance, outputs, channel, before, k) : 1;
        uint32_t at = (uint32_t)((below > 0 ? below < 1 ? below : 1 : 0) * room) + (uint32_t)k;
        first[k] = at > first[k - 1] ? at : first[k - 1] + 1;
    }
    for (int64_t k = p->levels; first[k] > IV__CODER_TOTAL - (uint32_t)(p->levels - k); k--)
        first[k] = IV__CODER_TOTAL - (uint32_t)(p->levels - k);
}

static int64_t value_at(const uint32_t *first, int64_t levels, uint32_t place)
{
    int64_t low = 0, high = levels;

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (first[middle] <= place)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- pictures -------------------------------------------------------------------------------- */

typedef struct coding {
    iv__instance *instance;
    iv__palette palette;
    iv__number_encoder *encoder; /* or the decoder */
    iv__number_decoder *decoder;
} coding;

/* The least that is not below `side`. */
static int64_t multiple_of(int64_t step, int64_t side)
{
    return (side + step - 1) / step * step;
}

static void code_pixel(coding *c, const float *outputs, unsigned char *pixel)
{
    uint32_t first[MOST_LEVELS + 1];

    for (int64_t k = 0; k < c->palette.channels; k++) {
        stretches(&c->palette, c->instance, outputs, k, pixel, first);
        int64_t value = c->encoder
                            ? pixel[k]
                            : value_at(first, c->palette.levels, iv__number_decoder_place(c->decoder));
        if (c->encoder)
            iv__encode_symbol(c->encoder, first[value], first[value + 1] - first[value]);
        else
            iv__number_decoder_take(c->decoder, first[value], first[value + 1] - first[value]);
        pixel[k] = (unsigned char)value;
    }
}

/* Where the network wants the rows to be longer, they go on with their last pixel. */
static iv_status code_pixels(coding *c, iv__painter *painter, const iv__coded *picture,
                             iv__coder_progress *progress, void *user)
{
    const int64_t across = multiple_of(c->palette.step, picture->width);
    iv_status status = IV_OK;

    if (c->palette.classes)
        iv__painter_classes(painter, &picture->label);
    for (int64_t row = 0; row < picture->height && !status; row++) {
        if (progress && !progress(user, row))
            return iv_fail(c->instance->home, IV_STOPPED, "stopped in row %lld of %lld",
                           (long long)row + 1, (long long)picture->height);
        if (c->decoder && is_beyond(c->decoder))
            return iv_fail(c->instance->home, IV_FORMAT,
                           "the numbers end before the pictures do, in row %lld of %lld of one: the file is cut "
                           "off or damaged",
                           (long long)row + 1, (long long)picture->height);
        for (int64_t column = 0; column < across && !status; column++) {
            const bool within = column < picture->width;
            const int64_t place = row * picture->width + (within ? column : picture->width - 1);
            unsigned char *pixel = picture->values + place * c->palette.channels;
            int64_t n;
            const float *outputs = iv__painter_look(painter, row, column, &n);
            if (!outputs)
                return iv_home_status(c->instance->home);
            if (within)
                code_pixel(c, outputs, pixel);
            status = iv__painter_keep(painter, row, column, pixel);
        }
    }
    return status;
}

static iv_status code_picture(coding *c, iv_params *params, const iv__coded *picture,
                              iv__coder_progress *progress, void *user)
{
    c->instance->model->palette(c->instance, &c->palette);
    const int64_t step = c->palette.step;
    iv__painter *painter = iv__painter_new(c->instance, params, 1, multiple_of(step, picture->height),
                                           multiple_of(step, picture->width));
    iv_status status = painter ? code_pixels(c, painter, picture, progress, user)
                               : iv_home_status(c->instance->home);

    iv__painter_free(painter);
    return status;
}

iv_status iv__encode_picture(iv__instance *instance, iv_params *params, const iv__coded *picture,
                             iv__number_encoder *encoder, iv__coder_progress *progress, void *user)
{
    iv_status status = code_picture(&(coding){ .instance = instance, .encoder = encoder }, params,
                                    picture, progress, user);

    return status ? status : encoder->bytes.failed ? IV_NOMEM : IV_OK;
}

iv_status iv__decode_picture(iv__instance *instance, iv_params *params, iv__coded *picture,
                             iv__number_decoder *decoder, iv__coder_progress *progress, void *user)
{
    return code_picture(&(coding){ .instance = instance, .decoder = decoder }, params, picture,
                        progress, user);
}
