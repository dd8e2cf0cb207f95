/* text.c: type: measured, cut to a width, broken into lines. */
#include "plot.h"

#include <string.h>

void plot_exact_type(cairo_t *cr)
{
    cairo_font_options_t *options = cairo_font_options_create();

    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_set_font_options(cr, options);
    cairo_font_options_destroy(options);
}

void plot_type(cairo_t *cr, double size, bool bold)
{
    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

double plot_text_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents;

    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

/* Calls for each part of a label, the part before '^' and the exponent, and adds up the widths. */
static double label_parts(cairo_t *cr, double size, const char *label, const double *at)
{
    const char *exponent = strchr(label, '^');
    char base[48];
    double width;

    snprintf(base, sizeof base, "%.*s", exponent ? (int)(exponent - label) : (int)sizeof base - 1,
             label);
    plot_type(cr, size, false);
    width = plot_text_width(cr, base);
    if (at) {
        cairo_move_to(cr, at[0], at[1]);
        cairo_show_text(cr, base);
    }
    if (exponent) {
        plot_type(cr, 0.72 * size, false);
        if (at) {
            cairo_move_to(cr, at[0] + width, at[1] - 0.38 * size);
            cairo_show_text(cr, exponent + 1);
        }
        width += plot_text_width(cr, exponent + 1);
    }
    return width;
}

double plot_label_width(cairo_t *cr, double size, const char *label)
{
    return label_parts(cr, size, label, NULL);
}

void plot_label(cairo_t *cr, double size, const char *label, double x, double y)
{
    label_parts(cr, size, label, (double[]){ x, y });
}

static bool inside_character(const char *text)
{
    return ((unsigned char)*text & 0xC0) == 0x80;
}

void plot_shorten(cairo_t *cr, const char *text, double width, char out[PLOT_MOST_TEXT + 8])
{
    size_t size = strlen(text), low = 0, high = size;

    snprintf(out, PLOT_MOST_TEXT + 8, "%s", text);
    if (plot_text_width(cr, out) <= width)
        return;
    while (low < high) { /* the most bytes that may stay; half of them stay at each end */
        size_t keep = (low + high + 1) / 2, head = (keep + 1) / 2, tail = size - keep / 2;

        while (head > 0 && inside_character(text + head))
            head--;
        while (tail < size && inside_character(text + tail))
            tail++;
        snprintf(out, PLOT_MOST_TEXT + 8, "%.*s…%s", (int)head, text, text + tail);
        if (plot_text_width(cr, out) <= width)
            low = keep;
        else
            high = keep - 1;
    }
    size_t head = (low + 1) / 2, tail = size - low / 2;

    while (head > 0 && (inside_character(text + head) || text[head - 1] == ' '))
        head--;
    while (tail < size && (inside_character(text + tail) || text[tail] == ' '))
        tail++;
    snprintf(out, PLOT_MOST_TEXT + 8, "%.*s…%s", (int)head, text, text + tail);
}

/* Breaks a text at spaces into at most `most` lines; what is left over is shortened into the
 * last. */
void plot_wrap(cairo_t *cr, const char *text, double width, int most, plot_lines *lines)
{
    lines->n = 0;
    if (!text)
        return;
    while (*text) {
        char *line = lines->line[lines->n++];
        size_t fits = 0, size = strlen(text);

        for (size_t i = 1; i <= size && lines->n < most; i++) {
            if (i < size && text[i] != ' ')
                continue;
            snprintf(line, sizeof lines->line[0], "%.*s", (int)i, text);
            if (plot_text_width(cr, line) > width)
                break;
            fits = i;
        }
        if (!fits) {
            plot_shorten(cr, text, width, line);
            return;
        }
        snprintf(line, sizeof lines->line[0], "%.*s", (int)fits, text);
        text += fits;
        text += strspn(text, " ");
    }
}

/* The bytes up to the next place from `from` on where a line may break: behind a character, or (by words)
 * before a blank. */
static size_t next_break(const char *text, size_t from, bool by_words)
{
    size_t at = from + 1;

    while (text[at] && (by_words ? text[at] != ' ' : inside_character(text + at)))
        at++;
    return at;
}

bool plot_next_line(cairo_t *cr, const char **rest, double width, char line[PLOT_MOST_TEXT + 8])
{
    const char *text = *rest += strspn(*rest, " ");
    size_t fits = 0;

    if (!*text)
        return false;
    for (int by_words = 1; by_words >= 0 && !fits; by_words--)
        for (size_t at = next_break(text, 0, by_words);; at = next_break(text, at, by_words)) {
            snprintf(line, PLOT_MOST_TEXT + 8, "%.*s", (int)at, text);
            if (plot_text_width(cr, line) > width)
                break;
            fits = at;
            if (!text[at])
                break;
        }
    if (!fits) /* not even one character: it sticks out */
        fits = next_break(text, 0, false);
    snprintf(line, PLOT_MOST_TEXT + 8, "%.*s", (int)fits, text);
    *rest = text + fits;
    return true;
}
