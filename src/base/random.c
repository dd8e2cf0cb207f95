/* random.c: keys for places, and shuffling. */
#include "base/random.h"

#include "base/hash.h"

#include <string.h>

uint64_t iv__random_key(uint64_t seed, const char *place)
{
    const uint64_t hash = iv__hash(IV__HASH_BEGIN, place, strlen(place));
    uint32_t word[4];

    iv__philox(seed, hash, 0, word); /* mixes seed and place, so that near seeds are far apart */
    return (uint64_t)word[1] << 32 | word[0];
}

void iv__shuffle(uint64_t key, uint64_t epoch, int32_t *order, int64_t n)
{
    uint32_t word[4];

    for (int64_t i = 0; i < n; i++)
        order[i] = (int32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        iv__philox(key, epoch, (uint64_t)i, word);
        uint64_t draw = (uint64_t)word[1] << 32 | word[0];
        int64_t j = (int64_t)((unsigned __int128)draw * (uint64_t)(i + 1) >> 64);
        int32_t other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
}
