/* version.c: which Ivory this is. */
#include <ivory/base.h>

#include "ivory_version.h"

const char *iv_version(void)
{
    return IVORY_VERSION;
}
