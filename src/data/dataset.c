/* dataset.c: finding a data set's file, and going through its records. */

#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/home.h"
#include "base/sha256.h"
#include "data/known.h"

/* ---- where it is ----------------------------------------------------------------------------- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static bool set_path(iv__text *path, const char *folder, const char *file, const char *ending)
{
    iv__text_clear(path);
    iv__text_print(path, "%s/%s%s", folder, file, ending);
    return !path->failed && iv__file_exists(path->data);
}

/* Whether the folder holds the file, plain or compressed, in the data set's own folder or
 * without it. */
static bool look_in(iv__text *path, const iv__dataset *set, const char *folder)
{
    const char *base = base_of(set->file);

    return set_path(path, folder, base, "") || set_path(path, folder, base, ".gz") ||
           set_path(path, folder, set->file, "") || set_path(path, folder, set->file, ".gz");
}

/* The user's data folder, or nothing. */
static void user_folder(iv__text *folder)
{
    const char *xdg = environment("XDG_DATA_HOME"), *home = environment("HOME");

    iv__text_clear(folder);
    if (xdg)
        iv__text_print(folder, "%s/ivory", xdg);
    else if (home)
        iv__text_print(folder, "%s/.local/share/ivory", home);
}

static iv_status missing(iv_home *home, const iv__dataset *set, const char *data, const char *user)
{
    const char *root = environment("IVORY_DATA");
    iv__text said = { .home = home };

    iv__text_print(&said, "the data set %s is not here: %s(.gz) is not in ", set->name, set->file);
    if (data)
        iv__text_print(&said, "%s", data);
    else if (root)
        iv__text_print(&said, "%s ($IVORY_DATA), nor in %s", root,
                       *user ? user : "a data folder of the user");
    else
        iv__text_print(&said, "%s, and $IVORY_DATA is not set",
                       *user ? user : "a data folder of the user");
    iv__text_print(&said, ". %s %s", *set->download ? "Get it from" : "It comes from",
                   *set->download ? set->download : set->home_page);
    if (*set->sha256 && !set->beside)
        iv__text_print(&said, " (the figures were measured with a .gz of SHA-256 %s)", set->sha256);
    iv__text_print(&said, "%s put it at %s/%s", *set->download ? ", and" : ":",
                   *user ? user : "DATA", set->file);
    for (const char *const *name = set->beside; name && *name; name++)
        iv__text_print(&said, "%s%s", name == set->beside ? ", with " : ", ", *name);
    iv__text_print(&said, "%s, or name it with --data FILE", set->beside ? " beside it" : "");

    iv_status status = said.failed ? IV_NOMEM : iv_fail(home, IV_IO, "%s", said.data);
    iv__text_free(&said);
    return status;
}

static iv_status locate_named(iv_home *home, const iv__dataset *set, const char *data, iv__text *path)
{
    if (!iv__is_folder(data)) {
        if (!iv__file_exists(data))
            return iv_fail(home, IV_IO, "--data %s: there is no such file or folder", data);
        iv__text_put(path, data);
        return path->failed ? IV_NOMEM : IV_OK;
    }
    if (set->asset)
        return IV_OK;
    if (set->folders) {
        iv__text_put(path, data);
        return path->failed ? IV_NOMEM : IV_OK;
    }
    if (!set->file)
        return iv_fail(home, IV_IO, "--data %s is a folder; expected %s", data, set->says);
    const bool found = look_in(path, set, data);
    return path->failed ? IV_NOMEM : found ? IV_OK : missing(home, set, data, data);
}

iv_status iv__dataset_locate(iv_home *home, const iv__dataset *set, const char *data, iv__text *path)
{
    const char *root = environment("IVORY_DATA");
    iv__text user = { .home = home };

    iv__text_clear(path);
    if (data)
        return locate_named(home, set, data, path);
    if (set->asset)
        return IV_OK;
    if (!set->file)
        return iv_fail(home, IV_IO,
                       "the data set %s is a person's own: name the file or folder with --data PATH",
                       set->name);

    user_folder(&user);
    bool found = (root && look_in(path, set, root)) ||
                 (user.size > 0 && look_in(path, set, user.data));
    iv_status status = path->failed || user.failed ? IV_NOMEM
                       : found                     ? IV_OK
                               : missing(home, set, NULL, user.size > 0 ? user.data : "");
    iv__text_free(&user);
    return status;
}

/* ---- its files ------------------------------------------------------------------------------- */

iv_status iv__dataset_beside(iv_home *home, const char *path, const char *name, iv__text *file)
{
    const char *const endings[] = { "", ".gz" };
    const size_t size = (size_t)(base_of(path) - path), end = strlen(path);
    const bool packed = end > 3 && !strcmp(path + end - 3, ".gz");

    for (int i = 0; i < 2; i++) {
        iv__text_clear(file);
        iv__text_add(file, path, size);
        iv__text_print(file, "%s%s", name, endings[packed != i]);
        if (file->failed)
            return IV_NOMEM;
        if (iv__file_exists(file->data))
            return IV_OK;
    }
    return iv_fail(home, IV_IO,
                   "%s(.gz) is not beside %s, where it belongs: the data set has several files",
                   name, path);
}

