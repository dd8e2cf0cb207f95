/* nn_logistic_mixture_test.c: the likelihood of images under mixtures of logistics: as TensorFlow
 * Probability has it, as the numbers that sampling uses, and finite whatever comes. */
#include "golden_world.h"

#include "nn/logistic_mixture.h"

typedef struct mixture {
    const char *name;
    iv_logistic_mixture_options options;
} mixture;

#define OPTIONS(...)                                             \
    {                                                            \
        .size = sizeof(iv_logistic_mixture_options), __VA_ARGS__ \
    }
static const mixture mixtures[] = {
    { "grey", OPTIONS(.components = 5, .channels = 1) },
    { "colour", OPTIONS(.components = 4, .channels = 3) },
    { "few_levels", OPTIONS(.components = 3, .channels = 2, .levels = 4) },
};

static char *name_of(const mixture *m, const char *part)
{
    static char name[64];

    snprintf(name, sizeof name, "%s/%s", m->name, part);
    return name;
}

/* The likelihoods of the file's images, and their gradients. */
static void as_tensorflow_probability(void **state)
{
    const mixture *m = *state;
    for (int wide = 0; wide < 2; wide++) {
        const iv_dtype real = wide ? IV_F64 : IV_F32;
        world w = world_new(real, 1);
        iv__safetensors *file = open_file(w.home, "logistic_mixture");
        const iv__named_tensor *parameters = tensor_of(file, name_of(m, "parameters")),
                               *pixels = tensor_of(file, name_of(m, "pixels"));
        iv_node *p = iv_input(w.graph, "parameters", real, parameters->shape);
        iv_node *y = iv_logistic_mixture_with(p, iv_input(w.graph, "pixels", IV_I32, pixels->shape),
                                              &m->options);
        iv_plan *plan = plan_of(&w, 1, &y, 0, NULL);

        copy(parameters, 0, iv_shape_count(&parameters->shape), real, iv_plan_input(plan, "parameters"));
        copy(pixels, 0, iv_shape_count(&pixels->shape), IV_I32, iv_plan_input(plan, "pixels"));
        run(&w, plan);
        const double *wanted = tensor_of(file, name_of(m, "log_likelihood"))->data;
        for (int i = 0; i < 2; i++) {
            double got = number(iv_plan_output(plan, 0), real, i);
            if (!(fabs(got - wanted[i]) <= (wide ? 1e-11 : 2e-6) * fabs(wanted[i])))
                fail_msg("%s, image %d: %.15g, not %.15g", m->name, i, got, wanted[i]);
        }
        iv_plan_free(plan);
        iv__safetensors_close(file);
        world_free(&w);
    }
}

/* At every level the probabilities of those below it, added up; 0 and 1 at the ends, and nowhere less than
 * before. */
static void below_is_the_sum(const iv_logistic_mixture_options *o, const float *parameters,
                             int64_t channel, const int32_t *before, double tolerance)
{
    const int64_t levels = o->levels ? o->levels : 256;
    double probability[256], sum = 0, last = 0;

    iv__logistic_mixture_probabilities(o, parameters, channel, before, probability);
    for (int64_t k = 0; k <= levels; k++) {
        double below = iv__logistic_mixture_below(o, parameters, channel, before, k);
        if (!(fabs(below - sum) <= tolerance && below >= last && below <= 1))
            fail_msg("channel %d, level %d: %.17g after %.17g; the sum is %.17g", (int)channel,
                     (int)k, below, last, sum);
        if (k == 0 || k == levels)
            assert_true(below == (double)(k > 0));
        last = below;
        sum += k < levels ? probability[k] : 0;
    }
}

/* What sampling draws from adds up to 1, and its products are the likelihood. */
static void numbers_as_the_graph(void **state)
{
    const mixture *m = *state;
    world w = world_new(IV_F32, 1);
    iv__safetensors *file = open_file(w.home, "logistic_mixture");
    const iv__named_tensor *parameters = tensor_of(file, name_of(m, "parameters")),
                           *pixels = tensor_of(file, name_of(m, "pixels"));
    const double *wanted = tensor_of(file, name_of(m, "log_likelihood"))->data;
    const int64_t channels = m->options.channels, count = iv_logistic_mixture_parameters(&m->options),
                  places = iv_shape_count(&pixels->shape) / channels,
                  levels = m->options.levels ? m->options.levels : 256;
    double total = 0;

    assert_int_equal(count * places, iv_shape_count(&parameters->shape));
    for (int64_t i = 0; i < places; i++) {
        float p[64];
        int32_t level[3];

        copy(parameters, i * count, count, IV_F32, p);
        copy(pixels, i * channels, channels, IV_I32, level);
        for (int64_t c = 0; c < channels; c++) {
            double probability[256], sum = 0;
            iv__logistic_mixture_probabilities(&m->options, p, c, level, probability);
            for (int64_t k = 0; k < levels; k++) {
                assert_true(probability[k] >= 0);
                sum += probability[k];
            }
            assert_true(fabs(sum - 1) < 1e-12);
            total += log(probability[level[c]]);
            below_is_the_sum(&m->options, p, c, level, 1e-12);
        }
    }
    assert_true(fabs(total - wanted[0] - wanted[1]) < 1e-9 * fabs(total));
    iv__safetensors_close(file);
    world_free(&w);
}

