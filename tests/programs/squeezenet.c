/* squeezenet WEIGHTS REFERENCE: SqueezeNet 1.1 without its top, weights of Keras 1.
 * Source: Iandola et al. 2016, SqueezeNet. */
#include "pretrained.h"

enum { SIDE = 64, FIRES = 8 }; /* fire2 .. fire9 */

static iv_node *conv(iv_scope *s, iv_node *x, const char *name, int64_t filters, int64_t kernel)
{
    return iv_conv2d(s, x, .name = name, .filters = filters, .kernel = { kernel },
                     .padding = IV_SAME, .activation = IV_RELU);
}

static iv_node *fire(iv_scope *s, iv_node *x, const char *name, int64_t squeeze, int64_t expand)
{
    iv_scope *in = iv_scope_enter(s, name, "fire");

    x = conv(in, x, "squeeze1x1", squeeze, 1);
    return iv_concat(2,
                     (iv_node *[]){ conv(in, x, "expand1x1", expand, 1),
                                    conv(in, x, "expand3x3", expand, 3) },
                     -1);
}

static iv_node *pool(iv_node *x)
{
    return iv_max_pool(x, .window = { 3, 3 }, .stride = { 2, 2 });
}

int main(int argc, char **argv)
{
    static const int64_t squeeze[FIRES] = { 16, 16, 32, 32, 48, 48, 64, 64 };
    world w = world_begin(argc, 2, 2, "squeezenet WEIGHTS REFERENCE");
    iv_node *out[1 + FIRES], *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, 3));
    char names[1 + FIRES][16] = { "conv1" };

    out[0] = iv_conv2d(w.scope, x, .name = "conv1", .filters = 64, .kernel = { 3 },
                       .stride = { 2, 2 }, .activation = IV_RELU);
    for (int i = 0; i < FIRES; i++) {
        snprintf(names[1 + i], sizeof names[1 + i], "fire%d", i + 2);
        x = i == 0 || i == 2 || i == 4 ? pool(out[i]) : out[i];
        out[1 + i] = fire(w.scope, x, names[1 + i], squeeze[i], 4 * squeeze[i]);
    }
    plan_of(&w, 1 + FIRES, out);
    load(&w, argv[1]);
    iv_weights *reference = open_weights(&w, argv[2]);
    give_array(&w, "x", reference, "input_bgr_mean_subtracted");
    run(&w);
    for (int i = 0; i <= FIRES; i++)
        compare_array(&w, reference, names[i], i, out[i], 1e-4);
    iv_weights_free(reference);
    return world_end(&w);
}
