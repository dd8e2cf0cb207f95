/* run.c: a run's folder. A file in it is complete or absent; lines of metrics are cut to the
 * checkpoint on resume. */
#define _GNU_SOURCE
#include "train/run.h"

#include "base/file.h"
#include "base/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char model_name[] = "model.safetensors";
static const char last_name[] = "last.safetensors", previous_name[] = "previous.safetensors";
static const char metrics_name[] = "metrics.jsonl", events_name[] = "events.out.tfevents.ivory";
static const char settings_name[] = "run.json", lock_name[] = "lock";

char *iv__run_path(const iv__run *run, const char *file)
{
    size_t size = strlen(run->folder) + strlen(file) + 2;
    char *path = iv__alloc(run->home, size);

    if (path)
        snprintf(path, size, "%s/%s", run->folder, file);
    return path;
}

static bool has(const iv__run *run, const char *file)
{
    char *path = iv__run_path(run, file);
    bool there = path && iv__file_exists(path);

    iv__free(run->home, path);
    return there;
}

/* ---- staying in it --------------------------------------------------------------------------- */

/* An entry that is there is a file or a folder. */
static iv_status check_entry(iv_home *home, const char *folder, const char *inner, const char *name)
{
    char path[PATH_MAX];
    struct stat info;

    if (snprintf(path, sizeof path, "%s/%s%s", folder, inner, name) >= (int)sizeof path)
        return iv_fail(home, IV_VALUE, "the path is longer than %zu bytes: %.60s...", sizeof path, path);
    if (lstat(path, &info) || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))
        return IV_OK;
    return iv_fail(home, IV_IO,
                   "%s is a %s: a run's folder is written to only where all that is written stays in it; put "
                   "what it leads to in its place, or remove it",
                   path, S_ISLNK(info.st_mode) ? "link" : "pipe or a device");
}

static iv_status check_folder(iv_home *home, const char *folder, const char *inner)
{
    iv_status status = check_entry(home, folder, "", inner);
    char path[PATH_MAX], within[64];
    DIR *list = NULL;

    snprintf(within, sizeof within, "%s/", inner);
    if (!status && snprintf(path, sizeof path, "%s/%s", folder, inner) < (int)sizeof path)
        list = opendir(path);
    for (struct dirent *entry; list && !status && (entry = readdir(list));)
        status = check_entry(home, folder, within, entry->d_name);
    if (list)
        closedir(list);
    return status;
}

iv_status iv__run_stays_within(iv_home *home, const char *folder)
{
    static const char *const files[] = { lock_name,    last_name,   previous_name, model_name,
                                         metrics_name, events_name, settings_name },
                             *const folders[] = { "samples", "plots", "writings" };
    iv_status status = IV_OK;

    for (size_t i = 0; i < sizeof files / sizeof *files && !status; i++)
        status = check_entry(home, folder, "", files[i]);
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !status; i++)
        status = check_folder(home, folder, folders[i]);
    return status;
}

/* ---- its lock -------------------------------------------------------------------------------- */

static iv_status lock_folder(iv__run *run)
{
    char *path = iv__run_path(run, lock_name);
    if (!path)
        return IV_NOMEM;
    run->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    iv_status status = IV_OK;
    if (run->lock < 0)
        status = iv_fail(run->home, IV_IO, "the run folder %s cannot be written: %s", run->folder,
                         strerror(errno));
    else if (flock(run->lock, LOCK_EX | LOCK_NB))
        status = errno == EWOULDBLOCK
                     ? iv_fail(run->home, IV_IO,
                               "another process is training into %s; wait for it or choose another folder with -o",
                               run->folder)
                     : iv_fail(run->home, IV_IO, "locking %s: %s", path, strerror(errno));
    iv__free(run->home, path);
    return status;
}

/* What a process that was killed while it wrote has left. */
static void remove_leftovers(const iv__run *run)
{
    static const char *const folders[] = { ".", "samples", "plots" };

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = iv__run_path(run, folders[i]);
        if (path)
            iv__remove_leftovers(path);
        iv__free(run->home, path);
    }
}

iv__run *iv__run_new(iv_home *home, const char *folder, bool resume)
{
    iv__run *run = iv__alloc(home, sizeof *run);
    if (!run)
        return NULL;
    run->home = home;
    run->lock = -1;
    run->metrics.home = home;
    run->folder = iv__copy_text(home, folder);
    iv_status status = run->folder ? iv__make_folders(home, folder) : IV_NOMEM;
    if (!status)
        status = iv__run_stays_within(home, folder);
    if (!status)
        status = lock_folder(run);
    if (!status && !resume && (has(run, last_name) || has(run, previous_name) || has(run, model_name)))
        status = iv_fail(home, IV_IO,
                         "%s holds a run already; go on with it by --resume, or choose another folder with -o",
                         folder);
    if (status) {
        iv__run_free(run);
        return NULL;
    }
    remove_leftovers(run);
    return run;
}

void iv__run_free(iv__run *run)
{
    if (!run)
        return;
    if (run->lock >= 0)
        close(run->lock);
    iv__events_close(run->events);
    iv__text_free(&run->metrics);
    iv__free(run->home, run->folder);
    iv__free(run->home, run);
}

static iv__safetensors *open_if_there(const iv__run *run, const char *file)
{
    char *path = iv__run_path(run, file);
    iv__safetensors *opened = path && iv__file_exists(path) ? iv__safetensors_open(run->home, path)
                                                            : NULL;

    iv__free(run->home, path);
    return opened;
}

