/* ivory plot RUN: the losses as curves; the likeliest next words after given prompts as bars, or a
 * page of samples and next words at several temperatures. */
#include "base/file.h"
#include "base/home.h"
#include "cli/figure.h"
#include "cli/forecast.h"
#include "cli/metrics.h"
#include "cli/next_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PROMPTS = 16, MOST_TEMPERATURES = 16, MOST_POINTS = 4000 };

typedef struct plot_options {
    const char *out, *data, *prompt, *prompts, *temperatures;
} plot_options;

/* clang-format off */
static const iv_field plot_fields[] = {
    FIELD(plot_options, out,    TEXT, "", 0, 0, "", "DIR",  "the folder of the pictures; without it RUN/plots"),
    FIELD(plot_options, data,   TEXT, "", 0, 0, "", "PATH",
          "of a run on a table of your own: that table, for its predictions to be drawn beside it"),
    FIELD(plot_options, prompt, TEXT, "", 0, 0, "", "TEXT",
          "show the likeliest next words after this text; may be given several times; without it the "
          "system's own prompts"),
    FIELD(plot_options, prompts, TEXT, "", 0, 0, "", "FILE",
          "the same after each line of this file; where there is no such file, after each line of what is "
          "given"),
    FIELD(plot_options, temperatures, TEXT, "", 0, 0, "", "LIST",
          "as 0.3,0.8,1,1.3,1.8: in place of the next words at 1.0 and 0.2, a page (HTML, PNG, SVG) with "
          "samples and the likeliest next words at each of these temperatures"),
    FIELD_END,
};
/* clang-format on */

/* ---- losses ------------------------------------------------------------------------ */

/* Steps as points, each the mean of as many steps as keep the picture small. */
static void put_steps(iv__text *d, const metrics *m, bool rate)
{
    int64_t steps = 0, together, n = 0;
    double sum = 0;

    for (int64_t i = 0; i < m->count; i++)
        steps += m->list[i].kind == METRIC_STEP;
    together = (steps + MOST_POINTS - 1) / MOST_POINTS;
    for (int64_t i = 0; i < m->count; i++) {
        const metric *one = &m->list[i];
        if (one->kind != METRIC_STEP)
            continue;
        sum += rate ? one->rate : one->loss;
        if (++n == together) {
            iv__text_print(d, "point\t%lld\t%.9g\n", (long long)one->step, sum / (double)n);
            sum = 0;
            n = 0;
        }
    }
}

static void put_epochs(iv__text *d, const metrics *m)
{
    const metric *best = NULL;
    int64_t epoch = 0, best_epoch = 0;
    bool any = false;

    for (int64_t i = 0; i < m->count; i++) {
        const metric *one = &m->list[i];
        epoch += one->kind == METRIC_EPOCH;
        if (one->kind == METRIC_EPOCH && one->best) {
            best = one;
            best_epoch = epoch;
        }
        if (one->kind != METRIC_EPOCH || isnan(one->validation))
            continue;
        iv__text_print(d, "%spoint\t%lld\t%.9g\n", any ? "" : "line\tvalidation\n",
                       (long long)one->step, one->validation);
        any = true;
    }
    if (best)
        iv__text_print(d, "marker\t%lld\tbest: epoch %lld\n", (long long)best->step,
                       (long long)best_epoch);
}

/* What the samples of epochs copy from the training text, beside real text. */
static void put_copies(iv__text *d, const metrics *m)
{
    static const char *const names[] = { "samples", "real text" };
    bool any = false;

    for (int64_t i = 0; i < m->count; i++)
        any = any || !isnan(m->list[i].copied);
    if (!any)
        return;
    iv__text_put(d, "panel\npanel-title\tSpans that stand in the training text\nx-label\tstep\n"
                    "y-label\tshare\nheight\t0.5\n");
    for (int real = 0; real < 2; real++) {
        iv__text_print(d, "line\t%s\n", names[real]);
        for (int64_t i = 0; i < m->count; i++)
            if (m->list[i].kind == METRIC_COPIES)
                iv__text_print(d, "point\t%lld\t%.9g\n", (long long)m->list[i].step,
                               real ? m->list[i].real_copied : m->list[i].copied);
    }
}

static int plot_losses(cli *c, const iv__instance *instance, const char *path, const char *folder)
{
    metrics m;
    iv__text d = { .home = c->home };
    int status = DONE;

    if (metrics_read(c->home, path, &m))
        return cli_fail(c);
    iv__text_print(&d, "title\t%s\npanel\npanel-title\tLoss\nx-label\tstep\ny-label\tloss\nline\ttraining\n",
                   instance->system->name);
    put_steps(&d, &m, false);
    put_epochs(&d, &m);
    iv__text_put(&d, "panel\npanel-title\tLearning rate\nx-label\tstep\nheight\t0.5\nline\tlearning rate\n");
    put_steps(&d, &m, true);
    put_copies(&d, &m);
    iv__text_put(&d, "end\n");
    if (m.count)
        status = figure_draw(c, &d, folder, "loss");
    iv__text_free(&d);
    metrics_free(&m);
    return status;
}

