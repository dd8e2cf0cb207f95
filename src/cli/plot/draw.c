/* draw.c: draws a page that has been laid out: axes, lines, bars, legends and texts.
 *
 * The colours are after Okabe and Ito: they stay apart for every kind of colour vision. A dense,
 * rough series is drawn pale, and over it a darker line: at each point the value of the straight
 * line fitted to its neighbours, which unlike a running mean lags neither in a fall nor at the
 * ends. */
#include "plot.h"

#include <math.h>
#include <string.h>

#define HAZE 0.4  /* strength of the pale lines */
#define FAINT 0.6 /* and of dots that no line joins */
#define DOT 3.2   /* their size */

enum { DENSE = 500, MOST_DOTS = 60, N_COLORS = 7 };

typedef struct color {
    double red, green, blue;
} color;

static const color palette[N_COLORS] = {
    { 0.000, 0.447, 0.698 }, { 0.835, 0.369, 0.000 }, { 0.000, 0.620, 0.451 },
    { 0.702, 0.376, 0.565 }, { 0.902, 0.624, 0.000 }, { 0.337, 0.706, 0.914 },
    { 0.350, 0.350, 0.350 },
};
static const color ink = { 0.13, 0.13, 0.13 }, soft_ink = { 0.36, 0.36, 0.36 };
static const color axis_color = { 0.45, 0.45, 0.45 }, grid_color = { 0.90, 0.90, 0.90 };

static void use_color(cairo_t *cr, color c)
{
    cairo_set_source_rgb(cr, c.red, c.green, c.blue);
}

/* The colour mixed with white; 1 leaves it as it is. */
static color tint(color c, double part)
{
    return (color){ 1 - part * (1 - c.red), 1 - part * (1 - c.green), 1 - part * (1 - c.blue) };
}

/* Text in the current type: `align` 0 begins at x, 0.5 is centred on it, 1 ends there. */
static void draw_text(cairo_t *cr, const char *text, double x, double y, double align)
{
    cairo_move_to(cr, x - align * plot_text_width(cr, text), y);
    cairo_show_text(cr, text);
}

static void draw_lines(cairo_t *cr, const plot_lines *lines, double size, double x, double top)
{
    for (int i = 0; i < lines->n; i++)
        draw_text(cr, lines->line[i], x, top + size + i * PLOT_LINE(size), 0);
}

static void draw_shortened(cairo_t *cr, const char *text, double room, double x, double y, double align)
{
    char shown[PLOT_MOST_TEXT + 8];

    plot_shorten(cr, text, room, shown);
    draw_text(cr, shown, x, y, align);
}

