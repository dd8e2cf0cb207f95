/* common_story_read.c: stories from data: words, questions, splits. */
#include "models/common_story_parts.h"

#include "base/file.h"
#include "base/home.h"
#include "data/babi.h"
#include "format/utf8.h"
#include "models/common_cut.h"

#include <stdlib.h>
#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_mark(char c)
{
    return c == '.' || c == '?' || c == '!' || c == ',';
}

static int32_t number_of(iv__story *story, const char *word, size_t size, bool adds)
{
    return (int32_t)(adds ? iv__token_table_add(&story->words, word, size)
                          : iv__token_table_find(&story->words, word, size)) +
           1;
}

/* As the vocabulary has it. */
static void put_lowered(iv__text *word, const char *text, size_t size, bool keeps_case)
{
    for (size_t at = 0; at < size;) {
        unsigned char bytes[4];
        uint32_t code;
        size_t step = iv__utf8_read((const unsigned char *)text + at, size - at, &code);
        if (keeps_case || !step)
            iv__text_add(word, text + at, step = step ? step : 1);
        else
            iv__text_add(word, (const char *)bytes, iv__utf8_write(iv__lower(code), bytes));
        at += step;
    }
}

int32_t iv__story_whole_word(iv__story *story, const char *text, size_t size, bool adds)
{
    iv__text word = { .home = story->home };

    put_lowered(&word, text, size, story->options.marks);
    int32_t number = word.failed ? 0 : number_of(story, word.data ? word.data : "", word.size, adds);
    iv__text_free(&word);
    return number;
}

static iv_status put_word(iv__story *story, const char *text, size_t size, bool adds, iv__ids *ids,
                          iv__text *unknown)
{
    int32_t number = iv__story_whole_word(story, text, size, adds);

    if (adds && !number)
        return IV_NOMEM;
    if (!number && unknown) {
        iv__text_put(unknown, unknown->size ? " " : "");
        iv__text_add(unknown, text, size);
    }
    return iv__ids_add(ids, number);
}

iv_status iv__story_cut(iv__story *story, const char *text, size_t size, bool adds, iv__ids *ids,
                        iv__text *unknown)
{
    const char *end = text + size;
    iv_status status = IV_OK;

    while (text < end && !status) {
        size_t length = 0, marks = 0;
        while (text + length < end && text[length] != ' ')
            length++;
        while (marks < length && is_mark(text[length - 1 - marks]))
            marks++;
        if (length > marks)
            status = put_word(story, text, length - marks, adds, ids, unknown);
        for (size_t i = length - marks; i < length && story->options.marks && !status; i++)
            status = put_word(story, text + i, 1, adds, ids, unknown);
        text += length + (text + length < end);
    }
    return status;
}

/* ---- from data ------------------------------------------------------------------------------- */

typedef struct reading {
    iv__story *story;
    int32_t stories;
    bool adds;     /* words are those of the data */
    iv__text seen; /* for each word: 1 where it stands elsewhere than in tests, else 0 */
    bool trained[IV__BABI_TASKS + 1];
} reading;

/* A word, of tests or not; archives have tests in front of what they test. */
static void see(reading *r, int32_t word, bool tests)
{
    while ((int64_t)r->seen.size < r->story->words.count && !r->seen.failed)
        iv__text_add(&r->seen, "", 1);
    if (word && !tests && !r->seen.failed)
        r->seen.data[word - 1] = 1;
}

static iv_status add_text(reading *r, iv__story_texts *to, const iv__babi_line *line, bool tests)
{
    iv__story *story = r->story;
    const int64_t before = to->words.count;
    iv_status status = iv__story_cut(story, line->text, line->size, r->adds, &to->words, NULL);

    for (int64_t i = before; i < to->words.count; i++)
        see(r, to->words.id[i], tests);
    if (!status && to->words.count > INT32_MAX / 2)
        status = iv_fail(story->home, IV_VALUE, "the stories have more than a thousand million words");
    return status ? status : iv__ids_add(&to->starts, (int32_t)to->words.count);
}

static iv_status add_asked(iv__story *story, const iv__asked *asked)
{
    if (story->n_asked == story->room) {
        int64_t room = 2 * story->room + 1024;
        iv__asked *more = iv__resize(story->home, story->asked, (size_t)room * sizeof *more);
        if (!more)
            return IV_NOMEM;
        story->asked = more;
        story->room = room;
    }
    story->asked[story->n_asked++] = *asked;
    return IV_OK;
}

