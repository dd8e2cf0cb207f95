/* read.c: reads the description of a picture.
 *
 * A description is UTF-8 text, one statement a line. A statement is a word and its values,
 * separated by single tabs. Empty lines and lines that begin with # say nothing. Before the first
 * panel, each at most once:
 *
 *   size W H           the picture's size in pixels, each side 64 to 8192; without it, what suits
 *                      the content
 *   title TEXT         stands above everything
 *   columns N          panels stand N beside each other, row after row, 1 to 16; without it 1
 *
 * Then panels, at most 64:
 *
 *   panel              begins a panel; what follows belongs to it (the next five at most once)
 *   panel-title TEXT
 *   x-label TEXT       panels of lines below each other with the same x-label have one range of X
 *   y-label TEXT
 *   note TEXT          small text under the panel
 *   height F           the panel is F times as tall as usual, 0.1 to 10; a row of panels is as tall
 *                      as its tallest
 *
 * A panel holds lines:
 *
 *   line NAME          begins a series, at most 64; an empty NAME stays out of the legend, and so
 *                      does an only one that repeats the y-label
 *   dots NAME          the same, of points that no line joins and that come in any order
 *   point X Y          the next point of that series, at most 4,000,000 in the picture; of a line X is
 *                      not below the last one's; where Y is nan or inf the line breaks
 *   marker X TEXT      a dashed vertical line with a small text above, at most 64
 *   log-y              Y is drawn on a logarithmic scale; where Y is not above 0 the line breaks
 *
 * or bars:
 *
 *   bars               makes it a panel of horizontal bars
 *   bar LABEL VALUE    the next bar, at most 64; VALUE is a fraction from 0 to 1, shown as a
 *                      percentage; the bars of all panels share one scale
 *
 * or text:
 *
 *   text               makes it a panel of text
 *   paragraph TEXT     the next paragraph, at most 64, broken into lines
 *
 * The last statement is
 *
 *   end
 *
 * so that a description whose writer died is not taken for a whole one. A TEXT, NAME or LABEL has
 * at most 1,000 bytes and no control characters; one too long for its place (no paragraph is) is
 * shortened with an ellipsis in its middle. A number is written as printf writes it. A magnitude below 1e-100 counts
 * as 0, a Y beyond 1e100 as infinite.
 *
 * Examples: tests/cli/data/{loss,words}.plot. */
#include "plot.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_LINE = 2 * PLOT_MOST_TEXT, MOST_VALUES = 2 };

typedef struct reader {
    FILE *in;
    plot *plot;
    plot_panel *panel;   /* NULL before the first */
    plot_series *series; /* NULL before the panel's first */
    bool ended;
    size_t line;
    char text[MOST_LINE + 1];
    size_t size;
} reader;

__attribute__((format(printf, 2, 3))) static bool refuse(const reader *r, const char *format, ...)
{
    va_list values;

    fprintf(stderr, "ivory-plot: line %zu: ", r->line);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    return false;
}

static bool take_copy(const reader *r, char **slot, const char *text)
{
    if (strlen(text) > PLOT_MOST_TEXT)
        return refuse(r, "a text has at most %d bytes, this one has %zu", PLOT_MOST_TEXT, strlen(text));
    *slot = strdup(text);
    return *slot ? true : refuse(r, "out of memory");
}

static bool take_once(const reader *r, char **slot, const char *word, const char *text)
{
    return *slot ? refuse(r, "%s was said before", word) : take_copy(r, slot, text);
}

/* Part of a line for a message: all of it if short, else its beginning up to a whole character. */
static int shown(const char *text)
{
    size_t size = strnlen(text, 41);

    if (size > 40)
        for (size = 37; size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80;)
            size--;
    return (int)size;
}

static bool take_number(const reader *r, const char *text, double *value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    bool plain = isdigit((unsigned char)*digits) || *digits == '.';
    bool special = !strcasecmp(digits, "nan") || !strcasecmp(digits, "inf") ||
                   !strcasecmp(digits, "infinity");
    char *end;

    *value = strtod(text, &end);
    if ((!plain && !special) || (digits[0] == '0' && (digits[1] | 32) == 'x') || end == text || *end)
        return refuse(r, "expected a number, got \"%.*s\"", shown(text), text);
    if (fabs(*value) < 1e-100)
        *value = 0;
    return true;
}

