/* common_trained.c: the graph of a trained model, without loss and without dropout. */
#include "models/common_trained.h"

#include "models/common_painter.h"
#include "models/common_pictures.h"
#include "models/common_writing.h"

static iv_node *of_texts(const iv__instance *instance, iv_scope *scope, int64_t batch, int64_t length)
{
    iv__language language;

    instance->model->language(instance, &language);
    iv_node *words = iv_input_sequence(iv_scope_graph(scope), "words", IV_I32,
                                       iv_dims(batch, length), 1);
    return language.logits(instance->options, scope, words, iv__vocabulary_count(language.vocabulary));
}

static iv_node *of_pictures(const iv__instance *instance, iv_scope *scope, int64_t batch)
{
    iv_graph *graph = iv_scope_graph(scope);
    iv__palette palette;

    instance->model->palette(instance, &palette);
    const iv_shape shape = iv_dims(batch, palette.height, palette.width, palette.channels);
    iv_node *pixels = iv_input_raster(graph, IV__PICTURES_PIXELS, iv_graph_real(graph), shape);
    iv_node *label = palette.classes ? iv_input(graph, IV__PICTURES_LABEL, IV_I32, iv_dims(batch))
                                     : NULL;
    return palette.outputs(instance, scope, pixels, label);
}

iv_node *iv__trained_graph(const iv__instance *instance, iv_scope *scope, int64_t batch,
                           int64_t length, const char **name)
{
    const iv__model *model = instance->model;

    if (model->evaluate)
        return model->evaluate(instance, scope, batch, name);
    *name = model->palette ? "parameters" : "logits";
    if (model->language)
        return of_texts(instance, scope, batch, length);
    if (model->palette)
        return of_pictures(instance, scope, batch);
    iv_fail(instance->home, IV_UNSUPPORTED,
            "the model %s does not say what its graph is for others", model->name);
    return NULL;
}
