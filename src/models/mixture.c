/* mixture: pictures of 256 levels, grey or in colour, pixel by pixel; each pixel is drawn from a mixture of
 * logistic distributions, and each of its colours from those before it.
 * Source: Salimans et al. 2017 (PixelCNN++), as TensorFlow Probability's PixelCNN has it; Foster, Generative
 * Deep Learning, 2nd edition, chapter 5 (fashion-mixture). */
#include "models/common_pictures.h"

#include "nn/logistic_mixture.h"

enum {
    LEVELS = 256,
    MOST_SIZES = 4,
    MOST_BLOCKS = 32,
    MOST_LAYERS = MOST_SIZES * (MOST_BLOCKS + 1)
};

typedef struct mixture {
    int64_t size, blocks, hierarchies, filters, above, beside, logistics;
    double dropout;
    int channels, resize, crop; /* places in their lists */
    bool weight_norm, classes;
} mixture;

/* clang-format off */
static const iv_field mixture_fields[] = {
    FIELD(mixture, size,        INT,  "32",  4, 256,  "", "pixels", "height and width of the pictures"),
    FIELD(mixture, channels,    CHOICE, "1", 0, 0,    "1 3", "",    "1: grey, 3: red, green, blue"),
    FIELD(mixture, hierarchies, INT,  "2",   1, MOST_SIZES, "", "",  "sizes at which the network looks, each half of the one before"),
    FIELD(mixture, blocks,      INT,  "1",   1, MOST_BLOCKS, "", "", "residual blocks of each size, on the way down"),
    FIELD(mixture, filters,     INT,  "32",  1, 4096, "", "",       "filters of each layer"),
    FIELD(mixture, above,       INT,  "2",   2, 16,   "", "pixels", "how far above a kernel reaches"),
    FIELD(mixture, beside,      INT,  "1",   1, 16,   "", "pixels", "how far to each side a kernel reaches"),
    FIELD(mixture, logistics,   INT,  "5",   1, 100,  "", "",       "logistic distributions of the mixture"),
    FIELD(mixture, dropout,     REAL, "0.3", 0, 0.9,  "", "",       "share of values within a block that are left out in training"),
    FIELD(mixture, weight_norm, BOOL, "yes", 0, 0,    "", "",       "filters have a length of their own, which the first batch sets"),
    FIELD(mixture, classes,     BOOL, "no",  0, 0,    "", "",       "it is told the class of each picture, and can be asked for one"),
    FIELD(mixture, resize,      CHOICE, "filtered", 0, 0, "bilinear filtered", "", "how pictures are made that size: bilinear reads four pixels, filtered all that a new one covers"),
    FIELD(mixture, crop,        CHOICE, "centre", 0, 0, "centre stretch", "", "of a picture that is no square: the middle, or all of it"),
    FIELD_END,
};
/* clang-format on */

typedef struct mixture_state {
    iv__gallery gallery;
} mixture_state;

/* ---- graph ----------------------------------------------------------------------------------- */

/* What a row above tells goes down the vertical stack; the horizontal one sees besides the pixels before in the
 * row. Kernels are kept to the rectangle that looks back. */
typedef struct network {
    iv_scope *scope;
    const mixture *o;
    iv_node *condition; /* [N,classes], or NULL */
    iv_kept down, along;
} network;

static iv_node *conv(const network *n, iv_node *x, const char *name, int64_t rows, int64_t columns,
                     int64_t stride, iv_kept kept)
{
    return iv_conv2d(n->scope, x, .name = name, .filters = n->o->filters,
                     .kernel = { rows, columns }, .stride = { stride, stride }, .padding = IV_SAME,
                     .kept = kept, .weight_norm = n->o->weight_norm);
}

static iv_node *conv_up(const network *n, iv_node *x, const char *name, int64_t rows,
                        int64_t columns, iv_kept kept)
{
    return iv_conv2d_transpose(n->scope, x, .name = name, .filters = n->o->filters,
                               .kernel = { rows, columns }, .stride = { 2, 2 }, .padding = IV_SAME,
                               .kept = kept, .weight_norm = n->o->weight_norm);
}

