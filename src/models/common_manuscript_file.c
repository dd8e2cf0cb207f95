/* common_manuscript_file.c: a manuscript as a file of JSON, and the record of who wrote what. */
#include "models/common_manuscript.h"

#include "base/file.h"
#include "base/home.h"
#include "format/json.h"
#include "format/json_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char kind[] = "writing";
enum { FORMAT = 1 };

/* ---- writing --------------------------------------------------------------------------------- */

static void put_piece(iv__json_writer *w, const iv__piece *piece)
{
    iv__json_put_object(w);
    iv__json_put_name(w, "after"), iv__json_put_int(w, piece->before);
    iv__json_put_name(w, "text"), iv__json_put_string(w, piece->text);
    iv__json_put_name(w, "how"), iv__json_put_string(w, iv__how_name(piece->how));
    if (piece->run >= 0 && !isnan(piece->probability)) {
        iv__json_put_name(w, "run"), iv__json_put_int(w, piece->run);
        iv__json_put_name(w, "probability"), iv__json_put_double(w, piece->probability);
        if (piece->rank > 0)
            iv__json_put_name(w, "rank"), iv__json_put_int(w, piece->rank);
    }
    iv__json_put_name(w, "begins"), iv__json_put_bool(w, piece->begins);
    iv__json_end_object(w);
}

void iv__manuscript_print(const iv__manuscript *m, iv__text *text)
{
    iv__json_writer w = { .text = text, .indent = 1 };

    iv__json_put_object(&w);
    iv__json_put_name(&w, "ivory"), iv__json_put_string(&w, kind);
    iv__json_put_name(&w, "format"), iv__json_put_int(&w, FORMAT);
    iv__json_put_name(&w, "runs");
    iv__json_put_array(&w);
    for (int i = 0; i < m->n_runs; i++)
        iv__json_put_string(&w, m->runs[i]);
    iv__json_end_array(&w);
    iv__json_put_name(&w, "temperature"), iv__json_put_double(&w, m->temperature);
    iv__json_put_name(&w, "top_k"), iv__json_put_int(&w, m->top_k);
    iv__json_put_name(&w, "draws"), iv__json_put_int(&w, m->draws);
    iv__json_put_name(&w, "here"), iv__json_put_int(&w, m->here);
    iv__json_put_name(&w, "pieces");
    iv__json_put_array(&w);
    for (int32_t i = 1; i < m->count; i++)
        put_piece(&w, &m->pieces[i]);
    iv__json_end_array(&w);
    iv__json_end_object(&w);
    iv__text_put(text, "\n");
}

