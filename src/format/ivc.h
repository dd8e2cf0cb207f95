/* ivc.h: the file of `ivory compress`: pictures as an arithmetic coder's numbers, and the model that they
 * can be read with.
 *
 * Bytes: "IVC1"; the first 16 of the SHA-256 of the model's weights; the number of pictures; of each
 * height, width and class; the checksum (CRC-32C) of all their values, 4 bytes, lowest first; then the
 * numbers. Counts are in base 128, lowest first, all bytes but the last with the top bit set. */
#ifndef IV_FORMAT_IVC_H
#define IV_FORMAT_IVC_H

#include "base/text.h"

/* Bytes of the model's checksum; pictures, and pixels of one, at most. */
enum { IV__IVC_MODEL = 16, IV__IVC_PICTURES = 1 << 20, IV__IVC_PIXELS = 1 << 22 };

typedef struct iv__ivc_picture {
    int64_t height, width, label;
} iv__ivc_picture;

typedef struct iv__ivc {
    unsigned char model[IV__IVC_MODEL];
    int64_t n;
    iv__ivc_picture *pictures; /* freed by iv__ivc_free */
    uint32_t checksum;
    const unsigned char *numbers; /* lent: within what was read */
    size_t size;
} iv__ivc;

bool iv__ivc_begins(const void *bytes, size_t size); /* as such a file does */
/* name begins messages. Errors: FORMAT. */
iv_status iv__ivc_read(iv_home *home, const char *name, const void *bytes, size_t size, iv__ivc *ivc);
void iv__ivc_free(iv_home *home, iv__ivc *ivc);
/* Without the numbers, which follow it. */
void iv__ivc_write_head(const iv__ivc *ivc, iv__text *text);

#endif