static iv_status add_story(reading *r, const char *text, int task, bool tests)
{
    iv__story *story = r->story;
    iv__asked asked = { .first = (int32_t)story->sentences.starts.count - 1,
                        .task = task,
                        .story = r->stories++,
                        .tests = tests };
    iv__babi_line line;
    iv_status status = IV_OK;

    r->trained[task] |= !tests;
    while (!status && iv__babi_line_next(&text, &line)) {
        status = add_text(r, line.answer ? &story->questions : &story->sentences, &line, tests);
        asked.last = (int32_t)story->sentences.starts.count - 1;
        if (!line.answer || status)
            continue;
        asked.answer = iv__story_whole_word(story, line.answer, line.answer_size, r->adds);
        see(r, asked.answer, tests);
        status = r->seen.failed || (r->adds && !asked.answer) ? IV_NOMEM : add_asked(story, &asked);
        if (story->options.fresh)
            asked.first = asked.last;
    }
    return status;
}

static iv_status read_file(reading *r, const iv__dataset *set, const char *path)
{
    iv__records *records = iv__records_open(r->story->home, set, path, &r->story->options.task);
    bool failed = !records;
    iv_status status = IV_OK;
    const char *text;
    size_t size;

    while (!failed && !status && (text = iv__records_next(records, &size, &failed)))
        status = add_story(r, text, iv__babi_task(records), iv__babi_tests(records));
    iv__records_close(records);
    return failed ? iv_home_status(r->story->home) : status;
}

/* Beside a single file "..._train..." its "..._test...", where there is one. */
static iv_status read_tests_beside(reading *r, const iv__dataset *set, const char *path)
{
    static const char train[] = "_train", test[] = "_test";
    const char *slash = strrchr(path, '/'), *at = strstr(slash ? slash : path, train);
    iv__text other = { .home = r->story->home };
    iv_status status = IV_OK;

    if (!at)
        return IV_OK;
    iv__text_add(&other, path, (size_t)(at - path));
    iv__text_print(&other, "%s%s", test, at + sizeof train - 1);
    if (other.failed)
        status = IV_NOMEM;
    else if (iv__file_exists(other.data))
        status = read_file(r, set, other.data);
    iv__text_free(&other);
    return status;
}

/* ---- the vocabulary: in the order of its words, without those of tests alone ------------------- */

typedef struct sorted {
    const char *word;
    int32_t number;
} sorted;

static int by_word(const void *a, const void *b)
{
    return strcmp(((const sorted *)a)->word, ((const sorted *)b)->word);
}

static void renumber(iv__ids *ids, const int32_t *now)
{
    for (int64_t i = 0; i < ids->count; i++)
        ids->id[i] = now[ids->id[i]];
}

static iv_status sort_words(const reading *r)
{
    iv__story *story = r->story;
    const int64_t n = story->words.count;
    int32_t last = 0;
    iv__token_table table = { .home = story->home, .bytes = { .home = story->home } };
    sorted *list = iv__alloc_array(story->home, n + 1, sizeof *list);
    int32_t *now = iv__alloc_array(story->home, n + 1, sizeof *now);
    iv_status status = list && now ? IV_OK : IV_NOMEM;

    for (int64_t i = 0; i < n && !status; i++)
        list[i] = (sorted){ story->words.bytes.data + story->words.entries[i].place, (int32_t)i + 1 };
    if (!status)
        qsort(list, (size_t)n, sizeof *list, by_word);
    for (int64_t i = 0; i < n && !status; i++) {
        if (!r->seen.data[list[i].number - 1])
            continue;
        now[list[i].number] = ++last;
        status = iv__token_table_add(&table, list[i].word, strlen(list[i].word)) < 0 ? IV_NOMEM : IV_OK;
    }
    if (!status) {
        renumber(&story->sentences.words, now);
        renumber(&story->questions.words, now);
        for (int64_t i = 0; i < story->n_asked; i++)
            story->asked[i].answer = now[story->asked[i].answer];
        iv__token_table_free(&story->words);
        story->words = table;
    } else {
        iv__token_table_free(&table);
    }
    iv__free(story->home, list);
    iv__free(story->home, now);
    return status;
}

