/* common_asking.c: questions put to a network, and its answers with what it looked at. */
#include "models/common_asking.h"

#include "base/home.h"
#include "base/math.h"
#include "data/babi.h"
#include "train/batch.h"

#include <math.h>
#include <string.h>

enum { SHOWN_ANSWERS = 3, MOST_HOPS = 16, LOGITS = 0, ATTENTION = 1 };
static const double least_attention = 0.005, least_probability = 0.0005;

/* ---- a network for n questions --------------------------------------------------------------- */

typedef struct asked_network {
    iv_home *home;
    iv_graph *graph;
    iv_plan *plan;
    int64_t classes, hops, sentences; /* hops 0: it tells of no attention */
} asked_network;

static void network_free(asked_network *a)
{
    iv_plan_free(a->plan);
    iv_graph_free(a->graph);
}

static iv_status network_make(asked_network *a, iv__instance *instance, iv_params *params,
                              iv__story_network *network, int64_t n)
{
    iv_home *home = instance->home;
    iv_node *outputs[2] = { NULL, NULL };

    *a = (asked_network){ .home = home, .graph = iv_graph_new(home) };
    iv_scope *scope = a->graph ? iv_scope_new(a->graph, params, "") : NULL;
    if (!scope)
        return iv_home_status(home);
    network(instance, scope, n, &outputs[LOGITS], &outputs[ATTENTION]);
    if (iv_graph_status(a->graph))
        return iv_fail(home, iv_graph_status(a->graph), "%s", iv_graph_message(a->graph));
    a->classes = iv_node_dim(outputs[LOGITS], -1);
    if (outputs[ATTENTION]) {
        a->hops = iv_node_dim(outputs[ATTENTION], 1);
        a->sentences = iv_node_dim(outputs[ATTENTION], 2);
    }
    a->plan = iv_plan_new(home, outputs[ATTENTION] ? 2 : 1, outputs, 0, NULL);
    return a->plan ? iv_params_bind(params, a->plan) : iv_home_status(home);
}

static int64_t best_of(const float *logit, int64_t n)
{
    int64_t best = 0;

    for (int64_t i = 1; i < n; i++)
        best = logit[i] > logit[best] ? i : best;
    return best;
}

/* ---- many ------------------------------------------------------------------------------------ */

typedef struct score {
    int64_t asked, right;
} score;

static void count(const asked_network *a, const iv__story *story, iv__split split, int64_t first,
                  int64_t n, score *all, score *of_task)
{
    const float *logit = iv_plan_output(a->plan, LOGITS);

    for (int64_t i = 0; i < n; i++) {
        int64_t best = best_of(logit + i * a->classes, a->classes) + iv__story_first_class(story);
        int32_t answer = iv__story_answer(story, split, first + i);
        score *task = &of_task[iv__story_task(story, split, first + i)];
        task->asked++, all->asked++;
        task->right += answer && best == answer;
        all->right += answer && best == answer;
    }
}

static iv_status ask_all(asked_network *a, const iv__instance *instance, const iv__story *story,
                         iv__split split, score *all, score *of_task)
{
    const int64_t total = instance->trainee.n_records[split], most = instance->training.batch;
    int32_t *record = iv__alloc_array(a->home, most, sizeof *record);
    iv__batch *batch = record ? iv__batch_new(a->home, &instance->trainee, most, 1, &a->plan) : NULL;
    iv_status status = batch ? IV_OK : IV_NOMEM;

    for (int64_t first = 0; first < total && !status; first += most) {
        const int64_t n = total - first < most ? total - first : most;
        for (int64_t i = 0; i < n; i++)
            record[i] = (int32_t)(first + i);
        iv__batch_begin(batch, &(iv__rows){ .split = split, .record = record, .n = n });
        status = iv__batch_take(batch);
        if (!status)
            status = iv_plan_run(a->plan);
        if (!status)
            count(a, story, split, first, n, all, of_task);
    }
    iv__batch_free(batch);
    iv__free(a->home, record);
    return status;
}

static double share(const score *s)
{
    return s->asked ? (double)s->right / (double)s->asked : NAN;
}

