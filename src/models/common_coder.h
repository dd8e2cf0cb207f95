/* common_coder.h: an arithmetic coder, and pictures coded with what a model that paints expects of them.
 * Source: Martin 1979, Range encoding: an algorithm for removing redundancy from a digitised message. */
#ifndef IV_MODELS_COMMON_CODER_H
#define IV_MODELS_COMMON_CODER_H

#include "base/text.h"
#include "models/common_painter.h"

/* ---- numbers --------------------------------------------------------------------------------- */
/* A symbol has the stretch [cumulated, cumulated + frequency) of IV__CODER_TOTAL. */
enum { IV__CODER_BITS = 24, IV__CODER_TOTAL = 1 << IV__CODER_BITS };

typedef struct iv__number_encoder {
    uint64_t low, range;
    iv__text bytes; /* so far; with home */
} iv__number_encoder;
iv__number_encoder iv__number_encoder_new(iv_home *home);
void iv__encode_symbol(iv__number_encoder *encoder, uint32_t cumulated, uint32_t frequency);
void iv__number_encoder_end(iv__number_encoder *encoder); /* bytes are complete then; text.failed without memory */

typedef struct iv__number_decoder {
    uint64_t code, range;
    const unsigned char *bytes;
    size_t size, at;
} iv__number_decoder;
iv__number_decoder iv__number_decoder_new(const void *bytes, size_t size);
/* Where in [0, IV__CODER_TOTAL) the next symbol's stretch lies; then the symbol is taken. */
uint32_t iv__number_decoder_place(iv__number_decoder *decoder);
void iv__number_decoder_take(iv__number_decoder *decoder, uint32_t cumulated, uint32_t frequency);

/* ---- pictures -------------------------------------------------------------------------------- */
typedef struct iv__coded {
    int64_t height, width;
    int32_t label;         /* of models with classes */
    unsigned char *values; /* [H,W,C], 0 .. levels - 1 */
} iv__coded;

/* Pictures may have any size. Both must run with the same kernels on both sides: a home of its own with isa "portable" and precision
 * f32 makes them the same on every processor. progress (NULL: none) is told each row.
 * Errors    UNSUPPORTED for a network that looks ahead; STOPPED by progress. */
typedef bool iv__coder_progress(void *user, int64_t rows); /* false: stop */
iv_status iv__encode_picture(iv__instance *instance, iv_params *params, const iv__coded *picture,
                             iv__number_encoder *encoder, iv__coder_progress *progress, void *user);
iv_status iv__decode_picture(iv__instance *instance, iv_params *params, iv__coded *picture,
                             iv__number_decoder *decoder, iv__coder_progress *progress, void *user);

#endif
