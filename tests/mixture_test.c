/* mixture_test.c: the model `mixture` of every make: pixel by pixel it gives what it gives for whole pictures,
 * no pixel changes what comes at or before it, and it has as many parameters as its source says. Pictures of any
 * size come back from its coder. */
#include "nn_world.h"

#include "models/common_coder.h"
#include "nn/params.h"
#include "registry/registry.h"

enum { PICTURES = 2, SIDE = 8, MOST_OUTPUTS = 24, MOST_SETTINGS = 12 };

/* Settings are name, value, ...; NULL ends them. */
typedef struct make {
    const char *name;
    int period; /* of rows and columns, until the plans of a pixel are the same again */
    const char *settings[MOST_SETTINGS];
} make;

static const make makes[] = {
    { "one size", 1, { "hierarchies", "1" } },
    { "two sizes", 2, { "hierarchies", "2" } },
    { "three sizes", 4, { "hierarchies", "3" } },
    { "two blocks", 2, { "blocks", "2" } },
    { "colour", 2, { "channels", "3", "hierarchies", "2" } },
    { "colour, three sizes", 4, { "channels", "3", "hierarchies", "3" } },
    { "classes", 2, { "classes", "yes", "hierarchies", "2" } },
    { "colour, classes, one size", 1, { "channels", "3", "classes", "yes", "hierarchies", "1" } },
    { "far", 2, { "above", "3", "beside", "2" } },
    { "plain kernels", 2, { "weight_norm", "no" } },
};

static iv__instance *instance_of(iv_home *home, const char *const settings[])
{
    const iv__model *model;
    const iv__system *system = iv__system_named(home, "fashion-mixture", &model);
    iv__instance *instance = iv__instance_new(home, model, system, false);

    for (int i = 0; i < MOST_SETTINGS && settings[i]; i += 2)
        if (iv__instance_set(instance, settings[i], settings[i + 1]))
            fail_msg("%s", iv_home_message(home));
    return instance;
}

static iv__instance *small(iv_home *home, const make *m)
{
    static const char *const sizes[MOST_SETTINGS] = { "size", "8", "filters", "4", "logistics", "2" };
    iv__instance *instance = instance_of(home, sizes);

    for (int i = 0; i < MOST_SETTINGS && m->settings[i]; i += 2)
        assert_int_equal(iv__instance_set(instance, m->settings[i], m->settings[i + 1]), IV_OK);
    return instance;
}

/* ---- whole pictures -------------------------------------------------------------------------- */

static unsigned char value_at(int64_t i)
{
    return (unsigned char)(i * 97 % 251 + i % 5);
}

typedef struct pictures {
    iv__instance *instance;
    iv__palette palette;
    int64_t values, outputs; /* of a pixel */
    iv_node *node;
    iv_plan *plan;
    const float *y;
} pictures;

/* Parameters with values of their own, so that no gain or bias is as at birth. */
static void make_params(world *w, iv__instance *instance)
{
    if (iv__instance_make_params(instance, w->params))
        fail_msg("%s", iv_home_message(w->home));
    for (int i = 0; i < iv_params_count(w->params); i++) {
        iv_tensor *t = iv_params_tensor(w->params, i);
        for (int64_t k = 0; k < iv_shape_count(&t->shape); k++)
            ((float *)t->data)[k] += 0.1f * sinf((float)(3 * i + 7 * k));
    }
    iv_params_changed(w->params);
}

static pictures whole(world *w, const make *m)
{
    pictures p = { .instance = small(w->home, m) };

    p.instance->model->palette(p.instance, &p.palette);
    p.values = p.palette.channels;
    make_params(w, p.instance);
    iv_scope *scope = iv_scope_new(w->graph, w->params, "");
    iv_node *x = iv_input_raster(w->graph, "pixels", IV_F32, iv_dims(PICTURES, SIDE, SIDE, p.values));
    iv_node *label = p.palette.classes ? iv_input(w->graph, "label", IV_I32, iv_dims(PICTURES)) : NULL;
    iv_node *y = p.palette.outputs(p.instance, scope, x, label);
    if (!y)
        fail_msg("%s: %s", m->name, iv_graph_message(w->graph));
    p.node = y;
    p.outputs = iv_node_dim(y, -1);
    p.plan = plan_of(w, 1, &y, 0, NULL);
    float *pixels = iv_plan_input(p.plan, "pixels");
    int32_t *labels = iv_plan_input(p.plan, "label");
    for (int64_t i = 0; i < PICTURES * SIDE * SIDE * p.values; i++)
        pixels[i] = p.palette.reads(p.instance, value_at(i));
    for (int32_t i = 0; labels && i < PICTURES; i++)
        labels[i] = 3 + i;
    run(w, p.plan);
    p.y = iv_plan_output(p.plan, 0);
    return p;
}