/* Slopes of the likelihood, against differences, at parameters of every kind. */
static void slopes_as_differences(void **state)
{
    (void)state;
    enum { COUNT = 2 * 10 };
    const double step = 1e-5;
    world w = world_new(IV_F64, 1);
    iv_node *p = iv_input(w.graph, "p", IV_F64, iv_dims(1, 2, COUNT)), *out[2];

    out[0] = iv_logistic_mixture(p, iv_input(w.graph, "x", IV_I32, iv_dims(1, 2, 3)),
                                 .components = 2, .channels = 3, .levels = 16);
    assert_int_equal(iv_gradient(out[0], 1, &p, out + 1), IV_OK);
    iv_plan *plan = plan_of(&w, 2, out, 0, NULL);
    const int32_t pixels[] = { 0, 7, 15, 3, 0, 9 };
    double *x = iv_plan_input(plan, "p"), slope[2 * COUNT];
    const double *y = iv_plan_output(plan, 0);

    give(plan, "x", pixels, sizeof pixels);
    for (int i = 0; i < 2 * COUNT; i++)
        x[i] = sin(1.7 * i) * 1.5;
    run(&w, plan);
    memcpy(slope, iv_plan_output(plan, 1), sizeof slope);
    for (int i = 0; i < 2 * COUNT; i++) {
        const double was = x[i];
        x[i] = was + step;
        run(&w, plan);
        y = iv_plan_output(plan, 0);
        double up = y[0];
        x[i] = was - step;
        run(&w, plan);
        double wanted = (up - y[0]) / (2 * step);
        x[i] = was;
        if (!(fabs(slope[i] - wanted) <= 1e-7 * (1 + fabs(wanted))))
            fail_msg("parameter %d: the slope is %.12g, not %.12g", i, slope[i], wanted);
    }
    iv_plan_free(plan);
    world_free(&w);
}

/* Parameters far from all sense: everything stays finite, also where f32 cannot tell a probability from 0. */
static void nothing_overflows(void **state)
{
    (void)state;
    static const float values[] = { 0, 1e-6f, -1e-6f, 30, -30, 1000, -1000, 1e6f, -1e6f };
    enum { VALUES = sizeof values / sizeof *values };
    world w = world_new(IV_F32, 1);
    iv_node *p = iv_input(w.graph, "p", IV_F32, iv_dims(VALUES * VALUES, 256, 3)), *out[2];

    out[0] = iv_logistic_mixture(p, iv_input(w.graph, "x", IV_F32, iv_dims(VALUES * VALUES, 256, 1)),
                                 .components = 1, .channels = 1);
    assert_int_equal(iv_gradient(out[0], 1, &p, out + 1), IV_OK);
    iv_plan *plan = plan_of(&w, 2, out, 0, NULL);
    float *x = iv_plan_input(plan, "x"), *parameter = iv_plan_input(plan, "p");

    for (int i = 0; i < VALUES * VALUES; i++) {
        for (int level = 0; level < 256; level++) {
            x[256 * i + level] = (float)level;
            parameter[3 * (256 * i + level)] = values[(i + level) % VALUES];
            parameter[3 * (256 * i + level) + 1] = values[i / VALUES];
            parameter[3 * (256 * i + level) + 2] = values[i % VALUES];
        }
    }
    run(&w, plan);
    for (int i = 0; i < VALUES * VALUES; i++)
        assert_true(isfinite(((const float *)iv_plan_output(plan, 0))[i]));
    for (int i = 0; i < VALUES * VALUES * 256 * 3; i++)
        if (!isfinite(((const float *)iv_plan_output(plan, 1))[i]))
            fail_msg("a slope of level %d with place %g and scale %g is not finite", i / 3 % 256,
                     (double)parameter[i - i % 3 + 1], (double)parameter[i - i % 3 + 2]);
    for (int i = 0; i < VALUES * VALUES * 256; i += 256) {
        const iv_logistic_mixture_options one = OPTIONS(.components = 1, .channels = 1);
        below_is_the_sum(&one, parameter + 3 * i, 0, NULL, 1e-6);
    }
    iv_plan_free(plan);
    world_free(&w);
}

static void refusals_name_what_is_wrong(void **state)
{
    static const struct {
        iv_logistic_mixture_options options;
        const char *says;
    } row[] = {
        { OPTIONS(.components = 5, .channels = 1, .levels = 300), "2 to 256 levels" },
        { OPTIONS(.channels = 1), "at least 1 component" },
        { OPTIONS(.components = 5, .channels = 3), "pixels must be [N,...,3] and parameters [N,...,50]" },
        { OPTIONS(.components = 4, .channels = 1), "pixels must be [N,...,1] and parameters [N,...,12]" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        world w = world_new(IV_F32, 1);
        assert_null(iv_logistic_mixture_with(iv_input(w.graph, "p", IV_F32, iv_dims(2, 3, 15)),
                                             iv_input(w.graph, "x", IV_I32, iv_dims(2, 3, 1)),
                                             &row[i].options));
        if (!strstr(iv_graph_message(w.graph), row[i].says))
            fail_msg("'%s' and not '%s'", iv_graph_message(w.graph), row[i].says);
        world_free(&w);
    }
}

#define MIXTURE(test, i)                                         \
    {                                                            \
#test, test, NULL, NULL, (void *)(uintptr_t)&mixtures[i] \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        MIXTURE(as_tensorflow_probability, 0),
        MIXTURE(as_tensorflow_probability, 1),
        MIXTURE(as_tensorflow_probability, 2),
        MIXTURE(numbers_as_the_graph, 0),
        MIXTURE(numbers_as_the_graph, 1),
        MIXTURE(numbers_as_the_graph, 2),
        cmocka_unit_test(slopes_as_differences),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(refusals_name_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