iv_status iv__manuscript_save(const iv__manuscript *m, const char *path)
{
    iv__text text = { .home = m->home };

    iv__manuscript_print(m, &text);
    iv_status status = text.failed ? IV_NOMEM : iv__file_write(m->home, path, text.data, text.size);
    iv__text_free(&text);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct reading {
    iv_home *home;
    const char *name;
    iv__manuscript *m;
} reading;

static iv_status refuse(const reading *r, const iv__json_value *value, const char *expected)
{
    return iv_fail(r->home, IV_FORMAT, "%s:%lld:%lld: expected %s", r->name, (long long)value->line,
                   (long long)value->column, expected);
}

/* A whole number of an object within a range. */
static iv_status read_int(const reading *r, const iv__json_value *object, const char *name,
                          int64_t low, int64_t high, int64_t *number)
{
    const iv__json_value *value = iv__json_member(object, name);
    char expected[128];

    if (value && iv__json_int(value, number) && *number >= low && *number <= high)
        return IV_OK;
    snprintf(expected, sizeof expected, "\"%s\", a whole number from %lld to %lld", name,
             (long long)low, (long long)high);
    return refuse(r, value ? value : object, expected);
}

static iv_status read_how(const reading *r, const iv__json_value *object, iv__how *how)
{
    const iv__json_value *value = iv__json_member(object, "how");
    const char *word = iv__json_string(value);

#define IV__HOW(name, text)          \
    if (word && !strcmp(word, text)) \
        return *how = IV__##name, IV_OK;
    IV__HOW_MAP(IV__HOW)
#undef IV__HOW
    return refuse(r, value ? value : object, "\"how\": typed, chosen or drawn");
}

static iv_status read_score(const reading *r, const iv__json_value *object, iv__piece *piece)
{
    const iv__json_value *value = iv__json_member(object, "probability");
    int64_t run;

    piece->run = -1;
    piece->probability = NAN;
    if (!value)
        return IV_OK;
    if (!iv__json_real(value, &piece->probability) || piece->probability < 0 || piece->probability > 1)
        return refuse(r, value, "a probability from 0 to 1");
    iv_status status = read_int(r, object, "run", 0, r->m->n_runs - 1, &run);
    if (!status && iv__json_member(object, "rank"))
        status = read_int(r, object, "rank", 1, INT32_MAX, &piece->rank);
    if (!status)
        piece->run = (int32_t)run;
    return status;
}

static iv_status read_piece(const reading *r, const iv__json_value *value)
{
    const iv__json_value *begins = iv__json_member(value, "begins");
    iv__piece piece = { .text = iv__json_string(iv__json_member(value, "text")) };
    int64_t before;

    if (value->kind != IV__JSON_OBJECT)
        return refuse(r, value, "a piece, an object");
    if (!piece.text || !*piece.text)
        return refuse(r, value, "a piece with its \"text\"");
    if (!begins || (begins->kind != IV__JSON_TRUE && begins->kind != IV__JSON_FALSE))
        return refuse(r, value, "a piece with \"begins\": true or false");
    piece.begins = begins->kind == IV__JSON_TRUE;
    iv_status status = read_int(r, value, "after", 0, r->m->count - 1, &before);
    if (!status)
        status = read_how(r, value, &piece.how);
    if (!status)
        status = read_score(r, value, &piece);
    if (status)
        return status;
    r->m->here = (int32_t)before;
    return iv__manuscript_add(r->m, &piece);
}

static iv_status read_runs(const reading *r, const iv__json_value *top)
{
    const iv__json_value *runs = iv__json_member(top, "runs");
    iv_status status = IV_OK;
    int32_t run;

    if (!runs || runs->kind != IV__JSON_ARRAY)
        return refuse(r, runs ? runs : top, "\"runs\", an array of names");
    for (const iv__json_value *at = runs->first; at && !status; at = at->next)
        status = iv__json_string(at) ? iv__manuscript_run(r->m, at->text, &run)
                                     : refuse(r, at, "the name of a run");
    return status;
}

static iv_status read_all(const reading *r, const iv__json_value *top)
{
    const char *what = iv__json_string(iv__json_member(top, "ivory"));
    const iv__json_value *pieces = iv__json_member(top, "pieces"),
                         *temperature = iv__json_member(top, "temperature");
    iv__manuscript *m = r->m;
    int64_t format, here;

    if (!what || strcmp(what, kind))
        return refuse(r, top, "a writing of Ivory: an object with \"ivory\": \"writing\"");
    iv_status status = read_int(r, top, "format", FORMAT, FORMAT, &format);
    if (!status)
        status = read_runs(r, top);
    if (!status)
        status = read_int(r, top, "top_k", 0, INT32_MAX, &m->top_k);
    if (!status)
        status = read_int(r, top, "draws", 0, INT64_MAX / 2, &m->draws);
    if (!status &&
        (!iv__json_real(temperature, &m->temperature) || m->temperature < 0 || m->temperature > 100))
        status = refuse(r, temperature ? temperature : top, "\"temperature\", a number from 0 to 100");
    if (!status && (!pieces || pieces->kind != IV__JSON_ARRAY))
        status = refuse(r, pieces ? pieces : top, "\"pieces\", an array");
    for (const iv__json_value *at = status ? NULL : pieces->first; at && !status; at = at->next)
        status = read_piece(r, at);
    if (!status)
        status = read_int(r, top, "here", 0, m->count - 1, &here);
    if (!status)
        iv__manuscript_go(m, (int32_t)here);
    return status;
}

iv_status iv__manuscript_read(iv_home *home, const char *name, const void *bytes, size_t size,
                              iv__manuscript *m)
{
    iv__arena arena = { .home = home };
    iv_status status = iv__manuscript_new(home, m);
    const iv__json_value *top = status ? NULL : iv__json_tree_of(home, name, bytes, size, &arena);

    if (!status)
        status = top ? read_all(&(reading){ home, name, m }, top) : iv_home_status(home);
    iv__arena_free(&arena);
    if (status)
        iv__manuscript_free(m);
    return status;
}

iv_status iv__manuscript_open(iv_home *home, const char *path, iv__manuscript *m)
{
    iv__view view;
    iv_status status = iv__view_open(home, path, &view);

    if (status)
        return status;
    status = iv__manuscript_read(home, path, view.data, view.size, m);
    iv__view_close(&view);
    return status;
}

/* ---- the record ------------------------------------------------------------------------------ */

/* A piece in a table: what would break its line is written as in C. */
static void put_cell(iv__text *table, const char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r' || *text == '\t' || *text == '\\')
            iv__text_print(table, "\\%c",
                           *text == '\n'   ? 'n'
                           : *text == '\r' ? 'r'
                           : *text == '\t' ? 't'
                                           : '\\');
        else
            iv__text_add(table, text, 1);
}

void iv__manuscript_record(const iv__manuscript *m, iv__text *table)
{
    int32_t n = 0;

    for (int32_t i = m->here; i; i = m->pieces[i].before)
        n++;
    int32_t *path = iv__alloc_array(m->home, n + 1, sizeof *path);
    if (!path) {
        table->failed = true;
        return;
    }
    for (int32_t i = m->here, at = n; i; i = m->pieces[i].before)
        path[--at] = i;
    iv__text_put(table, "text\tby\thow\trun\tprobability\trank\n");
    for (int32_t k = 0; k < n; k++) {
        const iv__piece *piece = &m->pieces[path[k]];
        put_cell(table, piece->text);
        iv__text_print(table, "\t%s\t%s\t", piece->how == IV__TYPED ? "person" : "model",
                       iv__how_name(piece->how));
        if (piece->run >= 0 && !isnan(piece->probability))
            put_cell(table, m->runs[piece->run]), iv__text_print(table, "\t%.6g\t", piece->probability);
        else
            iv__text_put(table, "\t\t");
        if (piece->rank > 0)
            iv__text_print(table, "%lld", (long long)piece->rank);
        iv__text_put(table, "\n");
    }
    iv__free(m->home, path);
}
