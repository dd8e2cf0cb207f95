/* text.c: growing text, and the nearest word for messages. */
#include "base/text.h"
#include "base/home.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool make_room(iv__text *text, size_t more)
{
    if (text->failed || more > SIZE_MAX / 4) {
        text->failed = true;
        return false;
    }
    if (text->size + more + 1 <= text->room)
        return true;
    size_t room = text->room * 2 > text->size + more + 1 ? text->room * 2 : text->size + more + 64;
    char *data = iv__resize(text->home, text->data, room);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->room = room;
    return true;
}

void iv__text_add(iv__text *text, const char *bytes, size_t size)
{
    if (!make_room(text, size))
        return;
    if (size)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
}

void iv__text_put(iv__text *text, const char *string)
{
    iv__text_add(text, string, strlen(string));
}

void iv__text_print(iv__text *text, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    if (size < 0) {
        text->failed = true;
    } else if (make_room(text, (size_t)size)) {
        vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
    va_end(args);
}

void iv__text_clear(iv__text *text)
{
    text->size = 0;
    if (text->data)
        text->data[0] = 0;
}

void iv__text_free(iv__text *text)
{
    iv__free(text->home, text->data);
    *text = (iv__text){ .home = text->home };
}

static int small(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter;
}

/* Letters to change, add or leave out; those of the other case are the same. */
static int edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    int n = (int)strlen(a), m = (int)strlen(b), row[LONGEST + 1];

    if (n > LONGEST || m > LONGEST)
        return 2 * LONGEST;
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int change = diagonal + (small(a[i - 1]) != small(b[j - 1]));
            int insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < insert ? change : insert;
        }
    }
    return row[m];
}

const char *iv__nearest(const char *word, const char *const words[])
{
    const char *best = NULL;
    const int size = (int)strlen(word);
    int least = size / 3 + 2 < size ? size / 3 + 2 : size; /* a word that has no letter of it is not near */

    for (; *words; words++) {
        int distance = edit_distance(word, *words);
        if (distance < least) {
            least = distance;
            best = *words;
        }
    }
    return best;
}
