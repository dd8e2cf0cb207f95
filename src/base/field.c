/* field.c: option structs through their field tables: defaults, setting from text, printing,
 * equality. */
#define _GNU_SOURCE
#include "base/field.h"
#include "base/hash.h"
#include "base/home.h"

#include <ivory/tensor.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *member_of(const iv_field *field, void *options)
{
    return (char *)options + field->offset;
}

static const void *member_in(const iv_field *field, const void *options)
{
    return (const char *)options + field->offset;
}

static size_t size_of(const iv_field *field)
{
    switch (field->type) {
    case IV_FIELD_INT: return sizeof(int64_t);
    case IV_FIELD_REAL: return sizeof(double);
    case IV_FIELD_BOOL: return sizeof(bool);
    case IV_FIELD_CHOICE: return sizeof(int);
    case IV_FIELD_TEXT: return sizeof(char *);
    case IV_FIELD_SHAPE: return sizeof(iv_shape);
    case IV_FIELD_DTYPE: return sizeof(int64_t);
    }
    return 0;
}

/* Index of `word` among blank-separated words, or -1. */
static int choice_index(const char *choices, const char *word)
{
    size_t size = strlen(word);

    for (int i = 0; *choices; i++) {
        size_t n = strcspn(choices, " ");
        if (n == size && !memcmp(choices, word, n))
            return i;
        choices += n + (choices[n] == ' ');
    }
    return -1;
}

/* Numbers have a decimal point, also where the program around the library has set a locale with
 * a comma. */
static double number_of(const char *text, char **end)
{
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), around = uselocale(plain);
    double number = strtod(text, end);

    uselocale(around);
    if (plain)
        freelocale(plain);
    return number;
}

static void print_number(double x, char *text, size_t size)
{
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), around = uselocale(plain);

    snprintf(text, size, "%.6g", x);
    if (strtod(text, NULL) != x)
        snprintf(text, size, "%.17g", x);
    uselocale(around);
    if (plain)
        freelocale(plain);
}

static iv_status bad_value(iv_home *home, const iv_field *field, const char *value)
{
    if (field->type == IV_FIELD_CHOICE)
        return iv_fail(home, IV_VALUE, "%s: '%s' is none of: %s", field->name, value, field->choices);
    if (field->type == IV_FIELD_BOOL)
        return iv_fail(home, IV_VALUE, "%s: '%s' is neither yes nor no", field->name, value);
    if (field->type == IV_FIELD_SHAPE)
        return iv_fail(home, IV_VALUE, "%s: expected a shape such as [2,3], got '%s'", field->name,
                       value);
    if (field->type == IV_FIELD_DTYPE)
        return iv_fail(home, IV_VALUE, "%s: '%s' is no element type (f32, f64, i32, u8)",
                       field->name, value);
    const char *kind = field->type == IV_FIELD_INT ? "a whole number" : "a number";
    if (field->low < field->high)
        return iv_fail(home, IV_VALUE, "%s: expected %s from %.10g to %.10g, got '%s'", field->name,
                       kind, field->low, field->high, value);
    return iv_fail(home, IV_VALUE, "%s: expected %s, got '%s'", field->name, kind, value);
}

static bool in_range(const iv_field *field, double x)
{
    return field->low >= field->high || (x >= field->low && x <= field->high);
}

/* "[2,3]", and "[]" without axes. */
static bool shape_of(const char *text, iv_shape *shape)
{
    iv_shape read = { 0 };
    const bool none = !strcmp(text, "[]");

    while (!none && *text == (read.rank ? ',' : '[') && read.rank < IV_MAX_RANK) {
        char *end;

        errno = 0;
        read.dim[read.rank++] = strtoll(text + 1, &end, 10);
        if (end == text + 1 || errno)
            return false;
        text = end;
    }
    if (!none && strcmp(text, "]"))
        return false;
    *shape = read;
    return true;
}

static iv_status set_field(iv_home *home, iv__arena *arena, const iv_field *field, void *options,
                           const char *value)
{
    void *member = member_of(field, options);
    char *end;

    errno = 0;
    switch (field->type) {
    case IV_FIELD_INT: {
        long long x = strtoll(value, &end, 10);
        if (end == value || *end || errno || !in_range(field, (double)x))
            return bad_value(home, field, value);
        *(int64_t *)member = x;
        return IV_OK;
    }
    case IV_FIELD_REAL: {
        double x = number_of(value, &end);
        if (end == value || *end || !isfinite(x) || !in_range(field, x))
            return bad_value(home, field, value);
        *(double *)member = x;
        return IV_OK;
    }
    case IV_FIELD_BOOL:
        if (strcmp(value, "yes") && strcmp(value, "no"))
            return bad_value(home, field, value);
        *(bool *)member = !strcmp(value, "yes");
        return IV_OK;
    case IV_FIELD_CHOICE: {
        int index = choice_index(field->choices, value);
        if (index < 0)
            return bad_value(home, field, value);
        *(int *)member = index;
        return IV_OK;
    }
    case IV_FIELD_TEXT: {
        const char *copy = arena ? iv__arena_text(arena, value) : value;
        if (!copy)
            return IV_NOMEM;
        *(const char **)member = copy;
        return IV_OK;
    }
    case IV_FIELD_SHAPE: return shape_of(value, member) ? IV_OK : bad_value(home, field, value);
    case IV_FIELD_DTYPE:
        for (int64_t dtype = IV_F32; dtype <= IV_U8; dtype++)
            if (!strcmp(value, iv_dtype_name((iv_dtype)dtype))) {
                *(int64_t *)member = dtype;
                return IV_OK;
            }
        return bad_value(home, field, value);
    }
    return IV_VALUE;
}

