/* winograd.h: the points of Winograd's convolutions of few taps (Winograd 1980; Lavin & Gray 2015, Fast
 * Algorithms for Convolutional Neural Networks).
 *
 * Four neighbouring results of three taps are 6 products in place of 12: those of polynomials at 0, +-a, +-b and
 * infinity. On both axes 16 results of nine taps are 36 products in place of 144. It is the same with three results
 * of four taps, five of two and two of five, and for each axis by itself. These a and b keep f32's
 * rounding small; with 1 and 2, as usual, it is about 1.5 times as large. */
#ifndef IV_BACKEND_CPU_WINOGRAD_H
#define IV_BACKEND_CPU_WINOGRAD_H

enum { IV__POINTS = 6, IV__POINTS_TAPS = 5 }; /* points; taps at most */

#define IV__POINT_A 0.625f
#define IV__POINT_B 1.5f

#endif