static void pictures_free(pictures *p)
{
    iv_plan_free(p->plan);
    iv__instance_free(p->instance);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static int64_t period_of(pictures *p)
{
    iv_raster *raster = iv_raster_new(1, &p->node);
    int64_t period = iv_raster_period(raster);

    iv_raster_free(raster);
    return period;
}

static void compare_pixel(const make *m, const pictures *p, const float *got, int64_t row, int64_t column)
{
    for (int64_t n = 0; n < PICTURES; n++) {
        const float *expected = p->y + ((n * SIDE + row) * SIDE + column) * p->outputs;
        for (int64_t k = 0; k < p->outputs; k++) {
            float e = expected[k], g = got[n * p->outputs + k];
            if (!(fabsf(g - e) <= 1e-5f * fmaxf(1, fabsf(e))))
                fail_msg("%s: picture %d, pixel (%d,%d), output %d: %.9g, whole %.9g", m->name,
                         (int)n, (int)row, (int)column, (int)k, (double)g, (double)e);
        }
    }
}

static void pixel_by_pixel_is_the_whole(void **state)
{
    const make *m = *state;
    world w = world_new(IV_F32, 3);
    pictures p = whole(&w, m);
    iv__painter *painter = iv__painter_new(p.instance, w.params, PICTURES, SIDE, SIDE);

    if (!painter)
        fail_msg("%s: %s", m->name, iv_home_message(w.home));
    assert_int_equal(period_of(&p), m->period);
    iv__painter_classes(painter, (const int32_t[]){ 3, 4 });
    for (int64_t row = 0; row < SIDE; row++)
        for (int64_t column = 0; column < SIDE; column++) {
            unsigned char pixel[PICTURES * 3];
            int64_t outputs;
            const float *got = iv__painter_look(painter, row, column, &outputs);
            assert_non_null(got);
            assert_int_equal(outputs, p.outputs);
            compare_pixel(m, &p, got, row, column);
            for (int64_t n = 0; n < PICTURES; n++)
                for (int64_t c = 0; c < p.values; c++)
                    pixel[n * p.values + c] = value_at(((n * SIDE + row) * SIDE + column) * p.values + c);
            assert_int_equal(iv__painter_keep(painter, row, column, pixel), IV_OK);
        }
    iv__painter_free(painter);
    pictures_free(&p);
    world_free(&w);
}

/* Exactly, and from birth on: kernels are masked where they are used. What comes behind sees it. */
static void a_pixel_changes_nothing_at_or_before_it(void **state)
{
    const make *m = *state;
    float before[SIDE * SIDE * 3 * MOST_OUTPUTS];

    for (int bf16 = 0; bf16 < 2; bf16++) {
        world w = world_new(IV_F32, 3);
        iv_home_set_precision(w.home, bf16 ? IV_PRECISION_BF16 : IV_PRECISION_F32);
        pictures p = whole(&w, m);
        const int64_t all = SIDE * SIDE * p.outputs;
        float *pixels = iv_plan_input(p.plan, "pixels");

        assert_in_range(all, 1, sizeof before / sizeof *before);
        memcpy(before, p.y, (size_t)all * sizeof *before);
        for (int64_t i = 0; i < SIDE * SIDE * p.values; i++) {
            const int64_t pixel = i / p.values;
            const float was = pixels[i];
            pixels[i] = was > 0 ? was - 1 : was + 1;
            run(&w, p.plan);
            pixels[i] = was;
            if (memcmp(before, p.y, (size_t)((pixel + 1) * p.outputs) * sizeof *before))
                fail_msg("%s: pixel %d is seen at or before it", m->name, (int)pixel);
            if (pixel < SIDE * SIDE - 1 && !memcmp(before, p.y, (size_t)all * sizeof *before))
                fail_msg("%s: pixel %d is seen by none behind it", m->name, (int)pixel);
        }
        pictures_free(&p);
        world_free(&w);
    }
}

/* As many as TensorFlow Probability's network has with these settings, and of them as many that count: those that
 * its masks leave have slopes, the others have none at all. */
static void parameters_are_as_many_as_printed(void **state)
{
    (void)state;
    enum { MOST = 200 };
    static const char *const smaller[MOST_SETTINGS] = { "size", "8" };
    world w = world_new(IV_F32, 1);
    iv__instance *instance = instance_of(w.home, smaller);
    iv_node *leaf[MOST], *slope[MOST];
    int64_t count = 0;

    make_params(&w, instance);
    const int n = iv_params_count(w.params);
    assert_in_range(n, 1, MOST);
    assert_int_equal(iv_params_elements(w.params, ""), 624990);
    iv__build build = { .graph = w.graph, .scope = iv_scope_new(w.graph, w.params, ""), .batch = 1 };
    assert_int_equal(instance->model->build(instance, &build), IV_OK);
    for (int i = 0; i < n; i++)
        leaf[i] = iv_parameter(w.graph, iv_params_name(w.params, i),
                               iv_params_tensor(w.params, i)->shape);
    assert_int_equal(iv_gradient(build.parts[0].loss, n, leaf, slope), IV_OK);
    iv_plan *plan = plan_of(&w, n, slope, 0, NULL);
    float *pixels = iv_plan_input(plan, "pixels");
    for (int64_t i = 0; i < SIDE * SIDE; i++) {
        ((int32_t *)iv_plan_input(plan, "values"))[i] = value_at(i);
        pixels[i] = (float)value_at(i) / 128 - 1;
    }
    *(float *)iv_plan_input(plan, "weight") = 1;
    run(&w, plan);
    for (int i = 0; i < n; i++)
        for (int64_t k = 0; k < iv_shape_count(iv_node_shape(slope[i])); k++)
            count += ((const float *)iv_plan_output(plan, i))[k] != 0;
    assert_int_equal(count, 353950);
    iv_plan_free(plan);
    iv__instance_free(instance);
    world_free(&w);
}

static void a_size_that_cannot_be_halved_is_refused(void **state)
{
    (void)state;
    static const char *const odd[] = { "size", "30", "hierarchies", "3", NULL };
    world w = world_new(IV_F32, 1);
    iv__instance *instance = instance_of(w.home, odd);

    assert_int_equal(iv__instance_make_params(instance, w.params), IV_VALUE);
    assert_string_equal(iv_home_message(w.home),
                        "with --hierarchies 3 the --size must be a multiple of 4; it is 30");
    iv__instance_free(instance);
    world_free(&w);
}

/* ---- compressed pictures --------------------------------------------------------------------- */

/* The sides need not be halved as those of pictures that are learned. */
static void pictures_of_any_size_come_back(void **state)
{
    static const int sizes[][2] = { { SIDE, SIDE }, { 1, 1 }, { 3, 7 }, { 5, 10 }, { 13, 2 } };
    enum { N = sizeof sizes / sizeof *sizes };
    unsigned char values[256], back[256];
    const make *m = *state;
    world w = world_new(IV_F32, 2);
    iv__instance *instance = small(w.home, m);

    make_params(&w, instance);
    for (int i = 0; i < N; i++) {
        iv__coded c = { .height = sizes[i][0], .width = sizes[i][1], .values = values };
        iv__palette palette;
        instance->model->palette(instance, &palette);
        const int64_t count = c.height * c.width * palette.channels;
        for (int64_t k = 0; k < count; k++)
            values[k] = value_at(k + i);
        iv__number_encoder e = iv__number_encoder_new(w.home);
        if (iv__encode_picture(instance, w.params, &c, &e, NULL, NULL))
            fail_msg("%s", iv_home_message(w.home));
        iv__number_encoder_end(&e);
        iv__number_decoder d = iv__number_decoder_new(e.bytes.data, e.bytes.size);
        c.values = back;
        assert_int_equal(iv__decode_picture(instance, w.params, &c, &d, NULL, NULL), IV_OK);
        assert_memory_equal(back, values, count);
        iv__text_free(&e.bytes);
    }
    iv__instance_free(instance);
    world_free(&w);
}

#define MAKE(test, i)                                         \
    {                                                         \
#test, test, NULL, NULL, (void *)(uintptr_t)&makes[i] \
    }
#define MAKES(test)                                                                           \
    MAKE(test, 0), MAKE(test, 1), MAKE(test, 2), MAKE(test, 3), MAKE(test, 4), MAKE(test, 5), \
        MAKE(test, 6), MAKE(test, 7), MAKE(test, 8), MAKE(test, 9)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAKES(pixel_by_pixel_is_the_whole),
        MAKES(a_pixel_changes_nothing_at_or_before_it),
        MAKES(pictures_of_any_size_come_back),
        cmocka_unit_test(parameters_are_as_many_as_printed),
        cmocka_unit_test(a_size_that_cannot_be_halved_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
