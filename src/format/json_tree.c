/* json_tree.c: a small JSON document as a tree, and numbers of JSON as numbers of C. */

#include <string.h>

#include "format/decimal.h"
#include "format/json.h"

/* A value that is being filled, and its last child so far. */
typedef struct open_value {
    iv__json_value *value, *tail;
} open_value;

static const char *copy(iv__arena *arena, const char *text, size_t size)
{
    char *bytes = iv__arena_get(arena, size + 1);

    return bytes ? memcpy(bytes, text, size) : NULL;
}

/* The text of the last event, which must not hold zero bytes, as C's texts end at one. */
static const char *copy_text(iv__json *json, iv__arena *arena)
{
    size_t size;
    const char *text = iv__json_text(json, &size);

    if (memchr(text, 0, size)) {
        iv__json_refuse(json, "\\u0000 has no place in this text");
        return NULL;
    }
    return copy(arena, text, size);
}

static iv__json_value *add_value(iv__json *json, iv__arena *arena, iv__json_kind kind, const char *name)
{
    iv__json_value *value = iv__arena_get(arena, sizeof *value);
    bool has_text = kind == IV__JSON_STRING || kind == IV__JSON_NUMBER;

    if (!value)
        return NULL;
    value->kind = kind;
    value->name = name;
    value->text = has_text ? copy_text(json, arena) : "";
    iv__json_place(json, &value->line, &value->column);
    return value->text ? value : NULL;
}

static const iv__json_value *build(iv__json *json, iv__arena *arena)
{
    open_value open[IV__JSON_DEPTH + 1] = { 0 };
    iv__json_value root = { 0 };
    const char *name = NULL;
    int depth = 0;

    open[0].value = &root;
    for (;;) {
        iv__json_kind kind = iv__json_next(json);
        if (kind == IV__JSON_END)
            return root.first;
        if (kind == IV__JSON_FAILED)
            return NULL;
        if (kind == IV__JSON_OBJECT_END || kind == IV__JSON_ARRAY_END) {
            depth--;
            continue;
        }
        if (kind == IV__JSON_NAME) {
            name = copy_text(json, arena);
            if (!name)
                return NULL;
            continue;
        }

        iv__json_value *value = add_value(json, arena, kind, name);
        if (!value)
            return NULL;
        open_value *parent = &open[depth];
        *(parent->tail ? &parent->tail->next : &parent->value->first) = value;
        parent->tail = value;
        parent->value->count++;
        name = NULL;
        if (kind == IV__JSON_OBJECT || kind == IV__JSON_ARRAY)
            open[++depth] = (open_value){ value, NULL };
    }
}

const iv__json_value *iv__json_tree(iv__source *source, iv__arena *arena)
{
    iv__json *json = iv__json_new(source);
    const iv__json_value *root = json ? build(json, arena) : NULL;

    iv__json_free(json);
    return root;
}

const iv__json_value *iv__json_tree_of(iv_home *home, const char *name, const void *bytes,
                                       size_t size, iv__arena *arena)
{
    iv__source *source = iv__source_memory(home, name, bytes, size);
    const iv__json_value *root = source ? iv__json_tree(source, arena) : NULL;

    iv__source_close(source);
    return root;
}

const iv__json_value *iv__json_member(const iv__json_value *object, const char *name)
{
    if (!object || object->kind != IV__JSON_OBJECT)
        return NULL;
    for (const iv__json_value *member = object->first; member; member = member->next)
        if (strcmp(member->name, name) == 0)
            return member;
    return NULL;
}

const char *iv__json_string(const iv__json_value *value)
{
    return value && value->kind == IV__JSON_STRING ? value->text : NULL;
}

bool iv__json_int(const iv__json_value *value, int64_t *number)
{
    if (!value || value->kind != IV__JSON_NUMBER)
        return false;
    const char *at = value->text;
    bool negative = *at == '-';
    int64_t sum = 0; /* kept negative: the range reaches further there */

    for (at += negative; *at; at++)
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(sum, (int64_t)10, &sum) ||
            __builtin_sub_overflow(sum, (int64_t)(*at - '0'), &sum))
            return false;
    if (!negative && sum == INT64_MIN)
        return false;
    *number = negative ? sum : -sum;
    return true;
}

bool iv__json_real(const iv__json_value *value, double *number)
{
    return value && value->kind == IV__JSON_NUMBER &&
           iv__decimal(value->text, strlen(value->text), number);
}