static bool take_finite(const reader *r, const char *text, double *value)
{
    if (!take_number(r, text, value))
        return false;
    return fabs(*value) <= 1e100
               ? true
               : refuse(r, "expected a finite number, got \"%.*s\"", shown(text), text);
}

static bool take_integer(const reader *r, const char *what, const char *text, int low, int high,
                         int *value)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (!isdigit((unsigned char)*text) || *end || number < low || number > high)
        return refuse(r, "%s is a whole number from %d to %d, not \"%.*s\"", what, low, high,
                      shown(text), text);
    *value = (int)number;
    return true;
}

static bool take_size(reader *r, char **value)
{
    if (r->plot->width)
        return refuse(r, "size was said before");
    return take_integer(r, "a width", value[0], PLOT_LEAST_SIDE, PLOT_MOST_SIDE, &r->plot->width) &&
           take_integer(r, "a height", value[1], PLOT_LEAST_SIDE, PLOT_MOST_SIDE, &r->plot->height);
}

static bool take_title(reader *r, char **value)
{
    return take_once(r, &r->plot->title, "title", value[0]);
}

static bool take_columns(reader *r, char **value)
{
    if (r->plot->columns)
        return refuse(r, "columns was said before");
    return take_integer(r, "columns", value[0], 1, PLOT_MOST_COLUMNS, &r->plot->columns);
}

static bool take_panel(reader *r, char **value)
{
    (void)value;
    if (r->plot->n_panels == PLOT_MOST_PANELS)
        return refuse(r, "more than %d panels", PLOT_MOST_PANELS);
    r->panel = &r->plot->panels[r->plot->n_panels++];
    r->series = NULL;
    return true;
}

static bool take_panel_title(reader *r, char **value)
{
    return take_once(r, &r->panel->title, "panel-title", value[0]);
}

static bool take_x_label(reader *r, char **value)
{
    return take_once(r, &r->panel->x_label, "x-label", value[0]);
}

static bool take_y_label(reader *r, char **value)
{
    return take_once(r, &r->panel->y_label, "y-label", value[0]);
}

static bool take_note(reader *r, char **value)
{
    return take_once(r, &r->panel->note, "note", value[0]);
}

static bool take_height(reader *r, char **value)
{
    if (r->panel->height > 0)
        return refuse(r, "height was said before");
    if (!take_finite(r, value[0], &r->panel->height))
        return false;
    if (r->panel->height < 0.1 || r->panel->height > 10)
        return refuse(r, "height is a number from 0.1 to 10, not \"%.*s\"", shown(value[0]), value[0]);
    return true;
}

static bool take_log_y(reader *r, char **value)
{
    (void)value;
    if (r->panel->log_y)
        return refuse(r, "log-y was said before");
    return r->panel->log_y = true;
}

static bool take_line(reader *r, char **value)
{
    if (r->panel->n_series == PLOT_MOST_SERIES)
        return refuse(r, "more than %d series in one panel", PLOT_MOST_SERIES);
    r->series = &r->panel->series[r->panel->n_series++];
    return take_copy(r, &r->series->name, value[0]);
}

static bool take_dots(reader *r, char **value)
{
    return take_line(r, value) && (r->series->dots = true);
}

static bool take_point(reader *r, char **value)
{
    plot_series *series = r->series;
    plot_point point;

    if (!series)
        return refuse(r, "point belongs to a series: \"line NAME\" comes first");
    if (!take_finite(r, value[0], &point.x) || !take_number(r, value[1], &point.y))
        return false;
    if (!series->dots && series->n_points && point.x < series->points[series->n_points - 1].x)
        return refuse(r, "the points of a series go from left to right: X fell to \"%.*s\"",
                      shown(value[0]), value[0]);
    if (!(fabs(point.y) <= 1e100))
        point.y = NAN;
    if (r->plot->n_points == PLOT_MOST_POINTS)
        return refuse(r, "more than %d points", PLOT_MOST_POINTS);
    if (series->n_points == series->room) {
        size_t room = series->room ? 2 * series->room : 64;
        plot_point *points = realloc(series->points, room * sizeof *points);

        if (!points)
            return refuse(r, "out of memory");
        series->points = points;
        series->room = room;
    }
    series->points[series->n_points++] = point;
    r->plot->n_points++;
    return true;
}

