/* ivory train SYSTEM: train a system into a run, or go on with one. */
#include "base/home.h"
#include "cli/forecast.h"
#include "cli/limit.h"
#include "cli/run_file.h"
#include "cli/stop.h"
#include "cli/summary.h"
#include "cli/watch.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct train_options {
    const char *out, *data;
    bool resume, as_printed;
} train_options;

/* clang-format off */
static const iv_field train_fields[] = {
    FIELD(train_options, out,        TEXT,   "",    0, 0, "", "RUN",
          "the folder of the run; without it runs/SYSTEM, with the next free number"),
    FIELD(train_options, data,       TEXT,   "",    0, 0, "", "PATH",
          "the data: a file, a data set's folder, the folder that holds data sets, or another data set's name"),
    FIELD(train_options, resume,     BOOL,   "no",  0, 0, "", "",
          "go on with a run where it stopped, as if it had never stopped; only --epochs, --steps "
          "and --threads may differ"),
    FIELD(train_options, as_printed, BOOL,   "no",  0, 0, "", "",
          "the system as its book printed it, faults included"),
    FIELD_END,
};
/* clang-format on */

typedef struct training {
    cli *c;
    const train_options *o;
    iv__instance *instance;
    iv_params *params;
    iv__run *run;
    iv__text data; /* path that was found */
    iv__text folder;
    int64_t step; /* where the checkpoint stands; 0: none */
} training;

/* ---- before ------------------------------------------------------------------------ */

static int open_data(training *t)
{
    cli *c = t->c;
    const char *path = *t->o->data ? t->o->data : NULL;
    const iv__dataset *set = iv__dataset_of(t->instance, &path);

    if (!set)
        return cli_fail(c);
    if (!path && !set->file && !set->asset)
        return cli_wrong(c, "%s trains on a file of your own: name it with --data FILE",
                         t->instance->system->name);
    if (iv__dataset_locate(c->home, set, path, &t->data) ||
        t->instance->model->open_data(t->instance, set, path))
        return cli_fail(c);
    return DONE;
}

/* That it fits into memory. A run that goes on keeps the micro-batch that it was begun with. */
static int fit(training *t, const iv__safetensors *checkpoint)
{
    int64_t *micro = &t->instance->training.micro_batch;
    const char *begun = checkpoint ? iv__safetensors_metadata(checkpoint, "training.micro_batch") : NULL;

    if (begun && !*micro && *t->c->common.max_memory)
        *micro = strtoll(begun, NULL, 10);
    int status = limit_fit(t->c, t->instance, checkpoint != NULL);
    if (status)
        return status;
    return iv__instance_describe(t->instance) ? cli_fail(t->c) : DONE;
}

/* That the checkpoint, if there is one, is of the same training. */
static int check_checkpoint(training *t)
{
    iv__text why = { .home = t->c->home };
    iv__safetensors *file = iv__run_checkpoint(t->run, &why);
    iv_status status = file ? IV_OK : iv_home_status(t->c->home);
    int unfit = status ? DONE : fit(t, file);

    if (file && !unfit)
        status = iv__instance_matches(t->instance, file);
    if (file && !unfit && !status) {
        const char *progress = iv__safetensors_metadata(file, "ivory.progress");
        t->step = progress ? strtoll(progress, NULL, 10) : 0;
    }
    iv__safetensors_close(file);
    iv__text_free(&why);
    return status ? cli_fail(t->c) : unfit;
}

static int open_run(training *t)
{
    cli *c = t->c;

    int status = t->o->resume ? DONE : fit(t, NULL); /* before anything is left behind */

    if (status)
        return status;
    iv__text_put(&t->folder, t->o->out);
    if (!*t->o->out && run_folder(t->instance->system->name, t->o->resume, &t->folder))
        return cli_fail(c);
    t->run = t->folder.failed ? NULL : iv__run_new(c->home, t->folder.data, t->o->resume);
    if (!t->run)
        return cli_fail(c);
    status = t->o->resume ? check_checkpoint(t) : DONE;
    if (status)
        return status;
    t->params = iv_params_new(c->home, IV_F32, (uint64_t)t->instance->training.seed);
    if (!t->params || iv__instance_make_params(t->instance, t->params) ||
        run_file_write(c, t->run, t->instance, iv_params_elements(t->params, ""),
                       t->data.data ? t->data.data : ""))
        return cli_fail(c);
    return DONE;
}

