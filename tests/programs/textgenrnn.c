/* textgenrnn WEIGHTS VOCABULARY REFERENCE: a character model of two LSTM layers with attention over all that was read,
 * weights of Keras 2.1 in CuDNN's layout. Probabilities, attention and what it writes when it always takes the
 * likeliest character.
 * Source: github.com/minimaxir/textgenrnn. */
#include "pretrained.h"

#include "base/text.h"

enum { LENGTH = 40, TOKENS = 465, TOP = 8, LAST = 5 };

typedef struct network {
    iv_node *probabilities, *attention;
} network;

static network build(world *w)
{
    iv_node *ids = iv_input(w->graph, "ids", IV_I32, iv_dims(1, LENGTH));
    iv_node *x[3];

    x[0] = iv_embedding(w->scope, ids, .name = "embedding", .count = TOKENS, .units = 100);
    x[1] = iv_lstm(w->scope, x[0], .name = "rnn_1", .units = 128);
    x[2] = iv_lstm(w->scope, x[1], .name = "rnn_2", .units = 128);
    iv_node *all = iv_concat(3, x, -1);
    iv_node *logits = iv_dense(w->scope, all, .name = "attention", .units = 1, .no_bias = true);
    iv_node *attention = iv_softmax(iv_reshape(logits, iv_dims(1, 1, LENGTH)));
    iv_node *mean = iv_reshape(iv_matmul(attention, all), iv_dims(1, -1));
    return (network){
        iv_dense(w->scope, mean, .name = "output", .units = TOKENS, .activation = IV_SOFTMAX), attention
    };
}

static void run_on(world *w, const int32_t ids[LENGTH])
{
    memcpy(iv_plan_input(w->plan, "ids"), ids, LENGTH * sizeof *ids);
    run(w);
}

static int likeliest(const float *probability)
{
    int best = 0;

    for (int i = 1; i < TOKENS; i++)
        best = probability[i] > probability[best] ? i : best;
    return best;
}

/* The characters by their numbers. */
static void read_vocabulary(world *w, const char *path, const char *of[TOKENS])
{
    const iv__json_value *vocabulary = json(w, path);

    for (const iv__json_value *c = vocabulary->first; c; c = c->next) {
        int64_t id = 0;
        if (!c->name || !iv__json_int(c, &id) || id < 0 || id >= TOKENS) {
            iv_fail(w->home, IV_FORMAT,
                    "%s: expected an object of characters with their numbers, below %d", path, TOKENS);
            stop(w);
        }
        of[id] = c->name;
    }
}

/* Writes on until as much stands there as the reference has. */
static void compare_writing(world *w, int32_t ids[LENGTH], const char *const vocabulary[TOKENS],
                            const char *wanted)
{
    iv__text text = { .home = w->home };

    iv__text_put(&text, "");
    while (text.size < strlen(wanted)) {
        const int best = likeliest(iv_plan_output(w->plan, 0));
        if (!vocabulary[best])
            break;
        iv__text_put(&text, vocabulary[best]);
        memmove(ids, ids + 1, (LENGTH - 1) * sizeof *ids);
        ids[LENGTH - 1] = best;
        run_on(w, ids);
    }
    must(w, !text.failed);
    const bool same = !strcmp(text.data, wanted);
    printf("%-28s %8s %s\n", "what it writes", "", same ? "agrees" : "DIFFERS");
    if (!same)
        printf("  '%s', not '%s'\n", text.data, wanted);
    w->differs |= !same;
    iv__text_free(&text);
}

static void compare_case(world *w, const iv__json_value *c, const char *const vocabulary[TOKENS])
{
    double number[LENGTH], top[TOP], wanted[TOP];
    float got[TOP];
    int32_t ids[LENGTH];

    printf("'%s'\n", member(w, c, "prefix")->text);
    numbers(w, member(w, c, "input_ids"), LENGTH, number);
    for (int i = 0; i < LENGTH; i++)
        ids[i] = number[i] >= 0 && number[i] < TOKENS ? (int32_t)number[i] : 0;
    run_on(w, ids);
    numbers(w, member(w, c, "top8_ids"), TOP, top);
    numbers(w, member(w, c, "top8_probs"), TOP, wanted);
    for (int i = 0; i < TOP; i++)
        got[i] = top[i] >= 0 && top[i] < TOKENS
                     ? ((const float *)iv_plan_output(w->plan, 0))[(int)top[i]]
                     : NAN;
    compare(w, "probabilities", got, wanted, TOP, 1e-4);
    numbers(w, member(w, c, "attention_last5"), LAST, wanted);
    compare(w, "attention", (const float *)iv_plan_output(w->plan, 1) + LENGTH - LAST, wanted, LAST,
            1e-4);
    compare_writing(w, ids, vocabulary, member(w, c, "greedy_continuation")->text);
}

int main(int argc, char **argv)
{
    world w = world_begin(argc, 3, 3, "textgenrnn WEIGHTS VOCABULARY REFERENCE");
    const char *vocabulary[TOKENS] = { NULL };
    const network n = build(&w);

    plan_of(&w, 2, (iv_node *const[]){ n.probabilities, n.attention });
    load(&w, argv[1]);
    read_vocabulary(&w, argv[2], vocabulary);
    const iv__json_value *models = member(&w, json(&w, argv[3]), "models");
    for (const iv__json_value *c = models->first ? models->first->first : NULL; c; c = c->next)
        compare_case(&w, c, vocabulary);
    return world_end(&w);
}
