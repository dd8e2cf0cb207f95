/* ulp-differences RUN OTHER: how far two runs lie apart that should differ by rounding alone: that of the loss of their last
 * step, in units of its last place (ulp), and that of their weights: the largest, in ulp of the largest weight of the same
 * tensor, and how many of a thousand weights differ at all. Prints the three numbers; ends with 1 where the runs are not of
 * one kind. */
#include "base/file.h"
#include "format/safetensors.h"
#include "nn/params.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const iv_home *home, const char *what)
{
    fprintf(stderr, "ulp-differences: %s%s%s\n", what, home ? ": " : "",
            home ? iv_home_message(home) : "");
    return 1;
}

/* Of a f32, the distance to the next one. */
static double ulp_of(double x)
{
    const float size = (float)fabs(x);

    return (double)nextafterf(size, INFINITY) - (double)size;
}

static bool loss_of(iv_home *home, const char *run, double *loss)
{
    static const char key[] = "\"loss\": ";
    char path[4096];
    iv__view view;
    bool found = false;

    snprintf(path, sizeof path, "%s/metrics.jsonl", run);
    if (iv__view_open(home, path, &view))
        return false;
    char *text = calloc(view.size + 1, 1);
    for (char *at = text ? memcpy(text, view.data, view.size) : NULL; at && (at = strstr(at, key));) {
        at += sizeof key - 1;
        *loss = strtod(at, NULL);
        found = true;
    }
    free(text);
    iv__view_close(&view);
    return found;
}

typedef struct distance {
    double most; /* in ulp of the largest */
    int64_t differ, all;
} distance;

static void compare(const float *a, const float *b, int64_t n, distance *d)
{
    double largest = 0, most = 0;

    for (int64_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)a[i]));
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
        d->differ += memcmp(a + i, b + i, sizeof *a) != 0;
    }
    d->all += n;
    d->most = fmax(d->most, most / ulp_of(largest));
}

static bool is_weight(const iv__named_tensor *t)
{
    return t->dtype == IV_F32 && !iv__is_optimizers(t->name) && !iv__is_state(t->name);
}

/* Of the weights of two checkpoints. */
static bool compare_all(const iv__safetensors *one, const iv__safetensors *other, distance *d)
{
    int64_t n;
    const iv__named_tensor *list = iv__safetensors_list(one, &n);

    for (int64_t i = 0; i < n; i++) {
        if (!is_weight(&list[i]))
            continue;
        const iv__named_tensor *same = iv__safetensors_find(other, list[i].name);
        if (!same || !iv_shape_same(&same->shape, &list[i].shape) || same->dtype != IV_F32)
            return false;
        compare(list[i].data, same->data, iv_shape_count(&list[i].shape), d);
    }
    return d->all > 0;
}

int main(int argc, char **argv)
{
    iv_home *home = iv_home_new(NULL);
    iv__safetensors *file[2] = { NULL, NULL };
    double loss[2] = { 0, 0 };
    distance d = { 0 };
    char path[4096];

    if (argc != 3)
        return fail(NULL, "expected two runs");
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/last.safetensors", argv[1 + i]);
        if (!(file[i] = iv__safetensors_open(home, path)) || !loss_of(home, argv[1 + i], &loss[i]))
            return fail(home, argv[1 + i]);
    }
    if (!compare_all(file[0], file[1], &d))
        return fail(NULL, "the runs are not of one kind");
    printf("%.0f %.0f %.0f\n", fabs(loss[0] - loss[1]) / ulp_of(loss[0]), d.most,
           1000 * (double)d.differ / (double)d.all);
    iv__safetensors_close(file[0]);
    iv__safetensors_close(file[1]);
    iv_home_free(home);
    return 0;
}
