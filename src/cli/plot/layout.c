/* layout.c: where everything stands on the page: frames of panels, and the texts around them.
 *
 * Lengths are units. The page is laid out once at the size that suits its content; a picture
 * asked for at another size is that page scaled as a whole, and what is left over on one side
 * goes to the frames. So no size is too small for the layout, and twice the pixels are the same
 * picture, twice as sharp. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAP_COLUMNS 34.0
#define GAP_ROWS 26.0

static const double limits[] = { 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1 };

/* Every panel's bars share one scale, so that panels can be compared. */
static double bar_limit(const plot *p)
{
    double largest = 0;
    size_t i = 0;

    for (int j = 0; j < p->n_panels; j++)
        for (int k = 0; k < p->panels[j].n_bars; k++)
            largest = fmax(largest, p->panels[j].bar[k].value);
    while (limits[i] < largest)
        i++;
    return limits[i];
}

/* Where the legend's entries stand: as many in a row as fit the frame. */
static void place_legend(cairo_t *cr, const plot_panel *panel, plot_cell *cell)
{
    double x = 0, gap = 18;
    int named = 0;

    cell->legend_rows = 0;
    plot_type(cr, PLOT_SIZE_TEXT, false);
    for (int i = 0; i < panel->n_series; i++)
        named += *panel->series[i].name != '\0';
    for (int i = 0; i < panel->n_series; i++) {
        const char *name = panel->series[i].name;
        plot_slot *slot = &cell->legend[i];
        double mark = PLOT_SWATCH + PLOT_SPACE;

        *slot = (plot_slot){ .row = -1 };
        if (!*name || (named == 1 && panel->y_label && !strcmp(name, panel->y_label)))
            continue;
        slot->width = fmin(plot_text_width(cr, name), cell->frame_width - mark) + mark;
        if (cell->legend_rows == 0 || x + slot->width > cell->frame_width + 0.01) {
            cell->legend_rows++;
            x = 0;
        }
        slot->x = x;
        slot->row = cell->legend_rows - 1;
        x += slot->width + gap;
    }
}

static bool slots_clash(const plot_cell *cell, const double *at, int i, const plot_slot *slot)
{
    for (int j = 0; j < i; j++) {
        const plot_slot *other = &cell->markers[j];
        bool over = slot->x < other->x + other->width + 8 && other->x < slot->x + slot->width + 8;

        if (other->row < 0)
            continue;
        if (other->row == slot->row && over)
            return true;
        if (other->row < slot->row && at[i] > other->x - 2 && at[i] < other->x + other->width + 2)
            return true; /* this one's line would run through the other's text */
        if (other->row > slot->row && at[j] > slot->x - 2 && at[j] < slot->x + slot->width + 2)
            return true;
    }
    return false;
}

/* Texts of markers stand in up to four rows above the frame, row 0 next to it; one that finds no
 * room is left out. */
static void place_markers(cairo_t *cr, const plot_panel *panel, plot_cell *cell)
{
    double at[PLOT_MOST_MARKERS];

    cell->marker_rows = 0;
    plot_type(cr, PLOT_SIZE_SMALL, false);
    for (int i = 0; i < panel->n_markers && !cell->empty; i++) {
        plot_slot *slot = &cell->markers[i];
        double width = fmin(plot_text_width(cr, panel->markers[i].text), 0.5 * cell->frame_width);

        at[i] = plot_along(&cell->x, panel->markers[i].x) * cell->frame_width;
        *slot = (plot_slot){ .x = fmin(fmax(at[i] - width / 2, 0), cell->frame_width - width),
                             .width = width };
        while (slot->row < 4 && slots_clash(cell, at, i, slot))
            slot->row++;
        if (slot->row == 4 || width == 0)
            slot->row = -1;
        cell->marker_rows = slot->row + 1 > cell->marker_rows ? slot->row + 1 : cell->marker_rows;
    }
}

enum { LINES, BARS, TEXT, KINDS };

static int kind_of(const plot_panel *panel)
{
    return panel->bars ? BARS : panel->text ? TEXT : LINES;
}

/* Room left of a frame, for labels of ticks or bars and the title of the axis. */
static double gutter(cairo_t *cr, const plot_panel *panel, const plot_cell *cell)
{
    double width = plot_widest_label(cr, &cell->y) + PLOT_TICK + 4;

    if (panel->text)
        return PLOT_PARAGRAPH;
    if (panel->bars) {
        width = 0;
        plot_type(cr, PLOT_SIZE_TEXT, false);
        for (int i = 0; i < panel->n_bars; i++)
            width = fmax(width, plot_text_width(cr, panel->bar[i].label));
        width = fmin(width, 0.34 * cell->width) + PLOT_SPACE;
    }
    return width + (panel->y_label ? PLOT_LINE(PLOT_SIZE_TEXT) + 4 : 0);
}

