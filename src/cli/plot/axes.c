/* axes.c: ranges of axes, and ticks at round values with their labels. */
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TICKS 12.0 /* on a frame of any size */

bool plot_drawable(const plot_panel *panel, double y)
{
    return !isnan(y) && (!panel->log_y || y > 0);
}

double plot_along(const plot_axis *axis, double value)
{
    return ((axis->log ? log10(value) : value) - axis->low) / (axis->high - axis->low);
}

/* Gives the range of the data some air; a range that would begin near 0 begins at 0. */
static void settle(plot_axis *axis, double air)
{
    double low = axis->low, high = axis->high, span = high - low;
    double largest = fmax(fabs(low), fabs(high));

    if (axis->log) {
        double beyond = span < 1e-6 ? 0.3 : air * span;

        axis->low -= beyond;
        axis->high += beyond;
    } else if (span <= 1e-9 * largest) {
        axis->low = low < 0 ? 1.2 * low : 0;
        axis->high = high > 0 ? 1.2 * high : low < 0 ? 0 : 1;
    } else {
        axis->low = low >= 0 && low < fmax(0.1 * high, air * span) ? 0 : low - air * span;
        axis->high = high <= 0 && -high < fmax(-0.1 * low, air * span) ? 0 : high + air * span;
    }
}

static void widen(plot_axis *axis, double value)
{
    axis->low = fmin(axis->low, value);
    axis->high = fmax(axis->high, value);
}

void plot_find_ranges(const plot_panel *panel, plot_cell *cell)
{
    plot_axis x = { .low = INFINITY, .high = -INFINITY, .integers = true };
    plot_axis y = { .low = INFINITY, .high = -INFINITY, .log = panel->log_y };

    for (int i = 0; i < panel->n_series; i++)
        for (size_t j = 0; j < panel->series[i].n_points; j++) {
            plot_point point = panel->series[i].points[j];

            widen(&x, point.x);
            x.integers = x.integers && point.x == rint(point.x);
            if (plot_drawable(panel, point.y))
                widen(&y, y.log ? log10(point.y) : point.y);
        }
    for (int i = 0; i < panel->n_markers; i++)
        widen(&x, panel->markers[i].x);
    cell->empty = !(y.low <= y.high);
    cell->x = x;
    cell->y = y;
}

void plot_settle_ranges(plot_cell *cell)
{
    settle(&cell->x, 0.015);
    settle(&cell->y, 0.05);
}

/* The smallest of 1, 2, 5, 10, 20, 50 ... times a power of ten that divides `span` into at most
 * `most` parts. */
static double round_step(double span, double most)
{
    double part = span / most, power = pow(10, floor(log10(part)));

    for (int factor = 1; factor < 10; factor += factor == 2 ? 3 : factor)
        if (factor * power >= part * (1 - 1e-9))
            return factor * power;
    return 10 * power;
}

