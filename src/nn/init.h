/* init.h: first values of parameters. */
#ifndef IV_NN_INIT_H
#define IV_NN_INIT_H

#include <ivory/nn.h>

/* Fills a parameter's tensor. The values depend on the seed, the name and the shape alone; f32
 * ones are those of f64, rounded. Errors: NOMEM. */
iv_status iv__init_fill(iv_tensor *tensor, iv_init init, uint64_t seed, const char *name);

#endif
