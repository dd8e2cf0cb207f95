/* tokens.c: finding, making, checking and reading the cache file of a tokenized data set. Only where
 * records begin is mapped; tokens are read where they are wanted, so that memory does not grow with
 * what was read. */

#include "data/tokens.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/home.h"
#include "base/sha256.h"
#include "data/known.h"
#include "data/tokens_parts.h"

struct iv__tokens {
    iv_home *home;
    iv__arena arena;
    iv__reader *reader;         /* of the cache file; NULL over memory */
    iv__view view;              /* of its offsets; empty over memory */
    _Atomic int64_t *copies;    /* made so far; NULL over memory */
    const unsigned char *bytes; /* the memory */
    const char *name;
    iv__tokens_foot foot;
    const unsigned char *offsets;
    uint64_t ids; /* where they begin in the file */
    iv__vocabulary *vocabulary;
    const char *source, *content, *settings, *report, *note;
    bool reused;
};

/* ---- reading --------------------------------------------------------------------------------- */

static bool refuse(const iv__tokens *tokens, const char *why)
{
    iv_fail(tokens->home, IV_FORMAT, "%s: %s: the cache file is damaged or from another version",
            tokens->name, why);
    return false;
}

static uint64_t offset_at(const iv__tokens *tokens, uint64_t record)
{
    uint64_t offset;

    memcpy(&offset, tokens->offsets + record * sizeof offset, sizeof offset);
    return offset;
}

static iv_status get(const iv__tokens *tokens, uint64_t place, void *bytes, size_t size)
{
    if (tokens->reader)
        return iv__reader_get(tokens->reader, place, bytes, size);
    if (size > 0)
        memcpy(bytes, tokens->bytes + place, size);
    return IV_OK;
}

/* A stretch of the file as a text, that ends with the tokens. */
static char *copy(iv__tokens *tokens, uint64_t place, uint64_t size)
{
    char *text = iv__arena_get(&tokens->arena, (size_t)size + 1);

    return text && !get(tokens, place, text, (size_t)size) ? text : NULL;
}

/* The sizes that the foot states must add up to the file's. */
static bool sizes_fit(const iv__tokens_foot *foot, uint64_t size, size_t *offsets, size_t *ids)
{
    uint64_t left = size - sizeof *foot - 64;

    if ((foot->width != 2 && foot->width != 4) || foot->records == UINT64_MAX ||
        !iv__mul_size((size_t)foot->records + 1, 8, offsets) ||
        !iv__mul_size((size_t)foot->tokens, (size_t)foot->width, ids) || *offsets > left ||
        *ids > left - *offsets)
        return false;
    left -= *offsets + *ids;
    if (foot->vocabulary_size > left || foot->settings_size > left - foot->vocabulary_size)
        return false;
    return foot->report_size == left - foot->vocabulary_size - foot->settings_size;
}

/* What is found out about the contents while their checksum is made. */
typedef struct contents {
    iv__sha256 hash;
    uint64_t before;  /* the last offset */
    bool wrong_order; /* records do not follow each other, or are empty */
    uint32_t highest; /* id */
    bool low[8];      /* which of the first ids came */
} contents;

enum { PIECE = 1 << 16 }; /* bytes looked at at once */

static void look_at_offsets(contents *c, const unsigned char *bytes, size_t size, bool first)
{
    uint64_t offset;

    for (size_t i = 0; i < size; i += sizeof offset) {
        memcpy(&offset, bytes + i, sizeof offset);
        c->wrong_order |= first && i == 0 ? offset != 0 : offset <= c->before;
        c->before = offset;
    }
}

static void look_at_ids(contents *c, const unsigned char *bytes, size_t size, uint64_t width)
{
    for (size_t i = 0; i < size; i += width) {
        uint16_t narrow;
        uint32_t id;
        if (width == sizeof narrow) {
            memcpy(&narrow, bytes + i, sizeof narrow);
            id = narrow;
        } else {
            memcpy(&id, bytes + i, sizeof id);
        }
        if (id > c->highest)
            c->highest = id;
        if (id < sizeof c->low)
            c->low[id] = true;
    }
}

