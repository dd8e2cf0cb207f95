/* layers.c: layers of one's own made of ops, each checked in one call: local response normalisation in both of its
 * forms, the Euclidean distance of two inputs, and an activation. Their gradients need not be written. */
#include <ivory/ivory.h>

#include <stdio.h>

/* ---- local response normalisation: x / (k + alpha (mean of x^2 nearby))^beta ------------------------
 * Within a channel "nearby" is a window of n x n places, places out of the image counting as zeros; across channels it
 * is n neighbouring channels. Krizhevsky et al. 2012 (section 3.3) take the sum across channels, not the mean. */
typedef struct lrn {
    int64_t n; /* odd */
    double alpha, beta, k;
    bool sum;
} lrn;

static const lrn book = { .n = 5, .alpha = 0.0005, .beta = 0.75, .k = 2 };
static const lrn strong = { .n = 3, .alpha = 1, .beta = 0.75, .k = 1, .sum = true };

static iv_node *normalised(iv_node *x, iv_node *nearby, const lrn *o)
{
    return iv_mul(x, iv_power(iv_shift(iv_scale(nearby, o->alpha), o->k), -o->beta));
}

static iv_node *lrn_within(iv_scope *scope, iv_node *const in[], const void *user) /* [N,H,W,C] -> the same */
{
    const lrn *o = user;
    iv_node *squares = iv_square(in[0]);

    (void)scope;
    for (int axis = 1; axis <= 2; axis++)
        squares = iv_pad(squares, axis, o->n / 2, o->n / 2);
    iv_node *mean = iv_average_pool(squares, .window = { o->n, o->n }, .stride = { 1, 1 });
    return normalised(in[0], iv_scale(mean, o->sum ? (double)(o->n * o->n) : 1), o);
}

static iv_node *lrn_across(iv_scope *scope, iv_node *const in[], const void *user) /* [...,C] -> the same */
{
    const lrn *o = user;
    const int64_t channels = iv_node_dim(in[0], -1);
    iv_node *squares = iv_pad(iv_square(in[0]), -1, o->n / 2, o->n / 2), *sum = NULL;

    (void)scope;
    for (int64_t i = 0; i < o->n; i++) {
        iv_node *shifted = iv_slice(squares, -1, i, channels, 1);
        sum = sum ? iv_add(sum, shifted) : shifted;
    }
    return normalised(in[0], iv_scale(sum, o->sum ? 1 : 1 / (double)o->n), o);
}

/* ---- the distance of two inputs: sqrt(sum (a - b)^2) ---------------------------------------------- */

static iv_node *distance(iv_scope *scope, iv_node *const in[], const void *user) /* a, b [N,F] -> [N,1] */
{
    const double smallest = 1e-12; /* the root has no slope at 0 */

    (void)scope;
    (void)user;
    return iv_sqrt(iv_shift(iv_sum(iv_square(iv_sub(in[0], in[1])), 1, true), smallest));
}

/* The same of what one network makes of both: it is built once, and shared. */
static iv_node *twins(iv_scope *scope, iv_node *const in[], const void *user) /* a, b [N,F] -> [N,1] */
{
    iv_node *made[2];

    for (int i = 0; i < 2; i++) {
        iv_scope *s = i ? iv_scope_share(scope, "tower") : iv_scope_enter(scope, "tower", "tower");
        iv_node *x = iv_dense(s, in[i], .units = 8, .activation = IV_TANH);
        made[i] = iv_dense(s, x, .units = 3);
    }
    return distance(scope, made, user);
}

/* ---- an activation: x tanh(softplus(x)) ------------------------------------------------------------
 * Source: Misra 2019, Mish: a self regularized non-monotonic activation function. */
static iv_node *mish(iv_scope *scope, iv_node *const in[], const void *user)
{
    (void)scope;
    (void)user;
    return iv_mul(in[0], iv_tanh(iv_softplus(in[0])));
}

static int check(const char *name, iv_built_layer *layer, const void *user, int n_in, iv_shape shape)
{
    const iv_shape in[] = { shape, shape };
    iv_home *home = iv_home_new(NULL);
    iv_check_report r;
    iv_status status = iv_check_layer(home, layer, &r, .n_in = n_in, .in = in, .user = user);

    if (status)
        fprintf(stderr, "layers: %s: %s\n", name, iv_home_message(home));
    else
        printf("%-34s gradient %.0e  second gradient %.0e  f32 %.0e\n", name, r.first, r.second, r.f32);
    iv_home_free(home);
    return status ? 1 : 0;
}

int main(void)
{
    int failed = 0;

    failed += check("local response, within channels", lrn_within, &book, 1, iv_dims(2, 6, 7, 4));
    failed += check("the same, strong", lrn_within, &strong, 1, iv_dims(2, 6, 7, 4));
    failed += check("local response, across channels", lrn_across, &book, 1, iv_dims(2, 3, 3, 9));
    failed += check("the same, strong", lrn_across, &strong, 1, iv_dims(2, 3, 3, 9));
    failed += check("Euclidean distance", distance, NULL, 2, iv_dims(4, 5));
    failed += check("distance of twins", twins, NULL, 2, iv_dims(4, 5));
    failed += check("mish", mish, NULL, 1, iv_dims(4, 5));
    return failed ? 1 : 0;
}
