/* vectors.c: GloVe's vectors for the words of a vocabulary; random ones for the others. */
#include "data/vectors.h"

#include <math.h>
#include <string.h>

#include "base/home.h"
#include "base/random.h"
#include "data/dataset.h"
#include "format/glove.h"

/* To be found as data sets are. */
static const iv__dataset glove = {
    .name = "glove",
    .says = "word vectors",
    .home_page = "https://nlp.stanford.edu/projects/glove/",
    .download = "https://nlp.stanford.edu/data/glove.6B.zip",
    .sha256 = "",
    .file = "glove/glove.6B.50d.8453words.txt",
};

static double squares_of(const float *x, const float *y, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

double iv__cosine(const float *a, const float *b, int64_t n)
{
    const double lengths = squares_of(a, a, n) * squares_of(b, b, n);

    return lengths > 0 ? squares_of(a, b, n) / sqrt(lengths) : 0;
}

int32_t iv__vectors_nearest(const iv__vectors *v, const float *x)
{
    const int32_t first = 2; /* behind padding and the unknown word */
    double best = -2;
    int32_t nearest = first;

    for (int32_t i = first; i < v->count; i++) {
        const double c = iv__cosine(v->table + i * v->width, x, v->width);
        if (c > best) {
            best = c;
            nearest = i;
        }
    }
    return nearest;
}

void iv__vectors_free(iv__vectors *v)
{
    iv__free(v->home, v->table);
    *v = (iv__vectors){ .home = v->home };
}

/* Sets has[i] for each word that the file has. */
static iv_status read_all(iv__glove *file, const iv__vocabulary *vocabulary, iv__vectors *v, bool *has)
{
    bool failed;

    while (iv__glove_next(file, &failed)) {
        const char *word = iv__glove_word(file);
        const int32_t id = iv__vocabulary_id(vocabulary, word, strlen(word));
        if (!v->table) {
            v->width = iv__glove_width(file);
            v->table = iv__alloc_array(v->home, v->count * v->width, sizeof *v->table);
            if (!v->table)
                return IV_NOMEM;
        }
        if (id < iv__vocabulary_first(vocabulary) || has[id])
            continue;
        has[id] = true;
        memcpy(v->table + id * v->width, iv__glove_vector(file), (size_t)v->width * sizeof *v->table);
        v->found++;
    }
    if (failed)
        return iv_home_status(v->home);
    return v->found
               ? IV_OK
               : iv_fail(v->home, IV_VALUE, "the file of vectors has none for any of the %lld words",
                         (long long)v->count);
}

/* One number of a word, counted: normal, of the mean and deviation of those that were read. */
static void fill_others(iv__vectors *v, const bool *has)
{
    const uint64_t key = iv__random_key(0, "vectors");
    const int64_t n = v->found * v->width;
    double sum = 0, squares = 0;
    uint32_t word[4];

    for (int64_t i = 0; i < v->count; i++)
        for (int64_t k = 0; has[i] && k < v->width; k++) {
            const double x = v->table[i * v->width + k];
            sum += x;
            squares += x * x;
        }
    const double mean = sum / (double)n, deviation = sqrt(fmax(0, squares / (double)n - mean * mean));
    for (int64_t i = 1; i < v->count; i++) /* of padding they stay 0 */
        for (int64_t k = 0; !has[i] && k < v->width; k++) {
            /* the sum of twelve uniform numbers less 6 is nearly normal, and the same on every processor */
            double x = -6;
            for (uint64_t j = 0; j < 3; j++) {
                iv__philox(key, (uint64_t)i, (uint64_t)k * 3 + j, word);
                for (int q = 0; q < 4; q++)
                    x += (double)iv__unit_f32(word[q]);
            }
            v->table[i * v->width + k] = (float)(mean + deviation * x);
        }
}

/* As data sets are found; the file is named by an option of its own, and what is to be had is an archive of several. */
static iv_status locate(iv_home *home, const char *file, iv__text *path)
{
    iv_status status = iv__dataset_locate(home, &glove, *file ? file : NULL, path);

    if (status == IV_IO && *file)
        return iv_fail(home, status, "--vectors %s: there is no such file of word vectors", file);
    if (status == IV_IO)
        return iv_fail(home, status,
                       "word vectors are not here: %s(.gz) is not in the data folder ($IVORY_DATA). Unpack %s, and "
                       "name its glove.6B.50d.txt with --vectors FILE",
                       glove.file, glove.download);
    return status;
}

iv_status iv__vectors_open(iv_home *home, const char *file, const iv__vocabulary *vocabulary,
                           iv__vectors *v)
{
    iv__text path = { .home = home };
    *v = (iv__vectors){ .home = home, .count = iv__vocabulary_count(vocabulary) };
    bool *has = iv__alloc_array(home, v->count, sizeof *has);
    iv_status status = has ? locate(home, file, &path) : IV_NOMEM;
    iv__source *source = status ? NULL : iv__source_open(home, path.data);
    iv__glove *reader = source ? iv__glove_new(source) : NULL;

    if (!status)
        status = reader ? read_all(reader, vocabulary, v, has) : iv_home_status(home);
    if (!status)
        fill_others(v, has);
    else
        iv__vectors_free(v);
    iv__glove_free(reader);
    iv__source_close(source);
    iv__text_free(&path);
    iv__free(home, has);
    return status;
}
