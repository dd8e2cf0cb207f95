/* bench_parts.c: where the time of a workload's step goes, part by part of its plans. */
#include "cli/bench_parts.h"

#include "base/home.h"

#include <stdlib.h>

enum { MOST_PLANS = 2 };
static const double least_share = 0.002; /* of the step: parts below it are put together */

static int slower_first(const void *a, const void *b)
{
    double x = ((const iv_plan_part *)a)->seconds, y = ((const iv_plan_part *)b)->seconds;

    return (x < y) - (x > y);
}

static void put_part(const iv_plan_part *part, double seconds, double step)
{
    char name[48];

    snprintf(name, sizeof name, "%s%s%s", part->scope, *part->scope ? "/" : "", part->row);
    printf("  %-40s %-11s %-5s %10.4f %6.1f %%\n", name, part->kernel, part->bf16 ? "bf16" : "",
           1e3 * seconds, 100 * seconds / step);
}

static void put_parts(iv_plan_part *parts, int n, int64_t steps, double step)
{
    double rest = step, small = 0;

    qsort(parts, (size_t)n, sizeof *parts, slower_first);
    for (int i = 0; i < n; i++) {
        double seconds = parts[i].seconds / (double)steps;
        rest -= seconds;
        if (seconds < least_share * step)
            small += seconds;
        else
            put_part(&parts[i], seconds, step);
    }
    put_part(&(iv_plan_part){ "parts below 0.2 % each", "", "", 0, false, NULL, 0 }, small, step);
    put_part(&(iv_plan_part){ "between them", "", "", 0, false, NULL, 0 }, rest, step);
}

iv_status bench_parts_put(work *w, int64_t steps)
{
    iv_plan *plans[MOST_PLANS];
    int n_plans = work_plans(w, plans), n = 0, room = 0;
    iv_status status = IV_OK;

    for (int i = 0; i < n_plans && !status; i++) {
        status = iv_plan_time(plans[i], true);
        room += iv_plan_parts(plans[i]);
    }
    double begin = cli_clock();
    for (int64_t i = 0; i < steps && !status; i++)
        status = work_step(w);
    double step = (cli_clock() - begin) / (double)steps;
    iv_plan_part *parts = status ? NULL : iv__alloc_array(w->home, room + 1, sizeof *parts);
    for (int i = 0; i < n_plans && parts; i++) {
        for (int k = 0; k < iv_plan_parts(plans[i]); k++)
            parts[n++] = iv_plan_part_of(plans[i], k);
        iv_plan_time(plans[i], false);
    }
    if (parts)
        put_parts(parts, n, steps, step);
    iv__free(w->home, parts);
    return status ? status : parts ? IV_OK : IV_NOMEM;
}
