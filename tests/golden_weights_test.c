/* golden_weights_test.c: networks that Keras has saved give in Ivory what they gave in Keras, whatever the format, and
 * layouts of older versions become ours. tools/golden/keras_weights.py says how the files were made. */
#define _XOPEN_SOURCE 700
#include "nn_world.h"

#include "base/file.h"
#include "format/zip.h"

#include <ivory/weights.h>

#include <stdlib.h>
#include <unistd.h>

#ifndef IVORY_TESTS
#define IVORY_TESTS "tests"
#endif

enum { N = 3, T = 6, V = 11, SIDE = 8 };

static const char *golden(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/golden/keras/%s", IVORY_TESTS, name);
    return path;
}

/* The weights in a file of an archive, NULL where there is no helper for HDF5. */
static iv_weights *open_packed(const world *w, const char *archive, const char *name)
{
    char folder[] = "/tmp/ivory-test-XXXXXX", path[64];
    iv__zip *zip = iv__zip_open(w->home, golden(archive));
    const iv__zip_file *file = zip ? iv__zip_find(zip, name) : NULL;
    unsigned char *bytes = file ? iv__zip_bytes(zip, file) : NULL;

    if (!bytes)
        fail_msg("%s has no '%s': %s", archive, name, iv_home_message(w->home));
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/some.h5", folder);
    assert_int_equal(iv__file_write(w->home, path, bytes, file->size), IV_OK);
    iv_weights *weights = iv_weights_open(w->home, path);
    unlink(path);
    rmdir(folder);
    iv__free(w->home, bytes);
    iv__zip_close(zip);
    if (!weights && iv_home_status(w->home) != IV_UNSUPPORTED)
        fail_msg("%s", iv_home_message(w->home));
    return weights;
}

static iv_tensor *array(const world *w, const iv_weights *file, const char *name, iv_dtype dtype)
{
    const int64_t i = iv_weights_find(file, name);
    iv_tensor *tensor = i < 0 ? NULL : iv_weights_read(file, i, dtype);

    if (!tensor)
        fail_msg("%s", iv_home_message(w->home));
    return tensor;
}

/* ---- all layers ------------------------------------------------------------------------------ */

static iv_node *dense_layer(iv_scope *s, iv_node *x, void *context)
{
    (void)context;
    return iv_dense(s, x, .name = "dense", .units = 4, .activation = IV_TANH);
}

/* `given`: layers are called as the person called them who made the network; else each by its kind and number. */
static iv_node *text_branch(iv_scope *s, iv_node *words, bool given)
{
    iv_node *x = iv_embedding(s, words, .count = V, .units = 5);

    x = iv_lstm(s, x, .name = given ? "reader" : NULL, .units = 4);
    x = iv_lstm(s, x, .units = 4);
    x = iv_gru(s, x, .units = 4);
    x = iv_gru(s, x, .units = 3, .reset_before = true);
    x = iv_simple_rnn(s, x, .units = 4);
    x = iv_bidirectional(s, x, IV_MERGE_CONCAT, .cell = IV_LSTM, .units = 3);
    x = iv_bidirectional(s, x, IV_MERGE_SUM, .cell = IV_GRU, .units = 3);
    x = iv_layer_normalization(s, x, 0);
    if (given)
        x = iv_time_distributed(iv_scope_enter(s, "time_distributed", "dense"), x, dense_layer, NULL);
    else
        x = iv_dense(s, x, .name = "time_distributed", .units = 4, .activation = IV_TANH);
    return iv_dense(s, x, .name = given ? "dense_1" : NULL, .units = 6);
}