/* A horizontal or vertical line of whole pixels. */
static void draw_rule(cairo_t *cr, const plot_page *page, double width, double x0, double y0,
                      double x1, double y1)
{
    double pixels = fmax(rint(width * page->scale), 1), half = fmod(pixels, 2) / 2;
    double *across[2] = { x0 == x1 ? &x0 : &y0, x0 == x1 ? &x1 : &y1 };

    for (int i = 0; i < 2; i++)
        *across[i] = (floor(*across[i] * page->scale) + half) / page->scale;
    cairo_set_line_width(cr, pixels / page->scale);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

/* ---- axes ---- */

static void draw_axes(cairo_t *cr, const plot_page *page, const plot_panel *panel, const plot_cell *cell)
{
    double left = cell->frame_x, right = left + cell->frame_width;
    double top = cell->frame_y, bottom = top + cell->frame_height, size = PLOT_SIZE_SMALL;

    for (int i = 0; i < cell->x.n_ticks; i++) {
        const plot_tick *tick = &cell->x.ticks[i];
        double x = left + plot_along(&cell->x, tick->value) * cell->frame_width;
        double label = plot_label_width(cr, size, tick->label);

        use_color(cr, grid_color);
        draw_rule(cr, page, 0.8, x, top, x, bottom);
        use_color(cr, axis_color);
        draw_rule(cr, page, 0.8, x, bottom, x, bottom + PLOT_TICK);
        use_color(cr, soft_ink);
        plot_label(cr, size, tick->label,
                   fmin(x - label / 2, cell->left + cell->width + PLOT_MARGIN / 2 - label),
                   bottom + PLOT_TICK + 1.1 * size);
    }
    for (int i = 0; i < cell->y.n_ticks; i++) {
        const plot_tick *tick = &cell->y.ticks[i];
        double y = bottom - plot_along(&cell->y, tick->value) * cell->frame_height;

        use_color(cr, grid_color);
        draw_rule(cr, page, 0.8, left, y, right, y);
        use_color(cr, axis_color);
        draw_rule(cr, page, 0.8, left - PLOT_TICK, y, left, y);
        use_color(cr, soft_ink);
        plot_label(cr, size, tick->label,
                   left - PLOT_TICK - 3 - plot_label_width(cr, size, tick->label), y + 0.36 * size);
    }
    if (panel->text)
        return;
    use_color(cr, axis_color);
    draw_rule(cr, page, 0.8, left, top, left, bottom);
    if (!panel->bars)
        draw_rule(cr, page, 0.8, left, bottom, right, bottom);
}

static void draw_axis_titles(cairo_t *cr, const plot_panel *panel, const plot_cell *cell)
{
    double bottom = cell->frame_y + cell->frame_height, middle = bottom - cell->frame_height / 2;

    plot_type(cr, PLOT_SIZE_TEXT, false);
    use_color(cr, ink);
    if (panel->x_label)
        draw_shortened(cr, panel->x_label, cell->frame_width, cell->frame_x + cell->frame_width / 2,
                       bottom + PLOT_TICK + PLOT_LINE(PLOT_SIZE_SMALL) + 2 + PLOT_SIZE_TEXT, 0.5);
    if (panel->y_label) {
        cairo_save(cr);
        cairo_translate(cr, cell->left + PLOT_SIZE_TEXT, middle);
        cairo_rotate(cr, -acos(-1) / 2);
        draw_shortened(cr, panel->y_label, cell->frame_height, 0, 0, 0.5);
        cairo_restore(cr);
    }
}

/* ---- lines ---- */

static double place_x(const plot_cell *cell, double x)
{
    return cell->frame_x + plot_along(&cell->x, x) * cell->frame_width;
}

static double place_y(const plot_cell *cell, double y)
{
    return cell->frame_y + (1 - plot_along(&cell->y, y)) * cell->frame_height;
}

/* Adds points to the path, from left to right. Of those within one narrow column only the first,
 * lowest, highest and last are kept, in their order, and a break there is passed over: hardly
 * another pixel, and a path that the picture's width bounds. */
typedef struct pen {
    cairo_t *cr;
    double columns;    /* in a unit: each a pixel wide, or half the thinnest line if that is more */
    bool down;         /* the path goes on from where it is */
    bool lifted;       /* the line breaks before the next column */
    double column;     /* of the points kept so far; NaN: none */
    size_t n;          /* points that were in it */
    size_t at[4];      /* which of these were kept */
    double kept[4][2]; /* their places */
} pen;

enum { FIRST, LOWEST, HIGHEST, LAST };

static void pen_flush(pen *p)
{
    bool low_first = p->at[LOWEST] < p->at[HIGHEST];
    int order[4] = { FIRST, low_first ? LOWEST : HIGHEST, low_first ? HIGHEST : LOWEST, LAST };

    for (int i = 0; i < 4 && p->n > 0; i++) {
        const double *to = p->kept[order[i]];

        if (!p->down)
            cairo_move_to(p->cr, to[0], to[1]);
        if (i == 0 || p->at[order[i]] != p->at[order[i - 1]])
            cairo_line_to(p->cr, to[0], to[1]);
        p->down = true;
    }
    p->n = 0;
}

static void pen_keep(pen *p, int which, double x, double y)
{
    p->at[which] = p->n;
    p->kept[which][0] = x;
    p->kept[which][1] = y;
}

static void pen_add(pen *p, double x, double y)
{
    double column = floor(x * p->columns);

    if (column != p->column) {
        pen_flush(p);
        p->down = p->down && !p->lifted;
        p->column = column;
    }
    p->lifted = false;
    if (p->n == 0)
        pen_keep(p, FIRST, x, y);
    if (p->n == 0 || y < p->kept[LOWEST][1])
        pen_keep(p, LOWEST, x, y);
    if (p->n == 0 || y > p->kept[HIGHEST][1])
        pen_keep(p, HIGHEST, x, y);
    pen_keep(p, LAST, x, y);
    p->n++;
}

static void trace(pen *p, const plot_cell *cell, const plot_point *points, size_t n)
{
    for (size_t i = 0; i < n; i++)
        pen_add(p, place_x(cell, points[i].x), place_y(cell, points[i].y));
}

/* At point `at` the straight line through its neighbours, up to `half` on each side, by least
 * squares with weights that fall to 0 outwards; on a logarithmic axis through logarithms. */
static double fitted(const plot_axis *axis, const plot_point *points, size_t n, size_t at, size_t half)
{
    size_t from = at > half ? at - half : 0, to = n - 1 - at > half ? at + half : n - 1;
    double w0 = 0, t1 = 0, t2 = 0, v1 = 0, tv = 0;

    for (size_t i = from; i <= to; i++) {
        double t = ((double)i - (double)at) / (double)(half + 1), w = 1 - t * t;
        double v = axis->log ? log10(points[i].y) : points[i].y;

        w0 += w;
        t1 += w * t;
        t2 += w * t * t;
        v1 += w * v;
        tv += w * t * v;
    }
    double spread = w0 * t2 - t1 * t1, v = spread > 0 ? (v1 * t2 - t1 * tv) / spread : v1 / w0;

    return axis->log ? pow(10, v) : v;
}

/* The smoothed line. Windows are narrow at the beginning, where a loss falls steeply. */
static void trace_smooth(pen *p, const plot_cell *cell, const plot_point *points, size_t n)
{
    size_t widest = n / 30 > 20 ? n / 30 : 20;

    for (size_t i = 0; i < n;) {
        size_t grown = i / 3 + widest / 8 + 2, half = grown < widest ? grown : widest;
        size_t step = half / 8 > 1 ? half / 8 : 1;

        pen_add(p, place_x(cell, points[i].x), place_y(cell, fitted(&cell->y, points, n, i, half)));
        i = i < n - 1 && i + step >= n ? n - 1 : i + step;
    }
}

/* The points of a series from *begin on up to where the line breaks; their number, 0 when there
 * are no more. */
static size_t next_run(const plot_panel *panel, const plot_series *series, size_t *begin)
{
    size_t end;

    while (*begin < series->n_points && !plot_drawable(panel, series->points[*begin].y))
        ++*begin;
    for (end = *begin; end < series->n_points && plot_drawable(panel, series->points[end].y);)
        end++;
    return end - *begin;
}

/* Whether a series is drawn as a haze with a smooth line: many points that go up and down. A
 * rate that falls in steps is dense without being rough. */
static bool is_rough(const plot_panel *panel, const plot_series *series)
{
    size_t turns = 0, begin, n;

    for (begin = 0; (n = next_run(panel, series, &begin)) > 0; begin += n)
        for (size_t i = begin + 2; i < begin + n; i++) {
            const plot_point *p = &series->points[i];

            turns += (p[0].y < p[-1].y && p[-1].y > p[-2].y) ||
                     (p[0].y > p[-1].y && p[-1].y < p[-2].y);
        }
    return !series->dots && series->n_points > DENSE && turns > series->n_points / 10;
}

static bool has_dots(const plot_cell *cell, const plot_series *series)
{
    return !series->dots && series->n_points <= MOST_DOTS &&
           cell->frame_width > 10 * (double)series->n_points;
}

static void draw_dot(cairo_t *cr, color c, double x, double y)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x, y, 2.8, 0, 2 * acos(-1));
    cairo_set_line_width(cr, 1.4);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_stroke_preserve(cr);
    use_color(cr, c);
    cairo_fill(cr);
}

