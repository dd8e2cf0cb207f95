/* run.c: runs as users of the library see them: loading, asking, writing texts, saving. */
#include <ivory/run.h>

#include "base/home.h"
#include "format/safetensors_parts.h"
#include "format/utf8.h"
#include "models/common_pen.h"
#include "registry/registry.h"

#include <string.h>

struct iv_run {
    iv_home *home;
    iv__opened opened;
    iv__arena arena; /* options as texts */
};

/* ---- a run ----------------------------------------------------------------------------------- */

iv_run *iv_run_load(iv_home *home, const char *path)
{
    iv_run *run = iv__alloc(home, sizeof *run);

    if (!run)
        return NULL;
    run->home = home;
    run->arena.home = home;
    if (iv__opened_load(home, path, "model", &run->opened)) {
        iv__free(home, run);
        return NULL;
    }
    return run;
}

void iv_run_free(iv_run *run)
{
    if (!run)
        return;
    iv__opened_free(&run->opened);
    iv__arena_free(&run->arena);
    iv__free(run->home, run);
}

const char *iv_run_system(const iv_run *run)
{
    return run->opened.instance->system->name;
}

const char *iv_run_model(const iv_run *run)
{
    return run->opened.instance->model->name;
}

const char *iv_run_option(const iv_run *run, const char *name)
{
    const iv__instance *instance = run->opened.instance;
    const iv_field *field = iv__field_find(instance->model->fields, name);
    const void *options = field ? instance->options : &instance->training;
    iv__text text = { .home = run->home };

    if (!field)
        field = iv__field_find(iv__settings_fields, name);
    if (!field)
        return NULL;
    iv__field_print(field, options, &text);
    const char *value = text.failed ? NULL
                                    : iv__arena_text(&((iv_run *)(uintptr_t)run)->arena,
                                                     text.data ? text.data : "");
    iv__text_free(&text);
    return value;
}

iv_params *iv_run_params(iv_run *run)
{
    return run->opened.params;
}

/* What the file says of itself, but for the checksums, which are made anew. */
static iv__pair *pairs_of(const iv_run *run, int64_t *n)
{
    int64_t all;
    const iv__pair *list = iv__safetensors_pairs(run->opened.file, &all);
    iv__pair *pairs = iv__alloc_array(run->home, all + 1, sizeof *pairs);

    *n = 0;
    for (int64_t i = 0; i < all && pairs; i++)
        if (strcmp(list[i].key, IV__CHECKSUMS) && strcmp(list[i].key, IV__HEADER))
            pairs[(*n)++] = list[i];
    return pairs;
}

