/* worldmodels-carracing RNN CONTROLLER Z REFERENCE: the dream of a car race: a recurrent network that foretells the next
 * latent picture as a mixture, driven by a linear controller on what it sees and remembers.
 * Source: Ha & Schmidhuber 2018, World models; github.com/hardmaru/WorldModelsExperiments. */
#include "pretrained.h"

enum { Z = 32, ACTIONS = 3, UNITS = 256, MIXTURE = 5, IN = Z + ACTIONS, OUT = 3 * MIXTURE * Z };

typedef struct network {
    iv_node *action, *log_mix, *mean, *log_deviation, *h, *c;
} network;

static network build(world *w)
{
    iv_node *z = iv_input(w->graph, "z", IV_F32, iv_dims(1, Z));
    iv_node *h = iv_input(w->graph, "h", IV_F32, iv_dims(1, UNITS)),
            *c = iv_input(w->graph, "c", IV_F32, iv_dims(1, UNITS));
    iv_node *drive = iv_dense(w->scope, iv_concat(2, (iv_node *[]){ z, h }, -1),
                              .name = "controller", .units = ACTIONS, .activation = IV_TANH);
    iv_node *gas = iv_scale(iv_shift(iv_slice(drive, -1, 1, 1, 1), 1), 0.5);
    iv_node *parts[3] = { iv_slice(drive, -1, 0, 1, 1), gas,
                          iv_clip(iv_slice(drive, -1, 2, 1, 1), 0, 1) };
    network n = { .action = iv_concat(3, parts, -1) };
    iv_recurrent_out states;
    iv_node *x = iv_reshape(iv_concat(2, (iv_node *[]){ z, n.action }, -1), iv_dims(1, 1, IN));

    iv_lstm(w->scope, x, .name = "rnn", .units = UNITS, .h0 = h, .c0 = c, .states = &states);
    iv_node *y = iv_reshape(iv_dense(w->scope, states.h, .name = "output", .units = OUT),
                            iv_dims(Z, 3, MIXTURE));
    n.log_mix = iv_log_softmax(iv_slice(y, 1, 0, 1, 1));
    n.mean = iv_slice(y, 1, 1, 1, 1);
    n.log_deviation = iv_slice(y, 1, 2, 1, 1);
    n.h = states.h;
    n.c = states.c;
    return n;
}

/* ---- weights --------------------------------------------------------------------------------- */

static double *room(const world *w, int64_t n)
{
    double *values = iv__alloc_array(w->home, n, sizeof *values);

    must(w, values != NULL);
    return values;
}

static float *parameter(const world *w, const char *name)
{
    return iv_params_find(w->params, name)->data;
}

/* A matrix of JSON as `rows` arrays, or a vector as one. */
static const iv__json_value *read_matrix(const world *w, const iv__json_value *list, int64_t rows,
                                         int64_t columns, double *to)
{
    if (rows == 1) {
        numbers(w, list, columns, to);
        return list->next;
    }
    const iv__json_value *row = list ? list->first : NULL;
    for (int64_t i = 0; i < rows; i++, row = row ? row->next : NULL)
        numbers(w, row, columns, to + i * columns);
    return list->next;
}

/* Ten-thousandths; gates i, g, f, o of input and state together, and the forget gate is opened by 1. */
static void load_network(world *w, const char *path)
{
    static const int gate_of[4] = { 0, 2, 1, 3 };
    const iv__json_value *list = json(w, path)->first;
    double *output = room(w, UNITS * OUT), *bias = room(w, OUT),
           *kernel = room(w, (IN + UNITS) * 4 * UNITS), *gates = room(w, 4 * UNITS);

    list = read_matrix(w, list, UNITS, OUT, output);
    list = read_matrix(w, list, 1, OUT, bias);
    list = read_matrix(w, list, IN + UNITS, 4 * UNITS, kernel);
    read_matrix(w, list, 1, 4 * UNITS, gates);
    for (int64_t i = 0; i < UNITS * OUT; i++)
        parameter(w, "output/kernel")[i] = (float)(output[i] / 10000);
    for (int64_t i = 0; i < OUT; i++)
        parameter(w, "output/bias")[i] = (float)(bias[i] / 10000);
    for (int64_t i = 0; i < IN + UNITS; i++) {
        float *to = i < IN ? parameter(w, "rnn/kernel") + i * 4 * UNITS
                           : parameter(w, "rnn/recurrent_kernel") + (i - IN) * 4 * UNITS;
        for (int64_t k = 0; k < 4 * UNITS; k++)
            to[gate_of[k / UNITS] * UNITS + k % UNITS] = (float)(kernel[i * 4 * UNITS + k] / 10000);
    }
    for (int64_t k = 0; k < 4 * UNITS; k++)
        parameter(w, "rnn/bias")[gate_of[k / UNITS] * UNITS + k % UNITS] =
            (float)(gates[k] / 10000 + (k / UNITS == 2 ? 1 : 0));
    iv__free(w->home, output);
    iv__free(w->home, bias);
    iv__free(w->home, kernel);
    iv__free(w->home, gates);
}

