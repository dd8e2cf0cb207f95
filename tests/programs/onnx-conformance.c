/* onnx-conformance FOLDER: runs other people's tests of ONNX's operators through Ivory's rows and layers. FOLDER holds
 * a folder for each case, or a zip of them, or is that zip: model.json (nodes, inputs, outputs), input_K.npy, output_K.npy.
 *
 * A line for each case: it passes, fails, or cannot be expressed, and why; the last line counts them. Ends with 0 if
 * none fails. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/home.h"
#include "format/json.h"
#include "format/npy.h"
#include "format/zip.h"
#include "onnx/import.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A result may differ from the reference by so much; ONNX's own runner allows 1e-3 and 1e-7. */
static const double relative = 4e-6, absolute = 1e-7;

enum { MOST_VALUES = 16 };

/* Cases whose reference was not computed with what their model says: an attribute that it leaves out. */
typedef struct correction {
    const char *name, *attribute;
    float value;
    const char *why;
} correction;
static const correction corrections[] = {
    { "test_adam_multiple", "epsilon", 1e-2F,
      "the reference was computed with an epsilon of 0.01, which the model leaves out (later editions have it)" },
};
enum { CORRECTIONS = sizeof corrections / sizeof *corrections };

static const correction *correction_of(const char *name)
{
    for (int i = 0; i < CORRECTIONS; i++)
        if (!strcmp(corrections[i].name, name))
            return &corrections[i];
    return NULL;
}

/* ---- where the cases lie ----------------------------------------------------------------------- */

typedef struct cases {
    iv_home *home;
    iv__arena arena;
    const char *folder;
    iv__zip *zip; /* NULL: they lie in the folder itself */
    const char **names;
    int64_t n;
} cases;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_case(cases *c, const char *name, size_t size, int64_t room)
{
    char *copy = iv__arena_print(&c->arena, "%.*s", (int)size, name);

    if (!c->names)
        c->names = iv__arena_get(&c->arena, (size_t)room * sizeof *c->names + 1);
    if (copy && c->names && c->n < room)
        c->names[c->n++] = copy;
    return copy && c->names;
}

static bool list_zip(cases *c)
{
    static const char model[] = "/model.json";
    int64_t n;
    const iv__zip_file *files = iv__zip_list(c->zip, &n);

    for (int64_t i = 0; i < n; i++) {
        const size_t size = strlen(files[i].name), end = sizeof model - 1;
        if (size > end && !strcmp(files[i].name + size - end, model) &&
            !add_case(c, files[i].name, size - end, n))
            return false;
    }
    return true;
}

static int is_case(const struct dirent *entry)
{
    return *entry->d_name != '.';
}

/* The cases of the folder, or of the zip that it is or that lies in it. */
static bool open_cases(cases *c)
{
    struct dirent **entries;
    const char *zip = NULL;
    bool good = true;
    const int n = scandir(c->folder, &entries, is_case, NULL);

    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        const size_t size = strlen(name);
        if (size > 4 && !strcmp(name + size - 4, ".zip"))
            zip = iv__arena_print(&c->arena, "%s/%s", c->folder, name);
        else if (iv__file_exists(iv__arena_print(&c->arena, "%s/%s/model.json", c->folder, name)))
            good &= add_case(c, name, size, n);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    if (n < 0)
        zip = c->folder;
    if (!c->n && zip) {
        c->zip = iv__zip_open(c->home, zip);
        good = c->zip && list_zip(c);
    }
    if (good && !c->n)
        iv_fail(c->home, IV_IO,
                "%s: expected folders with a model.json, or a zip of such, found none", c->folder);
    if (c->n)
        qsort(c->names, (size_t)c->n, sizeof *c->names, by_text);
    return good && c->n;
}

/* The bytes of a case's file, in the arena; NULL when it failed. */
static unsigned char *read_file(cases *c, iv__arena *arena, const char *name, const char *file,
                                size_t *size)
{
    unsigned char *bytes = NULL;

    if (c->zip) {
        const char *path = iv__arena_print(arena, "%s/%s", name, file);
        const iv__zip_file *found = path ? iv__zip_find(c->zip, path) : NULL;
        unsigned char *unpacked = found ? iv__zip_bytes(c->zip, found) : NULL;
        *size = found ? found->size : 0;
        if (!found)
            iv_fail(c->home, IV_IO, "%s is not there", file);
        bytes = unpacked ? iv__arena_get(arena, *size + 1) : NULL;
        if (bytes)
            memcpy(bytes, unpacked, *size);
        iv__free(c->home, unpacked);
        return bytes;
    }
    iv__view view = { NULL, 0 };
    const char *path = iv__arena_print(arena, "%s/%s/%s", c->folder, name, file);
    if (path && !iv__view_open(c->home, path, &view)) {
        *size = view.size;
        bytes = iv__arena_get(arena, view.size + 1);
        if (bytes)
            memcpy(bytes, view.data, view.size);
        iv__view_close(&view);
    }
    return bytes;
}

/* ---- a case as a model ------------------------------------------------------------------------- */

