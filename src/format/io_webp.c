/* io_webp.c: WebP in, and out without loss, by libwebp. Its working memory is its own: it cannot be
 * given another allocator.
 * Source: RFC 9649. */

#include <webp/decode.h>
#include <webp/encode.h>

#include "base/home.h"
#include "format/image_parts.h"

static iv_status read_failed(iv_home *home, const iv__image_bytes *file, VP8StatusCode code)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return iv_fail(home, IV_NOMEM, "%s: out of memory while libwebp reads it", file->name);
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return iv_fail(home, IV_FORMAT,
                       "%s: the WebP file ends after %zu bytes, before the picture does: copy or make "
                       "it again",
                       file->name, file->size);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return iv_fail(home, IV_UNSUPPORTED, "%s: libwebp does not know this kind of WebP file",
                       file->name);
    default:
        return iv_fail(home, IV_FORMAT, "%s: the WebP file is damaged: copy or make it again",
                       file->name);
    }
}

iv_status iv__webp_decode(iv_home *home, const iv__image_bytes *file, iv__image *image)
{
    WebPDecoderConfig config;

    if (!WebPInitDecoderConfig(&config))
        return iv_fail(home, IV_UNSUPPORTED, "%s: this libwebp is not the one Ivory was built with",
                       file->name);
    VP8StatusCode code = WebPGetFeatures(file->data, file->size, &config.input);
    if (code != VP8_STATUS_OK)
        return read_failed(home, file, code);
    if (config.input.has_animation)
        return iv_fail(home, IV_UNSUPPORTED,
                       "%s: it is an animation; expected a single picture: take a frame out of it",
                       file->name);

    iv_status status = iv__image_begin(home, file->name, config.input.width, config.input.height,
                                       config.input.has_alpha ? 4 : 3, 8, image);
    if (status)
        return status;
    config.output.colorspace = config.input.has_alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = image->pixels;
    config.output.u.RGBA.stride = (int)iv__image_row_bytes(image);
    config.output.u.RGBA.size = iv__image_row_bytes(image) * (size_t)image->height;
    code = WebPDecode(file->data, file->size, &config);
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK ? IV_OK : read_failed(home, file, code);
}

static int put(const uint8_t *bytes, size_t size, const WebPPicture *picture)
{
    iv__text *out = picture->custom_ptr;

    iv__text_add(out, (const char *)bytes, size);
    return !out->failed;
}

iv_status iv__webp_encode(iv_home *home, const char *name, const iv__image *image, iv__text *out)
{
    WebPConfig config;
    WebPPicture picture;

    if (!WebPConfigInit(&config) || !WebPConfigLosslessPreset(&config, 6) || !WebPPictureInit(&picture))
        return iv_fail(home, IV_UNSUPPORTED, "%s: this libwebp is not the one Ivory was built with",
                       name);
    if (image->width > WEBP_MAX_DIMENSION || image->height > WEBP_MAX_DIMENSION)
        return iv_fail(home, IV_UNSUPPORTED,
                       "%s: a picture of %lld by %lld pixels; WebP has %d at most in a row or column: "
                       "write .png",
                       name, (long long)image->width, (long long)image->height, WEBP_MAX_DIMENSION);
    config.exact = 1; /* colours under full transparency stay */
    picture.use_argb = 1;
    picture.width = (int)image->width;
    picture.height = (int)image->height;
    picture.writer = put;
    picture.custom_ptr = out;

    int stride = (int)iv__image_row_bytes(image);
    bool done = image->channels == 4 ? WebPPictureImportRGBA(&picture, image->pixels, stride)
                                     : WebPPictureImportRGB(&picture, image->pixels, stride);
    done = done && WebPEncode(&config, &picture);
    WebPEncodingError error = picture.error_code;
    WebPPictureFree(&picture);
    if (done)
        return IV_OK;
    if (out->failed)
        return IV_NOMEM;
    bool memory = error == VP8_ENC_ERROR_OUT_OF_MEMORY || error == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY;
    return iv_fail(home, memory ? IV_NOMEM : IV_UNSUPPORTED,
                   "%s: libwebp cannot write it (error %d)", name, (int)error);
}
