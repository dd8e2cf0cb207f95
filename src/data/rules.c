/* rules.c: how texts become tokens, as words in a line: "words complete inside". */

#include <string.h>

#include "data/text.h"

static const char *const kind_names[] = {
#define KIND_NAME(kind, text) [IV__TOKENS_##kind] = text,
    IV__TOKENS_MAP(KIND_NAME)
#undef KIND_NAME
};

/* In the order in which they are written. */
static const struct flag {
    const char *name;
    size_t offset;
} flags[] = {
    { "complete", offsetof(iv__token_rules, complete) },
    { "end", offsetof(iv__token_rules, end) },
    { "begin", offsetof(iv__token_rules, begin) },
    { "entities", offsetof(iv__token_rules, entities) },
    { "inside", offsetof(iv__token_rules, inside) },
};

void iv__token_rules_print(const iv__token_rules *rules, iv__text *text)
{
    iv__text_put(text, kind_names[rules->kind]);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (*(const bool *)((const char *)rules + flags[i].offset))
            iv__text_print(text, " %s", flags[i].name);
}

/* Takes a name off the front, with the blank before it if it is not the first. */
static bool take(const char **at, const char *end, const char *name, bool first)
{
    size_t length = strlen(name), left = (size_t)(end - *at);
    const char *begin = *at + !first;

    if (left < length + !first || (!first && **at != ' ') || memcmp(begin, name, length) != 0 ||
        (begin + length < end && begin[length] != ' '))
        return false;
    *at = begin + length;
    return true;
}

bool iv__token_rules_read(const char *text, size_t size, iv__token_rules *rules)
{
    const char *at = text, *end = text + size;
    size_t kind = 0, kinds = sizeof kind_names / sizeof *kind_names;

    *rules = (iv__token_rules){ 0 };
    while (kind < kinds && !take(&at, end, kind_names[kind], true))
        kind++;
    if (kind == kinds)
        return false;
    rules->kind = (iv__tokens_kind)kind;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        *(bool *)((char *)rules + flags[i].offset) = take(&at, end, flags[i].name, false);
    return at == end && (rules->kind < IV__TOKENS_BYTES || rules->complete);
}
