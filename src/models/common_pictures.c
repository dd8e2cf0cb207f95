/* common_pictures.c: pictures as training records. */
#include "models/common_pictures.h"

#include "base/home.h"
#include "models/common_split.h"

#include <math.h>
#include <string.h>

static const char classes_name[] = "classes";

/* ---- records --------------------------------------------------------------------------------- */

static int64_t pixel_count(const iv__gallery *g)
{
    return iv__pictures_height(g->pictures) * iv__pictures_width(g->pictures) *
           iv__pictures_channels(g->pictures);
}

/* [H,W,C] */
static const unsigned char *picture_at(const iv__gallery *g, iv__split s, int64_t i)
{
    return iv__pictures_at(g->pictures, s == SPLIT_TEST && g->own_test, g->records[s][i]);
}

const unsigned char *iv__gallery_real(const iv__instance *instance, int64_t i)
{
    const iv__gallery *g = instance->state;

    return g->pictures && i < g->n[SPLIT_TRAIN] ? picture_at(g, SPLIT_TRAIN, i) : NULL;
}

static iv_status fill(const void *self, iv__batch *batch, const iv__rows *rows)
{
    /* the gallery is the first member of the state of every model that has one */
    const iv__gallery *g = ((const iv__instance *)self)->state;
    const int64_t count = pixel_count(g);
    float *pixels = iv__batch_input(batch, IV__PICTURES_PIXELS),
          *weight = iv__batch_input(batch, IV__PICTURES_WEIGHT);
    int32_t *values = iv__batch_input(batch, IV__PICTURES_VALUES),
            *label = iv__batch_input(batch, IV__PICTURES_LABEL);

    for (int64_t r = 0; r < rows->room; r++) {
        const bool there = r < rows->n && rows->record[r] >= 0;
        const unsigned char *from = there ? picture_at(g, rows->split, rows->record[r]) : NULL;

        if (weight)
            weight[r] = there;
        for (int64_t i = 0; pixels && i < count; i++)
            pixels[r * count + i] = from ? g->reads[from[i]] : 0;
        for (int64_t i = 0; values && i < count; i++)
            values[r * count + i] = from ? from[i] : 0;
        if (label)
            label[r] = there ? iv__pictures_label(g->pictures, rows->split == SPLIT_TEST && g->own_test,
                                                  g->records[rows->split][rows->record[r]])
                             : 0;
    }
    return IV_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The data set's own test pictures, where it has some; the rest by number. */
static iv_status split(iv__gallery *g, const iv__settings *settings)
{
    iv__settings shares = *settings;
    const int64_t all = iv__pictures_count(g->pictures, false),
                  test = iv__pictures_count(g->pictures, true);

    g->own_test = test > 0;
    if (g->own_test)
        shares.test = 0;
    for (int s = 0; s < SPLITS; s++) {
        g->records[s] = iv__alloc_array(g->home, (s == SPLIT_TEST && g->own_test ? test : all) + 1,
                                        sizeof(int32_t));
        if (!g->records[s])
            return IV_NOMEM;
    }
    for (int64_t i = 0; i < all; i++) {
        iv__split s = iv__split_of(&shares, i);
        g->records[s][g->n[s]++] = (int32_t)i;
    }
    for (int64_t i = 0; i < test; i++)
        g->records[SPLIT_TEST][g->n[SPLIT_TEST]++] = (int32_t)i;
    return IV_OK;
}

/* The names go into saved files: a model is asked for a class by name. */
static iv_status keep_classes(iv__gallery *g, iv__instance *instance)
{
    iv__text text = { .home = g->home };

    g->classes = iv__pictures_classes(g->pictures, &g->class_names);
    if (!g->classes)
        return iv_fail(g->home, IV_VALUE, "the pictures of %s have no classes: leave --classes out",
                       instance->data);
    for (int i = 0; i < g->classes; i++)
        iv__text_add(&text, g->class_names[i], strlen(g->class_names[i]) + 1);
    char *bytes = text.failed ? NULL : iv__arena_get(&instance->arena, text.size);
    if (bytes)
        memcpy(bytes, text.data, text.size);
    g->kept = (iv__named_tensor){
        .name = classes_name, .dtype = IV_U8, .shape = iv_dims((int64_t)text.size), .data = bytes
    };
    instance->trainee.kept = &g->kept;
    instance->trainee.n_kept = 1;
    iv__text_free(&text);
    return bytes ? IV_OK : IV_NOMEM;
}

iv_status iv__gallery_open(iv__gallery *g, iv__instance *instance, const iv__dataset *set,
                           const char *data, bool classes, const iv__palette *palette)
{
    iv_home *home = g->home = instance->home;
    iv__text path = { .home = home }, report = { .home = home };
    char *sha256 = iv__arena_get(&instance->arena, 65);
    iv_status status = sha256 ? iv__dataset_locate(home, set, data, &path) : IV_NOMEM;

    if (!status)
        status = iv__dataset_sha256(home, set, path.data ? path.data : "", sha256);
    if (!status) {
        g->pictures = iv__pictures_open(home, set, path.data ? path.data : "", &palette->fit);
        status = g->pictures ? IV_OK : iv_home_status(home);
    }
    iv__text_free(&path);
    if (!status)
        status = split(g, &instance->training);
    if (!status && classes)
        status = keep_classes(g, instance);
    if (status)
        return status;
    for (int64_t v = 0; v < palette->levels; v++)
        g->reads[v] = palette->reads(instance, v);
    iv__pictures_report(g->pictures, &report);
    const char *kept = report.failed ? NULL : iv__arena_text(&instance->arena, report.data);
    iv__text_free(&report);
    if (!kept)
        return IV_NOMEM;
    instance->data_sha256 = sha256;
    instance->data_report = kept;
    instance->trainee.fill = fill;
    for (int s = 0; s < SPLITS; s++)
        instance->trainee.n_records[s] = g->n[s];
    return IV_OK;
}

iv_status iv__gallery_restore(iv__gallery *g, iv__instance *instance, const iv__safetensors *file)
{
    const iv__named_tensor *tensor = iv__safetensors_find(file, classes_name);
    const char *bytes = tensor ? tensor->data : NULL;

    g->home = instance->home;
    if (!tensor || tensor->dtype != IV_U8 || !tensor->bytes || bytes[tensor->bytes - 1])
        return iv_fail(instance->home, IV_FORMAT, "the model file holds no names of classes");
    for (size_t i = 0; i < tensor->bytes; i++)
        g->classes += bytes[i] == 0;
    const char **names = iv__arena_get(&instance->arena, (size_t)g->classes * sizeof *names);
    char *copy = iv__arena_get(&instance->arena, tensor->bytes);
    if (!names || !copy)
        return IV_NOMEM;
    memcpy(copy, bytes, tensor->bytes);
    for (int i = 0; i < g->classes; i++, copy += strlen(copy) + 1)
        names[i] = copy;
    g->class_names = names;
    return IV_OK;
}

void iv__gallery_close(iv__gallery *g)
{
    iv__pictures_free(g->pictures);
    for (int s = 0; g->home && s < SPLITS; s++)
        iv__free(g->home, g->records[s]);
}

/* ---- measures -------------------------------------------------------------------------------- */

/* Every value was seen once before. */
static double histogram_bits(const iv__gallery *g, iv__split s, int64_t levels)
{
    const int64_t count = pixel_count(g);
    int32_t *seen = iv__alloc_array(g->home, count * levels, sizeof *seen);
    double bits = 0;

    for (int64_t i = 0; seen && i < g->n[SPLIT_TRAIN]; i++) {
        const unsigned char *from = picture_at(g, SPLIT_TRAIN, i);
        for (int64_t k = 0; k < count; k++)
            seen[k * levels + from[k]]++;
    }
    for (int64_t i = 0; seen && i < g->n[s]; i++) {
        const unsigned char *from = picture_at(g, s, i);
        for (int64_t k = 0; k < count; k++)
            bits -= log2((seen[k * levels + from[k]] + 1.0) / (double)(g->n[SPLIT_TRAIN] + levels));
    }
    iv__free(g->home, seen);
    return seen && g->n[s] ? bits / (double)(g->n[s] * count) : NAN;
}

int iv__gallery_measures(const iv__gallery *g, iv__split s, double loss, int64_t levels,
                         iv__measure measure[IV__MAX_MEASURES])
{
    measure[0] = (iv__measure){ "bits per dimension", loss / log(2) };
    measure[1] = (iv__measure){ "nats per picture", loss * (double)pixel_count(g) };
    measure[2] = (iv__measure){ "histogram's bits per dimension", histogram_bits(g, s, levels) };
    return 3;
}
