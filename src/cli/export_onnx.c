/* export_onnx.c: the graph of a trained run as an ONNX file. */
#include "cli/export_onnx.h"

#include "base/file.h"
#include "derive/onnx.h"
#include "graph/node.h"
#include "models/common_trained.h"
#include "models/common_writing.h"
#include "ops/attrs.h"

#include <string.h>

enum { GRAPHS = 2, MOST_OUTPUTS = 64 };

/* Primes, so that no other size of a model is likely to be one of them or made of them. */
static const int64_t batches[GRAPHS] = { 131, 139 }, lengths[GRAPHS] = { 149, 151 };

/* A run's graph, twice, with other sizes on its open axes. */
typedef struct drawing {
    iv__opened *run;
    iv__arena arena;
    bool step;
    iv_graph *graph[GRAPHS];
    iv_stepper *stepper[GRAPHS];
    iv_node *outputs[GRAPHS][MOST_OUTPUTS];
    const char *names[MOST_OUTPUTS];
    int n_outputs;
} drawing;

/* A state begins as zeros, as ONNX's users are told. */
static iv_status add_states(drawing *d, int g)
{
    const iv_stepper_state *states;
    iv_home *home = d->arena.home;
    const int n = iv_stepper_states(d->stepper[g], &states);

    if (n >= MOST_OUTPUTS)
        return iv_fail(home, IV_UNSUPPORTED, "the model has more than %d states", MOST_OUTPUTS - 1);
    for (int i = 0; i < n; i++) {
        const iv_node *start = states[i].start;
        if (strcmp(iv_node_op(start), "fill") || ((const iv__fill *)start->call->attr)->value != 0)
            return iv_fail(home, IV_UNSUPPORTED, "the state '%s' begins with something else than zeros",
                           iv_node_name(states[i].leaf));
        d->outputs[g][1 + i] = states[i].next;
        d->names[1 + i] = iv__arena_print(&d->arena, "%s/next", iv_node_name(states[i].leaf));
    }
    d->n_outputs = 1 + n;
    return IV_OK;
}

static iv_status draw(drawing *d, int g)
{
    iv_home *home = d->arena.home;

    d->graph[g] = iv_graph_new(home);
    iv_scope *scope = d->graph[g] ? iv_scope_new(d->graph[g], d->run->params, "") : NULL;
    if (!scope)
        return iv_home_status(home);
    iv_node *output = iv__trained_graph(d->run->instance, scope, batches[g], lengths[g], &d->names[0]);
    if (!output)
        return iv_graph_status(d->graph[g]) ? iv__graph_fail(d->graph[g]) : iv_home_status(home);
    d->outputs[g][0] = output;
    d->n_outputs = 1;
    if (!d->step)
        return IV_OK;
    d->stepper[g] = iv_stepper_new(1, &output);
    if (!d->stepper[g])
        return iv_home_status(home);
    d->outputs[g][0] = iv_stepper_output(d->stepper[g], 0);
    return add_states(d, g);
}

static const void *numbers_of(void *user, const char *name)
{
    const iv_tensor *tensor = iv_params_find(((const drawing *)user)->run->params, name);

    return tensor ? tensor->data : NULL;
}

/* What a reader needs besides the graph: of texts the tokens, as a JSON list by their numbers. */
static const char *tokens_of(drawing *d)
{
    const iv__instance *instance = d->run->instance;
    iv__text text = { .home = d->arena.home };
    iv__json_writer w = { .text = &text };
    iv__language language;

    instance->model->language(instance, &language);
    iv__json_put_array(&w);
    for (int32_t id = 0; id < iv__vocabulary_count(language.vocabulary); id++)
        iv__json_put_bytes(&w, iv__vocabulary_token(language.vocabulary, id),
                           iv__vocabulary_token_size(language.vocabulary, id));
    iv__json_end_array(&w);
    const char *copy = text.failed ? NULL : iv__arena_text(&d->arena, text.data);
    iv__text_free(&text);
    return copy;
}

