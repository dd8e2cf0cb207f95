/* common_comparing.c: the dialogue that shows the sentences nearest to a typed one, and what lies between two. */
#include "models/common_sentence.h"

#include "base/home.h"

#include <string.h>

enum { POOL = 1000, SHOWN = 5, MORPHS = 5, AT_ONCE = 64 };

const char iv__comparing_help[] =
    "Type a sentence to see those of the data that are nearest to it, and what is made of it.\n"
    "  /morph ONE | OTHER    what lies between two sentences";

struct iv__comparing {
    iv_home *home;
    const iv__sentences *s;
    iv__recoder many, one;
    int64_t n; /* of the data, to be compared with */
    int32_t record[POOL];
    float *latents; /* [n,L] */
};

void iv__comparing_free(void *comparing)
{
    iv__comparing *c = comparing;

    if (!c)
        return;
    iv__recoder_free(&c->many);
    iv__recoder_free(&c->one);
    iv__free(c->home, c->latents);
    iv__free(c->home, c);
}

iv__comparing *iv__comparing_new(const iv__sentences *s, iv__instance *instance, iv_params *params,
                                 const iv__coder_graphs *graphs)
{
    const iv__split from = s->n[SPLIT_TEST] ? SPLIT_TEST : SPLIT_TRAIN;
    iv__comparing *c = iv__alloc(s->home, sizeof *c);

    if (!c)
        return NULL;
    c->home = s->home;
    c->s = s;
    iv_status status = iv__recoder_make(&c->many, s, instance, params, graphs, AT_ONCE);
    if (!status)
        status = iv__recoder_make(&c->one, s, instance, params, graphs, 1);
    c->n = s->n[from] < POOL ? s->n[from] : POOL;
    for (int64_t i = 0; i < c->n; i++)
        c->record[i] = s->records[from][i * s->n[from] / c->n];
    if (!status) {
        c->latents = iv__alloc_array(c->home, c->n * c->many.latent, sizeof *c->latents);
        status = c->latents ? iv__recode(&c->many, c->record, c->n, c->latents, NULL) : IV_NOMEM;
    }
    if (!status)
        return c;
    iv__comparing_free(c);
    return NULL;
}

/* The latent of a typed sentence; *n: its words, 0: it has none. */
static iv_status latent_of(iv__comparing *c, const char *sentence, float *latent, int64_t *n,
                           iv__text *answer)
{
    iv__ids ids = { .home = c->home };
    iv__text unknown = { .home = c->home };
    iv_status status = iv__encode(c->s->vocabulary, "the sentence", 0, sentence, strlen(sentence),
                                  &ids, &unknown);

    if (status == IV_FORMAT) {
        iv__text_print(answer, "%s\n", iv_home_message(c->home));
        iv_home_clear(c->home);
        status = IV_OK;
        ids.count = 0;
    }
    if (unknown.size)
        iv__text_print(answer, "(words that it does not know: %s)\n", unknown.data);
    *n = ids.count < c->s->length ? ids.count : c->s->length;
    if (*n && !status) {
        iv__recoder_put(&c->one, ids.id, *n, 0);
        status = iv_plan_run(c->one.encoder);
    }
    if (*n && !status)
        memcpy(latent, iv_plan_output(c->one.encoder, 0), (size_t)c->one.latent * sizeof *latent);
    iv__ids_free(&ids);
    iv__text_free(&unknown);
    return status;
}

/* The words nearest to what is made of a latent, n of them. */
static iv_status put_decoded(iv__comparing *c, const float *latent, int64_t n, iv__text *answer)
{
    const int64_t width = c->s->vectors.width, first = c->s->unmasked ? c->s->length - n : 0;
    int32_t ids[IV__SENTENCE_MOST] = { 0 };

    iv_status status = iv__recoder_give(c->one.decoder, "latent", latent,
                                        (size_t)c->one.latent * sizeof *latent);
    iv__sentences_put(c->s, ids, n, 0, NULL, iv_plan_input(c->one.decoder, IV__SENTENCE_PRESENT));
    if (!status)
        status = iv_plan_run(c->one.decoder);
    for (int64_t t = 0; t < n && !status; t++)
        ids[t] = iv__vectors_nearest(&c->s->vectors, (const float *)iv_plan_output(c->one.decoder, 0) +
                                                         (first + t) * width);
    if (!status)
        iv__decode_readable(c->s->vocabulary, ids, n, answer);
    iv__text_put(answer, "\n");
    return status;
}

