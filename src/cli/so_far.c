/* so_far.c: one line on a terminal that shows how far work is that is counted. */
#include "cli/so_far.h"

static const double draw_every = 0.2;

so_far so_far_begin(const cli *c, const char *what, const char *unit, int64_t of)
{
    return (so_far){ .what = what, .unit = unit, .of = of, .wanted = cli_draws(c) };
}

void so_far_show(so_far *s, int64_t done)
{
    const double now = cli_clock();
    char some[32], all[32];

    if (!s->wanted || now - s->shown < draw_every)
        return;
    s->shown = now;
    fprintf(stderr, "\r%s: %s %s of %s\033[K", s->what, s->unit,
            cli_count(done < s->of ? done : s->of, some), cli_count(s->of, all));
}

void so_far_end(so_far *s)
{
    if (s->shown > 0)
        fputs("\r\033[K", stderr);
    s->shown = 0;
}
