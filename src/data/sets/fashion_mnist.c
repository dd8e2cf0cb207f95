/* fashion_mnist.c: Fashion-MNIST: four IDX files in one folder. */

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/home.h"
#include "data/pictures.h"
#include "format/idx.h"

static const char *const classes[] = { "t-shirt", "trouser", "pullover", "dress", "coat",
                                       "sandal",  "shirt",   "sneaker",  "bag",   "boot" };
enum { CLASSES = sizeof classes / sizeof *classes };

/* The file beside `path` that has another name, plain or compressed. */
static iv__source *open_beside(iv_home *home, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    iv__text beside = { .home = home };

    iv__text_print(&beside, "%.*s%s", folder, path, name);
    if (!beside.failed && !iv__file_exists(beside.data))
        iv__text_put(&beside, ".gz");
    iv__source *source = beside.failed ? NULL : iv__source_open(home, beside.data);
    iv__text_free(&beside);
    return source;
}

static iv_status read_beside(iv_home *home, const char *path, const char *name, int axes, iv__idx *idx)
{
    iv__source *source = open_beside(home, path, name);
    iv_status status = source ? iv__idx_read(source, axes, idx) : iv_home_status(home);

    iv__source_close(source);
    return status;
}

static iv_status add_all(iv__pictures *p, const char *name, const iv__idx *images,
                         const iv__idx *labels, bool test)
{
    const int64_t n = images->size[0], each = images->size[1] * images->size[2];
    iv_home *home = iv__pictures_home(p);

    if (labels->size[0] != n)
        return iv_fail(home, IV_FORMAT, "%s: there are %lld pictures and %lld labels", name,
                       (long long)n, (long long)labels->size[0]);
    iv_status status = iv__pictures_expect(p, test, n);
    for (int64_t i = 0; i < n && !status; i++) {
        if (labels->bytes[i] >= CLASSES)
            return iv_fail(home, IV_FORMAT, "%s: label %lld is %d; expected 0 to %d", name,
                           (long long)i, labels->bytes[i], CLASSES - 1);
        status = iv__pictures_add(p, &(iv__picture){ .height = images->size[1],
                                                     .width = images->size[2],
                                                     .channels = 1,
                                                     .values = images->bytes + i * each,
                                                     .label = labels->bytes[i],
                                                     .test = test });
    }
    return status;
}

static iv_status read_split(iv__pictures *p, const char *path, const char *split, bool test)
{
    iv_home *home = iv__pictures_home(p);
    iv__idx images = { 0 }, labels = { 0 };
    char of_images[64], of_labels[64];

    snprintf(of_images, sizeof of_images, "%s-images-idx3-ubyte", split);
    snprintf(of_labels, sizeof of_labels, "%s-labels-idx1-ubyte", split);
    iv_status status = read_beside(home, path, of_images, 3, &images);
    if (!status)
        status = read_beside(home, path, of_labels, 1, &labels);
    if (!status)
        status = add_all(p, of_labels, &images, &labels, test);
    iv__idx_free(home, &images);
    iv__idx_free(home, &labels);
    return status;
}

static iv_status fashion_mnist_pictures(iv__pictures *p, const char *path)
{
    iv__pictures_name_classes(p, CLASSES, classes);
    iv_status status = read_split(p, path, "train", false);
    return status ? status : read_split(p, path, "t10k", true);
}

const iv_dataset iv_dataset_fashion_mnist = {
    .name = "fashion-mnist",
    .says = "70,000 grey pictures of clothes, 28 x 28, in ten classes",
    .licence = "MIT (c) 2017 Zalando SE",
    .home_page = "https://github.com/zalandoresearch/fashion-mnist",
    .download = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
    .sha256 = "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    .file = "fashion-mnist/train-images-idx3-ubyte",
    .pictures = fashion_mnist_pictures,
};