static void load_controller(world *w, const char *path)
{
    double values[ACTIONS + (Z + UNITS) * ACTIONS];

    numbers(w, json(w, path)->first, ACTIONS + (Z + UNITS) * ACTIONS, values);
    for (int i = 0; i < ACTIONS; i++)
        parameter(w, "controller/bias")[i] = (float)values[i];
    for (int i = 0; i < (Z + UNITS) * ACTIONS; i++)
        parameter(w, "controller/kernel")[i] = (float)values[ACTIONS + i];
}

/* ---- dreaming -------------------------------------------------------------------------------- */

static const float *output(const world *w, int i)
{
    return iv_plan_output(w->plan, i);
}

static void compare_numbers(world *w, const iv__json_value *step, const char *name,
                            const float *got, int64_t n)
{
    double wanted[UNITS];

    numbers(w, member(w, step, name), n, wanted);
    compare(w, name, got, wanted, n, 1e-4);
}

/* Each latent number becomes the mean of its likeliest part of the mixture. */
static void dream_on(const world *w, float z[Z])
{
    for (int i = 0; i < Z; i++) {
        const float *mix = output(w, 1) + i * MIXTURE;
        int best = 0;
        for (int k = 1; k < MIXTURE; k++)
            best = mix[k] > mix[best] ? k : best;
        z[i] = output(w, 2)[i * MIXTURE + best];
    }
}

int main(int argc, char **argv)
{
    world w = world_begin(argc, 4, 4, "worldmodels-carracing RNN CONTROLLER Z REFERENCE");
    const network n = build(&w);
    float z[Z], h[UNITS] = { 0 }, c[UNITS] = { 0 };
    double first[Z];
    int count = 0;

    plan_of(&w, 6, (iv_node *const[]){ n.action, n.log_mix, n.mean, n.log_deviation, n.h, n.c });
    load_network(&w, argv[1]);
    load_controller(&w, argv[2]);
    iv_params_changed(w.params);
    const iv__json_value *latent = json(&w, argv[3])->first;
    numbers(&w, latent ? latent->first : NULL, Z, first);
    for (int i = 0; i < Z; i++)
        z[i] = (float)(first[i] / 10000);
    const iv__json_value *steps = member(&w, json(&w, argv[4]), "steps");
    for (const iv__json_value *step = steps->first; step; step = step->next) {
        printf("step %d\n", ++count);
        compare_numbers(&w, step, "z", z, Z);
        give(&w, "z", z, Z);
        give(&w, "h", h, UNITS);
        give(&w, "c", c, UNITS);
        run(&w);
        compare_numbers(&w, step, "action", output(&w, 0), ACTIONS);
        compare_numbers(&w, step, "logmix_row0", output(&w, 1), MIXTURE);
        compare_numbers(&w, step, "mean_row0", output(&w, 2), MIXTURE);
        compare_numbers(&w, step, "logstd_row0", output(&w, 3), MIXTURE);
        compare_numbers(&w, step, "h_first8", output(&w, 4), 8);
        compare_numbers(&w, step, "c_first8", output(&w, 5), 8);
        memcpy(h, output(&w, 4), sizeof h);
        memcpy(c, output(&w, 5), sizeof c);
        dream_on(&w, z);
        compare_numbers(&w, step, "z_next_argmax_mean", z, Z);
    }
    return world_end(&w);
}
