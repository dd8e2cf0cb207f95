/* tiles_amx.h: the words of inner_tiles.inc on AMX: eight tiles of 16 rows of 64 bytes.
 *
 * Tiles are named by numbers that the compiler must see. gcc 12's tile loads do not say that they
 * read memory: hence the barrier. */
#ifndef IV_BACKEND_CPU_TILES_AMX_H
#define IV_BACKEND_CPU_TILES_AMX_H

#include <immintrin.h>
#include <stdint.h>

#define T_FILE(name) char name __attribute__((unused))
#define T_ZERO(file, c) _tile_zero(c)
#define T_LOAD(file, t, from, row_bytes)   \
    do {                                   \
        __asm__ volatile("" ::: "memory"); \
        _tile_loadd(t, from, row_bytes);   \
    } while (0)
/* c(i,j) += sum over the 16 pairs p of a(i,p) b(p,j) */
#define T_DOT(file, c, a, b) _tile_dpbf16ps(c, a, b)
#define T_STORE(file, c, to, row_bytes)    \
    do {                                   \
        _tile_stored(c, to, row_bytes);    \
        __asm__ volatile("" ::: "memory"); \
    } while (0)

/* Tiles belong to a thread and must be shaped there first; released, they cost no other thread or
 * library anything. */
static void tiles_begin(void)
{
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = { .palette = 1,
                .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
                .rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };

    _tile_loadconfig(&shape);
}

static void tiles_end(void)
{
    _tile_release();
}

#endif
