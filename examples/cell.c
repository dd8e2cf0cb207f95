/* cell.c: a recurrent cell of one's own, made of ops: its gradient comes with it, and one call checks it.
 *
 * The minimal gated unit has one gate, which forgets and resets:
 *   f = sigmoid([h, x] Wf + bf);  c = tanh([f h, x] Wc + bc);  h' = (1 - f) h + f c
 * Source: Zhou et al. 2016, Minimal gated unit for recurrent neural networks. */
#include <ivory/ivory.h>

#include <stdio.h>

enum { N = 3, T = 5, IN = 4, UNITS = 6 };

/* One position: x [N,I] and h [N,H] -> h [N,H]. */
static iv_node *mgu_step(iv_scope *s, iv_node *x, iv_node *h)
{
    int64_t units = iv_node_dim(h, 1), width = units + iv_node_dim(x, 1);
    iv_node *wf = iv_param(s, "gate_kernel", iv_dims(width, units), IV_GLOROT_UNIFORM);
    iv_node *wc = iv_param(s, "kernel", iv_dims(width, units), IV_GLOROT_UNIFORM);
    iv_node *bf = iv_param(s, "gate_bias", iv_dims(units), IV_ZEROS);
    iv_node *bc = iv_param(s, "bias", iv_dims(units), IV_ZEROS);

    iv_node *f = iv_sigmoid(iv_add(iv_matmul(iv_concat(2, (iv_node *[]){ h, x }, 1), wf), bf));
    iv_node *c = iv_tanh(iv_add(iv_matmul(iv_concat(2, (iv_node *[]){ iv_mul(f, h), x }, 1), wc), bc));
    return iv_add(h, iv_mul(f, iv_sub(c, h)));
}

/* A whole sequence: x [N,T,I] -> y [N,T,H]. */
static iv_node *mgu(iv_scope *scope, iv_node *const in[], const void *user)
{
    const int64_t units = *(const int64_t *)user;
    iv_scope *s = iv_scope_enter(scope, NULL, "mgu");
    iv_node *x = in[0], *y[T], *h = iv_fill(iv_scope_graph(s), iv_dims(iv_node_dim(x, 0), units), 0);

    for (int t = 0; t < T; t++) {
        iv_node *now = iv_reshape(iv_slice(x, 1, t, 1, 1),
                                  iv_dims(iv_node_dim(x, 0), iv_node_dim(x, 2)));
        h = mgu_step(s, now, h);
        y[t] = iv_reshape(h, iv_dims(iv_node_dim(x, 0), 1, units));
    }
    return iv_concat(T, y, 1);
}

int main(void)
{
    const int64_t units = UNITS;
    iv_home *home = iv_home_new(NULL);
    iv_check_report report;
    iv_status status = iv_check_layer(home, mgu, &report, .n_in = 1, .in = &iv_dims(N, T, IN),
                                      .user = &units);

    if (status)
        fprintf(stderr, "cell: %s\n", iv_home_message(home));
    else
        printf("%lld weights; the largest differences: gradient %.1e, second gradient %.1e, f32 %.1e\n",
               (long long)report.parameters, report.first, report.second, report.f32);
    iv_home_free(home);
    return status ? 1 : 0;
}
