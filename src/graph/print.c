/* print.c: a graph as a table, one line for each call. */
#include "graph/node.h"

#include "base/field.h"

static void print_attributes(const iv_call *call, iv__text *text)
{
    for (const iv_field *field = call->op->attrs; field && field->name; field++) {
        iv__text_print(text, " %s=", field->name);
        iv__field_print(field, call->attr, text);
    }
}

void iv_graph_print(const iv_graph *graph, FILE *file)
{
    iv__text text = { .home = graph->home };
    char shape[160];

    fprintf(file, "%5s  %-28s %-20s %s\n", "node", "row", "shape", "inputs, attributes, scope");
    for (int c = 0; c < graph->n_calls; c++) {
        const iv_call *call = graph->calls[c];
        iv__text_clear(&text);
        for (int k = 0; k < call->n_in; k++)
            iv__text_print(&text, "%s%d", k ? "," : "", call->in[k]->id);
        print_attributes(call, &text);
        fprintf(file, "%5d  %-28s %-20s %s%s%s\n", call->out[0].id, call->op->name,
                iv_shape_text(&call->out[0].shape, shape, sizeof shape), text.data ? text.data : "",
                text.size ? "  " : "", call->scope);
    }
    iv__text_free(&text);
}
