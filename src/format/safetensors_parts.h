/* safetensors_parts.h: what the writer and the reader of safetensors share. */
#ifndef IV_FORMAT_SAFETENSORS_PARTS_H
#define IV_FORMAT_SAFETENSORS_PARTS_H

#include "format/safetensors.h"

#define IV__METADATA "__metadata__"
#define IV__CHECKSUMS "ivory.checksums"
#define IV__HEADER "ivory.header"
enum { IV__HEADER_MAX = 100000000 }; /* bytes, as the format's own readers have it */

const char *iv__safetensors_kind_name(iv_dtype dtype); /* "F32" ...; NULL: no such dtype */

#endif
