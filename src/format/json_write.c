/* json_write.c: the JSON writer. */

#include "format/json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/utf8.h"

static void put(iv__json_writer *w, const char *text)
{
    iv__text_put(w->text, text);
}

static void break_line(iv__json_writer *w)
{
    if (w->indent > 0)
        iv__text_print(w->text, "\n%*s", w->indent * w->depth, "");
}

/* What stands before a value or a name: nothing behind a name, else a comma unless it is the
 * first. */
static void separate(iv__json_writer *w)
{
    if (!w->named) {
        if (w->begun)
            put(w, w->indent > 0 ? "," : ", ");
        if (w->depth > 0)
            break_line(w);
    }
    w->named = false;
    w->begun = true;
}

static void begin(iv__json_writer *w, const char *bracket)
{
    separate(w);
    put(w, bracket);
    w->depth++;
    w->begun = false;
}

static void end(iv__json_writer *w, const char *bracket)
{
    w->depth--;
    if (w->begun)
        break_line(w);
    put(w, bracket);
    w->begun = true;
}

void iv__json_put_object(iv__json_writer *w)
{
    begin(w, "{");
}

void iv__json_end_object(iv__json_writer *w)
{
    end(w, "}");
}

void iv__json_put_array(iv__json_writer *w)
{
    begin(w, "[");
}

void iv__json_end_array(iv__json_writer *w)
{
    end(w, "]");
}

/* A byte that must not stand for itself: quotes, backslash, control characters. */
static void put_escaped(iv__json_writer *w, unsigned char byte)
{
    static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = byte ? strchr(plain, byte) : NULL;

    if (found)
        iv__text_print(w->text, "\\%c", names[found - plain]);
    else
        iv__text_print(w->text, "\\u%04x", byte);
}

static void put_quoted(iv__json_writer *w, const void *bytes, size_t left)
{
    const unsigned char *at = bytes;
    uint32_t code;

    put(w, "\"");
    while (left > 0) {
        size_t size = iv__utf8_read(at, left, &code);
        if (size == 0)
            put(w, "\xef\xbf\xbd");
        else if (code < 0x20 || code == '"' || code == '\\' || code == 0x7f)
            put_escaped(w, *at);
        else
            iv__text_add(w->text, (const char *)at, size);
        at += size ? size : 1;
        left -= size ? size : 1;
    }
    put(w, "\"");
}

void iv__json_put_name(iv__json_writer *w, const char *name)
{
    separate(w);
    put_quoted(w, name, strlen(name));
    put(w, ": ");
    w->named = true;
}

void iv__json_put_string(iv__json_writer *w, const char *string)
{
    separate(w);
    if (string)
        put_quoted(w, string, strlen(string));
    else
        put(w, "null");
}

void iv__json_put_bytes(iv__json_writer *w, const void *bytes, size_t size)
{
    separate(w);
    put_quoted(w, bytes, size);
}

void iv__json_put_int(iv__json_writer *w, int64_t number)
{
    separate(w);
    iv__text_print(w->text, "%lld", (long long)number);
}

/* printf writes the decimal mark of the locale, which a program around the library may have set:
 * one '.' instead. */
static void put_number(iv__json_writer *w, const char *number)
{
    size_t before = strspn(number, "0123456789+-");

    iv__text_add(w->text, number, before);
    number += before;
    if (*number && !strchr("eE", *number)) {
        put(w, ".");
        number += strcspn(number, "0123456789");
    }
    put(w, number);
}

void iv__json_put_float(iv__json_writer *w, double number)
{
    char digits[64];

    separate(w);
    snprintf(digits, sizeof digits, "%.9g", number);
    if (isfinite(number))
        put_number(w, digits);
    else
        put(w, "null");
}

void iv__json_put_double(iv__json_writer *w, double number)
{
    char digits[64];

    separate(w);
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    if (number == 0 && signbit(number))
        put(w, "-0.0"); /* "-0" would be read as the whole number 0 */
    else if (isfinite(number))
        put_number(w, digits);
    else
        put(w, "null");
}

void iv__json_put_bool(iv__json_writer *w, bool truth)
{
    separate(w);
    put(w, truth ? "true" : "false");
}

void iv__json_put_null(iv__json_writer *w)
{
    separate(w);
    put(w, "null");
}
