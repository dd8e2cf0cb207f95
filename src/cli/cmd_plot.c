/* ivory plot RUN: the losses as curves; the likeliest next words after given prompts as bars. */
#include "base/file.h"
#include "base/home.h"
#include "cli/figure.h"
#include "cli/metrics.h"
#include "models/common_writing.h"

#include <math.h>
#include <string.h>

enum { NEXT_WORDS = 5, MOST_PROMPTS = 16, MOST_POINTS = 4000 };
static const double temperatures[] = { 1.0, 0.2 };
enum { N_TEMPERATURES = sizeof temperatures / sizeof *temperatures };

typedef struct plot_options {
    const char *out, *prompt;
} plot_options;

/* clang-format off */
static const iv_field plot_fields[] = {
    FIELD(plot_options, out,    TEXT, "", 0, 0, "", "DIR",  "the folder of the pictures; without it RUN/plots"),
    FIELD(plot_options, prompt, TEXT, "", 0, 0, "", "TEXT",
          "show the likeliest next words after this text; may be given several times; without it "
          "the system's own prompts"),
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
        steps += !m->list[i].is_epoch;
    together = (steps + MOST_POINTS - 1) / MOST_POINTS;
    for (int64_t i = 0; i < m->count; i++) {
        const metric *one = &m->list[i];
        if (one->is_epoch)
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
        epoch += one->is_epoch;
        if (one->is_epoch && one->best) {
            best = one;
            best_epoch = epoch;
        }
        if (!one->is_epoch || isnan(one->validation))
            continue;
        iv__text_print(d, "%spoint\t%lld\t%.9g\n", any ? "" : "line\tvalidation\n",
                       (long long)one->step, one->validation);
        any = true;
    }
    if (best)
        iv__text_print(d, "marker\t%lld\tbest: epoch %lld\n", (long long)best->step,
                       (long long)best_epoch);
}

static int plot_losses(cli *c, const iv_instance *instance, const char *path, const char *folder)
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
    iv__text_put(&d, "end\n");
    if (m.count)
        status = figure_draw(c, &d, folder, "loss");
    iv__text_free(&d);
    metrics_free(&m);
    return status;
}

/* ---- next words -------------------------------------------------------------------- */

/* A token as a label: what cannot be seen gets a name. */
static void put_token(iv__text *d, const char *token)
{
    static const struct {
        const char *token, *label;
    } unseen[] = { { " ", "(blank)" }, { "\n", "\\n" }, { "\t", "\\t" }, { "\r", "\\r" }, { "", "(end)" } };

    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (!strcmp(token, unseen[i].token)) {
            iv__text_put(d, unseen[i].label);
            return;
        }
    figure_put_text(d, token);
}

static iv_status put_words(iv__writing *writing, iv__text *d, const char *prompt)
{
    const iv__vocabulary *vocabulary = iv__writing_language(writing)->vocabulary;
    iv__ids ids = { .home = d->home };
    iv_status status = iv__writing_encode(writing, prompt, &ids, NULL);

    if (!status)
        status = iv__writing_start(writing);
    if (!status)
        status = iv__writing_feed_all(writing, &ids);
    if (!status && !iv__writing_knows(writing))
        status = iv_fail(d->home, IV_VALUE,
                         "this model continues a text: give it a beginning with --prompt");
    for (int i = 0; i < N_TEMPERATURES && !status; i++) {
        iv__likely likely[NEXT_WORDS];
        int found = iv__writing_likeliest(writing, 0, temperatures[i], NEXT_WORDS, likely);
        iv__text_put(d, "panel\npanel-title\t");
        figure_put_text(d, *prompt ? prompt : "(the beginning)");
        iv__text_print(d, "\nnote\ttemperature %.1f\nbars\n", temperatures[i]);
        for (int k = 0; k < found; k++) {
            iv__text_put(d, "bar\t");
            put_token(d, iv__vocabulary_token(vocabulary, likely[k].token));
            iv__text_print(d, "\t%.6f\n", fmin(fmax(likely[k].probability, 0), 1));
        }
    }
    iv__ids_free(&ids);
    return status;
}

/* The next one of prompts that stand on lines of their own; NULL at the end. */
static const char *next_prompt(iv__arena *arena, const char **rest)
{
    size_t size = *rest ? strcspn(*rest, "\n") : 0;

    if (!*rest)
        return NULL;
    const char *prompt = iv__arena_print(arena, "%.*s", (int)size, *rest);
    *rest = (*rest)[size] ? *rest + size + 1 : NULL;
    return prompt;
}

static int plot_words(cli *c, iv__opened *run, const char *folder)
{
    const char *asked = ((const plot_options *)c->options)->prompt,
               *own = run->instance->system->prompts;
    const char *rest = *asked ? asked : own ? own : "", *prompt;
    iv__text d = { .home = c->home };
    iv__writing *writing = iv__writing_new(run->instance, run->params, 1);
    iv_status status = writing ? IV_OK : iv_home_status(c->home);

    iv__text_print(&d, "title\tThe likeliest next tokens\ncolumns\t%d\n", N_TEMPERATURES);
    for (int p = 0; p < MOST_PROMPTS && !status && (prompt = next_prompt(&c->arena, &rest)); p++)
        status = put_words(writing, &d, prompt);
    iv__writing_free(writing);
    iv__text_put(&d, "end\n");
    int exit_status = status ? cli_fail(c) : figure_draw(c, &d, folder, "next-words");
    iv__text_free(&d);
    return exit_status;
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

static int cmd_plot(cli *c)
{
    const plot_options *o = c->options;
    iv__opened run;
    iv__text folder = { .home = c->home }, losses = { .home = c->home };

    if (iv__run_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    run_folder_of(c->args[0], &folder);
    iv__text_print(&losses, "%s/metrics.jsonl", folder.data ? folder.data : "");
    iv__text_put(&folder, "/plots");
    int status = folder.failed || losses.failed ? cli_fail(c) : DONE;
    const char *out = *o->out ? o->out : folder.data;
    if (!status && iv__file_exists(losses.data))
        status = plot_losses(c, run.instance, losses.data, out);
    if (!status && run.instance->model->language)
        status = plot_words(c, &run, out);
    iv__text_free(&folder);
    iv__text_free(&losses);
    iv__opened_free(&run);
    return status;
}

const command command_plot = {
    .name = "plot",
    .place = 60,
    .arguments = "RUN [OPTION]...",
    .says = "curves of a training, likeliest next words, as pictures",
    .about = "Draws the losses of a run over its steps, and for text the five likeliest next\n"
             "words after each prompt at temperatures 1.0 and 0.2, as PNG and SVG into\n"
             "RUN/plots.",
    .examples = { "ivory plot runs/recipes",
                  "ivory plot runs/tales --prompt \"the fox\" --prompt \"the old\" --out drawn" },
    .fields = { plot_fields },
    .options_size = sizeof(plot_options),
    .joins = "prompt",
    .least = 1,
    .most = 1,
    .computes = true,
    .run = cmd_plot,
};