static bool take_marker(reader *r, char **value)
{
    plot_marker *marker = &r->panel->markers[r->panel->n_markers];

    if (r->panel->n_markers == PLOT_MOST_MARKERS)
        return refuse(r, "more than %d markers in one panel", PLOT_MOST_MARKERS);
    r->panel->n_markers++;
    return take_finite(r, value[0], &marker->x) && take_copy(r, &marker->text, value[1]);
}

/* The panel holds bars, or text, from here on: nothing else may be in it. */
static bool take_kind(const reader *r, const char *word, bool *kind)
{
    if (*kind)
        return refuse(r, "%s was said before", word);
    if (r->panel->n_series || r->panel->n_markers || r->panel->log_y || r->panel->bars || r->panel->text)
        return refuse(r, "a panel holds lines, bars or text, one of them");
    return *kind = true;
}

static bool take_bars(reader *r, char **value)
{
    (void)value;
    return take_kind(r, "bars", &r->panel->bars);
}

static bool take_text(reader *r, char **value)
{
    (void)value;
    return take_kind(r, "text", &r->panel->text);
}

static bool take_paragraph(reader *r, char **value)
{
    if (!r->panel->text)
        return refuse(r, "paragraph belongs to a panel of text: \"text\" comes first");
    if (r->panel->n_paragraphs == PLOT_MOST_PARAGRAPHS)
        return refuse(r, "more than %d paragraphs in one panel", PLOT_MOST_PARAGRAPHS);
    return take_copy(r, &r->panel->paragraph[r->panel->n_paragraphs++], value[0]);
}

static bool take_bar(reader *r, char **value)
{
    plot_bar *bar = &r->panel->bar[r->panel->n_bars];

    if (!r->panel->bars)
        return refuse(r, "bar belongs to a panel of bars: \"bars\" comes first");
    if (r->panel->n_bars == PLOT_MOST_BARS)
        return refuse(r, "more than %d bars in one panel", PLOT_MOST_BARS);
    r->panel->n_bars++;
    if (!take_copy(r, &bar->label, value[0]) || !take_finite(r, value[1], &bar->value))
        return false;
    if (bar->value < 0 || bar->value > 1)
        return refuse(r, "a bar's value is a fraction from 0 to 1, not \"%.*s\"", shown(value[1]),
                      value[1]);
    return true;
}

static bool take_end(reader *r, char **value)
{
    (void)value;
    if (!r->plot->n_panels)
        return refuse(r, "a picture has at least one panel");
    return r->ended = true;
}

typedef enum place { PAGE, PANEL, LINES, ANYWHERE } place;

/* clang-format off */
static const struct word {
    const char *name, *values;
    int n_values;
    place place;
    bool (*take)(reader *r, char **value);
} words[] = {
    { "size",        "W H",         2, PAGE,     take_size },
    { "title",       "TEXT",        1, PAGE,     take_title },
    { "columns",     "N",           1, PAGE,     take_columns },
    { "panel",       "",            0, ANYWHERE, take_panel },
    { "panel-title", "TEXT",        1, PANEL,    take_panel_title },
    { "x-label",     "TEXT",        1, PANEL,    take_x_label },
    { "y-label",     "TEXT",        1, PANEL,    take_y_label },
    { "note",        "TEXT",        1, PANEL,    take_note },
    { "height",      "F",           1, PANEL,    take_height },
    { "log-y",       "",            0, LINES,    take_log_y },
    { "line",        "NAME",        1, LINES,    take_line },
    { "dots",        "NAME",        1, LINES,    take_dots },
    { "point",       "X Y",         2, LINES,    take_point },
    { "marker",      "X TEXT",      2, LINES,    take_marker },
    { "bars",        "",            0, PANEL,    take_bars },
    { "bar",         "LABEL VALUE", 2, PANEL,    take_bar },
    { "text",        "",            0, PANEL,    take_text },
    { "paragraph",   "TEXT",        1, PANEL,    take_paragraph },
    { "end",         "",            0, ANYWHERE, take_end },
};
/* clang-format on */

