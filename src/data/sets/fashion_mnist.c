/* fashion_mnist.c: Fashion-MNIST: small grey pictures of clothes of ten classes, in four IDX files. */
#include "data/pictures_parts.h"

static const char *const beside[] = { "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                      "t10k-labels-idx1-ubyte", NULL };

static const char *const classes[] = { "T-shirt/top", "trouser", "pullover", "dress", "coat",
                                       "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot" };

static iv_status fashion_mnist_pictures(iv__pictures *pictures, const char *path)
{
    iv_home *home = pictures->home;
    iv__text file[3] = { { .home = home }, { .home = home }, { .home = home } };
    iv_status status = IV_OK;

    pictures->class_names = classes;
    pictures->classes = (int)(sizeof classes / sizeof *classes);
    for (int i = 0; i < 3 && !status; i++)
        status = iv__dataset_beside(home, path, beside[i], &file[i]);
    if (!status)
        status = iv__pictures_add_idx(pictures, false, path, file[0].data);
    if (!status)
        status = iv__pictures_add_idx(pictures, true, file[1].data, file[2].data);
    for (int i = 0; i < 3; i++)
        iv__text_free(&file[i]);
    return status;
}

const iv__dataset iv__dataset_fashion_mnist = {
    .name = "fashion-mnist",
    .says = "small grey pictures of clothes, 60,000 to train with and 10,000 for tests, in ten classes",
    .licence = "MIT (c) 2017 Zalando SE",
    .home_page = "https://github.com/zalandoresearch/fashion-mnist",
    .download = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    .sha256 = "6ced034d5318fae9dd7ad77d858a4640498b3ee6a58608f7326cb981ff6df88a",
    .file = "fashion-mnist/train-images-idx3-ubyte",
    .beside = beside,
    .pictures = fashion_mnist_pictures,
};
