/* onnx_export_test.c: graphs written in the ONNX format compute what they did, for sizes that the export did not see; what cannot
 * be written is refused by name. The file is read again and built of rows. */
#include "nn_world.h"
#include "onnx/import.h"

#include "base/random.h"
#include "derive/onnx_parts.h"

enum { GRAPHS = 3, N = 3, T = 5 }; /* two that the export sees, and one to compare with */
static const int64_t sizes[GRAPHS][2] = { { 131, 149 }, { 139, 151 }, { N, T } };

typedef iv_node *build(iv_scope *s, int64_t n, int64_t t);

static iv_node *x_of(iv_scope *s, const char *name, iv_shape shape)
{
    return iv_input(iv_scope_graph(s), name, IV_F32, shape);
}

#define IMAGE x_of(s, "image", iv_dims(n, 7, 6, 4))
#define SEQUENCE x_of(s, "x", iv_dims(n, t, 4))
#define ROWS x_of(s, "rows", iv_dims(n, 6))
#define NUMBERS iv_input(iv_scope_graph(s), "numbers", IV_I32, iv_dims(n, t))
#define P(...) iv_param(s, "p", iv_dims(__VA_ARGS__), IV_GLOROT_UNIFORM)
#define CASE(name, expression)                                     \
    static iv_node *case_##name(iv_scope *s, int64_t n, int64_t t) \
    {                                                              \
        (void)n, (void)t;                                          \
        return expression;                                         \
    }

CASE(neg, iv_neg(ROWS))
CASE(exp, iv_exp(ROWS))
CASE(log, iv_log(iv_shift(iv_square(ROWS), 1)))
CASE(sqrt, iv_sqrt(iv_abs(ROWS)))
CASE(reciprocal, iv_reciprocal(iv_shift(iv_abs(ROWS), 1)))
CASE(sign, iv_sign(ROWS))
CASE(tanh, iv_tanh(ROWS))
CASE(sigmoid, iv_sigmoid(ROWS))
CASE(softplus, iv_softplus(ROWS))
CASE(relu, iv_relu(ROWS))
CASE(elu, iv_elu(ROWS))
CASE(erf, iv_erf(ROWS))
CASE(sin, iv_sin(ROWS))
CASE(cos, iv_cos(ROWS))
CASE(stop_gradient, iv_stop_gradient(ROWS))
CASE(positive, iv_positive(ROWS))
CASE(is_finite, iv_is_finite(iv_log(ROWS)))
CASE(leaky_relu, iv_leaky_relu(ROWS, 0.25))
CASE(power, iv_power(iv_shift(iv_abs(ROWS), 1), 1.5))
CASE(clip, iv_clip(ROWS, -0.5, 0.25))
CASE(add, iv_add(SEQUENCE, P(4)))
CASE(sub, iv_sub(P(4), SEQUENCE))
CASE(mul_outer, iv_mul(iv_reshape(ROWS, iv_dims(n, 6, 1)), iv_reshape(ROWS, iv_dims(n, 1, 6))))
CASE(div, iv_div(ROWS, iv_shift(iv_square(P(6)), 1)))
CASE(max, iv_max(ROWS, P(6)))
CASE(min, iv_min(P(6), ROWS))
CASE(equal, iv_equal(NUMBERS, iv_like(NUMBERS, 2)))
CASE(less, iv_less(ROWS, P(6)))
CASE(less_equal, iv_less_equal(NUMBERS, iv_fill_i32(iv_scope_graph(s), iv_dims(n, t), 2)))
CASE(select, iv_select(iv_positive(ROWS), iv_fill(iv_scope_graph(s), iv_dims(n, 6), 2), iv_neg(ROWS)))
CASE(select_constants, iv_select(iv_positive(ROWS), iv_like(ROWS, 2), iv_like(ROWS, 3)))
CASE(cast, iv_cast(iv_cast(iv_scale(ROWS, 5), IV_I32), IV_F32))
CASE(reshape, iv_reshape(SEQUENCE, iv_dims(n *t, 4)))
CASE(reshape_two, iv_reshape(iv_transpose(SEQUENCE, iv_dims(0, 2, 1)), iv_dims(n, 2, 2, t)))
CASE(broadcast, iv_concat(2,
                          (iv_node *[]){ SEQUENCE, iv_broadcast_to(iv_reshape(ROWS, iv_dims(n, 1, 6)),
                                                                   iv_dims(n, t, 6)) },
                          -1))
