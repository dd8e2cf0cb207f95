/* keras.c: the first layers of a network that Keras has saved, with their weights.
 *
 *     keras FILE
 *
 * In Keras the network began so, and was saved by model.save("all.keras"), or as weights alone:
 *
 *     words = keras.Input((6,), dtype="int32")
 *     x = layers.Embedding(11, 5)(words)
 *     x = layers.LSTM(4, name="reader", return_sequences=True)(x)
 *
 * Such a file lies in tests/golden/keras. */
#include <ivory/ivory.h>
#include <ivory/weights.h>

#include <stdio.h>
#include <string.h>

enum { LENGTH = 6, UNITS = 4 };

static void tell(void *user, const iv_weights_match *match)
{
    char shape[160];

    (void)user;
    if (match->taken)
        printf("%-28s %-10s from %s\n", match->parameter,
               iv_shape_text(&match->shape, shape, sizeof shape), match->weight->name);
}

static int fail(const iv_home *home)
{
    fprintf(stderr, "%s\n", iv_home_message(home));
    return 1;
}

static int read_words(iv_home *home, iv_graph *graph, iv_params *params, const char *file)
{
    static const int32_t words[LENGTH] = { 1, 7, 3, 3, 0, 10 };
    iv_scope *scope = iv_scope_new(graph, params, "");
    iv_node *x = iv_input(graph, "words", IV_I32, iv_dims(1, LENGTH));

    x = iv_embedding(scope, x, .count = 11, .units = 5);
    x = iv_lstm(scope, x, .name = "reader", .units = UNITS);
    iv_plan *plan = iv_plan_new(home, 1, &x, 0, NULL);
    iv_weights *weights = plan ? iv_weights_open(home, file) : NULL;
    /* partial: the file has more layers than are wanted here. */
    bool good = weights && !iv_weights_load(weights, params, .partial = true, .sink = tell) &&
                !iv_params_bind(params, plan);

    if (good) {
        memcpy(iv_plan_input(plan, "words"), words, sizeof words);
        good = !iv_plan_run(plan);
    }
    for (int t = 0; good && t < LENGTH; t++) {
        const float *state = (const float *)iv_plan_output(plan, 0) + t * UNITS;
        printf("word %2d: %9.6f %9.6f %9.6f %9.6f\n", words[t], (double)state[0], (double)state[1],
               (double)state[2], (double)state[3]);
    }
    iv_weights_free(weights);
    iv_plan_free(plan);
    return good ? 0 : fail(home);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: keras FILE\n");
        return 2;
    }
    iv_home *home = iv_home_new(NULL);
    iv_graph *graph = home ? iv_graph_new(home) : NULL;
    iv_params *params = graph ? iv_params_new_empty(home, IV_F32) : NULL;
    const int status = params ? read_words(home, graph, params, argv[1]) : 1;

    iv_params_free(params);
    iv_graph_free(graph);
    iv_home_free(home);
    return status;
}
