/* checkpoint.c: writing and reading checkpoints. */
#include "train/checkpoint.h"

#include "base/arena.h"
#include "base/home.h"
#include "base/text.h"
#include "nn/params.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_weight(const char *name)
{
    return !iv__is_optimizers(name) && !iv__is_state(name);
}

/* Numbers of progress as one text: whole numbers, and the bits of doubles in hexadecimal, so
 * that none is lost. */
static void print_progress(const iv__progress *p, iv__text *text)
{
    const double real[] = { p->epoch_loss, p->epoch_weight, p->first_loss, p->best };
    uint64_t bits;

    iv__text_print(text, "%" PRId64 " %" PRId64, p->step, p->updates);
    for (int i = 0; i < 4; i++) {
        memcpy(&bits, &real[i], sizeof bits);
        iv__text_print(text, " %016" PRIx64, bits);
    }
    iv__text_print(text, " %" PRId64 " %" PRId64 " %" PRId64, p->best_epoch, p->lowered, p->finished);
}

static bool read_progress(const char *text, iv__progress *p)
{
    int64_t *const whole[] = { &p->step, &p->updates, &p->best_epoch, &p->lowered, &p->finished };
    double *const real[] = { &p->epoch_loss, &p->epoch_weight, &p->first_loss, &p->best };
    char *end = (char *)(uintptr_t)text;

    for (int i = 0; i < 9; i++) {
        const char *from = end;
        if (i >= 2 && i < 6) {
            uint64_t bits = strtoull(from, &end, 16);
            memcpy(real[i - 2], &bits, sizeof bits);
        } else {
            *whole[i < 2 ? i : i - 4] = strtoll(from, &end, 10);
        }
        if (end == from)
            return false;
    }
    return *end == 0 && p->step >= 0 && p->updates >= 0 && p->best_epoch >= 0 && p->lowered >= 0;
}

/* The weights, or all there is; returns how many. */
static int list_tensors(const iv_params *params, bool whole, iv__named_tensor *tensors)
{
    int n = 0;

    for (int i = 0; i < iv_params_count(params); i++) {
        const iv_tensor *tensor = iv_params_tensor(params, i);
        const char *name = iv_params_name(params, i);
        if (whole || is_weight(name))
            tensors[n++] = (iv__named_tensor){
                .name = name, .dtype = tensor->dtype, .shape = tensor->shape, .data = tensor->data
            };
    }
    return n;
}

iv_status iv__checkpoint_write(iv_home *home, const char *path, const iv_params *params,
                               const iv__trainee *trainee, const iv__progress *progress, bool whole)
{
    iv__named_tensor *tensors = iv__alloc_array(home, iv_params_count(params) + trainee->n_kept + 1,
                                                sizeof *tensors);
    iv__pair *pairs = iv__alloc_array(home, trainee->n_pairs + 1, sizeof *pairs);
    iv__text text = { .home = home };

    print_progress(progress, &text);
    iv_status status = tensors && pairs && !text.failed ? IV_OK : IV_NOMEM;
    if (!status) {
        int n = list_tensors(params, whole, tensors);
        for (int i = 0; i < trainee->n_kept; i++)
            tensors[n++] = trainee->kept[i];
        for (int i = 0; i < trainee->n_pairs; i++)
            pairs[i] = trainee->pairs[i];
        pairs[trainee->n_pairs] = (iv__pair){ "ivory.progress", text.data };
        status = iv__safetensors_write(home, path, n, tensors, trainee->n_pairs + 1, pairs);
    }
    iv__text_free(&text);
    iv__free(home, tensors);
    iv__free(home, pairs);
    return status;
}

iv_status iv__weights_write(iv_home *home, const char *path, const iv_params *params)
{
    iv__named_tensor *tensors = iv__alloc_array(home, iv_params_count(params) + 1, sizeof *tensors);
    iv_status status = IV_NOMEM;

    if (tensors)
        status = iv__safetensors_write(home, path, list_tensors(params, false, tensors), tensors, 0,
                                       NULL);
    iv__free(home, tensors);
    return status;
}

/* Each is looked for among those that are there already: of more than a model can have that would take too long. */
static iv_status load_optimizers(iv_params *params, const iv__safetensors *file)
{
    enum { MOST = 1 << 14 };
    int64_t n, kept = 0;
    const iv__named_tensor *list = iv__safetensors_list(file, &n);

    for (int64_t i = 0; i < n; i++) {
        if (!iv__is_optimizers(list[i].name))
            continue;
        if (++kept > MOST)
            return iv_fail(iv_params_home(params), IV_FORMAT,
                           "the checkpoint has more than %d tensors of an optimizer: it is none of Ivory's",
                           MOST);
        iv_tensor *tensor = iv_params_make(params, list[i].name, list[i].shape);
        const iv__named_tensor *found = tensor ? iv__safetensors_expect(file, list[i].name,
                                                                        tensor->dtype, &tensor->shape)
                                               : NULL;
        if (!found)
            return iv_home_status(iv_params_home(params));
        memcpy(tensor->data, found->data, found->bytes);
    }
    return IV_OK;
}

iv_status iv__checkpoint_load(iv_params *params, const iv__safetensors *file, iv__progress *progress)
{
    iv_home *home = iv_params_home(params);

    for (int i = 0; i < iv_params_count(params); i++) {
        iv_tensor *tensor = iv_params_tensor(params, i);
        const char *name = iv_params_name(params, i);
        bool absent = iv__is_state(name) && !iv__safetensors_find(file, name);
        if (iv__is_optimizers(name) || absent) {
            memset(tensor->data, 0, (size_t)iv_tensor_bytes(tensor));
            continue;
        }
        const iv__named_tensor *found = iv__safetensors_expect(file, name, tensor->dtype,
                                                               &tensor->shape);
        if (!found)
            return iv_home_status(home);
        memcpy(tensor->data, found->data, found->bytes);
    }
    iv_params_changed(params);
    if (!progress)
        return IV_OK;
    const char *text = iv__safetensors_metadata(file, "ivory.progress");
    if (!text || !read_progress(text, progress))
        return iv_fail(home, IV_FORMAT,
                       "the checkpoint does not say where training was (ivory.progress)");
    return load_optimizers(params, file);
}

iv_status iv__checkpoint_sha256(iv_home *home, const iv__safetensors *file, char hex[65])
{
    int64_t n, kept = 0;
    const iv__named_tensor *list = iv__safetensors_list(file, &n);
    iv__named_tensor *weights = iv__alloc_array(home, n, sizeof *weights);

    if (!weights)
        return IV_NOMEM;
    for (int64_t i = 0; i < n; i++)
        if (is_weight(list[i].name) && list[i].dtype != IV_U8)
            weights[kept++] = list[i];
    iv_status status = iv__weights_sha256(home, kept, weights, "", hex);
    iv__free(home, weights);
    return status;
}
