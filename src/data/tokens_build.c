/* tokens_build.c: streams a data set into a cache file: one pass counts, a second one encodes. */

#include <string.h>

#include "base/home.h"
#include "data/tokens_parts.h"

_Static_assert(sizeof IV__TOKENS_HEAD <= 64 && sizeof IV__TOKENS_FOOT == 9,
               "head and foot have fixed sizes");

typedef struct builder {
    iv_home *home;
    const iv_dataset *set;
    const char *data;
    const iv__tokens_options *options;
    const iv__token_rules *rules;
    iv__writer *writer;
    iv__sha256 content;
    iv__text clean;
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

/* What a pass does with a token; it counts those that are kept. */
typedef iv_status token_work(builder *b, const char *token, size_t size);

static iv_status count_token(builder *b, const char *token, size_t size)
{
    const iv__tokens_options *o = b->options;

    if (b->judged != b->records + 1) {
        b->judged = b->records + 1;
        b->counts = b->counter && (!o->counts || o->counts(o->user, (int64_t)b->records));
    }
    b->tokens += !b->options->given || iv__vocabulary_id(b->options->given, token, size) >= 0;
    return b->counts ? iv__counter_add(b->counter, token, size) : IV_OK;
}

static iv_status encode_token(builder *b, const char *token, size_t size)
{
    int32_t id = iv__vocabulary_id(b->vocabulary, token, size);

    if (id < 0)
        return IV_OK;
    b->tokens++;
    if (iv__vocabulary_count(b->vocabulary) <= UINT16_MAX + 1) {
        uint16_t narrow = (uint16_t)id;
        add(b, &narrow, sizeof narrow);
    } else {
        add(b, &id, sizeof id);
    }
    return IV_OK;
}

/* Works through the tokens of one record, or of one piece of it. */
static iv_status work_piece(builder *b, const iv__records *records, const char *text, size_t size,
                            token_work *work)
{
    const char *at, *end, *token;
    size_t length;

    iv__text_clear(&b->clean);
    iv_status status = iv__clean(b->home, b->rules, records->name, records->seen, text, size, &b->clean);
    at = b->clean.data;
    end = at ? at + b->clean.size : at;
    while (!status && iv__token_next(b->rules->kind, &at, end, &token, &length))
        status = work(b, token, length);
    return status;
}

/* One pass over the data set: b->records and b->tokens count; a record without tokens is none. */
static iv_status go_through(builder *b, token_work *work, bool write_offsets)
{
    iv__records *records = iv__records_open(b->home, b->set, b->data, b->options->set_options);
    const char *text;
    size_t size;
    bool failed = false;
    iv_status status = records ? IV_OK : iv_home_status(b->home);
    uint64_t begun_at = 0;

    b->records = b->tokens = 0;
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
    iv__records_close(records);
    return status;
}

static iv_status choose_vocabulary(builder *b)
{
    const iv__tokens_options *o = b->options;
    const char *name = *b->data ? b->data : b->set->name;

    if (b->records == 0)
        return iv_fail(b->home, IV_VALUE, "%s: there is no record to learn from: %s", name,
                       b->report.data);
    if (o->given) {
        b->vocabulary = o->given;
        return IV_OK;
    }
    if (iv__counter_distinct(b->counter) == 0)
        return iv_fail(b->home, IV_VALUE,
                       "%s: the vocabulary is empty: no record counts for it (%s of %s)", name,
                       o->counts_says ? o->counts_says : "all", b->report.data);
    b->vocabulary = b->chosen = iv__vocabulary_choose(b->counter, b->rules, o->vocabulary);
    return b->chosen ? IV_OK : iv_home_status(b->home);
}

/* Everything before the foot. */
static iv_status write_content(builder *b)
{
    char head[64] = IV__TOKENS_HEAD;
    uint64_t zero = 0;

    add(b, head, sizeof head);
    add(b, &zero, sizeof zero);
    iv_status status = go_through(b, count_token, true);
    if (!status)
        status = choose_vocabulary(b);
    if (status)
        return status;

    uint64_t records = b->records, tokens = b->tokens;
    status = go_through(b, encode_token, false);
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

iv_status iv__tokens_build(iv_home *home, const char *path, const iv_dataset *set, const char *data,
                           const iv__tokens_options *options, const char *source,
                           const char *settings, bool *unwritten)
{
    builder b = { .home = home, .set = set, .data = data, .options = options };
    iv_status status = IV_NOMEM;

    *unwritten = false;
    b.clean.home = b.report.home = home;
    b.rules = options->given ? iv__vocabulary_rules(options->given) : &options->rules;
    iv__sha256_begin(&b.content);
    b.counter = options->given ? NULL : iv__counter_new(home);
    if (b.counter || options->given) {
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
    iv__vocabulary_free(b.chosen);
    iv__text_free(&b.clean);
    iv__text_free(&b.report);
    return status;
}
