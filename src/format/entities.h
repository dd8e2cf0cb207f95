/* entities.h: characters that HTML and SGML write as names or numbers: "&lt;", "&#39;". */
#ifndef IV_FORMAT_ENTITIES_H
#define IV_FORMAT_ENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point of the entity that begins at `at`, and its length with '&' and ';'; 0 when there
 * is none that is known. Numbers 128 to 159 mean what they do in Windows-1252, as in HTML.
 * bare: the '&' is missing; then only numbers and the five names of XML are taken for entities. */
size_t iv__entity_read(const char *at, size_t left, bool bare, uint32_t *code);

#endif