/* From `begin` to before `end`; all of it goes into the checksum. */
static iv_status look_through(const iv__tokens *tokens, contents *c, uint64_t begin, uint64_t end)
{
    uint64_t offsets = 64, ids = tokens->ids, width = tokens->foot.width,
             behind = ids + tokens->foot.tokens * width;
    unsigned char *piece = iv__alloc(tokens->home, PIECE);
    iv_status status = piece ? IV_OK : IV_NOMEM;

    for (uint64_t at = begin; at < end && !status;) {
        uint64_t part = at < offsets ? offsets : at < ids ? ids : at < behind ? behind : end;
        size_t size = part - at < PIECE ? (size_t)(part - at) : PIECE;
        status = get(tokens, at, piece, size);
        if (!status) {
            iv__sha256_add(&c->hash, piece, size);
            if (at >= offsets && at < ids)
                look_at_offsets(c, piece, size, at == offsets);
            else if (at >= ids && at < behind)
                look_at_ids(c, piece, size, width);
        }
        at += size;
    }
    iv__free(tokens->home, piece);
    return status;
}

static bool sums_match(iv__tokens *tokens, contents *c, uint64_t about)
{
    const iv__tokens_foot *foot = &tokens->foot;
    char content[65], sum[65];
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, tokens->settings, (size_t)foot->settings_size);
    iv__sha256_add(&hash, tokens->report, (size_t)foot->report_size);
    iv__sha256_add(&hash, foot, offsetof(iv__tokens_foot, sum));
    iv__sha256_end(&hash, sum);
    iv__sha256_begin(&c->hash);
    if (memcmp(sum, foot->sum, 64) != 0)
        return refuse(tokens, "a checksum does not match");
    if (look_through(tokens, c, 0, about))
        return false;
    iv__sha256_end(&c->hash, content);
    return memcmp(content, foot->content, 64) == 0 || refuse(tokens, "a checksum does not match");
}

/* Records follow each other and are not empty; ids are of the vocabulary, and no special ones but
 * the unknown one. */
static bool contents_make_sense(const iv__tokens *tokens, const contents *c)
{
    const iv__tokens_foot *foot = &tokens->foot;
    int32_t unknown = iv__vocabulary_unknown(tokens->vocabulary),
            first = iv__vocabulary_first(tokens->vocabulary);

    for (int32_t id = 0; id < first; id++)
        if (id != unknown && c->low[id])
            return false;
    return foot->records > 0 && !c->wrong_order && c->before == foot->tokens &&
           c->highest < iv__vocabulary_count(tokens->vocabulary);
}

static bool take_vocabulary(iv__tokens *tokens, uint64_t place)
{
    size_t size = (size_t)tokens->foot.vocabulary_size;
    char *bytes = iv__alloc(tokens->home, size + 1);

    if (bytes && !get(tokens, place, bytes, size))
        tokens->vocabulary = iv__vocabulary_read(tokens->home, tokens->name, bytes, size);
    iv__free(tokens->home, bytes);
    return tokens->vocabulary != NULL;
}

/* The file's, or the memory's, `size` bytes. */
static bool take_bytes(iv__tokens *tokens, uint64_t size)
{
    static const char expected[64] = IV__TOKENS_HEAD;
    iv__tokens_foot *foot = &tokens->foot;
    contents c = { .before = 0 };
    char head[64];
    size_t offsets, ids;

    if (size < sizeof head + sizeof *foot)
        return refuse(tokens, "it does not begin as one");
    if (get(tokens, 0, head, sizeof head) || get(tokens, size - sizeof *foot, foot, sizeof *foot))
        return false;
    if (memcmp(head, expected, sizeof head) != 0)
        return refuse(tokens, "it does not begin as one");
    if (memcmp(foot->mark, IV__TOKENS_FOOT, sizeof foot->mark) != 0)
        return refuse(tokens, "it does not end as one");
    if (!sizes_fit(foot, size, &offsets, &ids))
        return refuse(tokens, "its sizes do not fit");

    tokens->ids = sizeof head + offsets;
    uint64_t vocabulary = tokens->ids + ids, about = vocabulary + foot->vocabulary_size;
    tokens->settings = copy(tokens, about, foot->settings_size);
    tokens->report = copy(tokens, about + foot->settings_size, foot->report_size);
    tokens->source = copy(tokens, size - sizeof *foot + offsetof(iv__tokens_foot, source), 64);
    tokens->content = copy(tokens, size - sizeof *foot + offsetof(iv__tokens_foot, content), 64);
    if (!tokens->settings || !tokens->report || !tokens->source || !tokens->content ||
        !sums_match(tokens, &c, about) || !take_vocabulary(tokens, vocabulary))
        return false;
    if (!contents_make_sense(tokens, &c))
        return refuse(tokens, "its records and tokens make no sense");
    if (tokens->reader && iv__reader_view(tokens->reader, sizeof head + offsets, &tokens->view))
        return false;
    if (tokens->reader && !(tokens->copies = iv__arena_get(&tokens->arena, sizeof *tokens->copies)))
        return false;
    if (tokens->copies)
        atomic_init(tokens->copies, 0);
    tokens->offsets = (tokens->reader ? tokens->view.data : tokens->bytes) + sizeof head;
    return true;
}

