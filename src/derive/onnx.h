/* onnx.h: a graph as a model in the ONNX format, for any sizes of the axes that inputs leave open.
 *
 * A graph has fixed sizes. So the caller builds it twice, with different numbers on the open axes, and each size that
 * differs must be one of these numbers, or a product or sum with them; anything else is refused by name. What depends
 * on parameters alone is computed and written as it is: masked, normalised and transposed weights. */
#ifndef IV_DERIVE_ONNX_H
#define IV_DERIVE_ONNX_H

#include "format/onnx.h"

#include <ivory/plan.h>

enum { IV__ONNX_OPSET = 17, IV__ONNX_IR = 8 };
enum { IV__ONNX_SYMBOLS = 4 };

/* An open axis. Its two numbers should be primes that no other size has. */
typedef struct iv__onnx_symbol {
    const char *name; /* "batch" */
    int64_t size[2];  /* in each of the two graphs */
} iv__onnx_symbol;

typedef struct iv__onnx_source {
    const char *name, *says; /* of the graph, and of the model */
    int n_symbols;
    iv__onnx_symbol symbols[IV__ONNX_SYMBOLS];
    int n_outputs;
    iv_node *const *outputs[2]; /* of each of the two graphs */
    const char *const *names;   /* of the outputs */
    /* The f32 numbers of a parameter. */
    const void *(*parameter)(void *user, const char *name);
    void *user;
} iv__onnx_source;

/* The model, in the arena, with the graph's input leaves as inputs. Lists that the source lent must outlive it.
 * Errors    UNSUPPORTED for a row that ONNX has no operators for, and for a size that is none of the above: both by
 *           name, with the scope they were made in. */
iv_status iv__onnx_of(iv__arena *arena, const iv__onnx_source *source, iv__onnx_model *model);

#endif
