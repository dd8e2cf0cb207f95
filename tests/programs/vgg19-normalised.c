/* vgg19-normalised WEIGHTS DECODER REFERENCE: the first layers of VGG19, normalised, with mirrored padding, and a
 * decoder that gives the picture back.
 * Source: Simonyan & Zisserman 2015; Li et al. 2017, Universal style transfer. */
#include "pretrained.h"

enum { SIDE = 64 };

static iv_node *conv(iv_scope *s, iv_node *x, const char *name, int64_t filters, iv_activation activation)
{
    x = iv_pad_mirrored(iv_pad_mirrored(x, 1, 1, 1), 2, 1, 1);
    return iv_conv2d(s, x, .name = name, .filters = filters, .kernel = { 3 }, .activation = activation);
}

int main(int argc, char **argv)
{
    static const char *const names[] = { "conv1_1", "conv2_1", "conv3_1", "decoded_from_conv3_1" };
    world w = world_begin(argc, 3, 3, "vgg19-normalised WEIGHTS DECODER REFERENCE");
    iv_scope *s = w.scope;
    iv_node *y = iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, 3)), *out[4];

    y = iv_conv2d(s, y, .name = "conv0", .filters = 3, .kernel = { 1 });
    out[0] = conv(s, y, "conv1_1", 64, IV_RELU);
    y = iv_max_pool(conv(s, out[0], "conv1_2", 64, IV_RELU), .window = { 2, 2 });
    out[1] = conv(s, y, "conv2_1", 128, IV_RELU);
    y = iv_max_pool(conv(s, out[1], "conv2_2", 128, IV_RELU), .window = { 2, 2 });
    out[2] = conv(s, y, "conv3_1", 256, IV_RELU);
    y = iv_upsample(conv(s, out[2], "dconv1", 128, IV_RELU), iv_dims(2, 2));
    y = conv(s, conv(s, y, "dconv2", 128, IV_RELU), "dconv3", 64, IV_RELU);
    y = conv(s, iv_upsample(y, iv_dims(2, 2)), "dconv4", 64, IV_RELU);
    out[3] = conv(s, y, "dconv5", 3, IV_LINEAR);
    plan_of(&w, 4, out);

    iv_weights *encoder = open_weights(&w, argv[1]), *decoder = open_weights(&w, argv[2]),
               *reference = open_weights(&w, argv[3]);
    must(&w, !iv_weights_load(encoder, w.params, .into = "conv", .from = "conv"));
    must(&w, !iv_weights_load(decoder, w.params, .into = "dconv", .from = "dconv"));
    give_array(&w, "x", reference, "input_rgb_0_1");
    run(&w);
    for (int i = 0; i < 4; i++)
        compare_array(&w, reference, names[i], i, out[i], 1e-5);
    iv_weights_free(encoder);
    iv_weights_free(decoder);
    iv_weights_free(reference);
    return world_end(&w);
}
