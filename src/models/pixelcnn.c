/* pixelcnn: pictures of a few grey levels, pixel by pixel, each from those before it in reading order.
 * Source: van den Oord et al. 2016, Pixel recurrent neural networks; Foster, Generative Deep Learning, 2nd
 * edition, chapter 5 (fashion); two stacks: van den Oord et al. 2016, Conditional image generation with
 * PixelCNN decoders. */
#include "models/common_pictures.h"

#include "base/home.h"
#include "base/math.h"
#include "graph/node.h"

#include <string.h>

typedef struct pixelcnn {
    int64_t size, levels, blocks, filters;
    int stacks, resize, crop;
    bool classes;
} pixelcnn;

enum { ONE_STACK, TWO_STACKS };

/* clang-format off */
static const iv_field pixelcnn_fields[] = {
    FIELD(pixelcnn, size,    INT,    "16",  4, 256,   "",          "pixels", "height and width of the pictures"),
    FIELD(pixelcnn, levels,  INT,    "4",   2, 256,   "",          "",       "grey levels"),
    FIELD(pixelcnn, stacks,  CHOICE, "one", 0, 0,     "one two",   "",       "one stack of masked layers, as in the chapter; two, gated, see all places before one's own"),
    FIELD(pixelcnn, blocks,  INT,    "5",   0, 100,   "",          "",       "residual blocks, or gated layers"),
    FIELD(pixelcnn, filters, INT,    "128", 2, 4096,  "",          "",       "filters of each layer; half of them within a block"),
    FIELD(pixelcnn, classes, BOOL,   "no",  0, 0,     "",          "",       "it is told the class of each picture, and can be asked for one"),
    FIELD(pixelcnn, resize,  CHOICE, "filtered", 0, 0, "bilinear filtered", "", "how pictures are made that size: bilinear reads four pixels, filtered all that a new one covers"),
    FIELD(pixelcnn, crop,    CHOICE, "centre", 0, 0, "centre stretch", "", "of a picture that is no square: the middle, or all of it"),
    FIELD_END,
};
/* clang-format on */

typedef struct pixelcnn_state {
    iv__gallery gallery;
} pixelcnn_state;

/* ---- graph ----------------------------------------------------------------------------------- */

/* What the network is told of each picture's class, as so many numbers added to every place. */
static iv_node *told(iv_scope *s, iv_node *x, iv_node *label, int64_t classes)
{
    if (!label)
        return x;
    iv_node *of_class = iv_embedding(s, label, .count = classes, .units = iv_node_dim(x, -1));
    return iv_add(x, iv_reshape(of_class, iv_dims(iv_node_dim(x, 0), 1, 1, iv_node_dim(x, -1))));
}

/* As the chapter has it; to the right above a place there are some that it does not see. */
static iv_node *one_stack(iv_scope *s, iv_node *pixels, iv_node *label, int64_t classes,
                          const pixelcnn *o)
{
    iv_node *x = iv_conv2d(s, pixels, .filters = o->filters, .kernel = { 7 }, .padding = IV_SAME,
                           .mask = IV_MASK_A);

    x = iv_relu(told(s, x, label, classes));
    for (int64_t i = 0; i < o->blocks; i++)
        x = iv_masked_residual(s, told(s, x, label, classes), .filters = o->filters / 2);
    return x;
}

/* Without such places. */
static iv_node *two_stacks(iv_scope *s, iv_node *pixels, iv_node *label, int64_t classes,
                           const pixelcnn *o)
{
    iv_node *condition = label ? iv_one_hot(label, classes) : NULL;
    iv_stacks x = iv_gated_stacks(s, ((iv_stacks){ pixels, pixels }), .filters = o->filters,
                                  .kernel = 7, .first = true, .condition = condition);

    for (int64_t i = 0; i < o->blocks; i++)
        x = iv_gated_stacks(s, x, .filters = o->filters, .condition = condition);
    return iv_relu(x.horizontal);
}

/* pixels [N,H,W,1] -> logits of each level [N,H,W,levels] */
static iv_node *logits(iv_scope *s, iv_node *pixels, iv_node *label, int64_t classes, const pixelcnn *o)
{
    iv_node *x = (o->stacks == TWO_STACKS ? two_stacks : one_stack)(s, pixels, label, classes, o);

    for (int i = 0; i < 2; i++)
        x = iv_conv2d(s, x, .filters = o->filters, .kernel = { 1 }, .mask = IV_MASK_B,
                      .activation = IV_RELU);
    return iv_conv2d(s, x, .filters = o->levels, .kernel = { 1 });
}

static int class_count(const iv__instance *instance)
{
    const pixelcnn_state *state = instance->state;
    const pixelcnn *o = instance->options;

    return !o->classes ? 0 : state->gallery.classes ? state->gallery.classes : 10;
}

