/* common_c.c: a language model as one C file: weights, vocabulary and the sections of assets/export_*.c that go with
 * them. */
#include "models/common_c.h"

#include "base/home.h"
#include "data/assets.h"
#include "data/pieces.h"
#include "format/utf8.h"
#include "graph/node.h"
#include "models/common_writing.h"

#include <string.h>

/* A file that is written text by text. */
typedef struct output {
    iv__writer *writer;
    iv__text text; /* what is not yet handed to the writer */
    bool failed;
} output;

static void hand_over(output *out)
{
    out->failed |= out->text.failed;
    if (!out->failed && out->text.size)
        iv__writer_add(out->writer, out->text.data, out->text.size);
    iv__text_clear(&out->text);
}

/* The lines of an asset behind its line "//@ NAME", up to the next one of this kind. */
static void put_section_of(output *out, const char *asset, size_t size, const char *name)
{
    static const char mark[] = "//@ ";
    const size_t begins = sizeof mark - 1, length = strlen(name);
    bool inside = false;

    for (const char *at = asset, *end = asset + size; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at)), *next = stop ? stop + 1 : end;
        size_t line = (size_t)(next - at);
        if (line > begins && !memcmp(at, mark, begins))
            inside = line == begins + length + 1 && !memcmp(at + begins, name, length);
        else if (inside)
            iv__text_add(&out->text, at, line);
        at = next;
    }
}

static void put_section(output *out, const char *name)
{
    put_section_of(out, (const char *)iv__asset_export_kernels, iv__asset_export_kernels_size, name);
    put_section_of(out, (const char *)iv__asset_export_text, iv__asset_export_text_size, name);
}

/* ---- weights --------------------------------------------------------------------------------- */

/* As bits, which a compiler reads faster than decimal or hexadecimal floats. */
static void put_weights(output *out, const iv__c_weights *w, int number)
{
    enum { ON_A_LINE = 10 };
    int64_t count = w->rows * w->columns;

    iv__text_print(&out->text,
                   "\n/* %s [%lld,%lld]%s */\n"
                   "static const union {\n"
                   "    uint32_t bits[%lld];\n"
                   "    float value[%lld];\n"
                   "} ivory_weights_%d = { {\n",
                   w->name, (long long)w->rows, (long long)w->columns,
                   w->transposed ? ", transposed" : "", (long long)count, (long long)count, number);
    for (int64_t i = 0; i < count; i++) {
        const float *from = w->transposed ? w->data + i % w->rows * w->columns + i / w->rows
                                          : w->data + i;
        uint32_t bits;
        memcpy(&bits, from, sizeof bits);
        iv__text_print(&out->text, "0x%x,%s", (unsigned)bits,
                       (i + 1) % ON_A_LINE && i + 1 < count ? "" : "\n");
        if ((i + 1) % (1 << 12) == 0)
            hand_over(out);
    }
    iv__text_put(&out->text, "} };\n");
}

/* ---- the vocabulary -------------------------------------------------------------------------- */

/* Bytes as a string literal. A question mark is written so that no trigraph arises. */
static void put_literal(iv__text *text, const char *bytes, size_t size)
{
    iv__text_put(text, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == '"' || byte == '\\' || byte == '?')
            iv__text_print(text, "\\%c", byte);
        else if (byte < ' ' || byte >= 0x7f)
            iv__text_print(text, "\\%03o", byte);
        else
            iv__text_add(text, bytes + i, 1);
    }
    iv__text_put(text, "\"");
}

static void put_tokens(output *out, const iv__vocabulary *v)
{
    iv__text_put(&out->text, "\nstatic const char *const ivory_tokens[IVORY_VOCABULARY] = {\n");
    for (int64_t id = 0; id < iv__vocabulary_count(v); id++) {
        iv__text_put(&out->text, "    ");
        put_literal(&out->text, iv__vocabulary_token(v, id), iv__vocabulary_token_size(v, id));
        iv__text_put(&out->text, ",\n");
        hand_over(out);
    }
    iv__text_put(&out->text, "};\n");
}

/* Capital letters beyond ASCII, with the small ones, as far as these stand in words of the vocabulary: no word with
 * another one is known. */