static double head_height(const plot_cell *cell)
{
    return cell->title.n * PLOT_LINE(PLOT_SIZE_PANEL) + (cell->title.n ? 4 : 0) +
           cell->legend_rows * PLOT_LINE(PLOT_SIZE_TEXT) + (cell->legend_rows ? 4 : 0) +
           cell->marker_rows * PLOT_LINE(PLOT_SIZE_SMALL) + (cell->marker_rows ? 6 : 0);
}

static double foot_height(const plot_panel *panel, const plot_cell *cell)
{
    return PLOT_TICK + PLOT_LINE(PLOT_SIZE_SMALL) +
           (panel->x_label ? PLOT_LINE(PLOT_SIZE_TEXT) + 2 : 0) + (cell->note.n ? 6 : 0) +
           cell->note.n * PLOT_LINE(PLOT_SIZE_SMALL);
}

static double usual_height(const plot_page *page, const plot_panel *panel, const plot_cell *cell)
{
    double height = page->columns == 1 ? 300 : 220;

    if (panel->text)
        height = fmax(cell->text_height, PLOT_LINE(PLOT_SIZE_TEXT));
    else if (panel->bars)
        height = 24.0 * (panel->n_bars ? panel->n_bars : 1) + 6;
    return height * (panel->height > 0 ? panel->height : 1);
}

/* The height of a panel's paragraphs, half a line between them. */
static double height_of_text(cairo_t *cr, const plot_panel *panel, double width)
{
    char line[PLOT_MOST_TEXT + 8];
    double lines = 0;

    plot_type(cr, PLOT_SIZE_TEXT, false);
    for (int i = 0; i < panel->n_paragraphs; i++, lines += 0.5)
        for (const char *rest = panel->paragraph[i]; plot_next_line(cr, &rest, width, line);)
            lines++;
    return lines * PLOT_LINE(PLOT_SIZE_TEXT);
}

/* What depends on widths: everything but the heights of frames. */
static void arrange_widths(plot_page *page, cairo_t *cr)
{
    const plot *p = page->plot;
    double gaps = 2 * PLOT_MARGIN + (page->columns - 1) * GAP_COLUMNS;
    double width = (page->width - gaps) / page->columns;
    double widest[PLOT_MOST_COLUMNS][KINDS] = { { 0 } };

    plot_type(cr, PLOT_SIZE_TITLE, true);
    plot_wrap(cr, p->title, page->width - 2 * PLOT_MARGIN, 2, &page->title);
    for (int i = 0; i < p->n_panels; i++) {
        plot_cell *cell = &page->cells[i];
        double *column = &widest[i % page->columns][kind_of(&p->panels[i])];

        cell->left = PLOT_MARGIN + (i % page->columns) * (width + GAP_COLUMNS);
        cell->width = width;
        if (kind_of(&p->panels[i]) == LINES && !cell->empty)
            plot_set_ticks(&cell->y, fmax(cell->frame_height / 40, 3));
        *column = fmax(*column, gutter(cr, &p->panels[i], cell));
    }
    for (int i = 0; i < p->n_panels; i++) {
        const plot_panel *panel = &p->panels[i];
        plot_cell *cell = &page->cells[i];
        double left = widest[i % page->columns][kind_of(panel)];

        cell->frame_x = cell->left + left;
        cell->frame_width = width - left - (panel->bars ? page->value_width : 0);
        cell->text_height = height_of_text(cr, panel, cell->frame_width);
        if (cell->empty || panel->text)
            cell->x.n_ticks = 0;
        else if (panel->bars)
            plot_set_percent_ticks(&cell->x, page->bar_limit, cell->frame_width);
        else
            plot_set_x_ticks(cr, &cell->x, cell->frame_width);
        place_legend(cr, panel, cell);
        place_markers(cr, panel, cell);
        plot_type(cr, PLOT_SIZE_PANEL, true);
        plot_wrap(cr, panel->title, width, 2, &cell->title);
        plot_type(cr, PLOT_SIZE_SMALL, false);
        plot_wrap(cr, panel->note, width, 3, &cell->note);
    }
}

/* Stacks the rows; `extra` units more than usual go to the frames. Returns the height of the
 * page. */