static iv_status pixelcnn_build(void *self, iv__build *b)
{
    const iv__instance *instance = self;
    const pixelcnn *o = instance->options;
    const iv_dtype real = iv_graph_real(b->graph);
    iv_shape shape = iv_dims(b->batch, o->size, o->size, 1);
    iv_node *pixels = iv_input_raster(b->graph, IV__PICTURES_PIXELS, real, shape);
    iv_node *values = iv_input(b->graph, IV__PICTURES_VALUES, IV_I32, shape);
    iv_node *weight = iv_input(b->graph, IV__PICTURES_WEIGHT, real, iv_dims(b->batch));
    iv_node *label = o->classes ? iv_input(b->graph, IV__PICTURES_LABEL, IV_I32, iv_dims(b->batch))
                                : NULL;
    iv_node *y = logits(b->scope, pixels, label, class_count(instance), o);
    iv_node *each = iv_broadcast_to(iv_reshape(weight, iv_dims(b->batch, 1, 1)),
                                    iv_dims(b->batch, o->size, o->size));

    b->n_parts = 1;
    b->parts[0] = (iv__trained_part){
        .name = "",
        .changes = "",
        .loss = iv_cross_entropy(y, iv_reshape(values, iv_dims(b->batch, o->size, o->size)), each),
        .weight = iv_sum_all(each)
    };
    return iv_graph_status(b->graph);
}

/* ---- painting -------------------------------------------------------------------------------- */

static iv_node *palette_outputs(const iv__instance *instance, iv_scope *scope, iv_node *pixels,
                                iv_node *label)
{
    return logits(scope, pixels, label, class_count(instance), instance->options);
}

static float palette_reads(const iv__instance *instance, int64_t value)
{
    return (float)value / (float)((const pixelcnn *)instance->options)->levels;
}

static double palette_below(const iv__instance *instance, const float *logit, int64_t channel,
                            const unsigned char *before, int64_t k)
{
    const int64_t levels = ((const pixelcnn *)instance->options)->levels;
    double most = logit[0], sum = 0, part = 0;

    (void)channel, (void)before;
    for (int64_t i = 1; i < levels; i++)
        most = logit[i] > most ? logit[i] : most;
    for (int64_t i = 0; i < levels; i++) {
        sum += iv__exp_f64(logit[i] - most);
        part = i + 1 == k ? sum : part;
    }
    return k == levels ? 1 : part / sum;
}

static void pixelcnn_palette(const iv__instance *instance, iv__palette *palette)
{
    const pixelcnn *o = instance->options;
    const pixelcnn_state *state = instance->state;

    *palette = (iv__palette){ .height = o->size,
                              .width = o->size,
                              .channels = 1,
                              .levels = o->levels,
                              .step = 1,
                              .classes = class_count(instance),
                              .class_names = state->gallery.class_names,
                              .fit = { .height = o->size,
                                       .width = o->size,
                                       .channels = 1,
                                       .levels = o->levels,
                                       .resize = o->resize,
                                       .crop = o->crop },
                              .real = iv__gallery_real,
                              .outputs = palette_outputs,
                              .reads = palette_reads,
                              .below = palette_below };
}

/* ---- data ------------------------------------------------------------------------------------ */

static iv_status pixelcnn_open_data(iv__instance *instance, const iv__dataset *set, const char *data)
{
    pixelcnn_state *state = instance->state;
    iv__palette palette;

    pixelcnn_palette(instance, &palette);
    return iv__gallery_open(&state->gallery, instance, set, data,
                            ((const pixelcnn *)instance->options)->classes, &palette);
}

static iv_status pixelcnn_restore(iv__instance *instance, const iv__safetensors *file)
{
    pixelcnn_state *state = instance->state;

    return ((const pixelcnn *)instance->options)->classes
               ? iv__gallery_restore(&state->gallery, instance, file)
               : IV_OK;
}

static void pixelcnn_close(iv__instance *instance)
{
    iv__gallery_close(&((pixelcnn_state *)instance->state)->gallery);
}

static int pixelcnn_measures(const iv__instance *instance, iv__split split, double loss,
                             double weight, iv__measure measure[IV__MAX_MEASURES])
{
    const pixelcnn_state *state = instance->state;

    (void)weight;
    return iv__gallery_measures(&state->gallery, split, loss,
                                ((const pixelcnn *)instance->options)->levels, measure);
}

/* ---- systems --------------------------------------------------------------------------------- */

static const iv__system pixelcnn_systems[] = {
    { "fashion", "clothes in four grey levels, pixel by pixel", "fashion-mnist",
      "resize=bilinear rate=0.0005 batch=128 epochs=150 validation=0.05 test=0 patience=10",
      "validation=0 patience=0", NULL },
    { "pixelcnn", "pictures of your own in a few grey levels (--data FOLDER)", "pictures",
      "size=32 levels=8 rate=0.0005 batch=32 epochs=100 validation=0.1 test=0.1 patience=10", NULL,
      NULL },
    { .name = NULL },
};

const iv__model iv__model_pixelcnn = {
    .name = "pixelcnn",
    .says = "a PixelCNN over pictures of a few grey levels",
    .fields = pixelcnn_fields,
    .options_size = sizeof(pixelcnn),
    .state_size = sizeof(pixelcnn_state),
    .systems = pixelcnn_systems,
    .open_data = pixelcnn_open_data,
    .restore = pixelcnn_restore,
    .close = pixelcnn_close,
    .build = pixelcnn_build,
    .measures = pixelcnn_measures,
    .palette = pixelcnn_palette,
};