/* Colours first, then dashes, tell series apart. */
static color series_style(cairo_t *cr, int i)
{
    static const double dashes[][2] = { { 0, 0 }, { 6, 4 }, { 2, 3 } };
    int pattern = i / N_COLORS % 3;

    cairo_set_line_cap(cr, pattern ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(cr, dashes[pattern], pattern ? 2 : 0, 0);
    return palette[i % N_COLORS];
}

static void stroke_series(cairo_t *cr, const plot_page *page, const plot_panel *panel,
                          const plot_cell *cell, const plot_series *series,
                          void (*trace_run)(pen *, const plot_cell *, const plot_point *, size_t))
{
    pen p = { .cr = cr, .columns = fmin(page->scale, 2), .column = NAN };
    size_t begin, n;

    for (begin = 0; (n = next_run(panel, series, &begin)) > 0; begin += n) {
        trace_run(&p, cell, series->points + begin, n);
        p.lifted = true;
    }
    pen_flush(&p);
    cairo_stroke(cr);
}

static void draw_haze(cairo_t *cr, const plot_page *page, const plot_panel *panel,
                      const plot_cell *cell, int which)
{
    color c = palette[which % N_COLORS];

    cairo_set_source_rgba(cr, c.red, c.green, c.blue, HAZE);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cr, 0.9);
    stroke_series(cr, page, panel, cell, &panel->series[which], trace);
}

/* One path: where dots lie over each other they are not darker. */
static void draw_dots(cairo_t *cr, const plot_panel *panel, const plot_cell *cell, int which)
{
    const plot_series *series = &panel->series[which];
    color c = palette[which % N_COLORS];

    for (size_t i = 0; i < series->n_points; i++)
        if (plot_drawable(panel, series->points[i].y)) {
            cairo_move_to(cr, place_x(cell, series->points[i].x), place_y(cell, series->points[i].y));
            cairo_rel_line_to(cr, 0, 0);
        }
    cairo_set_source_rgba(cr, c.red, c.green, c.blue, FAINT);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_width(cr, DOT);
    cairo_stroke(cr);
}

