/* weights.h: weights that other programs have written, and how they become parameters. Of the library ivory-io.
 *
 *   iv_weights *w = iv_weights_open(home, "vgg16.weights.h5");
 *   iv_weights_load(w, params, .partial = true);
 *
 * Read are: Keras's .h5 and .hdf5 (1 and 2, weights alone or whole models), .weights.h5 and .keras (3), by the helper
 * program ivory-hdf5; NumPy's .npz and .npy; safetensors. What a file is, is seen from its first bytes. */
#ifndef IVORY_WEIGHTS_H
#define IVORY_WEIGHTS_H

#include <ivory/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iv_weights iv_weights;

/* Errors    IO; FORMAT for what is cut short or damaged, or none of these; UNSUPPORTED for what these formats may hold
 *           and Ivory does not read (pickled Python objects, encrypted archives), and HDF5 without the helper. */
IV_API iv_weights *iv_weights_open(iv_home *home, const char *path);
IV_API void iv_weights_free(iv_weights *weights);

typedef struct iv_weight {
    const char *name; /* as the file has it: "lstm_1/lstm_1/kernel:0" */
    const char *layer; /* what it belongs to, without the file's own words: "lstm_1"; "" where nothing is said */
    const char *part; /* of the layer: "kernel", or where the file only counts them "0" */
    const char *kind; /* "F32", "F16", "I64" ... as safetensors names them */
    iv_shape shape;
    bool beside; /* no weight of a layer: an optimizer's, or whole numbers, which are counts, seeds, vocabularies */
} iv_weight;

/* All of them, a model's in the order of its layers. */
IV_API int64_t iv_weights_count(const iv_weights *weights);
IV_API const iv_weight *iv_weights_of(const iv_weights *weights, int64_t i);
IV_API int64_t iv_weights_find(const iv_weights *weights, const char *name); /* -1 with a message: NAME */
/* Its numbers as a tensor of that dtype (0: of the one that holds them best).
 * Errors    UNSUPPORTED for kinds that no dtype holds; VALUE for a number that the dtype does not have. */
IV_API iv_tensor *iv_weights_read(const iv_weights *weights, int64_t i, iv_dtype dtype);

/* ---- into parameters ------------------------------------------------------------------------- */
/* What became of a weight, or of a parameter that found none. */
typedef struct iv_weights_match {
    const iv_weight *weight; /* NULL: none was found */
    const char *parameter;   /* NULL: nothing wants the weight */
    iv_shape shape;          /* of the parameter */
    bool taken;
    const char *note; /* why it was not taken; else from which layout it was brought into Ivory's, or "" */
} iv_weights_match;
typedef void iv_weights_sink(void *user, const iv_weights_match *match);

typedef enum iv_weights_order {
    IV_BY_NAME_OR_ORDER, /* by name; in order, if no layer of the file is called as one of the parameters' */
    IV_BY_NAME,
    IV_IN_ORDER,
} iv_weights_order;

typedef struct iv_weights_options {
    size_t size;
    iv_weights_order match;
    const char *from; /* only layers of the file whose names begin so ("encoder/"), which is left out then; NULL: all */
    const char *into;      /* the same of parameters */
    bool partial;          /* parameters may find no weight, and weights no parameter */
    bool not_finite;       /* weights may be NaN or infinite */
    iv_weights_sink *sink; /* told of each in turn, also where the whole is refused then; NULL: nobody */
    void *user;
} iv_weights_options;

/* Gives parameters their weights; optimizers' and carried states stay as they are. Layers are brought together, by their
 * names (one may end with the other, at a '/') or one after the other in order of making, and in each its parts, by
 * name or in order. Keras's other layouts become Ivory's: CuDNNLSTM and CuDNNGRU, and the twelve or nine arrays of Keras
 * 1's LSTM and GRU. All are checked before the first is changed.
 * Errors    NAME for a parameter without a weight or a weight without a parameter; SHAPE with both shapes; NUMERIC for
 *           weights that are not finite; those of iv_weights_read. */
IV_API iv_status iv_weights_load_with(const iv_weights *weights, iv_params *params,
                                      const iv_weights_options *options);
#define iv_weights_load(weights, params, ...) \
    iv_weights_load_with(weights, params,     \
                         &(iv_weights_options){ .size = sizeof(iv_weights_options), __VA_ARGS__ })
/* One weight into one parameter, both by their full names. Errors: NAME, SHAPE, NUMERIC, those of iv_weights_read. */
IV_API iv_status iv_weights_put(const iv_weights *weights, const char *weight, iv_params *params,
                                const char *parameter);

#ifdef __cplusplus
}
#endif
#endif
