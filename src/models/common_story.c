/* common_story.c: stories as rows of batches, and stories that are told. */
#include "models/common_story_parts.h"

#include "base/home.h"

#include <string.h>

iv__story *iv__story_new(iv_home *home, const iv__story_options *options)
{
    iv__story *story = iv__alloc(home, sizeof *story);

    if (!story)
        return NULL;
    story->home = story->words.home = story->words.bytes.home = story->listed.home = home;
    story->options = *options;
    story->sentences = story->questions = (iv__story_texts){ { .home = home }, { .home = home } };
    for (int s = 0; s < SPLITS; s++)
        story->records[s].home = home;
    if (!iv__ids_add(&story->sentences.starts, 0) && !iv__ids_add(&story->questions.starts, 0))
        return story;
    iv__story_free(story);
    return NULL;
}

static void free_texts(iv__story_texts *texts)
{
    iv__ids_free(&texts->words);
    iv__ids_free(&texts->starts);
}

void iv__story_free(iv__story *story)
{
    if (!story)
        return;
    iv__token_table_free(&story->words);
    free_texts(&story->sentences);
    free_texts(&story->questions);
    iv__free(story->home, story->asked);
    for (int s = 0; s < SPLITS; s++)
        iv__ids_free(&story->records[s]);
    iv__text_free(&story->listed);
    iv__free(story->home, story);
}

iv__story_sizes iv__story_sizes_of(const iv__story *story)
{
    return story->sizes;
}

const char *iv__story_word(const iv__story *story, int32_t id)
{
    return story->words.bytes.data + story->words.entries[id - 1].place;
}

static const iv__asked *asked_of(const iv__story *story, iv__split split, int64_t record)
{
    return &story->asked[story->records[split].id[record]];
}

int iv__story_task(const iv__story *story, iv__split split, int64_t record)
{
    return asked_of(story, split, record)->task;
}

int32_t iv__story_answer(const iv__story *story, iv__split split, int64_t record)
{
    return asked_of(story, split, record)->answer;
}

