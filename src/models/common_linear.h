/* common_linear.h: linear least squares, y = b + sum a x, in doubles. */
#ifndef IV_MODELS_COMMON_LINEAR_H
#define IV_MODELS_COMMON_LINEAR_H

#include <ivory/base.h>

/* Of n inputs. Sums are taken in the order of the calls. Inputs should be standardised or nearly so: the normal
 * equations lose half the digits of others. */
typedef struct iv__linear {
    iv_home *home;
    int n;
    double *products; /* [n+1,n+2]: sums of products of (1, x, y), of which the lower triangle counts */
    double *factors; /* [n+1]: b, a; once solved */
} iv__linear;

iv_status iv__linear_begin(iv_home *home, int n, iv__linear *linear);
void iv__linear_add(iv__linear *linear, const double *x, double y);
/* An input that the ones before it determine has the factor 0. */
void iv__linear_solve(iv__linear *linear);
double iv__linear_value(const iv__linear *linear, const double *x);
void iv__linear_free(iv__linear *linear);

#endif
