/* ivory bench: how fast this machine is on Ivory's own workloads. */
#include "cli/bench_parts.h"

#include "backend/backend.h"
#include "base/home.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct bench_options {
    int cell, precision;
    int64_t layers, units, vocabulary, batch, length, steps;
    double seconds;
    const char *data;
    bool paced, parts;
} bench_options;

enum { CELL_OWN }; /* then those of iv_cell */
enum { LEAST_STEPS = 3, MOST_STEPS = 100000, PEAK_TRIES = 10 };

/* clang-format off */
static const iv_field bench_fields[] = {
    FIELD(bench_options, steps,      INT,    "0",   0, MOST_STEPS, "", "",
          "steps that are measured; 0: as many as --seconds allow, three at least"),
    FIELD(bench_options, seconds,    REAL,   "2",   0.01, 3600, "", "", "how long each workload is measured"),
    FIELD(bench_options, cell,       CHOICE, "own", 0, 0, "own lstm gru simple", "",
          "recurrent cell; own: the workload's"),
    FIELD(bench_options, layers,     INT,    "0",   0, 64,    "", "", "recurrent layers; 0, here and below: the workload's own"),
    FIELD(bench_options, units,      INT,    "0",   0, 65536, "", "", "width of each recurrent layer"),
    FIELD(bench_options, vocabulary, INT,    "0",   0, 1e6,   "", "", "tokens there are"),
    FIELD(bench_options, batch,      INT,    "0",   0, 65536, "", "", "records of a batch, or texts at once"),
    FIELD(bench_options, length,     INT,    "0",   0, 65536, "", "", "positions of a record, or tokens of a text"),
    FIELD(bench_options, precision,  CHOICE, "f32", 0, 0, "f32 bf16", "", "of products: f32, or operands rounded to bf16 and sums in f32"),
    FIELD(bench_options, data,       TEXT,   "",    0, 0, "", "PATH", "look for data sets in this folder"),
    FIELD(bench_options, parts,      BOOL,   "no",  0, 0, "", "", "also where the time of a step goes"),
    FIELD(bench_options, paced,      BOOL,   "no",  0, 0, "", "",
          "one workload, in step with other programs: a line on standard input says how many steps "
          "to do next, and a line of JSON answers"),
    FIELD_END,
};
/* clang-format on */

/* What is measured of one workload. */
typedef struct measured {
    double ready, first; /* seconds from its process's start to the first step, and to that step's end */
    int64_t count;       /* steps behind the first */
    double *seconds;          /* of each */
    double cpu;               /* of all of them */
    double low, median, high; /* quartiles */
    double peak;              /* operations a second, at the time */
} measured;

typedef struct bench {
    cli *c;
    const bench_options *o;
    iv_home *home;
    work work;
    measured m;
} bench;

/* ---- the clock ------------------------------------------------------------------------ */

static double cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int64_t peak_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) ? 0 : (int64_t)usage.ru_maxrss * 1024;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void find_quartiles(measured *m)
{
    if (!m->count)
        return;
    qsort(m->seconds, (size_t)m->count, sizeof *m->seconds, compare);
    m->low = m->seconds[m->count / 4];
    m->median = (m->seconds[(m->count - 1) / 2] + m->seconds[m->count / 2]) / 2;
    m->high = m->seconds[m->count - 1 - m->count / 4];
}

/* The best of some tries. */
static iv_status find_peak(bench *b)
{
    work peak;
    iv_status status = work_open(&peak, b->home, workload_named("peak"), NULL);

    for (int i = 0; i < PEAK_TRIES && !status; i++) {
        double begin = cli_clock();
        status = work_step(&peak);
        b->m.peak = fmax(b->m.peak, 1e9 * work_gflop(&peak) / (cli_clock() - begin));
    }
    work_close(&peak);
    return status;
}

static iv_status step(bench *b)
{
    measured *m = &b->m;
    double begin = cli_clock();
    iv_status status = work_step(&b->work);

    m->seconds[m->count++] = cli_clock() - begin;
    return status;
}

static iv_status measure(bench *b)
{
    iv_status status = find_peak(b);
    double begin = cli_clock(), cpu = cpu_seconds();

    while (!status && (b->o->steps ? b->m.count < b->o->steps
                                   : b->m.count < LEAST_STEPS || (cli_clock() - begin < b->o->seconds &&
                                                                  b->m.count < MOST_STEPS)))
        status = step(b);
    b->m.cpu = cpu_seconds() - cpu;
    find_quartiles(&b->m);
    return status ? status : find_peak(b);
}

/* ---- what is said of it ------------------------------------------------------------------ */

