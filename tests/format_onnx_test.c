/* format_onnx_test.c: models in the ONNX format come back as they were written, and damaged ones are refused. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/onnx.h"
#include "format/onnx_parts.h"
#include "format/protobuf.h"

static const float weights[6] = { 1, -2, 3.5F, 0, 1e-20F, 6 };
static const int64_t sizes[2] = { -1, INT64_MAX };
static const int64_t pads[2] = { -3, 4 };
static const float scales[2] = { 0.5F, 2 };
static const char *const words[2] = { "Tanh", "Relu" };

static const iv__onnx_tensor tensors[] = {
    { "w", IV__ONNX_FLOAT, { 2, { 2, 3 } }, weights },
    { "sizes", IV__ONNX_INT64, { 1, { 2 } }, sizes },
    { "scalar", IV__ONNX_FLOAT, { 0, { 0 } }, weights },
    { "none", IV__ONNX_FLOAT, { 1, { 0 } }, weights },
};
static const iv__onnx_attribute attributes[] = {
    { .name = "alpha", .kind = IV__ONNX_REAL, .real = 0.25F },
    { .name = "axis", .kind = IV__ONNX_WHOLE, .whole = -1 },
    { .name = "mode", .kind = IV__ONNX_TEXT, .text = "é" },
    { .name = "value", .kind = IV__ONNX_TENSOR, .tensor = tensors },
    { .name = "scales", .kind = IV__ONNX_REALS, .n = 2, .reals = scales },
    { .name = "pads", .kind = IV__ONNX_WHOLES, .n = 2, .wholes = pads },
    { .name = "activations", .kind = IV__ONNX_TEXTS, .n = 2, .texts = words },
};
static const char *const in[] = { "x", "", "w" }, *const out[] = { "y" };
static const iv__onnx_node nodes[] = { { "Gemm", "dense", 3, 1, 7, in, out, attributes } };
static const iv__onnx_value inputs[] = { { "x", IV__ONNX_FLOAT, { 2, { -1, 2 } }, { "batch" } } };
static const iv__onnx_value outputs[] = { { "y", IV__ONNX_INT32, { 0, { 0 } }, { NULL } } };
static const char *const pairs[][2] = { { "vocabulary", "a b" } };
static const iv__onnx_model model = {
    .ir_version = 8,
    .opset = 17,
    .producer = "Ivory",
    .name = "graph",
    .says = "about it",
    .n_nodes = 1,
    .n_inputs = 1,
    .n_outputs = 1,
    .n_tensors = 4,
    .n_pairs = 1,
    .nodes = nodes,
    .inputs = inputs,
    .outputs = outputs,
    .tensors = tensors,
    .pairs = pairs,
};

static iv__text written(world *w)
{
    iv__text bytes = { .home = w->home };

    assert_int_equal(iv__onnx_write(w->home, &model, &bytes), IV_OK);
    return bytes;
}

static void same_tensor(const iv__onnx_tensor *a, const iv__onnx_tensor *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->type, b->type);
    assert_true(iv_shape_same(&a->shape, &b->shape));
    assert_memory_equal(a->data, b->data,
                        (size_t)iv_shape_count(&a->shape) * iv__onnx_type_size(a->type));
}

static void a_model_comes_back(void **state)
{
    world *w = *state;
    iv__text bytes = written(w);
    iv__arena arena = { .home = w->home };
    iv__onnx_model m;

    assert_int_equal(iv__onnx_read(&arena, "f.onnx", bytes.data, bytes.size, &m), IV_OK);
    assert_int_equal(m.ir_version, 8);
    assert_int_equal(m.opset, 17);
    assert_string_equal(m.producer, "Ivory");
    assert_string_equal(m.name, "graph");
    assert_string_equal(m.says, "about it");
    assert_int_equal(m.n_pairs, 1);
    assert_string_equal(m.pairs[0][1], "a b");
    assert_int_equal(m.n_tensors, 4);
    for (int i = 0; i < 4; i++)
        same_tensor(&tensors[i], &m.tensors[i]);
    assert_int_equal(m.n_inputs, 1);
    assert_string_equal(m.inputs[0].symbol[0], "batch");
    assert_int_equal(m.inputs[0].shape.dim[0], -1);
    assert_int_equal(m.inputs[0].shape.dim[1], 2);
    assert_int_equal(m.outputs[0].shape.rank, 0);
    assert_int_equal(m.outputs[0].type, IV__ONNX_INT32);
    assert_int_equal(m.n_nodes, 1);
    assert_int_equal(m.nodes[0].n_in, 3);
    assert_string_equal(m.nodes[0].in[1], "");
    assert_string_equal(m.nodes[0].op, "Gemm");
    assert_int_equal(m.nodes[0].n_attributes, 7);
    const iv__onnx_attribute *a = m.nodes[0].attributes;
    assert_true(a[0].real == 0.25F);
    assert_int_equal(a[1].whole, -1);
    assert_string_equal(a[2].text, "é");
    same_tensor(a[3].tensor, tensors);
    assert_int_equal(a[4].n, 2);
    assert_memory_equal(a[4].reals, scales, sizeof scales);
    assert_memory_equal(a[5].wholes, pads, sizeof pads);
    assert_string_equal(a[6].texts[1], "Relu");
    iv__arena_free(&arena);
    iv__text_free(&bytes);
}

/* Other writers pack numbers, and write them as numbers rather than as bytes. */
static void numbers_may_be_packed(void **state)
{
    world *w = *state;
    iv__text bytes = { .home = w->home };
    iv__arena arena = { .home = w->home };
    iv__onnx_model m;
    const size_t graph = iv__protobuf_begin(&bytes, IV__MODEL_GRAPH);
    const size_t tensor = iv__protobuf_begin(&bytes, IV__GRAPH_TENSOR);

    iv__protobuf_put_bytes(&bytes, IV__TENSOR_DIMS, "\x02\x01", 2);
    iv__protobuf_put_int(&bytes, IV__TENSOR_TYPE, IV__ONNX_INT64);
    iv__protobuf_put_bytes(&bytes, IV__TENSOR_INT64S, "\xac\x02", 2);
    iv__protobuf_put_int(&bytes, IV__TENSOR_INT64S, -1);
    iv__protobuf_end(&bytes, tensor);
    const size_t other = iv__protobuf_begin(&bytes, IV__GRAPH_TENSOR);
    iv__protobuf_put_int(&bytes, IV__TENSOR_DIMS, 2);
    iv__protobuf_put_int(&bytes, IV__TENSOR_TYPE, IV__ONNX_FLOAT);
    iv__protobuf_put_bytes(&bytes, IV__TENSOR_FLOATS, weights, 8);
    iv__protobuf_end(&bytes, other);
    iv__protobuf_end(&bytes, graph);
    assert_int_equal(iv__onnx_read(&arena, "f.onnx", bytes.data, bytes.size, &m), IV_OK);
    assert_int_equal(m.tensors[0].shape.dim[0], 2);
    assert_int_equal(m.tensors[0].shape.dim[1], 1);
    assert_int_equal(((const int64_t *)m.tensors[0].data)[0], 300);
    assert_int_equal(((const int64_t *)m.tensors[0].data)[1], -1);
    assert_memory_equal(m.tensors[1].data, weights, 8);
    iv__arena_free(&arena);
    iv__text_free(&bytes);
}

