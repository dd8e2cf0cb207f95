/* write_do.c: what can be done in the dialogue of `ivory write`: choosing, typing, letting a model write,
 * taking back, branches, files. */
#include "cli/write.h"

#include "base/file.h"
#include "base/home.h"
#include "format/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_LINES = 4, MOST_WORDS = 10000, SENTENCE_WORDS = 500 };

/* ---- growing --------------------------------------------------------------------------------- */

static iv_status take_text(writer *w)
{
    iv__text_clear(&w->text);
    iv__manuscript_text(&w->m, 0, w->m.here, &w->text);
    return w->text.failed ? IV_NOMEM : IV_OK;
}

static const char *text_of(const writer *w)
{
    return w->text.size ? w->text.data : "";
}

iv_status write_follow(writer *w)
{
    iv_status status = take_text(w);

    for (int i = 0; i < w->n_runs && !status; i++) {
        write_run *r = &w->runs[i];
        status = iv__pen_follow(r->pen, text_of(w), w->text.size, NULL);
        if (!status)
            r->n_likely = iv__pen_likeliest(r->pen, w->m.temperature > 0 ? w->m.temperature : 1,
                                            CHOICES, r->likely);
    }
    return status;
}

static iv_status show(writer *w)
{
    iv_status status = write_follow(w);

    if (status)
        return status;
    write_show_text(w, SHOWN_LINES);
    write_show_choices(w);
    return IV_OK;
}

/* The word of the vocabulary that is nearest to the first of some, or NULL. */
static const char *near_word(const writer *w, const iv__vocabulary *v, const char *words)
{
    int64_t first = iv__vocabulary_first(v), n = iv__vocabulary_count(v) - first;
    const char **known = iv__alloc_array(w->c->home, n + 1, sizeof *known), *near = NULL;
    char word[64];

    snprintf(word, sizeof word, "%.*s", (int)strcspn(words, " "), words);
    for (int64_t i = 0; known && i < n; i++)
        known[i] = iv__vocabulary_token(v, first + i);
    if (known && strlen(word) > 2 && iv__vocabulary_rules(v)->kind == IV__TOKENS_WORDS)
        near = iv__nearest(word, known);
    iv__free(w->c->home, known);
    return near;
}

/* What a run does not know of a text is said. */
static iv_status say_unknown(writer *w, const char *text)
{
    iv_status status = IV_OK;

    for (int i = 0; i < w->n_runs && !status; i++) {
        iv__text unknown = { .home = w->c->home };
        iv__ids ids = { .home = w->c->home };
        const iv__vocabulary *v = iv__writing_language(iv__pen_writing(w->runs[i].pen))->vocabulary;
        status = iv__encode(v, "text", 0, text, strlen(text), &ids, &unknown);
        if (!status && unknown.size) {
            const char *near = near_word(w, v, unknown.data);
            write_say(w, "%s does not know: %s%s%s%s", w->runs[i].name, unknown.data,
                      near ? " (the nearest that it knows: " : "", near ? near : "", near ? ")" : "");
        }
        iv__text_free(&unknown);
        iv__ids_free(&ids);
    }
    return status;
}

/* Adds what was typed, word by word. */
static iv_status type_words(writer *w, const char *text)
{
    write_run *r = &w->runs[w->writing];
    iv__text word = { .home = w->c->home };
    iv_status status = take_text(w);
    bool begins = true;

    if (!status)
        status = iv__pen_follow(r->pen, text_of(w), w->text.size, NULL);
    while (*text && !status) {
        size_t blank = strspn(text, " \t\n"), size = blank + strcspn(text + blank, " \t\n");
        iv__verdict verdict;
        iv__text_clear(&word);
        iv__text_add(&word, text, size);
        iv__text_add(&w->text, text, size);
        text += size;
        if (word.failed || w->text.failed)
            status = IV_NOMEM;
        if (!status)
            status = iv__pen_follow(r->pen, w->text.data, w->text.size, &verdict);
        if (!status)
            status = iv__manuscript_add(&w->m, &(iv__piece){ .text = word.data,
                                                             .how = IV__TYPED,
                                                             .run = r->number,
                                                             .probability = verdict.probability,
                                                             .rank = verdict.rank,
                                                             .begins = begins });
        begins = false;
    }
    iv__text_free(&word);
    w->changed = true;
    return status;
}