static bool take_statement(reader *r)
{
    char *field[1 + MOST_VALUES];
    int n = 0;

    for (char *rest = r->text; rest; n++) {
        char *word = strsep(&rest, "\t");

        if (n < 1 + MOST_VALUES)
            field[n] = word;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct word *word = &words[i];

        if (strcmp(field[0], word->name))
            continue;
        if (word->place == PAGE && r->panel)
            return refuse(r, "%s stands before the first panel", word->name);
        if ((word->place == PANEL || word->place == LINES) && !r->panel)
            return refuse(r, "%s belongs to a panel: \"panel\" comes first", word->name);
        if (word->place == LINES && (r->panel->bars || r->panel->text))
            return refuse(r, "%s does not go with %s: a panel holds lines, bars or text, one of them",
                          word->name, r->panel->bars ? "bars" : "text");
        if (n - 1 != word->n_values)
            return refuse(r, "%s has %d values after tabs%s%s, got %d", word->name, word->n_values,
                          word->n_values ? ": " : "", word->values, n - 1);
        return word->take(r, field + 1);
    }
    return refuse(r, "unknown word \"%.*s\"", shown(field[0]), field[0]);
}

/* Bytes of the well-formed UTF-8 character at `s`, 0 if it is none (Unicode 15, table 3-7). */
static size_t character(const unsigned char *s, size_t left)
{
    unsigned low = 0x80, high = 0xBF;
    size_t size;

    if (s[0] < 0x80)
        return 1;
    size = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
           : s[0] >= 0xE0 && s[0] <= 0xEF ? 3
           : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                          : 0;
    if (!size || size > left)
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0;
    if (s[0] == 0xED)
        high = 0x9F;
    if (s[0] == 0xF0)
        low = 0x90;
    if (s[0] == 0xF4)
        high = 0x8F;
    for (size_t i = 1; i < size; i++, low = 0x80, high = 0xBF)
        if (s[i] < low || s[i] > high)
            return 0;
    return size;
}

static bool check_characters(const reader *r)
{
    const unsigned char *s = (const unsigned char *)r->text;

    for (size_t i = 0, size; i < r->size; i += size) {
        size = character(s + i, r->size - i);
        if (!size)
            return refuse(r, "byte %zu: not UTF-8", i + 1);
        if ((s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7F)
            return refuse(r, "byte %zu: control character 0x%02x", i + 1, s[i]);
    }
    return true;
}

/* 1: there is a line in r->text; 0: the input has ended; -1: refused. */
static int next_line(reader *r)
{
    int byte = getc_unlocked(r->in);

    if (byte == EOF && !ferror(r->in))
        return 0;
    r->line++;
    for (r->size = 0; byte != EOF && byte != '\n'; byte = getc_unlocked(r->in)) {
        if (r->size == MOST_LINE)
            return refuse(r, "a line has at most %d bytes", MOST_LINE), -1;
        r->text[r->size++] = (char)byte;
    }
    r->text[r->size] = '\0';
    if (ferror(r->in))
        return refuse(r, "reading failed: %m"), -1;
    if (byte == EOF)
        return refuse(r, "the description breaks off within a line"), -1;
    return 1;
}

plot *plot_read(FILE *in)
{
    reader r = { .in = in, .plot = calloc(1, sizeof(plot)) };
    int more;

    if (!r.plot) {
        refuse(&r, "out of memory");
        return NULL;
    }
    while ((more = next_line(&r)) > 0) {
        if (!check_characters(&r))
            break;
        if (r.size == 0 || r.text[0] == '#')
            continue;
        if (r.ended)
            refuse(&r, "nothing may follow \"end\"");
        if (r.ended || !take_statement(&r))
            break;
    }
    if (more == 0 && r.ended)
        return r.plot;
    if (more == 0)
        refuse(&r, "the description breaks off: its last line should be \"end\"");
    plot_free(r.plot);
    return NULL;
}

void plot_free(plot *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n_panels; i++) {
        plot_panel *panel = &p->panels[i];

        for (int j = 0; j < panel->n_series; j++) {
            free(panel->series[j].name);
            free(panel->series[j].points);
        }
        for (int j = 0; j < panel->n_markers; j++)
            free(panel->markers[j].text);
        for (int j = 0; j < panel->n_bars; j++)
            free(panel->bar[j].label);
        for (int j = 0; j < panel->n_paragraphs; j++)
            free(panel->paragraph[j]);
        free(panel->title);
        free(panel->x_label);
        free(panel->y_label);
        free(panel->note);
    }
    free(p->title);
    free(p);
}
