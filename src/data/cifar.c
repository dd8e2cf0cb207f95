/* cifar.c: the pictures of files in CIFAR-10's layout. */
#include "data/cifar.h"

#include "base/home.h"
#include "format/cifar.h"

static const char *const classes[] = { "airplane", "automobile", "bird",  "cat",  "deer",
                                       "dog",      "frog",       "horse", "ship", "truck" };

iv_status iv__pictures_add_cifar(iv__pictures *p, bool test, const char *path)
{
    unsigned char bytes[IV__CIFAR_PICTURE];
    const iv__found found = {
        .height = IV__CIFAR_SIDE, .width = IV__CIFAR_SIDE, .channels = 3, .bytes = bytes
    };
    iv__source *source = iv__source_open(p->home, path);
    bool failed = !source;
    int label;

    for (int64_t i = 0; source && !failed && iv__cifar_next(source, i, bytes, &label, &failed); i++)
        failed = iv__pictures_add(p, test, &found, label) != IV_OK;
    iv__source_close(source);
    return failed ? iv_home_status(p->home) : IV_OK;
}

iv_status iv__cifar_pictures(iv__pictures *p, const char *path)
{
    iv__text file = { .home = p->home };

    p->class_names = classes;
    p->classes = IV__CIFAR_CLASSES;
    iv_status status = iv__pictures_add_cifar(p, false, path);
    for (const char *const *name = p->set->beside; *name && !status; name++) {
        status = iv__dataset_beside(p->home, path, *name, &file);
        if (!status)
            status = iv__pictures_add_cifar(p, !name[1], file.data);
    }
    iv__text_free(&file);
    return status;
}