void iv__fields_default(const iv_field *fields, void *options)
{
    for (; fields->name; fields++)
        if (fields->value)
            set_field(NULL, NULL, fields, options, fields->value);
}

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !(*a == '-' && *b == '_') && !(*a == '_' && *b == '-'))
            return false;
    return *a == *b;
}

const iv_field *iv__field_find(const iv_field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (same_name(fields->name, name))
            return fields;
    return NULL;
}

iv_status iv__field_set(iv_home *home, iv__arena *arena, const iv_field *fields, void *options,
                        const char *name, const char *value)
{
    const iv_field *field = iv__field_find(fields, name);
    if (field)
        return set_field(home, arena, field, options, value);

    enum { MOST = 128 };
    const char *names[MOST + 1] = { 0 };
    for (int i = 0; i < MOST && fields[i].name; i++)
        names[i] = fields[i].name;
    const char *near = iv__nearest(name, names);
    if (near)
        return iv_fail(home, IV_NAME, "there is no option '%s'; did you mean '%s'?", name, near);
    return iv_fail(home, IV_NAME, "there is no option '%s'", name);
}

iv_status iv__settings_each(iv_home *home, const char *settings, iv__setter *set, void *self)
{
    char name[64], value[192];

    while (*settings) {
        size_t n = strcspn(settings, " "), equals = strcspn(settings, "=");
        if (equals >= n || equals >= sizeof name || n - equals > sizeof value)
            return iv_fail(home, IV_VALUE, "expected name=value, got '%.*s'", (int)n, settings);
        memcpy(name, settings, equals);
        name[equals] = 0;
        memcpy(value, settings + equals + 1, n - equals - 1);
        value[n - equals - 1] = 0;
        iv_status status = set(self, name, value);
        if (status)
            return status;
        settings += n;
        settings += strspn(settings, " ");
    }
    return IV_OK;
}

typedef struct table {
    iv_home *home;
    iv__arena *arena;
    const iv_field *fields;
    void *options;
} table;

static iv_status set_in_table(void *self, const char *name, const char *value)
{
    const table *t = self;

    return iv__field_set(t->home, t->arena, t->fields, t->options, name, value);
}

iv_status iv__fields_set(iv_home *home, iv__arena *arena, const iv_field *fields, void *options,
                         const char *settings)
{
    table t = { home, arena, fields, options };

    return iv__settings_each(home, settings, set_in_table, &t);
}

void iv__field_print(const iv_field *field, const void *options, iv__text *text)
{
    const void *member = member_in(field, options);

    switch (field->type) {
    case IV_FIELD_INT: iv__text_print(text, "%lld", (long long)*(const int64_t *)member); break;
    case IV_FIELD_REAL: {
        char number[40];
        print_number(*(const double *)member, number, sizeof number);
        iv__text_put(text, number);
        break;
    }
    case IV_FIELD_BOOL: iv__text_put(text, *(const bool *)member ? "yes" : "no"); break;
    case IV_FIELD_CHOICE: {
        const char *word = field->choices;
        for (int i = *(const int *)member; i > 0; i--)
            word += strcspn(word, " ") + 1;
        iv__text_add(text, word, strcspn(word, " "));
        break;
    }
    case IV_FIELD_TEXT: iv__text_put(text, *(const char *const *)member); break;
    case IV_FIELD_SHAPE: {
        char shape[160];
        iv__text_put(text, iv_shape_text(member, shape, sizeof shape));
        break;
    }
    case IV_FIELD_DTYPE: {
        const int64_t *dtype = member;
        iv__text_put(text, iv_dtype_name((iv_dtype)*dtype));
        break;
    }
    }
}

bool iv__fields_same(const iv_field *fields, const void *a, const void *b)
{
    for (; fields->name; fields++) {
        const void *x = member_in(fields, a), *y = member_in(fields, b);
        if (fields->type == IV_FIELD_TEXT ? strcmp(*(const char *const *)x, *(const char *const *)y)
                                          : memcmp(x, y, size_of(fields)))
            return false;
    }
    return true;
}

uint64_t iv__fields_hash(const iv_field *fields, const void *options)
{
    uint64_t hash = IV__HASH_BEGIN;

    for (; fields->name; fields++) {
        const void *member = member_in(fields, options);
        if (fields->type == IV_FIELD_TEXT)
            hash = iv__hash(hash, *(const char *const *)member, strlen(*(const char *const *)member));
        else
            hash = iv__hash(hash, member, size_of(fields));
    }
    return hash;
}
