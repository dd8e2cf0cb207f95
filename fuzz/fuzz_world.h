/* fuzz_world.h: what fuzz targets share: one home, and the promise that nothing is left in it. */
#ifndef IVORY_FUZZ_WORLD_H
#define IVORY_FUZZ_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "base/home.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, so that the fuzzer keeps the input. */
static inline void must(bool truth)
{
    if (!truth)
        abort();
}

static inline iv_home *fuzz_home(void)
{
    static iv_home *home;

    if (!home)
        home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    must(home != NULL);
    iv_home_clear(home);
    return home;
}

/* Nothing leaked, and what failed said why. */
static inline int fuzz_end(iv_home *home, bool failed)
{
    must(iv__home_bytes(home) == 0);
    must(!failed || (iv_home_status(home) != IV_OK && *iv_home_message(home)));
    return 0;
}

#endif