static const char *const *texts_of(iv__arena *arena, const iv__json_value *list, int *n)
{
    const char **texts = iv__arena_get(arena, (size_t)(list ? list->count : 0) * sizeof *texts + 1);

    *n = 0;
    for (const iv__json_value *v = list ? list->first : NULL; v; v = v->next) {
        const char *text = iv__json_string(v);
        texts[(*n)++] = text ? text : "";
    }
    return texts;
}

static bool is_whole(const iv__json_value *value)
{
    int64_t whole;

    return !strpbrk(value->text, ".eE") && iv__json_int(value, &whole);
}

static iv__onnx_attribute attribute_of(iv__arena *arena, const iv__json_value *value)
{
    iv__onnx_attribute a = { .name = value->name };
    double real = 0;

    if (value->kind == IV__JSON_STRING) {
        a.kind = IV__ONNX_TEXT;
        a.text = value->text;
    } else if (value->kind == IV__JSON_NUMBER && is_whole(value)) {
        a.kind = IV__ONNX_WHOLE;
        iv__json_int(value, &a.whole);
    } else if (value->kind == IV__JSON_NUMBER) {
        a.kind = IV__ONNX_REAL;
        iv__json_real(value, &real);
        a.real = (float)real;
    } else if (value->kind == IV__JSON_ARRAY) {
        int64_t *wholes = iv__arena_get(arena, (size_t)value->count * sizeof *wholes + 1);
        a.kind = IV__ONNX_WHOLES;
        a.wholes = wholes;
        for (const iv__json_value *v = value->first; v; v = v->next)
            iv__json_int(v, &wholes[a.n++]);
    }
    return a;
}

static iv__onnx_node node_of(iv__arena *arena, const iv__json_value *json, const correction *more)
{
    const char *op = iv__json_string(iv__json_member(json, "op"));
    const iv__json_value *given = iv__json_member(json, "attributes");
    iv__onnx_attribute *list = iv__arena_get(arena,
                                             (size_t)(given ? given->count + 1 : 1) * sizeof *list);
    iv__onnx_node node = { .op = op ? op : "", .name = "", .attributes = list };

    node.in = texts_of(arena, iv__json_member(json, "inputs"), &node.n_in);
    node.out = texts_of(arena, iv__json_member(json, "outputs"), &node.n_out);
    for (const iv__json_value *v = given ? given->first : NULL; v; v = v->next)
        list[node.n_attributes++] = attribute_of(arena, v);
    if (more && !iv__json_member(given, more->attribute))
        list[node.n_attributes++] = (iv__onnx_attribute){ .name = more->attribute,
                                                          .kind = IV__ONNX_REAL,
                                                          .real = more->value };
    return node;
}

static iv__onnx_value *values_of(iv__arena *arena, const iv__json_value *list, int64_t *count)
{
    int n;
    const char *const *names = texts_of(arena, list, &n);
    iv__onnx_value *values = iv__arena_get(arena, (size_t)n * sizeof *values + 1);

    for (int i = 0; i < n; i++)
        values[i].name = names[i];
    *count = n;
    return values;
}

static bool read_model(cases *c, iv__arena *arena, const char *name, iv__onnx_model *model)
{
    size_t size;
    const unsigned char *bytes = read_file(c, arena, name, "model.json", &size);
    const iv__json_value *json = bytes ? iv__json_tree_of(c->home, name, bytes, size, arena) : NULL;
    const iv__json_value *nodes = iv__json_member(json, "nodes");

    *model = (iv__onnx_model){ .name = name };
    if (!json)
        return false;
    iv__onnx_node *list = iv__arena_get(arena, (size_t)(nodes ? nodes->count : 0) * sizeof *list + 1);
    for (const iv__json_value *v = nodes ? nodes->first : NULL; v; v = v->next)
        list[model->n_nodes++] = node_of(arena, v, correction_of(name));
    model->nodes = list;
    model->inputs = values_of(arena, iv__json_member(json, "inputs"), &model->n_inputs);
    model->outputs = values_of(arena, iv__json_member(json, "outputs"), &model->n_outputs);
    if (model->n_nodes && model->n_outputs && model->n_inputs <= MOST_VALUES &&
        model->n_outputs <= MOST_VALUES)
        return true;
    iv_fail(c->home, IV_FORMAT, "model.json has no nodes, no outputs, or more than %d values",
            MOST_VALUES);
    return false;
}

static iv__onnx_type type_of(const iv__element *element)
{
    if (element->big_endian && element->width > 1)
        return 0;
    switch (element->kind) {
    case IV__REAL:
        return element->width == 4 ? IV__ONNX_FLOAT : element->width == 8 ? IV__ONNX_DOUBLE : 0;
    case IV__INTEGER:
        return element->width == 4 ? IV__ONNX_INT32 : element->width == 8 ? IV__ONNX_INT64 : 0;
    case IV__NATURAL: return element->width == 1 ? IV__ONNX_UINT8 : 0;
    case IV__TRUTH: return IV__ONNX_BOOL;
    default: return 0;
    }
}

