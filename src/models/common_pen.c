/* common_pen.c: a model reads a text as far as it goes, and writes on in pieces that a person can take
 * back one by one. */
#include "models/common_pen.h"

#include "base/home.h"
#include "base/math.h"
#include "base/random.h"
#include "format/utf8.h"

#include <math.h>
#include <string.h>

struct iv__pen {
    iv_home *home;
    iv__writing *writing;
    const iv__language *language;
    bool started;
    iv__ids ids, next; /* what was read; what is to be read behind the bound */
    iv__text before;   /* the text up to a bound that what follows cannot move; its tokens */
    int64_t n_before;
    iv__text read; /* ids for reading */
    iv__reading reading;
};

iv__pen *iv__pen_new(iv__instance *instance, iv_params *params)
{
    iv_home *home = instance->home;
    iv__pen *pen = iv__alloc(home, sizeof *pen);

    if (!pen)
        return NULL;
    *pen = (iv__pen){
        .home = home,
        .ids = { .home = home },
        .next = { .home = home },
        .before = { .home = home },
        .read = { .home = home },
    };
    pen->writing = iv__writing_new(instance, params, 1);
    if (!pen->writing) {
        iv__pen_free(pen);
        return NULL;
    }
    pen->language = iv__writing_language(pen->writing);
    pen->reading.vocabulary = pen->language->vocabulary;
    return pen;
}

void iv__pen_free(iv__pen *pen)
{
    if (!pen)
        return;
    iv__writing_free(pen->writing);
    iv__ids_free(&pen->ids);
    iv__ids_free(&pen->next);
    iv__text_free(&pen->before);
    iv__text_free(&pen->read);
    iv__free(pen->home, pen);
}

iv__writing *iv__pen_writing(iv__pen *pen)
{
    return pen->writing;
}

bool iv__pen_writes_words(const iv__pen *pen)
{
    return iv__vocabulary_rules(pen->language->vocabulary)->kind == IV__TOKENS_WORDS;
}

/* ---- following ------------------------------------------------------------------------------- */

static iv_status encode_next(iv__pen *pen, const char *text, size_t size)
{
    return size ? iv__encode(pen->language->vocabulary, "text", 0, text, size, &pen->next, NULL) : IV_OK;
}

/* The tokens of the text behind those before the bound, which then moves on. same: so many of its first
 * bytes are those of the text that was read. *first: how many tokens stand before them. */
static iv_status encode_on(iv__pen *pen, const char *text, size_t size, size_t same, int64_t *first)
{
    const iv__token_rules *rules = iv__vocabulary_rules(pen->language->vocabulary);
    size_t begin = pen->before.size;

    if (same < begin && (size < begin || memcmp(text, pen->before.data, begin))) {
        iv__text_clear(&pen->before);
        begin = 0;
        pen->n_before = 0;
    }
    size_t bound = iv__encode_bound(rules, text + begin, size - begin);
    *first = pen->n_before;
    pen->next.count = 0;
    iv_status status = encode_next(pen, text + begin, bound);
    int64_t n = pen->next.count;
    if (!status)
        status = encode_next(pen, text + begin + bound, size - begin - bound);
    if (status)
        return status;
    iv__text_add(&pen->before, text + begin, bound);
    pen->n_before += n;
    return pen->before.failed ? IV_NOMEM : IV_OK;
}

/* Gives the model the tokens from `from` on. */
static iv_status read_on(iv__pen *pen, int64_t from, iv__verdict *verdict)
{
    int32_t unknown = iv__vocabulary_unknown(pen->language->vocabulary);
    double sum = 0;
    iv_status status = IV_OK;

    for (int64_t t = from; t < pen->ids.count && !status; t++) {
        int32_t id = pen->ids.id[t];
        if (verdict && iv__writing_knows(pen->writing) && id != unknown) {
            iv__score score = iv__writing_score(pen->writing, 0, id);
            sum += score.log_probability;
            verdict->rank = pen->ids.count - from == 1 ? score.rank : 0;
        } else {
            sum = NAN;
        }
        status = iv__writing_feed(pen->writing, &id);
        iv__reading_add(&pen->reading, id, &pen->read);
    }
    if (verdict && from < pen->ids.count)
        verdict->probability = iv__exp_f64(sum);
    return !status && pen->read.failed ? IV_NOMEM : status;
}

/* The model reads the tokens that it has not read, or all of them. */
static iv_status catch_up(iv__pen *pen, int64_t from, bool anew, iv__verdict *verdict)
{
    if (!anew)
        return read_on(pen, from, verdict);
    iv__text_clear(&pen->read);
    pen->reading = (iv__reading){ .vocabulary = pen->language->vocabulary };
    iv_status status = iv__writing_start(pen->writing);
    return status ? status : read_on(pen, 0, NULL);
}

