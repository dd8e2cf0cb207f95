/* sgml.h: a marked-up text in Latin-1 as tags and text, without knowing what the tags mean. */
#ifndef IV_FORMAT_SGML_H
#define IV_FORMAT_SGML_H

#include "format/source.h"

typedef struct iv__sgml iv__sgml;
typedef enum iv__sgml_kind {
    IV__SGML_TEXT,  /* a piece of text, UTF-8, entities decoded, control characters left out */
    IV__SGML_OPEN,  /* a tag's name in capitals; its attributes are not kept */
    IV__SGML_CLOSE, /* the same */
    IV__SGML_END,
    IV__SGML_FAILED,
} iv__sgml_kind;

iv__sgml *iv__sgml_new(iv__source *source); /* borrows it */
void iv__sgml_free(iv__sgml *sgml);

/* What comes next; text and names are terminated, and valid until the next call. Declarations and
 * comments are passed over; a '<' that begins no tag is text.
 * Errors: FORMAT "NAME:LINE: ..." for a tag that does not end. */
iv__sgml_kind iv__sgml_next(iv__sgml *sgml, const char **text, size_t *size);

#endif
