/* print.c: a graph as text that a person can read and iv_graph_load can read again. */
#include "graph/node.h"

#include "base/field.h"
#include "base/file.h"
#include "base/home.h"

#include <string.h>

static void put_quoted(iv__text *text, const char *word)
{
    iv__text_put(text, "\"");
    for (; *word; word++) {
        if (*word == '"' || *word == '\\')
            iv__text_add(text, "\\", 1);
        if (*word == '\n')
            iv__text_put(text, "\\n");
        else
            iv__text_add(text, word, 1);
    }
    iv__text_put(text, "\"");
}

static void put_node(iv__text *text, const iv_node *node, const int *number)
{
    iv__text_print(text, "%%%d", number[node->call->id]);
    if (node->index)
        iv__text_print(text, ".%d", node->index);
}

static void put_call(iv__text *text, const iv_call *call, const int *number)
{
    char shape[160];

    iv__text_print(text, "%%%d = %s(", number[call->id], call->op->name);
    for (int k = 0; k < call->n_in; k++) {
        iv__text_put(text, k ? ", " : "");
        put_node(text, call->in[k], number);
    }
    iv__text_put(text, ")");
    for (const iv_field *field = call->op->attrs; field && field->name; field++) {
        iv__text_print(text, " %s=", field->name);
        if (field->type == IV_FIELD_TEXT)
            put_quoted(text, *(const char *const *)((const char *)call->attr + field->offset));
        else
            iv__field_print(field, call->attr, text);
    }
    iv__text_print(text, "  # %s %s\n", iv_dtype_name(call->out[0].dtype),
                   iv_shape_text(&call->out[0].shape, shape, sizeof shape));
}

/* Marks by 1 what the named outputs need, or everything where there are none; then numbers it. */
static void number_calls(const iv_graph *graph, int *number)
{
    int n = 0;

    for (const iv__named *o = graph->outputs; o; o = o->next)
        number[o->node->call->id] = 1;
    for (int c = graph->n_calls - 1; c >= 0; c--) {
        const iv_call *call = graph->calls[c];
        if (!graph->outputs)
            number[c] = 1;
        for (int k = 0; k < call->n_in && number[c]; k++)
            number[call->in[k]->call->id] = 1;
    }
    for (int c = 0; c < graph->n_calls; c++)
        number[c] = number[c] ? n++ : -1;
}

static iv_status put_graph(const iv_graph *graph, iv__text *text)
{
    int *number = iv__alloc_array(graph->home, (int64_t)graph->n_calls + 1, sizeof *number);
    const char *scope = "";

    if (!number)
        return IV_NOMEM;
    number_calls(graph, number);
    iv__text_print(text, "ivory graph 1, real %s\n", iv_dtype_name(graph->real));
    for (int c = 0; c < graph->n_calls; c++) {
        const iv_call *call = graph->calls[c];
        const char *in = call->op->flags & IV_LEAF ? scope : call->scope; /* a leaf's is its name */
        if (number[c] < 0)
            continue;
        if (strcmp(in, scope)) {
            iv__text_put(text, "in ");
            put_quoted(text, in);
            iv__text_put(text, "\n");
            scope = in;
        }
        put_call(text, call, number);
    }
    for (const iv__named *o = graph->outputs; o; o = o->next) {
        iv__text_put(text, "output ");
        put_quoted(text, o->name);
        iv__text_put(text, " = ");
        put_node(text, o->node, number);
        iv__text_put(text, "\n");
    }
    iv__free(graph->home, number);
    return text->failed ? IV_NOMEM : IV_OK;
}

void iv_graph_print(const iv_graph *graph, FILE *file)
{
    iv__text text = { .home = graph->home };

    if (!put_graph(graph, &text))
        fwrite(text.data, 1, text.size, file);
    iv__text_free(&text);
}

iv_status iv_graph_save(const iv_graph *graph, const char *path)
{
    iv__text text = { .home = graph->home };
    iv_status status = graph->status ? iv__graph_fail(graph) : put_graph(graph, &text);

    if (!status)
        status = iv__file_write(graph->home, path, text.data, text.size);
    iv__text_free(&text);
    return status;
}
