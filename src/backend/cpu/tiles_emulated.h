/* tiles_emulated.h: the words of inner_tiles.inc in plain C, so that packing, edges and blocking
 * are tested where there are no tiles.
 *
 * Sums are exact products of bf16 added in f32, pair after pair, as AMX adds them; AMX takes
 * denormals for 0. */
#ifndef IV_BACKEND_CPU_TILES_EMULATED_H
#define IV_BACKEND_CPU_TILES_EMULATED_H

#include "backend/cpu/vector.h"

#include <stdint.h>
#include <string.h>

typedef struct tile_file {
    unsigned char tile[8][16][64];
} tile_file;

#define T_FILE(name) tile_file name
#define T_ZERO(file, c) memset((file).tile[c], 0, sizeof(file).tile[c])
#define T_LOAD(file, t, from, row_bytes) tile_load((file).tile[t], from, row_bytes)
#define T_DOT(file, c, a, b) tile_dot((file).tile[c], (file).tile[a], (file).tile[b])
#define T_STORE(file, c, to, row_bytes) tile_store((file).tile[c], to, row_bytes)

INLINE void tile_load(unsigned char t[16][64], const void *from, int64_t row_bytes)
{
    for (int i = 0; i < 16; i++)
        memcpy(t[i], (const char *)from + i * row_bytes, 64);
}

INLINE void tile_store(unsigned char t[16][64], void *to, int64_t row_bytes)
{
    for (int i = 0; i < 16; i++)
        memcpy((char *)to + i * row_bytes, t[i], 64);
}

INLINE float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void tile_dot(unsigned char c[16][64], unsigned char a[16][64], unsigned char b[16][64])
{
    float sum[16];
    uint32_t left[16], right[16];

    for (int i = 0; i < 16; i++) {
        memcpy(sum, c[i], sizeof sum);
        memcpy(left, a[i], sizeof left);
        for (int p = 0; p < 16; p++) {
            float low = float_of_bits(left[p] << 16), high = float_of_bits(left[p] & 0xffff0000u);
            memcpy(right, b[p], sizeof right);
            for (int j = 0; j < 16; j++) {
                sum[j] += low * float_of_bits(right[j] << 16);
                sum[j] += high * float_of_bits(right[j] & 0xffff0000u);
            }
        }
        memcpy(c[i], sum, sizeof sum);
    }
}

static void tiles_begin(void)
{
}

static void tiles_end(void)
{
}

#endif
