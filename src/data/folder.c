/* folder.c: walks through a folder and sorts what it found. */
#define _GNU_SOURCE
#include "data/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/home.h"

enum { MOST_FILES = 1 << 20, MOST_LEVELS = 32 };

void iv__folder_free(iv__folder *folder)
{
    iv__text_free(&folder->names);
    iv__free(folder->home, folder->places);
}

const char *iv__folder_name(const iv__folder *folder, int64_t file)
{
    return folder->names.data + folder->places[file];
}

static iv_status add_file(iv__folder *folder, const char *name)
{
    if (folder->count == MOST_FILES)
        return iv_fail(folder->home, IV_VALUE, "there are more than %d files", MOST_FILES);
    if (folder->count == folder->room) {
        int64_t room = folder->room * 2 + 64;
        size_t *places = iv__resize(folder->home, folder->places, (size_t)room * sizeof *places);
        if (!places)
            return IV_NOMEM;
        folder->places = places;
        folder->room = room;
    }
    folder->places[folder->count++] = folder->names.size;
    iv__text_add(&folder->names, name, strlen(name) + 1);
    return folder->names.failed ? IV_NOMEM : IV_OK;
}

static iv_status walk(iv__folder *folder, iv__text *path, size_t root, int level);

static iv_status look_at(iv__folder *folder, iv__text *path, size_t root, int level)
{
    struct stat about;

    if (lstat(path->data, &about) == 0 && S_ISDIR(about.st_mode))
        return walk(folder, path, root, level + 1);
    if (stat(path->data, &about) == 0 && S_ISREG(about.st_mode))
        return add_file(folder, path->data + root);
    return IV_OK; /* a device, a link to nowhere */
}

static iv_status walk(iv__folder *folder, iv__text *path, size_t root, int level)
{
    size_t size = path->size;
    DIR *dir = level < MOST_LEVELS ? opendir(path->data) : NULL;
    struct dirent *entry;
    iv_status status = IV_OK;

    if (!dir && level >= MOST_LEVELS)
        return iv_fail(folder->home, IV_VALUE, "%s: folders are more than %d deep", path->data,
                       MOST_LEVELS);
    if (!dir)
        return iv_fail(folder->home, IV_IO, "%s: cannot be read: %s", path->data, strerror(errno));
    while (!status && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        iv__text_print(path, "/%s", entry->d_name);
        status = path->failed ? IV_NOMEM : look_at(folder, path, root, level);
        path->size = size;
        path->data[size] = 0;
    }
    closedir(dir);
    return status;
}

static int by_name(const void *a, const void *b, void *names)
{
    const size_t *x = a, *y = b;

    return strcmp((const char *)names + *x, (const char *)names + *y);
}

iv_status iv__folder_list(iv_home *home, const char *path, iv__folder *folder)
{
    iv__text at = { .home = home };

    *folder = (iv__folder){ .home = home, .names.home = home };
    iv__text_put(&at, path);
    while (at.size > 1 && at.data[at.size - 1] == '/')
        at.data[--at.size] = 0;
    iv_status status = at.failed ? IV_NOMEM : walk(folder, &at, at.size + 1, 0);
    if (!status && folder->count > 0)
        qsort_r(folder->places, (size_t)folder->count, sizeof *folder->places, by_name,
                folder->names.data);
    iv__text_free(&at);
    return status;
}
