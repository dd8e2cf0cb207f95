/* conv_weights.c: the row "conv_w" (ops/rows.h): patches, transposed, times y. A product of matrices
 * whose sums are long is the same with one tap. */
#include "backend/cpu/conv.h"

#include "base/threads.h"

enum {
    AXES = IV__CONV_AXES,
    SUM_PLACES = 144, /* of a block: its product has one chunk of k */
    SLOTS = 8,        /* where few chunks of taps share the work */
};

/* Tasks: chunks of taps times slots of places. By shapes alone: as many slots as keep a few threads
 * busy where there are few chunks, each with sums of its own, added in order at the end. */
typedef struct weights_job {
    const iv__cpu *cpu;
    iv__conv_sizes s;
    const float *y;
    float *w;
    iv__grid g;
    int64_t most_taps, chunks, slots, row;
    float *sums; /* of each slot but where there is one */
    float *patches;
    char *rooms;
    size_t room; /* bytes of a thread */
} weights_job;

static iv__product weights_product(const weights_job *j, int64_t taps, int64_t places)
{
    return (iv__product){ .m = taps * j->s.channels,
                          .n = j->s.filters,
                          .k = places,
                          .a_transposed = true,
                          .lda = j->row,
                          .ldb = j->s.filters,
                          .ldc = j->s.filters };
}

static weights_job weights_of(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *sizes,
                              char *base, size_t *used)
{
    weights_job j = { .cpu = cpu, .s = *sizes };
    int64_t threads = iv_home_threads(home);

    j.most_taps = iv__min64(j.s.taps, iv__ceil_div(IV__CONV_CHUNK, j.s.channels));
    j.chunks = iv__ceil_div(j.s.taps, j.most_taps);
    j.slots = iv__min64(iv__ceil_div(SLOTS, j.chunks),
                        iv__ceil_div(j.s.records * iv__conv_volume(j.s.y), SUM_PLACES));
    j.row = iv__conv_is_pointwise(&j.s) ? j.s.channels : iv__odd_lines(j.most_taps * j.s.channels);
    int64_t(*offset)[AXES] = iv__take(base, used, j.s.taps, sizeof *offset);
    j.g = iv__grid_of_x(&j.s, NULL, base ? offset : NULL);
    if (j.slots > 1)
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
    int64_t t1 = iv__min64(t0 + j->most_taps, j->s.taps), all = j->s.records * iv__conv_volume(j->s.y);
    int64_t count = j->s.channels * j->s.filters, first = iv__part(all, slot, j->slots),
            last = iv__part(all, slot + 1, j->slots);
    float *patches = j->patches + thread * SUM_PLACES * j->row,
          *sums = j->slots > 1 ? j->sums + slot * j->s.taps * count : j->w;

    if (j->cpu->begin)
        j->cpu->begin();
    for (int64_t begin = first, end; begin < last; begin = end) {
        end = iv__min64(begin + SUM_PLACES, last);
        iv__product p = weights_product(j, t1 - t0, end - begin);
        p.a = patches;
        if (iv__conv_is_pointwise(&j->s))
            p.a = j->g.from + begin * j->s.channels;
        else
            iv__gather(&j->g, begin, end, t0, t1, j->s.channels, patches, j->row);
        p.b = j->y + begin * j->s.filters;
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

int iv__conv_w_packings(const iv__cpu *cpu, const iv_kernel_call *k, iv_packing panels,
                        iv_packing want[IV_MAX_PACKED])
{
    (void)cpu, (void)k, (void)panels, (void)want;
    return 0;
}

size_t iv__weights_scratch(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *s)
{
    size_t used = 0;

    weights_of(home, cpu, s, NULL, &used);
    return used;
}

void iv__weights_run(iv_home *home, const iv__cpu *cpu, const iv__conv_sizes *s, const float *x,
                     const float *y, float *w, void *scratch)
{
    size_t used = 0;
    weights_job j = weights_of(home, cpu, s, scratch, &used);
    int64_t tap = s->channels * s->filters;

    j.g.from = x;
    j.y = y;
    j.w = w;
    memset(w + s->taps * tap, 0, (size_t)(s->unread * tap) * sizeof(float));
    iv__parallel(home, j.chunks * j.slots, weights_task, &j);
    if (j.slots > 1)
        iv__parallel(home, iv__ceil_div(s->taps * tap, SUM_FLOATS), add_slots, &j);
}

static iv__conv_sizes sizes_of(const iv_kernel_call *k)
{
    return iv__conv_sizes_of(k->attr, k->in[0].shape, k->out[0].shape, k->in[1].shape);
}

size_t iv__conv_w_scratch(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__conv_sizes s = sizes_of(k);

    return iv__weights_scratch(k->home, cpu, &s);
}

void iv__conv_w_run(const iv__cpu *cpu, const iv_kernel_call *k)
{
    iv__conv_sizes s = sizes_of(k);

    iv__weights_run(k->home, cpu, &s, k->in[0].data, k->in[1].data, k->out[0].data, k->scratch);
}
