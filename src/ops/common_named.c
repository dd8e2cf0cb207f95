/* common_named.c: Ivory's own rows by their names. */
#include "ops/common_named.h"

#include <string.h>

#define IV__OPS(name) extern const iv_op *const iv__ops_##name[];
#include "registry_ops.inc"
#undef IV__OPS

#define IV__OPS(name) iv__ops_##name,
static const iv_op *const *const families[] = {
#include "registry_ops.inc"
};
#undef IV__OPS

const iv_op *iv__op_named(const char *name)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const iv_op *const *op = families[f]; *op; op++)
            if (!strcmp((*op)->name, name))
                return *op;
    return NULL;
}