CASE(fill,
     iv_concat(2, (iv_node *[]){ SEQUENCE, iv_fill(iv_scope_graph(s), iv_dims(n, 2 * t, 4), 0.5) }, 1))
CASE(sum_kept, iv_sum(SEQUENCE, 1, true))
CASE(sum_gone, iv_sum(SEQUENCE, 1, false))
CASE(sum_to, iv_sum_to(SEQUENCE, iv_dims(1, 4)))
CASE(sum_all, iv_sum_all(SEQUENCE))
CASE(sum_squares, iv_sum_squares(ROWS))
CASE(mean_over_length, iv_mean(SEQUENCE, 1, false))
CASE(mean_all, iv_mean_all(SEQUENCE))
CASE(slice, iv_slice(ROWS, 1, 1, 2, 3))
CASE(slice_last, iv_slice(SEQUENCE, 1, t - 1, 1, 1))
CASE(slice_shorter, iv_slice(SEQUENCE, 1, 1, t - 1, 1))
CASE(reverse, iv_reverse(SEQUENCE, 1))
CASE(pad, iv_pad(SEQUENCE, 1, 2, 1))
CASE(gather, iv_gather(P(9, 4), NUMBERS))
CASE(pick, iv_pick(iv_gather(P(9, 9), NUMBERS), NUMBERS))
CASE(one_hot, iv_one_hot(NUMBERS, 9))
CASE(max_of, iv_max_of(SEQUENCE, 1, false))
CASE(argmax, iv_argmax(SEQUENCE, 2))
CASE(softmax, iv_softmax(SEQUENCE))
CASE(log_softmax, iv_log_softmax(SEQUENCE))
CASE(log_sum_exp, iv_log_sum_exp(SEQUENCE))
CASE(matmul, iv_matmul(SEQUENCE, P(4, 3)))
CASE(matmul_turned, iv_matmul_with(SEQUENCE, SEQUENCE, false, true))
CASE(conv, iv_conv2d(s, IMAGE, .filters = 3, .kernel = { 3, 2 }, .stride = { 2, 1 }, .padding = IV_SAME))
CASE(conv_masked, iv_conv2d(s, IMAGE, .filters = 4, .kernel = { 3 }, .padding = IV_SAME,
                            .mask = IV_MASK_B, .activation = IV_RELU))
CASE(conv_kept, iv_conv2d(s, IMAGE, .filters = 2, .kernel = { 4, 5 }, .stride = { 2, 2 },
                          .padding = IV_SAME, .kept = { { 0, 2 }, { 0, 3 } }, .weight_norm = true))
CASE(conv_groups, iv_conv2d(s, IMAGE, .filters = 6, .kernel = { 3 }, .dilation = { 2, 1 }, .groups = 2))
CASE(conv_x, iv_conv2d_transpose(s, IMAGE, .filters = 3, .kernel = { 3 }, .stride = { 2, 2 },
                                 .padding = IV_SAME))
CASE(conv_x_valid, iv_conv2d_transpose(s, IMAGE, .filters = 3, .kernel = { 2, 3 }, .stride = { 3, 2 }))
CASE(conv_x_kept, iv_conv2d_transpose(s, IMAGE, .filters = 2, .kernel = { 4, 6 }, .stride = { 2, 2 },
                                      .padding = IV_SAME, .kept = { { 1, 3 }, { 0, 3 } }))
CASE(max_pool, iv_max_pool(IMAGE, .window = { 3, 2 }, .stride = { 2, 2 }, .padding = IV_SAME))
CASE(sum_pool, iv_average_pool(IMAGE, .window = { 3, 2 }, .stride = { 2, 2 }, .padding = IV_SAME))
CASE(resize, iv_resize(IMAGE, iv_dims(4, 9)))
CASE(upsample, iv_upsample(IMAGE, iv_dims(2, 3)))
CASE(lstm, iv_lstm(s, SEQUENCE, .units = 5))
CASE(lstm_backwards, iv_lstm(s, SEQUENCE, .units = 5, .reverse = true))
CASE(lstm_states, iv_lstm(s, SEQUENCE, .units = 6, .h0 = ROWS, .c0 = iv_tanh(ROWS)))
CASE(lstm_of_numbers, iv_lstm(s, iv_one_hot(NUMBERS, 9), .units = 5))
CASE(gru, iv_gru(s, SEQUENCE, .units = 5))
CASE(gru_before, iv_gru(s, SEQUENCE, .units = 6, .reset_before = true, .h0 = ROWS))
CASE(simple_rnn, iv_simple_rnn(s, SEQUENCE, .units = 5))
CASE(bidirectional, iv_bidirectional(s, SEQUENCE, IV_MERGE_SUM, .units = 5))
CASE(layer_normalization, iv_layer_normalization(s, SEQUENCE, .name = "n"))
CASE(batch_normalization, iv_batch_normalization(s, IMAGE, .name = "n"))
CASE(of_parameters, iv_matmul(P(3, 3), P(3, 3)))

