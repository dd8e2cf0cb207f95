/* pretrained_images_test.c: networks of other people with their weights and what they gave, below the folder that
 * IVORY_DATA names: fast style transfer (instance normalisation, transposed convolutions), and the first layers
 * of VGG19 with a decoder (mirrored padding, pooling, nearest upsampling). */
#include "npz_world.h"

enum { SIDE = 64 };

/* A parameter of the scope m, from an array of the file. */
static void set(world *w, const archive *file, const char *parameter, const char *array)
{
    char name[128];
    npy from;

    snprintf(name, sizeof name, "m/%s", parameter);
    iv_tensor *tensor = iv_params_find(w->params, name);
    if (!tensor)
        fail_msg("there is no parameter '%s'", name);
    snprintf(name, sizeof name, "%s.npy", array);
    if (!npy_read(file, name, &from))
        fail_msg("the archive has no '%s'", name);
    assert_true(iv_shape_same(&from.shape, &tensor->shape));
    memcpy(tensor->data, from.values, (size_t)iv_tensor_bytes(tensor));
    free(from.values);
    iv_params_changed(w->params);
}

static void give_image(iv_plan *plan, const archive *file, const char *array)
{
    npy image;

    assert_true(npy_read(file, array, &image));
    assert_int_equal(iv_shape_count(&image.shape), SIDE * SIDE * 3);
    give(plan, "x", image.values, SIDE * SIDE * 3 * sizeof(float));
    free(image.values);
}

/* Within `most` of the largest value. */
static void compare(const iv_plan *plan, int output, const archive *file, const char *array, float most)
{
    const float *got = iv_plan_output(plan, output);
    float largest = 0;
    npy wanted;

    assert_true(npy_read(file, array, &wanted));
    const int64_t count = iv_shape_count(&wanted.shape);
    for (int64_t i = 0; i < count; i++)
        largest = fmaxf(largest, fabsf(wanted.values[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - wanted.values[i]) <= most * largest))
            fail_msg("%s, element %d: %.9g, not %.9g", array, (int)i, (double)got[i],
                     (double)wanted.values[i]);
    free(wanted.values);
}

/* ---- fast style transfer: Johnson et al. 2016, as github.com/lengstrom/fast-style-transfer trains it ------- */

static char *numbered(const char *name, int number)
{
    static char text[2][64];
    static int turn;

    turn = !turn;
    snprintf(text[turn], sizeof text[turn], number ? "%s_%d" : "%s", name, number);
    return text[turn];
}

static iv_node *style_layer(iv_scope *s, iv_node *x, int64_t filters, int64_t kernel,
                            int64_t stride, bool transposed)
{
    iv_conv2d_options o = { .size = sizeof o,
                            .filters = filters,
                            .kernel = { kernel },
                            .stride = { stride, stride },
                            .padding = IV_SAME,
                            .no_bias = true };

    x = transposed ? iv_conv2d_transpose_with(s, x, &o) : iv_conv2d_with(s, x, &o);
    return iv_instance_normalization(s, x, .epsilon = 1e-3);
}

static iv_node *styled(iv_scope *s, iv_node *x)
{
    x = iv_relu(style_layer(s, x, 32, 9, 1, false));
    x = iv_relu(style_layer(s, x, 64, 3, 2, false));
    x = iv_relu(style_layer(s, x, 128, 3, 2, false));
    for (int i = 0; i < 5; i++) {
        iv_node *y = iv_relu(style_layer(s, x, 128, 3, 1, false));
        x = iv_add(x, style_layer(s, y, 128, 3, 1, false));
    }
    x = iv_relu(style_layer(s, x, 64, 3, 2, true));
    x = iv_relu(style_layer(s, x, 32, 3, 2, true));
    x = style_layer(s, x, 3, 9, 1, false);
    return iv_clip(iv_shift(iv_scale(iv_tanh(x), 150), 127.5), 0, 255);
}

