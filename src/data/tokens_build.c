/* tokens_build.c: streams a data set into a cache file: one pass counts what the vocabulary is made
 * of, a last one encodes. How many tokens a record has is known from the first, or, when the
 * vocabulary decides that (it is given, or of pieces), from one between. */

#include <string.h>

#include "base/home.h"
#include "base/sha256.h"
#include "data/tokens_parts.h"

_Static_assert(sizeof IV__TOKENS_HEAD <= 64 && sizeof IV__TOKENS_FOOT == 9,
               "head and foot have fixed sizes");

typedef struct builder {
    iv_home *home;
    const iv__dataset *set;
    const char *data;
    const iv__tokens_options *options;
    const iv__token_rules *rules;
    iv__writer *writer;
    iv__sha256 content;
    iv__text clean;
    iv__ids ids;                      /* of a piece of text */
    iv__piece_cache *cache;           /* of bpe */
    iv__counter *counter;             /* NULL with a given vocabulary */
    iv__vocabulary *chosen;           /* NULL with a given vocabulary */
    const iv__vocabulary *vocabulary; /* from the second pass on */
    uint64_t records, tokens;
    uint64_t judged; /* records of which it is known whether they count for the vocabulary */
    bool counts;     /* the last of them does */
    iv__text report;
} builder;

static void add(builder *b, const void *bytes, size_t size)
{
    iv__writer_add(b->writer, bytes, size);
    iv__sha256_add(&b->content, bytes, size);
}

/* What a pass does with a piece of cleaned text; b->tokens counts. */
typedef iv_status piece_work(builder *b, const char *clean, size_t size);

static iv_status count_units(builder *b, const char *clean, size_t size)
{
    const iv__tokens_options *o = b->options;
    const char *at = clean, *end = clean + size, *token;
    iv_status status = IV_OK;
    size_t length;

    if (b->rules->kind == IV__TOKENS_BYTES) { /* there is nothing to learn */
        b->tokens += size;
        return IV_OK;
    }
    if (b->judged != b->records + 1) {
        b->judged = b->records + 1;
        b->counts = !o->counts || o->counts(o->user, (int64_t)b->records);
    }
    while (!status && iv__token_next(b->rules->kind, &at, end, &token, &length)) {
        b->tokens++;
        if (b->counts)
            status = iv__counter_add(b->counter, token, length);
    }
    return status;
}

static iv_status count_ids(builder *b, const char *clean, size_t size)
{
    b->ids.count = 0;
    iv_status status = iv__encode_clean(b->vocabulary, b->cache, clean, size, &b->ids, NULL);
    b->tokens += (uint64_t)b->ids.count;
    return status;
}

static iv_status write_ids(builder *b, const char *clean, size_t size)
{
    uint16_t narrow[4096];
    iv_status status = count_ids(b, clean, size);

    if (iv__vocabulary_count(b->vocabulary) > UINT16_MAX + 1) {
        add(b, b->ids.id, (size_t)b->ids.count * sizeof *b->ids.id);
        return status;
    }
    for (int64_t done = 0; done < b->ids.count;) {
        int64_t n = b->ids.count - done;
        n = n < 4096 ? n : 4096;
        for (int64_t i = 0; i < n; i++)
            narrow[i] = (uint16_t)b->ids.id[done + i];
        add(b, narrow, (size_t)n * sizeof *narrow);
        done += n;
    }
    return status;
}

/* Works through one record, or one piece of it. */
static iv_status work_piece(builder *b, const iv__records *records, const char *text, size_t size,
                            piece_work *work)
{
    iv__text_clear(&b->clean);
    iv_status status = iv__clean(b->home, b->rules, records->name, records->seen, text, size, &b->clean);
    if (!status && b->clean.size > 0)
        status = work(b, b->clean.data, b->clean.size);
    return status;
}

/* One pass over the data set: b->records and b->tokens count; a record without tokens is none. */
static iv_status go_through(builder *b, piece_work *work, bool write_offsets)
{
    iv__records *records = iv__records_open(b->home, b->set, b->data, b->options->set_options);
    const char *text;
    size_t size;
    bool failed = false;
    iv_status status = records ? IV_OK : iv_home_status(b->home);
    uint64_t begun_at = 0;

    b->records = b->tokens = 0;
    b->ids.lost = 0;
    while (!status && (text = iv__records_next(records, &size, &failed))) {
        status = work_piece(b, records, text, size, work);
        if (status || records->continues)
            continue;
        if (b->tokens == begun_at) {
            records->kept--;
            iv__records_drop(records, "without a token");
            continue;
        }
        begun_at = b->tokens;
        b->records++;
        if (write_offsets)
            add(b, &b->tokens, sizeof b->tokens);
    }
    if (failed)
        status = iv_home_status(b->home);
    iv__text_clear(&b->report);
    if (records)
        iv__records_report(records, &b->report);
    if (b->ids.lost > 0)
        iv__text_print(&b->report, "; %lld tokens that the vocabulary lacks were left out",
                       (long long)b->ids.lost);
    iv__records_close(records);
    return !status && b->report.failed ? IV_NOMEM : status;
}