static void put_workload(iv__json_writer *w, const bench *b)
{
    const workload *o = &b->work.spec;

    cli_put_string(w, "workload", o->name);
    cli_put_string(w, "version", iv_version());
    cli_put_string(w, "instructions", iv__backend_of(b->home)->name);
    cli_put_string(w, "precision", iv_home_precision(b->home) == IV_PRECISION_BF16 ? "bf16" : "f32");
    cli_put_int(w, "threads", iv_home_threads(b->home));
    if (o->kind == WORK_PEAK)
        return;
    if (o->system)
        cli_put_string(w, "system", o->system);
    if (workload_has_tokens(o))
        cli_put_string(w, "cell", workload_cell(o));
    if (workload_is_counted(o)) {
        cli_put_int(w, "layers", o->layers);
        cli_put_int(w, "units", o->units);
        cli_put_int(w, "vocabulary", o->vocabulary);
    }
    cli_put_int(w, "batch", o->batch);
    cli_put_int(w, "length", o->length);
}

static void put_epoch(iv__json_writer *w, const bench *b)
{
    double all = 0;

    for (int64_t i = 0; i < b->m.count; i++)
        all += b->m.seconds[i];
    cli_put_int(w, "epoch_steps", work_epoch_steps(&b->work));
    cli_put_float(w, "epoch_seconds", all / (double)b->m.count * (double)work_epoch_steps(&b->work));
    if (workload_has_tokens(&b->work.spec))
        cli_put_float(w, "padding", 1 - b->work.targets / b->work.positions);
}

static int put_json(bench *b)
{
    const measured *m = &b->m;
    const workload *o = &b->work.spec;
    double gflop = work_gflop(&b->work);
    iv__text text = { .home = b->home };
    iv__json_writer w = { .text = &text };

    iv__json_put_object(&w);
    put_workload(&w, b);
    cli_put_int(&w, "steps", m->count);
    cli_put_float(&w, "seconds", m->median);
    cli_put_float(&w, "seconds_low", m->low);
    cli_put_float(&w, "seconds_high", m->high);
    cli_put_float(&w, "cpu_seconds", m->cpu / (double)m->count);
    cli_put_int(&w, "peak_bytes", peak_bytes());
    cli_put_float(&w, "ready_seconds", m->ready);
    cli_put_float(&w, "first_seconds", m->first);
    cli_put_float(&w, "peak_gflops", 1e-9 * m->peak);
    if (workload_is_counted(o)) {
        cli_put_float(&w, "gflop", gflop);
        cli_put_float(&w, "share", 1e9 * gflop / m->median / m->peak);
    }
    if (o->kind == WORK_SAMPLE)
        cli_put_float(&w, "tokens_per_second", (double)(o->batch * o->length) / m->median);
    if (o->kind == WORK_REAL)
        put_epoch(&w, b);
    iv__json_end_object(&w);
    int status = cli_put_line(b->c, &text);
    iv__text_free(&text);
    return status;
}

static void put_head(void)
{
    printf("%-13s %10s %19s %10s %9s %9s %9s %9s %6s\n", "WORKLOAD", "STEP ms", "QUARTILES ms",
           "CPU ms", "MEMORY", "READY ms", "FIRST ms", "GFLOP", "SHARE");
}

static void put_epoch_line(const bench *b)
{
    double all = 0;
    char count[32];

    for (int64_t i = 0; i < b->m.count; i++)
        all += b->m.seconds[i];
    printf("%13s an epoch: %.1f s, %s steps", "",
           all / (double)b->m.count * (double)work_epoch_steps(&b->work),
           cli_count(work_epoch_steps(&b->work), count));
    if (workload_has_tokens(&b->work.spec))
        printf("; %.1f %% of the targets are padding", 100 * (1 - b->work.targets / b->work.positions));
    printf("\n");
}

static void put_row(const bench *b)
{
    const measured *m = &b->m;
    const workload *o = &b->work.spec;
    double gflop = work_gflop(&b->work);
    char bytes[32], quartiles[48], count[32];

    snprintf(quartiles, sizeof quartiles, "%.3f-%.3f", 1e3 * m->low, 1e3 * m->high);
    printf("%-13s %10.3f %19s %10.3f %9s %9.2f %9.2f", o->name, 1e3 * m->median, quartiles,
           1e3 * m->cpu / (double)m->count, cli_bytes((size_t)peak_bytes(), bytes), 1e3 * m->ready,
           1e3 * m->first);
    if (workload_is_counted(o))
        printf(" %9.3f %4.0f %%\n", gflop, 1e11 * gflop / m->median / m->peak);
    else
        printf(" %9s %6s\n", "-", "-");
    if (o->kind == WORK_SAMPLE)
        printf("%13s %s tokens/s\n", "",
               cli_count((int64_t)((double)(o->batch * o->length) / m->median), count));
    if (o->kind == WORK_REAL)
        put_epoch_line(b);
    if (o->kind == WORK_PEAK)
        printf("%13s %.0f GFLOP/s with %d threads (%s)\n", "", 1e-9 * m->peak,
               iv_home_threads(b->home), iv__backend_of(b->home)->name);
}