int32_t iv__story_first_class(const iv__story *story)
{
    return story->options.whole ? 0 : 1;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Inputs of a batch or a plan; NULL: it is not needed. */
typedef struct slots {
    int32_t *sentences, *question, *words, *answer;
    float *present, *weight;
} slots;

/* From the front, or with the last words at the end. */
static void put_words(int32_t *to, int64_t room, const int32_t *from, int64_t n, bool in_front)
{
    const int64_t count = n < room ? n : room;

    memset(to, 0, (size_t)room * sizeof *to);
    if (count)
        memcpy(in_front ? to + room - count : to, in_front ? from + n - count : from,
               (size_t)count * sizeof *to);
}

/* Of the texts first .. last - 1. */
static const int32_t *words_of(const iv__story_texts *texts, int64_t first, int64_t last, int64_t *n)
{
    *n = last > first ? texts->starts.id[last] - texts->starts.id[first] : 0;
    return *n ? texts->words.id + texts->starts.id[first] : NULL;
}

/* The sentences first .. last - 1, and question i of `questions`. */
static void put_row(const iv__story *story, const slots *to, int64_t row,
                    const iv__story_texts *sentences, int64_t first, int64_t last,
                    const iv__story_texts *questions, int64_t i)
{
    const iv__story_sizes *s = &story->sizes;
    const bool whole = story->options.whole;
    const int64_t width = whole ? s->question : s->sentence;
    const int32_t *words;
    int64_t n;

    for (int64_t k = 0; k < s->sentences && to->sentences; k++) {
        const int64_t at = last - 1 - k;
        words = words_of(sentences, at < first ? first : at, at < first ? first : at + 1, &n);
        put_words(to->sentences + (row * s->sentences + k) * s->sentence, s->sentence, words, n, false);
    }
    for (int64_t k = 0; k < s->sentences && to->present; k++)
        to->present[row * s->sentences + k] = last - 1 - k >= first;
    words = words_of(sentences, first, last, &n);
    if (to->words)
        put_words(to->words + row * s->story, s->story, words, n, true);
    words = words_of(questions, i, i + 1, &n);
    if (to->question)
        put_words(to->question + row * width, width, words, n, whole);
}

static void put_none(const iv__story *story, const slots *to, int64_t row)
{
    const iv__story_sizes *s = &story->sizes;
    const int64_t width = story->options.whole ? s->question : s->sentence;

    if (to->sentences)
        memset(to->sentences + row * s->sentences * s->sentence, 0,
               (size_t)(s->sentences * s->sentence) * sizeof *to->sentences);
    for (int64_t k = 0; k < s->sentences && to->present; k++)
        to->present[row * s->sentences + k] = 0;
    if (to->words)
        memset(to->words + row * s->story, 0, (size_t)s->story * sizeof *to->words);
    if (to->question)
        memset(to->question + row * width, 0, (size_t)width * sizeof *to->question);
}

void iv__story_fill(const iv__story *story, iv__batch *batch, const iv__rows *rows)
{
    const slots to = { .sentences = iv__batch_input(batch, IV__STORY_SENTENCES),
                       .question = iv__batch_input(batch, IV__STORY_QUESTION),
                       .words = iv__batch_input(batch, IV__STORY_WORDS),
                       .answer = iv__batch_input(batch, IV__STORY_ANSWER),
                       .present = iv__batch_input(batch, IV__STORY_PRESENT),
                       .weight = iv__batch_input(batch, IV__STORY_WEIGHT) };

    for (int64_t r = 0; r < rows->room; r++) {
        const bool there = r < rows->n && rows->record[r] >= 0;
        const iv__asked *q = there ? asked_of(story, rows->split, rows->record[r]) : NULL;
        if (there)
            put_row(story, &to, r, &story->sentences, q->first, q->last, &story->questions,
                    q - story->asked);
        else
            put_none(story, &to, r);
        if (to.answer)
            to.answer[r] = there && q->answer ? q->answer - iv__story_first_class(story) : 0;
        if (to.weight)
            to.weight[r] = there && q->answer;
    }
}

/* ---- told ------------------------------------------------------------------------------------ */

struct iv__telling {
    iv__story *story;
    iv__story_texts sentences;
    iv__text told;  /* as it was, each sentence terminated */
    iv__ids places; /* where each begins in it */
};

iv__telling *iv__telling_new(iv__story *story)
{
    iv_home *home = story->home;
    iv__telling *t = iv__alloc(home, sizeof *t);

    if (!t)
        return NULL;
    *t = (iv__telling){ .story = story,
                        .sentences = { { .home = home }, { .home = home } },
                        .told = { .home = home },
                        .places = { .home = home } };
    if (!iv__ids_add(&t->sentences.starts, 0))
        return t;
    iv__telling_free(t);
    return NULL;
}

void iv__telling_free(iv__telling *t)
{
    if (!t)
        return;
    free_texts(&t->sentences);
    iv__text_free(&t->told);
    iv__ids_free(&t->places);
    iv__free(t->story->home, t);
}

int64_t iv__telling_count(const iv__telling *t)
{
    return t->places.count;
}

const char *iv__telling_sentence(const iv__telling *t, int64_t i)
{
    return t->told.data + t->places.id[i];
}

static iv__said said_of(const iv__ids *words, int64_t first)
{
    iv__said said = { .words = words->count - first };

    for (int64_t i = first; i < words->count; i++)
        said.known += words->id[i] != 0;
    return said;
}

iv_status iv__telling_add(iv__telling *t, const char *sentence, iv__text *unknown, iv__said *said)
{
    const int64_t words = t->sentences.words.count, starts = t->sentences.starts.count;
    iv_status status = iv__story_cut(t->story, sentence, strlen(sentence), false,
                                     &t->sentences.words, unknown);

    if (!status)
        status = iv__ids_add(&t->sentences.starts, (int32_t)t->sentences.words.count);
    if (!status)
        status = iv__ids_add(&t->places, (int32_t)t->told.size);
    if (!status) {
        iv__text_add(&t->told, sentence, strlen(sentence) + 1);
        *said = said_of(&t->sentences.words, words);
        if (!t->told.failed)
            return IV_OK;
        t->places.count--;
        status = IV_NOMEM;
    }
    t->sentences.words.count = words;
    t->sentences.starts.count = starts;
    return status;
}

void iv__telling_drop(iv__telling *t)
{
    if (!t->places.count)
        return;
    t->told.size = (size_t)t->places.id[--t->places.count];
    t->sentences.starts.count--;
    t->sentences.words.count = t->sentences.starts.id[t->sentences.starts.count - 1];
}

iv_status iv__telling_ask(const iv__telling *t, const char *question, iv_plan *plan,
                          iv__text *unknown, iv__said *said)
{
    iv_home *home = t->story->home;
    iv__story_texts asked = { { .home = home }, { .home = home } };
    iv_status status = iv__ids_add(&asked.starts, 0);

    if (!status)
        status = iv__story_cut(t->story, question, strlen(question), false, &asked.words, unknown);
    if (!status)
        status = iv__ids_add(&asked.starts, (int32_t)asked.words.count);
    if (!status)
        put_row(t->story,
                &(slots){ .sentences = iv_plan_input(plan, IV__STORY_SENTENCES),
                          .question = iv_plan_input(plan, IV__STORY_QUESTION),
                          .words = iv_plan_input(plan, IV__STORY_WORDS),
                          .present = iv_plan_input(plan, IV__STORY_PRESENT) },
                0, &t->sentences, 0, t->places.count, &asked, 0);
    *said = said_of(&asked.words, 0);
    free_texts(&asked);
    return status;
}
