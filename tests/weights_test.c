/* weights_test.c: weights find their parameters by name and in order, or say why not; nothing is changed then. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "base/text.h"
#include "format/safetensors.h"

#include <ivory/weights.h>

#include <math.h>

static const float numbers[64] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };

typedef struct item {
    const char *name;
    iv_shape shape;
} item;

#define ITEM(name, ...)                                           \
    {                                                             \
        name,                                                     \
        {                                                         \
            sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), \
            {                                                     \
                __VA_ARGS__                                       \
            }                                                     \
        }                                                         \
    }
enum { MOST = 16 };

/* A file of these weights, each of which begins with another number; of as many texts as there are before NULL. */
static iv_weights *weights_of(world *w, const item *items, const iv__pair *pairs, const float *values)
{
    iv__named_tensor list[MOST];
    int n = 0, n_pairs = 0;

    for (; items[n].name; n++)
        list[n] = (iv__named_tensor){
            .name = items[n].name, .dtype = IV_F32, .shape = items[n].shape, .data = values + n
        };
    while (pairs && pairs[n_pairs].key)
        n_pairs++;
    const char *path = in_folder(w, "some.safetensors");
    assert_int_equal(iv__safetensors_write(w->home, path, n, list, n_pairs, pairs), IV_OK);
    iv_weights *weights = iv_weights_open(w->home, path);
    if (!weights)
        fail_msg("%s", iv_home_message(w->home));
    return weights;
}

static iv_params *params_of(world *w, const item *items)
{
    iv_params *params = iv_params_new_empty(w->home, IV_F32);

    for (; items->name; items++)
        assert_non_null(iv_params_make(params, items->name, items->shape));
    return params;
}

/* "parameter=first number " of each. */
static void print_params(const iv_params *params, iv__text *text)
{
    iv__text_clear(text);
    for (int i = 0; i < iv_params_count(params); i++)
        iv__text_print(text, "%s=%g ", iv_params_name(params, i),
                       (double)*(const float *)iv_params_tensor(params, i)->data);
}

static void assert_loads(world *w, const item *file, const iv__pair *pairs, const item *model,
                         const iv_weights_options *options, const char *expected)
{
    iv_weights *weights = weights_of(w, file, pairs, numbers);
    iv_params *params = params_of(w, model);
    iv__text text = { .home = w->home };

    if (iv_weights_load_with(weights, params, options))
        fail_msg("%s", iv_home_message(w->home));
    print_params(params, &text);
    assert_string_equal(text.data, expected);
    iv__text_free(&text);
    iv_params_free(params);
    iv_weights_free(weights);
}

#define OPTIONS(...) (&(iv_weights_options){ .size = sizeof(iv_weights_options), __VA_ARGS__ })
#define NO_MORE   \
    {             \
        NULL,     \
        {         \
            0,    \
            {     \
                0 \
            }     \
        }         \
    }

/* clang-format off */
static const item two_layers[] = { ITEM("m/a/kernel", 2, 3), ITEM("m/a/bias", 3), ITEM("m/b/kernel", 3, 2), ITEM("m/b/bias", 2), NO_MORE };
/* clang-format on */

