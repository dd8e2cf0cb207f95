/* ivory sample RUN: generate with a trained run. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/home.h"
#include "base/math.h"
#include "cli/forecast.h"
#include "cli/paint.h"
#include "cli/stop.h"
#include "data/lines.h"
#include "models/common_writing.h"

#include <string.h>
#include <unistd.h>

typedef struct sample_options {
    iv__generation generation; /* first: its own table speaks of it */
    paint_options paint;       /* its `out` is that of texts, too */
    const char *prompts, *stop, *data;
    bool raw;
    int precision;
} sample_options;

/* clang-format off */
static const iv_field sample_fields[] = {
    FIELD(sample_options, prompts, TEXT, "", 0, 0, "", "FILE", "samples of each line of this file as a prompt; blank lines are passed over"),
    FIELD(sample_options, stop, TEXT, "",   0, 0, "", "TEXT", "end a sample before this text; may be given several times"),
    { "out", IV_FIELD_TEXT, offsetof(sample_options, paint.out), "", 0, 0, "", "FILE", "write the samples to this file; of pictures a sheet (.png, .jpg, .webp, .ppm), or NAME/ for a file each" },
    { "complete", IV_FIELD_TEXT, offsetof(sample_options, paint.complete), "", 0, 0, "", "FILE", "pictures: go on with this one, of which the first rows are kept" },
    { "rows", IV_FIELD_INT, offsetof(sample_options, paint.rows), "0", 0, 65536, "", "", "pictures: so many rows of it are kept; 0: half of them" },
    { "class", IV_FIELD_TEXT, offsetof(sample_options, paint.class_name), "", 0, 0, "", "NAME", "pictures: of this class, where the run was trained with classes; else of all in turn" },
    { "animate", IV_FIELD_TEXT, offsetof(sample_options, paint.animate), "", 0, 0, "", "FILE", "pictures: how the first was drawn, as an animated PNG" },
    FIELD(sample_options, data, TEXT, "",   0, 0, "", "FILE", "tables: predict each row of this CSV file"),
    FIELD(sample_options, raw, BOOL, "no", 0, 0, "", "",     "line breaks as they are; else written as \\n"),
    CLI_PRECISION(sample_options),
    FIELD_END,
};
/* clang-format on */

#define STOPS_JOINT "\x1e" /* what no text has */
enum { LONGEST_NOTE = 300 };

/* Where samples go: a file, or (NULL) standard output. */
typedef struct sampling {
    cli *c;
    iv__generation generation;
    const iv__vocabulary *vocabulary;
    iv__writer *file;
    iv__text line;
    int64_t tokens;
    int status;
} sampling;

static void put_tokens(iv__json_writer *w, const iv__vocabulary *vocabulary, const iv__sample *sample)
{
    iv__json_put_name(w, "tokens");
    iv__json_put_array(w);
    for (int64_t i = 0; i < sample->n; i++) {
        iv__json_put_object(w);
        int32_t id = sample->id[sample->n_prompt + i];
        iv__json_put_name(w, "token");
        iv__json_put_bytes(w, iv__vocabulary_token(vocabulary, id),
                           iv__vocabulary_token_size(vocabulary, id));
        cli_put_float(w, "probability", iv__exp_f64(sample->score[i].log_probability));
        cli_put_int(w, "rank", sample->score[i].rank);
        iv__json_end_object(w);
    }
    iv__json_end_array(w);
}

static void put_json(sampling *s, const iv__sample *sample)
{
    const iv__generation *g = &s->generation;
    iv__json_writer w = { .text = &s->line };

    iv__json_put_object(&w);
    cli_put_int(&w, "sample", sample->prompt * g->n + sample->number + 1);
    cli_put_string(&w, "prompt", g->n_prompts ? g->prompts[sample->prompt] : g->prompt);
    iv__json_put_name(&w, "text");
    iv__json_put_bytes(&w, sample->text, sample->size);
    if (g->beam) {
        cli_put_float(&w, "log_probability", sample->log_probability);
        cli_put_float(&w, "per_token", sample->per_token);
    }
    put_tokens(&w, s->vocabulary, sample);
    cli_put_bool(&w, "ended", sample->ended);
    iv__json_end_object(&w);
}

/* Line breaks as \n; zero bytes, which samples of bytes may have, as \0. */
static void put_on_a_line(iv__text *line, const iv__sample *sample)
{
    for (size_t i = 0; i <= sample->size; i += strlen(sample->text + i) + 1) {
        iv__text_put(line, i ? "\\0" : "");
        cli_put_short(line, sample->text + i, SIZE_MAX);
    }
}