/* No pixel sees itself here: in all further layers it may see its own place. */
static iv_stacks first_layer(const network *n, iv_node *pixels)
{
    const int64_t above = n->o->above, beside = n->o->beside, wide = 2 * beside + 1;
    iv_node *vertical = conv(n, pixels, "first_vertical", 2 * above + 1, wide, 1,
                             (iv_kept){ .rows = { 0, above } });
    iv_node *row_above = conv(n, pixels, "first_above", 3, wide, 1, (iv_kept){ .rows = { 0, 1 } });
    iv_node *before = conv(n, pixels, "first_before", 3, wide, 1, (iv_kept){ { 0, 2 }, { 0, beside } });

    return (iv_stacks){ vertical, iv_add(row_above, before) };
}

/* skip: what the way down had here; none on the way down itself. */
static iv_stacks block(const network *n, iv_stacks x, iv_stacks skip)
{
    const int64_t wide = 2 * n->o->beside + 1;
    iv_stacks y;

    y.vertical = iv_gated_residual(n->scope, x.vertical, .kernel = { 2 * n->o->above - 1, wide },
                                   .kept = n->down, .beside = skip.vertical, .dropout = n->o->dropout,
                                   .condition = n->condition, .no_weight_norm = !n->o->weight_norm);
    iv_node *beside = skip.horizontal ? iv_concat(2, (iv_node *[]){ y.vertical, skip.horizontal }, -1)
                                      : y.vertical;
    y.horizontal = iv_gated_residual(n->scope, x.horizontal, .kernel = { 3, wide },
                                     .kept = n->along, .beside = beside, .dropout = n->o->dropout,
                                     .condition = n->condition, .no_weight_norm = !n->o->weight_norm);
    return y;
}

/* Half the size: a place is the last of four, and sees back from there. */
static iv_stacks smaller(const network *n, iv_stacks x)
{
    const int64_t above = n->o->above, beside = n->o->beside;

    return (iv_stacks){ conv(n, x.vertical, NULL, 2 * above, 2 * beside + 2, 2,
                             (iv_kept){ { 0, above }, { 0, 2 * beside + 1 } }),
                        conv(n, x.horizontal, NULL, 4, 2 * beside + 2, 2,
                             (iv_kept){ { 0, 2 }, { 0, beside + 1 } }) };
}

/* Twice the size: a place tells those of its four, which come after what it saw, and further ones. */
static iv_stacks larger(const network *n, iv_stacks x)
{
    const int64_t above = n->o->above, beside = n->o->beside;

    return (iv_stacks){ conv_up(n, x.vertical, NULL, 2 * above - 2, 2 * beside + 2,
                                (iv_kept){ { above - 2, 2 * above - 2 }, { 0, 2 * beside + 1 } }),
                        conv_up(n, x.horizontal, NULL, 2, 2 * beside,
                                (iv_kept){ { 0, 2 }, { beside - 1, 2 * beside } }) };
}

/* Each block of the way up reads the layer of the way down that it mirrors. */
static iv_node *u_network(const network *n, iv_node *pixels)
{
    const int64_t blocks = n->o->blocks, hierarchies = n->o->hierarchies;
    iv_stacks passed[MOST_LAYERS], x = passed[0] = first_layer(n, pixels);
    int64_t count = 1;

    for (int64_t level = 0; level < hierarchies; level++) {
        for (int64_t i = 0; i < blocks; i++)
            x = passed[count++] = block(n, x, (iv_stacks){ NULL, NULL });
        if (level < hierarchies - 1)
            x = passed[count++] = smaller(n, x);
    }
    count--; /* that is where the way up begins */
    for (int64_t level = 0; level < hierarchies; level++) {
        for (int64_t i = 0; i < blocks + (level > 0); i++)
            x = block(n, x, passed[--count]);
        if (level < hierarchies - 1)
            x = larger(n, x);
    }
    return x.horizontal;
}

