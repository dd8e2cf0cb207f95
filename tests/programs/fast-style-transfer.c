/* fast-style-transfer WEIGHTS INPUT_PNG REFERENCE_PNG OUT_PNG [REFERENCE]: paints a picture in the manner that the
 * weights have learnt. The painting may differ from that of the reference by one level; with REFERENCE a small one is
 * compared in numbers, too.
 * Source: Johnson et al. 2016, as github.com/lengstrom/fast-style-transfer trains it. */
#include "pretrained.h"

#include "format/image.h"

static iv_node *layer(iv_scope *s, iv_node *x, int64_t filters, int64_t kernel, int64_t stride,
                      bool transposed)
{
    const iv_conv2d_options o = { .size = sizeof o,
                                  .filters = filters,
                                  .kernel = { kernel },
                                  .stride = { stride, stride },
                                  .padding = IV_SAME,
                                  .no_bias = true };

    x = transposed ? iv_conv2d_transpose_with(s, x, &o) : iv_conv2d_with(s, x, &o);
    return iv_instance_normalization(s, x, .epsilon = 1e-3);
}

static iv_node *painted(iv_scope *s, iv_node *x)
{
    x = iv_relu(layer(s, x, 32, 9, 1, false));
    x = iv_relu(layer(s, x, 64, 3, 2, false));
    x = iv_relu(layer(s, x, 128, 3, 2, false));
    for (int i = 0; i < 5; i++) {
        iv_node *y = iv_relu(layer(s, x, 128, 3, 1, false));
        x = iv_add(x, layer(s, y, 128, 3, 1, false));
    }
    x = iv_relu(layer(s, x, 64, 3, 2, true));
    x = iv_relu(layer(s, x, 32, 3, 2, true));
    x = layer(s, x, 3, 9, 1, false);
    return iv_clip(iv_shift(iv_scale(iv_tanh(x), 150), 127.5), 0, 255);
}

static const char *numbered(const char *name, int number, char text[64])
{
    snprintf(text, 64, number ? "%s_%d" : "%s", name, number);
    return text;
}

static void put(const world *w, const iv_weights *file, int variable, const char *layer_name,
                int number, const char *part)
{
    char from[64], of[64], to[128];

    snprintf(to, sizeof to, "%s/%s", numbered(layer_name, number, of), part);
    must(w, !iv_weights_put(file, numbered("Variable", variable, from), w->params, to));
}

/* The file only counts its variables: of each layer kernel, shift and scale. */
static void load_variables(const world *w, const char *path)
{
    enum { LAYERS = 16, CONVS = 13 }; /* of the layers 13 and 14 are transposed */
    iv_weights *file = open_weights(w, path);

    for (int i = 0; i < LAYERS; i++) {
        const bool transposed = i == CONVS || i == CONVS + 1;
        put(w, file, 3 * i, transposed ? "conv2d_transpose" : "conv2d",
            transposed  ? i - CONVS
            : i < CONVS ? i
                        : CONVS,
            "kernel");
        put(w, file, 3 * i + 1, "instance_normalization", i, "beta");
        put(w, file, 3 * i + 2, "instance_normalization", i, "gamma");
    }
    iv_weights_free(file);
}

/* A plan for pictures of that size. */
static iv_node *begin(world *w, int64_t height, int64_t width)
{
    iv_plan_free(w->plan);
    iv_graph_free(w->graph);
    w->graph = iv_graph_new(w->home);
    must(w, w->graph != NULL);
    iv_scope *s = iv_scope_new(w->graph, w->params, "");
    iv_node *y = painted(s, iv_input(w->graph, "x", IV_F32, iv_dims(1, height, width, 3)));
    plan_of(w, 1, &y);
    return y;
}

static void paint(world *w, const char *weights, const iv__image *from, iv__image *to)
{
    const int64_t n = from->height * from->width * 3;
    float *values = iv__alloc_array(w->home, n, sizeof *values);

    must(w, values && !iv__image_new(w->home, from->width, from->height, 3, 8, to));
    begin(w, from->height, from->width);
    load_variables(w, weights);
    for (int64_t i = 0; i < n; i++)
        values[i] = ((const uint8_t *)from->pixels)[i];
    give(w, "x", values, n);
    iv__free(w->home, values);
    run(w);
    for (int64_t i = 0; i < n; i++)
        ((uint8_t *)to->pixels)[i] = (uint8_t)lrintf(((const float *)iv_plan_output(w->plan, 0))[i]);
}

static void compare_pictures(world *w, const iv__image *got, const iv__image *wanted)
{
    const int64_t n = got->height * got->width * 3;
    int most = 0;
    int64_t other = 0;

    if (wanted->height != got->height || wanted->width != got->width) {
        iv_fail(w->home, IV_SHAPE, "the reference is a picture of another size");
        stop(w);
    }
    for (int64_t i = 0; i < n; i++) {
        const int d = abs(((const uint8_t *)got->pixels)[i] - ((const uint8_t *)wanted->pixels)[i]);
        most = d > most ? d : most;
        other += d > 0;
    }
    printf("%-28s %d of 255 %s (%lld of %lld values differ)\n", "painting", most,
           most <= 1 ? "agrees" : "DIFFERS", (long long)other, (long long)n);
    w->differs |= most > 1;
    w->compared++;
}

static void read_picture(const world *w, const char *path, iv__image *picture)
{
    must(w, !iv__image_read(w->home, path, picture) && !iv__image_convert(w->home, picture, 3, 8, NULL));
}

int main(int argc, char **argv)
{
    world w = world_begin(argc, 4, 5,
                          "fast-style-transfer WEIGHTS INPUT_PNG REFERENCE_PNG OUT_PNG [REFERENCE]");
    iv__image from, wanted, got;

    read_picture(&w, argv[2], &from);
    read_picture(&w, argv[3], &wanted);
    paint(&w, argv[1], &from, &got);
    must(&w, !iv__image_write(w.home, argv[4], &got));
    compare_pictures(&w, &got, &wanted);
    if (argc > 5) {
        iv_weights *reference = open_weights(&w, argv[5]);
        iv_tensor *input = array(&w, reference, "input_rgb");
        const int64_t rank = input->shape.rank, *dim = input->shape.dim + (rank == 4);
        const iv_node *y = begin(&w, rank < 3 ? 1 : dim[0], rank < 3 ? 1 : dim[1]);
        give_array(&w, "x", reference, "input_rgb");
        run(&w);
        compare_array(&w, reference, "output_rgb_0_255", 0, y, 1e-5);
        iv_tensor_free(input);
        iv_weights_free(reference);
    }
    iv__image_free(w.home, &from);
    iv__image_free(w.home, &wanted);
    iv__image_free(w.home, &got);
    return world_end(&w);
}
