/* conv_weights.c: the row "conv_w" (ops/rows.h): patches of x, transposed, times y; or where y has so few channels
 * that most of a vector would be empty, patches of y times x. A product of matrices whose sums are long is the same
 * with one tap. */
#include "backend/cpu/conv.h"

#include "base/threads.h"

enum {
    AXES = IV__CONV_AXES,
    SUM_PLACES = 144, /* of a block: its product has one chunk of k */
    SLOTS = 8,        /* where few chunks of taps share the work */
    LANES = 16,       /* of the vectors that are to be filled */
};

/* Tasks: chunks of taps times slots of places. By shapes alone: as many slots as keep a few threads
 * busy where there are few chunks, each with sums of its own, added in order at the end. */
typedef struct weights_job {
    const iv__cpu *cpu;
    iv__conv_sizes s;
    bool of_y;      /* patches are, and taps are turned round: sums are [tap][filters][channels] */
    const float *b; /* the other one, of n channels */
    int64_t n;
    float *w;
    iv__grid g;
    int64_t most_taps, chunks, slots, row;
    float *sums; /* of each slot but where there is one, of patches of x */
    float *patches;
    char *rooms;
    size_t room; /* bytes of a thread */
} weights_job;

static iv__product weights_product(const weights_job *j, int64_t taps, int64_t places)
{
    return (iv__product){ .m = taps * j->g.channels,
                          .n = j->n,
                          .k = places,
                          .a_transposed = true,
                          .lda = j->row,
                          .ldb = j->n,
                          .ldc = j->n };
}

/* With y's few channels, and stride 1, places of x are each read by the same taps. */
static bool takes_patches_of_y(const iv__conv_sizes *s)
{
    const double of_x = (double)iv__conv_volume(s->y) * (double)s->channels *
                        (double)iv__round_up(s->filters, LANES),
                 of_y = (double)iv__conv_volume(s->x) * (double)s->filters *
                        (double)iv__round_up(s->channels, LANES);

    return iv__conv_volume(s->stride) == 1 && 1.5 * of_y < of_x;
}

/* What the taps of a place of x read of y, from the last tap to the first: then they read places side by side. */
static iv__grid grid_of_y(const iv__conv_sizes *s, int64_t (*offset)[AXES])
{
    iv__grid g = { .records = s->records, .channels = s->filters, .taps = s->taps, .offset = offset };

    for (int a = 0; a < AXES; a++) {
        g.size[a] = s->y[a];
        g.places[a] = s->x[a];
        g.step[a] = 1;
    }
    g.line = s->dilation[AXES - 1] == 1 && !s->unread ? s->w[AXES - 1] : 1;
    for (int64_t t = 0; offset && t < s->taps; t++) {
        iv__conv_place(s->taps - 1 - t, s->w, offset[t]);
        for (int a = 0; a < AXES; a++)
            offset[t][a] = s->before[a] - offset[t][a] * s->dilation[a];
    }
    return g;
}

static weights_job weights_of(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *sizes,
                              char *base, size_t *used)
{
    weights_job j = { .cpu = cpu, .s = *sizes, .of_y = takes_patches_of_y(sizes) };
    int64_t threads = iv_home_threads(home);
    int64_t(*offset)[AXES] = iv__take(base, used, j.s.taps, sizeof *offset);

    if (!base)
        offset = NULL;
    j.g = j.of_y ? grid_of_y(&j.s, offset) : iv__grid_of_x(&j.s, NULL, offset);
    j.n = j.of_y ? j.s.channels : j.s.filters;
    j.most_taps = iv__min64(j.s.taps, iv__ceil_div(IV__CONV_CHUNK, j.g.channels));
    j.chunks = iv__ceil_div(j.s.taps, j.most_taps);
    j.slots = iv__min64(iv__ceil_div(SLOTS, j.chunks),
                        iv__ceil_div(j.s.records * iv__conv_volume(j.g.places), SUM_PLACES));
    j.row = iv__conv_is_pointwise(&j.s) ? j.g.channels : iv__odd_lines(j.most_taps * j.g.channels);
    if (j.slots > 1 || j.of_y)
        j.sums = iv__take(base, used, j.slots * j.s.taps * j.s.channels * j.s.filters, sizeof(float));
    j.patches = iv__take(base, used, threads * SUM_PLACES * j.row, sizeof(float));
    iv__product p = weights_product(&j, j.most_taps, SUM_PLACES);
    size_t all = iv__product_scratch(home, cpu, &p);
    j.room = all / (size_t)threads;
    j.rooms = iv__take(base, used, (int64_t)all, 1);
    return j;
}