static iv__tokens *tokens_new(iv_home *home, const char *name)
{
    iv__tokens *tokens = iv__alloc(home, sizeof *tokens);
    if (!tokens)
        return NULL;
    tokens->home = tokens->arena.home = home;
    tokens->note = "";
    tokens->name = iv__arena_text(&tokens->arena, name);
    if (!tokens->name) {
        iv__tokens_free(tokens);
        return NULL;
    }
    return tokens;
}

iv__tokens *iv__tokens_read(iv_home *home, const char *name, const void *bytes, size_t size)
{
    iv__tokens *tokens = tokens_new(home, name);
    if (!tokens)
        return NULL;
    tokens->bytes = bytes;
    if (take_bytes(tokens, size))
        return tokens;
    iv__tokens_free(tokens);
    return NULL;
}

static iv__tokens *open_file(iv_home *home, const char *path)
{
    iv__tokens *tokens = tokens_new(home, path);
    if (!tokens)
        return NULL;
    tokens->reader = iv__reader_open(home, path);
    if (tokens->reader && take_bytes(tokens, iv__reader_size(tokens->reader)))
        return tokens;
    iv__tokens_free(tokens);
    return NULL;
}

void iv__tokens_free(iv__tokens *tokens)
{
    if (!tokens)
        return;
    iv__vocabulary_free(tokens->vocabulary);
    iv__view_close(&tokens->view);
    iv__reader_close(tokens->reader);
    iv__arena_free(&tokens->arena);
    iv__free(tokens->home, tokens);
}

/* ---- finding and making ---------------------------------------------------------------------- */

/* What the tokens depend on besides the data. */
static void put_settings(iv__text *text, const iv__dataset *set, const iv__tokens_options *o)
{
    iv__text_print(text, "version=" IV__TOKENS_VERSION " set=%s", set->name);
    for (const iv_field *field = set->fields; field && field->name; field++) {
        iv__text_print(text, " %s=", field->name);
        iv__field_print(field, o->set_options, text);
    }
    if (o->given) {
        char hex[65];
        size_t size;
        iv__sha256 hash;
        const void *bytes = iv__vocabulary_bytes(o->given, &size);
        iv__sha256_begin(&hash);
        iv__sha256_add(&hash, bytes, size);
        iv__sha256_end(&hash, hex);
        iv__text_print(text, " given=%s", hex);
    } else {
        iv__text_put(text, " tokens=");
        iv__token_rules_print(&o->rules, text);
        iv__text_print(text, " vocabulary=%lld counts=%s", (long long)o->vocabulary,
                       o->counts ? o->counts_says : "all");
    }
}

