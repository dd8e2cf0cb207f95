/* fuzz_graph.c: any bytes as the text of a graph. What was read is written and read as the same; and small ones run: no
 * attribute that a shape rule lets through may make a kernel read or write where it should not. */
#include "fuzz_world.h"

#include <ivory/derive.h>

#include <stdio.h>

#include "graph/node.h"

enum { MOST_NODES = 24, MOST_ELEMENTS = 2000 };

static char *text_of(const iv_graph *graph, size_t *size)
{
    char *text;
    FILE *file = open_memstream(&text, size);

    must(file != NULL);
    iv_graph_print(graph, file);
    fclose(file);
    return text;
}

static bool is_small(const iv_graph *graph)
{
    bool small = graph->n_calls > 0 && graph->n_nodes <= MOST_NODES;

    for (int c = 0; c < graph->n_calls && small; c++)
        for (int k = 0; k < graph->calls[c]->n_out; k++)
            small &= iv_shape_count(&graph->calls[c]->out[k].shape) <= MOST_ELEMENTS;
    return small;
}

/* The last call, of leaves that are all ones. */
static void run(iv_graph *graph)
{
    static double ones[MOST_ELEMENTS];
    iv_node *last = &graph->calls[graph->n_calls - 1]->out[0];
    iv_plan *plan = iv_plan_new(graph->home, 1, &last, 0, NULL);

    for (int i = 0; plan && i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        for (int k = 0; k < MOST_ELEMENTS; k++)
            if (leaf->dtype == IV_F64)
                ones[k] = 1;
            else if (leaf->dtype == IV_F32)
                ((float *)ones)[k] = 1;
            else if (leaf->dtype == IV_I32)
                ((int32_t *)ones)[k] = 1;
            else
                ((uint8_t *)ones)[k] = 1;
        if (leaf->call->op == &iv__op_parameter)
            must(!iv_plan_bind(plan, iv_node_name(leaf), ones, NULL));
        else
            memcpy(iv_plan_input(plan, iv_node_name(leaf)), ones,
                   (size_t)iv_shape_count(iv_node_shape(leaf)) * iv_dtype_size(leaf->dtype));
    }
    if (plan)
        iv_plan_run(plan);
    iv_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    iv_graph *graph = iv_graph_read(home, "input", (const char *)data, size, NULL);
    const bool failed = !graph;

    if (graph) {
        size_t length, again_length;
        char *text = text_of(graph, &length);
        iv_graph *again = iv_graph_read(home, "again", text, length, NULL);
        must(again != NULL);
        char *twice = text_of(again, &again_length);
        must(length == again_length && !memcmp(text, twice, length));
        free(text);
        free(twice);
        iv_graph_free(again);
        if (is_small(graph))
            run(graph);
        iv_graph_free(graph);
    }
    return fuzz_end(home, failed);
}
