/* backend.c: which backends there are, and which one a home uses. */
#include "backend/cpu/cpu.h"

#include "base/home.h"
#include "base/text.h"

#include <string.h>

const iv__backend *const iv__backends[] = {
#ifndef IVORY_NO_X86
    &iv__backend_amx,      &iv__backend_avx512bf16_few, &iv__backend_avx512bf16,
    &iv__backend_avx512,   &iv__backend_avx2,
#endif
    &iv__backend_portable, &iv__backend_amx_emulated,   NULL,
};

/* The names of those here, or of all, with commas between. */
static void names(iv__text *text, bool here)
{
    for (int i = 0; iv__backends[i]; i++) {
        if (here && !iv__backends[i]->available())
            continue;
        iv__text_print(text, "%s%s", text->size ? ", " : "", iv__backends[i]->name);
    }
}

static const iv__backend *refuse(iv_home *home, const char *asked, bool known)
{
    iv__text text = { .home = home };

    names(&text, known);
    if (text.failed)
        return NULL;
    if (known)
        iv_fail(home, IV_UNSUPPORTED,
                "this processor does not have the instruction set %s that was asked for; it has: %s",
                asked, text.data);
    else
        iv_fail(home, IV_NAME, "unknown instruction set '%s'; the choices are: %s", asked, text.data);
    iv__text_free(&text);
    return NULL;
}

const iv__backend *iv__backend_of(iv_home *home)
{
    const char *asked = iv__home_isa(home);

    for (int i = 0; iv__backends[i]; i++) {
        if (asked ? strcmp(asked, iv__backends[i]->name) != 0 : !iv__backends[i]->available())
            continue;
        return iv__backends[i]->available() ? iv__backends[i] : refuse(home, asked, true);
    }
    return refuse(home, asked, false);
}

const iv__fast_kernel *iv__backend_find(const iv__fast_kernel *list, const char *op,
                                        const iv_kernel_call *k)
{
    for (const iv__fast_kernel *kernel = list; kernel->op; kernel++) {
        if (strcmp(kernel->op, op) == 0 && (!kernel->fits || kernel->fits(k)))
            return kernel;
    }
    return NULL;
}