/* ---- in step with other programs ------------------------------------------------------------ */

static int put_ready(bench *b)
{
    iv__text text = { .home = b->home };
    iv__json_writer w = { .text = &text };

    iv__json_put_object(&w);
    put_workload(&w, b);
    if (b->work.spec.kind == WORK_REAL)
        cli_put_int(&w, "epoch_steps", work_epoch_steps(&b->work));
    cli_put_float(&w, "ready_seconds", b->m.ready);
    iv__json_end_object(&w);
    int status = cli_put_line(b->c, &text);
    iv__text_free(&text);
    return status;
}

static int put_round(bench *b)
{
    iv__text text = { .home = b->home };
    iv__json_writer w = { .text = &text };

    iv__json_put_object(&w);
    iv__json_put_name(&w, "seconds");
    iv__json_put_array(&w);
    for (int64_t i = 0; i < b->m.count; i++)
        iv__json_put_float(&w, b->m.seconds[i]);
    iv__json_end_array(&w);
    cli_put_float(&w, "cpu_seconds", b->m.cpu);
    if (workload_is_counted(&b->work.spec))
        cli_put_float(&w, "gflop", work_gflop(&b->work));
    cli_put_int(&w, "peak_bytes", peak_bytes());
    iv__json_end_object(&w);
    int status = cli_put_line(b->c, &text);
    iv__text_free(&text);
    return status;
}

static int keep_pace(bench *b)
{
    char line[64];
    int status = put_ready(b);

    while (!status && fgets(line, sizeof line, stdin)) {
        char *end;
        long steps = strtol(line, &end, 10);
        if (end == line || (*end && *end != '\n') || steps < 1 || steps > MOST_STEPS)
            return cli_refuse("expected a number of steps from 1 to %d on standard input, got '%.*s'",
                              MOST_STEPS, (int)strcspn(line, "\n"), line);
        double cpu = cpu_seconds();
        b->m.count = 0;
        while (b->m.count < steps && !status)
            status = step(b) ? cli_fail(b->c) : DONE;
        b->m.cpu = cpu_seconds() - cpu;
        if (!status)
            status = put_round(b);
    }
    return status;
}

/* ---- one workload, in a process of its own ---------------------------------------------------- */

static workload with_options(const workload *spec, const bench_options *o)
{
    workload w = *spec;

    w.cell = o->cell == CELL_OWN ? w.cell : (iv_cell)(o->cell - 1);
    w.layers = o->layers ? o->layers : w.layers;
    w.units = o->units ? o->units : w.units;
    w.vocabulary = o->vocabulary ? o->vocabulary : w.vocabulary;
    w.batch = o->batch ? o->batch : w.batch;
    w.length = o->length ? o->length : w.length;
    return w;
}

/* The first step is left out of what is measured: memory is touched there for the first time. */
static int run_workload(bench *b, const workload *spec, double begin)
{
    const workload w = with_options(spec, b->o);
    iv_status status = work_open(&b->work, b->home, &w, *b->o->data ? b->o->data : NULL);

    b->m.seconds = iv__alloc_array(b->home, MOST_STEPS, sizeof *b->m.seconds);
    if (status || !b->m.seconds)
        return cli_fail(b->c);
    b->m.ready = cli_clock() - begin;
    if (b->o->paced)
        return keep_pace(b);
    if (work_step(&b->work))
        return cli_fail(b->c);
    b->m.first = cli_clock() - begin;
    if (measure(b))
        return cli_fail(b->c);
    if (b->c->common.json)
        return put_json(b);
    put_row(b);
    return b->o->parts && bench_parts_put(&b->work, b->m.count) ? cli_fail(b->c) : DONE;
}

static int in_this_process(cli *c, const workload *spec, double begin)
{
    bench b = { .c = c, .o = c->options };
    iv_home *words = c->home;

    b.home = c->home = iv_home_new(
        &(iv_home_options){ .size = sizeof(iv_home_options), .threads = (int)c->common.threads });
    if (b.home)
        iv_home_set_precision(b.home, (iv_precision)b.o->precision);
    int status = b.home ? run_workload(&b, spec, begin) : cli_refuse("out of memory");
    if (b.home) {
        work_close(&b.work);
        iv__free(b.home, b.m.seconds);
    }
    iv_home_free(b.home);
    c->home = words;
    return status;
}

