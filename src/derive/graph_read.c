/* graph_read.c: a graph from its text, as print.c writes it: without the code that built it.
 *
 *   ivory graph 1, real f32
 *   %0 = input() name="x" dtype=f32 shape=[2,3] axis=-1 axes=0  # f32 [2,3]
 *   in "dense"
 *   %1 = parameter() name="dense/kernel" dtype=f32 shape=[3,4] axis=-1 axes=0
 *   %2 = matmul(%0, %1) transpose_a=0 transpose_b=0
 *   output "y" = %2
 *
 * Every row is made by iv_apply, so that shapes are checked as in building. */
#include <ivory/derive.h>

#include "base/field.h"
#include "base/file.h"
#include "base/home.h"
#include "graph/node.h"
#include "ops/common_named.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 64, MOST_CALLS = 1 << 20 };

typedef struct reading {
    iv_home *home;
    const char *name; /* of the file, for messages */
    int line;
    char *at;        /* in the line, which ends with 0 */
    iv__arena arena; /* texts and attributes of a line; the graph copies what it keeps */
    const iv_op *const *own;
    iv_graph *graph;
    iv_node **made; /* output 0 of each call */
    int n, room;
} reading;

static bool expected(reading *r, const char *what)
{
    iv_fail(r->home, IV_FORMAT, "%s:%d: expected %s at '%.40s'", r->name, r->line, what, r->at);
    return false;
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool take(reading *r, const char *text)
{
    const size_t size = strlen(text);

    r->at += strspn(r->at, " ");
    if (strncmp(r->at, text, size))
        return false;
    r->at += size;
    return true;
}

/* Up to one of `ends`, which may be the end of the line. */
static bool take_word(reading *r, const char *ends, char word[WORD])
{
    const size_t size = strcspn(r->at, ends);

    if (!size || size >= WORD)
        return expected(r, "a name");
    memcpy(word, r->at, size);
    word[size] = 0;
    r->at += size;
    return true;
}

/* "text", with \" \\ and \n: kept until the line is done. NULL with a message. */
static char *take_quoted(reading *r)
{
    char *text = NULL, *to;

    if (!take(r, "\"")) {
        expected(r, "a text in quotes");
        return NULL;
    }
    to = text = iv__arena_text(&r->arena, r->at);
    if (!text)
        return NULL;
    for (; *r->at && *r->at != '"'; r->at++) {
        const bool escaped = r->at[0] == '\\' && r->at[1];

        r->at += escaped;
        *to++ = escaped && *r->at == 'n' ? '\n' : *r->at;
    }
    *to = 0;
    if (!take(r, "\"")) {
        expected(r, "the closing quote");
        return NULL;
    }
    return text;
}

/* %12 or %12.1: NULL with a message. */
static iv_node *take_node(reading *r)
{
    char *end;

    if (take(r, "%")) {
        long number = strtol(r->at, &end, 10), output = 0;
        bool good = end > r->at && number >= 0 && number < r->n;
        if (good && *end == '.') {
            r->at = end + 1;
            output = strtol(r->at, &end, 10);
            good = end > r->at && output >= 0 && output < r->made[number]->call->n_out;
        }
        if (good) {
            r->at = end;
            return iv_node_output(r->made[number], (int)output);
        }
    }
    expected(r, "%, and the number of a call above (and of its output, as %3.1)");
    return NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static const iv_op *row_named(const reading *r, const char *name)
{
    for (const iv_op *const *op = r->own; op && *op; op++)
        if (!strcmp((*op)->name, name))
            return *op;
    const iv_op *ivorys = iv__op_named(name);
    return ivorys                                 ? ivorys
           : !strcmp(name, iv__op_input.name)     ? &iv__op_input
           : !strcmp(name, iv__op_parameter.name) ? &iv__op_parameter
                                                  : NULL;
}

static bool set_attribute(reading *r, const iv_field *field, char *attr, const char *value)
{
    if (field->type == IV_FIELD_REAL) { /* options are finite, attributes need not be (a fill with -inf) */
        const double special = !strcmp(value, "inf")    ? INFINITY
                               : !strcmp(value, "-inf") ? -INFINITY
                                                        : NAN;
        if (!isnan(special) || !strcmp(value, "nan") || !strcmp(value, "-nan")) {
            memcpy(attr + field->offset, &special, sizeof special);
            return true;
        }
    }
    const iv_field one[] = { *field, FIELD_END };
    if (!iv__field_set(r->home, &r->arena, one, attr, field->name, value))
        return true;
    iv_fail(r->home, IV_FORMAT, "%s:%d: %s", r->name, r->line, iv_home_message(r->home));
    return false;
}

/* Every attribute of the row, in the order of its table. */
static bool take_attributes(reading *r, const iv_op *op, char *attr)
{
    for (const iv_field *field = op->attrs; field && field->name; field++) {
        char value[512];

        if (!take(r, field->name) || !take(r, "=")) {
            iv_fail(r->home, IV_FORMAT, "%s:%d: %s: expected its attribute %s=", r->name, r->line,
                    op->name, field->name);
            return false;
        }
        if (field->type == IV_FIELD_TEXT) {
            char *text = take_quoted(r);
            if (!text)
                return false;
            memcpy(attr + field->offset, &text, sizeof text);
            continue;
        }
        const size_t size = strcspn(r->at, " ");
        if (size >= sizeof value)
            return expected(r, "a value");
        memcpy(value, r->at, size);
        value[size] = 0;
        r->at += size;
        if (!set_attribute(r, field, attr, value))
            return false;
    }
    return true;
}

static iv_node *make_leaf(reading *r, const iv_op *op, const iv__leaf *leaf)
{
    if (op == &iv__op_parameter && leaf->dtype == (int64_t)r->graph->real && leaf->axis == -1)
        return iv_parameter(r->graph, leaf->name, leaf->shape);
    if (op == &iv__op_input && leaf->axis >= -1 && leaf->axis < IV_MAX_RANK && leaf->axes >= 0 &&
        leaf->axes <= 2 && (leaf->axis < 0) == (leaf->axes == 0))
        return iv__input_causal(r->graph, leaf->name, (iv_dtype)leaf->dtype, leaf->shape,
                                (int)leaf->axis, (int)leaf->axes);
    return iv_refuse(r->graph, IV_VALUE, "%s '%s' is as no %s is", op->name, leaf->name, op->name);
}

static bool keep(reading *r, iv_node *node)
{
    if (r->n == r->room) {
        const int room = r->room ? 2 * r->room : 256;
        iv_node **made = iv__resize(r->home, r->made, (size_t)room * sizeof(iv_node *));
        if (!made)
            return false;
        r->made = made;
        r->room = room;
    }
    r->made[r->n++] = node;
    return true;
}

static bool read_call(reading *r)
{
    iv_node *in[IV_MAX_IN];
    char word[WORD], *end;
    int n_in = 0;
    const long number = strtol(r->at, &end, 10);

    if (end == r->at || number != r->n || number >= MOST_CALLS)
        return expected(r, "the next call's number");
    r->at = end;
    if (!take(r, "= ") || !take_word(r, "( ", word))
        return expected(r, "= and the name of a row");
    const iv_op *op = row_named(r, word);
    if (!op) {
        iv_fail(r->home, IV_NAME, "%s:%d: there is no row '%s'", r->name, r->line, word);
        return false;
    }
    if (!take(r, "("))
        return expected(r, "( and the row's inputs");
    while (!take(r, ")")) {
        if (n_in == IV_MAX_IN || (n_in && !take(r, ",")))
            return expected(r, ")");
        if (!(in[n_in++] = take_node(r)))
            return false;
    }
    char *attr = iv__arena_get(&r->arena, op->attr_size + 1);
    if (!attr || !take_attributes(r, op, attr))
        return false;
    iv_node *node = op->flags & IV_LEAF ? make_leaf(r, op, (const iv__leaf *)(const void *)attr)
                                        : iv_apply(r->graph, op, n_in, in, op->attrs ? attr : NULL);
    if (!node) {
        iv_fail(r->home, iv_graph_status(r->graph), "%s:%d: %s", r->name, r->line,
                iv_graph_message(r->graph));
        return false;
    }
    return keep(r, node);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool read_output(reading *r)
{
    const char *name = take_quoted(r);

    if (!name)
        return false;
    if (!take(r, "= "))
        return expected(r, "= and a node");
    iv_node *node = take_node(r);
    if (!node)
        return false;
    iv_graph_set_output(r->graph, name, node);
    if (!iv_graph_status(r->graph))
        return true;
    iv_fail(r->home, IV_FORMAT, "%s:%d: %s", r->name, r->line, iv_graph_message(r->graph));
    return false;
}

static bool read_scope(reading *r)
{
    char *scope = take_quoted(r);

    r->graph->scope = scope ? iv__arena_text(&r->graph->arena, scope) : NULL;
    return r->graph->scope != NULL;
}

static bool read_head(reading *r)
{
    iv_dtype real = take(r, "ivory graph 1, real f32") ? IV_F32 : IV_F64;

    if (real == IV_F64 && !take(r, "ivory graph 1, real f64"))
        return expected(r, "'ivory graph 1, real f32' (or f64): is it a graph that Ivory saved?");
    r->graph = iv_graph_new_real(r->home, real);
    return r->graph != NULL;
}

static bool read_line(reading *r)
{
    bool good = r->graph == NULL ? read_head(r)
                : take(r, "%")   ? read_call(r)
                : take(r, "in ") ? read_scope(r)
                : take(r, "output ")
                    ? read_output(r)
                    : !*r->at || *r->at == '#' || expected(r, "a call (%), 'in' or 'output'");

    r->at += strspn(r->at, " \r");
    if (good && *r->at && *r->at != '#')
        good = expected(r, "the end of the line");
    iv__arena_free(&r->arena);
    return good;
}

iv_graph *iv_graph_read(iv_home *home, const char *name, const char *text, size_t size,
                        const iv_op *const own[])
{
    reading r = { .home = home, .name = name, .arena = { .home = home }, .own = own };
    bool good = true;

    while (good && size) {
        const char *end = memchr(text, '\n', size);
        const size_t length = end ? (size_t)(end - text) : size;
        char *line = iv__alloc(home, length + 1);

        good = line != NULL;
        if (good) {
            memcpy(line, text, length);
            r.at = line;
            r.line++;
            good = strlen(line) == length ? read_line(&r) : expected(&r, "text, without zero bytes");
        }
        iv__free(home, line);
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
    if (good && !r.graph)
        iv_fail(home, IV_FORMAT, "%s: it is empty", name);
    if (r.graph)
        r.graph->scope = "";
    iv__free(home, r.made);
    if (!good) {
        iv_graph_free(r.graph);
        return NULL;
    }
    return r.graph;
}

iv_graph *iv_graph_load(iv_home *home, const char *path, const iv_op *const own[])
{
    iv__view view;

    if (iv__view_open(home, path, &view))
        return NULL;
    iv_graph *graph = iv_graph_read(home, path, (const char *)view.data, view.size, own);
    iv__view_close(&view);
    return graph;
}
