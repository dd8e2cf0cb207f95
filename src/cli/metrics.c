/* metrics.c: reads the lines of a run's metrics.jsonl. */
#include "cli/metrics.h"

#include "base/file.h"
#include "base/home.h"
#include "format/json.h"

#include <math.h>
#include <string.h>

static double real_of(const iv__json_value *line, const char *name)
{
    double number;

    return iv__json_real(iv__json_member(line, name), &number) ? number : NAN;
}

static bool truth_of(const iv__json_value *line, const char *name)
{
    const iv__json_value *truth = iv__json_member(line, name);

    return truth && truth->kind == IV__JSON_TRUE;
}

static metric *next_metric(metrics *m)
{
    if (m->count == m->room) {
        int64_t room = m->room ? 2 * m->room : 1024;
        metric *list = iv__resize(m->home, m->list, (size_t)room * sizeof *list);
        if (!list)
            return NULL;
        m->list = list;
        m->room = room;
    }
    return &m->list[m->count++];
}

static iv_status read_line(metrics *m, const char *name, const char *bytes, size_t size)
{
    iv__arena arena = { .home = m->home };
    const iv__json_value *line = iv__json_tree_of(m->home, name, bytes, size, &arena);
    metric read = { .loss = real_of(line, "loss"),
                    .rate = real_of(line, "rate"),
                    .training = real_of(line, "training"),
                    .validation = real_of(line, "validation"),
                    .copied = real_of(line, "copied_spans"),
                    .real_copied = real_of(line, "real_copied_spans"),
                    .longest_copy = real_of(line, "longest_copy"),
                    .span = real_of(line, "copied_span"),
                    .best = truth_of(line, "best"),
                    .by_heart = truth_of(line, "by_heart") };
    iv_status status = line ? IV_OK : iv_home_status(m->home);

    if (iv__json_member(line, "best"))
        read.kind = METRIC_EPOCH;
    else if (iv__json_member(line, "by_heart"))
        read.kind = METRIC_COPIES;
    if (line && !iv__json_int(iv__json_member(line, "step"), &read.step))
        status = iv_fail(m->home, IV_FORMAT, "%s: the line does not say its step", name);
    iv__arena_free(&arena);
    if (status)
        return status;
    metric *kept = next_metric(m);
    if (!kept)
        return IV_NOMEM;
    *kept = read;
    return IV_OK;
}

iv_status metrics_read(iv_home *home, const char *path, metrics *m)
{
    iv__view view;
    char name[4200];

    *m = (metrics){ .home = home };
    iv_status status = iv__view_open(home, path, &view);
    if (status)
        return status;
    const char *at = (const char *)view.data, *end = at + view.size, *line_end;
    for (int64_t line = 1; !status && (line_end = memchr(at, '\n', (size_t)(end - at)));
         line++, at = line_end + 1) {
        snprintf(name, sizeof name, "%s, line %lld", path, (long long)line);
        status = read_line(m, name, at, (size_t)(line_end - at));
    }
    iv__view_close(&view);
    if (status)
        metrics_free(m);
    return status;
}

void metrics_free(metrics *m)
{
    iv__free(m->home, m->list);
    *m = (metrics){ .home = m->home };
}