static iv_node *case_last_state(iv_scope *s, int64_t n, int64_t t)
{
    iv_recurrent_out out;

    iv_lstm(s, SEQUENCE, .units = 5, .states = &out);
    return iv_add(out.h, out.c);
}

typedef struct graph_case {
    const char *name;
    build *build;
} graph_case;

/* clang-format off */
#define ROW(name) { #name, case_##name }
static const graph_case all_cases[] = {
    ROW(neg), ROW(exp), ROW(log), ROW(sqrt), ROW(reciprocal), ROW(sign), ROW(tanh), ROW(sigmoid), ROW(softplus), ROW(relu),
    ROW(elu), ROW(erf), ROW(sin), ROW(cos), ROW(stop_gradient), ROW(positive), ROW(is_finite), ROW(leaky_relu), ROW(power), ROW(clip),
    ROW(add), ROW(sub), ROW(mul_outer), ROW(div), ROW(max), ROW(min), ROW(equal), ROW(less), ROW(less_equal),
    ROW(select), ROW(select_constants), ROW(cast), ROW(reshape), ROW(reshape_two), ROW(broadcast), ROW(fill),
    ROW(sum_kept), ROW(sum_gone), ROW(sum_to), ROW(sum_all), ROW(sum_squares), ROW(mean_over_length), ROW(mean_all), ROW(slice), ROW(slice_last),
    ROW(slice_shorter), ROW(reverse), ROW(pad), ROW(gather), ROW(pick), ROW(one_hot), ROW(max_of), ROW(argmax),
    ROW(softmax), ROW(log_softmax), ROW(log_sum_exp), ROW(matmul), ROW(matmul_turned), ROW(conv), ROW(conv_masked),
    ROW(conv_kept), ROW(conv_groups), ROW(conv_x), ROW(conv_x_valid), ROW(conv_x_kept), ROW(max_pool), ROW(sum_pool), ROW(resize), ROW(upsample),
    ROW(lstm), ROW(lstm_backwards), ROW(lstm_states), ROW(lstm_of_numbers), ROW(gru), ROW(gru_before), ROW(simple_rnn),
    ROW(bidirectional), ROW(layer_normalization), ROW(batch_normalization), ROW(of_parameters), ROW(last_state),
};
/* clang-format on */
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- a case ------------------------------------------------------------------------------------ */

/* A graph of a case at each of the sizes; they share parameters. */
typedef struct drawn {
    world w;
    iv_graph *graph[GRAPHS];
    iv_node *output[GRAPHS];
} drawn;

static void draw(drawn *d, build *by)
{
    d->w = world_new(IV_F32, 7);
    for (int g = 0; g < GRAPHS; g++) {
        d->graph[g] = iv_graph_new(d->w.home);
        d->output[g] = by(iv_scope_new(d->graph[g], d->w.params, "m"), sizes[g][0], sizes[g][1]);
        if (!d->output[g])
            fail_msg("%s", iv_graph_message(d->graph[g]));
    }
}

static void end(drawn *d, iv__arena *arena)
{
    for (int g = 0; g < GRAPHS; g++)
        iv_graph_free(d->graph[g]);
    iv__arena_free(arena);
    world_free(&d->w);
}

static const void *numbers_of(void *user, const char *name)
{
    const iv_tensor *tensor = iv_params_find(user, name);

    return tensor ? tensor->data : NULL;
}