static void put_letters(output *out, const iv__vocabulary *v)
{
    enum { CODES = 0x10000 }; /* beyond there are none */
    bool *known = iv__alloc_array(out->text.home, CODES, sizeof *known);
    uint32_t code;

    out->failed |= !known;
    iv__text_put(&out->text,
                 "\n/* Capital letters beyond ASCII, and the small ones of them that words have. */\n"
                 "static const uint32_t ivory_letters[][2] = {\n");
    for (int64_t id = iv__vocabulary_first(v); known && id < iv__vocabulary_count(v); id++) {
        const unsigned char *at = (const unsigned char *)iv__vocabulary_token(v, id);
        size_t left = iv__vocabulary_token_size(v, id), size;
        for (; (size = iv__utf8_read(at, left, &code)) > 0; at += size, left -= size)
            if (code < CODES)
                known[code] = true;
    }
    for (code = 0x80; known && code < CODES; code++)
        if (iv__lower(code) != code && known[iv__lower(code)])
            iv__text_print(&out->text, "    { 0x%x, 0x%x },\n", (unsigned)code,
                           (unsigned)iv__lower(code));
    iv__text_put(&out->text, "    { 0, 0 },\n};\n");
    iv__free(out->text.home, known);
}

/* What each piece behind the bytes joins, and the kinds of characters that no piece crosses. */
static void put_pieces(output *out, const iv__vocabulary *v)
{
    const iv__joins *joins = iv__vocabulary_joins(v);
    uint32_t first = 0, code;

    iv__text_put(&out->text, "\n/* What each piece joins; the first 256 are the bytes. */\n"
                             "static const uint32_t ivory_pieces[][2] = {\n");
    for (int64_t i = 0; i < joins->count; i++) {
        iv__text_print(&out->text, "    { %u, %u },\n", (unsigned)joins->join[i].left,
                       (unsigned)joins->join[i].right);
        hand_over(out);
    }
    iv__text_print(&out->text,
                   "    { 0, 0 },\n};\n\n"
                   "/* Digits, white space and marks; all else is letters. */\n"
                   "enum { IVORY_DIGITS = %d, IVORY_WHITE = %d, IVORY_MARKS = %d };\n"
                   "static const struct {\n"
                   "    uint32_t first, last;\n"
                   "    int kind;\n"
                   "} ivory_kinds[] = {\n",
                   IV__STRETCH_DIGITS, IV__STRETCH_WHITE, IV__STRETCH_MARKS);
    for (code = 0; code <= 0x110000; code++) {
        int kind = iv__stretch_kind(first);
        if (code < 0x110000 && iv__stretch_kind(code) == kind)
            continue;
        if (kind != IV__STRETCH_LETTERS)
            iv__text_print(&out->text, "    { 0x%x, 0x%x, %d },\n", (unsigned)first,
                           (unsigned)code - 1, kind);
        first = code;
    }
    iv__text_put(&out->text, "    { 0, 0, 0 },\n};\n");
}

static void put_vocabulary(output *out, const iv__language *language)
{
    const iv__vocabulary *v = language->vocabulary;
    const iv__token_rules *rules = iv__vocabulary_rules(v);
    size_t longest = 1;

    for (int64_t id = 0; id < iv__vocabulary_count(v); id++)
        if (iv__vocabulary_token_size(v, id) > longest)
            longest = iv__vocabulary_token_size(v, id);
    iv__text_print(&out->text,
                   "\nenum {\n"
                   "    IVORY_VOCABULARY = %lld, /* tokens */\n"
                   "    IVORY_FIRST = %d,        /* that stands for text */\n"
                   "    IVORY_UNKNOWN = %d,      /* -1: what is unknown is left out */\n"
                   "    IVORY_BEGIN = %d,        /* that a text begins with; -1: none */\n"
                   "    IVORY_END = %d,          /* that ends a text */\n"
                   "    IVORY_LONGEST = %d,      /* bytes of a token */\n",
                   (long long)iv__vocabulary_count(v), (int)iv__vocabulary_first(v),
                   (int)iv__vocabulary_unknown(v), (int)language->begin, (int)language->end,
                   (int)longest);
    if (rules->kind == IV__TOKENS_WORDS)
        iv__text_print(&out->text, "    IVORY_INSIDE = %d, /* an apostrophe belongs to its word */\n",
                       rules->inside);
    iv__text_put(&out->text, "};\n");
    if (rules->kind < IV__TOKENS_BYTES)
        put_tokens(out, v);
    if (rules->kind == IV__TOKENS_WORDS)
        put_letters(out, v);
    if (rules->kind == IV__TOKENS_BPE)
        put_pieces(out, v);
}