static iv_status choose_vocabulary(builder *b)
{
    const iv__tokens_options *o = b->options;
    const char *name = *b->data ? b->data : b->set->name;

    if (b->rules->kind != IV__TOKENS_BYTES && iv__counter_distinct(b->counter) == 0)
        return iv_fail(b->home, IV_VALUE,
                       "%s: the vocabulary is empty: no record counts for it (%s of %s)", name,
                       o->counts_says ? o->counts_says : "all", b->report.data);
    b->vocabulary = b->chosen = iv__vocabulary_choose(b->counter, b->rules, o->vocabulary);
    return b->chosen ? IV_OK : iv_home_status(b->home);
}

/* The vocabulary, and where each record begins. */
static iv_status write_offsets(builder *b)
{
    bool counted_by_ids = b->options->given || b->rules->kind == IV__TOKENS_BPE;
    iv_status status = IV_OK;
    uint64_t zero = 0;

    add(b, &zero, sizeof zero);
    b->vocabulary = b->options->given;
    if (!b->vocabulary)
        status = go_through(b, count_units, !counted_by_ids);
    if (!status && !b->vocabulary && b->records > 0)
        status = choose_vocabulary(b);
    if (!status && b->vocabulary && counted_by_ids)
        status = go_through(b, count_ids, true);
    if (!status && b->records == 0)
        status = iv_fail(b->home, IV_VALUE, "%s: there is no record to learn from: %s",
                         *b->data ? b->data : b->set->name, b->report.data);
    return status;
}

/* Everything before the foot. */
static iv_status write_content(builder *b)
{
    char head[64] = IV__TOKENS_HEAD;

    add(b, head, sizeof head);
    iv_status status = write_offsets(b);
    if (status)
        return status;

    uint64_t records = b->records, tokens = b->tokens;
    status = go_through(b, write_ids, false);
    if (!status && (b->records != records || b->tokens != tokens))
        status = iv_fail(b->home, IV_IO, "%s: it was changed while it was read: run again", b->data);
    if (!status) {
        size_t size;
        const void *bytes = iv__vocabulary_bytes(b->vocabulary, &size);
        add(b, bytes, size);
    }
    return status;
}

static void write_foot(builder *b, const char *source, const char *settings)
{
    char hex[65];
    size_t vocabulary_size;
    iv__sha256 sum;
    iv__tokens_foot foot = {
        .records = b->records,
        .tokens = b->tokens,
        .width = iv__vocabulary_count(b->vocabulary) <= UINT16_MAX + 1 ? 2 : 4,
        .settings_size = strlen(settings),
        .report_size = b->report.size,
    };

    iv__vocabulary_bytes(b->vocabulary, &vocabulary_size);
    foot.vocabulary_size = vocabulary_size;
    memcpy(foot.source, source, 64);
    iv__sha256_end(&b->content, hex);
    memcpy(foot.content, hex, 64);
    memcpy(foot.mark, IV__TOKENS_FOOT, sizeof foot.mark);

    iv__sha256_begin(&sum);
    iv__sha256_add(&sum, settings, foot.settings_size);
    iv__sha256_add(&sum, b->report.data, foot.report_size);
    iv__sha256_add(&sum, &foot, offsetof(iv__tokens_foot, sum));
    iv__sha256_end(&sum, hex);
    memcpy(foot.sum, hex, 64);
    iv__writer_add(b->writer, settings, foot.settings_size);
    iv__writer_add(b->writer, b->report.data, foot.report_size);
    iv__writer_add(b->writer, &foot, sizeof foot);
}

iv_status iv__tokens_build(iv_home *home, const char *path, const iv__dataset *set,
                           const char *data, const iv__tokens_options *options, const char *source,
                           const char *settings, bool *unwritten)
{
    builder b = { .home = home, .set = set, .data = data, .options = options };
    iv_status status = IV_NOMEM;

    *unwritten = false;
    b.clean.home = b.report.home = b.ids.home = home;
    b.rules = options->given ? iv__vocabulary_rules(options->given) : &options->rules;
    iv__sha256_begin(&b.content);
    b.counter = options->given ? NULL : iv__counter_new(home);
    b.cache = b.rules->kind == IV__TOKENS_BPE ? iv__piece_cache_new(home) : NULL;
    if ((b.counter || options->given) && (b.cache || b.rules->kind != IV__TOKENS_BPE)) {
        b.writer = iv__writer_new(home, path);
        *unwritten = !b.writer;
        status = b.writer ? write_content(&b) : iv_home_status(home);
    }
    if (!status) {
        write_foot(&b, source, settings);
        status = iv__writer_commit(b.writer);
        *unwritten = status != IV_OK;
    } else if (b.writer) {
        iv__writer_cancel(b.writer);
    }
    iv__counter_free(b.counter);
    iv__piece_cache_free(b.cache);
    iv__ids_free(&b.ids);
    iv__vocabulary_free(b.chosen);
    iv__text_free(&b.clean);
    iv__text_free(&b.report);
    return status;
}
