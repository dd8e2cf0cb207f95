/* golden_world.h: files of golden values (tools/golden), for tests that compare with them. */
#ifndef IV_TESTS_GOLDEN_WORLD_H
#define IV_TESTS_GOLDEN_WORLD_H

#include "nn_world.h"

#include "format/safetensors.h"

#ifndef IVORY_TESTS
#define IVORY_TESTS "tests"
#endif

static inline iv__safetensors *open_file(iv_home *home, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/golden/%s.safetensors", IVORY_TESTS, name);
    iv__safetensors *file = iv__safetensors_open(home, path);
    if (!file)
        fail_msg("%s", iv_home_message(home));
    return file;
}

static inline const iv__named_tensor *tensor_of(const iv__safetensors *file, const char *name)
{
    const iv__named_tensor *tensor = iv__safetensors_find(file, name);

    if (!tensor)
        fail_msg("the file has no '%s'", name);
    return tensor;
}

/* Copies elements of the file, widening f32 where f64 is wanted. */
static inline void copy(const iv__named_tensor *from, int64_t first, int64_t count, iv_dtype dtype,
                        void *to)
{
    const char *data = (const char *)from->data + (size_t)first * iv_dtype_size(from->dtype);

    if (from->dtype == dtype) {
        memcpy(to, data, (size_t)count * iv_dtype_size(dtype));
        return;
    }
    assert_int_equal(from->dtype, IV_F32);
    assert_int_equal(dtype, IV_F64);
    for (int64_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, data + 4 * i, sizeof value);
        ((double *)to)[i] = (double)value;
    }
}

/* All parameters of the file, and no other. */
static inline void load(world *w, const iv__safetensors *file, const char *prefix)
{
    int64_t n, found = 0;
    const iv__named_tensor *list = iv__safetensors_list(file, &n);

    for (int64_t i = 0; i < n; i++)
        found += !strncmp(list[i].name, prefix, strlen(prefix));
    assert_int_equal(iv_params_count(w->params), found);
    for (int i = 0; i < iv_params_count(w->params); i++) {
        iv_tensor *tensor = iv_params_tensor(w->params, i);
        const iv__named_tensor *from = tensor_of(file, iv_params_name(w->params, i));
        assert_true(iv_shape_same(&from->shape, &tensor->shape));
        copy(from, 0, iv_shape_count(&tensor->shape), tensor->dtype, tensor->data);
    }
    iv_params_changed(w->params);
}

static inline double number(const void *data, iv_dtype dtype, int64_t i)
{
    return dtype == IV_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static inline double largest_of(const iv__safetensors *file, const char *name)
{
    const iv__named_tensor *tensor = tensor_of(file, name);
    double largest = 0;

    for (int64_t i = 0; i < iv_shape_count(&tensor->shape); i++)
        largest = fmax(largest, fabs(number(tensor->data, IV_F32, i)));
    return largest;
}

/* An output of a plan that has run: no element is off by more than `most`. */
static inline void compare(const iv__safetensors *file, const iv_plan *plan, int output,
                           const char *name, double most)
{
    const iv__named_tensor *expected = tensor_of(file, name);
    const float *y = iv_plan_output(plan, output);

    for (int64_t i = 0; i < iv_shape_count(&expected->shape); i++) {
        double wanted = number(expected->data, IV_F32, i);
        if (!(fabs((double)y[i] - wanted) <= most))
            fail_msg("%s, element %d: %.9g, and Keras has %.9g", name, (int)i, (double)y[i], wanted);
    }
}

#endif
