/* extent.c: how much text tokens are. */
#include "data/extent.h"

void iv__extent_begin(iv__extent *e)
{
    e->inside = true;
    e->left = 0;
}

/* Follows the bytes of characters by their leads alone: what is no text breaks that soon enough. */
static void follow(iv__extent *e, unsigned char byte)
{
    bool goes_on = (byte & 0xC0) == 0x80;

    if (goes_on && (e->left || e->inside)) {
        e->left -= e->left > 0;
        return;
    }
    e->broken = e->broken || goes_on || e->left || byte == 0xC0 || byte == 0xC1 || byte > 0xF4;
    e->inside = false;
    e->left = byte < 0xC0 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
}

void iv__extent_add(iv__extent *e, int32_t id)
{
    iv__tokens_kind kind = iv__vocabulary_rules(e->vocabulary)->kind;

    e->characters += iv__vocabulary_characters(e->vocabulary, id);
    if ((kind != IV__TOKENS_BYTES && kind != IV__TOKENS_BPE) || id < iv__vocabulary_first(e->vocabulary))
        return;
    const char *token = iv__vocabulary_token(e->vocabulary, id);
    size_t size = iv__vocabulary_token_size(e->vocabulary, id);
    for (size_t i = 0; i < size; i++)
        follow(e, (unsigned char)token[i]);
    e->bytes += (int64_t)size;
}

int64_t iv__extent_units(const iv__extent *e)
{
    return e->broken ? e->bytes : e->characters;
}

const char *iv__extent_measure(const iv__extent *e)
{
    return e->broken ? "bits per byte" : "bits per character";
}