/* Each in a process of its own, so that the most memory it held and the time it took to begin are
 * its own. */
static int in_a_process(cli *c, const workload *spec)
{
    int how = 0;
    double begin = cli_clock();

    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        return cli_refuse("no process could be begun: %s", strerror(errno));
    if (child == 0) {
        int status = in_this_process(c, spec, begin);
        _exit(fflush(stdout) ? FAILED : status);
    }
    while (waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return cli_refuse("waiting for %s: %s", spec->name, strerror(errno));
    return WIFEXITED(how) ? WEXITSTATUS(how)
                          : cli_refuse("%s ended by signal %d", spec->name, WTERMSIG(how));
}

/* ---- the command --------------------------------------------------------------------------------- */

static int unknown_workload(const cli *c, const char *name)
{
    const char *names[32] = { 0 };
    int n = 0;

    for (const workload *spec = workloads; spec->name; spec++)
        names[n++] = spec->name;
    const char *near = iv__nearest(name, names);
    if (near)
        return cli_wrong(c, "there is no workload '%s'; did you mean '%s'?", name, near);
    return cli_wrong(c, "there is no workload '%s'", name);
}

static bool has_shape_options(const bench_options *o)
{
    return o->cell != CELL_OWN || o->layers || o->units || o->vocabulary || o->batch || o->length;
}

static bool has_own_shape(const workload *spec)
{
    return spec->kind == WORK_REAL || spec->kind == WORK_DRAW || spec->kind == WORK_PEAK;
}

static int check(const cli *c)
{
    const bench_options *o = c->options;

    if (o->paced && c->n_args != 1)
        return cli_wrong(c, "--paced is for one workload");
    for (int i = 0; i < c->n_args; i++) {
        const workload *spec = workload_named(c->args[i]);
        if (!spec)
            return unknown_workload(c, c->args[i]);
        if (has_shape_options(o) && has_own_shape(spec))
            return cli_wrong(c,
                             "%s has a shape of its own: leave --cell, --layers, --units, "
                             "--vocabulary, --batch and --length away",
                             spec->name);
    }
    return DONE;
}

static int cmd_bench(cli *c)
{
    const bench_options *o = c->options;
    int status = check(c);

    if (!status && !c->common.json && !o->paced)
        put_head();
    for (int i = 0; i < c->n_args && !status; i++)
        status = in_a_process(c, workload_named(c->args[i]));
    for (const workload *spec = workloads; spec->name && !c->n_args && !status; spec++)
        if (spec->kind != WORK_REAL && !(has_own_shape(spec) && has_shape_options(o)))
            status = in_a_process(c, spec);
    return status;
}

const command command_bench = {
    .name = "bench",
    .place = 80,
    .arguments = "[WORKLOAD]... [OPTION]...",
    .says = "the speed of this machine on Ivory's own workloads",
    .about = "Measures workloads, each in a process of its own:\n"
             "\n"
             "  recipes       training on random tokens: embedding 100, LSTM 128,\n"
             "                vocabulary 10,000, batch 32 x 200, Adam\n"
             "  recipes-2     the same with two layers\n"
             "  recipes-gru   the same with a GRU\n"
             "  recipes-real  the system recipes on its data, and the time of an epoch\n"
             "  fables        embedding 100, LSTM 256, vocabulary 4,169, batch 32 x 20,\n"
             "                loss on the last state only, RMSprop\n"
             "  chars-8       LSTM 128 on characters, 84 of them, batch 8 x 64, Adam\n"
             "  chars-128     the same, batch 128 x 64\n"
             "  sample        drawing 100 tokens of one text from the model of recipes\n"
             "  sample-16     the same for 16 texts at once\n"
             "  fashion       training a PixelCNN on random pictures of 16 x 16 pixels\n"
             "                (--length) in 4 levels (--vocabulary), 128 filters (--units),\n"
             "                5 blocks (--layers), batch 128, Adam\n"
             "  fashion-draw  drawing 10 pictures with such a network, plans and all\n"
             "  mixture-real  the system fashion-mixture on its data, and the time of an epoch\n"
             "  mixture-draw  drawing 10 pictures of 32 x 32 with it, plans and all\n"
             "  peak          multiplying and adding in registers alone\n"
             "\n"
             "Without a name: all that need no data. GFLOP are those of a step's products,\n"
             "counted from shapes (those of fashion-mixture are not); SHARE is their share of\n"
             "the peak, measured beside it.",
    .examples = { "ivory bench recipes chars-8", "ivory bench recipes --units 512 --threads 1 --json" },
    .fields = { bench_fields },
    .options_size = sizeof(bench_options),
    .most = 16,
    .run = cmd_bench,
};