iv_status iv_run_save(const iv_run *run, const char *path)
{
    int64_t n, n_pairs;
    const iv__named_tensor *list = iv__safetensors_list(run->opened.file, &n);
    iv__named_tensor *tensors = iv__alloc_array(run->home, n + 1, sizeof *tensors);
    iv__pair *pairs = pairs_of(run, &n_pairs);
    iv_status status = tensors && pairs ? IV_OK : IV_NOMEM;

    for (int64_t i = 0; i < n && !status; i++) {
        const iv_tensor *now = iv_params_find(run->opened.params, list[i].name);
        tensors[i] = list[i];
        if (now)
            tensors[i].data = now->data;
    }
    if (!status)
        status = iv__safetensors_write(run->home, path, n, tensors, n_pairs, pairs);
    iv__free(run->home, tensors);
    iv__free(run->home, pairs);
    return status;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static iv_status read_options(iv_home *home, const iv_write_options *o, iv__generation *g)
{
    *g = (iv__generation){ .n = o->n ? o->n : 1,
                           .length = o->length ? o->length : 100,
                           .seed = o->seed,
                           .temperature = o->likeliest          ? 0
                                          : o->temperature != 0 ? o->temperature
                                                                : 1,
                           .top_k = o->top_k,
                           .top_p = o->top_p != 0 ? o->top_p : 1,
                           .repetition = o->repetition != 0 ? o->repetition : 1,
                           .prompt = o->prompt ? o->prompt : "",
                           .sentences = o->sentences,
                           .n_stops = o->n_stops,
                           .stops = o->stops };
    for (const iv_field *field = iv__generation_fields; field->name; field++) {
        const void *at = (const char *)g + field->offset;
        double number = field->type == IV_FIELD_INT    ? (double)*(const int64_t *)at
                        : field->type == IV_FIELD_REAL ? *(const double *)at
                                                       : 0;
        bool ranged = field->type == IV_FIELD_INT || field->type == IV_FIELD_REAL;
        if (ranged && !(number >= field->low && number <= field->high))
            return iv_fail(home, IV_VALUE, "%s is %.9g: it must be from %.9g to %.9g", field->name,
                           number, field->low, field->high);
    }
    return IV_OK;
}

typedef struct handing {
    iv_text_sink *sink;
    void *user;
} handing;

static void hand_on(void *user, const iv__sample *sample)
{
    const handing *h = user;

    h->sink(h->user, sample->number, sample->text, sample->size);
}

iv_status iv_run_write_with(iv_run *run, iv_text_sink *sink, void *user, const iv_write_options *options)
{
    iv__instance *instance = run->opened.instance;
    handing h = { sink, user };
    iv__text note = { .home = run->home };
    iv__generation g;

    if (!instance->model->language)
        return iv_fail(run->home, IV_UNSUPPORTED, "the model %s writes no text", instance->model->name);
    iv_status status = read_options(run->home, options, &g);
    if (!status)
        status = instance->model->sample(instance, run->opened.params, &g, hand_on, &h, &note);
    iv__text_free(&note);
    return status;
}

typedef struct buffer {
    char *text;
    size_t size;
    int64_t all;
} buffer;

/* What does not fit is cut between characters. */
static void put_in_buffer(void *user, int64_t number, const char *text, size_t size)
{
    buffer *b = user;
    size_t cut = size;

    (void)number;
    b->all = (int64_t)size;
    if (!b->size)
        return;
    if (cut > b->size - 1)
        for (cut = b->size - 1; cut && ((unsigned char)text[cut] & 0xC0) == 0x80;)
            cut--;
    memcpy(b->text, text, cut);
    b->text[cut] = 0;
}

int64_t iv_run_text_with(iv_run *run, char *text, size_t size, const iv_write_options *options)
{
    buffer b = { text, size, -1 };
    iv_write_options one = *options;

    one.n = 1;
    return iv_run_write_with(run, put_in_buffer, &b, &one) ? -1 : b.all;
}

/* ---- writing together ------------------------------------------------------------------------ */

struct iv_writer {
    iv_home *home;
    iv__pen *pen;
    iv__generation g;
    int64_t draws;
    iv__text text;
    iv__stroke stroke;
    iv__text pieces; /* of the list, each terminated */
};

iv_writer *iv_writer_new_with(iv_run *run, const iv_write_options *options)
{
    iv_home *home = run->home;
    iv_writer *w = iv__alloc(home, sizeof *w);

    if (!w)
        return NULL;
    *w = (iv_writer){ .home = home,
                      .text = { .home = home },
                      .stroke = { .piece = { .home = home } },
                      .pieces = { .home = home } };
    w->pen = iv__pen_new(run->opened.instance, run->opened.params);
    if (!w->pen || read_options(home, options, &w->g) || iv_writer_feed(w, w->g.prompt)) {
        iv_writer_free(w);
        return NULL;
    }
    return w;
}

void iv_writer_free(iv_writer *w)
{
    if (!w)
        return;
    iv__pen_free(w->pen);
    iv__text_free(&w->text);
    iv__text_free(&w->stroke.piece);
    iv__text_free(&w->pieces);
    iv__free(w->home, w);
}

const char *iv_writer_text(const iv_writer *writer)
{
    return writer->text.size ? writer->text.data : "";
}

static iv_status follow(iv_writer *w)
{
    return iv__pen_follow(w->pen, iv_writer_text(w), w->text.size, NULL);
}

iv_status iv_writer_feed(iv_writer *w, const char *text)
{
    size_t before = w->text.size;

    if (iv__utf8_valid(text, strlen(text)) < strlen(text))
        return iv_fail(w->home, IV_FORMAT, "the text to add is no UTF-8; nothing was added");
    iv__text_put(&w->text, text);
    iv_status status = w->text.failed ? IV_NOMEM : follow(w);
    if (status)
        iv_writer_back(w, before);
    return status;
}

iv_status iv_writer_back(iv_writer *w, size_t size)
{
    if (size > w->text.size)
        return iv_fail(w->home, IV_VALUE, "the text has %zu bytes: it cannot be taken back to %zu",
                       w->text.size, size);
    w->text.size = size;
    if (w->text.data)
        w->text.data[size] = 0;
    return follow(w);
}

int iv_writer_likeliest(iv_writer *w, int n, iv_next next[])
{
    iv__likely *likely = iv__alloc_array(w->home, n, sizeof *likely);
    iv_status status = likely ? IV_OK : IV_NOMEM;
    int found = status ? 0 : iv__pen_likeliest(w->pen, w->g.temperature, n, likely);
    size_t at = 0;
    bool glue;

    iv__text_clear(&w->pieces);
    for (int i = 0; i < found && !status; i++) {
        status = iv__pen_piece(w->pen, likely[i].token, &w->pieces, &glue);
        iv__text_add(&w->pieces, "", 1);
    }
    if (!status && w->pieces.failed)
        status = IV_NOMEM;
    for (int i = 0; i < found && !status; i++) {
        next[i] = (iv_next){ w->pieces.data + at, likely[i].probability };
        at += strlen(next[i].piece) + 1;
    }
    iv__free(w->home, likely);
    return status ? -1 : found;
}

const char *iv_writer_draw(iv_writer *w)
{
    if (!iv__writing_knows(iv__pen_writing(w->pen))) {
        iv_fail(w->home, IV_VALUE, "this model continues a text: feed it a beginning");
        return NULL;
    }
    iv_status status = iv__pen_write(w->pen, &w->text, -1, true, &w->g, &w->draws, &w->stroke);
    if (!status && w->stroke.bad)
        status = follow(w);
    if (status)
        return NULL;
    return w->stroke.piece.size ? w->stroke.piece.data : "";
}