static void draw_series(cairo_t *cr, const plot_page *page, const plot_panel *panel,
                        const plot_cell *cell, int which)
{
    const plot_series *series = &panel->series[which];
    color c = series_style(cr, which);

    use_color(cr, c);
    cairo_set_line_width(cr, 1.8);
    stroke_series(cr, page, panel, cell, series, is_rough(panel, series) ? trace_smooth : trace);
    cairo_set_dash(cr, NULL, 0, 0);
    for (size_t i = 0; i < series->n_points && has_dots(cell, series); i++)
        if (plot_drawable(panel, series->points[i].y))
            draw_dot(cr, c, place_x(cell, series->points[i].x), place_y(cell, series->points[i].y));
}

static void draw_markers(cairo_t *cr, const plot_page *page, const plot_panel *panel,
                         const plot_cell *cell)
{
    static const double dashes[2] = { 4, 3 };

    for (int i = 0; i < panel->n_markers; i++) {
        const plot_slot *slot = &cell->markers[i];
        double x = place_x(cell, panel->markers[i].x), top = cell->frame_y;

        if (slot->row >= 0) {
            top -= 3 + slot->row * PLOT_LINE(PLOT_SIZE_SMALL);
            plot_type(cr, PLOT_SIZE_SMALL, false);
            use_color(cr, soft_ink);
            draw_shortened(cr, panel->markers[i].text, slot->width + 0.01, cell->frame_x + slot->x,
                           top - 4, 0);
        }
        use_color(cr, axis_color);
        cairo_set_dash(cr, dashes, 2, 0);
        draw_rule(cr, page, 1, x, top, x, cell->frame_y + cell->frame_height);
        cairo_set_dash(cr, NULL, 0, 0);
    }
}

static void draw_legend(cairo_t *cr, const plot_panel *panel, const plot_cell *cell)
{
    double bottom = cell->frame_y - 8 - (cell->marker_rows ? 6 : 0) -
                    cell->marker_rows * PLOT_LINE(PLOT_SIZE_SMALL);

    for (int i = 0; i < panel->n_series; i++) {
        const plot_series *series = &panel->series[i];
        const plot_slot *slot = &cell->legend[i];
        double x = cell->frame_x + slot->x, text = x + PLOT_SWATCH + PLOT_SPACE;
        double y = bottom - (cell->legend_rows - 1 - slot->row) * PLOT_LINE(PLOT_SIZE_TEXT);
        double middle = y - 4.2;

        if (slot->row < 0)
            continue;
        if (is_rough(panel, series)) {
            use_color(cr, tint(palette[i % N_COLORS], HAZE));
            cairo_rectangle(cr, x, middle - 4.5, PLOT_SWATCH, 9);
            cairo_fill(cr);
        }
        use_color(cr, series_style(cr, i));
        cairo_set_line_width(cr, 1.8);
        cairo_move_to(cr, x, middle);
        cairo_line_to(cr, x + PLOT_SWATCH, middle);
        if (series->dots)
            cairo_new_path(cr);
        cairo_stroke(cr);
        cairo_set_dash(cr, NULL, 0, 0);
        if (has_dots(cell, series) || series->dots)
            draw_dot(cr, palette[i % N_COLORS], x + PLOT_SWATCH / 2, middle);
        plot_type(cr, PLOT_SIZE_TEXT, false);
        use_color(cr, ink);
        draw_shortened(cr, series->name, slot->width - PLOT_SWATCH - PLOT_SPACE + 0.01, text, y, 0);
    }
}

static void draw_lines_panel(cairo_t *cr, const plot_page *page, const plot_panel *panel,
                             const plot_cell *cell)
{
    draw_markers(cr, page, panel, cell);
    cairo_save(cr);
    cairo_rectangle(cr, cell->frame_x - 4, cell->frame_y - 4, cell->frame_width + 8,
                    cell->frame_height + 8);
    cairo_clip(cr);
    for (int i = 0; i < panel->n_series; i++)
        if (is_rough(panel, &panel->series[i]))
            draw_haze(cr, page, panel, cell, i);
    for (int i = 0; i < panel->n_series; i++)
        if (panel->series[i].dots)
            draw_dots(cr, panel, cell, i);
        else
            draw_series(cr, page, panel, cell, i);
    cairo_restore(cr);
    draw_legend(cr, panel, cell);
}

