/* field.h: reading, comparing and printing option structs by their field tables. */
#ifndef IV_BASE_FIELD_H
#define IV_BASE_FIELD_H

#include "base/arena.h"
#include "base/text.h"

/* A line of a field table: FIELD(options, units, INT, "128", 1, 65536, "", "", "its width"). */
/* clang-format off */
#define FIELD(type_name, member, kind, value, low, high, choices, unit, help)                      \
    { #member, IV_FIELD_##kind, offsetof(type_name, member), value, low, high, choices, unit, help }
#define FIELD_END { NULL, 0, 0, NULL, 0, 0, NULL, NULL, NULL }
/* clang-format on */

/* Sets every field to its default. TEXT values point into the table. */
void iv__fields_default(const iv_field *fields, void *options);

/* Sets one field from text; TEXT is copied into the arena. A name may be written with '-' for '_'.
 * Errors: NAME (with the nearest name), VALUE (with the range or the choices). */
iv_status iv__field_set(iv_home *home, iv__arena *arena, const iv_field *fields, void *options,
                        const char *name, const char *value);

/* "units=256 layers=2": blank-separated settings, as systems are declared; gives each to set, until one fails.
 * Errors: VALUE for what is no name=value; what set says. */
typedef iv_status iv__setter(void *self, const char *name, const char *value);
iv_status iv__settings_each(iv_home *home, const char *settings, iv__setter *set, void *self);
/* Sets the fields of one table so. */
iv_status iv__fields_set(iv_home *home, iv__arena *arena, const iv_field *fields, void *options,
                         const char *settings);

const iv_field *iv__field_find(const iv_field *fields, const char *name);
/* As iv__field_set reads it. */
void iv__field_print(const iv_field *field, const void *options, iv__text *text);
bool iv__fields_same(const iv_field *fields, const void *a, const void *b);
uint64_t iv__fields_hash(const iv_field *fields, const void *options);

#endif
