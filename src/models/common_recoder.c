/* common_recoder.c: both halves of an autoencoder of sentences as plans. */
#include "models/common_sentence.h"

#include "base/home.h"
#include "graph/node.h"

#include <string.h>

static iv_plan *plan_of(iv__recoder *r, iv_params *params, iv_node *output)
{
    iv_graph *graph = r->graph[r->graph[1] != NULL];
    iv_plan *plan = NULL;

    if (!output || iv_graph_status(graph))
        iv__graph_fail(graph);
    else
        plan = iv_plan_new(r->home, 1, &output, 0, NULL);
    if (plan && iv_params_bind(params, plan)) {
        iv_plan_free(plan);
        plan = NULL;
    }
    return plan;
}

iv_status iv__recoder_make(iv__recoder *r, const iv__sentences *s, iv__instance *instance,
                           iv_params *params, const iv__coder_graphs *graphs, int64_t n)
{
    iv_home *home = instance->home;

    *r = (iv__recoder){ .home = home, .s = s, .n = n };
    for (int half = 0; half < 2; half++) {
        iv_graph *g = r->graph[half] = iv_graph_new(home);
        iv_scope *scope = g ? iv_scope_new(g, params, "") : NULL;
        if (!scope)
            return iv_home_status(home);
        iv_node *present = iv_input(g, IV__SENTENCE_PRESENT, IV_F32, iv_dims(n, s->length));
        if (half == 0) {
            iv_node *latent = graphs->encode(instance, scope,
                                             iv_input(g, IV__SENTENCE_VECTORS, IV_F32,
                                                      iv_dims(n, s->length, s->vectors.width)),
                                             present);
            r->latent = iv_node_dim(latent, 1);
            r->encoder = plan_of(r, params, latent);
            if (!r->encoder)
                return iv_home_status(home);
        } else {
            r->decoder = plan_of(r, params,
                                 graphs->decode(instance, scope,
                                                iv_input(g, "latent", IV_F32, iv_dims(n, r->latent)),
                                                present));
        }
    }
    return r->encoder && r->decoder ? IV_OK : iv_home_status(home);
}

void iv__recoder_free(iv__recoder *r)
{
    iv_plan_free(r->encoder);
    iv_plan_free(r->decoder);
    iv_graph_free(r->graph[0]);
    iv_graph_free(r->graph[1]);
}

void iv__recoder_put(iv__recoder *r, const int32_t *ids, int64_t n, int64_t row)
{
    iv__sentences_put(r->s, ids, n, row, iv_plan_input(r->encoder, IV__SENTENCE_VECTORS),
                      iv_plan_input(r->encoder, IV__SENTENCE_PRESENT));
    iv__sentences_put(r->s, ids, n, row, NULL, iv_plan_input(r->decoder, IV__SENTENCE_PRESENT));
}

iv_status iv__recoder_give(iv_plan *plan, const char *input, const void *from, size_t bytes)
{
    void *to = iv_plan_input(plan, input);

    if (to)
        memcpy(to, from, bytes);
    return to ? IV_OK : IV_NOMEM;
}

/* What is made of the encoder's latents goes through it once more. */
static iv_status encode_again(iv__recoder *r, const float *latents)
{
    const size_t bytes = (size_t)(r->n * r->s->length * r->s->vectors.width) * sizeof(float);

    iv_status status = iv__recoder_give(r->decoder, "latent", latents,
                                        (size_t)(r->n * r->latent) * sizeof *latents);
    if (!status)
        status = iv_plan_run(r->decoder);
    if (!status)
        status = iv__recoder_give(r->encoder, IV__SENTENCE_VECTORS, iv_plan_output(r->decoder, 0),
                                  bytes);
    return status ? status : iv_plan_run(r->encoder);
}

iv_status iv__recode(iv__recoder *r, const int32_t *record, int64_t count, float *latents, float *again)
{
    const int64_t width = r->latent;
    int32_t ids[IV__SENTENCE_MOST];
    float *all = iv__alloc_array(r->home, r->n * width, sizeof *all);
    iv_status status = all ? IV_OK : IV_NOMEM;

    for (int64_t first = 0; first < count && !status; first += r->n) {
        const int64_t n = count - first < r->n ? count - first : r->n;
        for (int64_t i = 0; i < r->n; i++)
            iv__recoder_put(r, ids,
                            i < n ? iv__tokens_copy(r->s->data, record[first + i], 0, r->s->length, ids)
                                  : 0,
                            i);
        status = iv_plan_run(r->encoder);
        if (status)
            break;
        memcpy(all, iv_plan_output(r->encoder, 0), (size_t)(r->n * width) * sizeof *all);
        memcpy(latents + first * width, all, (size_t)(n * width) * sizeof *all);
        if (again)
            status = encode_again(r, all);
        if (again && !status)
            memcpy(again + first * width, iv_plan_output(r->encoder, 0),
                   (size_t)(n * width) * sizeof *all);
    }
    iv__free(r->home, all);
    return status ? status : iv__tokens_status(r->s->data);
}