static iv_status put_nearest(const iv__comparing *c, const float *latent, iv__text *answer)
{
    bool *taken = iv__alloc_array(c->home, c->n, sizeof *taken);
    int32_t ids[IV__SENTENCE_MOST];

    if (!taken)
        return IV_NOMEM;
    for (int k = 0; k < SHOWN && k < c->n; k++) {
        int64_t best = -1;
        double most = -2;
        for (int64_t i = 0; i < c->n; i++) {
            const double near = iv__cosine(latent, c->latents + i * c->many.latent, c->many.latent);
            if (!taken[i] && near > most) {
                most = near;
                best = i;
            }
        }
        if (best < 0) /* cosines that are no numbers */
            break;
        taken[best] = true;
        iv__text_print(answer, "  %.3f  ", most);
        const int64_t n = iv__tokens_copy(c->s->data, c->record[best], 0, IV__SENTENCE_MOST, ids);
        iv__decode_readable(c->s->vocabulary, ids, n, answer);
        iv__text_put(answer, "\n");
    }
    iv__free(c->home, taken);
    return iv__tokens_status(c->s->data);
}

static iv_status morph(iv__comparing *c, const char *line, iv__text *answer)
{
    const char *bar = strchr(line, '|');
    const int64_t width = c->one.latent;
    iv__text one = { .home = c->home };
    float *latent = iv__alloc_array(c->home, 3 * width, sizeof *latent);
    int64_t n[2] = { 0, 0 };

    if (!bar || !latent) {
        iv__free(c->home, latent);
        if (!bar)
            iv__text_put(answer, "Two sentences are wanted, with | between them.\n");
        return bar ? IV_NOMEM : IV_OK;
    }
    iv__text_add(&one, line, (size_t)(bar - line));
    iv_status status = one.failed ? IV_NOMEM
                                  : latent_of(c, one.data ? one.data : "", latent, &n[0], answer);
    if (!status)
        status = latent_of(c, bar + 1, latent + width, &n[1], answer);
    for (int i = 0; i < MORPHS && n[0] && n[1] && !status; i++) {
        const double share = (double)i / (MORPHS - 1);
        const double words = (1 - share) * (double)n[0] + share * (double)n[1];
        for (int64_t k = 0; k < width; k++)
            latent[2 * width + k] = (float)((1 - share) * (double)latent[k] +
                                            share * (double)latent[width + k]);
        iv__text_print(answer, "  %.2f  ", share);
        status = put_decoded(c, latent + 2 * width, (int64_t)(words + 0.5), answer);
    }
    iv__text_free(&one);
    iv__free(c->home, latent);
    return status;
}

iv_status iv__comparing_line(void *comparing, const char *line, iv__text *answer)
{
    static const char morphs[] = "/morph";
    iv__comparing *c = comparing;
    int64_t n;

    if (!strncmp(line, morphs, sizeof morphs - 1) && strchr(" ", line[sizeof morphs - 1]))
        return morph(c, line + sizeof morphs - 1, answer);
    if (*line == '/') {
        iv__text_print(answer, "%s is no command; /help lists them.\n", line);
        return IV_OK;
    }
    float *latent = iv__alloc_array(c->home, c->one.latent, sizeof *latent);
    iv_status status = latent ? latent_of(c, line, latent, &n, answer) : IV_NOMEM;
    if (!status && n) {
        status = put_nearest(c, latent, answer);
        iv__text_put(answer, "  made of it: ");
        if (!status)
            status = put_decoded(c, latent, n, answer);
    }
    iv__free(c->home, latent);
    return status ? status : answer->failed ? IV_NOMEM : IV_OK;
}
