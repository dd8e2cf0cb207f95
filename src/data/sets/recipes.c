/* recipes.c: the Epicurious recipes: a JSON array of objects with a title and a list of directions.
 * Source: GDL 2nd ed., chapter 5: "Recipe for TITLE | DIRECTIONS". */

#include <string.h>

#include "base/home.h"
#include "data/dataset.h"
#include "format/json.h"

typedef struct recipes_state {
    iv__json *json;
    iv__text title, directions;
    const char *flaw; /* why the present record cannot be used, or NULL */
} recipes_state;

static iv_status recipes_open(iv__records *records)
{
    recipes_state *state = records->state = iv__alloc(records->home, sizeof *state);
    if (!state)
        return IV_NOMEM;
    state->title.home = state->directions.home = records->home;
    state->json = iv__json_new(records->source);
    if (!state->json)
        return IV_NOMEM;

    iv__json_kind kind = iv__json_next(state->json);
    if (kind == IV__JSON_FAILED)
        return iv_home_status(records->home);
    return kind == IV__JSON_ARRAY
               ? IV_OK
               : iv__json_refuse(state->json, "expected '[', the beginning of a list of recipes");
}

static void recipes_close(iv__records *records)
{
    recipes_state *state = records->state;
    if (!state)
        return;
    iv__json_free(state->json);
    iv__text_free(&state->title);
    iv__text_free(&state->directions);
    iv__free(records->home, state);
}

static bool is_empty(const iv__text *text)
{
    return !text->data || text->data[strspn(text->data, " \t\r\n")] == 0;
}

static void add_string(recipes_state *state, iv__text *text)
{
    size_t size;
    const char *string = iv__json_text(state->json, &size);

    if (memchr(string, 0, size))
        state->flaw = "with a zero character";
    iv__text_add(text, string, size);
}

static bool read_title(recipes_state *state)
{
    iv__json_kind kind = iv__json_next(state->json);

    iv__text_clear(&state->title);
    if (kind == IV__JSON_STRING)
        add_string(state, &state->title);
    else if (kind != IV__JSON_NULL)
        state->flaw = "with a title that is no text";
    return iv__json_skip(state->json);
}

/* The steps, a blank between them. */
static bool read_directions(recipes_state *state)
{
    static const char flaw[] = "with directions that are no list of texts";
    iv__json_kind kind = iv__json_next(state->json);

    iv__text_clear(&state->directions);
    if (kind != IV__JSON_ARRAY) {
        if (kind != IV__JSON_NULL)
            state->flaw = flaw;
        return iv__json_skip(state->json);
    }
    while ((kind = iv__json_next(state->json)) != IV__JSON_ARRAY_END) {
        if (kind != IV__JSON_STRING) {
            state->flaw = flaw;
            if (!iv__json_skip(state->json))
                return false;
            continue;
        }
        if (state->directions.size > 0)
            iv__text_put(&state->directions, " ");
        add_string(state, &state->directions);
    }
    return true;
}

static bool read_members(recipes_state *state)
{
    iv__json_kind kind;

    while ((kind = iv__json_next(state->json)) == IV__JSON_NAME) {
        const char *name = iv__json_text(state->json, NULL);
        bool read = strcmp(name, "title") == 0        ? read_title(state)
                    : strcmp(name, "directions") == 0 ? read_directions(state)
                                                      : iv__json_skip(state->json);
        if (!read)
            return false;
    }
    return kind == IV__JSON_OBJECT_END;
}

/* Reads one element of the list. */
static bool read_record(recipes_state *state, iv__json_kind kind)
{
    state->flaw = NULL;
    iv__text_clear(&state->title);
    iv__text_clear(&state->directions);
    if (kind != IV__JSON_OBJECT) {
        state->flaw = "that are no objects";
        return iv__json_skip(state->json);
    }
    if (!read_members(state) || state->title.failed || state->directions.failed)
        return false;
    if (!state->flaw)
        state->flaw = is_empty(&state->title)        ? "without a title"
                      : is_empty(&state->directions) ? "without directions"
                                                     : NULL;
    return true;
}

static iv_status recipes_next(iv__records *records)
{
    recipes_state *state = records->state;
    iv__json_kind kind;

    while ((kind = iv__json_next(state->json)) != IV__JSON_ARRAY_END) {
        if (kind == IV__JSON_FAILED || !read_record(state, kind))
            return iv_home_status(records->home);
        records->seen++;
        if (state->flaw) {
            iv__records_drop(records, state->flaw);
            continue;
        }
        records->kept++;
        iv__text_put(&records->text, "Recipe for ");
        iv__text_add(&records->text, state->title.data, state->title.size);
        iv__text_put(&records->text, " | ");
        iv__text_add(&records->text, state->directions.data, state->directions.size);
        return IV_OK;
    }
    records->ended = true;
    return iv__json_next(state->json) == IV__JSON_END ? IV_OK : iv_home_status(records->home);
}

const iv__dataset iv__dataset_recipes = {
    .name = "recipes",
    .says = "recipes from Epicurious, a JSON list of objects with title and directions",
    .licence = "texts (c) Epicurious / Conde Nast, for research and testing; the collection MIT (c) Denis Papathanasiou",
    .home_page = "https://www.epicurious.com/",
    .download = "https://www.kaggle.com/datasets/hugodarwood/epirecipes",
    .sha256 = "e2181c31d33333a70ddb9899b64fe81f5ecefffbc8f9e0c27971397d4e2d25a8",
    .file = "recipes/full_format_recipes.json",
    .open = recipes_open,
    .next = recipes_next,
    .close = recipes_close,
};