/* A blank is set before typed words where one belongs. */
static bool wants_blank(const writer *w, const char *text)
{
    if (!iv__pen_writes_words(w->runs[w->writing].pen) || !w->text.size)
        return false;
    return !strchr(" \n\t([{", w->text.data[w->text.size - 1]) && !strchr(" ,.;:!?)]}%", *text);
}

static iv_status type_line(writer *w, const char *line)
{
    iv__text text = { .home = w->c->home };

    if (iv__utf8_valid(line, strlen(line)) != strlen(line)) {
        write_say(w, "That is no text in UTF-8; nothing was added.");
        return IV_OK;
    }
    if (*line == '+') { /* as it is, with \n for a line break */
        for (line++; *line; line++) {
            bool escape = *line == '\\' && line[1] && strchr("nt\\", line[1]);
            char byte = !escape ? *line : line[1] == 'n' ? '\n' : line[1] == 't' ? '\t' : '\\';
            iv__text_add(&text, &byte, 1);
            line += escape;
        }
    } else {
        iv__text_put(&text, wants_blank(w, line) ? " " : "");
        iv__text_put(&text, line);
    }
    iv_status status = text.failed ? IV_NOMEM : IV_OK;
    if (!status && text.size)
        status = say_unknown(w, text.data);
    if (!status && text.size)
        status = type_words(w, text.data);
    iv__text_free(&text);
    return status ? status : show(w);
}

/* ---- a model writes -------------------------------------------------------------------------- */

/* One piece: the chosen token, or (-1) a drawn word. *ended: none, it is said why. */
static iv_status write_piece(writer *w, int run, int32_t token, bool begins, bool *ended)
{
    write_run *r = &w->runs[run];
    iv__generation g = {
        .temperature = w->m.temperature, .top_k = w->m.top_k, .top_p = 1, .repetition = 1, .seed = w->seed
    };
    iv__stroke stroke = { .piece = { .home = w->c->home } };

    iv_status status = iv__pen_write(r->pen, &w->text, token, token < 0, &g, &w->m.draws, &stroke);
    bool anew = false;
    *ended = stroke.ended || stroke.bad;
    if (!status && stroke.ended)
        write_say(w, "%s ends the text here.", r->name);
    else if (!status && stroke.bad)
        write_say(w, "%s would write what is no text; it is left out.", r->name);
    else if (!status) {
        anew = stroke.glue && !iv__manuscript_glue(&w->m);
        status = iv__manuscript_add(&w->m, &(iv__piece){ .text = stroke.piece.data,
                                                         .how = token < 0 ? IV__DRAWN : IV__CHOSEN,
                                                         .run = r->number,
                                                         .probability = stroke.verdict.probability,
                                                         .rank = stroke.verdict.rank,
                                                         .begins = begins });
        w->changed = true;
    }
    if (!status && anew) /* a blank that the model took away stays */
        status = take_text(w);
    if (!status && (anew || *ended))
        status = iv__pen_follow(r->pen, text_of(w), w->text.size, NULL);
    iv__text_free(&stroke.piece);
    return status;
}

static iv_status choose(writer *w, int64_t number)
{
    int run = (int)((number - 1) / CHOICES), i = (int)((number - 1) % CHOICES);
    bool ended;

    if (number < 1 || run >= w->n_runs || i >= w->runs[run].n_likely) {
        write_say(w, "There is no choice %lld. To write a number, put + before it.", (long long)number);
        return IV_OK;
    }
    iv_status status = write_piece(w, run, w->runs[run].likely[i].token, true, &ended);
    return status ? status : show(w);
}

static bool has_letter(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80 || (*text >= '0' && *text <= '9') ||
            ((*text | 32) >= 'a' && (*text | 32) <= 'z'))
            return true;
    return false;
}