/* The cache folder, or nothing when there is no home to keep one in. */
static void put_cache_folder(iv__text *text, const iv__tokens_options *o)
{
    const char *own = o->cache ? o->cache : getenv("IVORY_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
               *user = getenv("HOME");

    if (own && *own)
        iv__text_put(text, own);
    else if (xdg && *xdg)
        iv__text_print(text, "%s/ivory", xdg);
    else if (user && *user)
        iv__text_print(text, "%s/.cache/ivory", user);
}

static void put_file_name(iv__text *path, const iv__dataset *set, const char *source, const char *settings)
{
    char hex[65];
    iv__sha256 hash;

    iv__sha256_begin(&hash);
    iv__sha256_add(&hash, source, strlen(source));
    iv__sha256_add(&hash, settings, strlen(settings));
    iv__sha256_end(&hash, hex);
    iv__text_print(path, "/%s-%.32s.tokens", set->name, hex);
}

/* A request, and the places where its tokens may lie. */
typedef struct request {
    iv_home *home;
    const iv__dataset *set;
    const char *data;
    const iv__tokens_options *options;
    char source[65];
    iv__text settings, folder, path;
    iv__text note;
} request;

static iv__tokens *reuse(request *r)
{
    if (!iv__file_exists(r->path.data))
        return NULL;
    iv__tokens *tokens = open_file(r->home, r->path.data);
    bool right = tokens && strcmp(tokens->source, r->source) == 0 &&
                 strcmp(tokens->settings, r->settings.data) == 0;
    if (right) {
        tokens->reused = true;
        return tokens;
    }
    if (tokens || iv_home_status(r->home) == IV_FORMAT)
        iv__text_print(&r->note, "the cache file %s was damaged or foreign: it was made anew",
                       r->path.data);
    iv__tokens_free(tokens);
    iv_home_clear(r->home);
    return NULL;
}

static iv_status build_at(request *r, const char *path, bool *unwritten)
{
    return iv__tokens_build(r->home, path, r->set, r->data, r->options, r->source, r->settings.data,
                            unwritten);
}

/* In a file without a name, that ends with the tokens. */
static iv__tokens *build_temporary(request *r)
{
    const char *root = getenv("TMPDIR");
    iv__text folder = { .home = r->home }, path = { .home = r->home };
    iv__tokens *tokens = NULL;
    bool unwritten;

    iv__text_print(&folder, "%s/ivory-XXXXXX", root && *root ? root : P_tmpdir);
    if (!folder.failed && !mkdtemp(folder.data)) {
        iv_fail(r->home, IV_IO,
                "%s; and no temporary folder can be made at %s: set $IVORY_CACHE to a folder that can be "
                "written",
                r->note.size > 0 ? r->note.data : "there is no cache folder", folder.data);
    } else if (!folder.failed) {
        iv__text_print(&path, "%s/tokens", folder.data);
        if (!path.failed && build_at(r, path.data, &unwritten) == IV_OK)
            tokens = open_file(r->home, path.data);
        if (!path.failed)
            unlink(path.data);
        rmdir(folder.data);
    }
    iv__text_free(&folder);
    iv__text_free(&path);
    return tokens;
}

static void remove_leftovers(const request *r)
{
    iv__text folder = { .home = r->home };

    iv__text_print(&folder, "%s/.", r->folder.data);
    if (!folder.failed)
        iv__remove_leftovers(folder.data);
    iv__text_free(&folder);
}

static iv__tokens *build(request *r)
{
    bool unwritten = true;
    iv_status status = IV_IO;

    if (r->folder.size > 0) {
        status = iv__make_folders(r->home, r->folder.data);
        remove_leftovers(r);
        if (!status)
            status = build_at(r, r->path.data, &unwritten);
        if (!status)
            return open_file(r->home, r->path.data);
        if (!unwritten)
            return NULL;
    }
    iv__text_clear(&r->note);
    if (r->folder.size > 0)
        iv__text_print(&r->note, "the tokens could not be kept in the cache (%s)",
                       iv_home_message(r->home));
    else
        iv__text_put(&r->note,
                     "the tokens could not be kept: neither $IVORY_CACHE nor $HOME names a folder");
    iv_home_clear(r->home);
    return build_temporary(r);
}

static iv__tokens *open_set(iv_home *home, const iv__dataset *set, const char *path, iv__tokens_options o)
{
    request r = { .home = home, .set = set, .data = path, .options = &o };
    iv__tokens *tokens = NULL;

    r.settings.home = r.folder.home = r.path.home = r.note.home = home;
    put_cache_folder(&r.folder, &o);
    if (*path ? iv__known_sha256(home, path, r.folder.data ? r.folder.data : "", r.source)
              : iv__dataset_sha256(home, set, path, r.source)) {
        iv__text_free(&r.folder);
        return NULL;
    }
    put_settings(&r.settings, set, &o);
    iv__text_add(&r.path, r.folder.data, r.folder.size);
    if (!r.settings.failed && !r.folder.failed)
        put_file_name(&r.path, set, r.source, r.settings.data);

    if (!r.settings.failed && !r.folder.failed && !r.path.failed) {
        tokens = r.folder.size > 0 ? reuse(&r) : NULL;
        if (!tokens)
            tokens = build(&r);
    }
    if (tokens && r.note.size > 0)
        tokens->note = iv__arena_text(&tokens->arena, r.note.data);
    if (tokens && !tokens->note)
        tokens->note = "";
    iv__text_free(&r.settings);
    iv__text_free(&r.folder);
    iv__text_free(&r.path);
    iv__text_free(&r.note);
    return tokens;
}

iv__tokens *iv__tokens_open(iv_home *home, const iv__dataset *set, const char *path,
                            const iv__tokens_options *options)
{
    iv__tokens_options o = *options;
    void *defaults = NULL;

    if (o.vocabulary == 0)
        o.vocabulary = 10000;
    if (o.rules.complete && o.rules.kind < IV__TOKENS_BYTES)
        o.counts = NULL;
    if (!o.set_options && set->fields) {
        o.set_options = defaults = iv__alloc(home, set->options_size);
        if (!defaults)
            return NULL;
        iv__fields_default(set->fields, defaults);
    }
    iv__tokens *tokens = open_set(home, set, path, o);
    iv__free(home, defaults);
    return tokens;
}

/* ---- what it holds --------------------------------------------------------------------------- */

int64_t iv__tokens_records(const iv__tokens *tokens)
{
    return (int64_t)tokens->foot.records;
}

int64_t iv__tokens_total(const iv__tokens *tokens)
{
    return (int64_t)tokens->foot.tokens;
}

/* The offsets of 25 million lines are 200 MB. Pages that were read one after the other, or here and
 * there, must not stay; with each the system maps its neighbours. */
enum { LET_GO_LENGTHS = 1 << 16, LET_GO_COPIES = 256 };

static void let_go(const iv__tokens *tokens, int64_t count, int64_t every)
{
    if (tokens->copies && count % every == 0)
        iv__view_let_go(&tokens->view);
}

int64_t iv__tokens_length(const iv__tokens *tokens, int64_t record)
{
    let_go(tokens, record, LET_GO_LENGTHS);
    return (int64_t)(offset_at(tokens, (uint64_t)record + 1) - offset_at(tokens, (uint64_t)record));
}

int64_t iv__tokens_copy(const iv__tokens *tokens, int64_t record, int64_t first, int64_t count,
                        int32_t *ids)
{
    enum { AT_ONCE = 1024 };
    int64_t left = iv__tokens_length(tokens, record) - first;
    int64_t copied = left < 0 ? 0 : left < count ? left : count;
    uint64_t begin = offset_at(tokens, (uint64_t)record) + (uint64_t)first, width = tokens->foot.width;
    uint16_t narrow[AT_ONCE];

    if (tokens->copies)
        let_go(tokens, atomic_fetch_add(tokens->copies, 1), LET_GO_COPIES);
    if (width == sizeof *ids)
        get(tokens, tokens->ids + begin * width, ids, (size_t)copied * width);
    for (int64_t done = 0; width == sizeof *narrow && done < copied;) {
        int64_t n = copied - done < AT_ONCE ? copied - done : AT_ONCE;
        get(tokens, tokens->ids + (begin + (uint64_t)done) * width, narrow, (size_t)n * width);
        for (int64_t i = 0; i < n; i++)
            ids[done + i] = narrow[i];
        done += n;
    }
    return copied;
}

iv_status iv__tokens_status(const iv__tokens *tokens)
{
    return tokens->reader ? iv__reader_status(tokens->reader) : IV_OK;
}

const char *iv__tokens_trouble(const iv__tokens *tokens, char text[IV__TROUBLE])
{
    return tokens->reader ? iv__reader_trouble(tokens->reader, text) : NULL;
}

const iv__vocabulary *iv__tokens_vocabulary(const iv__tokens *tokens)
{
    return tokens->vocabulary;
}

const char *iv__tokens_source_sha256(const iv__tokens *tokens)
{
    return tokens->source;
}

const char *iv__tokens_content_sha256(const iv__tokens *tokens)
{
    return tokens->content;
}

const char *iv__tokens_report(const iv__tokens *tokens)
{
    return tokens->report;
}

bool iv__tokens_reused(const iv__tokens *tokens)
{
    return tokens->reused;
}

const char *iv__tokens_note(const iv__tokens *tokens)
{
    return tokens->note;
}