static void layers_by_their_names(void **state)
{
    world *w = *state;
    /* clang-format off */
    const item turned[] = { ITEM("net/b/bias", 2), ITEM("net/b/kernel", 3, 2), ITEM("net/a/bias", 3), ITEM("net/a/kernel", 2, 3), NO_MORE };
    const item dotted[] = { ITEM("b.bias", 2), ITEM("b.kernel", 3, 2), ITEM("a.bias", 3), ITEM("a.kernel", 2, 3), NO_MORE };
    const item two_nets[] = { ITEM("one/a/kernel", 2, 3), ITEM("one/a/bias", 3), ITEM("one/b/kernel", 3, 2), ITEM("one/b/bias", 2),
                              ITEM("two/a/kernel", 2, 3), ITEM("two/a/bias", 3), ITEM("two/b/kernel", 3, 2), ITEM("two/b/bias", 2), NO_MORE };
    /* clang-format on */

    assert_loads(w, turned, NULL, two_layers, OPTIONS(0),
                 "m/a/kernel=4 m/a/bias=3 m/b/kernel=2 m/b/bias=1 ");
    assert_loads(w, dotted, NULL, two_layers, OPTIONS(0),
                 "m/a/kernel=4 m/a/bias=3 m/b/kernel=2 m/b/bias=1 ");
    assert_loads(w, two_nets, NULL, two_layers, OPTIONS(.from = "two/"),
                 "m/a/kernel=5 m/a/bias=6 m/b/kernel=7 m/b/bias=8 ");
    assert_loads(w, two_nets, NULL, two_layers,
                 OPTIONS(.from = "two/", .into = "m/a", .match = IV_IN_ORDER, .partial = true),
                 "m/a/kernel=5 m/a/bias=6 m/b/kernel=0 m/b/bias=0 ");
}

static void in_order(void **state)
{
    world *w = *state;
    /* clang-format off */
    const item other_names[] = { ITEM("x/weight", 2, 3), ITEM("x/shift", 3), ITEM("y/weight", 3, 2), ITEM("y/shift", 2), NO_MORE };
    const item no_layers[] = { ITEM("v0", 2, 3), ITEM("v1", 3), ITEM("v2", 3, 2), ITEM("v3", 2), NO_MORE };
    const item norm[] = { ITEM("m/n/moving_mean", 2), ITEM("m/n/moving_variance", 2), ITEM("m/n/gamma", 2), ITEM("m/n/beta", 2), NO_MORE };
    const item kerass[] = { ITEM("layers/n/vars/0", 2), ITEM("layers/n/vars/1", 2), ITEM("layers/n/vars/2", 2), ITEM("layers/n/vars/3", 2), NO_MORE };
    /* clang-format on */

    assert_loads(w, other_names, NULL, two_layers, OPTIONS(0),
                 "m/a/kernel=1 m/a/bias=2 m/b/kernel=3 m/b/bias=4 ");
    assert_loads(w, no_layers, NULL, two_layers, OPTIONS(0),
                 "m/a/kernel=1 m/a/bias=2 m/b/kernel=3 m/b/bias=4 ");
    assert_loads(w, kerass, NULL, norm, OPTIONS(0),
                 "m/n/moving_mean=3 m/n/moving_variance=4 m/n/gamma=1 m/n/beta=2 ");
}

/* Keras 2: the attributes have the order. Keras 3: the names that a person gave go before those that layers are counted
 * by, where more of them are known. */