static iv_node *image_branch(iv_scope *s, iv_node *y, bool given)
{
    y = iv_conv2d(s, y, .filters = 6, .kernel = { 3 }, .padding = IV_SAME, .activation = IV_RELU);
    y = iv_batch_normalization(s, y, 0);
    y = iv_conv2d(s, y, .filters = 6, .kernel = { 3 }, .stride = { 2, 2 }, .padding = IV_SAME,
                  .no_bias = true);
    y = iv_group_normalization(s, y, .groups = 2);
    y = iv_conv2d(s, y, .filters = 4, .kernel = { 3 }, .dilation = { 2, 2 }, .groups = 2,
                  .padding = IV_SAME, .activation = IV_ELU);
    y = iv_conv2d_transpose(s, y, .filters = 4, .kernel = { 3 }, .stride = { 2, 2 },
                            .padding = IV_SAME, .activation = IV_TANH);
    y = iv_upsample(iv_max_pool(y, .window = { 2, 2 }), iv_dims(2, 2));
    y = iv_global_average(iv_average_pool(y, .window = { 2, 2 }));
    return iv_dense(s, y, .name = given ? "dense_2" : NULL, .units = 5);
}

static void compare(const iv_plan *plan, int output, const iv_tensor *wanted)
{
    const float *y = iv_plan_output(plan, output), *values = wanted->data;

    for (int64_t i = 0; i < iv_shape_count(&wanted->shape); i++)
        if (!(fabsf(y[i] - values[i]) <= 1e-5f))
            fail_msg("output %d, element %d: %.9g, and Keras has %.9g", output, (int)i,
                     (double)y[i], (double)values[i]);
}

static int taken;

static void count_taken(void *user, const iv_weights_match *match)
{
    (void)user;
    taken += match->taken;
}

static void network(world *w, const iv_weights *weights, bool given)
{
    iv_weights *outputs = iv_weights_open(w->home, golden("outputs.npz"));
    iv_node *words = iv_input(w->graph, "words", IV_I32, iv_dims(N, T)),
            *image = iv_input(w->graph, "image", IV_F32, iv_dims(N, SIDE, SIDE, 3));
    iv_node *out[2] = { text_branch(w->scope, words, given), image_branch(w->scope, image, given) };
    iv_plan *plan = plan_of(w, 2, out, 0, NULL);
    iv_tensor *tensors[4];

    if (!outputs)
        fail_msg("%s", iv_home_message(w->home));
    taken = 0;
    if (iv_weights_load(weights, w->params, .match = IV_BY_NAME, .sink = count_taken))
        fail_msg("%s", iv_home_message(w->home));
    assert_int_equal(taken, 49);
    tensors[0] = array(w, outputs, "words", IV_I32);
    tensors[1] = array(w, outputs, "image", IV_F32);
    tensors[2] = array(w, outputs, "text", IV_F32);
    tensors[3] = array(w, outputs, "classes", IV_F32);
    give(plan, "words", tensors[0]->data, (size_t)iv_tensor_bytes(tensors[0]));
    give(plan, "image", tensors[1]->data, (size_t)iv_tensor_bytes(tensors[1]));
    run(w, plan);
    compare(plan, 0, tensors[2]);
    compare(plan, 1, tensors[3]);
    for (int i = 0; i < 4; i++)
        iv_tensor_free(tensors[i]);
    iv_plan_free(plan);
    iv_weights_free(outputs);
}

typedef struct format {
    const char *name, *archive, *file; /* archive NULL: the file itself */
    bool given;
} format;

static void all_layers_give_what_keras_gives(void **state)
{
    const format *f = *state;
    world w = world_new(IV_F32, 1);
    iv_weights *weights = f->archive ? open_packed(&w, f->archive, f->file)
                                     : iv_weights_open(w.home, golden(f->file));

    if (!weights && iv_home_status(w.home) == IV_UNSUPPORTED) {
        world_free(&w);
        skip();
    }
    if (!weights)
        fail_msg("%s", iv_home_message(w.home));
    network(&w, weights, f->given);
    iv_weights_free(weights);
    world_free(&w);
}

static const format formats[] = {
    { ".keras", NULL, "all.keras", true },
    { ".keras, layers by kind and number", NULL, "all.keras", false },
    { ".weights.h5", "all.keras", "model.weights.h5", true },
    { ".weights.h5, layers by kind and number", "all.keras", "model.weights.h5", false },
    { ".h5 of a whole model", "old.zip", "all.h5", true },
};

/* ---- older layouts --------------------------------------------------------------------------- */

