/* cell.c: a recurrent cell of one's own, made of ops, and a check of the gradient that comes with it.
 *
 * The minimal gated unit has one gate, which forgets and resets:
 *   f = sigmoid([h, x] Wf + bf);  c = tanh([f h, x] Wc + bc);  h' = (1 - f) h + f c
 * Source: Zhou et al. 2016, Minimal gated unit for recurrent neural networks. */
#include <ivory/ivory.h>

#include <math.h>
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
static iv_node *mgu(iv_scope *scope, iv_node *x, int64_t units)
{
    iv_scope *s = iv_scope_enter(scope, NULL, "mgu");
    iv_node *y[T], *h = iv_fill(iv_scope_graph(s), iv_dims(iv_node_dim(x, 0), units), 0);

    for (int t = 0; t < T; t++) {
        iv_node *now = iv_reshape(iv_slice(x, 1, t, 1, 1),
                                  iv_dims(iv_node_dim(x, 0), iv_node_dim(x, 2)));
        h = mgu_step(s, now, h);
        y[t] = iv_reshape(h, iv_dims(iv_node_dim(x, 0), 1, units));
    }
    return iv_concat(T, y, 1);
}

static double loss_at(iv_params *params, iv_plan *plan)
{
    iv_params_changed(params);
    return iv_plan_run(plan) ? NAN : *(const double *)iv_plan_output(plan, 0);
}

/* The largest difference between a gradient and the slope that two losses show, over all weights. */
static double check(iv_params *params, iv_plan *plan)
{
    const double step = 1e-5;
    double worst = 0;

    for (int i = 0; i < iv_params_count(params); i++) {
        iv_tensor *tensor = iv_params_tensor(params, i);
        double *weight = tensor->data, here = loss_at(params, plan);
        for (int64_t k = 0; k < iv_shape_count(&tensor->shape) && isfinite(here); k++) {
            double was = weight[k];
            double gradient = ((const double *)iv_plan_output(plan, 1 + i))[k];
            weight[k] = was + step;
            double above = loss_at(params, plan);
            weight[k] = was - step;
            double below = loss_at(params, plan);
            weight[k] = was;
            here = loss_at(params, plan);
            worst = fmax(worst, fabs(gradient - (above - below) / (2 * step)));
        }
        printf("%-16s %lld weights\n", iv_params_name(params, i),
               (long long)iv_shape_count(&tensor->shape));
    }
    return worst;
}

int main(void)
{
    iv_home *home = iv_home_new(NULL);
    iv_graph *graph = iv_graph_new_real(home, IV_F64); /* doubles, so that differences are exact enough */
    iv_params *params = iv_params_new(home, IV_F64, 1);
    iv_node *x = iv_input(graph, "x", IV_F64, iv_dims(N, T, IN));
    iv_node *loss = iv_mean_all(iv_square(mgu(iv_scope_new(graph, params, ""), x, UNITS)));

    enum { WEIGHTS = 4 };
    iv_node *weights[WEIGHTS] = { 0 }, *outputs[1 + WEIGHTS] = { loss };
    for (int i = 0; i < WEIGHTS && i < iv_params_count(params); i++)
        weights[i] = iv_parameter(graph, iv_params_name(params, i), iv_params_tensor(params, i)->shape);
    iv_status status = iv_gradient(loss, WEIGHTS, weights, outputs + 1);
    iv_plan *plan = status ? NULL : iv_plan_new(home, 1 + WEIGHTS, outputs, 0, NULL);
    double worst = 1;
    if (plan && !iv_params_bind(params, plan)) {
        double *input = iv_plan_input(plan, "x");
        for (int i = 0; i < N * T * IN; i++)
            input[i] = sin(1 + i);
        worst = check(params, plan);
        printf("the largest difference: %.1e\n", worst);
    } else {
        fprintf(stderr, "cell: %s\n",
                *iv_graph_message(graph) ? iv_graph_message(graph) : iv_home_message(home));
    }
    iv_plan_free(plan);
    iv_params_free(params);
    iv_graph_free(graph);
    iv_home_free(home);
    return worst < 1e-8 ? 0 : 1;
}