static iv_status write_model(drawn *d, iv__arena *arena, iv__onnx_model *model)
{
    static const char *const names[] = { "y" };
    const iv__onnx_source source = {
        .name = "case",
        .says = "",
        .n_symbols = 2,
        .symbols = { { "batch", { sizes[0][0], sizes[1][0] } },
                     { "length", { sizes[0][1], sizes[1][1] } } },
        .n_outputs = 1,
        .outputs = { &d->output[0], &d->output[1] },
        .names = names,
        .parameter = numbers_of,
        .user = d->w.params,
    };

    return iv__onnx_of(arena, &source, model);
}

static void fill(const iv_node *leaf, void *to)
{
    for (int64_t i = 0; i < iv_shape_count(iv_node_shape(leaf)); i++) {
        uint32_t word[4];
        iv__philox(11, 0, (uint64_t)i, word);
        if (iv_node_dtype(leaf) == IV_I32)
            ((int32_t *)to)[i] = (int32_t)(word[0] % 9);
        else
            ((float *)to)[i] = 4 * iv__unit_f32(word[0]) - 2;
    }
}

/* The case's own graph, computed; its inputs become those of the file. */
static iv_plan *compute(drawn *d, iv__onnx_tensor in[8], int *n)
{
    iv_plan *plan = plan_of(&d->w, 1, &d->output[2], 0, NULL);

    *n = 0;
    for (int i = 0; i < iv_plan_leaves(plan); i++) {
        const iv_node *leaf = iv_plan_leaf(plan, i);
        if (strcmp(iv_node_op(leaf), "input"))
            continue;
        fill(leaf, iv_plan_input(plan, iv_node_name(leaf)));
        in[(*n)++] = (iv__onnx_tensor){ iv_node_name(leaf),
                                        iv_node_dtype(leaf) == IV_I32 ? IV__ONNX_INT32 : IV__ONNX_FLOAT,
                                        *iv_node_shape(leaf), iv_plan_input(plan, iv_node_name(leaf)) };
    }
    run(&d->w, plan);
    return plan;
}

static void compare(const onnx_result *got, const iv_node *output, const void *wanted)
{
    double most = 0, off = 0;

    assert_true(iv_shape_same(&got->shape, iv_node_shape(output)));
    for (int64_t i = 0; i < iv_shape_count(&got->shape); i++) {
        const double value = iv_node_dtype(output) == IV_I32 ? ((const int32_t *)wanted)[i]
                                                             : (double)((const float *)wanted)[i];
        most = fmax(most, fabs(value));
        off = fabs(got->number[i] - value) <= off ? off : fabs(got->number[i] - value);
    }
    if (!(off <= 1e-6 * most))
        fail_msg("a difference of %.3g, and the largest number is %.3g", off, most);
}

static void comes_back(void **state)
{
    const graph_case *c = *state;
    iv__onnx_model written, model;
    iv__onnx_tensor in[8];
    onnx_import at;
    onnx_result got;
    drawn d;
    int n;

    draw(&d, c->build);
    iv__arena arena = { .home = d.w.home };
    iv__text bytes = { .home = d.w.home };
    if (write_model(&d, &arena, &written) || iv__onnx_write(d.w.home, &written, &bytes) ||
        iv__onnx_read(&arena, c->name, bytes.data, bytes.size, &model))
        fail_msg("%s", iv_home_message(d.w.home));
    iv_plan *plan = compute(&d, in, &n);
    assert_int_equal(model.n_inputs, n);
    if (!onnx_import_open(&at, d.w.home, &model, n, in))
        fail_msg("%s", at.reason);
    if (onnx_import_run(&at, &got))
        fail_msg("%s", iv_home_message(d.w.home));
    compare(&got, d.output[2], iv_plan_output(plan, 0));
    onnx_import_close(&at);
    iv_plan_free(plan);
    iv__text_free(&bytes);
    end(&d, &arena);
}

/* ---- every row that can be written has a case ---------------------------------------------------- */

static void tick(const iv_node *node, bool seen[], const iv__onnx_row *rows, int depth)
{
    assert_true(depth < 100);
    for (int r = 0; rows[r].row; r++)
        seen[r] |= !strcmp(rows[r].row, iv_node_op(node));
    for (int k = 0; k < node->call->n_in; k++)
        tick(node->call->in[k], seen, rows, depth + 1);
}