/* The parameters are those of Keras 3's layers, which outputs.npz has: "lstm/kernel" ... */
static void assert_layer(const world *w, const iv_weights *wanted, const char *layer, const char *theirs)
{
    static const char *const parts[] = { "kernel", "recurrent_kernel", "bias" };
    char name[64];

    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/%s", theirs, parts[i]);
        iv_tensor *values = array(w, wanted, name, IV_F32);
        snprintf(name, sizeof name, "m/%s/%s", layer, parts[i]);
        const iv_tensor *parameter = iv_params_find(w->params, name);
        assert_true(iv_shape_same(&values->shape, &parameter->shape));
        for (int64_t k = 0; k < iv_shape_count(&values->shape); k++)
            if (!(fabsf(((const float *)values->data)[k] - ((const float *)parameter->data)[k]) <= 1e-7f))
                fail_msg("%s, element %d: %.9g, not %.9g", name, (int)k,
                         (double)((const float *)parameter->data)[k],
                         (double)((const float *)values->data)[k]);
        iv_tensor_free(values);
    }
}

static char notes[200];

static void keep_note(void *user, const iv_weights_match *match)
{
    (void)user;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s;", match->note);
}

static void older_layouts_become_ours(void **state)
{
    static const struct {
        const char *file, *gru, *notes;
        int64_t inputs, units; /* of the GRU */
    } cases[] = {
        { "cudnn.h5", "gru", "CuDNNLSTM;CuDNNLSTM;CuDNNLSTM;CuDNNGRU;CuDNNGRU;CuDNNGRU;", 4, 4 },
        { "keras_1.h5", "gru_1",
          "an LSTM of Keras 1;an LSTM of Keras 1;an LSTM of Keras 1;"
          "a GRU of Keras 1;a GRU of Keras 1;a GRU of Keras 1;",
          4, 3 },
    };

    (void)state;
    for (int i = 0; i < 2; i++) {
        world w = world_new(IV_F32, 1);
        iv_weights *weights = open_packed(&w, "old.zip", cases[i].file),
                   *wanted = iv_weights_open(w.home, golden("outputs.npz"));
        if (!weights) {
            iv_weights_free(wanted);
            world_free(&w);
            skip();
        }
        iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, 2, 4));
        assert_non_null(iv_lstm(w.scope, x, .units = 4));
        assert_non_null(iv_gru(w.scope, x, .units = cases[i].units, .reset_before = i == 1));
        notes[0] = 0;
        if (iv_weights_load(weights, w.params, .sink = keep_note))
            fail_msg("%s", iv_home_message(w.home));
        assert_string_equal(notes, cases[i].notes);
        assert_layer(&w, wanted, "lstm", "lstm");
        assert_layer(&w, wanted, "gru", cases[i].gru);
        iv_weights_free(weights);
        iv_weights_free(wanted);
        world_free(&w);
    }
}

/* CuDNN's GRU has two biases: one of before the product cannot take them. */
static void another_gru_is_refused(void **state)
{
    world w = world_new(IV_F32, 1);
    iv_weights *weights = open_packed(&w, "old.zip", "cudnn.h5");

    (void)state;
    if (!weights) {
        world_free(&w);
        skip();
    }
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, 2, 4));
    assert_non_null(iv_lstm(w.scope, x, .units = 4));
    assert_non_null(iv_gru(w.scope, x, .units = 4, .reset_before = true));
    assert_int_equal(iv_weights_load(weights, w.params, 0), IV_SHAPE);
    assert_non_null(
        strstr(iv_home_message(w.home), "bias:0' is [24], but the parameter 'm/gru/bias' is [12]"));
    iv_weights_free(weights);
    world_free(&w);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

int main(void)
{
    struct CMUnitTest tests[COUNT(formats) + 2] = { 0 };

    for (size_t i = 0; i < COUNT(formats); i++)
        tests[i] = (struct CMUnitTest){ formats[i].name, all_layers_give_what_keras_gives, NULL,
                                        NULL, (void *)(uintptr_t)&formats[i] };
    tests[COUNT(formats)] = (struct CMUnitTest)cmocka_unit_test(older_layouts_become_ours);
    tests[COUNT(formats) + 1] = (struct CMUnitTest)cmocka_unit_test(another_gru_is_refused);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
