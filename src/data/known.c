/* known.c: the notes: one small text file for each data file, which a checksum of its own ends. */
#define _GNU_SOURCE
#include "data/known.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/home.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/folder.h"
#include "format/source.h"

enum { SETTLED_SECONDS = 2 }; /* the coarsest clock of a file system */

typedef struct note {
    iv__text path;     /* where it lies */
    iv__text identity; /* of the file */
    bool settled;
} note;

static void sha256_of(const char *a, const char *b, char hex[65])
{
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, a, strlen(a));
    iv__sha256_add(&hash, b, strlen(b));
    iv__sha256_end(&hash, hex);
}

static void put_time(iv__text *text, const struct timespec *time)
{
    iv__text_print(text, " %lld.%09ld", (long long)time->tv_sec, time->tv_nsec);
}

/* False: the file cannot be looked at, or memory is out. */
static bool identify(const char *path, note *n)
{
    struct stat about;
    struct timespec now;

    iv__text_clear(&n->identity);
    if (stat(path, &about) || clock_gettime(CLOCK_REALTIME, &now))
        return false;
    iv__text_print(&n->identity, "%llu %llu %llu", (unsigned long long)about.st_dev,
                   (unsigned long long)about.st_ino, (unsigned long long)about.st_size);
    put_time(&n->identity, &about.st_mtim);
    put_time(&n->identity, &about.st_ctim);
    n->settled = now.tv_sec - about.st_mtim.tv_sec > SETTLED_SECONDS &&
                 now.tv_sec - about.st_ctim.tv_sec > SETTLED_SECONDS;
    return !n->identity.failed;
}

static bool recall(iv_home *home, const note *n, char hex[65])
{
    enum { HEX = 64 };
    iv__view view;
    char sum[65];

    if (!iv__file_exists(n->path.data) || iv__view_open(home, n->path.data, &view)) {
        iv_home_clear(home);
        return false;
    }
    bool known = view.size == 2 * HEX;
    if (known) {
        memcpy(hex, view.data, HEX);
        hex[HEX] = 0;
        sha256_of(n->identity.data, hex, sum);
        known = !memcmp(sum, view.data + HEX, HEX);
    }
    iv__view_close(&view);
    return known;
}

/* That it cannot be kept does not matter. */
static void keep(iv_home *home, const note *n, const char *folder, const char hex[65])
{
    char both[129];

    memcpy(both, hex, 64);
    sha256_of(n->identity.data, hex, both + 64);
    if (iv__make_folders(home, folder) || iv__file_write(home, n->path.data, both, 128))
        iv_home_clear(home);
}

static iv_status file_sha256(iv_home *home, const char *path, const char *folder, char hex[65])
{
    note n = { .path.home = home, .identity.home = home }, after = { .identity.home = home };
    char name[65];
    iv_status status = IV_OK;

    sha256_of(path, "", name);
    iv__text_print(&n.path, "%s/%.32s.sha256", folder, name);
    bool notes = *folder && !n.path.failed && identify(path, &n);
    if (!notes || !recall(home, &n, hex)) {
        status = iv__source_sha256(home, path, hex);
        if (!status && notes && n.settled && identify(path, &after) &&
            !strcmp(n.identity.data, after.identity.data))
            keep(home, &n, folder, hex);
    }
    iv__text_free(&n.path);
    iv__text_free(&n.identity);
    iv__text_free(&after.identity);
    return status;
}

/* Names and contents of all files, in the order of their names. */
static iv_status folder_sha256(iv_home *home, const char *path, const char *folder, char hex[65])
{
    iv__folder files;
    iv__text file = { .home = home };
    iv_status status = iv__folder_list(home, path, &files);
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    for (int64_t i = 0; i < files.count && !status; i++) {
        const char *name = iv__folder_name(&files, i);
        iv__text_clear(&file);
        iv__text_print(&file, "%s/%s", path, name);
        status = file.failed ? IV_NOMEM : file_sha256(home, file.data, folder, hex);
        iv__sha256_add(&hash, name, strlen(name) + 1);
        iv__sha256_add(&hash, hex, 64);
    }
    iv__sha256_end(&hash, hex);
    iv__text_free(&file);
    iv__folder_free(&files);
    return status;
}

iv_status iv__known_sha256(iv_home *home, const char *path, const char *folder, char hex[65])
{
    return iv__is_folder(path) ? folder_sha256(home, path, folder, hex)
                               : file_sha256(home, path, folder, hex);
}