static double arrange_heights(plot_page *page, double extra)
{
    const plot *p = page->plot;
    double y = PLOT_MARGIN + page->title.n * PLOT_LINE(PLOT_SIZE_TITLE) + (page->title.n ? 8 : 0);
    double usual_sum = 0;

    for (int pass = 0; pass < 2; pass++) /* first the frames are added up, then placed */
        for (int first = 0; first < p->n_panels; first += page->columns) {
            int last = first + page->columns < p->n_panels ? first + page->columns : p->n_panels;
            double head = 0, foot = 0, usual = 0;
            bool text = false;
            int bars = 1;

            for (int i = first; i < last; i++) {
                head = fmax(head, head_height(&page->cells[i]));
                foot = fmax(foot, foot_height(&p->panels[i], &page->cells[i]));
                usual = fmax(usual, usual_height(page, &p->panels[i], &page->cells[i]));
                bars = p->panels[i].n_bars > bars ? p->panels[i].n_bars : bars;
                text = text || p->panels[i].text;
            }
            if (pass == 0) {
                usual_sum += usual;
                continue;
            }
            for (int i = first; i < last; i++) {
                page->cells[i].top = y;
                page->cells[i].frame_y = y + head + 4;
                page->cells[i].frame_height = usual * (1 + extra / usual_sum);
                if (text && p->panels[i].bars) /* beside text bars stay as they are, at the top */
                    page->cells[i].frame_height *= usual_height(page, &p->panels[i], &page->cells[i]) /
                                                   usual;
                page->cells[i].bar_pitch = page->cells[i].frame_height / bars;
            }
            y += head + 4 + usual * (1 + extra / usual_sum) + foot +
                 (last < p->n_panels ? GAP_ROWS : 0);
        }
    return y + PLOT_MARGIN;
}

/* Ticks depend on the frames' heights, those on the texts, those on the room that the ticks'
 * labels leave: twice settles it. */
static double arrange(plot_page *page, cairo_t *cr, double extra)
{
    arrange_widths(page, cr);
    arrange_heights(page, extra);
    arrange_widths(page, cr);
    return arrange_heights(page, extra);
}

static double usual_width(const plot_page *page)
{
    double cell = page->columns > 1 ? 380 : 480;

    for (int i = 0; i < page->plot->n_panels && page->columns == 1; i++)
        if (kind_of(&page->plot->panels[i]) != BARS)
            cell = 700;
    return 2 * PLOT_MARGIN + page->columns * cell + (page->columns - 1) * GAP_COLUMNS;
}

/* Panels of lines that stand below each other and have the same x-label have one range, so that
 * their steps stand in line. */
static bool shares_range(const plot_page *page, int i, int j)
{
    const plot_panel *a = &page->plot->panels[i], *b = &page->plot->panels[j];

    if (i == j)
        return true;
    return (i - j) % page->columns == 0 && kind_of(b) == LINES && !page->cells[j].empty &&
           a->x_label && b->x_label && !strcmp(a->x_label, b->x_label);
}

static void set_ranges(plot_page *page)
{
    const plot *p = page->plot;
    double low[PLOT_MOST_PANELS], high[PLOT_MOST_PANELS];

    for (int i = 0; i < p->n_panels; i++) {
        plot_cell *cell = &page->cells[i];

        cell->empty = !p->panels[i].n_bars && !p->panels[i].n_paragraphs;
        if (kind_of(&p->panels[i]) == LINES)
            plot_find_ranges(&p->panels[i], cell);
        low[i] = cell->x.low;
        high[i] = cell->x.high;
    }
    for (int i = 0; i < p->n_panels; i++) {
        plot_cell *cell = &page->cells[i];

        if (kind_of(&p->panels[i]) != LINES || cell->empty)
            continue;
        for (int j = 0; j < p->n_panels; j++)
            if (shares_range(page, i, j)) {
                cell->x.low = fmin(cell->x.low, low[j]);
                cell->x.high = fmax(cell->x.high, high[j]);
            }
        plot_settle_ranges(cell);
    }
}

static void lay_out(plot_page *page, cairo_t *cr, double usual_scale)
{
    const plot *p = page->plot;
    double height;

    plot_type(cr, PLOT_SIZE_SMALL, false);
    page->value_width = plot_text_width(cr, ">99.9%") + PLOT_SPACE;
    page->bar_limit = bar_limit(p);
    page->width = usual_width(page);
    for (int i = 0; i < p->n_panels; i++)
        page->cells[i].frame_height = usual_height(page, &p->panels[i], &page->cells[i]);
    set_ranges(page);
    height = arrange(page, cr, 0);
    if (p->width) {
        page->scale = fmin(p->width / page->width, p->height / height);
        page->width = p->width / page->scale;
        page->height = p->height / page->scale;
        height = arrange(page, cr, 0);
        arrange(page, cr, page->height - height);
    } else {
        page->scale = fmin(usual_scale, PLOT_MOST_SIDE / fmax(page->width, height));
        page->height = height;
    }
}

plot_page *plot_page_new(const plot *p, double usual_scale)
{
    plot_page *page = calloc(1, sizeof *page);
    cairo_surface_t *surface = cairo_recording_surface_create(CAIRO_CONTENT_COLOR, NULL);
    cairo_t *cr = cairo_create(surface);

    plot_exact_type(cr);
    if (page) {
        page->plot = p;
        page->columns = p->columns < 1 ? 1 : p->columns > p->n_panels ? p->n_panels : p->columns;
        lay_out(page, cr, usual_scale);
    }
    if (cairo_status(cr)) {
        free(page);
        page = NULL;
    }
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return page;
}

void plot_page_free(plot_page *page)
{
    free(page);
}
