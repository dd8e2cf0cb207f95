/* json.c: the JSON reader: one pass over pieces of 64 KiB, no recursion.
 * Source: RFC 8259. */

#include "format/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/home.h"
#include "base/text.h"
#include "format/utf8.h"

enum { PIECE = 1 << 16 };

/* What may come next. */
typedef enum expect {
    A_VALUE,
    VALUE_OR_END, /* behind '[' */
    NAME_OR_END,  /* behind '{' */
    A_NAME,       /* behind ',' in an object */
    COMMA_OR_END,
    NOTHING_MORE,
} expect;

struct iv__json {
    iv_home *home;
    iv__source *source;
    iv__text text;
    iv__json_kind last;
    expect expect;
    int depth;
    char open[IV__JSON_DEPTH]; /* '{' or '[' */
    int64_t line, column;      /* of the next character */
    int64_t begin_line, begin_column;
    size_t at, filled;
    bool drained;
    unsigned char piece[PIECE];
};

iv__json *iv__json_new(iv__source *source)
{
    iv_home *home = iv__source_home(source);
    iv__json *json = iv__alloc(home, sizeof *json);
    if (!json)
        return NULL;
    json->home = home;
    json->source = source;
    json->text.home = home;
    json->last = IV__JSON_NULL;
    json->line = json->column = json->begin_line = json->begin_column = 1;
    return json;
}

void iv__json_free(iv__json *json)
{
    if (!json)
        return;
    iv__text_free(&json->text);
    iv__free(json->home, json);
}

const char *iv__json_text(const iv__json *json, size_t *size)
{
    if (size)
        *size = json->text.size;
    return json->text.data ? json->text.data : "";
}

int iv__json_depth(const iv__json *json)
{
    return json->depth;
}

void iv__json_place(const iv__json *json, int64_t *line, int64_t *column)
{
    *line = json->begin_line;
    *column = json->begin_column;
}

iv_status iv__json_refuse(iv__json *json, const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    json->last = IV__JSON_FAILED;
    return iv_fail(json->home, IV_FORMAT, "%s:%lld:%lld: %s", iv__source_name(json->source),
                   (long long)json->begin_line, (long long)json->begin_column, message);
}

/* ---- characters ------------------------------------------------------------------------------ */

/* Makes `count` bytes wait in the piece, or all that are left. */
static bool ensure(iv__json *json, size_t count)
{
    if (json->filled - json->at >= count || json->drained)
        return true;
    json->filled -= json->at;
    memmove(json->piece, json->piece + json->at, json->filled);
    json->at = 0;

    int64_t got = iv__source_read(json->source, json->piece + json->filled, PIECE - json->filled);
    if (got < 0) {
        json->last = IV__JSON_FAILED;
        return false;
    }
    json->drained = (size_t)got < PIECE - json->filled;
    json->filled += (size_t)got;
    return true;
}

/* The next byte, or -1 at the end. A failed read looks like the end; `last` tells. */
static int peek(iv__json *json)
{
    if (json->at == json->filled && !ensure(json, 1))
        return -1;
    return json->at < json->filled ? json->piece[json->at] : -1;
}

static void advance(iv__json *json)
{
    unsigned char byte = json->piece[json->at++];

    if (byte == '\n') {
        json->line++;
        json->column = 1;
    } else if ((byte & 0xc0) != 0x80) {
        json->column++;
    }
}

/* The length of the character that comes next; 0 when it is no UTF-8 or there is none. */
static size_t character(iv__json *json)
{
    uint32_t code;

    return ensure(json, 4) ? iv__utf8_read(json->piece + json->at, json->filled - json->at, &code) : 0;
}

static iv__json_kind refuse_here(iv__json *json, const char *message)
{
    json->begin_line = json->line;
    json->begin_column = json->column;
    iv__json_refuse(json, "%s", message);
    return IV__JSON_FAILED;
}

static iv__json_kind unexpected(iv__json *json, const char *expected)
{
    char message[160];
    int byte = peek(json);
    size_t length = character(json);

    if (json->last == IV__JSON_FAILED)
        return IV__JSON_FAILED;
    if (byte < 0)
        snprintf(message, sizeof message, "expected %s but the data end here", expected);
    else if (byte == '\n' || byte == '\r')
        snprintf(message, sizeof message, "expected %s but found a line break", expected);
    else if (length == 0 || byte < 0x20 || byte == 0x7f)
        snprintf(message, sizeof message, "expected %s but found the byte 0x%02x", expected,
                 (unsigned)byte);
    else
        snprintf(message, sizeof message, "expected %s but found '%.*s'", expected, (int)length,
                 (const char *)json->piece + json->at);
    return refuse_here(json, message);
}

