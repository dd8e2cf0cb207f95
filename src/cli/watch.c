/* watch.c: what `ivory train` shows and writes while the loop runs. */
#include "cli/watch.h"

#include "base/file.h"
#include "base/home.h"
#include "cli/memory.h"
#include "cli/paint.h"
#include "cli/stop.h"

#include <math.h>
#include <string.h>

static bool stop(void *user)
{
    const watch *w = user;

    return stop_asked() || w->status;
}

/* ---- steps ------------------------------------------------------------------------- */

static void end_line(watch *w, iv__text *text)
{
    int status = cli_put_line(w->c, text);

    if (status)
        w->status = status;
    iv__text_free(text);
}

static void step(void *user, const iv__step_report *r)
{
    watch *w = user;
    iv__text text = { .home = w->c->home };
    iv__json_writer j = { .text = &text };

    if (!w->c->common.json) {
        bar_step(&w->bar, r);
        return;
    }
    iv__json_put_object(&j);
    cli_put_int(&j, "step", r->step);
    cli_put_int(&j, "epoch", r->epoch);
    cli_put_float(&j, "loss", r->loss);
    cli_put_float(&j, "norm", r->norm);
    cli_put_float(&j, "rate", r->rate);
    cli_put_float(&j, "seconds", r->seconds);
    iv__json_end_object(&j);
    end_line(w, &text);
}

static void note(void *user, const char *message)
{
    watch *w = user;
    iv__text text = { .home = w->c->home };
    iv__json_writer j = { .text = &text };

    bar_hide(&w->bar);
    cli_note(w->c, "%s", message);
    if (!w->c->common.json)
        return;
    iv__json_put_object(&j);
    cli_put_string(&j, "note", message);
    iv__json_end_object(&j);
    end_line(w, &text);
}

/* ---- samples of an epoch ----------------------------------------------------------- */

/* Of the samples that are looked for in the training text a few are shown. */
enum { SAMPLES = 32, SHOWN = 2 };

typedef struct epoch_samples {
    watch *w;
    iv__text file, shown[SHOWN];
} epoch_samples;

static void take_sample(void *user, const iv__sample *sample)
{
    epoch_samples *s = user;

    if (sample->number >= SHOWN)
        return;
    cli_put_short(&s->file, sample->text, SIZE_MAX);
    iv__text_put(&s->file, "\n");
    iv__text_put(&s->shown[sample->number], sample->text);
}

static iv_status write_file(const watch *w, int64_t epoch, const iv__text *text)
{
    iv_home *home = w->c->home;
    char name[64];

    snprintf(name, sizeof name, "samples/epoch-%04lld.txt", (long long)epoch);
    char *folder = iv__run_path(w->run, "samples"), *path = iv__run_path(w->run, name);
    iv_status status = folder && path && !text->failed ? iv__make_folders(home, folder) : IV_NOMEM;

    if (!status)
        status = iv__file_write(home, path, text->data, text->size);
    iv__free(home, folder);
    iv__free(home, path);
    return status;
}

static void show_sample(const epoch_samples *s, const iv__memory *memory, int i)
{
    iv__text line = { .home = s->w->c->home };
    char copy[64];

    snprintf(copy, sizeof copy, "  (longest copy %lld of %lld)",
             (long long)iv__memory_copy(memory, i).length, (long long)iv__memory_length(memory, i));
    size_t room = (size_t)bar_columns(), taken = strlen(copy) + 3;
    cli_put_short(&line, s->shown[i].data ? s->shown[i].data : "",
                  room > 2 * taken ? room - taken : taken);
    if (!line.failed)
        cli_note(s->w->c, "  %s%s", line.data ? line.data : "", copy);
    iv__text_free(&line);
}

static void put_copies(watch *w, const iv__memory_report *r)
{
    if (r->span)
        cli_note(w->c, "  copied: %.1f %% of the spans of %lld tokens, of real text %.1f %%%s",
                 100 * r->samples.spans, (long long)r->span, 100 * r->real.spans,
                 r->by_heart ? "  ALARM: learned by heart" : "");
}

/* A line of its own beside that of the epoch. */
static void keep_copies(watch *w, const iv__epoch_report *epoch, const iv__memory_report *r)
{
    iv__text text = { .home = w->c->home };
    iv__json_writer j = { .text = &text };
    iv__event_value values[] = { { "copies/longest", (float)r->samples.longest },
                                 { "copies/mean", (float)r->samples.mean },
                                 { "copies/spans", (float)r->samples.spans },
                                 { "copies/real spans", (float)r->real.spans } };

    iv__json_put_object(&j);
    cli_put_int(&j, "step", epoch->step);
    cli_put_int(&j, "epoch", epoch->epoch);
    cli_put_int(&j, "samples", r->samples.texts);
    cli_put_int(&j, "longest_copy", r->samples.longest);
    cli_put_float(&j, "mean_copy", r->samples.mean);
    cli_put_float(&j, "copied_whole", r->samples.whole);
    cli_put_int(&j, "copied_span", r->span);
    cli_put_float(&j, "copied_spans", r->samples.spans);
    cli_put_float(&j, "real_copied_spans", r->real.spans);
    cli_put_bool(&j, "by_heart", r->by_heart);
    iv__json_end_object(&j);
    if (!text.failed)
        iv__run_metric(w->run, text.data, epoch->step, r->span ? 4 : 2, values);
    if (w->c->common.json)
        end_line(w, &text);
    iv__text_free(&text);
}

