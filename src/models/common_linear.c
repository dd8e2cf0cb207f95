/* common_linear.c: the normal equations and their Cholesky factors. */
#include "models/common_linear.h"

#include "base/home.h"

#include <math.h>

/* A pivot that has lost so much of its diagonal is rounding: the input follows from those before it. */
#define DEPENDENT 1e-11

static double *product(const iv__linear *l, int row, int column)
{
    return &l->products[(int64_t)row * (l->n + 2) + column];
}

iv_status iv__linear_begin(iv_home *home, int n, iv__linear *l)
{
    const int64_t rows = (int64_t)n + 1;

    *l = (iv__linear){ .home = home, .n = n };
    l->products = iv__alloc_array(home, rows * (rows + 1), sizeof *l->products);
    l->factors = iv__alloc_array(home, rows, sizeof *l->factors);
    if (l->products && l->factors)
        return IV_OK;
    iv__linear_free(l);
    return IV_NOMEM;
}

void iv__linear_free(iv__linear *l)
{
    if (!l->home)
        return;
    iv__free(l->home, l->products);
    iv__free(l->home, l->factors);
    *l = (iv__linear){ 0 };
}

/* The last column of each row is its product with y. */
void iv__linear_add(iv__linear *l, const double *x, double y)
{
    for (int i = 0; i <= l->n; i++) {
        const double one = i ? x[i - 1] : 1;
        *product(l, i, 0) += one;
        for (int k = 1; k <= i; k++)
            *product(l, i, k) += one * x[k - 1];
        *product(l, i, l->n + 1) += one * y;
    }
}

void iv__linear_solve(iv__linear *l)
{
    const int rows = l->n + 1, last = l->n + 1;

    for (int i = 0; i < rows; i++) {
        const double whole = *product(l, i, i);
        for (int k = 0; k <= i; k++) {
            double sum = *product(l, i, k);
            for (int m = 0; m < k; m++)
                sum -= *product(l, i, m) * *product(l, k, m);
            if (k < i)
                *product(l, i, k) = *product(l, k, k) > 0 ? sum / *product(l, k, k) : 0;
            else
                *product(l, i, i) = sum > DEPENDENT * whole ? sqrt(sum) : 0;
        }
        double sum = *product(l, i, last);
        for (int m = 0; m < i; m++)
            sum -= *product(l, i, m) * *product(l, m, last);
        *product(l, i, last) = *product(l, i, i) > 0 ? sum / *product(l, i, i) : 0;
    }
    for (int i = rows - 1; i >= 0; i--) {
        double sum = *product(l, i, last);
        for (int m = i + 1; m < rows; m++)
            sum -= *product(l, m, i) * l->factors[m];
        l->factors[i] = *product(l, i, i) > 0 ? sum / *product(l, i, i) : 0;
    }
}

double iv__linear_value(const iv__linear *l, const double *x)
{
    double sum = l->factors[0];

    for (int i = 0; i < l->n; i++)
        sum += l->factors[i + 1] * x[i];
    return sum;
}
