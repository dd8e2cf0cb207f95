/* write_show.c: what `ivory write` shows: the text's end, the likeliest next words, branches. */
#include "cli/write.h"

#include "base/home.h"
#include "cli/columns.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int write_width(void)
{
    enum { NARROWEST = 12, WIDEST = 120, USUAL = 80 };
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    int width = USUAL;

    if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
        width = size.ws_col;
    else if (columns && atoi(columns) > 0)
        width = atoi(columns);
    return width < NARROWEST ? NARROWEST : width > WIDEST ? WIDEST : width;
}

void write_say(writer *w, const char *format, ...)
{
    char words[1024];
    va_list values;

    va_start(values, format);
    vsnprintf(words, sizeof words, format, values);
    va_end(values);
    columns_put(&w->out, 1, (const char *const[]){ words }, w->width);
}

int write_flush(writer *w)
{
    if (w->out.failed)
        return cli_refuse("out of memory");
    if (w->out.size)
        fwrite(w->out.data, 1, w->out.size, stdout);
    iv__text_clear(&w->out);
    if (fflush(stdout) || ferror(stdout))
        return cli_refuse("writing to standard output: %s", strerror(errno));
    return DONE;
}

void write_show_text(writer *w, int lines)
{
    if (w->text.size)
        columns_tail(&w->out, w->text.data, w->width, lines);
}

/* ---- choices --------------------------------------------------------------------------------- */

/* " 1 fox        12.3%", as wide as a column. */
static void put_choice(writer *w, int run, int i, int column, iv__text *text)
{
    const write_run *r = &w->runs[run];
    enum { NUMBER = 3, PERCENT = 7 };
    iv__text token = { .home = w->c->home }, word = { .home = w->c->home };
    int room = column - NUMBER - PERCENT;

    iv__pen_show(r->pen, r->likely[i].token, &token);
    if (token.size && columns_of(token.data, token.size) > room)
        cli_put_short(&word, token.data, (size_t)(room > 3 ? room : 3));
    else if (token.size)
        iv__text_add(&word, token.data, token.size);
    iv__text_print(text, "%2d %s", run * CHOICES + i + 1, word.size ? word.data : "");
    for (int used = word.size ? columns_of(word.data, word.size) : 0; used < room; used++)
        iv__text_put(text, " ");
    iv__text_print(text, "%6.1f%%\n", 100 * r->likely[i].probability);
    text->failed |= token.failed || word.failed;
    iv__text_free(&token);
    iv__text_free(&word);
}

static void put_name(const writer *w, int run, int column, iv__text *text)
{
    iv__text name = { .home = w->c->home };

    iv__text_print(&name, "%s%s", run == w->writing ? "* " : "", w->runs[run].name);
    if (!name.failed)
        cli_put_short(text, name.data, (size_t)column);
    iv__text_put(text, "\n");
    text->failed |= name.failed;
    iv__text_free(&name);
}

/* Side by side: several runs, or one's list in two halves where there is room. */
void write_show_choices(writer *w)
{
    enum { HALVES = 2 };
    iv__text texts[IV__RUNS_MAX] = { { 0 } };
    const char *shown[IV__RUNS_MAX];
    int column = w->width < LEAST_COLUMN ? w->width : LEAST_COLUMN;
    int n = w->n_runs > 1 || w->width < HALVES * (LEAST_COLUMN + COLUMN_GAP) ? w->n_runs : HALVES;
    int width = n * (LEAST_COLUMN + COLUMN_GAP) - COLUMN_GAP;

    for (int i = 0; i < IV__RUNS_MAX; i++)
        texts[i].home = w->c->home;
    for (int run = 0; run < w->n_runs; run++) {
        const write_run *r = &w->runs[run];
        if (w->n_runs > 1)
            put_name(w, run, column, &texts[run]);
        if (!r->n_likely)
            iv__text_put(&texts[run], "(begin the text)\n");
        for (int i = 0; i < r->n_likely; i++)
            put_choice(w, run, i, column, &texts[n > w->n_runs ? i * n / r->n_likely : run]);
    }
    for (int i = 0; i < n; i++) {
        shown[i] = texts[i].data ? texts[i].data : "";
        w->out.failed |= texts[i].failed;
    }
    columns_put(&w->out, n, shown, width < w->width ? width : w->width);
    for (int i = 0; i < n; i++)
        iv__text_free(&texts[i]);
}

/* ---- branches -------------------------------------------------------------------------------- */

void write_show_branches(writer *w)
{
    enum { MOST = 64, MOST_BYTES = 240 };
    int32_t last[MOST], n = iv__manuscript_branches(&w->m, last, MOST),
                        fork = iv__manuscript_fork(&w->m);
    iv__text texts[MOST] = { { 0 } };
    const char *shown[MOST];

    int32_t end = w->m.here; /* of the branch that one is in */
    while (w->m.pieces[end].last)
        end = w->m.pieces[end].last;
    if (n > MOST) {
        write_say(w, "There are %d branches; the first %d are shown.", n, MOST);
        n = MOST;
    }
    for (int32_t i = 0; i < n; i++) {
        bool here = last[i] == end;
        texts[i].home = w->c->home;
        iv__text_print(&texts[i], "%d%s:", (int)i + 1, here ? " (here)" : "");
        size_t begin = texts[i].size;
        iv__manuscript_text(&w->m, n > 1 ? fork : 0, last[i], &texts[i]);
        if (texts[i].size - begin > MOST_BYTES) {
            size_t cut = begin + MOST_BYTES;
            while (((unsigned char)texts[i].data[cut] & 0xC0) == 0x80)
                cut--;
            texts[i].size = cut;
            iv__text_put(&texts[i], "...");
        }
        shown[i] = texts[i].data ? texts[i].data : "";
        w->out.failed |= texts[i].failed;
    }
    if (!n)
        write_say(w, "Nothing is written yet.");
    columns_put(&w->out, n, shown, w->width);
    for (int32_t i = 0; i < n; i++)
        iv__text_free(&texts[i]);
}
