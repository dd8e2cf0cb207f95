/* fuzz_run.c: any bytes as a model file: what opens it asks for memory in proportion to the file alone; what was opened
 * writes a few words, tells of itself, and is saved and opened again. */
#define _GNU_SOURCE
#include "fuzz_world.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "models/common_trained.h"
#include "registry/registry.h"

/* Of all that is alive at once: a few bytes may not ask for much. */
enum { MOST = 48 << 20 };
static size_t alive;
static bool refused;

static void *allocate_some(void *user, void *old, size_t bytes)
{
    const size_t had = old ? malloc_usable_size(old) : 0;

    (void)user;
    if (bytes == 0) {
        alive -= had;
        free(old);
        return NULL;
    }
    if (bytes > MOST || alive - had > MOST - bytes) {
        refused = true;
        return NULL;
    }
    void *block = realloc(old, bytes);
    alive += block ? malloc_usable_size(block) - had : 0;
    return block;
}

static void take_sample(void *user, const iv__sample *sample)
{
    (void)user;
    must(sample->text[sample->size] == 0);
}

static void use(iv__opened *opened)
{
    const iv__model *model = opened->instance->model;
    iv__text note = { .home = opened->instance->home };

    if (model->about)
        model->about(opened->instance, &note);
    if (model->language) {
        iv__generation g = {
            .n = 2, .length = 3, .temperature = 1, .top_p = 1, .repetition = 1, .prompt = ""
        };
        model->sample(opened->instance, opened->params, &g, take_sample, NULL, &note);
    }
    iv__text_free(&note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static iv_home *home;
    const int file = memfd_create("model", 0);
    iv__opened opened;
    char path[64];

    if (!home)
        home = iv_home_new(&(iv_home_options){
            .size = sizeof(iv_home_options), .threads = 1, .allocate = allocate_some });
    must(home && file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    iv_home_clear(home);
    refused = false;
    const bool failed = iv__opened_load(home, path, "model", &opened) != IV_OK;
    must(!refused);
    if (!failed)
        use(&opened);
    iv__opened_free(&opened);
    close(file);
    return fuzz_end(home, failed);
}