static void group_thousands(const char *digits, char *out, size_t size)
{
    size_t whole = strcspn(digits, "."), used = 0;

    for (size_t i = 0; digits[i] && used + 2 < size; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

static bool wants_powers(double size)
{
    return size >= 1e7 || size < 1e-3 * (1 - 1e-9);
}

/* A tick's label. `step` says how many places matter; the power of ten of `largest` may be split
 * off. */
static void label_tick(plot_tick *tick, double step, double largest, bool powers)
{
    const char *sign = tick->value < 0 ? "−" : "";
    double value = fabs(tick->value);
    char digits[64], grouped[32];

    if (value == 0) {
        snprintf(tick->label, sizeof tick->label, "0");
        return;
    }
    if (powers) {
        int exponent = (int)floor(log10(largest) + 1e-9);
        int places = exponent - (int)floor(log10(step) + 1e-9);

        snprintf(digits, sizeof digits, "%.*f", places > 0 ? places : 0, value / pow(10, exponent));
        snprintf(tick->label, sizeof tick->label, "%s%.24s%s10^%s%d", sign,
                 strcmp(digits, "1") ? digits : "", strcmp(digits, "1") ? "×" : "",
                 exponent < 0 ? "−" : "", abs(exponent));
        return;
    }
    int places = -(int)floor(log10(step) + 1e-9);

    snprintf(digits, sizeof digits, "%.*f", places > 0 ? places : 0, value);
    group_thousands(digits, grouped, sizeof grouped);
    snprintf(tick->label, sizeof tick->label, "%s%s", sign, grouped);
}

static void add_tick(plot_axis *axis, double value, double step, double largest, bool powers)
{
    plot_tick *tick = &axis->ticks[axis->n_ticks];

    if (axis->n_ticks == PLOT_MOST_TICKS)
        return;
    axis->n_ticks++;
    tick->value = value;
    label_tick(tick, step, largest, powers);
}

static void even_ticks(plot_axis *axis, double low, double high, double most)
{
    double step = round_step(high - low, most);
    double largest = fmax(fabs(low), fabs(high));

    if (axis->integers)
        step = fmax(step, 1);
    for (double k = ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++)
        add_tick(axis, k == 0 ? 0 : k * step, step, largest, wants_powers(largest));
}

/* Powers of ten, with 2 and 5 between them where there is room; within less than a decade, even
 * steps. */
static void log_ticks(plot_axis *axis, double most)
{
    double decades = axis->high - axis->low, each = ceil(decades / fmax(most, 1));
    bool between = decades <= most / 3;
    bool powers = wants_powers(pow(10, axis->low)) || wants_powers(pow(10, axis->high));

    if (decades < 1) {
        even_ticks(axis, pow(10, axis->low), pow(10, axis->high), most);
        return;
    }
    for (double k = floor(axis->low / each) * each; k <= axis->high; k += each)
        for (int factor = 1; factor < 10; factor += factor == 2 ? 3 : factor) {
            double value = factor * pow(10, k), at = k + log10(factor);

            if ((between || factor == 1) && at >= axis->low && at <= axis->high)
                add_tick(axis, value, value, value, powers);
        }
}

void plot_set_ticks(plot_axis *axis, double most)
{
    axis->n_ticks = 0;
    most = fmin(most, MOST_TICKS);
    if (axis->log)
        log_ticks(axis, most);
    else
        even_ticks(axis, axis->low, axis->high, most);
}

double plot_widest_label(cairo_t *cr, const plot_axis *axis)
{
    double widest = 0;

    for (int i = 0; i < axis->n_ticks; i++)
        widest = fmax(widest, plot_label_width(cr, PLOT_SIZE_SMALL, axis->ticks[i].label));
    return widest;
}

/* As many ticks as stand apart, about one in 80 units. */
void plot_set_x_ticks(cairo_t *cr, plot_axis *axis, double width)
{
    for (double most = fmin(fmax(width / 80, 2), MOST_TICKS);; most *= 0.8) {
        plot_set_ticks(axis, most);
        if (axis->n_ticks < 3 || most < 2)
            return;
        double first = plot_along(axis, axis->ticks[0].value);
        double second = plot_along(axis, axis->ticks[1].value);

        if ((second - first) * width > plot_widest_label(cr, axis) + 16)
            return;
    }
}

void plot_percent(double value, char *out, size_t size)
{
    if (value == 0 || value == 1)
        snprintf(out, size, "%.0f%%", 100 * value);
    else if (value >= 0.9995)
        snprintf(out, size, ">99.9%%");
    else if (value < 0.0001)
        snprintf(out, size, "<0.01%%");
    else
        snprintf(out, size, "%.*f%%", value < 0.01 ? 2 : 1, 100 * value);
}

void plot_set_percent_ticks(plot_axis *axis, double limit, double width)
{
    *axis = (plot_axis){ .high = limit };
    even_ticks(axis, 0, limit, fmin(fmax(width / 44, 1), MOST_TICKS));
    for (int i = 0; i < axis->n_ticks; i++) {
        plot_tick *tick = &axis->ticks[i];

        snprintf(tick->label, sizeof tick->label, "%g%%", 100 * tick->value);
    }
}