/* ---- bars ---- */

static void draw_bars_panel(cairo_t *cr, const plot_panel *panel, const plot_cell *cell, color c)
{
    double thick = fmin(0.7 * cell->bar_pitch, 30);
    double label_room = cell->frame_x - cell->left - PLOT_SPACE;

    for (int i = 0; i < panel->n_bars; i++) {
        const plot_bar *bar = &panel->bar[i];
        double middle = cell->frame_y + (i + 0.5) * cell->bar_pitch;
        double length = plot_along(&cell->x, bar->value) * cell->frame_width;
        char percent[16];

        use_color(cr, tint(c, 0.75));
        cairo_rectangle(cr, cell->frame_x, middle - thick / 2, length, thick);
        cairo_fill(cr);
        plot_type(cr, PLOT_SIZE_TEXT, false);
        use_color(cr, ink);
        draw_shortened(cr, bar->label, label_room, cell->frame_x - PLOT_SPACE,
                       middle + 0.36 * PLOT_SIZE_TEXT, 1);
        plot_percent(bar->value, percent, sizeof percent);
        plot_type(cr, PLOT_SIZE_SMALL, false);
        cairo_set_source_rgb(cr, 1, 1, 1);
        cairo_rectangle(cr, cell->frame_x + length + PLOT_SPACE - 2, middle - 8,
                        plot_text_width(cr, percent) + 4, 16);
        cairo_fill(cr);
        use_color(cr, soft_ink);
        draw_text(cr, percent, cell->frame_x + length + PLOT_SPACE, middle + 0.36 * PLOT_SIZE_SMALL, 0);
    }
}

/* ---- text ---- */

/* Each paragraph beside a bar of its own. */
static void draw_text_panel(cairo_t *cr, const plot_panel *panel, const plot_cell *cell, color c)
{
    char line[PLOT_MOST_TEXT + 8];
    double pitch = PLOT_LINE(PLOT_SIZE_TEXT), y = cell->frame_y;

    plot_type(cr, PLOT_SIZE_TEXT, false);
    for (int i = 0; i < panel->n_paragraphs; i++, y += pitch / 2) {
        double top = y;

        use_color(cr, ink);
        for (const char *rest = panel->paragraph[i];
             plot_next_line(cr, &rest, cell->frame_width, line); y += pitch)
            draw_text(cr, line, cell->frame_x, y + PLOT_SIZE_TEXT, 0);
        use_color(cr, tint(c, 0.5));
        cairo_rectangle(cr, cell->left, top + 2, 3, y - top - 2);
        cairo_fill(cr);
    }
}

/* ---- the page ---- */

static void draw_panel(cairo_t *cr, const plot_page *page, int i)
{
    const plot_panel *panel = &page->plot->panels[i];
    const plot_cell *cell = &page->cells[i];
    double bottom = cell->frame_y + cell->frame_height + PLOT_TICK + PLOT_LINE(PLOT_SIZE_SMALL);

    plot_type(cr, PLOT_SIZE_PANEL, true);
    use_color(cr, ink);
    draw_lines(cr, &cell->title, PLOT_SIZE_PANEL, cell->left, cell->top);
    draw_axes(cr, page, panel, cell);
    draw_axis_titles(cr, panel, cell);
    if (cell->empty) {
        use_color(cr, soft_ink);
        draw_text(cr, "no data", cell->frame_x + cell->frame_width / 2,
                  cell->frame_y + cell->frame_height / 2, 0.5);
    } else if (panel->text) {
        draw_text_panel(cr, panel, cell, palette[i % page->columns % N_COLORS]);
    } else if (panel->bars) {
        draw_bars_panel(cr, panel, cell, palette[i % page->columns % N_COLORS]);
    } else {
        draw_lines_panel(cr, page, panel, cell);
    }
    plot_type(cr, PLOT_SIZE_SMALL, false);
    use_color(cr, soft_ink);
    draw_lines(cr, &cell->note, PLOT_SIZE_SMALL, cell->left,
               bottom + 4 + (panel->x_label ? PLOT_LINE(PLOT_SIZE_TEXT) + 2 : 0));
}

void plot_draw(cairo_t *cr, const plot_page *page)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_scale(cr, page->scale, page->scale);
    plot_exact_type(cr);
    plot_type(cr, PLOT_SIZE_TITLE, true);
    use_color(cr, ink);
    draw_lines(cr, &page->title, PLOT_SIZE_TITLE, PLOT_MARGIN, PLOT_MARGIN - 3);
    for (int i = 0; i < page->plot->n_panels; i++)
        draw_panel(cr, page, i);
}
