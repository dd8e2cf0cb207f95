/* fuzz_tokens.c: any bytes as a cache of tokens, and as the content of one whose checksums are
 * right. */
#include "base/sha256.h"
#include "fuzz_world.h"

#include "data/tokens_parts.h"

static bool read_all(iv_home *home, const void *bytes, size_t size)
{
    iv__tokens *tokens = iv__tokens_read(home, "input", bytes, size);
    int32_t ids[16];

    if (tokens) {
        int64_t total = 0, count = iv__vocabulary_count(iv__tokens_vocabulary(tokens));
        for (int64_t r = 0; r < iv__tokens_records(tokens); r++) {
            int64_t n = iv__tokens_copy(tokens, r, 0, 16, ids);
            must(n > 0);
            for (int64_t i = 0; i < n; i++)
                must(ids[i] > 0 && ids[i] < count);
            total += iv__tokens_length(tokens, r);
        }
        must(total == iv__tokens_total(tokens));
    }
    iv__tokens_free(tokens);
    return tokens != NULL;
}

static void digest(char *digits, const void *bytes, size_t size, const void *more, size_t n_more)
{
    iv__sha256 hash;
    char hex[65];

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, bytes, size);
    iv__sha256_add(&hash, more, n_more);
    iv__sha256_end(&hash, hex);
    memcpy(digits, hex, 64);
}

/* The input chooses the sizes (its first eight bytes) and all that stands between head and foot. */
static bool read_sealed(iv_home *home, const uint8_t *data, size_t size)
{
    if (size < 8)
        return true;
    size_t body = size - 8, room = 64 + body + sizeof(iv__tokens_foot);
    unsigned char *bytes = malloc(room);
    iv__tokens_foot foot = { .records = data[0],
                             .tokens = data[1] | (uint64_t)data[2] << 8,
                             .width = data[3] % 2 ? 2 : 4 };
    uint64_t fixed = (foot.records + 1) * 8 + foot.tokens * foot.width;

    must(bytes != NULL);
    foot.settings_size = data[4] % 4;
    foot.report_size = data[5] % 4;
    fixed += foot.settings_size + foot.report_size;
    foot.vocabulary_size = body > fixed ? body - fixed : data[6];
    memset(bytes, 0, 64);
    memcpy(bytes, IV__TOKENS_HEAD, sizeof IV__TOKENS_HEAD);
    memcpy(bytes + 64, data + 8, body);
    memcpy(foot.mark, IV__TOKENS_FOOT, sizeof foot.mark);
    size_t about = foot.settings_size + foot.report_size;
    about = about < body ? about : body;
    digest(foot.content, bytes, 64 + body - about, NULL, 0);
    digest(foot.sum, bytes + 64 + body - about, about, &foot, offsetof(iv__tokens_foot, sum));
    memcpy(bytes + 64 + body, &foot, sizeof foot);
    bool good = read_all(home, bytes, room);
    free(bytes);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iv_home *home = fuzz_home();

    bool failed = !read_all(home, data, size);
    failed |= !read_sealed(home, data, size);
    return fuzz_end(home, failed);
}
