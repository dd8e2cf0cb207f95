/* pictures.c: a person's own pictures: a folder of image files, whose folders are classes; or one file
 * of many pictures, IDX or in CIFAR-10's layout. */
#include <string.h>

#include "base/file.h"
#include "base/home.h"
#include "data/folder.h"
#include "data/pictures_parts.h"

/* ---- classes --------------------------------------------------------------------------------- */

/* Names of classes in the order in which they come, each ended by a zero byte. */
typedef struct classes {
    iv__text names;
    size_t last; /* where the last name begins */
    int count;
    bool missing; /* there is a picture without */
} classes;

static void add_class(classes *c, const char *name, size_t size)
{
    c->last = c->names.size;
    iv__text_add(&c->names, name, size);
    iv__text_add(&c->names, "", 1);
    c->count++;
}

/* Of a file "CLASS/.../NAME". Files come sorted: the class is that of the file before, or a new one. */
static int32_t class_of(classes *c, const char *name)
{
    const size_t size = strcspn(name, "/");

    if (!name[size])
        c->missing = true;
    else if (!c->count || c->names.failed || strncmp(c->names.data + c->last, name, size) != 0 ||
             c->names.data[c->last + size])
        add_class(c, name, size);
    return c->count - 1;
}

/* One class alone is none. */
static iv_status set_classes(iv__pictures *p, const classes *c)
{
    p->classes = 0;
    if (c->missing || c->count < 2) {
        for (int64_t i = 0; i < p->shelf[false].count; i++)
            p->shelf[false].label[i] = -1;
        return IV_OK;
    }
    if (c->names.failed)
        return IV_NOMEM;
    const char **names = iv__arena_get(&p->arena, (size_t)c->count * sizeof *names);
    char *copy = iv__arena_get(&p->arena, c->names.size);
    if (!names || !copy)
        return IV_NOMEM;
    memcpy(copy, c->names.data, c->names.size);
    for (int i = 0; i < c->count; i++, copy += strlen(copy) + 1)
        names[i] = copy;
    p->class_names = names;
    p->classes = c->count;
    return IV_OK;
}

/* Classes that files give as numbers are called so. */
static iv_status set_numbered_classes(iv__pictures *p)
{
    classes c = { .names.home = p->home };
    int32_t most = -1;

    for (int64_t i = 0; i < p->shelf[false].count; i++)
        most = p->shelf[false].label[i] > most ? p->shelf[false].label[i] : most;
    for (int32_t k = 0; k <= most; k++) {
        iv__text_print(&c.names, "%d", (int)k);
        iv__text_add(&c.names, "", 1);
        c.count++;
    }
    iv_status status = set_classes(p, &c);
    iv__text_free(&c.names);
    return status;
}

/* ---- a folder -------------------------------------------------------------------------------- */

/* A file that is no picture, or a damaged one, is left out; the home says why. */
static void leave_out(iv__pictures *p, const char *name)
{
    enum { NAMED = 5 };

    if (!p->left_out++)
        iv__text_print(&p->left_out_why, "%s", iv_home_message(p->home));
    if (p->left_out <= NAMED)
        iv__text_print(&p->left_out_names, "%s%s", p->left_out > 1 ? ", " : "", name);
    else if (p->left_out == NAMED + 1)
        iv__text_put(&p->left_out_names, " ...");
    iv_home_clear(p->home);
}

static iv_status add_file(iv__pictures *p, classes *c, const char *path, const char *name)
{
    iv__image image = { 0 };
    iv__found found;
    iv_status status = iv__found_read(p->home, path, &image, &found);

    if (!status)
        status = iv__pictures_add(p, false, &found, class_of(c, name));
    else if (status != IV_NOMEM)
        leave_out(p, name), status = IV_OK;
    iv__image_free(p->home, &image);
    return status;
}

static iv_status add_folder(iv__pictures *p, const char *path)
{
    classes c = { .names.home = p->home };
    iv__text file = { .home = p->home };
    iv__folder folder;
    iv_status status = iv__folder_list(p->home, path, &folder);

    if (!status && folder.count == 0)
        status = iv_fail(p->home, IV_VALUE, "%s: the folder is empty; expected %s", path, p->set->says);
    for (int64_t i = 0; i < folder.count && !status; i++) {
        const char *name = iv__folder_name(&folder, i);
        iv__text_clear(&file);
        iv__text_print(&file, "%s/%s", path, name);
        status = file.failed ? IV_NOMEM : add_file(p, &c, file.data, name);
    }
    if (!status && p->left_out == folder.count)
        status = iv_fail(p->home, IV_VALUE,
                         "%s: none of %lld files is a picture; of the first it is said: %s", path,
                         (long long)folder.count, p->left_out_why.data ? p->left_out_why.data : "");
    if (!status)
        status = set_classes(p, &c);
    iv__folder_free(&folder);
    iv__text_free(&file);
    iv__text_free(&c.names);
    return status;
}

/* ---- a file ---------------------------------------------------------------------------------- */

/* "train-labels-idx1-ubyte.gz" beside "train-images-idx3-ubyte.gz", where it is. */
static iv_status add_idx(iv__pictures *p, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    iv__text labels = { .home = p->home };

    iv__text_put(&labels, path);
    if (labels.failed)
        return IV_NOMEM;
    char *images = strstr(labels.data + (name - path), "images");
    char *rank = images ? strstr(images, "idx3") : NULL;
    if (images)
        memcpy(images, "labels", 6);
    if (rank)
        rank[3] = '1';
    const bool labelled = images && iv__file_exists(labels.data);
    p->classes = 256; /* labels are bytes */
    iv_status status = iv__pictures_add_idx(p, false, path, labelled ? labels.data : NULL);
    iv__text_free(&labels);
    return status;
}

static bool ends_with(const char *path, const char *ending)
{
    const size_t size = strlen(path), end = strlen(ending);

    return size >= end && !strcmp(path + size - end, ending);
}

/* By its first bytes, or the ending of its name. */
static iv_status add_many(iv__pictures *p, const char *path)
{
    unsigned char head[4];
    iv__source *source = iv__source_open(p->home, path);
    const int64_t got = source ? iv__source_peek(source, head, 4) : -1;

    iv__source_close(source);
    if (got < 0)
        return iv_home_status(p->home);
    if (got == 4 && !head[0] && !head[1] && head[2] == 8 && head[3] == 3)
        return add_idx(p, path);
    if (ends_with(path, ".bin") || ends_with(path, ".bin.gz"))
        return iv__pictures_add_cifar(p, false, path);
    return iv_fail(p->home, IV_FORMAT, "%s: the file does not hold many pictures; expected %s",
                   path, p->set->says);
}

static iv_status pictures_pictures(iv__pictures *p, const char *path)
{
    if (iv__is_folder(path))
        return add_folder(p, path);
    iv_status status = add_many(p, path);
    return status ? status : set_numbered_classes(p);
}

const iv__dataset iv__dataset_pictures = {
    .name = "pictures",
    .says = "pictures of your own: a folder of PNG, JPEG, WebP and PNM files (folders in it are classes), an IDX "
            "file, or a .bin in CIFAR-10's layout",
    .licence = "yours to know",
    .home_page = "",
    .download = "",
    .sha256 = "",
    .folders = true,
    .pictures = pictures_pictures,
};
