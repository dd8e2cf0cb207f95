/* graph_world.h: a graph's text in memory, for tests. */
#ifndef IV_TESTS_GRAPH_WORLD_H
#define IV_TESTS_GRAPH_WORLD_H

#include <ivory/graph.h>

#include <stdio.h>

/* As iv_graph_print writes it; freed by free. */
static inline char *text_of(const iv_graph *graph)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);

    iv_graph_print(graph, file);
    fclose(file);
    return text;
}

#endif
