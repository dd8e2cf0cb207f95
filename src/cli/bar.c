/* bar.c: one line on a terminal that shows how far training is. */
#include "cli/bar.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LEAST_BAR = 8, MOST_BAR = 30, LEAST_COLUMNS = 20, GAP = 2 };
static const double draw_every = 0.1, new_step_counts = 0.05;

/* Parts of the line, from left to right; the bar stands before BAR_BEFORE. */
enum { EPOCH, STEP, RATE_STEPS, LEFT, LOSS, RATE, PARTS, BAR_BEFORE = RATE_STEPS };
static const int importance[PARTS] = {
    [EPOCH] = 5, [STEP] = 3, [RATE_STEPS] = 1, [LEFT] = 4, [LOSS] = 6, [RATE] = 2
};

static void put_time(double seconds, char text[32])
{
    long long s = (long long)ceil(fmin(seconds, 3.6e9));

    if (s < 3600)
        snprintf(text, 32, "%lld:%02lld left", s / 60, s % 60);
    else
        snprintf(text, 32, "%lld:%02lld:%02lld left", s / 3600, s / 60 % 60, s % 60);
}

static void make_parts(const iv__step_report *r, double step_seconds, char part[PARTS][32])
{
    snprintf(part[EPOCH], 32, "epoch %lld/%lld", (long long)r->epoch, (long long)r->epochs);
    snprintf(part[STEP], 32, "%lld/%lld", (long long)r->in_epoch, (long long)r->per_epoch);
    snprintf(part[RATE_STEPS], 32, "%.3g steps/s", step_seconds > 0 ? 1 / step_seconds : 0);
    put_time((double)(r->steps - r->step) * step_seconds, part[LEFT]);
    snprintf(part[LOSS], 32, "loss %.4f", r->mean);
    snprintf(part[RATE], 32, "rate %.3g", r->rate);
}

/* Drops parts until the rest fits; returns the columns for the bar, 0 without room for one. */
static int fit(char part[PARTS][32], int columns)
{
    int width = -GAP;

    for (int i = 0; i < PARTS; i++)
        width += (int)strlen(part[i]) + GAP;
    for (int dropped = 1; dropped <= PARTS && width + GAP + LEAST_BAR > columns; dropped++)
        for (int i = 0; i < PARTS; i++)
            if (importance[i] == dropped && (dropped < importance[EPOCH] || width > columns)) {
                width -= (int)strlen(part[i]) + GAP;
                part[i][0] = 0;
            }
    int room = columns - width - GAP;
    return room < LEAST_BAR ? 0 : room > MOST_BAR ? MOST_BAR : room;
}

static void put_bar(iv__text *line, double fraction, int columns, bool unicode)
{
    int full = (int)(fraction * columns + 0.5);

    for (int i = 0; i < columns; i++)
        iv__text_put(line, i < full ? (unicode ? "\u2501" : "=") : (unicode ? "\u2500" : "."));
}

void bar_line(const iv__step_report *report, double step_seconds, int columns, bool unicode,
              iv__text *line)
{
    char part[PARTS][32];
    const char *gap = "";

    make_parts(report, step_seconds, part);
    int room = fit(part, columns < LEAST_COLUMNS ? LEAST_COLUMNS : columns);
    for (int i = 0; i < PARTS; i++) {
        if (i == BAR_BEFORE && room) {
            iv__text_put(line, gap);
            put_bar(line, (double)report->in_epoch / (double)report->per_epoch, room, unicode);
            gap = "  ";
        }
        if (part[i][0]) {
            iv__text_print(line, "%s%s", gap, part[i]);
            gap = "  ";
        }
    }
}

/* ---- on the terminal --------------------------------------------------------------- */

static bool says_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strstr(value, "UTF-8") || strstr(value, "utf8");
    }
    return false;
}

bar bar_new(const cli *c)
{
    return (bar){ .home = c->home, .wanted = cli_draws(c), .unicode = says_utf8() };
}

int bar_columns(void)
{
    struct winsize size;

    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 0 ? size.ws_col : 80;
}

void bar_step(bar *b, const iv__step_report *report)
{
    double now = cli_clock();
    iv__text line = { .home = b->home };

    b->seconds = b->seconds > 0 ? b->seconds + new_step_counts * (report->seconds - b->seconds)
                                : report->seconds;
    if (!b->wanted || (now - b->drawn < draw_every && b->shown))
        return;
    bar_line(report, b->seconds, bar_columns() - 1, b->unicode, &line);
    if (!line.failed)
        fprintf(stderr, "\r%s\033[K", line.data);
    fflush(stderr);
    iv__text_free(&line);
    b->drawn = now;
    b->shown = true;
}

void bar_hide(bar *b)
{
    if (b->shown)
        fputs("\r\033[K", stderr);
    b->shown = false;
}
