/* convolutions.c: times convolutions and their gradients for bench/convolutions.py: a line of numbers on standard
 * input asks for one of them, a line with the seconds of the fastest run answers. */
#include <ivory/ivory.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct convolution {
    char of; /* f: y, x or w: their gradients */
    long records, rows, columns, channels, filters, taps_rows, taps_columns, stride, taps;
    double seconds; /* of runs that the fastest is taken of */
} convolution;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fill(float *to, int64_t n)
{
    for (int64_t i = 0; to && i < n; i++)
        to[i] = (float)((uint32_t)i * 2654435761u >> 8) / (float)(1 << 23) - 1;
}

/* What is asked for; one tap is a product of matrices, as the layer has it. */
static iv_node *made(const convolution *c, iv_node *x, iv_node *w, iv_node **dy)
{
    iv_node *y = c->taps_rows * c->taps_columns == 1
                     ? iv_matmul(x, iv_reshape(w, iv_dims(c->channels, c->filters)))
                     : iv_conv(x, w, .stride = { c->stride, c->stride }, .padding = IV_SAME,
                               .taps = c->taps);
    iv_node *from[1] = { c->of == 'x' ? x : w }, *gradient[1] = { NULL };

    if (!y || c->of == 'f')
        return y;
    *dy = iv_input(iv_node_graph(y), "dy", IV_F32, *iv_node_shape(y));
    return iv_gradient(iv_sum_all(iv_mul(y, *dy)), 1, from, gradient) ? NULL : gradient[0];
}

static double fastest(iv_plan *plan, double seconds)
{
    double end = now() + seconds, best = 0;

    for (int i = 0; i < 3 || now() < end; i++) {
        double begin = now();
        if (iv_plan_run(plan))
            return -1;
        double took = now() - begin;
        if (i == 1 || (i > 1 && took < best)) /* the first run packs */
            best = took;
    }
    return best;
}

static double measure(iv_home *home, const convolution *c)
{
    iv_graph *graph = iv_graph_new(home);
    iv_node *x = iv_input(graph, "x", IV_F32, iv_dims(c->records, c->rows, c->columns, c->channels)),
            *w = iv_parameter(graph, "w",
                              iv_dims(c->taps_rows, c->taps_columns, c->channels, c->filters)),
            *dy = NULL, *out = made(c, x, w, &dy);
    iv_plan *plan = iv_plan_new(home, 1, &out, 0, NULL);
    int64_t n = c->taps_rows * c->taps_columns * c->channels * c->filters;
    float *weights = malloc((size_t)n * sizeof *weights);
    double seconds = -1;

    if (plan && weights) {
        fill(weights, n);
        fill(iv_plan_input(plan, "x"), c->records * c->rows * c->columns * c->channels);
        if (dy)
            fill(iv_plan_input(plan, "dy"), iv_shape_count(iv_node_shape(dy)));
        if (c->of != 'w')
            iv_plan_bind(plan, "w", weights, NULL);
        seconds = fastest(plan, c->seconds);
    }
    if (seconds < 0)
        fprintf(stderr, "convolutions: %s\n", iv_home_message(home));
    free(weights);
    iv_plan_free(plan);
    iv_graph_free(graph);
    return seconds;
}

int main(void)
{
    iv_home *home = iv_home_new(NULL);
    convolution c;

    while (home && scanf(" %c %ld %ld %ld %ld %ld %ld %ld %ld %ld %lf", &c.of, &c.records, &c.rows,
                         &c.columns, &c.channels, &c.filters, &c.taps_rows, &c.taps_columns,
                         &c.stride, &c.taps, &c.seconds) == 11) {
        printf("%.9g\n", measure(home, &c));
        fflush(stdout);
    }
    iv_home_free(home);
    return !home;
}
