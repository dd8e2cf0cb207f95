/* common_manuscript.c: the tree of what was written, and going to and fro in it. */
#include "models/common_manuscript.h"

#include "base/home.h"

#include <math.h>
#include <string.h>

const char *iv__how_name(iv__how how)
{
    static const char *const names[] = {
#define IV__HOW(name, text) text,
        IV__HOW_MAP(IV__HOW)
#undef IV__HOW
    };
    return names[how];
}

/* ---- the tree -------------------------------------------------------------------------------- */

static iv_status make_room(iv__manuscript *m)
{
    if (m->count == IV__PIECES_MAX)
        return iv_fail(m->home, IV_VALUE,
                       "a writing has at most %d pieces: save it and begin another", IV__PIECES_MAX);
    if (m->count < m->room)
        return IV_OK;
    int32_t room = m->room * 2 + 64;
    iv__piece *grown = iv__resize(m->home, m->pieces, (size_t)room * sizeof *grown);
    if (!grown)
        return IV_NOMEM;
    m->pieces = grown;
    m->room = room;
    return IV_OK;
}

iv_status iv__manuscript_new(iv_home *home, iv__manuscript *m)
{
    *m = (iv__manuscript){ .home = home, .arena = { .home = home }, .temperature = 1 };
    iv_status status = make_room(m);
    if (!status)
        m->pieces[m->count++] = (iv__piece){ .text = "", .run = -1, .probability = NAN };
    return status;
}

void iv__manuscript_free(iv__manuscript *m)
{
    iv__arena_free(&m->arena);
    iv__free(m->home, m->pieces);
    m->pieces = NULL;
}

iv_status iv__manuscript_run(iv__manuscript *m, const char *name, int32_t *run)
{
    for (*run = 0; *run < m->n_runs; ++*run)
        if (!strcmp(m->runs[*run], name))
            return IV_OK;
    if (m->n_runs == IV__RUNS_MAX)
        return iv_fail(m->home, IV_VALUE, "at most %d runs write into one text; '%s' is one more",
                       IV__RUNS_MAX, name);
    m->runs[m->n_runs] = iv__arena_text(&m->arena, name);
    return m->runs[m->n_runs++] ? IV_OK : IV_NOMEM;
}

iv_status iv__manuscript_add(iv__manuscript *m, const iv__piece *piece)
{
    iv_status status = make_room(m);
    char *text = status ? NULL : iv__arena_text(&m->arena, piece->text);

    if (!text)
        return status ? status : IV_NOMEM;
    iv__piece *at = &m->pieces[m->count];
    *at = *piece;
    at->text = text;
    at->before = m->here;
    at->last = 0;
    m->pieces[m->here].last = m->count;
    m->here = m->count++;
    return IV_OK;
}

bool iv__manuscript_glue(iv__manuscript *m)
{
    iv__piece *piece = &m->pieces[m->here];
    bool can = *piece->text == ' ' && piece->text[1] && !piece->last && piece->how != IV__TYPED;

    piece->text += can;
    return can;
}

/* ---- to and fro ------------------------------------------------------------------------------ */

int64_t iv__manuscript_undo(iv__manuscript *m, int64_t pieces)
{
    int64_t n = 0;

    while (m->here && (pieces ? n < pieces : !n || !m->pieces[m->pieces[m->here].last].begins)) {
        int32_t before = m->pieces[m->here].before;
        m->pieces[before].last = m->here;
        m->here = before;
        n++;
    }
    return n;
}

int64_t iv__manuscript_redo(iv__manuscript *m, int64_t pieces)
{
    int64_t n = 0;

    for (int32_t next; (next = m->pieces[m->here].last); n++) {
        if (pieces ? n == pieces : n && m->pieces[next].begins)
            break;
        m->here = next;
    }
    return n;
}

/* Whether anything stands behind each piece. */
static bool has_next(const iv__manuscript *m, int32_t piece)
{
    return m->pieces[piece].last != 0;
}

int32_t iv__manuscript_branches(const iv__manuscript *m, int32_t *last, int32_t most)
{
    int32_t n = 0;

    for (int32_t i = 1; i < m->count; i++)
        if (!has_next(m, i)) {
            if (n < most)
                last[n] = i;
            n++;
        }
    return n;
}

/* Pieces are numbered so that each stands behind a smaller one: the ancestors that two share are
 * found by always going back from the larger. */
int32_t iv__manuscript_fork(const iv__manuscript *m)
{
    int32_t shared = -1;

    for (int32_t i = 1; i < m->count && shared; i++) {
        int32_t a = shared, b = i;
        if (has_next(m, i))
            continue;
        while (a >= 0 && a != b) {
            int32_t *larger = a > b ? &a : &b;
            *larger = m->pieces[*larger].before;
        }
        shared = a < 0 ? i : a;
    }
    return shared < 0 ? 0 : shared;
}

void iv__manuscript_go(iv__manuscript *m, int32_t piece)
{
    m->here = piece;
    for (int32_t i = piece; i; i = m->pieces[i].before)
        m->pieces[m->pieces[i].before].last = i;
}

/* Pieces from the last one back to the one behind `from` are put in place from the end. */
void iv__manuscript_text(const iv__manuscript *m, int32_t from, int32_t to, iv__text *text)
{
    size_t size = 0, begin = text->size;

    for (int32_t i = to; i && i != from; i = m->pieces[i].before)
        size += strlen(m->pieces[i].text);
    for (size_t done = 0; done < size && !text->failed;) { /* room for all of it */
        static const char blanks[] = "                                                                ";
        size_t step = size - done < sizeof blanks - 1 ? size - done : sizeof blanks - 1;
        iv__text_add(text, blanks, step);
        done += step;
    }
    if (text->failed)
        return;
    char *end = text->data ? text->data + begin + size : NULL;
    for (int32_t i = to; i && i != from; i = m->pieces[i].before) {
        size_t bytes = strlen(m->pieces[i].text);
        end -= bytes;
        memcpy(end, m->pieces[i].text, bytes);
    }
}