static void take_sample(void *user, const iv__sample *sample)
{
    sampling *s = user;
    const sample_options *o = s->c->options;

    s->tokens += sample->n;
    iv__text_clear(&s->line);
    if (s->generation.beam && !s->c->common.json)
        iv__text_print(&s->line, "%.4f\t", sample->per_token);
    if (s->c->common.json)
        put_json(s, sample);
    else if (o->raw)
        iv__text_add(&s->line, sample->text, sample->size);
    else
        put_on_a_line(&s->line, sample);
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

/* The lines of a file that are not blank. */
static int read_prompts(cli *c, const char *path, iv__generation *g)
{
    iv__source *source = iv__source_open(c->home, path);
    iv__lines *lines = source ? iv__lines_new(source) : NULL;
    iv__text text = { .home = c->home };
    bool whole = true, begun = false, failed = !lines;
    const char *line;
    size_t size;

    while (lines && iv__lines_next(lines, &line, &size, &whole, &failed)) {
        begun |= !iv__line_is_blank(line, size);
        if (!begun)
            continue;
        iv__text_add(&text, line, size);
        if (!whole) /* a piece of a long line */
            continue;
        iv__text_add(&text, "", 1);
        g->n_prompts++;
        begun = false;
    }
    const char **prompts = iv__arena_get(&c->arena, ((size_t)g->n_prompts + 1) * sizeof *prompts);
    char *copy = iv__arena_get(&c->arena, text.size + 1), *at = copy;
    failed |= text.failed || !prompts || !copy;
    if (!failed && text.size)
        memcpy(copy, text.data, text.size);
    for (int64_t i = 0; i < g->n_prompts && !failed; i++, at += strlen(at) + 1)
        prompts[i] = at;
    g->prompts = prompts;
    iv__text_free(&text);
    iv__lines_free(lines);
    iv__source_close(source);
    if (!failed && !g->n_prompts)
        return cli_refuse("%s: expected a prompt on each line, found none", path);
    return failed ? cli_fail(c) : DONE;
}

static int read_stops(cli *c, const char *stops, iv__generation *g)
{
    size_t most = 0;

    for (const char *at = stops; *at; at++)
        most += *at == *STOPS_JOINT;
    const char **list = iv__arena_get(&c->arena, (most + 1) * sizeof *list);
    char *copy = iv__arena_text(&c->arena, stops), *rest = copy;
    if (!list || !copy)
        return cli_fail(c);
    strsep(&rest, STOPS_JOINT); /* each stands behind one */
    for (const char *stop; (stop = strsep(&rest, STOPS_JOINT));)
        list[g->n_stops++] = stop;
    g->stops = list;
    return DONE;
}

static int write_samples(cli *c, iv__opened *run, const iv__generation *generation)
{
    const sample_options *o = c->options;
    iv__language language;
    sampling s = { .c = c, .generation = *generation, .line = { .home = c->home } };
    iv__text note = { .home = c->home };
    double begin = cli_clock();

    run->instance->model->language(run->instance, &language);
    s.vocabulary = language.vocabulary;
    if (*o->paint.out && !(s.file = iv__writer_new(c->home, o->paint.out)))
        return cli_fail(c);
    if (run->instance->model->sample(run->instance, run->params, &s.generation, take_sample, &s, &note))
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

/* Options of the other kind of samples are no use: the first that was given, or NULL. */
static const char *of_texts(const sample_options *o)
{
    const iv__generation *g = &o->generation;

    return *g->prompt          ? "prompt"
           : *o->prompts       ? "prompts"
           : *o->stop          ? "stop"
           : g->beam           ? "beam"
           : g->sentences      ? "sentences"
           : g->top_k          ? "top-k"
           : g->top_p < 1      ? "top-p"
           : g->repetition > 1 ? "repetition"
                               : NULL;
}

static const char *of_pictures(const paint_options *o)
{
    return *o->complete     ? "complete"
           : o->rows        ? "rows"
           : *o->class_name ? "class"
           : *o->animate    ? "animate"
                            : NULL;
}

static int predict(cli *c, iv__opened *run)
{
    const sample_options *o = c->options;
    const char *useless = of_texts(o);

    if (!useless)
        useless = of_pictures(&o->paint);
    if (useless)
        return cli_wrong(c, "--%s is for texts or pictures, and this run predicts a column of a table",
                         useless);
    if (!*o->data)
        return cli_wrong(c, "this run predicts a column of a table: name the rows with --data FILE");
    return forecast_write(c, run, o->data, o->paint.out);
}

static int paint_or_write(cli *c, iv__opened *run, const iv__generation *g)
{
    const sample_options *o = c->options;
    const iv__model *model = run->instance->model;

    if (model->predict)
        return predict(c, run);
    if (*o->data)
        return cli_wrong(c, "--data is for tables, and this run makes %s",
                         model->palette ? "pictures" : "texts");
    const char *useless = model->palette ? of_texts(o) : of_pictures(&o->paint);

    if (!model->palette && !(model->sample && model->language))
        return cli_refuse(model->talk ? "the model %s makes nothing by itself: talk with it, by `ivory write`"
                                      : "the model %s generates nothing",
                          model->name);
    if (useless)
        return cli_wrong(c, "--%s is for %s, and this run makes %s", useless,
                         model->palette ? "texts" : "pictures", model->palette ? "pictures" : "texts");
    return model->palette ? paint_samples(c, run, g, &o->paint) : write_samples(c, run, g);
}

static int cmd_sample(cli *c)
{
    const sample_options *o = c->options;
    iv__generation g = o->generation;
    iv__opened run;

    if (*g.prompt && *o->prompts)
        return cli_wrong(c, "--prompt and --prompts do not go together");
    g.scored = c->common.json;
    g.stop = stop_asked;
    int status = read_stops(c, o->stop, &g);
    if (!status && *o->prompts)
        status = read_prompts(c, o->prompts, &g);
    if (status)
        return status;
    stop_on_signals();
    if (iv__opened_load(c->home, c->args[0], "model", &run))
        return cli_fail(c);
    cli_use_precision(c, o->precision, run.instance);
    status = paint_or_write(c, &run, &g);
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
             "with the same ones. With --json each has its tokens, with the probability and\n"
             "the rank that the model itself gave them. With --beam nothing is drawn; a line\n"
             "begins with the mean log-probability of its tokens. Pictures go into a sheet or\n"
             "a folder; the file's name is printed. A run on a table predicts the rows of --data,\n"
             "as CSV.",
    .examples = { "ivory sample runs/recipes --prompt \"Recipe for roast\" --temperature 0.5",
                  "ivory sample runs/fashion --n 10 --complete boot.png --rows 8 --out boots.png" },
    .fields = { iv__generation_fields, sample_fields },
    .options_size = sizeof(sample_options),
    .joins = "stop",
    .joint = STOPS_JOINT,
    .least = 1,
    .most = 1,
    .computes = true,
    .run = cmd_sample,
};