static void every_row_has_a_case(void **state)
{
    const iv__onnx_row *const tables[] = { iv__onnx_rows, iv__onnx_layers };

    (void)state;
    for (int t = 0; t < 2; t++) {
        bool seen[100] = { false };
        for (size_t i = 0; i < COUNT(all_cases); i++) {
            drawn d;
            draw(&d, all_cases[i].build);
            iv__arena arena = { .home = d.w.home };
            tick(d.output[2], seen, tables[t], 0);
            end(&d, &arena);
        }
        for (int r = 0; tables[t][r].row; r++)
            if (!seen[r])
                fail_msg("the row '%s' is in no case here", tables[t][r].row);
    }
}

/* ---- what is refused ----------------------------------------------------------------------------- */

CASE(masked, iv_lstm(s, SEQUENCE, .units = 5, .mask = iv_mask_zero(NUMBERS)))
CASE(half, iv_slice(SEQUENCE, 1, 0, t / 2, 1))
CASE(root_of_length, iv_scale(SEQUENCE, 1 / sqrt((double)t)))
CASE(random, iv_add(ROWS, iv_random_uniform(iv_random_clock(iv_scope_graph(s)), iv_dims(n, 6), "r")))
CASE(open_image, iv_conv2d(s, x_of(s, "image", iv_dims(n, t, 6, 4)), .filters = 3, .kernel = { 3 }))
CASE(kernel_of_inputs, iv_conv(IMAGE, iv_reshape(iv_slice(ROWS, 0, 0, 2, 1), iv_dims(1, 1, 4, 3))))
CASE(fill_of_length, iv_mul(SEQUENCE, iv_fill(iv_scope_graph(s), iv_dims(4), 1 / sqrt((double)t))))
CASE(constant_of_length,
     iv_mul(SEQUENCE, iv_tanh(iv_mul(P(4), iv_fill(iv_scope_graph(s), iv_dims(4), (double)t)))))
CASE(part_of_constant, iv_mul(SEQUENCE, iv_slice(P(200), 0, t, 4, 1)))
CASE(one_hot_of_length, iv_one_hot(NUMBERS, t))
CASE(clip_by_length, iv_clip(ROWS, 0, (double)t))
CASE(another_graph, n == 139 ? iv_exp(ROWS) : iv_neg(ROWS))

static void refused(build *by, const char *why)
{
    iv__onnx_model model;
    drawn d;

    draw(&d, by);
    iv__arena arena = { .home = d.w.home };
    assert_int_equal(write_model(&d, &arena, &model), IV_UNSUPPORTED);
    if (!strstr(iv_home_message(d.w.home), why))
        fail_msg("'%s' is not said, but: %s", why, iv_home_message(d.w.home));
    end(&d, &arena);
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    refused(case_masked,
            "m/lstm/lstm cannot be written as ONNX: it holds its state where a mask is 0, which the operator LSTM cannot");
    refused(case_half, "slice cannot be written as ONNX: its end depends on the batch or the length");
    refused(case_root_of_length,
            "scale cannot be written as ONNX: its number depends on the batch or the length");
    refused(case_random, "random_uniform cannot be written as ONNX: ONNX has no operators for it here");
    refused(case_open_image,
            "conv cannot be written as ONNX: its image's size depends on the batch or the length");
    refused(case_kernel_of_inputs, "conv cannot be written as ONNX: its kernel depends on inputs");
    refused(case_fill_of_length,
            "fill cannot be written as ONNX: its number depends on the batch or the length");
    refused(case_constant_of_length,
            "fill cannot be written as ONNX: its number depends on the batch or the length");
    refused(case_part_of_constant,
            "slice cannot be written as ONNX: what it is made with depends on the batch or the length");
    refused(case_one_hot_of_length,
            "one_hot cannot be written as ONNX: what it is made with depends on the batch or the length");
    refused(case_clip_by_length,
            "clip cannot be written as ONNX: what it is made with depends on the batch or the length");
    refused(case_another_graph, "for other sizes the graph is another one here");
}

int main(void)
{
    struct CMUnitTest tests[COUNT(all_cases) + 2] = { 0 };
    size_t n = 0;

    for (; n < COUNT(all_cases); n++)
        tests[n] = (struct CMUnitTest){ all_cases[n].name, comes_back, NULL, NULL,
                                        (void *)(uintptr_t)&all_cases[n] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_row_has_a_case);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(what_cannot_be_written_is_refused);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