iv__safetensors *iv__run_checkpoint(iv__run *run, iv__text *note)
{
    static const char *const files[] = { last_name, previous_name };

    run->last_damaged = false;
    for (int i = 0; i < 2; i++) {
        iv_home_clear(run->home);
        iv__safetensors *file = open_if_there(run, files[i]);
        if (file || iv_home_status(run->home) == IV_NOMEM)
            return file;
        if (iv_home_status(run->home)) {
            iv__text_print(note, "%s%s", note->size ? "; " : "", iv_home_message(run->home));
            run->last_damaged |= i == 0;
        }
    }
    if (note->size)
        iv_fail(run->home, IV_FORMAT,
                "%s; no checkpoint is left to go on from: start again in another folder with -o",
                note->data);
    else if (has(run, model_name))
        iv_fail(run->home, IV_IO,
                "%s has a model but no checkpoint to go on from (last.safetensors, previous.safetensors); "
                "start again in another folder with -o",
                run->folder);
    return NULL;
}

iv_status iv__run_rotate(const iv__run *run)
{
    char *last = iv__run_path(run, last_name), *previous = iv__run_path(run, previous_name);
    iv_status status = last && previous ? IV_OK : IV_NOMEM;

    if (!status && !run->last_damaged && rename(last, previous) && errno != ENOENT)
        status = iv_fail(run->home, IV_IO, "renaming %s: %s", last, strerror(errno));
    iv__free(run->home, last);
    iv__free(run->home, previous);
    return status;
}

/* The number behind "step": in a line of ours, or -1. The line is no terminated text. */
static int64_t step_of_line(const char *line, const char *end)
{
    static const char key[] = "{\"step\":";
    const size_t size = sizeof key - 1;
    int64_t step = 0;

    if ((size_t)(end - line) <= size || memcmp(line, key, size))
        return -1;
    line += size;
    line += *line == ' ';
    for (const char *digit = line; digit < end && *digit >= '0' && *digit <= '9'; digit++) {
        if (step > (INT64_MAX - 9) / 10)
            return -1;
        step = 10 * step + (*digit - '0');
    }
    return *line >= '0' && *line <= '9' ? step : -1;
}

/* Keeps our lines up to the step; a torn or damaged line goes. */
static iv_status cut_lines(const iv__run *run, const char *path, int64_t step)
{
    iv__view view;
    iv__text kept = { .home = run->home };
    if (!iv__file_exists(path))
        return IV_OK;
    iv_status status = iv__view_open(run->home, path, &view);
    if (status)
        return status;
    const char *line = (const char *)view.data, *end = line + view.size, *line_end;
    for (; line < end && (line_end = memchr(line, '\n', (size_t)(end - line))); line = line_end + 1) {
        int64_t at = step_of_line(line, line_end);
        if (at >= 0 && at <= step && line_end[-1] == '}')
            iv__text_add(&kept, line, (size_t)(line_end + 1 - line));
    }
    if (kept.failed)
        status = IV_NOMEM;
    else if (kept.size < view.size)
        status = iv__file_write(run->home, path, kept.data, kept.size);
    iv__view_close(&view);
    iv__text_free(&kept);
    return status;
}

static double wall_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

iv_status iv__run_open_metrics(iv__run *run, int64_t step)
{
    char *lines = iv__run_path(run, metrics_name), *events = iv__run_path(run, events_name);
    iv_status status = lines && events ? cut_lines(run, lines, step) : IV_NOMEM;

    if (!status)
        status = iv__events_cut(run->home, events, step);
    if (!status) {
        run->events = iv__events_open(run->home, events, wall_time());
        status = run->events ? IV_OK : iv_home_status(run->home);
    }
    iv__free(run->home, lines);
    iv__free(run->home, events);
    return status;
}

void iv__run_metric(iv__run *run, const char *line, int64_t step, int n, const iv__event_value *values)
{
    iv__text_put(&run->metrics, line);
    iv__text_put(&run->metrics, "\n");
    iv__events_add(run->events, wall_time(), step, n, values);
}

/* Another folder of that name, made meanwhile, may be another process's. */
static iv_status check_lock(const iv__run *run)
{
    struct stat locked, there;
    char *path = iv__run_path(run, lock_name);
    const bool ours = path && !fstat(run->lock, &locked) && !stat(path, &there) &&
                      locked.st_ino == there.st_ino && locked.st_dev == there.st_dev;
    const iv_status status =
        !path  ? IV_NOMEM
        : ours ? IV_OK
               : iv_fail(run->home, IV_IO,
                         "%s is no longer there: the run's folder was removed or replaced meanwhile",
                         path);

    iv__free(run->home, path);
    return status;
}

iv_status iv__run_flush(iv__run *run)
{
    iv_status status = run->metrics.failed ? IV_NOMEM : check_lock(run);

    if (!status)
        status = iv__events_flush(run->events);
    if (status || !run->metrics.size)
        return status;
    char *path = iv__run_path(run, metrics_name);
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (file < 0) {
        status = iv_fail(run->home, IV_IO, "opening %s/%s: %s", run->folder, metrics_name,
                         strerror(errno));
    } else {
        int error = iv__write_all(file, run->metrics.data, run->metrics.size);
        if (!error && fsync(file)) /* the checkpoint that follows counts on these lines */
            error = errno;
        if (error)
            status = iv_fail(run->home, IV_IO, "writing %s/%s: %s", run->folder, metrics_name,
                             strerror(error));
        close(file);
        iv__text_clear(&run->metrics);
    }
    iv__free(run->home, path);
    return status;
}