static iv__memory *draw_samples(epoch_samples *s, int64_t epoch)
{
    iv__instance *instance = s->w->instance;
    const char *prompts = instance->system->prompts ? instance->system->prompts : "";
    iv__text prompt = { .home = s->w->c->home };
    iv__generation g = { 0 };

    iv__fields_default(iv__generation_fields, &g);
    iv__text_add(&prompt, prompts, strcspn(prompts, "\n"));
    g.prompt = prompt.data ? prompt.data : "";
    g.n = SAMPLES;
    g.seed = epoch;
    iv__memory *memory = memory_of_samples(instance, s->w->params, &g, take_sample, s);
    iv__text_free(&prompt);
    return memory;
}

/* Samples are an extra: what goes wrong with them is said, once, and training goes on. */
static void sample_epoch(watch *w, const iv__epoch_report *epoch)
{
    iv_home *home = w->c->home;
    epoch_samples s = { .w = w, .file = { .home = home }, .shown = { { .home = home }, { .home = home } } };
    iv__memory *memory = draw_samples(&s, epoch->epoch);

    for (int i = 0; memory && i < SHOWN; i++)
        show_sample(&s, memory, i);
    if (memory) {
        put_copies(w, iv__memory_report_of(memory));
        keep_copies(w, epoch, iv__memory_report_of(memory));
    }
    if (!memory || write_file(w, epoch->epoch, &s.file)) {
        if (!w->no_samples)
            cli_note(w->c, "no samples: %s", iv_home_message(home));
        w->no_samples = true;
        iv_home_clear(home);
    }
    iv__memory_free(memory);
    iv__text_free(&s.file);
    for (int i = 0; i < SHOWN; i++)
        iv__text_free(&s.shown[i]);
}

static void paint_samples_of(watch *w, int64_t epoch)
{
    iv_home *home = w->c->home;
    char name[64];

    snprintf(name, sizeof name, "samples/epoch-%04lld.png", (long long)epoch);
    char *folder = iv__run_path(w->run, "samples"), *path = iv__run_path(w->run, name);
    iv_status status = folder && path ? iv__make_folders(home, folder) : IV_NOMEM;

    if (!status)
        status = paint_epoch(w->instance, w->params, path, epoch);
    if (!status)
        cli_note(w->c, "  %s", path);
    if (status && status != IV_STOPPED && !w->no_samples) {
        cli_note(w->c, "no samples: %s", iv_home_message(home));
        w->no_samples = true;
    }
    if (status)
        iv_home_clear(home);
    iv__free(home, folder);
    iv__free(home, path);
}

/* ---- epochs ------------------------------------------------------------------------ */

static void put_epoch_line(watch *w, const iv__epoch_report *r)
{
    char validation[48] = "";

    if (!isnan(r->validation))
        snprintf(validation, sizeof validation, "  validation %.4f", r->validation);
    cli_note(w->c, "epoch %lld/%lld  training %.4f%s  %.1f s%s", (long long)r->epoch,
             (long long)r->epochs, r->training, validation, r->seconds, r->best ? "  best" : "");
}

static void put_epoch_json(watch *w, const iv__epoch_report *r)
{
    iv__text text = { .home = w->c->home };
    iv__json_writer j = { .text = &text };

    iv__json_put_object(&j);
    cli_put_int(&j, "step", r->step);
    cli_put_int(&j, "epoch", r->epoch);
    cli_put_float(&j, "training", r->training);
    cli_put_float(&j, "validation", r->validation);
    cli_put_bool(&j, "best", r->best);
    iv__json_end_object(&j);
    end_line(w, &text);
}

static void epoch(void *user, const iv__epoch_report *report)
{
    watch *w = user;

    bar_hide(&w->bar);
    if (w->c->common.json)
        put_epoch_json(w, report);
    else
        put_epoch_line(w, report);
    if (w->instance->model->sample && !stop_asked())
        sample_epoch(w, report);
    if (w->instance->model->palette && !stop_asked())
        paint_samples_of(w, report->epoch);
}

/* ---- the watch --------------------------------------------------------------------- */

watch watch_new(cli *c, iv__instance *instance, iv_params *params, iv__run *run)
{
    return (watch){ .c = c, .instance = instance, .params = params, .run = run, .bar = bar_new(c) };
}

iv__watcher watch_watcher(watch *w)
{
    return (iv__watcher){ .user = w, .step = step, .epoch = epoch, .note = note, .stop = stop };
}