static void fast_style_transfer(void **state)
{
    enum { LAYERS = 16, CONVS = 13 }; /* of the layers 13 and 14 are transposed */
    archive weights, reference;

    (void)state;
    if (!archive_open(&weights, "pretrained/fast-style-transfer/wave.npz"))
        skip();
    archive_open(&reference, "pretrained/fast-style-transfer/reference_64x64_wave.npz");
    world w = world_new(IV_F32, 1);
    iv_node *y = styled(w.scope, iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, 3)));
    iv_plan *plan = plan_of(&w, 1, &y, 0, NULL);
    for (int i = 0; i < LAYERS; i++) {
        bool transposed = i == CONVS || i == CONVS + 1;
        char name[128];
        snprintf(name, sizeof name, "%s/kernel",
                 transposed ? numbered("conv2d_transpose", i - CONVS)
                            : numbered("conv2d", i < CONVS ? i : CONVS));
        set(&w, &weights, name, numbered("Variable", 3 * i));
        snprintf(name, sizeof name, "%s/beta", numbered("instance_normalization", i));
        set(&w, &weights, name, numbered("Variable", 3 * i + 1));
        snprintf(name, sizeof name, "%s/gamma", numbered("instance_normalization", i));
        set(&w, &weights, name, numbered("Variable", 3 * i + 2));
    }
    assert_int_equal(iv_params_elements(w.params, ""), 1677638);
    give_image(plan, &reference, "input_rgb.npy");
    run(&w, plan);
    compare(plan, 0, &reference, "output_rgb_0_255.npy", 1e-5f);
    iv_plan_free(plan);
    world_free(&w);
    free(weights.bytes);
    free(reference.bytes);
}

/* ---- VGG19 with mirrored padding, and a decoder: Li et al. 2017, Universal style transfer ------------------ */

static iv_node *mirrored_conv(iv_scope *s, iv_node *x, const char *name, int64_t filters,
                              iv_activation activation)
{
    x = iv_pad_mirrored(iv_pad_mirrored(x, 1, 1, 1), 2, 1, 1);
    return iv_conv2d(s, x, .name = name, .filters = filters, .kernel = { 3 }, .activation = activation);
}

static void vgg19_and_its_decoder(void **state)
{
    static const char *const encoder[] = { "conv0",   "conv1_1", "conv1_2",
                                           "conv2_1", "conv2_2", "conv3_1" };
    static const char *const decoder[] = { "dconv1", "dconv2", "dconv3", "dconv4", "dconv5" };
    archive weights, inverse, reference;
    char name[64];

    (void)state;
    if (!archive_open(&weights, "pretrained/vgg19-normalised/vgg19_normalised_conv1_1_to_conv3_1.npz"))
        skip();
    archive_open(&inverse, "pretrained/vgg19-normalised/feature_invertor_conv3_1.npz");
    archive_open(&reference, "pretrained/vgg19-normalised/reference_64x64.npz");
    world w = world_new(IV_F32, 1);
    iv_scope *s = w.scope;
    iv_node *y = iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, 3)), *out[4];

    y = iv_conv2d(s, y, .name = "conv0", .filters = 3, .kernel = { 1 });
    out[0] = mirrored_conv(s, y, "conv1_1", 64, IV_RELU);
    y = iv_max_pool(mirrored_conv(s, out[0], "conv1_2", 64, IV_RELU), .window = { 2, 2 });
    out[1] = mirrored_conv(s, y, "conv2_1", 128, IV_RELU);
    y = iv_max_pool(mirrored_conv(s, out[1], "conv2_2", 128, IV_RELU), .window = { 2, 2 });
    out[2] = mirrored_conv(s, y, "conv3_1", 256, IV_RELU);
    y = iv_upsample(mirrored_conv(s, out[2], "dconv1", 128, IV_RELU), iv_dims(2, 2));
    y = mirrored_conv(s, mirrored_conv(s, y, "dconv2", 128, IV_RELU), "dconv3", 64, IV_RELU);
    y = mirrored_conv(s, iv_upsample(y, iv_dims(2, 2)), "dconv4", 64, IV_RELU);
    out[3] = mirrored_conv(s, y, "dconv5", 3, IV_LINEAR);

    iv_plan *plan = plan_of(&w, 4, out, 0, NULL);
    for (int i = 0; i < 11; i++)
        for (int part = 0; part < 2; part++) {
            snprintf(name, sizeof name, "%s/%s", i < 6 ? encoder[i] : decoder[i - 6],
                     part ? "bias" : "kernel");
            set(&w, i < 6 ? &weights : &inverse, name, name);
        }
    give_image(plan, &reference, "input_rgb_0_1.npy");
    run(&w, plan);
    compare(plan, 0, &reference, "conv1_1.npy", 1e-5f);
    compare(plan, 1, &reference, "conv2_1.npy", 1e-5f);
    compare(plan, 2, &reference, "conv3_1.npy", 1e-5f);
    compare(plan, 3, &reference, "decoded_from_conv3_1.npy", 1e-5f);
    iv_plan_free(plan);
    world_free(&w);
    free(weights.bytes);
    free(inverse.bytes);
    free(reference.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_style_transfer),
        cmocka_unit_test(vgg19_and_its_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