static iv_status follow(iv__pen *pen, const char *text, size_t size, size_t same, iv__verdict *verdict)
{
    const iv__ids *next = &pen->next;
    int64_t first, read;
    iv_status status = encode_on(pen, text, size, same, &first);

    if (verdict)
        *verdict = (iv__verdict){ .probability = NAN };
    if (status)
        return status;
    for (read = first; read < pen->ids.count && read - first < next->count; read++)
        if (pen->ids.id[read] != next->id[read - first])
            break;
    bool anew = !pen->started || read < pen->ids.count;
    pen->ids.count = read;
    for (int64_t t = read - first; t < next->count && !status; t++)
        status = iv__ids_add(&pen->ids, next->id[t]);
    if (!status)
        status = catch_up(pen, read, anew, verdict);
    pen->started = !status;
    if (status) { /* next time from the beginning */
        iv__text_clear(&pen->before);
        pen->n_before = pen->ids.count = 0;
    }
    return status;
}

iv_status iv__pen_follow(iv__pen *pen, const char *text, size_t size, iv__verdict *verdict)
{
    return follow(pen, text, size, 0, verdict);
}

int iv__pen_likeliest(iv__pen *pen, double temperature, int n, iv__likely likely[])
{
    return iv__writing_knows(pen->writing)
               ? iv__writing_likeliest(pen->writing, 0, temperature, n, likely)
               : 0;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

iv_status iv__pen_piece(iv__pen *pen, int32_t token, iv__text *piece, bool *glue)
{
    const iv__vocabulary *vocabulary = pen->language->vocabulary;
    const char *word = iv__vocabulary_token(vocabulary, token);

    *glue = false;
    if (token == pen->language->end)
        return IV_OK;
    if (!iv__pen_writes_words(pen)) {
        iv__decode(vocabulary, &token, 1, piece);
        return piece->failed ? IV_NOMEM : IV_OK;
    }
    /* What the last word becomes when this one follows. */
    const char *before = pen->read.size ? pen->read.data + pen->reading.settled : "";
    iv__text after = { .home = pen->home };
    iv__reading reading = pen->reading;
    reading.settled = 0;
    iv__reading_add(&reading, token, &after);
    size_t size = strlen(before);
    if (!after.failed && !strncmp(after.data, before, size)) {
        iv__text_put(piece, after.data + size);
    } else if (!after.failed) {
        *glue = *before == ' ' && !strncmp(after.data, before + 1, size - 1) &&
                !strcmp(after.data + size - 1, word);
        iv__text_print(piece, *glue ? "%s" : " %s", word);
    }
    iv_status status = after.failed || piece->failed ? IV_NOMEM : IV_OK;
    iv__text_free(&after);
    return status;
}

void iv__pen_show(const iv__pen *pen, int32_t token, iv__text *text)
{
    iv__text bytes = { .home = pen->home };
    uint32_t code;

    if (token == pen->language->end) {
        iv__text_put(text, "(end)");
        return;
    }
    iv__decode(pen->language->vocabulary, &token, 1, &bytes);
    for (size_t i = 0, step; i < bytes.size; i += step) {
        const unsigned char *at = (const unsigned char *)bytes.data + i;
        step = iv__utf8_read(at, bytes.size - i, &code);
        if (!step || code < ' ' || code == 0x7F) {
            const char *name = code == '\n' && step ? "\\n" : code == '\t' && step ? "\\t" : NULL;
            if (name)
                iv__text_put(text, name);
            else
                iv__text_print(text, "\\x%02X", *at);
            step = 1;
        } else if (code == ' ') {
            iv__text_put(text, "␣");
        } else {
            iv__text_add(text, (const char *)at, step);
        }
    }
    text->failed |= bytes.failed;
    iv__text_free(&bytes);
}

/* ---- writing --------------------------------------------------------------------------------- */

enum { LONGEST_WORD = 64 };   /* tokens */
enum { IDEOGRAPHS = 0x2E80 }; /* from here on scripts are written without blanks, mostly */

static bool is_ascii_mark(uint32_t code)
{
    return code > ' ' && code < 0x80 && code != '\'' && !(code >= '0' && code <= '9') &&
           !((code | 32) >= 'a' && (code | 32) <= 'z');
}

static bool is_blank(uint32_t code)
{
    return code == ' ' || (code >= '\t' && code <= '\r');
}

static uint32_t first_of(const iv__text *text)
{
    uint32_t code = 0;

    return iv__utf8_read((const unsigned char *)text->data, text->size, &code) ? code : 0;
}

static uint32_t last_of(const iv__text *text)
{
    size_t at = text->size;
    uint32_t code = 0;

    while (at > 0 && ((unsigned char)text->data[--at] & 0xC0) == 0x80) {
    }
    return iv__utf8_read((const unsigned char *)text->data + at, text->size - at, &code) ? code : 0;
}

/* Whether the piece is a word by itself, so that `next` would begin another one. */
static bool is_word_before(const iv__text *piece, const iv__text *next)
{
    uint32_t last = last_of(piece), first = first_of(next);

    if (is_blank(last))
        return false;
    if (is_ascii_mark(last))
        return is_blank(first);
    return is_blank(first) || is_ascii_mark(first) || last >= IDEOGRAPHS || first >= IDEOGRAPHS;
}

/* The blank before the last mark of the text goes. Returns how much of the text stays as it is. */
static size_t glue_text(const iv__pen *pen, iv__text *text)
{
    size_t mark = strlen(
        iv__vocabulary_token(pen->language->vocabulary, pen->ids.id[pen->ids.count - 1]));
    char *at = text->size > mark ? text->data + text->size - mark - 1 : NULL;

    if (!at || *at != ' ')
        return text->size;
    memmove(at, at + 1, mark + 1);
    text->size--;
    return text->size - mark;
}

static double uniform(const iv__generation *options, int64_t draws)
{
    uint32_t word[4];

    iv__philox(iv__random_key((uint64_t)options->seed, "write"), 0, (uint64_t)draws, word);
    return iv__unit_f64(word[0], word[1]);
}

static bool ends_with_blank(const iv__text *text)
{
    return !text->size || is_blank((unsigned char)text->data[text->size - 1]);
}

/* What the token adds behind the text, which may end with a blank already. */
static iv_status part_of(iv__pen *pen, const iv__text *text, int32_t token, iv__text *part, bool *glue)
{
    iv__text_clear(part);
    iv_status status = iv__pen_piece(pen, token, part, glue);
    if (!status && iv__pen_writes_words(pen) && part->size > 1 && *part->data == ' ' &&
        ends_with_blank(text))
        memmove(part->data, part->data + 1, part->size--);
    return status;
}

iv_status iv__pen_write(iv__pen *pen, iv__text *text, int32_t token, bool word,
                        const iv__generation *options, int64_t *draws, iv__stroke *stroke)
{
    iv__text part = { .home = pen->home };
    size_t begin = text->size;
    double sum = 0;
    int64_t rank = 0;
    iv_status status = IV_OK;
    int n = 0;

    iv__text_clear(&stroke->piece);
    stroke->glue = stroke->ended = stroke->bad = false;
    for (bool glue; !status; token = -1) {
        bool whole = n && iv__utf8_valid(stroke->piece.data, stroke->piece.size) == stroke->piece.size;
        bool drawn = token < 0;
        if (n && whole && (!word || iv__pen_writes_words(pen) || n >= LONGEST_WORD))
            break;
        stroke->bad = n >= LONGEST_WORD;
        if (stroke->bad)
            break;
        if (drawn)
            token = iv__writing_draw(pen->writing, 0, options, uniform(options, *draws));
        status = part_of(pen, text, token, &part, &glue);
        if (whole && (!part.size || is_word_before(&stroke->piece, &part)))
            break; /* the same will be drawn again when one goes on from here */
        *draws += drawn;
        stroke->ended = !part.size && !n;
        stroke->bad = part.size ? strlen(part.data) < part.size : n > 0;
        if (stroke->ended || stroke->bad)
            break;
        iv__score score = iv__writing_score(pen->writing, 0, token);
        sum += score.log_probability;
        rank = score.rank;
        stroke->glue = glue;
        size_t same = glue ? glue_text(pen, text) : text->size;
        iv__text_add(text, part.data, part.size);
        iv__text_add(&stroke->piece, part.data, part.size);
        if (!status && (text->failed || stroke->piece.failed))
            status = IV_NOMEM;
        if (!status)
            status = follow(pen, text->data, text->size, same, NULL);
        n++;
    }
    stroke->verdict = (iv__verdict){ n ? iv__exp_f64(sum) : NAN, n == 1 ? rank : 0 };
    if (stroke->ended || stroke->bad) {
        text->size = begin;
        if (text->data)
            text->data[begin] = 0;
        iv__text_clear(&stroke->piece);
    }
    iv__text_free(&part);
    return status;
}
