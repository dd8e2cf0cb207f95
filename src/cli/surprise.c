/* surprise.c: how surprising a given text is to a run: the bits of each token, given those before
 * it, as a table, as JSON, and as a page on which the tokens are coloured by them. */
#include "cli/surprise.h"

#include "base/home.h"
#include "cli/figure.h"
#include "cli/page.h"
#include "data/extent.h"
#include "format/source.h"
#include "format/utf8.h"
#include "models/common_writing.h"

#include <math.h>
#include <string.h>

typedef struct scoring {
    cli *c;
    iv__writing *writing;
    const iv__vocabulary *vocabulary;
    iv__ids ids;
    iv__text unknown;
    iv__score *scores; /* of each token */
    int64_t first;     /* the first token that is scored: 1 where the model predicts no beginning */
    iv__extent extent; /* of those that are */
    double nats;       /* minus the logarithm of the probability of all of them */
} scoring;

/* ---- reading and scoring ----------------------------------------------------------- */

static iv_status read_text(cli *c, const char *path, iv__text *text)
{
    iv__source *source = iv__source_open(c->home, strcmp(path, "-") ? path : "/dev/stdin");
    char bytes[1 << 16];
    int64_t n = source ? 1 : -1;

    while (n > 0 && (n = iv__source_read(source, bytes, sizeof bytes)) > 0)
        iv__text_add(text, bytes, (size_t)n);
    iv__source_close(source);
    return n < 0 ? iv_home_status(c->home) : text->failed ? IV_NOMEM : IV_OK;
}

static iv_status encode(scoring *s, const char *path)
{
    iv__text text = { .home = s->c->home };
    iv_status status = read_text(s->c, path, &text);

    if (!status)
        status = iv__encode(s->vocabulary, strcmp(path, "-") ? path : "standard input", 1,
                            text.data ? text.data : "", text.size, &s->ids, &s->unknown);
    iv__text_free(&text);
    return status;
}

static iv_status score(scoring *s)
{
    iv_status status = iv__writing_start(s->writing);

    s->first = status || iv__writing_knows(s->writing) ? 0 : 1;
    if (!status && s->ids.count <= s->first)
        status = iv_fail(s->c->home, IV_VALUE, "the text is too short to score: it has %lld tokens",
                         (long long)s->ids.count);
    s->extent.vocabulary = s->vocabulary;
    iv__extent_begin(&s->extent);
    s->scores = iv__alloc_array(s->c->home, s->ids.count + 1, sizeof *s->scores);
    if (!status && !s->scores)
        status = IV_NOMEM;
    for (int64_t t = 0; t < s->ids.count && !status; t++) {
        if (t >= s->first) {
            s->scores[t] = iv__writing_score(s->writing, 0, s->ids.id[t]);
            s->nats -= s->scores[t].log_probability;
            iv__extent_add(&s->extent, s->ids.id[t]);
        }
        if (t + 1 < s->ids.count)
            status = iv__writing_feed(s->writing, &s->ids.id[t]);
    }
    return status;
}

static double bits_of(const scoring *s, int64_t t)
{
    return -s->scores[t].log_probability / log(2);
}

/* ---- as text ----------------------------------------------------------------------- */

/* A token by itself; bytes that are no character alone as \xNN. */
static void token_text(const scoring *s, int64_t t, iv__text *text)
{
    const char *token = iv__vocabulary_token(s->vocabulary, s->ids.id[t]);
    size_t size = iv__vocabulary_token_size(s->vocabulary, s->ids.id[t]);

    iv__text_clear(text);
    if (iv__utf8_valid(token, size) == size && !memchr(token, 0, size))
        iv__text_put(text, figure_label(token));
    else
        for (size_t i = 0; i < size; i++)
            iv__text_print(text, "\\x%02X", (unsigned char)token[i]);
}

typedef struct figure {
    const char *name;
    double value;
} figure;

enum { FIGURES = 5 };

static void find_figures(const scoring *s, figure figures[FIGURES])
{
    double n = (double)(s->ids.count - s->first);

    figures[0] = (figure){ "tokens", n };
    figures[1] = (figure){ "log probability", -s->nats };
    figures[2] = (figure){ "perplexity", exp(s->nats / n) };
    figures[3] = (figure){ "bits per token", s->nats / log(2) / n };
    figures[4] = (figure){ iv__extent_measure(&s->extent),
                           s->nats / log(2) / (double)iv__extent_units(&s->extent) };
}

static int put_table(const scoring *s)
{
    iv__text token = { .home = s->c->home }, shown = { .home = s->c->home };
    figure figures[FIGURES];

    find_figures(s, figures);
    for (int i = 0; i < FIGURES; i++)
        printf("%-20s %.6g\n", figures[i].name, figures[i].value);
    printf("\n%8s %8s  token\n", "bits", "rank");
    for (int64_t t = 0; t < s->ids.count; t++) {
        token_text(s, t, &token);
        iv__text_clear(&shown);
        cli_put_short(&shown, token.data ? token.data : "", SIZE_MAX);
        if (token.failed || shown.failed)
            break;
        if (t < s->first)
            printf("%8s %8s  %s\n", "-", "-", shown.data);
        else
            printf("%8.2f %8lld  %s\n", bits_of(s, t), (long long)s->scores[t].rank, shown.data);
    }
    int status = token.failed || shown.failed ? cli_fail(s->c) : DONE;
    iv__text_free(&token);
    iv__text_free(&shown);
    return status;
}

