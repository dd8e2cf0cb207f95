/* fuzz_folder.c: any bytes as what a run's folder holds of its course: metrics.jsonl and the event file are cut to a step,
 * gone on with and cut again, which gives the same; and the metrics are read as `plot` does. The first byte is the
 * step, the next two are where the lines end and the events begin. */
#define _GNU_SOURCE
#include "fuzz_world.h"

#include "base/file.h"
#include "cli/metrics.h"
#include "train/run.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], lines[96], events[96];

static void remove_folder(void)
{
    remove(lines);
    remove(events);
    rmdir(folder);
}

/* In memory, where a flush to the disk costs nothing. */
static void make_folder(void)
{
    if (*folder)
        return;
    snprintf(folder, sizeof folder, "/dev/shm/ivory-fuzz-XXXXXX");
    must(mkdtemp(folder) != NULL);
    snprintf(lines, sizeof lines, "%s/metrics.jsonl", folder);
    snprintf(events, sizeof events, "%s/events.out.tfevents.ivory", folder);
    atexit(remove_folder);
}

static void put_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    must(file && fwrite(data, 1, size, file) == size && !fclose(file));
}

static void cut(iv_home *home, int64_t step, uint64_t hash[2])
{
    iv__run run = { .home = home, .folder = folder, .lock = -1, .metrics.home = home };

    must(iv__run_open_metrics(&run, step) == IV_OK);
    must(iv__events_close(run.events) == IV_OK);
    for (int i = 0; i < 2; i++) {
        iv__view view;
        must(iv__view_open(home, i ? events : lines, &view) == IV_OK);
        hash[i] = UINT64_C(0xcbf29ce484222325);
        for (size_t k = 0; k < view.size; k++)
            hash[i] = (hash[i] ^ view.data[k]) * UINT64_C(0x100000001b3);
        iv__view_close(&view);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();
    uint64_t once[2], twice[2];
    metrics m;

    if (size < 3)
        return 0;
    const size_t cut_at = (size_t)(data[1] | data[2] << 8) % (size - 2);
    make_folder();
    put_file(lines, data + 3, cut_at);
    put_file(events, data + 3 + cut_at, size - 3 - cut_at);
    const bool failed = metrics_read(home, lines, &m) != IV_OK;
    metrics_free(&m);
    must(!failed || *iv_home_message(home));
    cut(home, data[0], once);
    cut(home, data[0], twice);
    must(once[0] == twice[0]);
    return fuzz_end(home, false);
}