/* ---- next words -------------------------------------------------------------------- */

/* Adds the lines of a text that are not empty to the prompts; how many there are then, -1 when memory
 * is out or they are too many. */
static int add_prompts(cli *c, const char *text, size_t size, const char *prompts[MOST_PROMPTS], int n)
{
    for (const char *at = text, *end = text + size; at < end;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        int length = (int)((line_end ? line_end : end) - at);
        if (length && n == MOST_PROMPTS)
            return cli_refuse("there are more than %d prompts", MOST_PROMPTS), -1;
        if (length && !(prompts[n++] = iv__arena_print(&c->arena, "%.*s", length, at)))
            return cli_fail(c), -1;
        at += length + 1;
    }
    return n;
}

/* The prompts asked for, else the system's own, else none but the beginning. How many; -1 once it
 * was said what is wrong. */
static int find_prompts(cli *c, const iv__system *system, const char *prompts[MOST_PROMPTS])
{
    const plot_options *o = c->options;
    const char *own = system->prompts && !*o->prompt && !*o->prompts ? system->prompts : "";
    iv__view view = { 0 };
    int n = add_prompts(c, own, strlen(own), prompts, 0);

    if (n >= 0)
        n = add_prompts(c, o->prompt, strlen(o->prompt), prompts, n);
    if (n >= 0 && iv__file_exists(o->prompts)) {
        if (iv__view_open(c->home, o->prompts, &view))
            return cli_fail(c), -1;
        n = add_prompts(c, (const char *)view.data, view.size, prompts, n);
        iv__view_close(&view);
    } else if (n >= 0) {
        n = add_prompts(c, o->prompts, strlen(o->prompts), prompts, n);
    }
    if (n == 0)
        prompts[n++] = "";
    return n;
}

/* "0.3,0.8,1": how many, or 0 once it was said what is wrong. */
static int read_temperatures(cli *c, const char *list, double temperatures[MOST_TEMPERATURES])
{
    int n = 0;

    for (const char *at = list;; at++) {
        char *end;
        double t = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(t >= 0 && t <= 100))
            return cli_wrong(c, "--temperatures is a list of numbers from 0 to 100, as 0.5,1,1.5; got '%s'",
                             list),
                   0;
        if (n == MOST_TEMPERATURES)
            return cli_wrong(c, "--temperatures takes at most %d numbers", MOST_TEMPERATURES), 0;
        temperatures[n++] = t;
        if (!*end)
            return n;
        at = end;
    }
}

static int plot_text(cli *c, iv__opened *run, const char *folder)
{
    const plot_options *o = c->options;
    const char *prompts[MOST_PROMPTS];
    double temperatures[MOST_TEMPERATURES];
    int n = find_prompts(c, run->instance->system, prompts);

    if (n < 0)
        return FAILED;
    if (!*o->temperatures)
        return next_words_draw(c, run, n, prompts, folder);
    int n_temperatures = read_temperatures(c, o->temperatures, temperatures);
    if (!n_temperatures)
        return WRONG;
    if (n * n_temperatures > NEXT_WORDS_MOST_PAIRS)
        return cli_wrong(c, "%d prompts at %d temperatures are more than fit a page: %d pairs do",
                         n, n_temperatures, NEXT_WORDS_MOST_PAIRS);
    return next_words_draw_page(c, run, n, prompts, n_temperatures, temperatures, folder);
}

/* ---- predictions ------------------------------------------------------------------- */

static int plot_forecast(cli *c, iv__opened *run, const char *folder)
{
    const plot_options *o = c->options;
    const char *data = *o->data ? o->data : NULL;
    const iv__dataset *set = iv__dataset_of(run->instance, &data);

    if (!set)
        return cli_fail(c);
    if (!data && !set->file) {
        cli_note(c, "predictions are drawn beside the table: name it with --data FILE");
        return DONE;
    }
    return run->instance->model->open_data(run->instance, set, data) ? cli_fail(c)
                                                                     : forecast_draw(c, run, folder);
}

/* ---- distributions ------------------------------------------------------------------ */

/* The share of numbers in each of equal stretches, from the smallest of all to the largest. */
static void put_spread(iv__text *d, const iv__spread *s, double low, double high)
{
    enum { STRETCHES = 40 };
    int64_t count[STRETCHES] = { 0 };

    for (int64_t i = 0; i < s->n; i++) {
        const int at = (int)((s->value[i] - low) / (high - low) * STRETCHES);
        count[at < STRETCHES ? at : STRETCHES - 1]++;
    }
    iv__text_print(d, "line\t%s\n", s->name);
    for (int i = 0; i < STRETCHES && s->n; i++)
        iv__text_print(d, "point\t%.9g\t%.9g\n", low + (i + 0.5) / STRETCHES * (high - low),
                       (double)count[i] / (double)s->n);
}