static void weights_task(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    int64_t chunk = task % j->chunks, slot = task / j->chunks, t0 = chunk * j->most_taps;
    int64_t t1 = iv__min64(t0 + j->most_taps, j->s.taps),
            all = j->s.records * iv__conv_volume(j->g.places);
    int64_t count = j->s.channels * j->s.filters, first = iv__part(all, slot, j->slots),
            last = iv__part(all, slot + 1, j->slots);
    float *patches = j->patches + thread * SUM_PLACES * j->row,
          *sums = j->sums ? j->sums + slot * j->s.taps * count : j->w;

    if (j->cpu->begin)
        j->cpu->begin();
    for (int64_t begin = first, end; begin < last; begin = end) {
        end = iv__min64(begin + SUM_PLACES, last);
        iv__product p = weights_product(j, t1 - t0, end - begin);
        p.a = patches;
        if (iv__conv_is_pointwise(&j->s))
            p.a = j->g.from + begin * j->g.channels;
        else
            iv__gather(&j->g, begin, end, t0, t1, j->g.channels, patches, j->row);
        p.b = j->b + begin * j->n;
        p.c = sums + t0 * count;
        p.add = begin > first;
        iv__product_alone(j->cpu, &p, j->rooms + (size_t)thread * j->room);
    }
    if (j->cpu->end)
        j->cpu->end();
}

/* Floats that a task adds up. */
enum { SUM_FLOATS = 4096 };

static void add_slots(void *context, int64_t task, int thread)
{
    const weights_job *j = context;
    int64_t all = j->s.taps * j->s.channels * j->s.filters, at = task * SUM_FLOATS;

    (void)thread;
    j->cpu->sum_parts(j->sums + at, j->slots, all, 1, j->w + at, iv__min64(SUM_FLOATS, all - at));
}

/* Items: taps. */
static void turn_slots(void *context, int64_t tap, int thread)
{
    const weights_job *j = context;
    const int64_t channels = j->s.channels, filters = j->s.filters, count = channels * filters;
    float *sums = j->sums + (j->s.taps - 1 - tap) * count, *w = j->w + tap * count;

    (void)thread;
    j->cpu->sum_parts(sums, j->slots, j->s.taps * count, 1, sums, count);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t f = 0; f < filters; f++)
            w[c * filters + f] = sums[f * channels + c];
}

int iv__conv_w_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv__packing panels,
                        iv__packing want[IV__MAX_PACKED])
{
    (void)cpu, (void)k, (void)panels, (void)want;
    return 0;
}

size_t iv__conv_sum_scratch(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *s)
{
    size_t used = 0;

    weights_of(home, cpu, s, NULL, &used);
    return used;
}

void iv__conv_sum_run(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *s, const float *x,
                      const float *y, float *w, void *scratch)
{
    size_t used = 0;
    weights_job j = weights_of(home, cpu, s, scratch, &used);
    int64_t tap = s->channels * s->filters;

    j.g.from = j.of_y ? y : x;
    j.b = j.of_y ? x : y;
    j.w = w;
    memset(w + s->taps * tap, 0, (size_t)(s->unread * tap) * sizeof(float));
    iv__parallel(home, j.chunks * j.slots, weights_task, &j);
    if (j.of_y)
        iv__parallel(home, s->taps, turn_slots, &j);
    else if (j.sums)
        iv__parallel(home, iv__ceil_div(s->taps * tap, SUM_FLOATS), add_slots, &j);
}

static iv__conv_sizes sizes_of(const iv_kernel_call *k)
{
    return iv__conv_sizes_of(k->attr, k->in[0].shape, k->out[0].shape, k->in[1].shape);
}

size_t iv__conv_w_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__conv_sizes s = sizes_of(k);

    return iv__conv_sum_scratch(k->home, cpu, &s);
}

void iv__conv_w_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__conv_sizes s = sizes_of(k);

    iv__conv_sum_run(k->home, cpu, &s, k->in[0].data, k->in[1].data, k->out[0].data, k->scratch);
}