static void skip_blanks(iv__json *json)
{
    for (int byte = peek(json); byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
         byte = peek(json))
        advance(json);
}

/* ---- scalars --------------------------------------------------------------------------------- */

/* Four hexadecimal digits, or -1. */
static int32_t hex4(iv__json *json)
{
    int32_t value = 0;

    for (int i = 0; i < 4; i++) {
        int byte = peek(json);
        int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                    : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                    : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                 : -1;
        if (digit < 0) {
            unexpected(json, "four hexadecimal digits behind \\u");
            return -1;
        }
        value = value * 16 + digit;
        advance(json);
    }
    return value;
}

static bool put_code(iv__json *json, uint32_t code)
{
    unsigned char bytes[4];
    size_t size = iv__utf8_write(code, bytes);

    iv__text_add(&json->text, (const char *)bytes, size);
    return true;
}

static bool read_unicode_escape(iv__json *json)
{
    int32_t high = hex4(json), low;
    if (high < 0)
        return false;
    if (high < 0xd800 || high > 0xdfff)
        return put_code(json, (uint32_t)high);

    bool paired = high < 0xdc00 && peek(json) == '\\';
    if (paired) {
        advance(json);
        paired = peek(json) == 'u';
    }
    if (paired) {
        advance(json);
        low = hex4(json);
        if (low < 0)
            return false;
        if (low >= 0xdc00 && low <= 0xdfff)
            return put_code(json,
                            0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
    }
    if (json->last != IV__JSON_FAILED)
        refuse_here(json,
                    "half of a surrogate pair: \\ud800 .. \\udbff and \\udc00 .. \\udfff come in pairs");
    return false;
}

static bool read_escape(iv__json *json)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";

    advance(json);
    int byte = peek(json);
    const char *name = byte > 0 ? strchr(names, byte) : NULL;
    if (name) {
        iv__text_add(&json->text, values + (name - names), 1);
        advance(json);
        return true;
    }
    if (byte != 'u') {
        unexpected(json, "one of \" \\ / b f n r t u behind a backslash");
        return false;
    }
    advance(json);
    return read_unicode_escape(json);
}

/* Takes what needs no decoding, as far as the piece goes. */
static void read_plain_run(iv__json *json)
{
    size_t begin = json->at, at = begin;

    while (at < json->filled && json->piece[at] >= 0x20 && json->piece[at] < 0x80 &&
           json->piece[at] != '"' && json->piece[at] != '\\')
        at++;
    iv__text_add(&json->text, (const char *)json->piece + begin, at - begin);
    json->column += (int64_t)(at - begin);
    json->at = at;
}

static iv__json_kind read_string(iv__json *json, iv__json_kind kind)
{
    advance(json);
    iv__text_clear(&json->text);
    for (;;) {
        read_plain_run(json);
        if (json->text.size > IV__JSON_STRING_MAX)
            return refuse_here(json, "the string is longer than 256 MiB");

        int byte = peek(json);
        if (byte == '"')
            break;
        if (byte == '\\') {
            if (!read_escape(json))
                return IV__JSON_FAILED;
        } else if (byte >= 0x80) {
            size_t length = character(json);
            if (length == 0)
                return unexpected(json, "UTF-8");
            iv__text_add(&json->text, (const char *)json->piece + json->at, length);
            json->at += length;
            json->column++;
        } else if (byte < 0x20) {
            return unexpected(json, "the string's end or an escape such as \\n");
        }
    }
    advance(json);
    return json->text.failed ? IV__JSON_FAILED : kind;
}

static bool is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static void take(iv__json *json)
{
    char byte = (char)json->piece[json->at];

    iv__text_add(&json->text, &byte, 1);
    advance(json);
}

static bool take_digits(iv__json *json)
{
    if (!is_digit(peek(json))) {
        unexpected(json, "a digit");
        return false;
    }
    while (is_digit(peek(json)) && json->text.size <= IV__JSON_STRING_MAX)
        take(json);
    return true;
}

static iv__json_kind read_number(iv__json *json)
{
    iv__text_clear(&json->text);
    if (peek(json) == '-')
        take(json);
    if (peek(json) == '0') {
        take(json);
        if (is_digit(peek(json)))
            return refuse_here(json, "a number does not begin with 0 unless it is 0 or 0.something");
    } else if (!take_digits(json)) {
        return IV__JSON_FAILED;
    }
    if (peek(json) == '.') {
        take(json);
        if (!take_digits(json))
            return IV__JSON_FAILED;
    }
    if (peek(json) == 'e' || peek(json) == 'E') {
        take(json);
        if (peek(json) == '+' || peek(json) == '-')
            take(json);
        if (!take_digits(json))
            return IV__JSON_FAILED;
    }
    return json->text.failed || json->last == IV__JSON_FAILED ? IV__JSON_FAILED : IV__JSON_NUMBER;
}

