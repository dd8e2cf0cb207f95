/* common_painting.c: pictures drawn value by value. They are painted in groups, side by side in one thread;
 * several groups at once. */
#include "models/common_painting.h"

#include "base/home.h"
#include "base/math.h"
#include "base/random.h"
#include "base/threads.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* Pictures of a group, always: the last bit of a product may depend on the number of its rows, and what is
 * drawn on the last bit. As many as share what is read of the weights for little more time than one. */
enum { GROUP = 5, MOST_LEVELS = 256 };

/* ---- one value ------------------------------------------------------------------------------- */

typedef struct value_of {
    const iv__palette *palette;
    const iv__instance *instance;
    const float *outputs;
    int64_t channel;
    const unsigned char *before;
} value_of;

static double below(const value_of *v, int64_t k)
{
    return v->palette->below(v->instance, v->outputs, v->channel, v->before, k);
}

/* The k for which below(k) <= draw < below(k + 1). */
static int64_t search(const value_of *v, double draw)
{
    int64_t low = 0, high = v->palette->levels;

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (below(v, middle) <= draw)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Of probabilities raised to a power: drawn from, or (infinite) the likeliest of them. */
static int64_t search_sharpened(const value_of *v, double temperature, double draw)
{
    const int64_t levels = v->palette->levels;
    double weight[MOST_LEVELS], sum = 0, passed = 0, last = 0, most = 0;
    int64_t best = 0;

    for (int64_t k = 0; k < levels; k++) {
        double next = below(v, k + 1);
        weight[k] = next > last ? next - last : 0;
        last = next;
        if (weight[k] > most) {
            most = weight[k];
            best = k;
        }
    }
    if (temperature == 0 || most == 0)
        return best;
    for (int64_t k = 0; k < levels; k++) {
        weight[k] = weight[k] > 0 ? iv__exp_f64(iv__log_f64(weight[k] / most) / temperature) : 0;
        sum += weight[k];
    }
    for (int64_t k = 0; k < levels; k++) {
        passed += weight[k];
        if (draw * sum < passed)
            return k;
    }
    return best;
}

int64_t iv__palette_draw(const iv__palette *palette, const iv__instance *instance,
                         const float *outputs, int64_t channel, const unsigned char *before,
                         double temperature, double draw, double *probability)
{
    value_of v = { palette, instance, outputs, channel, before };
    int64_t k = temperature == 1 ? search(&v, draw) : search_sharpened(&v, temperature, draw);

    if (probability)
        *probability = below(&v, k + 1) - below(&v, k);
    return k;
}

/* ---- groups ---------------------------------------------------------------------------------- */

typedef struct painting_job {
    const iv__painting *o;
    const iv__palette *palette;
    const iv__instance *instance;
    int64_t groups;
    int slots; /* groups that are painted at once, at most */
    uint64_t key;
    iv__painter **painters;            /* [slots] */
    unsigned char *pictures, **values; /* [slots][group,C] */
    float *bits;
    _Atomic bool failed, stopped;
} painting_job;

/* The pixel of picture i: given, or drawn. */
static void choose_pixel(const painting_job *job, int64_t i, int64_t row, int64_t column,
                         const float *outputs)
{
    const iv__palette *p = job->palette;
    const int64_t place = (i * p->height + row) * p->width + column;
    unsigned char *pixel = job->pictures + place * p->channels;
    double bits = 0;

    for (int64_t c = 0; c < p->channels; c++) {
        double probability = 1;
        if (job->o->given && row < job->o->given_rows) {
            value_of v = { p, job->instance, outputs, c, pixel };
            pixel[c] = job->o->given[place * p->channels + c];
            if (job->bits)
                probability = below(&v, pixel[c] + 1) - below(&v, pixel[c]);
        } else {
            uint32_t word[4];
            iv__philox(job->key, (uint64_t)i,
                       (uint64_t)((row * p->width + column) * p->channels + c), word);
            pixel[c] = (unsigned char)iv__palette_draw(p, job->instance, outputs, c, pixel,
                                                       job->o->temperature,
                                                       iv__unit_f64(word[0], word[1]),
                                                       job->bits ? &probability : NULL);
        }
        if (job->bits)
            bits -= log2(probability > 0 ? probability : 0x1p-1000);
    }
    if (job->bits)
        job->bits[place] = (float)bits;
}

static bool paint_row(painting_job *job, iv__painter *painter, unsigned char *values, int64_t first,
                      int64_t n, int64_t row)
{
    const iv__palette *p = job->palette;

    for (int64_t column = 0; column < p->width; column++) {
        int64_t outputs;
        const float *of = iv__painter_look(painter, row, column, &outputs);
        if (!of)
            return false;
        for (int64_t j = 0; j < n; j++) {
            choose_pixel(job, first + j, row, column, of + j * outputs);
            memcpy(values + j * p->channels,
                   job->pictures + (((first + j) * p->height + row) * p->width + column) * p->channels,
                   (size_t)p->channels);
        }
        if (iv__painter_keep(painter, row, column, values))
            return false;
    }
    return true;
}

static void paint_group(void *context, int64_t number, int thread)
{
    painting_job *job = context;
    const int64_t first = number * GROUP, n = job->o->n - first < GROUP ? job->o->n - first : GROUP;
    const int slot = job->groups <= job->slots ? (int)number : thread;
    iv__painter *painter = job->painters[slot];
    int32_t label[GROUP] = { 0 };

    if (job->o->label) {
        memcpy(label, job->o->label + first, (size_t)n * sizeof *label);
        iv__painter_classes(painter, label);
    }
    for (int64_t row = 0; row < job->palette->height; row++) {
        if (job->o->stop && job->o->stop())
            job->stopped = true;
        if (job->failed || job->stopped)
            return;
        if (!paint_row(job, painter, job->values[slot], first, n, row))
            job->failed = true;
    }
}

iv_status iv__paint(iv__instance *instance, iv_params *params, const iv__painting *o,
                    unsigned char *pictures, float *bits)
{
    iv_home *home = instance->home;
    iv__palette palette;
    instance->model->palette(instance, &palette);
    const int64_t groups = (o->n + GROUP - 1) / GROUP;
    const int threads = iv_home_threads(home);
    painting_job job = { .o = o,
                         .palette = &palette,
                         .instance = instance,
                         .groups = groups,
                         .slots = groups < threads ? (int)groups : threads,
                         .key = iv__random_key(o->seed, "paint"),
                         .pictures = pictures,
                         .bits = bits };
    iv_status status = IV_OK;

    job.painters = iv__alloc_array(home, job.slots, sizeof(iv__painter *));
    job.values = iv__alloc_array(home, job.slots, sizeof(unsigned char *));
    if (!job.painters || !job.values)
        status = IV_NOMEM;
    for (int t = 0; t < job.slots && !status; t++) {
        job.painters[t] = iv__painter_new(instance, params, GROUP, palette.height, palette.width);
        job.values[t] = iv__alloc_array(home, GROUP * palette.channels, 1);
        status = job.painters[t] && job.values[t] ? IV_OK : iv_home_status(home);
    }
    if (!status) {
        iv__parallel(home, groups, paint_group, &job);
        status = job.failed    ? iv_home_status(home)
                 : job.stopped ? iv_fail(home, IV_STOPPED, "stopped before all was drawn")
                               : IV_OK;
    }
    for (int t = 0; t < job.slots; t++) {
        if (job.painters)
            iv__painter_free(job.painters[t]);
        if (job.values)
            iv__free(home, job.values[t]);
    }
    iv__free(home, job.painters);
    iv__free(home, job.values);
    return status;
}