/* input_K.npy or output_K.npy as the value of that name. */
static bool read_array(cases *c, iv__arena *arena, const char *name, const char *what, int64_t k,
                       const char *value, iv__onnx_tensor *tensor)
{
    const char *file = iv__arena_print(arena, "%s_%lld.npy", what, (long long)k);
    size_t size = 0;
    iv__npy npy;
    const unsigned char *bytes = file ? read_file(c, arena, name, file, &size) : NULL;

    if (!bytes || iv__npy_read(c->home, file, bytes, size, &npy))
        return false;
    unsigned char *data = iv__arena_get(arena, npy.size + 1);
    *tensor = (iv__onnx_tensor){ value, type_of(&npy.element), npy.shape, data };
    if (!data)
        return false;
    iv__npy_in_order(&npy, data);
    if (tensor->type)
        return true;
    iv_fail(c->home, IV_UNSUPPORTED, "%s: its elements are of a type that no case here has", file);
    return false;
}

/* ---- running and comparing ----------------------------------------------------------------------- */

typedef enum outcome { PASSES, CANNOT, FAILS, OUTCOMES } outcome;

static bool same(double got, double wanted)
{
    return (isnan(got) && isnan(wanted)) || got == wanted ||
           fabs(got - wanted) <= absolute + relative * fabs(wanted);
}

/* Says how far output k is off, unless it is within the tolerance. */
static bool agrees(const char *name, int64_t k, const onnx_result *got, const iv__onnx_tensor *wanted)
{
    char a[160], b[160];
    double most = -1;
    int64_t at = -1;

    if (!iv_shape_same(&got->shape, &wanted->shape)) {
        printf("fail %s: output %lld is %s, expected %s\n", name, (long long)k,
               iv_shape_text(&got->shape, a, sizeof a), iv_shape_text(&wanted->shape, b, sizeof b));
        return false;
    }
    for (int64_t i = 0; i < iv_shape_count(&got->shape); i++) {
        const double value = onnx_number(wanted, i), off = fabs(got->number[i] - value);
        if (!same(got->number[i], value) && !(off <= most)) {
            most = off;
            at = i;
        }
    }
    if (at >= 0)
        printf("fail %s: max difference %.3g: output %lld has %.9g at place %lld, expected %.9g\n",
               name, most, (long long)k, got->number[at], (long long)at, onnx_number(wanted, at));
    return at < 0;
}

static outcome broken(cases *c, const char *name)
{
    printf("fail %s: %s\n", name, iv_home_message(c->home));
    return FAILS;
}

static outcome run_case(cases *c, iv__arena *arena, const char *folder)
{
    const char *name = strncmp(folder, "test_", 5) ? folder : folder + 5;
    iv__onnx_tensor in[MOST_VALUES], wanted[MOST_VALUES];
    onnx_result got[MOST_VALUES];
    onnx_import at;
    iv__onnx_model model;
    outcome result = PASSES;

    if (!read_model(c, arena, folder, &model))
        return broken(c, name);
    for (int64_t k = 0; k < model.n_inputs; k++)
        if (!read_array(c, arena, folder, "input", k, model.inputs[k].name, &in[k]))
            return broken(c, name);
    for (int64_t k = 0; k < model.n_outputs; k++)
        if (!read_array(c, arena, folder, "output", k, model.outputs[k].name, &wanted[k]))
            return broken(c, name);
    if (!onnx_import_open(&at, c->home, &model, model.n_inputs, in)) {
        printf("not expressible %s: %s\n", name, at.reason);
        result = CANNOT;
    } else if (onnx_import_run(&at, got)) {
        result = broken(c, name);
    }
    for (int64_t k = 0; k < model.n_outputs && result == PASSES; k++)
        result = agrees(name, k, &got[k], &wanted[k]) ? PASSES : FAILS;
    const correction *more = correction_of(folder);
    if (result == PASSES)
        printf("pass %s%s%s\n", name, more ? ": " : "", more ? more->why : "");
    onnx_import_close(&at);
    return result;
}

int main(int argc, char **argv)
{
    iv_home *home = iv_home_new(NULL);
    cases all = { .home = home, .arena = { .home = home }, .folder = argc == 2 ? argv[1] : "" };
    int64_t count[OUTCOMES] = { 0 };

    if (argc != 2 || !home || !open_cases(&all)) {
        fprintf(stderr, "onnx-conformance: %s\n",
                argc != 2 ? "expected the folder of ONNX's operator tests, unpacked or as a zip"
                : home    ? iv_home_message(home)
                          : "out of memory");
    } else {
        for (int64_t i = 0; i < all.n; i++) {
            iv__arena arena = { .home = home };
            count[run_case(&all, &arena, all.names[i])]++;
            iv__arena_free(&arena);
            iv_home_clear(home);
        }
        printf("%lld pass, %lld not expressible, %lld fail\n", (long long)count[PASSES],
               (long long)count[CANNOT], (long long)count[FAILS]);
    }
    iv__zip_close(all.zip);
    iv__arena_free(&all.arena);
    if (home)
        iv_home_free(home);
    return !all.n ? 2 : count[FAILS] ? 1 : 0;
}