static int announce(training *t)
{
    cli *c = t->c;
    const iv__instance *instance = t->instance;
    const int64_t *n = instance->trainee.n_records;
    char a[32], b[32], d[32], e[32];
    summary_memory m;

    if (c->common.quiet || c->common.json)
        return DONE;
    cli_note(c, "%s: %s%s", instance->system->name, instance->system->says,
             instance->as_printed ? " (as printed)" : "");
    cli_note(c, "data        %s: %s", t->data.size ? t->data.data : "built in", instance->data_report);
    if (*instance->data_note)
        cli_note(c, "note        %s", instance->data_note);
    cli_note(c, "records     %s training, %s validation, %s test", cli_count(n[SPLIT_TRAIN], a),
             cli_count(n[SPLIT_VALIDATION], b), cli_count(n[SPLIT_TEST], d));
    if (!n[SPLIT_VALIDATION] && instance->training.validation > 0)
        cli_note(c, "note        so few records that none is kept for validation");
    cli_note(c, "parameters  %s", cli_count(iv_params_elements(t->params, ""), a));
    if (summary_foretell(t->instance, t->params, &m, NULL, NULL))
        return cli_fail(c);
    cli_note(c, "memory      %s: parameters %s, optimizer %s, slab %s", cli_bytes(m.total, a),
             cli_bytes(m.parameters, b), cli_bytes(m.optimizer, d), cli_bytes(m.slab, e));
    cli_note(c, "run         %s", t->folder.data);
    if (t->step)
        cli_note(c, "going on after step %s", cli_count(t->step, a));
    return DONE;
}

/* ---- after ------------------------------------------------------------------------- */

static iv_status weights_sha256(const training *t, char hex[65])
{
    iv__text why = { .home = t->c->home };
    iv__safetensors *file = iv__run_checkpoint(t->run, &why);
    iv_status status = file ? iv__checkpoint_sha256(t->c->home, file, hex) : iv_home_status(t->c->home);

    iv__safetensors_close(file);
    iv__text_free(&why);
    return status;
}

/* The most memory that this process held. */
static int64_t peak_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) ? 0 : (int64_t)usage.ru_maxrss * 1024;
}

static int put_end_json(training *t, bool done)
{
    iv__text text = { .home = t->c->home };
    iv__json_writer w = { .text = &text };
    char hex[65] = "";

    if (weights_sha256(t, hex))
        return cli_fail(t->c);
    iv__json_put_object(&w);
    iv__json_put_name(&w, "done"), iv__json_put_bool(&w, done);
    iv__json_put_name(&w, "run"), iv__json_put_string(&w, t->folder.data);
    iv__json_put_name(&w, "weights_sha256"), iv__json_put_string(&w, hex);
    iv__json_put_name(&w, "peak_bytes"), iv__json_put_int(&w, peak_bytes());
    iv__json_end_object(&w);
    int status = cli_put_line(t->c, &text);
    iv__text_free(&text);
    return status;
}

/* Stopped on request: how to go on. */
static int say_stopped(training *t)
{
    iv__text again = { .home = t->c->home };
    int status = cli_fail(t->c);

    if (t->c->common.json)
        put_end_json(t, false);
    run_resume_command(t->c, t->folder.data, &again);
    if (!again.failed)
        cli_note(t->c, "To go on: %s", again.data);
    iv__text_free(&again);
    return status;
}

/* With the first of the system's prompts, if it has one that is not empty. */
static void say_sample(const training *t, const char *run)
{
    const char *prompts = t->instance->system->prompts;

    if (prompts && *prompts != '\n')
        cli_note(t->c, "  ivory sample %s --n 3 --prompt \"%.*s\"", run,
                 (int)strcspn(prompts, "\n"), prompts);
    else
        cli_note(t->c, "  ivory sample %s --n 3", run);
}

