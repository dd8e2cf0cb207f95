/* forecast.c: predictions row by row, and two panels of them: along the rows, and against what was measured. */
#include "cli/forecast.h"

#include "base/file.h"
#include "base/home.h"
#include "cli/figure.h"
#include "models/common_forecast.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ROWS = 400, MOST_DOTS = 20000 }; /* so many show what there is */

/* ---- as CSV ------------------------------------------------------------------------ */

/* In quotes where it needs them. */
static void put_name(iv__text *text, const char *before, const char *name)
{
    bool quoted = name[strcspn(name, ",\"\r\n")];

    iv__text_print(text, "%s%s", before, quoted ? "\"" : "");
    for (; *name; name++)
        iv__text_add(text, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    iv__text_put(text, quoted ? "\"" : "");
}

static void put_header(iv__text *text, const iv__forecast *f)
{
    iv__text_put(text, "row");
    put_name(text, ",", f->target);
    iv__text_put(text, ",predicted");
}

static void put_row(iv__text *text, const iv__forecast *f, int64_t i, bool json)
{
    iv__json_writer w = { .text = text };

    if (json) {
        iv__json_put_object(&w);
        cli_put_int(&w, "row", f->row[i]);
        cli_put_float(&w, "actual", f->actual[i]);
        cli_put_float(&w, "predicted", f->predicted[i]);
        iv__json_end_object(&w);
        return;
    }
    iv__text_print(text, "%lld,", (long long)f->row[i]);
    if (!isnan(f->actual[i]))
        iv__text_print(text, "%.9g", f->actual[i]);
    iv__text_print(text, ",%.9g", f->predicted[i]);
}

static int put_line(cli *c, iv__writer *file, iv__text *line)
{
    if (!file)
        return cli_put_line(c, line);
    iv__text_put(line, "\n");
    if (line->failed)
        return cli_fail(c);
    iv__writer_add(file, line->data, line->size);
    iv__text_clear(line);
    return DONE;
}

static int write_rows(cli *c, const iv__forecast *f, const char *out)
{
    iv__text line = { .home = c->home };
    iv__writer *file = *out ? iv__writer_new(c->home, out) : NULL;
    int status = *out && !file ? cli_fail(c) : DONE;

    if (!status && !c->common.json) {
        put_header(&line, f);
        status = put_line(c, file, &line);
    }
    for (int64_t i = 0; i < f->n && !status; i++) {
        put_row(&line, f, i, c->common.json);
        status = put_line(c, file, &line);
    }
    if (file && status)
        iv__writer_cancel(file);
    else if (file && iv__writer_commit(file))
        status = cli_fail(c);
    iv__text_free(&line);
    return status;
}

/* Where the file has the target, too. */
static void say_errors(const cli *c, const iv__forecast *f)
{
    iv__measure m[IV__MAX_MEASURES];
    int64_t known = 0;
    char count[32];

    for (int64_t i = 0; i < f->n; i++)
        known += !isnan(f->actual[i]);
    if (!known)
        return;
    iv__forecast_measures(f, m);
    if (known > 1)
        cli_note(c, "%s rows have a value of %s: RMSE %.6g, MAE %.6g, R2 %.6g",
                 cli_count(known, count), f->target, m[0].value, m[1].value, m[2].value);
    else
        cli_note(c, "1 row has a value of %s: the error is %.6g", f->target, m[1].value);
}

int forecast_write(cli *c, iv__opened *run, const char *data, const char *out)
{
    iv__forecast f;
    iv__text note = { .home = c->home };
    int status = FAILED;

    if (run->instance->model->predict(run->instance, run->params, data, SPLIT_TEST, &f, &note)) {
        cli_fail(c);
    } else {
        if (note.data && !note.failed)
            cli_note(c, "ivory: %s", note.data);
        status = write_rows(c, &f, out);
        if (!status)
            say_errors(c, &f);
        iv__forecast_free(&f);
    }
    iv__text_free(&note);
    return status;
}

/* ---- as a picture ------------------------------------------------------------------ */

/* x NULL: the rows are counted. */
static void put_points(iv__text *d, const char *kind, const char *name, const double *x,
                       const double *y, int64_t n, int64_t step)
{
    iv__text_print(d, "%s\t%s\n", kind, name);
    for (int64_t i = 0; i < n; i += step)
        if (x)
            iv__text_print(d, "point\t%.9g\t%.9g\n", x[i], y[i]);
        else
            iv__text_print(d, "point\t%lld\t%.9g\n", (long long)i + 1, y[i]);
}

static void put_rows(iv__text *d, const iv__forecast *f, const char *split)
{
    const int64_t n = f->n < MOST_ROWS ? f->n : MOST_ROWS;

    iv__text_print(d, "panel\npanel-title\t%s %lld %s rows\nx-label\t%s row\ny-label\t",
                   n < f->n ? "The first" : "The", (long long)n, split, split);
    figure_put_text(d, f->target);
    iv__text_put(d, "\n");
    put_points(d, "line", "actual", NULL, f->actual, n, 1);
    put_points(d, "line", "predicted", NULL, f->predicted, n, 1);
}

static void put_against(iv__text *d, const iv__forecast *f, const char *split)
{
    const int64_t step = (f->n + MOST_DOTS - 1) / MOST_DOTS;
    iv__measure m[IV__MAX_MEASURES];
    double low = f->actual[0], high = low;

    for (int64_t i = 1; i < f->n; i++) {
        low = fmin(low, f->actual[i]);
        high = fmax(high, f->actual[i]);
    }
    iv__forecast_measures(f, m);
    iv__text_print(d,
                   "panel\npanel-title\tPredicted against actual\nheight\t1.6\nx-label\tactual\ny-label\tpredicted\n"
                   "note\t%lld %s rows: RMSE %.4g, MAE %.4g, R2 %.4g; least squares: RMSE %.4g, MAE %.4g, R2 %.4g\n",
                   (long long)f->n, split, m[0].value, m[1].value, m[2].value, m[3].value,
                   m[4].value, m[5].value);
    put_points(d, "dots", "the run", f->actual, f->predicted, f->n, step);
    put_points(d, "dots", "least squares", f->actual, f->linear, f->n, step);
    iv__text_print(d, "line\tequal\npoint\t%.9g\t%.9g\npoint\t%.9g\t%.9g\n", low, low, high, high);
}

int forecast_draw(cli *c, iv__opened *run, const char *folder)
{
    const int64_t *n = run->instance->trainee.n_records;
    const iv__split split = n[SPLIT_TEST]         ? SPLIT_TEST
                            : n[SPLIT_VALIDATION] ? SPLIT_VALIDATION
                                                  : SPLIT_TRAIN;
    iv__forecast f;
    iv__text d = { .home = c->home }, note = { .home = c->home };

    if (run->instance->model->predict(run->instance, run->params, NULL, split, &f, &note)) {
        iv__text_free(&note);
        return cli_fail(c);
    }
    iv__text_print(&d, "title\t%s: ", run->instance->system->name);
    figure_put_text(&d, f.target);
    iv__text_put(&d, "\n");
    put_rows(&d, &f, iv__split_name(split));
    put_against(&d, &f, iv__split_name(split));
    iv__text_put(&d, "end\n");
    int status = figure_draw(c, &d, folder, "predictions");
    iv__forecast_free(&f);
    iv__text_free(&d);
    iv__text_free(&note);
    return status;
}
