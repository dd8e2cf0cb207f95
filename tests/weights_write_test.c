/* weights_write_test.c: weights written for other programs: by name, bit for bit, and nothing else. */
#define _XOPEN_SOURCE 700
#include "file_world.h"

#include "format/safetensors.h"
#include "train/checkpoint.h"

#include <ivory/nn.h>

static void fill(iv_tensor *tensor, uint32_t salt)
{
    uint32_t *word = tensor->data;

    for (int64_t i = 0; i < iv_shape_count(&tensor->shape); i++)
        word[i] = (uint32_t)i * 2654435761U + salt; /* any bits, NaN among them */
}

static void weights_come_back(void **state)
{
    world *w = *state;
    iv_params *params = iv_params_new(w->home, IV_F32, 1);
    static const char *const names[] = { "dense/kernel", "dense/bias", "optimizer/dense/kernel/m",
                                         "state/layer/h" };
    const char *path = in_folder(w, "w.safetensors");
    int64_t n;

    for (int i = 0; i < 4; i++)
        fill(iv_params_make(params, names[i], iv_dims(3, 5 + i)), (uint32_t)i);
    assert_int_equal(iv__weights_write(w->home, path, params), IV_OK);
    iv__safetensors *file = iv__safetensors_open(w->home, path);
    assert_non_null(file);
    iv__safetensors_list(file, &n);
    assert_int_equal(n, 2);
    for (int i = 0; i < 2; i++) {
        const iv_tensor *tensor = iv_params_find(params, names[i]);
        const iv__named_tensor *found = iv__safetensors_expect(file, names[i], IV_F32, &tensor->shape);
        assert_non_null(found);
        assert_memory_equal(found->data, tensor->data, found->bytes);
    }
    iv__safetensors_close(file);
    iv_params_free(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(weights_come_back) };

    return cmocka_run_group_tests(tests, world_begin, world_end);
}
