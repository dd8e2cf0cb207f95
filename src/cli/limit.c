/* limit.c: how much memory may be taken, and a training made to fit into it. */
#include "cli/limit.h"

#include "base/home.h"
#include "cli/summary.h"

#include <stdlib.h>
#include <string.h>

/* ---- what there is ----------------------------------------------------------------- */

/* A file of a few numbers, as the system shows its figures; "" where there is none. */
static void read_figures(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, size - 1, file) : 0;

    text[n] = 0;
    if (file)
        fclose(file);
}

/* In KiB; 0: not said. */
static uint64_t figure_named(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static uint64_t figure_in(const char *path)
{
    char text[64];

    read_figures(path, text, sizeof text);
    return strtoull(text, NULL, 10); /* "max": 0 */
}

size_t limit_here(void)
{
    char text[4096];

    read_figures("/proc/meminfo", text, sizeof text);
    uint64_t here = (figure_named(text, "MemAvailable:") + figure_named(text, "SwapFree:")) << 10;
    uint64_t most = figure_in("/sys/fs/cgroup/memory.max");
    if (!most)
        most = figure_in("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    if (most && (!here || most < here))
        here = most;
    return here ? (size_t)here : SIZE_MAX;
}

bool limit_read(const char *text, size_t *bytes)
{
    static const char units[] = "KMGT";
    char *end;
    double amount = strtod(text, &end);
    const char *unit = *end ? strchr(units, *end) : NULL;

    for (const char *u = units; unit && u <= unit; u++)
        amount *= 1024;
    if (unit)
        end++;
    if (unit && *end == 'i')
        end++;
    if (*end == 'B')
        end++;
    if (end == text || *end || !(amount >= 1) || amount > 0x1p60)
        return false;
    *bytes = (size_t)amount;
    return true;
}

/* ---- what a training takes ---------------------------------------------------------- */

/* With micro-batches of so many records. Nothing of it is taken: parameters without values are never written. */
static iv_status foretell(cli *c, iv__instance *instance, int64_t micro, size_t *bytes)
{
    iv_params *params = iv_params_new_empty(c->home, IV_F32);
    const size_t data = iv__home_bytes(c->home);
    summary_memory m;

    iv_home_set_micro_batch(c->home, micro);
    iv_status status = params ? summary_foretell(instance, params, &m, NULL, NULL)
                              : iv_home_status(c->home);
    if (!status)
        *bytes = m.total + m.total / 16 + m.plans + m.inputs + data +
                 LIMIT_PROGRAM; /* inputs: the next batch's, too */
    iv_params_free(params);
    return status;
}

/* The largest half, quarter ... of a batch with which it fits; 0: none. *least: what the smallest takes. */
static int64_t fitting_micro_batch(cli *c, iv__instance *instance, size_t *least)
{
    for (int64_t micro = instance->training.batch / 2; micro; micro /= 2) {
        if (foretell(c, instance, micro, least))
            return 0;
        if (*least <= c->most_memory)
            return micro;
    }
    return 0;
}

/* The same of whole batches, where records cannot be taken apart. */
static int64_t fitting_batch(cli *c, iv__instance *instance)
{
    const int64_t batch = instance->training.batch;
    int64_t fitting = 0;
    size_t bytes;

    while (!fitting && (instance->training.batch /= 2)) {
        if (foretell(c, instance, 0, &bytes))
            break;
        if (bytes <= c->most_memory)
            fitting = instance->training.batch;
    }
    instance->training.batch = batch;
    return fitting;
}

static int refuse(cli *c, iv__instance *instance, size_t least, int64_t micro)
{
    const bool asked = *c->common.max_memory;
    char a[32], b[32];

    if (micro && !asked)
        return cli_refuse("training takes %s of memory, and %s are free; with --micro-batch %lld it would fit, or a smaller --batch",
                          cli_bytes(least, a), cli_bytes(c->most_memory, b), (long long)micro);
    int64_t batch = micro ? 0 : fitting_batch(c, instance);
    if (batch)
        return cli_refuse("training takes %s of memory, and %s %s; with --batch %lld it would fit",
                          cli_bytes(least, a), cli_bytes(c->most_memory, b),
                          asked ? "are allowed by --max-memory" : "are free", (long long)batch);
    return cli_refuse("training takes %s of memory at the least, and %s %s; a smaller model would fit, or %lldM",
                      cli_bytes(least, a), cli_bytes(c->most_memory, b),
                      asked ? "are allowed by --max-memory" : "are free", (long long)(least >> 20) + 1);
}

int limit_fit(cli *c, iv__instance *instance, bool chosen)
{
    const int64_t given = instance->training.micro_batch;
    size_t bytes, least = 0;
    char limit[32];
    int64_t micro = 0;

    iv_status status = foretell(c, instance, given, &bytes);
    if (status == IV_NOMEM)
        return cli_refuse("weights and optimizer alone take more memory than %s, which is what %s: %s",
                          cli_bytes(c->most_memory, limit),
                          *c->common.max_memory ? "--max-memory allows" : "is free here",
                          iv_home_message(c->home));
    if (status)
        return cli_fail(c);
    if (bytes <= c->most_memory)
        return DONE;
    if (!given && !chosen)
        micro = fitting_micro_batch(c, instance, &least);
    if (!micro || !*c->common.max_memory)
        return refuse(c, instance, !micro && least ? least : bytes, micro);
    instance->training.micro_batch = micro;
    cli_note(c, "note        the records of a step are taken %lld at a time (--micro-batch %lld), as --max-memory wants",
             (long long)micro, (long long)micro);
    return DONE;
}