static iv__json_kind read_word(iv__json *json, const char *word, iv__json_kind kind)
{
    char expected[16];

    iv__text_clear(&json->text);
    for (const char *at = word; *at; at++) {
        if (peek(json) != *at) {
            snprintf(expected, sizeof expected, "'%s'", word);
            return unexpected(json, expected);
        }
        advance(json);
    }
    return kind;
}

/* ---- structure ------------------------------------------------------------------------------- */

static iv__json_kind open_level(iv__json *json, char bracket)
{
    if (json->depth == IV__JSON_DEPTH)
        return refuse_here(json, "more than 64 objects and arrays lie in each other");
    advance(json);
    json->open[json->depth++] = bracket;
    json->expect = bracket == '{' ? NAME_OR_END : VALUE_OR_END;
    return bracket == '{' ? IV__JSON_OBJECT : IV__JSON_ARRAY;
}

static void value_done(iv__json *json)
{
    json->expect = json->depth > 0 ? COMMA_OR_END : NOTHING_MORE;
}

static iv__json_kind close_level(iv__json *json)
{
    advance(json);
    iv__json_kind kind = json->open[--json->depth] == '{' ? IV__JSON_OBJECT_END : IV__JSON_ARRAY_END;
    value_done(json);
    return kind;
}

static iv__json_kind read_value(iv__json *json, const char *expected)
{
    int byte = peek(json);

    if (byte == '{' || byte == '[')
        return open_level(json, (char)byte);
    value_done(json);
    if (byte == '"')
        return read_string(json, IV__JSON_STRING);
    if (byte == '-' || is_digit(byte))
        return read_number(json);
    if (byte == 't')
        return read_word(json, "true", IV__JSON_TRUE);
    if (byte == 'f')
        return read_word(json, "false", IV__JSON_FALSE);
    if (byte == 'n')
        return read_word(json, "null", IV__JSON_NULL);
    return unexpected(json, expected);
}

static iv__json_kind read_name(iv__json *json, const char *expected)
{
    if (peek(json) != '"')
        return unexpected(json, expected);
    iv__json_kind kind = read_string(json, IV__JSON_NAME);
    if (kind == IV__JSON_FAILED)
        return kind;
    skip_blanks(json);
    if (peek(json) != ':')
        return unexpected(json, "':'");
    advance(json);
    json->expect = A_VALUE;
    return kind;
}

static iv__json_kind read_event(iv__json *json)
{
    char open = json->depth > 0 ? json->open[json->depth - 1] : 0;

    skip_blanks(json);
    if (json->expect == COMMA_OR_END && peek(json) == ',') {
        advance(json);
        skip_blanks(json);
        json->expect = open == '{' ? A_NAME : A_VALUE;
    }
    json->begin_line = json->line;
    json->begin_column = json->column;

    bool at_end = peek(json) == (open == '{' ? '}' : ']');
    switch (json->expect) {
    case A_VALUE: return read_value(json, "a value");
    case VALUE_OR_END: return at_end ? close_level(json) : read_value(json, "a value or ']'");
    case NAME_OR_END:
        return at_end ? close_level(json) : read_name(json, "a name in quotes or '}'");
    case A_NAME: return read_name(json, "a name in quotes");
    case COMMA_OR_END:
        return at_end ? close_level(json) : unexpected(json, open == '{' ? "',' or '}'" : "',' or ']'");
    case NOTHING_MORE: break;
    }
    return peek(json) < 0 ? IV__JSON_END : unexpected(json, "the end of the data");
}

static void skip_byte_order_mark(iv__json *json)
{
    if (ensure(json, 3) && json->filled >= 3 && memcmp(json->piece, "\xef\xbb\xbf", 3) == 0)
        json->at = 3;
}

iv__json_kind iv__json_next(iv__json *json)
{
    if (json->last == IV__JSON_FAILED || json->last == IV__JSON_END)
        return json->last;
    if (json->filled == 0)
        skip_byte_order_mark(json);

    iv__json_kind kind = read_event(json);
    if (json->last == IV__JSON_FAILED) /* a failed read ends everything, whatever it looked like */
        return IV__JSON_FAILED;
    return json->last = kind;
}

bool iv__json_skip(iv__json *json)
{
    if (json->last == IV__JSON_NAME)
        iv__json_next(json);
    if (json->last == IV__JSON_OBJECT || json->last == IV__JSON_ARRAY) {
        int outside = json->depth - 1;
        while (json->last != IV__JSON_FAILED && json->depth > outside)
            iv__json_next(json);
    }
    return json->last != IV__JSON_FAILED;
}