static iv_status copy_words(iv__story *story, const iv__story *given)
{
    for (int32_t i = 1; i < given->sizes.words; i++) {
        const char *word = iv__story_word(given, i);
        if (iv__token_table_add(&story->words, word, strlen(word)) < 0)
            return IV_NOMEM;
    }
    return IV_OK;
}

/* ---- sizes and splits ------------------------------------------------------------------------ */

static int32_t length_of(const iv__story_texts *texts, int64_t i)
{
    return texts->starts.id[i + 1] - texts->starts.id[i];
}

static int64_t longest_of(const iv__story_texts *texts)
{
    int64_t longest = 1;

    for (int64_t i = 0; i + 1 < texts->starts.count; i++)
        longest = length_of(texts, i) > longest ? length_of(texts, i) : longest;
    return longest;
}

/* *long_ones: questions whose story is longer than the sentences that are kept. */
static void measure(iv__story *story, int64_t *long_ones)
{
    iv__story_sizes *s = &story->sizes;
    const int64_t most = story->options.sentences;

    s->words = story->words.count + 1;
    s->question = longest_of(&story->questions);
    s->sentence = longest_of(&story->sentences);
    s->sentence = s->question > s->sentence ? s->question : s->sentence;
    s->sentences = s->story = 1;
    for (int64_t i = 0; i < story->n_asked; i++) {
        const iv__asked *q = &story->asked[i];
        const int64_t count = q->last - q->first;
        const int64_t words = story->sentences.starts.id[q->last] - story->sentences.starts.id[q->first];
        *long_ones += most && count > most;
        s->sentences = count > s->sentences ? count : s->sentences;
        s->story = words > s->story ? words : s->story;
    }
    if (most && s->sentences > most)
        s->sentences = most;
}

/* Questions of a story stay together; the data's own tests are the tests where there are some. */
static iv_status split(reading *r, const iv__settings *settings)
{
    iv__story *story = r->story;
    iv__settings shares = *settings;
    iv_status status = IV_OK;
    bool own = story->options.test_training;

    for (int64_t i = 0; i < story->n_asked; i++)
        own |= story->asked[i].tests;
    if (own)
        shares.test = 0;
    for (int64_t i = 0; i < story->n_asked && !status; i++) {
        const iv__asked *q = &story->asked[i];
        const iv__split s = q->tests ? SPLIT_TEST : iv__split_of(&shares, q->story);
        if (q->tests && (story->options.test_training || !r->trained[q->task]))
            continue;
        status = iv__ids_add(&story->records[s], (int32_t)i);
        if (!status && story->options.test_training)
            status = iv__ids_add(&story->records[SPLIT_TEST], (int32_t)i);
    }
    return status;
}

static const char *report(const reading *r, iv__instance *instance, int64_t long_ones)
{
    const iv__story *story = r->story;
    iv__text text = { .home = story->home };
    int64_t unknown = 0, untrained = 0, tests = story->records[SPLIT_TEST].count;

    for (int64_t i = 0; i < story->n_asked; i++)
        untrained += story->asked[i].tests && !r->trained[story->asked[i].task];
    for (int64_t i = 0; i < tests; i++)
        unknown += !iv__story_answer(story, SPLIT_TEST, i);
    iv__text_print(&text, "%d stories, %lld questions, %lld words and answers", (int)r->stories,
                   (long long)story->n_asked, (long long)story->sizes.words - 1);
    if (long_ones)
        iv__text_print(&text,
                       "; %lld questions come after more than %lld sentences, the last of which are kept",
                       (long long)long_ones, (long long)story->options.sentences);
    if (untrained)
        iv__text_print(&text, "; %lld test questions of tasks without training questions are left out",
                       (long long)untrained);
    if (unknown)
        iv__text_print(&text, "; the answers of %lld test questions stand in no training question",
                       (long long)unknown);
    const char *kept = text.failed ? NULL : iv__arena_text(&instance->arena, text.data);
    iv__text_free(&text);
    return kept;
}

/* ---- what a saved file carries ---------------------------------------------------------------- */

static const char words_name[] = "words", sizes_name[] = "sizes";

