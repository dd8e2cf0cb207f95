/* row.c: a row of one's own, with kernels and a gradient, and a layer that uses it: what no op says is a sum over the
 * elements of a vector so far (a cumulative sum).
 *   y[...,i] = x[...,0] + ... + x[...,i];   dx[...,i] = dy[...,i] + ... + dy[...,last]: the same from the other end */
#include <ivory/ivory.h>

#include <stdio.h>

typedef struct cumulative {
    int64_t from_end;
} cumulative;

static const iv_field cumulative_fields[] = {
    { .name = "from_end", .type = IV_FIELD_INT, .offset = offsetof(cumulative, from_end) },
    { .name = NULL },
};

static const char *shape(iv_shape_call *s)
{
    if (s->in_dtype[0] != s->real)
        return "x must be real";
    if (s->in[0]->rank < 1)
        return "x must have an axis";
    s->out[0] = *s->in[0];
    s->out_dtype[0] = s->in_dtype[0];
    return NULL;
}

/* The text of the kernel, for both dtypes. */
#define KERNEL(name, real)                                                             \
    static void name(const iv_kernel_call *k)                                          \
    {                                                                                  \
        const cumulative *o = k->attr;                                                 \
        const iv_shape *s = k->in[0].shape;                                            \
        const int64_t n = s->dim[s->rank - 1], rows = iv_shape_count(s) / (n ? n : 1); \
        const real *x = k->in[0].data;                                                 \
        real *y = k->out[0].data;                                                      \
                                                                                       \
        for (int64_t r = 0; r < rows; r++) {                                           \
            real sum = 0;                                                              \
            for (int64_t i = 0; i < n; i++) {                                          \
                const int64_t at = r * n + (o->from_end ? n - 1 - i : i);              \
                y[at] = sum += x[at];                                                  \
            }                                                                          \
        }                                                                              \
    }
KERNEL(kernel_f32, float)
KERNEL(kernel_f64, double)

static void gradient(iv_gradient_call *g);

static const iv_op cumulative_sum = {
    .name = "example/cumulative_sum",
    .says = "the sum of the last axis so far",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attrs = cumulative_fields,
    .attr_size = sizeof(cumulative),
    .shape = shape,
    .gradient = gradient,
    .no_step = "it is not for sequences",
    .f32 = kernel_f32,
    .f64 = kernel_f64,
};

static iv_node *cumulative_of(iv_node *x, bool from_end)
{
    return x ? iv_apply(iv_node_graph(x), &cumulative_sum, 1, &x, &(cumulative){ .from_end = from_end })
             : NULL;
}

static void gradient(iv_gradient_call *g) /* it builds graph, so that it has a gradient itself */
{
    g->dx[0] = cumulative_of(g->dy[0], !((const cumulative *)g->attr)->from_end);
}

/* A layer with it: how likely each of so many ordered choices is to be passed, from what each of them adds. */
static iv_node *ordered(iv_scope *scope, iv_node *const in[], const void *user)
{
    (void)user;
    return iv_sigmoid(
        cumulative_of(iv_dense(scope, in[0], .units = 6, .activation = IV_SOFTPLUS), false));
}

int main(void)
{
    iv_home *home = iv_home_new(NULL);
    iv_check_report r;
    iv_status status = iv_check_layer(home, ordered, &r, .n_in = 1, .in = &iv_dims(3, 4));

    if (status)
        fprintf(stderr, "row: %s\n", iv_home_message(home));
    else
        printf("%s: gradient %.0e  second gradient %.0e  f32 %.0e\n", cumulative_sum.name, r.first,
               r.second, r.f32);
    iv_home_free(home);
    return status ? 1 : 0;
}
