/* vector.h: words that every kernels_*.c is written in.
 *
 * Each such file has V (a vector of floats, on which + - * / work), W (its floats) and the v_
 * functions, of its own or from a words_*.h, defines the tile sizes, then includes inner.inc, which
 * is written once for all. */
#ifndef IV_BACKEND_CPU_VECTOR_H
#define IV_BACKEND_CPU_VECTOR_H

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