static iv_status keep(iv__story *story, iv__instance *instance)
{
    const iv__story_sizes *s = &story->sizes;
    const int64_t sizes[] = { s->words, s->sentences, s->sentence, s->story, s->question };

    for (int i = 0; i < 5; i++) {
        if (sizes[i] > INT32_MAX)
            return iv_fail(story->home, IV_VALUE, "a story is too long");
        story->kept_sizes[i] = (int32_t)sizes[i];
    }
    for (int32_t i = 1; i < s->words; i++)
        iv__text_add(&story->listed, iv__story_word(story, i), strlen(iv__story_word(story, i)) + 1);
    story->kept[0] = (iv__named_tensor){ .name = words_name,
                                         .dtype = IV_U8,
                                         .shape = iv_dims((int64_t)story->listed.size),
                                         .data = story->listed.data };
    story->kept[1] = (iv__named_tensor){
        .name = sizes_name, .dtype = IV_I32, .shape = iv_dims(5), .data = story->kept_sizes
    };
    instance->trainee.kept = story->kept;
    instance->trainee.n_kept = 2;
    return story->listed.failed ? IV_NOMEM : IV_OK;
}

iv__story *iv__story_open(iv__instance *instance, const iv__dataset *set, const char *data,
                          const iv__story_options *options, const iv__story *given)
{
    iv_home *home = instance->home;
    iv__text path = { .home = home };
    char *sha256 = iv__arena_get(&instance->arena, 65);
    iv__story *story = iv__story_new(home, options);
    reading r = { .story = story, .adds = !given, .seen = { .home = home } };
    int64_t long_ones = 0;
    iv_status status = !story || !sha256 ? IV_NOMEM : IV_OK;

    if (!status && set->open != iv__babi_open)
        status = iv_fail(home, IV_VALUE,
                         "%s holds no stories with questions: take babi or babi-10k", set->name);
    if (!status)
        status = iv__dataset_locate(home, set, data, &path);
    if (!status)
        status = iv__dataset_sha256(home, set, path.data, sha256);
    if (!status && given)
        status = copy_words(story, given);
    if (!status)
        status = read_file(&r, set, path.data);
    if (!status)
        status = read_tests_beside(&r, set, path.data);
    iv__text_free(&path);
    if (!status && !given)
        status = sort_words(&r);
    if (!status && !story->words.count)
        status = iv_fail(home, IV_VALUE,
                         "%s has tests of this task alone, and no question to train with", set->name);
    if (!status) {
        measure(story, &long_ones);
        if (given)
            story->sizes = given->sizes;
        status = split(&r, &instance->training);
    }
    if (!status)
        status = keep(story, instance);
    iv__text_free(&r.seen);
    instance->data_sha256 = status ? "" : sha256;
    instance->data_report = status ? "" : report(&r, instance, long_ones);
    if (status || !instance->data_report) {
        iv__story_free(story);
        return NULL;
    }
    for (int s = 0; s < SPLITS; s++)
        instance->trainee.n_records[s] = story->records[s].count;
    return story;
}

iv__story *iv__story_restore(iv__instance *instance, const iv__safetensors *file,
                             const iv__story_options *options)
{
    iv_home *home = instance->home;
    iv_shape five = iv_dims(5);
    const iv__named_tensor *sizes = iv__safetensors_expect(file, sizes_name, IV_I32, &five);
    const iv__named_tensor *words = iv__safetensors_find(file, words_name);
    const char *at = words ? words->data : NULL, *end = words ? at + words->bytes : NULL;
    bool good = sizes && words && words->dtype == IV_U8 && words->bytes && !end[-1];
    int32_t size[5] = { 0 };

    if (good)
        memcpy(size, sizes->data, sizeof size);
    for (int i = 0; i < 5; i++)
        good &= size[i] > 0 && size[i] < 1 << 24;
    iv__story *story = iv__story_new(home, options);
    if (!story)
        return NULL;
    for (; good && at < end; at += strlen(at) + 1)
        good = iv__token_table_add(&story->words, at, strlen(at)) >= 0;
    story->sizes = (iv__story_sizes){ size[0], size[1], size[2], size[3], size[4] };
    if (good && story->words.count + 1 == story->sizes.words)
        return story;
    if (iv_home_status(home) != IV_NOMEM)
        iv_fail(home, IV_FORMAT, "the model file holds no words of stories, or wrong sizes");
    iv__story_free(story);
    return NULL;
}