/* A model with one tensor of these fields is refused. */
static void refused_tensor(world *w, int64_t dim, int64_t type, const char *raw, size_t size,
                           int64_t place, iv_status status, const char *why)
{
    iv__text bytes = { .home = w->home };
    iv__arena arena = { .home = w->home };
    iv__onnx_model m;
    const size_t graph = iv__protobuf_begin(&bytes, IV__MODEL_GRAPH);
    const size_t tensor = iv__protobuf_begin(&bytes, IV__GRAPH_TENSOR);

    iv__protobuf_put_text(&bytes, IV__TENSOR_NAME, "kernel");
    iv__protobuf_put_int(&bytes, IV__TENSOR_DIMS, dim);
    iv__protobuf_put_int(&bytes, IV__TENSOR_TYPE, type);
    if (place)
        iv__protobuf_put_int(&bytes, IV__TENSOR_PLACE, place);
    iv__protobuf_put_bytes(&bytes, IV__TENSOR_RAW, raw, size);
    iv__protobuf_end(&bytes, tensor);
    iv__protobuf_end(&bytes, graph);
    assert_int_equal(iv__onnx_read(&arena, "f.onnx", bytes.data, bytes.size, &m), status);
    assert_message(w->home, why);
    iv__arena_free(&arena);
    iv__text_free(&bytes);
}

static void damaged_tensors_are_refused(void **state)
{
    world *w = *state;

    refused_tensor(w, 2, IV__ONNX_FLOAT, "1234567", 7, 0, IV_FORMAT,
                   "f.onnx: kernel: its bytes are not as many");
    refused_tensor(w, -2, IV__ONNX_FLOAT, "12345678", 8, 0, IV_FORMAT,
                   "kernel: its shape is impossible");
    refused_tensor(w, INT64_MAX / 16, IV__ONNX_FLOAT, "12345678", 8, 0, IV_FORMAT,
                   "kernel: it has fewer numbers");
    refused_tensor(w, 4, 10, "12345678", 8, 0, IV_UNSUPPORTED, "kernel: its elements are none of");
    refused_tensor(w, 2, IV__ONNX_FLOAT, "", 0, 1, IV_UNSUPPORTED,
                   "kernel: its data are in another file");
}

static void refused(world *w, const void *bytes, size_t size, const char *why)
{
    iv__arena arena = { .home = w->home };
    iv__onnx_model m;

    assert_true(iv__onnx_read(&arena, "f.onnx", bytes, size, &m) != IV_OK);
    assert_message(w->home, why);
    iv__arena_free(&arena);
}

static void what_is_no_model_is_refused(void **state)
{
    world *w = *state;

    refused(w, "", 0, "expected an ONNX model, found no graph");
    refused(w, "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11,
            "a field is longer than what is left");
    refused(w, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11,
            "a number is cut off or has more than 64 bits");
    refused(w, "\x08", 1, "a number is cut off");
    refused(w, "\x0b", 1, "a field is of an unknown kind"); /* a group */
    refused(w, "\x00\x01", 2, "a field has an impossible number");
    refused(w, "\x38\x01", 2, "a field is of another kind than ONNX has there");
    refused(w, "\x3a\x00\x3a\x00", 4, "it has two graphs");
}

/* However a file ends, it is refused or it was whole: nothing beyond is read (see the sanitizers). */
static void every_beginning_is_read_safely(void **state)
{
    world *w = *state;
    iv__text bytes = written(w);

    for (size_t size = 0; size < bytes.size; size++) {
        iv__arena arena = { .home = w->home };
        iv__onnx_model m;
        unsigned char *copy = malloc(size + !size);
        memcpy(copy, bytes.data, size);
        if (iv__onnx_read(&arena, "f.onnx", copy, size, &m))
            assert_true(*iv_home_message(w->home));
        iv__arena_free(&arena);
        free(copy);
    }
    iv__text_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_comes_back),
        cmocka_unit_test(numbers_may_be_packed),
        cmocka_unit_test(damaged_tensors_are_refused),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(every_beginning_is_read_safely),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