static int64_t channels_of(const mixture *o)
{
    return o->channels ? 3 : 1;
}

static iv_logistic_mixture_options logistics_of(const mixture *o)
{
    return (iv_logistic_mixture_options){ .size = sizeof(iv_logistic_mixture_options),
                                          .components = o->logistics,
                                          .channels = channels_of(o),
                                          .levels = LEVELS };
}

static int class_count(const iv__instance *instance)
{
    const mixture_state *state = instance->state;
    const mixture *o = instance->options;

    return !o->classes ? 0 : state->gallery.classes ? state->gallery.classes : 10;
}

/* pixels [N,H,W,C] -> what each pixel's mixture is made of, [N,H,W,P] */
static iv_node *parameters(const iv__instance *instance, iv_scope *s, iv_node *pixels, iv_node *label)
{
    const mixture *o = instance->options;
    const iv_logistic_mixture_options mix = logistics_of(o);
    const network n = { .scope = s,
                        .o = o,
                        .condition = label ? iv_one_hot(label, class_count(instance)) : NULL,
                        .down = { .rows = { 0, o->above } },
                        .along = { { 0, 2 }, { 0, o->beside + 1 } } };
    iv_node *x = u_network(&n, pixels);

    return iv_dense(s, iv_elu(x), .name = "logistics",
                    .units = iv_logistic_mixture_parameters(&mix), .weight_norm = o->weight_norm);
}

/* A side is halved for each size but the first. */
static int64_t step_of(const mixture *o)
{
    return (int64_t)1 << (o->hierarchies - 1);
}

static iv_status check(const iv__instance *instance)
{
    const mixture *o = instance->options;
    const int64_t step = step_of(o);

    return o->size % step == 0
               ? IV_OK
               : iv_fail(instance->home, IV_VALUE,
                         "with --hierarchies %lld the --size must be a multiple of %lld; it is %lld",
                         (long long)o->hierarchies, (long long)step, (long long)o->size);
}

/* The loss is in nats a value; the book's is in nats a picture. Adam's steps do not depend on such a factor, but for
 * its epsilon. */
static iv_status mixture_build(void *self, iv__build *b)
{
    const iv__instance *instance = self;
    const mixture *o = instance->options;
    const iv_logistic_mixture_options mix = logistics_of(o);
    const iv_shape shape = iv_dims(b->batch, o->size, o->size, mix.channels);
    const double values_of_each = (double)(o->size * o->size * mix.channels);
    const iv_dtype real = iv_graph_real(b->graph);

    if (check(instance))
        return iv_home_status(instance->home);
    iv_node *pixels = iv_input_raster(b->graph, IV__PICTURES_PIXELS, real, shape);
    iv_node *values = iv_input(b->graph, IV__PICTURES_VALUES, IV_I32, shape);
    iv_node *weight = iv_input(b->graph, IV__PICTURES_WEIGHT, real, iv_dims(b->batch));
    iv_node *label = o->classes ? iv_input(b->graph, IV__PICTURES_LABEL, IV_I32, iv_dims(b->batch))
                                : NULL;
    iv_node *likelihood = iv_logistic_mixture_with(parameters(instance, b->scope, pixels, label),
                                                   values, &mix);
    iv_node *all = iv_sum_all(weight);

    b->n_parts = 1;
    b->parts[0] = (iv__trained_part){
        .name = "",
        .changes = "",
        .loss = iv_scale(iv_div(iv_sum_all(iv_mul(likelihood, weight)), all), -1 / values_of_each),
        .weight = all
    };
    return iv_graph_status(b->graph);
}

/* ---- painting -------------------------------------------------------------------------------- */

static float palette_reads(const iv__instance *instance, int64_t value)
{
    (void)instance;
    return (float)(2 * (double)value / (LEVELS - 1) - 1);
}

