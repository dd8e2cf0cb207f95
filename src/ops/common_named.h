/* common_named.h: Ivory's own rows by their names. */
#ifndef IV_OPS_COMMON_NAMED_H
#define IV_OPS_COMMON_NAMED_H

#include <ivory/row.h>

/* NULL: none of the vocabulary; leaves are not of it. */
const iv_op *iv__op_named(const char *name);

#endif