/* So many words, or up to the end of the sentence. */
static iv_status let_write(writer *w, int64_t words, bool sentence)
{
    size_t begin = w->text.size;
    iv_status status = IV_OK;
    bool ended = false, begins = true;

    if (!iv__writing_knows(iv__pen_writing(w->runs[w->writing].pen))) {
        write_say(w, "%s continues a text: write its beginning.", w->runs[w->writing].name);
        return IV_OK;
    }
    while (words > 0 && !status) {
        status = write_piece(w, w->writing, -1, begins, &ended);
        if (status || ended)
            break;
        begins = false;
        words -= has_letter(w->m.pieces[w->m.here].text);
        if (sentence && iv__ends_sentence(text_of(w), begin, w->text.size))
            break;
    }
    return status ? status : show(w);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* A whole number from 1 on, or `otherwise` when nothing is given; 0: it was said what is wrong. */
static int64_t number_of(writer *w, const char *text, int64_t otherwise, int64_t most)
{
    char *end;
    long long number = strtoll(text, &end, 10);

    if (!*text)
        return otherwise;
    if (*end || number < 1 || number > most) {
        write_say(w, "Expected a number from 1 to %lld, found '%s'.", (long long)most, text);
        return 0;
    }
    return number;
}

static iv_status do_go(writer *w, const char *rest)
{
    int64_t n = number_of(w, rest, 1, MOST_WORDS);

    return n ? let_write(w, n, false) : IV_OK;
}

static iv_status do_sentence(writer *w, const char *rest)
{
    (void)rest;
    return let_write(w, SENTENCE_WORDS, true);
}

static iv_status do_undo(writer *w, const char *rest)
{
    int64_t n = number_of(w, rest, INT64_MAX, IV__PIECES_MAX);

    if (!n)
        return IV_OK;
    if (!iv__manuscript_undo(&w->m, n == INT64_MAX ? 0 : n))
        write_say(w, "There is nothing to take back.");
    w->changed = true;
    return show(w);
}

static iv_status do_redo(writer *w, const char *rest)
{
    int64_t n = number_of(w, rest, INT64_MAX, IV__PIECES_MAX);

    if (!n)
        return IV_OK;
    if (!iv__manuscript_redo(&w->m, n == INT64_MAX ? 0 : n))
        write_say(w, "There is nothing behind this.");
    w->changed = true;
    return show(w);
}

static iv_status do_branches(writer *w, const char *rest)
{
    (void)rest;
    write_show_branches(w);
    return IV_OK;
}

static iv_status do_switch(writer *w, const char *rest)
{
    int32_t n = iv__manuscript_branches(&w->m, NULL, 0);
    int64_t number = n ? number_of(w, rest, 0, n) : 0;
    int32_t *last = number ? iv__alloc_array(w->c->home, n, sizeof *last) : NULL;

    if (!n || (!number && !*rest))
        write_say(w, n ? "Which one? /branches lists them." : "Nothing is written yet.");
    if (!number)
        return IV_OK;
    if (!last)
        return IV_NOMEM;
    iv__manuscript_branches(&w->m, last, n);
    iv__manuscript_go(&w->m, last[number - 1]);
    iv__free(w->c->home, last);
    w->changed = true;
    return show(w);
}

static iv_status do_text(writer *w, const char *rest)
{
    (void)rest;
    write_show_text(w, INT32_MAX);
    return IV_OK;
}

static iv_status do_list(writer *w, const char *rest)
{
    (void)rest;
    return show(w);
}

static iv_status do_temperature(writer *w, const char *rest)
{
    char *end;
    double t = strtod(rest, &end);

    if (!*rest) {
        write_say(w, "The temperature is %g.", w->m.temperature);
        return IV_OK;
    }
    if (*end || !(t >= 0 && t <= 100)) {
        write_say(w, "Expected a temperature from 0 to 100, found '%s'.", rest);
        return IV_OK;
    }
    w->m.temperature = t;
    w->changed = true;
    return show(w);
}

static iv_status do_top_k(writer *w, const char *rest)
{
    char *end;
    long long k = strtoll(rest, &end, 10);

    if (!*rest && w->m.top_k)
        write_say(w, "Words are drawn among the %lld likeliest.", (long long)w->m.top_k);
    else if (!*rest)
        write_say(w, "Words are drawn among all.");
    else if (*end || k < 0 || k > INT32_MAX)
        write_say(w, "Expected how many of the likeliest, or 0 for all; found '%s'.", rest);
    else
        w->m.top_k = k, w->changed = true;
    return IV_OK;
}

static iv_status do_run(writer *w, const char *rest)
{
    int64_t number = number_of(w, rest, 0, w->n_runs);

    if (number)
        w->writing = (int)number - 1;
    if (number || !*rest)
        write_say(w, "%s writes on.", w->runs[w->writing].name);
    return IV_OK;
}

/* A failure with a file is said, and the dialogue goes on. */
static void say_failure(writer *w)
{
    write_say(w, "%s", iv_home_message(w->c->home));
    iv_home_clear(w->c->home);
}

static iv_status do_save(writer *w, const char *rest)
{
    const char *path = *rest ? rest : w->path;

    if (write_save(w, path))
        say_failure(w);
    else
        write_say(w, "saved: %s", path);
    return IV_OK;
}

static iv_status write_out(writer *w, const char *path, const iv__text *text)
{
    if (!*path)
        write_say(w, "Into which file?");
    else if (text->failed)
        return IV_NOMEM;
    else if (iv__file_write(w->c->home, path, text->size ? text->data : "", text->size))
        say_failure(w);
    else
        write_say(w, "written: %s", path);
    return IV_OK;
}

static iv_status do_export(writer *w, const char *rest)
{
    iv__text text = { .home = w->c->home };

    iv__manuscript_text(&w->m, 0, w->m.here, &text);
    iv__text_put(&text, "\n");
    iv_status status = write_out(w, rest, &text);
    iv__text_free(&text);
    return status;
}

static iv_status do_record(writer *w, const char *rest)
{
    iv__text table = { .home = w->c->home };

    iv__manuscript_record(&w->m, &table);
    iv_status status = write_out(w, rest, &table);
    iv__text_free(&table);
    return status;
}

static iv_status do_quit(writer *w, const char *rest)
{
    (void)rest;
    w->done = true;
    return IV_OK;
}

static iv_status do_help(writer *w, const char *rest);

static const struct {
    const char *name, *arguments, *says;
    iv_status (*run)(writer *w, const char *rest);
} commands[] = {
    { "go", "[N]", "let the model write N words (1)", do_go },
    { "sentence", "", "let it write to the end of the sentence", do_sentence },
    { "undo", "[N]", "take the last step back, or N words", do_undo },
    { "redo", "[N]", "forward again", do_redo },
    { "branches", "", "what was written in other ways, side by side", do_branches },
    { "switch", "K", "go on in branch K", do_switch },
    { "text", "", "all of the text", do_text },
    { "list", "", "the likeliest next words again", do_list },
    { "temperature", "[X]", "below 1 safer, above 1 bolder", do_temperature },
    { "top-k", "[K]", "draw among the K likeliest; 0: all", do_top_k },
    { "run", "[K]", "which of several runs writes on", do_run },
    { "save", "[FILE]", "save everything, to open it again", do_save },
    { "export", "FILE", "write the text into a file", do_export },
    { "record", "FILE", "write who wrote which word into a file", do_record },
    { "help", "", "this", do_help },
    { "quit", "", "save and end", do_quit },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static iv_status do_help(writer *w, const char *rest)
{
    (void)rest;
    write_say(w,
              "A number takes that word. Any other text is added to what is written; + before it adds it "
              "exactly as it stands, with \\n for a line break. An empty line lets the model write a word.");
    for (int i = 0; i < COMMANDS; i++)
        write_say(w, "/%s%s%s: %s", commands[i].name, *commands[i].arguments ? " " : "",
                  commands[i].arguments, commands[i].says);
    return IV_OK;
}

static iv_status do_command(writer *w, const char *line)
{
    size_t size = strcspn(line, " ");
    const char *rest = line + size + strspn(line + size, " "), *names[COMMANDS + 1] = { 0 };
    char name[32];

    snprintf(name, sizeof name, "%.*s", (int)size, line);
    for (int i = 0; i < COMMANDS; i++) {
        if (!strcmp(name, commands[i].name))
            return commands[i].run(w, rest);
        names[i] = commands[i].name;
    }
    const char *near = iv__nearest(name, names);
    write_say(w, "There is no /%s%s%s%s /help lists what there is; +/ begins a text with /.", name,
              near ? "; did you mean /" : ".", near ? near : "", near ? "?" : "");
    return IV_OK;
}

iv_status write_line(writer *w, const char *line)
{
    size_t digits = strspn(line, "0123456789");

    if (!*line)
        return let_write(w, 1, false);
    if (*line == '/')
        return do_command(w, line + 1);
    if (!line[digits] && digits < 10)
        return choose(w, atoll(line));
    return type_line(w, line);
}