/* A task is solved where 95 of 100 answers are right: Weston et al. 2015. */
static int put_tasks(const score *of_task, iv__measure *measure)
{
    static const char *const names[IV__BABI_TASKS + 1] = {
        "accuracy, own",     "accuracy, task 1",  "accuracy, task 2",  "accuracy, task 3",
        "accuracy, task 4",  "accuracy, task 5",  "accuracy, task 6",  "accuracy, task 7",
        "accuracy, task 8",  "accuracy, task 9",  "accuracy, task 10", "accuracy, task 11",
        "accuracy, task 12", "accuracy, task 13", "accuracy, task 14", "accuracy, task 15",
        "accuracy, task 16", "accuracy, task 17", "accuracy, task 18", "accuracy, task 19",
        "accuracy, task 20"
    };
    int n = 0, tasks = 0, solved = 0;

    for (int t = 0; t <= IV__BABI_TASKS; t++) {
        tasks += of_task[t].asked > 0;
        solved += of_task[t].asked > 0 && share(&of_task[t]) >= 0.95;
    }
    if (tasks < 2)
        return 0;
    for (int t = 0; t <= IV__BABI_TASKS; t++)
        if (of_task[t].asked)
            measure[n++] = (iv__measure){ names[t], share(&of_task[t]) };
    measure[n++] = (iv__measure){ "tasks solved", solved };
    return n;
}

int iv__asking_measures(iv__instance *instance, iv_params *params, const iv__story *story,
                        iv__story_network *network, iv__split split,
                        iv__measure measure[IV__MAX_MEASURES])
{
    score all = { 0 }, of_task[IV__BABI_TASKS + 1] = { { 0 } };
    asked_network a;
    iv_status status = network_make(&a, instance, params, network, instance->training.batch);

    if (!status)
        status = ask_all(&a, instance, story, split, &all, of_task);
    network_free(&a);
    if (status)
        return -1;
    measure[0] = (iv__measure){ "accuracy", share(&all) };
    return 1 + put_tasks(of_task, measure + 1);
}

/* ---- one by one ------------------------------------------------------------------------------ */

const char iv__asking_help[] = "Type a sentence to tell it, and a question, ending with ?, to ask.\n"
                               "  /story   what was told so far\n"
                               "  /undo    forget the last sentence\n"
                               "  /new     begin a new story";

struct iv__asking {
    iv__story *story;
    iv__telling *telling;
    asked_network network;
};

iv__asking *iv__asking_new(iv__instance *instance, iv_params *params, iv__story *story,
                           iv__story_network *network)
{
    iv__asking *a = iv__alloc(instance->home, sizeof *a);

    if (!a)
        return NULL;
    a->network.home = instance->home;
    a->story = story;
    a->telling = iv__telling_new(story);
    if (a->telling && !network_make(&a->network, instance, params, network, 1))
        return a;
    iv__asking_free(a);
    return NULL;
}

void iv__asking_free(void *asking)
{
    iv__asking *a = asking;

    if (!a)
        return;
    network_free(&a->network);
    iv__telling_free(a->telling);
    iv__free(a->network.home, a);
}

/* The likeliest answers, with their probability. */
static void put_answers(const iv__asking *a, iv__text *answer)
{
    const int64_t n = a->network.classes, first = iv__story_first_class(a->story);
    const float *logit = iv_plan_output(a->network.plan, LOGITS);
    const double most = logit[best_of(logit, n)];
    int64_t shown[SHOWN_ANSWERS];
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += iv__exp_f64(logit[i] - most);
    for (int k = 0; k < SHOWN_ANSWERS && k < n; k++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++) {
            bool taken = false;
            for (int j = 0; j < k; j++)
                taken |= shown[j] == i;
            if (!taken && (best < 0 || logit[i] > logit[best]))
                best = i;
        }
        const double p = iv__exp_f64(logit[best] - most) / sum;
        shown[k] = best;
        if (k && p < least_probability)
            break;
        iv__text_print(answer, k == 0 ? "%s  %.1f %%" : "   (%s %.1f %%)",
                       best + first ? iv__story_word(a->story, (int32_t)(best + first)) : "nothing",
                       100 * p);
    }
    iv__text_put(answer, "\n");
}

/* A line of what hops looked at, if any did. */
static void put_looked(const double *share, int64_t hops, const char *at, iv__text *answer)
{
    bool looked = false;

    for (int64_t h = 0; h < hops; h++)
        looked |= share[h] >= least_attention;
    for (int64_t h = 0; looked && h < hops; h++)
        iv__text_print(answer, "%4.0f %%", 100 * share[h]);
    if (looked)
        iv__text_print(answer, "  %s\n", at);
}