static void keras_names(void **state)
{
    world *w = *state;
    /* clang-format off */
    const item old[] = { ITEM("model_weights/b/b/bias:0", 2), ITEM("model_weights/b/b/kernel:0", 3, 2), ITEM("model_weights/a/a/bias:0", 3),
                         ITEM("model_weights/a/a/kernel:0", 2, 3), ITEM("optimizer_weights/a/m:0", 3), NO_MORE };
    const iv__pair old_texts[] = { { "model_weights:layer_names", "[\"a\", \"b\"]" },
                                   { "model_weights/a:weight_names", "[\"a/kernel:0\", \"a/bias:0\"]" },
                                   { "model_weights/b:weight_names0", "[\"b/kernel:0\"]" },
                                   { "model_weights/b:weight_names1", "[\"b/bias:0\"]" }, { NULL, NULL } };
    const item model[] = { ITEM("m/x/kernel", 2, 3), ITEM("m/x/bias", 3), ITEM("m/y/kernel", 3, 2), ITEM("m/y/bias", 2), NO_MORE };
    const item new[] = { ITEM("layers/dense/vars/0", 1), ITEM("layers/dense_1/vars/0", 1), ITEM("optimizer/vars/0", 1), NO_MORE };
    const iv__pair new_texts[] = { { "layers/dense/vars:name", "dense_1" }, { "layers/dense_1/vars:name", "dense_2" }, { NULL, NULL } };
    const item given[] = { ITEM("m/dense_1/gain", 1), ITEM("m/dense_2/gain", 1), NO_MORE };
    const item mixed[] = { ITEM("m/dense_1/gain", 1), ITEM("m/dense/gain", 1), NO_MORE };
    const item side[] = { ITEM("layers/dense/vars/0", 1), ITEM("edge/vars/0", 1), NO_MORE };
    const iv__pair side_texts[] = { { "layers/dense/vars:name", "first" }, { "edge/vars:name", "dense_1" }, { NULL, NULL } };
    const item both[] = { ITEM("m/first/gain", 1), ITEM("m/edge/gain", 1), NO_MORE };
    const item counted[] = { ITEM("m/dense/gain", 1), ITEM("m/dense_1/gain", 1), NO_MORE };
    /* clang-format on */

    assert_loads(w, old, old_texts, two_layers, OPTIONS(0),
                 "m/a/kernel=4 m/a/bias=3 m/b/kernel=2 m/b/bias=1 ");
    assert_loads(w, old, old_texts, model, OPTIONS(0),
                 "m/x/kernel=4 m/x/bias=3 m/y/kernel=2 m/y/bias=1 ");
    assert_loads(w, new, new_texts, given, OPTIONS(0), "m/dense_1/gain=1 m/dense_2/gain=2 ");
    assert_loads(w, new, new_texts, mixed, OPTIONS(0), "m/dense_1/gain=2 m/dense/gain=1 ");
    assert_loads(w, side, side_texts, both, OPTIONS(0), "m/first/gain=1 m/edge/gain=2 ");
    assert_loads(w, new, new_texts, counted, OPTIONS(0), "m/dense/gain=1 m/dense_1/gain=2 ");
}

static void keep_report(void *user, const iv_weights_match *match)
{
    iv__text_print(user, "%s<-%s%s%s ", match->parameter ? match->parameter : "-",
                   match->weight ? match->weight->name : "-", match->taken ? "" : ": ",
                   match->taken ? "" : match->note);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    static const struct {
        item file[5];
        bool partial;
        iv_status status;
        const char *message, *report;
    } cases[] = {
        /* clang-format off */
        { { ITEM("a/kernel", 2, 3), ITEM("a/bias", 3), NO_MORE }, false, IV_NAME,
          "2 of 4 parameters find no weight, and 0 of 2 weights no parameter: the first is the parameter 'm/b/kernel' [3,2]",
          "m/a/kernel<-a/kernel m/a/bias<-a/bias m/b/kernel<--: the file has no weight for it m/b/bias<--: the file has no weight for it " },
        { { ITEM("a/kernel", 2, 3), ITEM("a/bias", 4), NO_MORE }, true, IV_SHAPE,
          "'a/bias' is [4], but the parameter 'm/a/bias' is [3]",
          "m/a/kernel<-a/kernel m/a/bias<-a/bias: another shape m/b/kernel<--: the file has no weight for it m/b/bias<--: the file has no weight for it " },
        { { ITEM("a/kernel", 2, 3), ITEM("a/bias", 3), ITEM("b/kernel", 3, 2), ITEM("c/b/kernel", 3, 2), NO_MORE }, false, IV_NAME,
          "1 of 4 parameters find no weight, and 1 of 4 weights no parameter",
          "m/a/kernel<-a/kernel m/a/bias<-a/bias m/b/kernel<-b/kernel m/b/bias<--: the file has no weight for it -<-c/b/kernel: no parameter wants it " },
        { { ITEM("a/kernel", 2, 3), ITEM("a/bias", 3), ITEM("one/b/bias", 2), ITEM("two/b/bias", 2), NO_MORE }, false, IV_NAME,
          "the first is the parameter 'm/b/kernel' [3,2]: several layers of the file end with its layer's name", NULL },
        /* clang-format on */
    };
    world *w = *state;
    iv__text text = { .home = w->home };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iv_weights *weights = weights_of(w, cases[i].file, NULL, numbers);
        iv_params *params = params_of(w, two_layers);
        iv__text_clear(&text);
        assert_int_equal(iv_weights_load(weights, params, .partial = cases[i].partial,
                                         .sink = keep_report, .user = &text),
                         cases[i].status);
        assert_message(w->home, cases[i].message);
        if (cases[i].report)
            assert_string_equal(text.data, cases[i].report);
        print_params(params, &text);
        assert_string_equal(text.data, "m/a/kernel=0 m/a/bias=0 m/b/kernel=0 m/b/bias=0 ");
        iv_params_free(params);
        iv_weights_free(weights);
    }
    iv__text_free(&text);
}

