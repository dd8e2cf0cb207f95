/* train.c: trains a small language model of bytes on a text file, from scratch, and writes with it.
 *
 *     train FILE [STEPS]
 *
 * The model is described once, over whole sequences. The stepper makes of it the graph of one position
 * with its carried states, with which it writes. */
#include <ivory/ivory.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 256, BATCH = 16, LENGTH = 64, WRITTEN = 300 };

static iv_node *logits_of(iv_scope *scope, iv_node *bytes) /* [N,T] -> [N,T,BYTES] */
{
    iv_node *x = iv_embedding(scope, bytes, .count = BYTES, .units = 32);

    x = iv_lstm(scope, x, .units = 128);
    return iv_dense(scope, x, .units = BYTES);
}

/* ---- training -------------------------------------------------------------------------------- */

/* A batch: BATCH pieces from anywhere, and for each place the byte behind it. */
static void fill_batch(iv_plan *plan, const unsigned char *text, long size, unsigned long *random)
{
    int32_t *x = iv_plan_input(plan, "bytes"), *y = iv_plan_input(plan, "next");

    for (int n = 0; n < BATCH; n++) {
        *random = *random * 6364136223846793005UL + 1442695040888963407UL;
        long begin = (long)(*random >> 33) % (size - LENGTH);
        for (int t = 0; t < LENGTH; t++) {
            x[n * LENGTH + t] = text[begin + t];
            y[n * LENGTH + t] = text[begin + t + 1];
        }
    }
}

static iv_status train(iv_home *home, iv_params *params, const unsigned char *text, long size, int steps)
{
    iv_graph *graph = iv_graph_new(home);
    iv_shape shape = iv_dims(BATCH, LENGTH);
    iv_node *bytes = iv_input_sequence(graph, "bytes", IV_I32, shape, 1);
    iv_node *next = iv_input_sequence(graph, "next", IV_I32, shape, 1);
    iv_node *loss = iv_cross_entropy(logits_of(iv_scope_new(graph, params, ""), bytes), next, NULL);
    iv_optimizer adam = iv_optimizer_of(.kind = IV_ADAM, .rate = 0.003, .clip_norm = 1);
    iv_train_step *step = iv_train_step_new(params, .loss = loss, .optimizer = adam);
    iv_status status = step ? IV_OK : iv_home_status(home);
    unsigned long random = 1;

    for (int i = 0; i < steps && !status; i++) {
        fill_batch(iv_train_step_plan(step), text, size, &random);
        status = iv_train_step_gradients(step);
        if (!status)
            status = iv_train_step_apply(step, adam.rate, i);
        if (!status && (i % 50 == 49 || i == 0))
            printf("step %d: loss %.3f\n", i + 1, iv_train_step_loss(step));
    }
    iv_train_step_free(step);
    iv_graph_free(graph);
    return status;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int draw(const float *probability, unsigned long *random)
{
    *random = *random * 6364136223846793005UL + 1442695040888963407UL;
    double u = (double)(*random >> 33) / (double)(1UL << 31);
    int byte = 0;

    for (; byte < BYTES - 1 && u >= probability[byte]; byte++)
        u -= probability[byte];
    return byte;
}

/* The plan of one position: probabilities of the next byte, and the states that it carries on. */
static iv_plan *plan_of_a_position(iv_home *home, iv_stepper *stepper)
{
    const iv_stepper_state *states;
    int n = iv_stepper_states(stepper, &states);
    iv_update *carry = calloc((size_t)n, sizeof *carry);
    iv_node *probability = iv_softmax(iv_scale(iv_stepper_output(stepper, 0), 1 / 0.7));

    for (int i = 0; carry && i < n; i++)
        carry[i] = (iv_update){ states[i].leaf, states[i].next };
    iv_plan *plan = carry ? iv_plan_new(home, 1, &probability, n, carry) : NULL;
    for (int i = 0; plan && i < n; i++) { /* an LSTM's states begin as zeros */
        void *state = iv_plan_input(plan, iv_node_name(states[i].leaf));
        memset(state, 0, (size_t)iv_shape_count(iv_node_shape(states[i].leaf)) * sizeof(float));
    }
    free(carry);
    return plan;
}

static iv_status write(iv_home *home, iv_params *params, int byte)
{
    iv_graph *graph = iv_graph_new(home);
    iv_node *bytes = iv_input_sequence(graph, "bytes", IV_I32, iv_dims(1, LENGTH), 1);
    iv_node *logits = logits_of(iv_scope_new(graph, params, ""), bytes);
    iv_stepper *stepper = iv_stepper_new(1, &logits);
    iv_plan *plan = stepper ? plan_of_a_position(home, stepper) : NULL;
    iv_status status = plan ? iv_params_bind(params, plan) : iv_home_status(home);
    unsigned long random = 7;

    for (int i = 0; i < WRITTEN && !status; i++) {
        *(int32_t *)iv_plan_input(plan, "bytes") = byte;
        status = iv_plan_run(plan);
        if (!status)
            putchar(byte = draw(iv_plan_output(plan, 0), &random));
    }
    putchar('\n');
    iv_plan_free(plan);
    iv_stepper_free(stepper);
    iv_graph_free(graph);
    return status;
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    unsigned char *text = malloc(1 << 24);
    long size = file && text ? (long)fread(text, 1, 1 << 24, file) : 0;

    if (file)
        fclose(file);
    if (size <= LENGTH) {
        fprintf(stderr, "usage: train FILE [STEPS]; the file needs more than %d bytes\n", LENGTH);
        free(text);
        return 2;
    }
    iv_home *home = iv_home_new(NULL);
    iv_params *params = home ? iv_params_new(home, IV_F32, 1) : NULL;
    iv_status status = params ? train(home, params, text, size, argc > 2 ? atoi(argv[2]) : 500)
                              : IV_NOMEM;
    if (!status)
        status = write(home, params, ' ');
    if (status)
        fprintf(stderr, "train: %s\n", home ? iv_home_message(home) : "out of memory");
    iv_params_free(params);
    iv_home_free(home);
    free(text);
    return status != IV_OK;
}
