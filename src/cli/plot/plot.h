/* plot.h: what the files of ivory-plot share: a picture as described, and the same picture laid
 * out on a page. */
#ifndef IV_CLI_PLOT_PLOT_H
#define IV_CLI_PLOT_PLOT_H

#include <cairo.h>
#include <stdbool.h>
#include <stdio.h>

enum {
    PLOT_MOST_PANELS = 64,
    PLOT_MOST_COLUMNS = 16,
    PLOT_MOST_POINTS = 4000000, /* in the whole picture */
    PLOT_MOST_SERIES = 64,      /* in one panel, as are the next two */
    PLOT_MOST_MARKERS = 64,
    PLOT_MOST_BARS = 64,
    PLOT_MOST_PARAGRAPHS = 64,
    PLOT_MOST_TEXT = 1000, /* bytes of one text */
    PLOT_LEAST_SIDE = 64,  /* pixels */
    PLOT_MOST_SIDE = 8192,
};

/* As described (read.c). A text that was not given is NULL. */

typedef struct plot_point {
    double x, y; /* y is NaN where the line breaks */
} plot_point;

typedef struct plot_series {
    char *name;
    plot_point *points;
    size_t n_points, room;
    bool dots; /* else a line */
} plot_series;

typedef struct plot_marker {
    double x;
    char *text;
} plot_marker;

typedef struct plot_bar {
    char *label;
    double value; /* 0..1 */
} plot_bar;

typedef struct plot_panel {
    char *title, *x_label, *y_label, *note;
    double height;          /* times the usual height; 0: not given */
    bool log_y, bars, text; /* neither bars nor text: lines */
    int n_series, n_markers, n_bars, n_paragraphs;
    plot_series series[PLOT_MOST_SERIES];
    plot_marker markers[PLOT_MOST_MARKERS];
    plot_bar bar[PLOT_MOST_BARS];
    char *paragraph[PLOT_MOST_PARAGRAPHS];
} plot_panel;

typedef struct plot {
    int width, height; /* pixels; 0: not given */
    int columns;       /* 0: not given */
    char *title;
    size_t n_points;
    int n_panels;
    plot_panel panels[PLOT_MOST_PANELS];
} plot;

plot *plot_read(FILE *in); /* NULL once the reason stands on stderr */
void plot_free(plot *p);

/* Laid out (layout.c). Lengths are in units: a pixel of a picture that is neither enlarged nor
 * reduced. */

enum { PLOT_MOST_TICKS = 40, PLOT_MOST_LINES = 3 /* of a title or note */ };

#define PLOT_MARGIN 24.0     /* around the page */
#define PLOT_SIZE_TITLE 17.0 /* sizes of type */
#define PLOT_SIZE_PANEL 13.5
#define PLOT_SIZE_TEXT 12.0
#define PLOT_SIZE_SMALL 11.0
#define PLOT_LINE(size) ((size)*1.4) /* from one base line to the next */
#define PLOT_TICK 4.0                /* length of a tick mark */
#define PLOT_SWATCH 24.0             /* sample of a line in the legend */
#define PLOT_SPACE 6.0               /* between a mark and its text */
#define PLOT_PARAGRAPH 12.0          /* from the left of a panel to its paragraphs */

typedef struct plot_tick {
    double value;
    char label[48]; /* what follows '^' is an exponent */
} plot_tick;

typedef struct plot_axis {
    double low, high; /* of the values, or of their logarithms to base 10 */
    bool log, integers;
    int n_ticks;
    plot_tick ticks[PLOT_MOST_TICKS];
} plot_axis;

typedef struct plot_lines {
    int n;
    char line[PLOT_MOST_LINES][PLOT_MOST_TEXT + 8];
} plot_lines;

typedef struct plot_slot { /* where a legend's entry or a marker's text stands */
    double x, width;
    int row; /* -1: left out */
} plot_slot;

typedef struct plot_cell {
    double left, top, width;
    double frame_x, frame_y, frame_width, frame_height; /* what the axes enclose */
    double bar_pitch;                                   /* from one bar to the next */
    double text_height;                                 /* of its paragraphs */
    bool empty;                                         /* nothing to draw in the frame */
    plot_lines title, note;
    plot_axis x, y;
    plot_slot legend[PLOT_MOST_SERIES], markers[PLOT_MOST_MARKERS];
    int legend_rows, marker_rows;
} plot_cell;

typedef struct plot_page {
    const plot *plot;
    int columns;
    double width, height; /* units */
    double scale;         /* pixels in a unit */
    double bar_limit;     /* what a bar of the whole width stands for, in every panel */
    double value_width;   /* room for the percentage after a bar */
    plot_lines title;
    plot_cell cells[PLOT_MOST_PANELS];
} plot_page;

/* Lays `p` out for the size it asks for, or `usual_scale` times the size that suits it; NULL: no
 * memory. */
plot_page *plot_page_new(const plot *p, double usual_scale);
void plot_page_free(plot_page *page);

/* Axes (axes.c). */
void plot_find_ranges(const plot_panel *panel, plot_cell *cell); /* of its lines; may find it empty */
void plot_settle_ranges(plot_cell *cell);                        /* gives these ranges some air */
void plot_set_ticks(plot_axis *axis, double most);
void plot_set_x_ticks(cairo_t *cr, plot_axis *axis, double width); /* as many as stand apart */
void plot_set_percent_ticks(plot_axis *axis, double limit, double width);
double plot_widest_label(cairo_t *cr, const plot_axis *axis);
double plot_along(const plot_axis *axis, double value); /* 0 at the low end, 1 at the high end */
bool plot_drawable(const plot_panel *panel, double y);
void plot_percent(double value, char *out, size_t size);

/* Text (text.c). A tick's label may hold an exponent, any other text is shown as it is. */
void plot_exact_type(cairo_t *cr); /* unhinted: a layout then holds at any scale */
void plot_type(cairo_t *cr, double size, bool bold);
double plot_text_width(cairo_t *cr, const char *text);
double plot_label_width(cairo_t *cr, double size, const char *label);
void plot_label(cairo_t *cr, double size, const char *label, double x, double y);
void plot_shorten(cairo_t *cr, const char *text, double width, char out[PLOT_MOST_TEXT + 8]);
void plot_wrap(cairo_t *cr, const char *text, double width, int most, plot_lines *lines);
/* The next line of a paragraph of any length, from *rest on, which moves behind it: broken at
 * blanks, or between characters where none fits. False when nothing is left. */
bool plot_next_line(cairo_t *cr, const char **rest, double width, char line[PLOT_MOST_TEXT + 8]);

/* Drawn (draw.c). */
void plot_draw(cairo_t *cr, const plot_page *page);

#endif
