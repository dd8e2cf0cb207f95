/* files.c: what fault-sweep does with files and folders; what goes wrong ends it. */
#define _XOPEN_SOURCE 700
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void give_up(const char *what)
{
    fprintf(stderr, "fault-sweep: %s: %s\n", what, strerror(errno));
    exit(2);
}

char *contents(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;

    *size = 0;
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size)
        give_up(path);
    bytes[*size] = 0;
    fclose(file);
    return bytes;
}

bool same(const char *a, const char *b)
{
    size_t na, nb;
    char *x = contents(a, &na), *y = contents(b, &nb);
    bool equal = x && y && na == nb && !memcmp(x, y, na);

    free(x);
    free(y);
    return equal;
}

void copy_file(const char *from, const char *to)
{
    size_t size;
    char *bytes = contents(from, &size);
    int file = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (!bytes || file < 0 || write(file, bytes, size) != (ssize_t)size)
        give_up(to);
    close(file);
    free(bytes);
}

/* Calls `work` with the path, below `folder`, of each file; of each folder, too, after what is in it. */
void walk(const char *folder, const char *below, void (*work)(const char *below, bool is_folder))
{
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", folder, below);
    DIR *list = opendir(path);

    for (struct dirent *entry; list && (entry = readdir(list));) {
        struct stat about;
        char name[PATH], full[2 * PATH];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(name, sizeof name, "%.3800s%s%s", below, *below ? "/" : "", entry->d_name);
        snprintf(full, sizeof full, "%s/%s", folder, name);
        bool is_folder = !lstat(full, &about) && S_ISDIR(about.st_mode);
        if (is_folder)
            walk(folder, name, work);
        work(name, is_folder);
    }
    if (list)
        closedir(list);
}

static const char *walked; /* the folder that is walked through */

static void remove_one(const char *below, bool is_folder)
{
    char path[PATH];

    snprintf(path, sizeof path, "%s/%s", walked, below);
    if (is_folder ? rmdir(path) : unlink(path))
        give_up(path);
}

void remove_all(const char *folder)
{
    walked = folder;
    walk(folder, "", remove_one);
    rmdir(folder);
}

void copy_all(const char *from, const char *to)
{
    DIR *list = opendir(from);

    if (mkdir(to, 0777) && errno != EEXIST)
        give_up(to);
    for (struct dirent *entry; list && (entry = readdir(list));) {
        struct stat about;
        char a[PATH], b[PATH];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(a, sizeof a, "%s/%s", from, entry->d_name);
        snprintf(b, sizeof b, "%s/%s", to, entry->d_name);
        if (lstat(a, &about))
            give_up(a);
        if (S_ISDIR(about.st_mode))
            copy_all(a, b);
        else
            copy_file(a, b);
    }
    if (list)
        closedir(list);
}
