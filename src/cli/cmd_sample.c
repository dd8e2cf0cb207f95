/* ivory sample RUN: generate with a trained run. */
#include "base/file.h"
#include "base/home.h"
#include "cli/cli.h"

#include <string.h>
#include <unistd.h>

typedef struct sample_options {
    iv_generation generation; /* first: its own table speaks of it */
    const char *out;
    bool raw;
    int precision;
} sample_options;

/* clang-format off */
static const iv_field sample_fields[] = {
    FIELD(sample_options, out, TEXT, "",   0, 0, "", "FILE", "write the samples to this file"),
    FIELD(sample_options, raw, BOOL, "no", 0, 0, "", "",     "line breaks as they are; else written as \\n"),
    CLI_PRECISION(sample_options),
    FIELD_END,
};
/* clang-format on */

enum { LONGEST_NOTE = 300 };

/* Where samples go: a file, or (NULL) standard output. */
typedef struct sampling {
    cli *c;
    iv__writer *file;
    iv__text line;
    int64_t tokens;
    int status;
} sampling;

static void put_json(iv__text *line, const iv_sample *sample)
{
    iv__json_writer w = { .text = line };

    iv__json_put_object(&w);
    iv__json_put_name(&w, "sample"), iv__json_put_int(&w, sample->number + 1);
    iv__json_put_name(&w, "text"), iv__json_put_string(&w, sample->text);
    iv__json_put_name(&w, "tokens"), iv__json_put_int(&w, sample->tokens);
    iv__json_put_name(&w, "ended"), iv__json_put_bool(&w, sample->ended);
    iv__json_end_object(&w);
}

static void take_sample(void *user, const iv_sample *sample)
{
    sampling *s = user;
    const sample_options *o = s->c->options;

    s->tokens += sample->tokens;
    iv__text_clear(&s->line);
    if (s->c->common.json)
        put_json(&s->line, sample);
    else if (o->raw)
        iv__text_put(&s->line, sample->text);
    else
        cli_put_short(&s->line, sample->text, SIZE_MAX);
    if (s->status || s->line.failed)
        return;
    if (!s->file) {
        s->status = cli_put_line(s->c, &s->line);
        return;
    }
    iv__text_put(&s->line, "\n");
    iv__writer_add(s->file, s->line.data, s->line.size);
}

static void put_note(cli *c, const char *note)
{
    iv__text line = { .home = c->home };

    cli_put_short(&line, note, LONGEST_NOTE);
    if (!line.failed && line.data)
        cli_note(c, "ivory: %s", line.data);
    iv__text_free(&line);
}

static int write_samples(cli *c, iv__opened *run)
{
    const sample_options *o = c->options;
    sampling s = { .c = c, .line = { .home = c->home } };
    iv__text note = { .home = c->home };
    double begin = cli_clock();

    if (*o->out && !(s.file = iv__writer_new(c->home, o->out)))
        return cli_fail(c);
    if (run->instance->model->sample(run->instance, run->params, &o->generation, take_sample, &s, &note))
        s.status = cli_fail(c);
    double seconds = cli_clock() - begin;
    if (note.size)
        put_note(c, note.data);
    if (s.line.failed && !s.status)
        s.status = cli_fail(c);
    if (s.file && s.status)
        iv__writer_cancel(s.file);
    else if (s.file && iv__writer_commit(s.file))
        s.status = cli_fail(c);
    if (!s.status && isatty(STDERR_FILENO))
        cli_note(c, "%lld tokens in %.2f s, %.0f a second", (long long)s.tokens, seconds,
                 (double)s.tokens / seconds);
    iv__text_free(&s.line);
    iv__text_free(&note);
    return s.status;
}

static int cmd_sample(cli *c)
{
    iv__opened run;

    if (iv__run_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    cli_use_precision(c, ((const sample_options *)c->options)->precision, run.instance);
    int status = run.instance->model->sample
                     ? write_samples(c, &run)
                     : cli_refuse("the model %s generates nothing", run.instance->model->name);
    iv__opened_free(&run);
    return status;
}

const command command_sample = {
    .name = "sample",
    .place = 30,
    .arguments = "RUN [OPTION]...",
    .says = "generate with a trained run",
    .about = "Generates with a trained run: its folder, or a model file of it alone. A text\n"
             "sample is one line. The same seed draws the same samples; more of them begin\n"
             "with the same ones.",
    .examples = { "ivory sample runs/recipes --prompt \"Recipe for roast\" --temperature 0.5",
                  "ivory sample runs/tales/model.safetensors --n 9 --top-p 0.9 --out tales.txt" },
    .fields = { iv_generation_fields, sample_fields },
    .options_size = sizeof(sample_options),
    .least = 1,
    .most = 1,
    .computes = true,
    .run = cmd_sample,
};