static double palette_below(const iv__instance *instance, const float *outputs, int64_t channel,
                            const unsigned char *before, int64_t k)
{
    const iv_logistic_mixture_options mix = logistics_of(instance->options);
    int32_t levels[3] = { 0 };

    for (int64_t c = 0; c < channel; c++)
        levels[c] = before[c];
    return iv__logistic_mixture_below(&mix, outputs, channel, levels, k);
}

static void mixture_palette(const iv__instance *instance, iv__palette *palette)
{
    const mixture *o = instance->options;
    const mixture_state *state = instance->state;

    *palette = (iv__palette){ .height = o->size,
                              .width = o->size,
                              .channels = channels_of(o),
                              .levels = LEVELS,
                              .step = step_of(o),
                              .classes = class_count(instance),
                              .class_names = state->gallery.class_names,
                              .fit = { .height = o->size,
                                       .width = o->size,
                                       .channels = channels_of(o),
                                       .levels = LEVELS,
                                       .resize = o->resize,
                                       .crop = o->crop },
                              .real = iv__gallery_real,
                              .outputs = parameters,
                              .reads = palette_reads,
                              .below = palette_below };
}

/* ---- data ------------------------------------------------------------------------------------ */

static iv_status mixture_open_data(iv__instance *instance, const iv__dataset *set, const char *data)
{
    const mixture *o = instance->options;
    mixture_state *state = instance->state;
    iv__palette palette;

    if (check(instance))
        return iv_home_status(instance->home);
    mixture_palette(instance, &palette);
    instance->trainee.first_values = o->weight_norm;
    return iv__gallery_open(&state->gallery, instance, set, data, o->classes, &palette);
}

static iv_status mixture_restore(iv__instance *instance, const iv__safetensors *file)
{
    mixture_state *state = instance->state;

    return ((const mixture *)instance->options)->classes
               ? iv__gallery_restore(&state->gallery, instance, file)
               : IV_OK;
}

static void mixture_close(iv__instance *instance)
{
    iv__gallery_close(&((mixture_state *)instance->state)->gallery);
}

static int mixture_measures(const iv__instance *instance, iv__split split, double loss,
                            double weight, iv__measure measure[IV__MAX_MEASURES])
{
    const mixture_state *state = instance->state;

    (void)weight;
    return iv__gallery_measures(&state->gallery, split, loss, LEVELS, measure);
}

/* ---- systems --------------------------------------------------------------------------------- */

/* As printed: all pictures to train with, and the last weights. Of the book's faults two are left out: levels that
 * are not whole, for which the likelihood is none, and a network that sees ahead until its first update. */
static const iv__system mixture_systems[] = {
    { "fashion-mixture", "clothes in 256 grey levels, pixel by pixel", "fashion-mnist",
      "resize=bilinear batch=128 epochs=10 average=0.999 validation=0.05 test=0",
      "average=0 validation=0", NULL },
    { "cifar",
      "animals and vehicles in colour (with --data cifar-10-small no figure stands beside a published one)",
      "cifar-10",
      "channels=3 hierarchies=3 filters=48 logistics=10 batch=64 epochs=30 average=0.999 validation=0.05 test=0 "
      "patience=5",
      NULL, NULL },
    { "pictures", "pictures of your own in colour (--data FOLDER)", "pictures",
      "channels=3 hierarchies=3 filters=48 logistics=10 batch=32 epochs=100 average=0.999 validation=0.1 test=0.1 "
      "patience=10",
      NULL, NULL },
    { .name = NULL },
};

const iv__model iv__model_mixture = {
    .name = "mixture",
    .says = "a PixelCNN++ over pictures of 256 levels, grey or in colour",
    .fields = mixture_fields,
    .options_size = sizeof(mixture),
    .state_size = sizeof(mixture_state),
    .systems = mixture_systems,
    .open_data = mixture_open_data,
    .restore = mixture_restore,
    .close = mixture_close,
    .build = mixture_build,
    .measures = mixture_measures,
    .palette = mixture_palette,
};
