/* random.c: Philox 4x32-10, keys for places, and shuffling. */
#include "base/random.h"

void iv__philox(uint64_t key, uint64_t high, uint64_t low, uint32_t word[4])
{
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

uint64_t iv__random_key(uint64_t seed, const char *place)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    uint32_t word[4];

    for (; *place; place++)
        hash = (hash ^ (unsigned char)*place) * UINT64_C(0x100000001b3);
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