/* Behind the step: how texts are cut into such tokens, and tokens shown. */
static const char *const sections_of[][7] = {
    [IV__TOKENS_WORDS] = { "cut", "cut_of", "utf8", "find", "cut_words", "show_words" },
    [IV__TOKENS_CHARS] = { "cut", "cut_of", "utf8", "find", "cut_chars", "show_chars" },
    [IV__TOKENS_BYTES] = { "cut", "cut_of", "cut_bytes", "show_bytes" },
    [IV__TOKENS_BPE] = { "cut_pieces", "cut_of", "utf8", "cut_bpe", "show_bpe" },
};

/* ---- the file -------------------------------------------------------------------------------- */

static void put_head(output *out, const iv__instance *instance, const iv__c_step *step)
{
    int64_t weights = 0;

    for (int i = 0; i < step->n_weights; i++)
        weights += step->weights[i].rows * step->weights[i].columns;
    iv__text_print(&out->text,
                   "/* A model that writes, trained by Ivory %s: %s, with %lld weights. What stands around the "
                   "weights is of Ivory, under\n"
                   " * the Apache License 2.0. */\n\n",
                   iv_version(), instance->system->name, (long long)weights);
    put_section(out, "head");
}

static void put_file(output *out, const iv__instance *instance, const iv__language *language,
                     const iv__c_step *step)
{
    const char *const *sections = sections_of[iv__vocabulary_rules(language->vocabulary)->kind];

    put_head(out, instance, step);
    put_vocabulary(out, language);
    for (int i = 0; i < step->n_weights; i++)
        put_weights(out, &step->weights[i], i);
    iv__text_put(&out->text, "\n");
    for (int i = 0; iv__c_sections[i]; i++)
        if (step->section[i])
            put_section(out, iv__c_sections[i]);
    iv__text_put(&out->text, "typedef struct ivory_values {\n");
    iv__text_add(&out->text, step->values.data, step->values.size);
    iv__text_put(&out->text, "} ivory_values;\n\n"
                             "static void ivory_step(ivory_values *v, int32_t token)\n"
                             "{\n");
    iv__text_add(&out->text, step->calls.data, step->calls.size);
    iv__text_put(&out->text, "}\n\n");
    put_section(out, "state");
    put_section(out, "choose");
    for (int i = 0; sections[i]; i++)
        put_section(out, sections[i]);
    put_section(out, "main");
    hand_over(out);
}

static iv_status make_step(iv__c_step *step, const iv__instance *instance, iv_params *params,
                           const iv__language *language, iv_graph *graph)
{
    iv_scope *scope = iv_scope_new(graph, params, "");
    iv_node *words = iv_input_sequence(graph, "words", IV_I32, iv_dims(1, 2), 1);
    iv_node *logits = language->logits(instance->options, scope, words,
                                       iv__vocabulary_count(language->vocabulary));

    return logits ? iv__c_step_make(step, params, logits, "words") : iv_home_status(instance->home);
}

iv_status iv__export_c(iv__instance *instance, iv_params *params, const char *path)
{
    iv_home *home = instance->home;
    iv__language language;
    iv__c_step step = { .home = home };
    output out = { .text.home = home };

    if (!instance->model->language)
        return iv_fail(home, IV_UNSUPPORTED,
                       "the model %s writes no text: only such a model can be exported as C",
                       instance->model->name);
    instance->model->language(instance, &language);
    iv_graph *graph = iv_graph_new(home);
    iv_status status = graph ? make_step(&step, instance, params, &language, graph) : IV_NOMEM;
    if (!status) {
        out.writer = iv__writer_new(home, path);
        status = out.writer ? IV_OK : iv_home_status(home);
    }
    if (!status)
        put_file(&out, instance, &language, &step);
    if (out.failed)
        iv__writer_cancel(out.writer);
    else if (out.writer)
        status = iv__writer_commit(out.writer);
    iv__text_free(&out.text);
    iv__c_step_free(&step);
    iv_graph_free(graph);
    return out.failed ? IV_NOMEM : status;
}
