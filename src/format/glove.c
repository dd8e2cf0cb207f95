/* glove.c: word vectors, line by line. */
#include "format/glove.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/home.h"
#include "base/text.h"
#include "format/decimal.h"
#include "format/utf8.h"

struct iv__glove {
    iv_home *home;
    iv__source *source;
    iv__text text; /* the line; its word ends with a zero byte once it is read */
    int64_t line, width;
    float *vector;
    size_t at, filled;
    char buffer[1 << 16];
};

iv__glove *iv__glove_new(iv__source *source)
{
    iv_home *home = iv__source_home(source);
    iv__glove *glove = iv__alloc(home, sizeof *glove);

    if (glove) {
        glove->home = glove->text.home = home;
        glove->source = source;
    }
    return glove;
}

void iv__glove_free(iv__glove *glove)
{
    if (!glove)
        return;
    iv__text_free(&glove->text);
    iv__free(glove->home, glove->vector);
    iv__free(glove->home, glove);
}

const char *iv__glove_word(const iv__glove *glove)
{
    return glove->text.data;
}

const float *iv__glove_vector(const iv__glove *glove)
{
    return glove->vector;
}

int64_t iv__glove_width(const iv__glove *glove)
{
    return glove->width;
}

static bool refuse(const iv__glove *glove, const char *why)
{
    iv_fail(glove->home, IV_FORMAT, "%s:%lld: %s", iv__source_name(glove->source),
            (long long)glove->line, why);
    return false;
}

/* A line into the text, without its end. False at the end of the file, and when it failed. */
static bool read_line(iv__glove *glove, bool *failed)
{
    bool begun = false;

    *failed = true;
    iv__text_clear(&glove->text);
    glove->line++;
    for (;;) {
        if (glove->at == glove->filled) {
            int64_t got = iv__source_read(glove->source, glove->buffer, sizeof glove->buffer);
            *failed = got < 0;
            if (got <= 0)
                return !*failed && begun;
            glove->at = 0;
            glove->filled = (size_t)got;
        }
        const char *from = glove->buffer + glove->at;
        const size_t left = glove->filled - glove->at;
        const char *end = memchr(from, '\n', left);
        const size_t size = end ? (size_t)(end - from) : left;
        begun = true;
        *failed = true;
        if (glove->text.size + size > IV__GLOVE_LINE)
            return refuse(glove, "the line is longer than 4 MiB: this is no file of word vectors");
        iv__text_add(&glove->text, from, size);
        glove->at += size + (end != NULL);
        if (glove->text.failed)
            return false;
        *failed = false;
        if (end)
            return true;
    }
}

/* The line without the blanks at its end. */
static size_t trimmed(const iv__glove *glove)
{
    size_t size = glove->text.size;

    while (size && (glove->text.data[size - 1] == ' ' || glove->text.data[size - 1] == '\r'))
        size--;
    return size;
}

/* Where the last field of the first `size` bytes begins. */
static size_t last_field(const char *line, size_t size)
{
    while (size && line[size - 1] != ' ')
        size--;
    return size;
}

/* As many numbers as fields stand behind the first one. */
static bool learn_width(iv__glove *glove, size_t size)
{
    int64_t width = 0;

    for (size_t i = 1; i < size; i++)
        width += glove->text.data[i] == ' ' && glove->text.data[i - 1] != ' ';
    if (width < 1 || width > IV__GLOVE_WIDTH)
        return refuse(glove, "expected a word and its numbers (1 to 65,536), with blanks between: this is no file "
                             "of word vectors");
    glove->vector = iv__alloc_array(glove->home, width, sizeof *glove->vector);
    glove->width = glove->vector ? width : 0;
    return glove->vector;
}

/* The numbers from the last to the first; what is left is the word. */
static bool take_apart(iv__glove *glove, size_t size)
{
    char *line = glove->text.data, why[160];

    for (int64_t i = glove->width - 1; i >= 0; i--) {
        const size_t begin = last_field(line, size);
        double number;
        if (begin == 0) {
            snprintf(why, sizeof why, "expected a word and %lld numbers but found %lld numbers",
                     (long long)glove->width, (long long)(glove->width - 1 - i));
            return refuse(glove, why);
        }
        if (!iv__decimal(line + begin, size - begin, &number) || !isfinite((float)number)) {
            snprintf(why, sizeof why, "expected %lld numbers behind the word but found '%.*s'",
                     (long long)glove->width, size - begin > 40 ? 40 : (int)(size - begin),
                     line + begin);
            return refuse(glove, why);
        }
        glove->vector[i] = (float)number;
        for (size = begin; size && line[size - 1] == ' ';)
            size--;
    }
    if (size == 0)
        return refuse(glove, "there is no word before the numbers");
    if (memchr(line, 0, size) || iv__utf8_valid(line, size) != size)
        return refuse(glove, "the word is no UTF-8");
    line[size] = 0;
    return true;
}

bool iv__glove_next(iv__glove *glove, bool *failed)
{
    size_t size;

    do {
        if (!read_line(glove, failed))
            return false;
        size = trimmed(glove);
    } while (size == 0);
    *failed = true;
    if (!glove->width && !learn_width(glove, size))
        return false;
    if (!take_apart(glove, size))
        return false;
    *failed = false;
    return true;
}