static int draw_spreads(cli *c, const iv__instance *instance, const char *says, int n,
                        const iv__spread *spread, const char *folder)
{
    iv__text d = { .home = c->home };
    double low = INFINITY, high = -INFINITY;

    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < spread[i].n; k++) {
            low = fmin(low, spread[i].value[k]);
            high = fmax(high, spread[i].value[k]);
        }
    iv__text_print(&d, "title\t%s\npanel\nx-label\t%s\ny-label\tshare\n", instance->system->name, says);
    for (int i = 0; i < n && low < high; i++)
        put_spread(&d, &spread[i], low, high);
    iv__text_put(&d, "end\n");
    int status = low < high ? figure_draw(c, &d, folder, says) : DONE;
    iv__text_free(&d);
    return status;
}

static int plot_spreads(cli *c, iv__opened *run, const char *folder)
{
    const char *said = ((const plot_options *)c->options)->data, *data = *said ? said : NULL, *says;
    const iv__dataset *set = iv__dataset_of(run->instance, &data);
    iv__spread spread[IV__MAX_SPREADS] = { { NULL, NULL, 0 } };

    if (!set || run->instance->model->open_data(run->instance, set, data))
        return cli_fail(c);
    const int n = run->instance->model->spreads(run->instance, run->params, &says, spread);
    int status = n < 0 ? cli_fail(c) : draw_spreads(c, run->instance, says, n, spread, folder);
    for (int i = 0; i < IV__MAX_SPREADS; i++)
        iv__free(c->home, spread[i].value);
    return status;
}

/* ---- the command ------------------------------------------------------------------- */

/* The run's folder: RUN itself, or the one that its model file lies in. */
static void run_folder_of(const char *run, iv__text *folder)
{
    const char *slash = strrchr(run, '/');

    if (iv__is_folder(run))
        iv__text_put(folder, run);
    else if (slash)
        iv__text_add(folder, run, (size_t)(slash - run));
    else
        iv__text_put(folder, ".");
}

/* An option that is of texts alone, or NULL. */
static const char *of_texts(const plot_options *o)
{
    return *o->prompt         ? "prompt"
           : *o->prompts      ? "prompts"
           : *o->temperatures ? "temperatures"
                              : NULL;
}

static int plot_all(cli *c, iv__opened *run)
{
    const plot_options *o = c->options;
    const iv__model *model = run->instance->model;
    iv__text folder = { .home = c->home }, losses = { .home = c->home };

    run_folder_of(c->args[0], &folder);
    iv__text_print(&losses, "%s/metrics.jsonl", folder.data ? folder.data : "");
    const bool within = *o->out || (!folder.failed && !iv__run_stays_within(c->home, folder.data));
    iv__text_put(&folder, "/plots");
    int status = folder.failed || losses.failed || !within ? cli_fail(c) : DONE;
    const char *out = *o->out ? o->out : folder.data;
    if (!status && iv__file_exists(losses.data))
        status = plot_losses(c, run->instance, losses.data, out);
    if (!status && model->language)
        status = plot_text(c, run, out);
    if (!status && model->predict)
        status = plot_forecast(c, run, out);
    if (!status && model->spreads)
        status = plot_spreads(c, run, out);
    iv__text_free(&folder);
    iv__text_free(&losses);
    return status;
}

static int cmd_plot(cli *c)
{
    const char *useless = of_texts(c->options);
    iv__opened run;

    if (iv__opened_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    int status = useless && !run.instance->model->language
                     ? cli_wrong(c, "--%s is for runs that write texts, and %s writes none",
                                 useless, c->args[0])
                     : plot_all(c, &run);
    iv__opened_free(&run);
    return status;
}

const command command_plot = {
    .name = "plot",
    .place = 60,
    .arguments = "RUN [OPTION]...",
    .says = "curves of a training, likeliest next words, predictions, as pictures",
    .about = "Draws the losses of a run over its steps, and for text the five likeliest next\n"
             "words after each prompt at temperatures 1.0 and 0.2, as PNG and SVG into\n"
             "RUN/plots. With --temperatures the words stand beside samples, on a page that is\n"
             "HTML too: one file that needs no network. Of a run on a table what it predicts is\n"
             "drawn beside what was measured.",
    .examples = { "ivory plot runs/recipes",
                  "ivory plot runs/tales --temperatures 0.3,1,1.8 --prompt \"the fox\" --prompt \"the old\"" },
    .fields = { plot_fields },
    .options_size = sizeof(plot_options),
    .joins = "prompt",
    .least = 1,
    .most = 1,
    .computes = true,
    .run = cmd_plot,
};