static void numbers_that_are_not_finite(void **state)
{
    world *w = *state;
    const item file[] = { ITEM("a/kernel", 2, 3), NO_MORE },
               model[] = { ITEM("a/kernel", 2, 3), NO_MORE };
    const float bad[8] = { 1, 2, 3, INFINITY, 5, 6 };
    iv_weights *weights = weights_of(w, file, NULL, bad);
    iv_params *params = params_of(w, model);
    const float *kernel = iv_params_tensor(params, 0)->data;

    assert_int_equal(iv_weights_load(weights, params, 0), IV_NUMERIC);
    assert_message(w->home, "element 3 of 'a/kernel' is not finite");
    assert_int_equal(iv_weights_put(weights, "a/kernel", params, "a/kernel"), IV_NUMERIC);
    assert_true(kernel[0] == 0);
    assert_int_equal(iv_weights_load(weights, params, .not_finite = true), IV_OK);
    assert_true(isinf(kernel[3]));
    iv_params_free(params);
    iv_weights_free(weights);
}

static void one_by_one(void **state)
{
    world *w = *state;
    const item file[] = { ITEM("Variable", 2, 3), ITEM("Variable_1", 3), NO_MORE };
    iv_weights *weights = weights_of(w, file, NULL, numbers);
    iv_params *params = params_of(w, two_layers);
    iv__text text = { .home = w->home };

    assert_int_equal(iv_weights_put(weights, "Variable_1", params, "m/a/bias"), IV_OK);
    assert_int_equal(iv_weights_put(weights, "Variable", params, "m/a/kernel"), IV_OK);
    assert_int_equal(iv_weights_put(weights, "Variable_1", params, "m/b/bias"), IV_SHAPE);
    assert_message(w->home, "'Variable_1' is [3], but the parameter 'm/b/bias' is [2]");
    assert_int_equal(iv_weights_put(weights, "Variable_2", params, "m/b/bias"), IV_NAME);
    assert_int_equal(iv_weights_put(weights, "Variable_1", params, "m/c/bias"), IV_NAME);
    print_params(params, &text);
    assert_string_equal(text.data, "m/a/kernel=1 m/a/bias=2 m/b/kernel=0 m/b/bias=0 ");
    iv__text_free(&text);
    iv_params_free(params);
    iv_weights_free(weights);
}

static bool load_all(iv_home *home, void *path)
{
    iv_weights *weights = iv_weights_open(home, path);
    iv_params *params = weights ? iv_params_new_empty(home, IV_F32) : NULL;
    bool good = params;

    for (const item *i = two_layers; good && i->name; i++)
        good = iv_params_make(params, i->name, i->shape);
    good = good && !iv_weights_load(weights, params, 0);
    iv_params_free(params);
    iv_weights_free(weights);
    return good;
}

static void scarce_memory(void **state)
{
    world *w = *state;
    const item file[] = { ITEM("b/bias", 2), ITEM("b/kernel", 3, 2), ITEM("a/bias", 3),
                          ITEM("a/kernel", 2, 3), NO_MORE };

    iv_weights_free(weights_of(w, file, NULL, numbers));
    char *path = w->path[(w->next_path + 7) % 8]; /* of that file */
    assert_survives_scarcity(load_all, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_by_their_names),
        cmocka_unit_test(in_order),
        cmocka_unit_test(keras_names),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(numbers_that_are_not_finite),
        cmocka_unit_test(one_by_one),
        cmocka_unit_test(scarce_memory),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
