/* common_sentence.c: sentences as rows of batches: the vectors of their words. */
#include "models/common_sentence.h"

#include "base/home.h"
#include "models/common_split.h"

#include <string.h>

static const char words_name[] = "vocabulary", vectors_name[] = "word vectors";

/* ---- opening --------------------------------------------------------------------------------- */

static bool counts_record(void *user, int64_t record)
{
    return iv__split_of(&((const iv__instance *)user)->training, record) == SPLIT_TRAIN;
}

static iv_status split(iv__sentences *s, iv__instance *instance)
{
    const int64_t all = iv__tokens_records(s->data);

    for (int i = 0; i < SPLITS; i++) {
        s->records[i] = iv__alloc_array(s->home, all, sizeof *s->records[i]);
        if (!s->records[i])
            return IV_NOMEM;
    }
    for (int64_t i = 0; i < all && i < INT32_MAX; i++) {
        const iv__split at = iv__split_of(&instance->training, i);
        s->records[at][s->n[at]++] = (int32_t)i;
    }
    return IV_OK;
}

static void keep(iv__sentences *s, iv__instance *instance)
{
    size_t size;
    const void *bytes = iv__vocabulary_bytes(s->vocabulary, &size);

    s->kept[0] = (iv__named_tensor){
        .name = words_name, .dtype = IV_U8, .shape = iv_dims((int64_t)size), .data = bytes
    };
    s->kept[1] = (iv__named_tensor){ .name = vectors_name,
                                     .dtype = IV_F32,
                                     .shape = iv_dims(s->vectors.count, s->vectors.width),
                                     .data = s->vectors.table };
    instance->trainee.kept = s->kept;
    instance->trainee.n_kept = 2;
}

static iv_status say(const iv__sentences *s, iv__instance *instance)
{
    const iv__tokens *t = s->data;

    instance->data_report = iv__arena_print(
        &instance->arena, "%s; %lld of %lld words have a vector in the file, the others a random one",
        iv__tokens_report(t), (long long)s->vectors.found, (long long)s->vectors.count);
    instance->data_sha256 = iv__tokens_content_sha256(t);
    instance->data_note = iv__tokens_note(t);
    return instance->data_report ? IV_OK : IV_NOMEM;
}

iv_status iv__sentences_open(iv__sentences *s, iv__instance *instance, const iv__dataset *set,
                             const char *data, int64_t words, const char *vectors)
{
    iv__text path = { .home = instance->home };
    char says[96];

    s->home = instance->home;
    iv__split_says(&instance->training, says, sizeof says);
    iv_status status = iv__dataset_locate(s->home, set, data, &path);
    if (!status) {
        s->data = iv__tokens_open(s->home, set, path.data ? path.data : "",
                                  &(iv__tokens_options){ .rules = { .kind = IV__TOKENS_WORDS },
                                                         .vocabulary = words,
                                                         .counts = counts_record,
                                                         .user = instance,
                                                         .counts_says = says,
                                                         .given = s->restored });
        status = s->data ? IV_OK : iv_home_status(s->home);
    }
    s->set = set;
    s->path = iv__arena_text(&instance->arena, path.data ? path.data : "");
    iv__text_free(&path);
    if (status || !s->path)
        return status ? status : IV_NOMEM;
    s->vocabulary = s->restored ? s->restored : iv__tokens_vocabulary(s->data);
    if (!s->vectors.table)
        status = iv__vectors_open(s->home, vectors, s->vocabulary, &s->vectors);
    if (!status)
        status = split(s, instance);
    if (!status)
        status = say(s, instance);
    if (status)
        return status;
    keep(s, instance);
    for (int i = 0; i < SPLITS; i++)
        instance->trainee.n_records[i] = s->n[i];
    return IV_OK;
}

iv_status iv__sentences_restore(iv__sentences *s, iv__instance *instance, const iv__safetensors *file)
{
    const iv__named_tensor *words = iv__safetensors_find(file, words_name),
                           *table = iv__safetensors_find(file, vectors_name);

    s->home = instance->home;
    if (!words || words->dtype != IV_U8 || !table || table->dtype != IV_F32 || table->shape.rank != 2)
        return iv_fail(s->home, IV_FORMAT,
                       "the model file holds no vocabulary, or no vectors of its words");
    s->restored = iv__vocabulary_read(s->home, words_name, words->data, words->bytes);
    if (!s->restored)
        return iv_home_status(s->home);
    s->vocabulary = s->restored;
    if (table->shape.dim[0] != iv__vocabulary_count(s->restored) || table->shape.dim[1] < 1)
        return iv_fail(s->home, IV_FORMAT,
                       "the model file has vectors of %lld words, and its vocabulary %lld",
                       (long long)table->shape.dim[0], (long long)iv__vocabulary_count(s->restored));
    s->vectors = (iv__vectors){ .home = s->home,
                                .count = table->shape.dim[0],
                                .width = table->shape.dim[1] };
    s->vectors.table = iv__alloc_array(s->home, s->vectors.count * s->vectors.width,
                                       sizeof *s->vectors.table);
    if (!s->vectors.table)
        return IV_NOMEM;
    memcpy(s->vectors.table, table->data,
           (size_t)(s->vectors.count * s->vectors.width) * sizeof *s->vectors.table);
    return IV_OK;
}

void iv__sentences_close(iv__sentences *s)
{
    if (!s->home)
        return;
    iv__tokens_free(s->data);
    iv__vocabulary_free(s->restored);
    iv__vectors_free(&s->vectors);
    for (int i = 0; i < SPLITS; i++)
        iv__free(s->home, s->records[i]);
}

/* ---- rows ------------------------------------------------------------------------------------ */

void iv__sentences_put(const iv__sentences *s, const int32_t *ids, int64_t n, int64_t r,
                       float *vectors, float *present)
{
    const int64_t width = s->vectors.width, first = s->unmasked ? s->length - n : 0;

    for (int64_t t = 0; t < s->length; t++) {
        const bool word = t >= first && t < first + n;
        float *to = vectors ? vectors + (r * s->length + t) * width : NULL;
        if (to && word)
            memcpy(to, s->vectors.table + ids[t - first] * width, (size_t)width * sizeof *to);
        else if (to)
            memset(to, 0, (size_t)width * sizeof *to);
        if (present)
            present[r * s->length + t] = word || (s->unmasked && n);
    }
}

void iv__sentences_fill(const iv__sentences *s, iv__batch *batch, const iv__rows *rows)
{
    float *vectors = iv__batch_input(batch, IV__SENTENCE_VECTORS),
          *present = iv__batch_input(batch, IV__SENTENCE_PRESENT);
    int32_t ids[IV__SENTENCE_MOST];

    for (int64_t r = 0; r < rows->room; r++) {
        int64_t n = 0;
        if (r < rows->n && rows->record[r] >= 0)
            n = iv__tokens_copy(s->data, s->records[rows->split][rows->record[r]], 0, s->length, ids);
        iv__sentences_put(s, ids, n, r, vectors, present);
    }
}
