/* random.h: random numbers that are counted, not drawn (Philox 4x32-10).
 * Source: Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3. */
#ifndef IV_BASE_RANDOM_H
#define IV_BASE_RANDOM_H

#include <ivory/base.h>

/* Four words for a key and a 128-bit counter (high, low). Inline: who draws many has several in
 * flight. */
static inline void iv__philox(uint64_t key, uint64_t high, uint64_t low, uint32_t word[4])
{
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32);
    uint32_t c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

#pragma GCC unroll 10
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

/* A key for a place ("shuffle", "writer/dropout") under a seed. */
uint64_t iv__random_key(uint64_t seed, const char *place);

/* [0,1) with 24 bits, and with 53 bits. */
static inline float iv__unit_f32(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}
static inline double iv__unit_f64(uint32_t a, uint32_t b)
{
    return (double)(int64_t)(((uint64_t)a << 21) ^ (b >> 11)) * 0x1p-53;
}

/* Writes the order of n records for an epoch: a permutation of 0..n-1 (Fisher-Yates). */
void iv__shuffle(uint64_t key, uint64_t epoch, int32_t *order, int64_t n);

#endif