/* A picture of predictions is an extra: what goes wrong with it is said, and the training is done all the same. */
static void draw_forecast(training *t)
{
    iv__opened run;
    iv__text folder = { .home = t->c->home };
    const char *data = t->data.data;

    iv__text_print(&folder, "%s/plots", t->folder.data);
    if (folder.failed || iv__opened_load(t->c->home, t->folder.data, "model", &run)) {
        cli_fail(t->c);
    } else {
        if (run.instance->model->open_data(run.instance, iv__dataset_named(run.instance->data), data))
            cli_fail(t->c);
        else
            forecast_draw(t->c, &run, folder.data);
        iv__opened_free(&run);
    }
    iv__text_free(&folder);
}

/* run, data: as a shell takes them. */
static void say_next(const training *t, const char *run, const char *data)
{
    const iv__model *model = t->instance->model;

    cli_note(t->c, "The model is %s/model.safetensors. Next:", t->folder.data);
    if (model->palette)
        cli_note(t->c, "  ivory sample %s --n 16", run);
    else if (model->predict)
        cli_note(t->c, "  ivory sample %s --data FILE", run);
    else if (model->sample)
        say_sample(t, run);
    else if (model->talk)
        cli_note(t->c, "  ivory write %s", run);
    if (t->instance->trainee.n_records[SPLIT_TEST])
        cli_note(t->c, "  ivory eval %s%s", run, data);
    cli_note(t->c, "  ivory plot %s%s", run, model->predict ? data : "");
}

static int say_done(training *t)
{
    if (t->instance->model->predict)
        draw_forecast(t);
    if (t->c->common.json)
        return put_end_json(t, true);
    iv__text run = { .home = t->c->home }, data = { .home = t->c->home };
    cli_put_quoted(&run, t->folder.data);
    if (*t->o->data) {
        iv__text_put(&data, " --data ");
        cli_put_quoted(&data, t->o->data);
    }
    if (!run.failed && !data.failed)
        say_next(t, run.data, data.data ? data.data : "");
    iv__text_free(&run);
    iv__text_free(&data);
    return DONE;
}

/* ---- the command ------------------------------------------------------------------- */

static int train(training *t)
{
    watch w = watch_new(t->c, t->instance, t->params, t->run);
    iv__watcher watcher = watch_watcher(&w);

    stop_on_signals();
    signal(SIGPIPE, SIG_IGN); /* who read our messages, or --json, has gone: no reason to end without saving */
    iv_status status = iv__train(t->run, &t->instance->training, t->params, &t->instance->trainee,
                                 &watcher);
    bar_hide(&w.bar);
    if (w.status)
        return w.status;
    if (status == IV_STOPPED)
        return say_stopped(t);
    return status ? cli_fail(t->c) : say_done(t);
}

static int cmd_train(cli *c)
{
    training t = { .c = c, .o = c->options, .data = { .home = c->home }, .folder = { .home = c->home } };
    int status;

    t.instance = cli_instance(c, t.o->as_printed, &status);
    if (t.instance && t.instance->training.validation + t.instance->training.test >= 1)
        status = cli_wrong(
            c, "--validation and --test leave nothing to train on: together they must stay below 1");
    else if (t.instance)
        status = open_data(&t);
    if (!status) {
        iv_home_set_precision(c->home, (iv_precision)t.instance->training.precision);
        status = open_run(&t);
    }
    if (!status)
        status = announce(&t);
    if (!status)
        status = train(&t);
    iv_params_free(t.params);
    iv__run_free(t.run);
    iv__instance_free(t.instance);
    iv__text_free(&t.data);
    iv__text_free(&t.folder);
    return status;
}

const command command_train = {
    .name = "train",
    .place = 20,
    .arguments = "SYSTEM [-o RUN] [OPTION]...",
    .says = "train a system into a run, a folder; or go on with one",
    .about = "Trains a system. The run's folder keeps the best model (model.safetensors),\n"
             "what resuming needs, the losses, and samples of each epoch. Ctrl-C saves and\n"
             "ends with status 130; the same command with --resume goes on, as if it had\n"
             "never stopped.",
    .examples = { "ivory train recipes -o runs/cook",
                  "ivory train text --data book.txt --units 256 --epochs 10" },
    .fields = { train_fields },
    .options_size = sizeof(train_options),
    .least = 1,
    .most = 1,
    .takes_system = true,
    .computes = true,
    .run = cmd_train,
};
