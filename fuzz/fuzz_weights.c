/* fuzz_weights.c: any bytes as a file of weights (all but HDF5, which is read in another program): all that it lists can
 * be read or says why not, and what is matched changes parameters or leaves them all as they were. */
#define _GNU_SOURCE
#include "fuzz_world.h"

#include <ivory/weights.h>

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static iv_params *small_network(iv_home *home)
{
    static const struct {
        const char *name;
        iv_shape shape;
    } parameters[] = {
        { "lstm/kernel", { 2, { 2, 4 } } }, { "lstm/recurrent_kernel", { 2, { 1, 4 } } },
        { "lstm/bias", { 1, { 4 } } },      { "dense/kernel", { 2, { 1, 2 } } },
        { "dense/bias", { 1, { 2 } } },     { "norm/moving_mean", { 1, { 2 } } },
        { "norm/gamma", { 1, { 2 } } },     { "optimizer/dense/bias/m", { 1, { 2 } } },
    };
    iv_params *params = iv_params_new_empty(home, IV_F32);

    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        must(iv_params_make(params, parameters[i].name, parameters[i].shape) != NULL);
    return params;
}

static void load(const iv_weights *weights, iv_params *params, iv_weights_order order, bool partial)
{
    const iv_tensor *bias = iv_params_find(params, "dense/bias"),
                    *kept = iv_params_find(params, "optimizer/dense/bias/m");
    float before[2];

    memcpy(before, bias->data, sizeof before);
    if (iv_weights_load(weights, params, .match = order, .partial = partial, .not_finite = partial))
        must(!memcmp(before, bias->data, sizeof before));
    must(((const float *)kept->data)[0] == 0);
}

static bool read_file(iv_home *home, const char *path)
{
    iv_weights *weights = iv_weights_open(home, path);
    iv_params *params = weights ? small_network(home) : NULL;
    const bool good = weights;

    for (int64_t i = 0; good && i < iv_weights_count(weights); i++) {
        const iv_weight *weight = iv_weights_of(weights, i);
        must(weight->name && weight->layer && weight->part && weight->kind);
        iv_tensor_free(iv_weights_read(weights, i, 0));
    }
    for (int i = 0; good && i < 6; i++)
        load(weights, params, (iv_weights_order)(i / 2), i % 2);
    iv_params_free(params);
    iv_weights_free(weights);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    char path[64];
    const int file = memfd_create("weights", 0);

    must(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const bool good = read_file(home, path);
    close(file);
    return fuzz_end(home, !good);
}
