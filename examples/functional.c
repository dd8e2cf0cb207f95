/* functional.c: a model that is no chain: three inputs, two outputs with a loss and a weight each, and a model that is used
 * as a layer twice, with the same parameters (a siamese network).
 *
 *   left  [N,T,2] --- reader --+-- |difference| -- dense --+-- same      [N,2]  are both of one frequency?
 *   right [N,T,2] --- reader --+                           |
 *   facts [N,3] -------------------------------------------+-- distance  [N,1]  how far apart are they?
 *
 * The reader looks at each position by itself (time-distributed), then at all of them (LSTM).
 *
 *     functional [GRAPH.txt]      trains, prints both losses, and saves the graph as text */
#include <ivory/ivory.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 32, T = 12, FEATURES = 2, FACTS = 3, STEPS = 300 };
static const double weight_same = 1, weight_distance = 0.5;

static iv_node *position(iv_scope *s, iv_node *x, void *context) /* [M,2] -> [M,6] */
{
    (void)context;
    return iv_dense(s, x, .units = 6, .activation = IV_TANH);
}

/* A model as a layer: the first call makes its parameters, the next ones share them. */
static iv_node *reader(iv_scope *scope, iv_node *x, bool again) /* [N,T,2] -> [N,8] */
{
    iv_scope *s = again ? iv_scope_share(scope, "reader") : iv_scope_enter(scope, "reader", "reader");
    iv_recurrent_out states = { 0 };

    x = iv_time_distributed(s, x, position, NULL);
    iv_lstm(s, x, .units = 8, .states = &states);
    return states.h;
}

typedef struct outputs {
    iv_node *same, *distance;
} outputs;

static outputs network(iv_scope *scope, iv_node *left, iv_node *right, iv_node *facts)
{
    iv_node *a = reader(scope, left, false), *b = reader(scope, right, true);
    iv_node *apart = iv_abs(iv_sub(a, b));
    iv_node *x = iv_dense(scope, apart, .units = 8, .activation = IV_RELU);

    x = iv_concat(2, (iv_node *[]){ x, facts }, -1);
    return (outputs){ .same = iv_dense(scope, x, .name = "same", .units = 2),
                      .distance = iv_dense(scope, x, .name = "distance", .units = 1) };
}

static double uniform(unsigned long *random)
{
    *random = *random * 6364136223846793005UL + 1442695040888963407UL;
    return (double)(*random >> 33) / (double)(1UL << 31);
}

/* Pairs of waves, half of them of one frequency; the facts are their amplitudes and a number that says nothing. */
static void fill_batch(iv_plan *plan, unsigned long *random)
{
    float *wave[] = { iv_plan_input(plan, "left"), iv_plan_input(plan, "right") };
    float *facts = iv_plan_input(plan, "facts"), *far = iv_plan_input(plan, "far");
    int32_t *is_same = iv_plan_input(plan, "is_same");

    for (int n = 0; n < N; n++) {
        double frequency[2] = { 0.5 + uniform(random), 0.5 + uniform(random) };
        if (n % 2)
            frequency[1] = frequency[0];
        for (int k = 0; k < 2; k++) {
            const double phase = 6 * uniform(random), loud = 0.5 + uniform(random);
            for (int t = 0; t < T; t++) {
                wave[k][(n * T + t) * FEATURES] = (float)(loud * sin(phase + frequency[k] * t));
                wave[k][(n * T + t) * FEATURES + 1] = (float)(loud * cos(phase + frequency[k] * t));
            }
            facts[n * FACTS + k] = (float)loud;
        }
        facts[n * FACTS + 2] = (float)uniform(random);
        is_same[n] = n % 2;
        far[n] = (float)fabs(frequency[0] - frequency[1]);
    }
}

int main(int argc, char **argv)
{
    iv_home *home = iv_home_new(NULL);
    iv_params *params = iv_params_new(home, IV_F32, 1);
    iv_graph *graph = iv_graph_new(home);
    iv_node *left = iv_input(graph, "left", IV_F32, iv_dims(N, T, FEATURES));
    iv_node *right = iv_input(graph, "right", IV_F32, iv_dims(N, T, FEATURES));
    iv_node *facts = iv_input(graph, "facts", IV_F32, iv_dims(N, FACTS));
    outputs y = network(iv_scope_new(graph, params, ""), left, right, facts);

    iv_node *losses[] = {
        iv_cross_entropy(y.same, iv_input(graph, "is_same", IV_I32, iv_dims(N)), NULL),
        iv_mean_squared_error(y.distance, iv_input(graph, "far", IV_F32, iv_dims(N, 1)), NULL),
    };
    iv_node *loss = iv_add(iv_scale(losses[0], weight_same), iv_scale(losses[1], weight_distance));
    iv_graph_set_output(graph, "same", iv_softmax(y.same));
    iv_graph_set_output(graph, "distance", y.distance);

    iv_optimizer adam = iv_optimizer_of(.kind = IV_ADAM, .rate = 0.01);
    iv_train_step *step = iv_train_step_new(params, .loss = loss, .optimizer = adam, .n_watched = 2,
                                            .watched = losses);
    iv_status status = step ? IV_OK : iv_home_status(home);
    unsigned long random = 1;

    for (int i = 0; i < STEPS && !status; i++) {
        fill_batch(iv_train_step_plan(step), &random);
        status = iv_train_step_gradients(step);
        if (!status && (i == 0 || i == STEPS - 1))
            printf("step %3d: same %.3f  distance %.4f  together %.3f\n", i + 1,
                   (double)*(const float *)iv_train_step_watched(step, 0),
                   (double)*(const float *)iv_train_step_watched(step, 1), iv_train_step_loss(step));
        if (!status)
            status = iv_train_step_apply(step, adam.rate, i);
    }
    if (!status)
        printf("%lld parameters, of which the reader has %lld, once\n",
               (long long)(iv_params_elements(params, "") - iv_params_elements(params, "optimizer/")),
               (long long)iv_params_elements(params, "reader/"));
    if (!status && argc > 1)
        status = iv_graph_save(graph, argv[1]);
    if (status)
        fprintf(stderr, "functional: %s\n", iv_home_message(home));
    iv_train_step_free(step);
    iv_graph_free(graph);
    iv_params_free(params);
    iv_home_free(home);
    return status ? 1 : 0;
}