/* Of each file its name and its SHA-256. */
static iv_status several_sha256(iv_home *home, const iv__dataset *set, const char *path, char hex[65])
{
    iv__text file = { .home = home };
    iv_status status = iv__source_sha256(home, path, hex);
    const char *name = base_of(set->file);
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    for (const char *const *at = set->beside; !status; name = *at++) {
        iv__sha256_add(&hash, name, strlen(name) + 1);
        iv__sha256_add(&hash, hex, 64);
        if (!*at)
            break;
        status = iv__dataset_beside(home, path, *at, &file);
        if (!status)
            status = iv__source_sha256(home, file.data, hex);
    }
    iv__sha256_end(&hash, hex);
    iv__text_free(&file);
    return status;
}

iv_status iv__dataset_sha256(iv_home *home, const iv__dataset *set, const char *path, char hex[65])
{
    if (*path && set->beside)
        return several_sha256(home, set, path, hex);
    if (*path)
        return iv__known_sha256(home, path, "", hex);
    iv__sha256 hash;
    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, set->asset, *set->asset_size);
    iv__sha256_end(&hash, hex);
    return IV_OK;
}

/* ---- its records ----------------------------------------------------------------------------- */

static bool open_source(iv__records *records, const char *path)
{
    const iv__dataset *set = records->set;
    unsigned char byte;

    if (set->folders && *path && iv__is_folder(path)) {
        records->name = path;
        return true;
    }
    records->source = *path
                          ? iv__source_open(records->home, path)
                          : iv__source_memory(records->home, set->name, set->asset, *set->asset_size);
    if (!records->source)
        return false;
    records->name = iv__source_name(records->source);
    int64_t got = iv__source_peek(records->source, &byte, 1);
    if (got == 0)
        iv_fail(records->home, IV_FORMAT, "%s: the file is empty; expected %s", records->name,
                set->says);
    return got > 0;
}

static bool set_options(iv__records *records, const void *options)
{
    const iv__dataset *set = records->set;

    records->options = options;
    if (options || !set->fields)
        return true;
    records->defaults = iv__alloc(records->home, set->options_size);
    if (!records->defaults)
        return false;
    iv__fields_default(set->fields, records->defaults);
    records->options = records->defaults;
    return true;
}

iv__records *iv__records_open(iv_home *home, const iv__dataset *set, const char *path, const void *options)
{
    if (!set->open) {
        iv_fail(home, IV_VALUE, "the data set %s holds %s, no texts", set->name,
                set->pictures ? "pictures" : "a table");
        return NULL;
    }
    iv__records *records = iv__alloc(home, sizeof *records);
    if (!records)
        return NULL;
    records->home = records->text.home = records->left_out_names.home = home;
    records->set = set;
    if (!set_options(records, options) || !open_source(records, path) || set->open(records)) {
        iv__records_close(records);
        return NULL;
    }
    return records;
}

const char *iv__records_next(iv__records *records, size_t *size, bool *failed)
{
    iv__text_clear(&records->text);
    records->continues = false;
    *failed = records->set->next(records) != IV_OK || records->text.failed;
    if (*failed || records->ended)
        return NULL;
    *size = records->text.size;
    return records->text.data ? records->text.data : "";
}

void iv__records_close(iv__records *records)
{
    if (!records)
        return;
    if (records->set->close)
        records->set->close(records);
    iv__source_close(records->source);
    iv__text_free(&records->text);
    iv__text_free(&records->left_out_names);
    iv__free(records->home, records->defaults);
    iv__free(records->home, records);
}

void iv__records_drop(iv__records *records, const char *why)
{
    iv__drop *drop = records->dropped;

    while (drop->why && strcmp(drop->why, why) != 0 && drop + 1 < records->dropped + IV__DROP_REASONS)
        drop++;
    drop->why = why;
    drop->count++;
}

void iv__records_report(const iv__records *records, iv__text *text)
{
    const char *before = " (";

    iv__text_print(text, "%lld records: %lld kept, %lld dropped", (long long)records->seen,
                   (long long)records->kept, (long long)(records->seen - records->kept));
    for (int i = 0; i < IV__DROP_REASONS && records->dropped[i].why; i++, before = ", ")
        iv__text_print(text, "%s%lld %s", before, (long long)records->dropped[i].count,
                       records->dropped[i].why);
    if (records->dropped[0].why)
        iv__text_put(text, ")");
    if (records->left_out > 0)
        iv__text_print(text, "; %lld %s left out that %s no text: %s", (long long)records->left_out,
                       records->left_out == 1 ? "file was" : "files were",
                       records->left_out == 1 ? "is" : "are", records->left_out_names.data);
}
