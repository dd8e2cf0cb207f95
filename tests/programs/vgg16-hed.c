/* vgg16-hed WEIGHTS REFERENCE: the thirteen convolutions of VGG16 with an edge detector on them, weights of Keras 3.
 * The picture is photos/chelsea.png of the data sets: two folders above that of REFERENCE, or in $IVORY_DATA.
 * Source: Simonyan & Zisserman 2015; Xie & Tu 2015, Holistically-nested edge detection. */
#include "pretrained.h"

#include "format/image.h"

#include <libgen.h>
#include <unistd.h>

enum { SIDE = 64, TOP = 60, LEFT = 150, BLOCKS = 5, CONVS = 13 };

static const int convs_of[BLOCKS] = { 2, 2, 3, 3, 3 };

/* Blue, green and red less their means over the pictures it has learnt from. */
static void give_crop(const world *w, const char *reference)
{
    static const float means[3] = { 104.00699f, 116.66877f, 122.67892f };
    char copy[4096], path[5000];
    float values[SIDE][SIDE][3];
    iv__image cat;

    snprintf(copy, sizeof copy, "%s", reference);
    snprintf(path, sizeof path, "%s/../../photos/chelsea.png", dirname(copy));
    if (access(path, R_OK) && getenv("IVORY_DATA"))
        snprintf(path, sizeof path, "%s/photos/chelsea.png", getenv("IVORY_DATA"));
    must(w, !iv__image_read(w->home, path, &cat) && !iv__image_convert(w->home, &cat, 3, 8, NULL));
    if (cat.height < TOP + SIDE || cat.width < LEFT + SIDE) {
        iv_fail(w->home, IV_SHAPE, "%s: the picture is too small", path);
        stop(w);
    }
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                const uint8_t *pixel = (const uint8_t *)cat.pixels +
                                       ((y + TOP) * cat.width + x + LEFT) * 3;
                values[y][x][c] = (float)pixel[2 - c] - means[c];
            }
    iv__image_free(w->home, &cat);
    give(w, "x", &values[0][0][0], SIDE * SIDE * 3);
}

/* Compares the outputs that the reference has: of layers all numbers or their mean. */
static void compare_all(world *w, const iv_weights *reference, int n, iv_node *const out[],
                        char names[][32])
{
    for (int64_t i = 0; i < iv_weights_count(reference); i++) {
        const char *name = iv_weights_of(reference, i)->name;
        const bool mean = !strncmp(name, "mean_", 5);
        int k = 0;
        while (k < n && strcmp(name + (mean ? 5 : 0), names[k]))
            k++;
        if (k == n) {
            iv_fail(w->home, IV_NAME, "the reference has '%s', which is no output of the network", name);
            stop(w);
        }
        if (!mean) {
            compare_array(w, reference, name, k, out[k], 1e-4);
            continue;
        }
        const float *values = iv_plan_output(w->plan, k);
        const int64_t count = iv_shape_count(iv_node_shape(out[k]));
        double sum = 0;
        for (int64_t j = 0; j < count; j++)
            sum += (double)values[j];
        iv_tensor *wanted = iv_weights_read(reference, i, IV_F64);
        must(w, wanted && iv_shape_count(&wanted->shape) == 1);
        compare(w, name, (const float[]){ (float)(sum / (double)count) }, wanted->data, 1, 1e-4);
        iv_tensor_free(wanted);
    }
}

int main(int argc, char **argv)
{
    world w = world_begin(argc, 2, 2, "vgg16-hed WEIGHTS REFERENCE");
    iv_node *x = iv_input(w.graph, "x", IV_F32, iv_dims(1, SIDE, SIDE, 3)), *out[CONVS + 1],
            *side[BLOCKS];
    char names[CONVS + 1][32], name[32];
    int n = 0;

    for (int block = 0; block < BLOCKS; block++) {
        x = block ? iv_max_pool(x, .window = { 2, 2 }) : x;
        for (int conv = 1; conv <= convs_of[block]; conv++, n++) {
            snprintf(names[n], sizeof names[n], "block%d_conv%d", block + 1, conv);
            x = iv_conv2d(w.scope, x, .name = names[n], .filters = block < 3 ? 64 << block : 512,
                          .kernel = { 3 }, .padding = IV_SAME, .activation = IV_RELU);
            out[n] = x;
        }
        snprintf(name, sizeof name, "dsn%d", block + 1);
        side[block] = iv_conv2d(w.scope, x, .name = name, .filters = 1, .kernel = { 1 });
        if (block)
            side[block] = iv_resize(side[block], iv_dims(SIDE, SIDE));
    }
    out[n] = iv_conv2d(w.scope, iv_concat(BLOCKS, side, -1), .name = "fuse", .filters = 1,
                       .kernel = { 1 }, .activation = IV_SIGMOID);
    snprintf(names[n], sizeof names[n], "edges");
    plan_of(&w, n + 1, out);
    load(&w, argv[1]);
    iv_weights *reference = open_weights(&w, argv[2]);
    give_crop(&w, argv[2]);
    run(&w);
    compare_all(&w, reference, n + 1, out, names);
    iv_weights_free(reference);
    return world_end(&w);
}