/* ---- as JSON ----------------------------------------------------------------------- */

static int put_json(const scoring *s)
{
    iv__text text = { .home = s->c->home };
    iv__json_writer w = { .text = &text };
    figure figures[FIGURES];

    find_figures(s, figures);
    iv__json_put_object(&w);
    for (int i = 0; i < FIGURES; i++)
        cli_put_measure(&w, figures[i].name, figures[i].value);
    iv__json_put_name(&w, "surprise");
    iv__json_put_array(&w);
    for (int64_t t = s->first; t < s->ids.count; t++) {
        iv__json_put_object(&w);
        cli_put_string(&w, "token", iv__vocabulary_token(s->vocabulary, s->ids.id[t]));
        cli_put_int(&w, "id", s->ids.id[t]);
        cli_put_float(&w, "bits", bits_of(s, t));
        cli_put_int(&w, "rank", s->scores[t].rank);
        iv__json_end_object(&w);
    }
    iv__json_end_array(&w);
    iv__json_end_object(&w);
    int status = cli_put_line(s->c, &text);
    iv__text_free(&text);
    return status;
}

/* ---- as a page --------------------------------------------------------------------- */

/* Shades by bits: the last is that of all that surprises more. */
enum { SHADES = 8, BITS_OF_A_SHADE = 2 };

static const char style[] =
    "p.text { line-height: 1.9 } p.text bdi, p.key span { padding: 0.1rem 0; border-radius: 0.2rem }\n"
    "p.key span { padding: 0.1rem 0.5rem }\n"
    ".s1 { background: #fff3e0 } .s2 { background: #ffe3bf } .s3 { background: #ffcf94 } .s4 { background: #ffb566 }\n"
    ".s5 { background: #fb9540 } .s6 { background: #ec6f2c; color: #fff } .s7 { background: #c94a1b; color: #fff }\n"
    "td { padding-right: 1.5rem }\n";

static void put_key(iv__text *page)
{
    iv__text_put(page, "<p class=\"key\">bits of surprise:");
    for (int i = 0; i < SHADES; i++)
        iv__text_print(page, " <span class=\"s%d\">%d%s</span>", i, i * BITS_OF_A_SHADE,
                       i == SHADES - 1 ? " and more" : "");
    iv__text_put(page, "</p>\n");
}

static int put_page(const scoring *s, const char *out)
{
    bool words = iv__vocabulary_rules(s->vocabulary)->kind == IV__TOKENS_WORDS;
    iv__text page = { .home = s->c->home }, token = { .home = s->c->home };
    figure figures[FIGURES];

    find_figures(s, figures);
    page_begin(&page, "What surprises the model", style);
    iv__text_put(&page, "<table>\n");
    for (int i = 0; i < FIGURES; i++)
        iv__text_print(&page, "<tr><td>%s</td><td>%.6g</td></tr>\n", figures[i].name, figures[i].value);
    iv__text_put(&page, "</table>\n");
    put_key(&page);
    iv__text_put(&page, "<p class=\"text\">");
    for (int64_t t = 0; t < s->ids.count; t++) {
        double bits = t < s->first ? 0 : bits_of(s, t);
        int shade = bits < SHADES * BITS_OF_A_SHADE ? (int)(bits / BITS_OF_A_SHADE) : SHADES - 1;
        iv__text_print(&page, "<bdi class=\"s%d\"", shade);
        if (t >= s->first)
            iv__text_print(&page, " title=\"%.2f bits, rank %lld\"", bits, (long long)s->scores[t].rank);
        iv__text_put(&page, ">");
        const char *plain = iv__vocabulary_token(s->vocabulary, s->ids.id[t]);
        token_text(s, t, &token);
        bool visible = *plain == ' ' || *plain == '\n'; /* as they are, not by a name */
        const char *shown = visible || !token.data ? plain : token.data;
        page_put_text(&page, shown, strlen(shown));
        iv__text_put(&page, words ? "</bdi> " : "</bdi>");
    }
    iv__text_put(&page, "</p>\n");
    page.failed = page.failed || token.failed;
    int status = page_write(s->c, &page, out);
    iv__text_free(&page);
    iv__text_free(&token);
    return status;
}

/* ---- all of it --------------------------------------------------------------------- */

int surprise_put(cli *c, iv__opened *run, const char *path, const char *out)
{
    scoring s = { .c = c, .ids = { .home = c->home }, .unknown = { .home = c->home } };
    iv_status status;

    s.writing = iv__writing_new(run->instance, run->params, 1);
    status = s.writing ? IV_OK : iv_home_status(c->home);
    if (!status) {
        s.vocabulary = iv__writing_language(s.writing)->vocabulary;
        status = encode(&s, path);
    }
    if (!status)
        status = score(&s);
    if (!status && s.unknown.size) {
        iv__text line = { .home = c->home };
        cli_put_short(&line, s.unknown.data, 300);
        cli_note(c, "ivory: the model does not know: %s", line.data ? line.data : "");
        iv__text_free(&line);
    }
    int exit_status = status           ? cli_fail(c)
                      : *out           ? put_page(&s, out)
                      : c->common.json ? put_json(&s)
                                       : put_table(&s);
    iv__writing_free(s.writing);
    iv__ids_free(&s.ids);
    iv__text_free(&s.unknown);
    iv__free(c->home, s.scores);
    return exit_status;
}
