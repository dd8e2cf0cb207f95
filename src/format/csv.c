/* csv.c: one byte after the other; a row lies in memory, its fields behind each other. */

#include "format/csv.h"

#include <string.h>

#include "base/home.h"
#include "base/text.h"
#include "format/utf8.h"

enum { ENDED = -1, FAILED = -2 };

struct iv__csv {
    iv_home *home;
    iv__source *source;
    int separator;
    int64_t line, row_line;
    iv__text row; /* each field ended by a zero byte */
    int count;
    size_t begins[IV__CSV_FIELDS + 1];
    size_t at, filled;
    unsigned char buffer[1 << 16];
};

iv__csv *iv__csv_new(iv__source *source, char separator)
{
    iv_home *home = iv__source_home(source);
    iv__csv *csv = iv__alloc(home, sizeof *csv);

    if (csv) {
        csv->home = csv->row.home = home;
        csv->source = source;
        csv->separator = (unsigned char)separator;
    }
    return csv;
}

void iv__csv_free(iv__csv *csv)
{
    if (!csv)
        return;
    iv__text_free(&csv->row);
    iv__free(csv->home, csv);
}

int iv__csv_count(const iv__csv *csv)
{
    return csv->count;
}

const char *iv__csv_field(const iv__csv *csv, int field, size_t *size)
{
    if (field < 0 || field >= csv->count) {
        *size = 0;
        return "";
    }
    *size = csv->begins[field + 1] - csv->begins[field] - 1;
    return csv->row.data + csv->begins[field];
}

int64_t iv__csv_line(const iv__csv *csv)
{
    return csv->row_line;
}

char iv__csv_separator(const iv__csv *csv)
{
    return (char)csv->separator;
}

static bool refuse(const iv__csv *csv, const char *why)
{
    iv_fail(csv->home, IV_FORMAT, "%s:%lld: %s", iv__source_name(csv->source),
            (long long)csv->row_line, why);
    return false;
}

/* The next byte, which stays; ENDED or FAILED. */
static int peek(iv__csv *csv)
{
    if (csv->at == csv->filled) {
        int64_t got = iv__source_read(csv->source, csv->buffer, sizeof csv->buffer);
        if (got <= 0)
            return got < 0 ? FAILED : ENDED;
        csv->at = 0;
        csv->filled = (size_t)got;
    }
    return csv->buffer[csv->at];
}

static int take(iv__csv *csv)
{
    int byte = peek(csv);

    csv->at += byte >= 0;
    csv->line += byte == '\n';
    return byte;
}

static bool keep(iv__csv *csv, int byte)
{
    char one = (char)byte;

    if (csv->row.size >= IV__CSV_ROW)
        return refuse(csv, "a row is longer than 16 MiB: is a quote not closed?");
    iv__text_add(&csv->row, &one, 1);
    return !csv->row.failed;
}

/* Behind the opening quote, to the end of the field. */
static bool read_quoted(iv__csv *csv)
{
    for (;;) {
        int byte = take(csv);
        if (byte == '"' && peek(csv) != '"') {
            int next = peek(csv);
            return (next < 0 && next != FAILED) || next == csv->separator || next == '\n' ||
                   next == '\r' ||
                   (next != FAILED && refuse(csv, "something stands behind a quoted field of this row"));
        }
        if (byte == '"')
            take(csv);
        if (byte == ENDED)
            return refuse(csv, "a quote in this row is not closed");
        if (byte == FAILED || !keep(csv, byte))
            return false;
    }
}

static bool read_plain(iv__csv *csv)
{
    for (;;) {
        int byte = peek(csv);
        if (byte == FAILED)
            return false;
        if (byte == ENDED || byte == csv->separator || byte == '\n')
            return true;
        take(csv);
        if (byte == '\r' && (peek(csv) == '\n' || peek(csv) == ENDED))
            return true;
        if (!keep(csv, byte))
            return false;
    }
}

static bool end_field(iv__csv *csv)
{
    size_t begin = csv->begins[csv->count], size = csv->row.size - begin;
    const char *field = size > 0 ? csv->row.data + begin : "";

    if (memchr(field, 0, size) || iv__utf8_valid(field, size) < size)
        return refuse(csv,
                      "a field of this row is no text: it has a zero byte, or is not saved as UTF-8");
    if (csv->count == IV__CSV_FIELDS)
        return refuse(csv, "a row has more than 4096 fields");
    iv__text_add(&csv->row, "", 1);
    csv->begins[++csv->count] = csv->row.size;
    return !csv->row.failed;
}

/* Reads a row that begins at the next byte. */
static bool read_row(iv__csv *csv)
{
    for (;;) {
        bool quoted = peek(csv) == '"';
        if (quoted)
            take(csv);
        if (!(quoted ? read_quoted(csv) : read_plain(csv)) || !end_field(csv))
            return false;
        if (peek(csv) == '\r')
            take(csv);
        int byte = peek(csv);
        if (byte == FAILED)
            return false;
        if (byte == ENDED || byte == '\n') {
            take(csv);
            return true;
        }
        if (byte != csv->separator)
            return refuse(csv, "something stands behind a quoted field of this row");
        take(csv);
    }
}

/* By the first row, as far as the buffer has it. */
static int find_separator(const iv__csv *csv)
{
    static const char marks[] = ",;\t|";
    int count[sizeof marks] = { 0 }, best = 0;
    bool quoted = false;

    for (size_t i = csv->at; i < csv->filled && (quoted || csv->buffer[i] != '\n'); i++) {
        const char *mark = csv->buffer[i] ? strchr(marks, csv->buffer[i]) : NULL;
        quoted ^= csv->buffer[i] == '"';
        if (mark && !quoted)
            count[mark - marks]++;
    }
    for (int i = 1; marks[i]; i++)
        best = count[i] > count[best] ? i : best;
    return marks[best];
}

bool iv__csv_next(iv__csv *csv, bool *failed)
{
    unsigned char mark[3];
    int byte;

    if (csv->line == 0) {
        csv->line = csv->row_line = 1;
        if (iv__source_peek(csv->source, mark, 3) == 3 && !memcmp(mark, "\xef\xbb\xbf", 3))
            iv__source_read(csv->source, mark, 3);
    }
    while ((byte = peek(csv)) == '\n' || byte == '\r')
        take(csv);
    if (!csv->separator && byte >= 0)
        csv->separator = find_separator(csv);
    csv->row_line = csv->line;
    csv->count = 0;
    csv->begins[0] = 0;
    iv__text_clear(&csv->row);
    *failed = byte == FAILED || (byte != ENDED && !read_row(csv));
    return byte >= 0 && !*failed;
}