static iv_status make_model(drawing *d, iv__onnx_model *model)
{
    const iv__instance *instance = d->run->instance;
    const iv__onnx_source source = {
        .name = instance->system->name,
        .says = instance->system->says,
        .n_symbols = instance->model->language && !d->step ? 2 : 1,
        .symbols = { { "batch", { batches[0], batches[1] } }, { "length", { lengths[0], lengths[1] } } },
        .n_outputs = d->n_outputs,
        .outputs = { d->outputs[0], d->outputs[1] },
        .names = d->names,
        .parameter = numbers_of,
        .user = d,
    };
    iv_status status = iv__onnx_of(&d->arena, &source, model);

    if (!status && instance->model->language) {
        const char *(*pairs)[2] = iv__arena_get(&d->arena, sizeof *pairs);
        const char *tokens = tokens_of(d);
        if (!pairs || !tokens)
            return IV_NOMEM;
        (*pairs)[0] = "ivory.tokens";
        (*pairs)[1] = tokens;
        model->pairs = (const char *const(*)[2])pairs;
        model->n_pairs = 1;
    }
    return status;
}

enum { SHAPE_TEXT = 256 };

/* "[batch,length,30] f32" */
static const char *shape_text(const iv__onnx_value *value, char text[SHAPE_TEXT])
{
    size_t n = 0;

    for (int64_t k = 0; k < value->shape.rank && n < SHAPE_TEXT; k++)
        if (value->shape.dim[k] < 0)
            n += (size_t)snprintf(text + n, SHAPE_TEXT - n, "%c%s", k ? ',' : '[',
                                  *value->symbol[k] ? value->symbol[k] : "?");
        else
            n += (size_t)snprintf(text + n, SHAPE_TEXT - n, "%c%lld", k ? ',' : '[',
                                  (long long)value->shape.dim[k]);
    if (n < SHAPE_TEXT)
        snprintf(text + n, SHAPE_TEXT - n, "%s] %s", n ? "" : "[",
                 value->type == IV__ONNX_INT32 ? "i32" : "f32");
    return text;
}

static void put_values(iv__json_writer *w, const char *name, const iv__onnx_value *values, int64_t n)
{
    char text[SHAPE_TEXT];

    iv__json_put_name(w, name);
    iv__json_put_object(w);
    for (int64_t i = 0; i < n; i++)
        cli_put_string(w, values[i].name, shape_text(&values[i], text));
    iv__json_end_object(w);
}

static int put_json(cli *c, const iv__onnx_model *model, const char *out, size_t size)
{
    iv__text line = { .home = c->home };
    iv__json_writer w = { .text = &line };

    iv__json_put_object(&w);
    cli_put_string(&w, "file", out);
    cli_put_int(&w, "bytes", (int64_t)size);
    cli_put_int(&w, "nodes", model->n_nodes);
    put_values(&w, "inputs", model->inputs, model->n_inputs);
    put_values(&w, "outputs", model->outputs, model->n_outputs);
    iv__json_end_object(&w);
    const int status = cli_put_line(c, &line);
    iv__text_free(&line);
    return status;
}

static int put_result(cli *c, const iv__onnx_model *model, const char *out, size_t size)
{
    char bytes[32], text[SHAPE_TEXT];

    if (c->common.json)
        return put_json(c, model, out, size);
    printf("%s: %lld nodes, %s, opset %lld\n", out, (long long)model->n_nodes,
           cli_bytes(size, bytes), (long long)model->opset);
    for (int64_t i = 0; i < model->n_inputs; i++)
        printf("  in   %-16s %s\n", model->inputs[i].name, shape_text(&model->inputs[i], text));
    for (int64_t i = 0; i < model->n_outputs; i++)
        printf("  out  %-16s %s\n", model->outputs[i].name, shape_text(&model->outputs[i], text));
    return DONE;
}

int export_onnx(cli *c, iv__opened *run, const char *out, bool step)
{
    drawing d = { .run = run, .arena = { .home = c->home }, .step = step };
    iv__text bytes = { .home = c->home };
    iv__onnx_model model = { .name = "" };
    iv_status status = IV_OK;

    if (step && !run->instance->model->language)
        return cli_refuse("--step is of texts, and this run makes none");
    for (int g = 0; g < GRAPHS && !status; g++)
        status = draw(&d, g);
    if (!status)
        status = make_model(&d, &model);
    if (!status)
        status = iv__onnx_write(c->home, &model, &bytes);
    if (!status)
        status = iv__file_write(c->home, out, bytes.data, bytes.size);
    const int exit_status = status ? cli_fail(c) : put_result(c, &model, out, bytes.size);
    iv__text_free(&bytes);
    for (int g = 0; g < GRAPHS; g++) {
        iv_stepper_free(d.stepper[g]);
        iv_graph_free(d.graph[g]);
    }
    iv__arena_free(&d.arena);
    return exit_status;
}
