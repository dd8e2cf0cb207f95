/* memory.c: how much of what a run writes stands in its training text, as told to a person. */
#include "cli/memory.h"

#include "base/home.h"

#include <math.h>
#include <string.h>

/* ---- samples ----------------------------------------------------------------------- */

typedef struct drawing {
    iv__memory *memory;
    iv_status status;
    iv__sample_sink *also;
    void *user;
} drawing;

static void take_sample(void *user, const iv__sample *sample)
{
    drawing *d = user;

    if (!d->status)
        d->status = iv__memory_add(d->memory, sample);
    if (d->also)
        d->also(d->user, sample);
}

iv__memory *memory_of_samples(iv__instance *instance, iv_params *params, const iv__generation *g,
                              iv__sample_sink *also, void *user)
{
    iv__text unknown = { .home = instance->home };
    drawing d = { .memory = iv__memory_new(instance), .also = also, .user = user };

    if (!d.memory)
        return NULL;
    iv_status status = instance->model->sample(instance, params, g, take_sample, &d, &unknown);
    iv__text_free(&unknown);
    if (!status)
        status = d.status ? d.status : iv__memory_compare(d.memory);
    if (!status)
        return d.memory;
    iv__memory_free(d.memory);
    return NULL;
}

/* ---- figures ----------------------------------------------------------------------- */

/* clang-format off */
static const struct row {
    const char *name, *member; /* in the table, and in JSON */
    size_t offset;
    enum { COUNT, MEAN, SHARE } kind;
} rows[] = {
#define ROW(name, member, field, kind) { name, member, offsetof(iv__recall, field), kind }
    ROW("texts",               "texts",        texts,       COUNT),
    ROW("tokens",              "tokens",       tokens,      COUNT),
    ROW("distinct-1",          "distinct_1",   distinct[0], SHARE),
    ROW("distinct-2",          "distinct_2",   distinct[1], SHARE),
    ROW("distinct-3",          "distinct_3",   distinct[2], SHARE),
    ROW("distinct-4",          "distinct_4",   distinct[3], SHARE),
    ROW("longest copy",        "longest_copy", longest,     COUNT),
    ROW("mean longest copy",   "mean_copy",    mean,        MEAN),
    ROW("copied as a whole",   "copied_whole", whole,       SHARE),
    ROW("copied spans",        "copied_spans", spans,       SHARE),
#undef ROW
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof *rows };

static const char *cell(const iv__recall *r, const struct row *row, char text[32])
{
    const void *value = (const char *)r + row->offset;
    double number = row->kind == COUNT ? (double)*(const int64_t *)value : *(const double *)value;

    if (!r->texts || isnan(number))
        snprintf(text, 32, "-");
    else if (row->kind == COUNT)
        cli_count((int64_t)number, text);
    else
        snprintf(text, 32, row->kind == MEAN ? "%.1f" : "%.1f %%",
                 row->kind == MEAN ? number : 100 * number);
    return text;
}

void memory_put_alarm(const iv__memory *memory, iv__text *text)
{
    const iv__memory_report *r = iv__memory_report_of(memory);

    if (r->by_heart)
        iv__text_print(text,
                       "learned by heart: %.1f %% of the spans of %lld tokens that it writes stand word for word in "
                       "the training text, of real text %.1f %%; of its samples as a whole %.0f %%",
                       100 * r->samples.spans, (long long)r->span, 100 * r->real.spans,
                       100 * r->samples.whole);
}

/* The sample that copies most, and what. */
static void put_longest(cli *c, const iv__memory *memory)
{
    const iv__memory_report *r = iv__memory_report_of(memory);
    iv__text span = { .home = c->home }, line = { .home = c->home };
    int64_t sample = 0;

    if (!r->samples.longest)
        return;
    while (iv__memory_copy(memory, sample).length < r->samples.longest)
        sample++;
    iv__memory_show(memory, sample, &span);
    cli_put_short(&line, span.data ? span.data : "", 400);
    if (!span.failed && !line.failed)
        printf("\nlongest copy, in sample %lld, of training record %lld:\n  %s\n",
               (long long)sample + 1, (long long)iv__memory_copy(memory, sample).record + 1, line.data);
    iv__text_free(&span);
    iv__text_free(&line);
}

void memory_put(cli *c, const iv__memory *memory)
{
    const iv__memory_report *r = iv__memory_report_of(memory);
    iv__text alarm = { .home = c->home };
    char a[32], b[32], name[64];

    printf("\n%-24s %12s %12s\n", "against training text", "samples", "real text");
    for (int i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "%s", rows[i].name);
        if (rows[i].offset == offsetof(iv__recall, spans) && r->span)
            snprintf(name, sizeof name, "%s of %lld", rows[i].name, (long long)r->span);
        printf("%-24s %12s %12s\n", name, cell(&r->samples, &rows[i], a), cell(&r->real, &rows[i], b));
    }
    printf("real text: %s\n", !r->real.texts ? "there is too little to compare with"
                              : r->real_split == SPLIT_TRAIN
                                  ? "stretches of the training text, each left out of it"
                                  : "stretches of held-out records");
    put_longest(c, memory);
    memory_put_alarm(memory, &alarm);
    if (alarm.size && !alarm.failed)
        printf("\nALARM: %s.\n", alarm.data);
    iv__text_free(&alarm);
}

/* ---- JSON -------------------------------------------------------------------------- */

static void put_recall(iv__json_writer *w, const char *name, const iv__recall *r)
{
    iv__json_put_name(w, name);
    iv__json_put_object(w);
    for (int i = 0; i < ROWS; i++) {
        const void *value = (const char *)r + rows[i].offset;
        if (rows[i].kind == COUNT)
            cli_put_int(w, rows[i].member, *(const int64_t *)value);
        else
            cli_put_float(w, rows[i].member, *(const double *)value);
    }
    iv__json_end_object(w);
}

void memory_put_json(iv__json_writer *w, const iv__memory *memory)
{
    const iv__memory_report *r = iv__memory_report_of(memory);

    put_recall(w, "samples", &r->samples);
    put_recall(w, "real", &r->real);
    cli_put_string(w, "real_split", iv__split_name(r->real_split));
    cli_put_int(w, "copied_span", r->span);
    cli_put_bool(w, "by_heart", r->by_heart);
}