static void put_attention(const iv__asking *a, iv__text *answer)
{
    const int64_t hops = a->network.hops, room = a->network.sentences,
                  told = iv__telling_count(a->telling);
    const float *all = hops ? iv_plan_output(a->network.plan, ATTENTION) : NULL;
    double share[MOST_HOPS], nothing[MOST_HOPS];

    if (!hops || hops > MOST_HOPS || !told)
        return;
    for (int64_t h = 0; h < hops; h++) {
        iv__text_print(answer, "  hop %lld", (long long)h + 1);
        nothing[h] = 1;
    }
    iv__text_put(answer, "\n");
    for (int64_t i = told > room ? told - room : 0; i < told; i++) {
        for (int64_t h = 0; h < hops; h++) {
            share[h] = (double)all[h * room + told - 1 - i];
            nothing[h] -= share[h];
        }
        put_looked(share, hops, iv__telling_sentence(a->telling, i), answer);
    }
    put_looked(nothing, hops, "(nothing)", answer);
}

static void put_unknown(const iv__text *unknown, iv__text *answer)
{
    if (unknown->size)
        iv__text_print(answer, "(words that it does not know, and passes over: %s)\n", unknown->data);
}

/* What a network of sentences does not see: words behind the longest sentence of the data, sentences before its last. */
static void put_unseen(const iv__asking *a, int64_t words, bool asked, iv__text *answer)
{
    const int64_t room = a->network.sentences, told = iv__telling_count(a->telling),
                  longest = iv__story_sizes_of(a->story).sentence;

    if (!a->network.hops)
        return;
    if (words > longest)
        iv__text_print(answer, "(of its %lld words the first %lld are read)\n", (long long)words,
                       (long long)longest);
    if (asked && told > room)
        iv__text_print(answer, "(of %lld sentences the last %lld are looked at)\n", (long long)told,
                       (long long)room);
}

static iv_status tell(iv__asking *a, const char *sentence, iv__text *unknown, iv__text *answer)
{
    iv__said said = { 0 };
    iv_status status = iv__telling_add(a->telling, sentence, unknown, &said);

    put_unknown(unknown, answer);
    put_unseen(a, said.words, false, answer);
    return status;
}

static iv_status ask(iv__asking *a, const char *question, iv__text *unknown, iv__text *answer)
{
    iv__said said = { 0 };
    iv_status status = iv__telling_ask(a->telling, question, a->network.plan, unknown, &said);

    if (status)
        return status;
    put_unknown(unknown, answer);
    put_unseen(a, said.words, true, answer);
    if (!said.known) {
        iv__text_put(answer, "No word of this question is one that it knows.\n");
        return IV_OK;
    }
    status = iv_plan_run(a->network.plan);
    if (status)
        return status;
    put_answers(a, answer);
    put_attention(a, answer);
    return IV_OK;
}

static iv_status command(iv__asking *a, const char *line, iv__text *answer)
{
    if (!strcmp(line, "/new")) {
        while (iv__telling_count(a->telling))
            iv__telling_drop(a->telling);
        iv__text_put(answer, "A new story.\n");
    } else if (!strcmp(line, "/undo")) {
        const int64_t n = iv__telling_count(a->telling);
        iv__text_print(answer, "%s%s\n", n ? "Forgotten: " : "Nothing was told yet.",
                       n ? iv__telling_sentence(a->telling, n - 1) : "");
        iv__telling_drop(a->telling);
    } else if (!strcmp(line, "/story")) {
        for (int64_t i = 0; i < iv__telling_count(a->telling); i++)
            iv__text_print(answer, "%lld %s\n", (long long)i + 1, iv__telling_sentence(a->telling, i));
        if (!answer->size)
            iv__text_put(answer, "Nothing was told yet.\n");
    } else {
        iv__text_print(answer, "%s is no command; /help lists them.\n", line);
    }
    return IV_OK;
}

iv_status iv__asking_line(void *asking, const char *line, iv__text *answer)
{
    iv__asking *a = asking;
    iv__text said = { .home = a->network.home }, unknown = { .home = a->network.home };
    iv_status status = IV_OK;
    size_t size = strlen(line);

    while (*line == ' ')
        line++, size--;
    while (size && line[size - 1] == ' ')
        size--;
    iv__text_add(&said, line, size);
    if (said.failed)
        status = IV_NOMEM;
    else if (size && *line == '/')
        status = command(a, said.data, answer);
    else if (size && line[size - 1] == '?')
        status = ask(a, said.data, &unknown, answer);
    else if (size)
        status = tell(a, said.data, &unknown, answer);
    iv__text_free(&said);
    iv__text_free(&unknown);
    return status ? status : answer->failed ? IV_NOMEM : IV_OK;
}
