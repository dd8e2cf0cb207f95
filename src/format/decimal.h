/* decimal.h: numbers written in decimal, as files of text hold them: with a point, whatever the locale. */
#ifndef IV_FORMAT_DECIMAL_H
#define IV_FORMAT_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* The number that the `size` bytes of text are, all of them: [+-]digits[.digits][e[+-]digits], rounded to the nearest
 * double. False for anything else and for what is beyond the range of doubles. */
bool iv__decimal(const char *text, size_t size, double *number);

#endif
