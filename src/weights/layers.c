/* layers.c: what layer each weight of a file belongs to, and in which order the model has them.
 *
 * Keras 1 and 2 list their layers and each one's weights in attributes; Keras 3 has a path of groups for each weight,
 * in which layers are counted by their class, and the names that a person gave them in attributes; in other files the
 * last part of a name is the weight's, and the rest its layer's. */
#include "weights/weights.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/home.h"
#include "base/text.h"
#include "format/json.h"

/* ---- texts ----------------------------------------------------------------------------------- */

static const char *text_of(const iv_weights *weights, const char *key)
{
    return weights->file ? iv__safetensors_metadata(weights->file, key) : NULL;
}

static char *print(iv_weights *weights, const char *a, const char *b, const char *c)
{
    return iv__arena_print(&weights->arena, "%s%s%s", a, b, c);
}

static bool starts(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* Whether the word is `base`, or it with a number: "cell", "cell_3". */
static bool is_numbered(const char *word, size_t size, const char *base)
{
    const size_t length = strlen(base);

    if (size < length || memcmp(word, base, length))
        return false;
    if (size == length)
        return true;
    for (size_t i = length + 1; i < size; i++)
        if (!isdigit((unsigned char)word[i]))
            return false;
    return size > length + 1 && word[length] == '_';
}

/* Words of a path that name no layer of Ivory's: a cell within its layer. */
static bool is_within(const char *word, size_t size)
{
    static const char *const cells[] = { "cell", "lstm_cell", "gru_cell", "simple_rnn_cell" };

    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (is_numbered(word, size, cells[i]))
            return true;
    return false;
}

/* Adds a word of a path to the text: a bidirectional layer's halves as Ivory calls them. */
static void add_word(iv__text *path, const char *word, size_t size)
{
    static const char *const halves[] = { "forward", "backward" };

    for (int i = 0; i < 2; i++) {
        const size_t length = strlen(halves[i]);
        if (size > length && !memcmp(word, halves[i], length) && word[length] == '_')
            size = length;
    }
    iv__text_put(path, path->size ? "/" : "");
    iv__text_add(path, word, size);
}

static bool is_half(const char *word)
{
    return starts(word, "forward_") || starts(word, "backward_");
}

/* The text as it is kept, and the room for it given back. */
static const char *keep(iv_weights *weights, iv__text *text)
{
    const char *kept = text->failed ? NULL
                                    : iv__arena_text(&weights->arena, text->size ? text->data : "");

    iv__text_free(text);
    return kept;
}

/* "kernel" of "lstm/kernel:0", into the arena. */
static const char *part_of(iv_weights *weights, const char *name, const char *slash)
{
    char *part = iv__arena_text(&weights->arena, slash ? slash + 1 : name);
    char *colon = part ? strrchr(part, ':') : NULL;

    if (colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")])
        *colon = 0;
    return part;
}

/* ---- Keras 1 and 2 --------------------------------------------------------------------------- */

/* A list of texts, which Keras cuts into several attributes where it is long: weight_names, or weight_names0,
 * weight_names1 ... NULL: there is none, or it failed. */
static const iv__json_value *list_of(iv_weights *weights, const char *group, const char *name, int part)
{
    char number[16] = "";

    if (part)
        snprintf(number, sizeof number, "%d", part - 1);
    const char *key = iv__arena_print(&weights->arena, "%s:%s%s", group, name, number);
    const char *text = key ? text_of(weights, key) : NULL;

    return text ? iv__json_tree_of(weights->home, key, text, strlen(text), &weights->arena) : NULL;
}

typedef struct naming {
    iv_weights *weights;
    const char *prefix; /* of all layers: "", or "model_weights/" */
    int64_t place;      /* of the next weight */
} naming;

/* Weights are still in the order of the file's tensors. */
static iv__weight *find(iv_weights *weights, const char *name)
{
    int64_t n;
    const iv__named_tensor *list = iv__safetensors_list(weights->file, &n),
                           *tensor = name ? iv__safetensors_find(weights->file, name) : NULL;

    return tensor ? &weights->list[tensor - list] : NULL;
}

/* What of the weight's name, "lstm_1/forward_lstm_1/kernel:0" of the layer lstm_1, leads from the layer to it. */
static const char *path_within(const char *name, const char *layer)
{
    const size_t size = strlen(layer);

    for (const char *at = name; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
        if (!strncmp(at, layer, size) && at[size] == '/')
            return at + size + 1;
    return name;
}

/* Whether some weight of the layer stands in it, not in a layer within: then no other's path means one. */
static bool is_plain(const iv__json_value *names, const char *layer)
{
    for (const iv__json_value *name = names->first; name; name = name->next) {
        const char *path = path_within(name->text, layer), *slash = strchr(path, '/');
        while (slash && is_within(path, (size_t)(slash - path))) {
            path = slash + 1;
            slash = strchr(path, '/');
        }
        if (!slash)
            return true;
    }
    return false;
}

/* Whole numbers are counts, seeds and vocabularies. */
static bool is_whole(const iv__weight *weight)
{
    return weight->element.width && !iv__element_is_real(weight->element);
}

static iv_status name_one(naming *n, const char *layer, const char *name, bool plain)
{
    iv_weights *weights = n->weights;
    char *full = iv__arena_print(&weights->arena, "%s%s/%s", n->prefix, layer, name);
    iv__weight *weight = find(weights, full);
    iv__text path = { .home = weights->home };

    if (!full)
        return IV_NOMEM;
    if (!weight)
        return iv_fail(weights->home, IV_FORMAT,
                       "%s: the layer '%s' lists the weight '%s', which is not there: the file is damaged",
                       weights->name, layer, name);
    iv__text_put(&path, layer);
    const char *at = path_within(name, layer);
    for (const char *slash; (slash = strchr(at, '/')); at = slash + 1)
        if (!is_within(at, (size_t)(slash - at)) && (!plain || is_half(at)))
            add_word(&path, at, (size_t)(slash - at));
    weight->about.layer = keep(weights, &path);
    weight->about.part = part_of(weights, name, strrchr(name, '/'));
    weight->about.beside = is_whole(weight);
    weight->place = n->place++;
    return weight->about.layer && weight->about.part ? IV_OK : IV_NOMEM;
}

static iv_status name_layer(naming *n, const char *layer)
{
    iv_weights *weights = n->weights;
    const char *group = print(weights, n->prefix, layer, "");
    const iv__json_value *names;
    iv_status status = group ? IV_OK : IV_NOMEM;

    for (int part = 0; !status; part++) {
        names = list_of(weights, group, "weight_names", part);
        if (!names && part)
            break;
        const bool plain = names && is_plain(names, layer);
        for (const iv__json_value *name = names ? names->first : NULL; name && !status; name = name->next)
            status = name_one(n, layer, name->text, plain);
    }
    return status ? status : iv_home_status(weights->home);
}

static iv_status name_keras_2(iv_weights *weights, const char *prefix)
{
    const char *root = *prefix ? "model_weights" : "";
    naming n = { weights, prefix, 0 };
    iv_status status = IV_OK;

    iv_home_clear(weights->home);
    for (int64_t i = 0; i < weights->n; i++) {
        weights->list[i].about.beside = true;
        weights->list[i].place = weights->n + i;
    }
    for (int part = 0; !status; part++) {
        const iv__json_value *layers = list_of(weights, root, "layer_names", part);
        if (!layers && part)
            break;
        for (const iv__json_value *layer = layers ? layers->first : NULL; layer && !status;
             layer = layer->next)
            status = name_layer(&n, layer->text);
    }
    return status ? status : iv_home_status(weights->home);
}

/* ---- Keras 3 --------------------------------------------------------------------------------- */

/* Words of a path that say how Keras keeps it. */
static bool is_keras_word(const char *word, size_t size)
{
    static const char *const words[] = { "layers", "layer", "vars", "_layer_checkpoint_dependencies" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == size && !memcmp(word, words[i], size))
            return true;
    return is_within(word, size);
}

static bool is_beside(const char *name)
{
    static const char *const words[] = { "optimizer", "_optimizer", "seed_generator", "metrics",
                                         "_loss_tracker" };

    for (const char *at = name, *slash; (slash = strchr(at, '/')); at = slash + 1)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (is_numbered(at, (size_t)(slash - at), words[i]))
                return true;
    return false;
}

/* The path of layers to the weight; `given`: by the names that a person gave them. */
static const char *path_of(iv_weights *weights, const char *name, bool given)
{
    iv__text path = { .home = weights->home };

    for (const char *at = name, *slash; (slash = strchr(at, '/')); at = slash + 1) {
        const char *key = given && !is_half(at) ? iv__arena_print(&weights->arena, "%.*s/vars:name",
                                                                  (int)(slash - name), name)
                                                : NULL;
        const char *called = key ? text_of(weights, key) : NULL, *word = called ? called : at;
        const size_t size = called ? strlen(called) : (size_t)(slash - at);
        if (!is_keras_word(word, size))
            add_word(&path, word, size);
    }
    return keep(weights, &path);
}

static bool is_keras_3(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash && (starts(name, "vars/") || (slash - name >= 5 && starts(slash - 5, "/vars")));
}

/* ---- all ------------------------------------------------------------------------------------- */

static iv_status name_by_path(iv_weights *weights, iv__weight *weight)
{
    const char *name = weight->about.name, *slash = strrchr(name, '/');
    const bool keras = is_keras_3(name);
    const char *end = slash ? slash : strrchr(name, '.');

    weight->about.part = part_of(weights, name, end);
    weight->about.beside = is_beside(name) || is_whole(weight);
    if (keras) {
        weight->about.layer = path_of(weights, name, true);
        weight->alias = path_of(weights, name, false);
    } else {
        weight->about.layer = iv__arena_print(&weights->arena, "%.*s", end ? (int)(end - name) : 0,
                                              name);
    }
    return weight->about.part && weight->about.layer && (!keras || weight->alias) ? IV_OK : IV_NOMEM;
}

static int by_place(const void *a, const void *b)
{
    const iv__weight *x = a, *y = b;

    return x->place < y->place ? -1 : x->place > y->place;
}

iv_status iv__weights_name_layers(iv_weights *weights)
{
    static const struct {
        const char *key, *prefix;
    } models[] = { { ":layer_names", "" },
                   { ":layer_names0", "" },
                   { "model_weights:layer_names", "model_weights/" },
                   { "model_weights:layer_names0", "model_weights/" } };
    iv_status status = IV_OK;

    for (int64_t i = 0; i < weights->n && !status; i++)
        status = name_by_path(weights, &weights->list[i]);
    for (size_t i = 0; i < sizeof models / sizeof *models && !status; i++)
        if (text_of(weights, models[i].key)) {
            status = name_keras_2(weights, models[i].prefix);
            break;
        }
    if (!status && weights->n > 1)
        qsort(weights->list, (size_t)weights->n, sizeof *weights->list, by_place);
    return status;
}
