/* common_frame.c: choosing columns, scaling, splitting, filling batches. */
#include "models/common_frame.h"

#include "base/home.h"
#include "models/common_split.h"

#include <math.h>
#include <string.h>

static const char columns_name[] = "columns", scaling_name[] = "scaling", missing_name[] = "missing";
enum { KEPT = 3, NAMED = 12 };

/* ---- columns --------------------------------------------------------------------------------- */

static bool listed(const char *list, const char *name)
{
    const size_t size = strlen(name);

    for (const char *end; *list; list = end + (*end == ',')) {
        end = list + strcspn(list, ",");
        if ((size_t)(end - list) == size && !strncmp(list, name, size))
            return true;
    }
    return false;
}

/* "a, b, c ..." */
static void put_columns(const iv__table *t, iv__text *text)
{
    const int n = iv__table_columns(t);

    for (int i = 0; i < n && i < NAMED; i++)
        iv__text_print(text, "%s%s", i ? ", " : "", iv__table_column(t, i)->name);
    iv__text_put(text, n > NAMED ? " ..." : "");
}

/* That a column is not there, with the nearest name or all of them. */
static iv_status refuse_column(iv_home *home, const iv__table *t, const char *what, const char *name)
{
    const int n = iv__table_columns(t);
    const char **names = iv__alloc_array(home, (int64_t)n + 1, sizeof *names);
    iv__text all = { .home = home };

    if (!names)
        return IV_NOMEM;
    for (int i = 0; i < n; i++)
        names[i] = iv__table_column(t, i)->name;
    const char *near = *name ? iv__nearest(name, names) : NULL;
    put_columns(t, &all);
    iv_status status =
        !*name ? iv_fail(home, IV_VALUE,
                         "name the column to predict with --target; the columns are %s", all.data)
        : near ? iv_fail(home, IV_VALUE, "the table has no column '%s', %s; did you mean '%s'?",
                         name, what, near)
               : iv_fail(home, IV_VALUE, "the table has no column '%s', %s; its columns are %s",
                         name, what, all.data);
    iv__free(home, names);
    iv__text_free(&all);
    return status;
}

static iv_status check_ignored(iv_home *home, const iv__table *t, const char *list, const char *target)
{
    iv_status status = IV_OK;
    iv__text name = { .home = home };

    for (const char *end; *list && !status; list = end + (*end == ',')) {
        end = list + strcspn(list, ",");
        iv__text_clear(&name);
        iv__text_add(&name, list, (size_t)(end - list));
        if (name.failed)
            status = IV_NOMEM;
        else if (name.data && iv__table_find(t, name.data) < 0)
            status = refuse_column(home, t, "which --ignore names", name.data);
        else if (name.data && !strcmp(name.data, target))
            status = iv_fail(home, IV_VALUE,
                             "--ignore leaves out %s, which --target predicts: name it in one of them",
                             target);
    }
    iv__text_free(&name);
    return status;
}

/* The numbers that may be read, and the target last; column has room for all and one more. */
static iv_status choose_columns(iv_home *home, const iv__table *t, const iv__frame_options *o,
                                int *column, int *n)
{
    const int target = iv__table_find(t, o->target);
    iv_status status = check_ignored(home, t, o->ignore, o->target);

    *n = 0;
    if (!status && target < 0)
        return refuse_column(home, t, "which --target names", o->target);
    for (int i = 0; i < iv__table_columns(t) && !status; i++) {
        const iv__column *c = iv__table_column(t, i);
        if (i == target || listed(o->ignore, c->name) || iv__column_is_text(c))
            continue;
        status = iv__table_check(t, i);
        column[(*n)++] = i;
    }
    if (!status)
        status = iv__table_check(t, target);
    column[*n] = target;
    return status;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static iv__split split_in_order(const iv__settings *s, int64_t i, int64_t n)
{
    enum { TINY = 1000000000 }; /* shares such as 0.7 are a little more or less */
    const double training = (1 - s->test - s->validation) * (double)n + 1.0 / TINY;

    return i < (int64_t)training                                   ? SPLIT_TRAIN
           : i < (int64_t)((1 - s->test) * (double)n + 1.0 / TINY) ? SPLIT_VALIDATION
                                                                   : SPLIT_TEST;
}

/* Rows whose target is known. */
static iv_status split_rows(iv__frame *f, const iv__settings *settings, bool in_order, int64_t *dropped)
{
    const int64_t rows = iv__table_rows(f->table);
    int64_t known = 0, at = 0;

    for (int64_t r = 0; r < rows; r++)
        known += !isnan(iv__table_at(f->table, r, f->column[f->n_inputs]));
    for (int s = 0; s < SPLITS; s++) {
        f->records[s] = iv__alloc_array(f->home, known + 1, sizeof(int32_t));
        if (!f->records[s])
            return IV_NOMEM;
    }
    for (int64_t r = 0; r < rows; r++) {
        if (isnan(iv__table_at(f->table, r, f->column[f->n_inputs])))
            continue;
        iv__split s = in_order ? split_in_order(settings, at, known) : iv__split_of(settings, at);
        f->records[s][f->n[s]++] = (int32_t)r;
        at++;
    }
    *dropped = rows - known;
    if (!f->n[SPLIT_TRAIN])
        return iv_fail(f->home, IV_VALUE, "of %lld rows with a value of %s none is left to train with",
                       (long long)known, iv__table_column(f->table, f->column[f->n_inputs])->name);
    return IV_OK;
}

/* ---- scaling --------------------------------------------------------------------------------- */

/* Mean and deviation of a column over the training rows, or all; how many of these rows have a value. */
static int64_t spread_of(const iv__frame *f, int column, bool all, double *mean, double *deviation)
{
    int64_t n = 0;
    double sum = 0, squares = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (int s = 0; s <= (all ? SPLIT_TEST : SPLIT_TRAIN); s++)
            for (int64_t i = 0; i < f->n[s]; i++) {
                const double x = iv__table_at(f->table, f->records[s][i], column);
                if (isnan(x))
                    continue;
                if (pass)
                    squares += (x - *mean) * (x - *mean);
                else
                    sum += x, n++;
            }
        *mean = n ? sum / (double)n : 0;
    }
    *deviation = n ? sqrt(squares / (double)n) : 0;
    return n;
}

static bool is_constant(double mean, double deviation)
{
    return !(deviation > 1e-12 * fabs(mean));
}

static void put_reason(iv__text *note, const char *name, const char *before, double share)
{
    iv__text_print(note, "%s%s left out: ", note->size ? "; " : "", name);
    if (share < 1)
        iv__text_print(note, "%.1f %% of the training rows lack it", 100 * (1 - share));
    else
        iv__text_put(note, before);
}

/* That no input is left, and why: what was left out, and the first column that holds words or nothing. */
static iv_status refuse_nothing(const iv__frame *f, const iv__frame_options *o, const iv__text *note)
{
    iv__text why = { .home = f->home };

    if (note->size)
        iv__text_print(&why, "; %s", note->data);
    for (int i = 0; i < iv__table_columns(f->table); i++) {
        const iv__column *c = iv__table_column(f->table, i);
        if (!iv__column_is_text(c) || listed(o->ignore, c->name))
            continue;
        if (c->others)
            iv__text_print(&why, "; %s holds '%s' on line %lld, which is no number", c->name,
                           c->other, (long long)c->other_line);
        else
            iv__text_print(&why, "; %s has no values", c->name);
        break;
    }
    iv_status status = iv_fail(f->home, IV_VALUE, "no column of numbers is left to predict %s from%s",
                               f->names[0], why.data && !why.failed ? why.data : "");
    iv__text_free(&why);
    return status;
}

/* Measures the chosen columns and leaves out those that are sparse or say nothing. */
static iv_status fit(iv__frame *f, const iv__frame_options *o, iv__arena *arena, iv__text *note)
{
    int kept = 0;
    const int chosen = f->n_inputs;

    for (int i = 0; i <= chosen; i++) {
        const iv__column *c = iv__table_column(f->table, f->column[i]);
        double mean, deviation;
        const int64_t there = spread_of(f, f->column[i], false, &mean, &deviation);
        const double share = (double)there / (double)f->n[SPLIT_TRAIN];

        if (i == chosen && is_constant(mean, deviation))
            return iv_fail(f->home, IV_VALUE,
                           "the target %s is %.9g in every training row: there is nothing to learn",
                           c->name, mean);
        if (i < chosen && 1 - share > o->sparse) {
            put_reason(note, c->name, "", share);
            continue;
        }
        if (i < chosen && is_constant(mean, deviation)) {
            put_reason(note, c->name, "it is the same in every training row", 1);
            continue;
        }
        if (o->all_rows)
            spread_of(f, f->column[i], true, &mean, &deviation);
        f->column[kept] = f->column[i];
        f->mean[kept] = mean;
        f->deviation[kept] = deviation;
        f->names[kept] = iv__arena_text(arena, c->name);
        if (!f->names[kept++])
            return IV_NOMEM;
    }
    f->n_inputs = kept - 1;
    return f->n_inputs ? IV_OK : refuse_nothing(f, o, note);
}

/* ---- what a saved file carries --------------------------------------------------------------- */

static iv_status keep(iv__frame *f, iv__instance *instance)
{
    const size_t n = (size_t)f->n_inputs + 1;
    iv__text names = { .home = f->home };
    double *scaling = iv__arena_get(&instance->arena, 2 * n * sizeof *scaling);

    for (size_t i = 0; i < n; i++)
        iv__text_add(&names, f->names[i], strlen(f->names[i]) + 1);
    char *bytes = names.failed ? NULL : iv__arena_get(&instance->arena, names.size);
    if (bytes && scaling) {
        memcpy(bytes, names.data, names.size);
        memcpy(scaling, f->mean, n * sizeof *scaling);
        memcpy(scaling + n, f->deviation, n * sizeof *scaling);
        f->kept[0] = (iv__named_tensor){
            .name = columns_name, .dtype = IV_U8, .shape = iv_dims((int64_t)names.size), .data = bytes
        };
        f->kept[1] = (iv__named_tensor){
            .name = scaling_name, .dtype = IV_F64, .shape = iv_dims(2, (int64_t)n), .data = scaling
        };
        f->kept[2] = (iv__named_tensor){ .name = missing_name,
                                         .dtype = IV_U8,
                                         .shape = iv_dims((int64_t)strlen(f->missing) + 1),
                                         .data = f->missing };
        instance->trainee.kept = f->kept;
        instance->trainee.n_kept = KEPT;
    }
    iv__text_free(&names);
    return bytes && scaling ? IV_OK : IV_NOMEM;
}

static iv_status set_room(iv__frame *f, iv__arena *arena, int64_t columns)
{
    f->names = iv__arena_get(arena, (size_t)columns * sizeof *f->names);
    f->mean = iv__arena_get(arena, (size_t)columns * sizeof *f->mean);
    f->deviation = iv__arena_get(arena, (size_t)columns * sizeof *f->deviation);
    return f->names && f->mean && f->deviation ? IV_OK : IV_NOMEM;
}

static iv_status refuse_file(iv_home *home)
{
    return iv_fail(home, IV_FORMAT,
                   "the model file does not say which columns it reads and how they are scaled");
}

iv_status iv__frame_restore(iv__frame *f, iv__instance *instance, const iv__safetensors *file)
{
    const iv__named_tensor *names = iv__safetensors_find(file, columns_name),
                           *scaling = iv__safetensors_find(file, scaling_name),
                           *missing = iv__safetensors_find(file, missing_name);
    const char *bytes = names ? names->data : NULL, *codes = missing ? missing->data : NULL;
    int64_t n = 0;

    f->home = instance->home;
    if (!names || names->dtype != IV_U8 || !names->bytes || bytes[names->bytes - 1] || !missing ||
        missing->dtype != IV_U8 || !missing->bytes || codes[missing->bytes - 1])
        return refuse_file(f->home);
    for (size_t i = 0; i < names->bytes; i++)
        n += bytes[i] == 0;
    if (n < 2 || !scaling || scaling->dtype != IV_F64 || scaling->shape.rank != 2 ||
        scaling->shape.dim[0] != 2 || scaling->shape.dim[1] != n)
        return refuse_file(f->home);
    char *copy = iv__arena_get(&instance->arena, names->bytes);
    f->missing = iv__arena_text(&instance->arena, codes);
    if (!copy || !f->missing || set_room(f, &instance->arena, n))
        return IV_NOMEM;
    memcpy(copy, bytes, names->bytes);
    for (int64_t i = 0; i < n; i++, copy += strlen(copy) + 1)
        f->names[i] = copy;
    memcpy(f->mean, scaling->data, (size_t)n * sizeof(double));
    memcpy(f->deviation, (const double *)scaling->data + n, (size_t)n * sizeof(double));
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(f->mean[i]) || !isfinite(f->deviation[i]) || !(f->deviation[i] > 0))
            return refuse_file(f->home);
    f->n_inputs = (int)n - 1;
    return IV_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

iv_status iv__frame_match(const iv__frame *f, const iv__table *t, int *column, iv__text *note)
{
    for (int i = 0; i <= f->n_inputs; i++) {
        column[i] = iv__table_find(t, f->names[i]);
        if (column[i] < 0 && i < f->n_inputs)
            return refuse_column(f->home, t, "which the model reads", f->names[i]);
        iv_status status = column[i] < 0 ? IV_OK : iv__table_check(t, column[i]);
        if (status)
            return status;
        const int64_t missing = i < f->n_inputs ? iv__table_column(t, column[i])->missing : 0;
        if (missing)
            iv__text_print(note, "%s%s is missing in %lld rows (taken as its mean)",
                           note->size ? "; " : "", f->names[i], (long long)missing);
    }
    return IV_OK;
}

static iv_status find_columns(iv__frame *f, iv__instance *instance, const iv__frame_options *o,
                              bool restored)
{
    iv__text unused = { .home = f->home };
    iv_status status = IV_OK;

    if (!restored) {
        const int64_t most = (int64_t)iv__table_columns(f->table) + 1;
        f->column = iv__arena_get(&instance->arena, (size_t)most * sizeof *f->column);
        status = f->column ? set_room(f, &instance->arena, most) : IV_NOMEM;
        return status ? status : choose_columns(f->home, f->table, o, f->column, &f->n_inputs);
    }
    f->column = iv__arena_get(&instance->arena, (size_t)(f->n_inputs + 1) * sizeof *f->column);
    status = f->column ? iv__frame_match(f, f->table, f->column, &unused) : IV_NOMEM;
    iv__text_free(&unused);
    if (!status && f->column[f->n_inputs] < 0)
        status = refuse_column(f->home, f->table, "which the model predicts", f->names[f->n_inputs]);
    return status;
}

static iv_status open_table(iv__frame *f, iv__instance *instance, const iv__dataset *set,
                            const char *data, const iv__frame_options *o, bool restored, char *sha256)
{
    iv__text path = { .home = f->home };
    const iv__table_options options = { .separator = o->separator,
                                        .decimal = o->decimal,
                                        .missing = restored                      ? f->missing
                                                   : !strcmp(o->missing, "auto") ? NULL
                                                   : !strcmp(o->missing, "none") ? ""
                                                                                 : o->missing };
    iv_status status = iv__dataset_locate(f->home, set, data, &path);

    if (!status)
        status = iv__dataset_sha256(f->home, set, path.data ? path.data : "", sha256);
    if (!status) {
        f->table = iv__table_open(f->home, set, path.data ? path.data : "", &options);
        status = f->table ? IV_OK : iv_home_status(f->home);
    }
    if (!status && !restored) {
        f->missing = iv__arena_text(&instance->arena, iv__table_missing(f->table));
        status = f->missing ? IV_OK : IV_NOMEM;
    }
    iv__text_free(&path);
    return status;
}

/* Of a batch of the row that is farthest from the mean, squared and in deviations. */
static double worst_loss(const iv__frame *f)
{
    const int target = f->n_inputs;
    double worst = 0;

    for (int64_t i = 0; i < f->n[SPLIT_TRAIN]; i++) {
        const double y = iv__table_at(f->table, f->records[SPLIT_TRAIN][i], f->column[target]);
        const double z = (y - f->mean[target]) / f->deviation[target];
        worst = fmax(worst, z * z);
    }
    return worst;
}

iv_status iv__frame_open(iv__frame *f, iv__instance *instance, const iv__dataset *set,
                         const char *data, const iv__frame_options *o)
{
    const bool restored = f->n_inputs > 0;
    char *sha256 = iv__arena_get(&instance->arena, 65);
    iv__text report = { .home = instance->home }, note = { .home = instance->home };
    int64_t dropped = 0;

    f->home = instance->home;
    iv_status status = sha256 ? open_table(f, instance, set, data, o, restored, sha256) : IV_NOMEM;
    if (!status)
        status = find_columns(f, instance, o, restored);
    if (!status)
        status = split_rows(f, &instance->training, o->in_order, &dropped);
    if (!status && dropped)
        iv__text_print(&note, "%lld %s without %s dropped", (long long)dropped,
                       dropped == 1 ? "row" : "rows",
                       iv__table_column(f->table, f->column[f->n_inputs])->name);
    if (!status && !restored)
        status = fit(f, o, &instance->arena, &note);
    if (!status) {
        instance->trainee.worst_loss = worst_loss(f);
        status = keep(f, instance);
    }
    if (!status) {
        iv__table_report(f->table, &report);
        instance->data_sha256 = sha256;
        instance->data_report = report.failed ? NULL : iv__arena_text(&instance->arena, report.data);
        instance->data_note = note.failed
                                  ? NULL
                                  : iv__arena_text(&instance->arena, note.data ? note.data : "");
        status = instance->data_report && instance->data_note ? IV_OK : IV_NOMEM;
    }
    for (int s = 0; s < SPLITS; s++)
        instance->trainee.n_records[s] = f->n[s];
    iv__text_free(&report);
    iv__text_free(&note);
    return status;
}

void iv__frame_close(iv__frame *f)
{
    iv__table_free(f->table);
    for (int s = 0; f->home && s < SPLITS; s++)
        iv__free(f->home, f->records[s]);
}

/* ---- records --------------------------------------------------------------------------------- */

void iv__frame_inputs(const iv__frame *f, const iv__table *t, const int *column, int64_t row, double *x)
{
    for (int i = 0; i < f->n_inputs; i++) {
        const double value = iv__table_at(t, row, column[i]);
        x[i] = isnan(value) ? 0 : (value - f->mean[i]) / f->deviation[i];
    }
}

void iv__frame_fill(const iv__frame *f, iv__batch *batch, const iv__rows *rows)
{
    const int n = f->n_inputs;
    float *inputs = iv__batch_input(batch, IV__FRAME_INPUTS),
          *target = iv__batch_input(batch, IV__FRAME_TARGET),
          *weight = iv__batch_input(batch, IV__FRAME_WEIGHT);

    for (int64_t r = 0; r < rows->room; r++) {
        const bool there = r < rows->n && rows->record[r] >= 0;
        const int64_t row = there ? f->records[rows->split][rows->record[r]] : 0;

        weight[r] = there;
        for (int i = 0; i < n; i++) {
            const double value = there ? iv__table_at(f->table, row, f->column[i]) : NAN;
            inputs[r * n + i] = isnan(value) ? 0 : (float)((value - f->mean[i]) / f->deviation[i]);
        }
        target[r] = there ? (float)((iv__table_at(f->table, row, f->column[n]) - f->mean[n]) /
                                    f->deviation[n])
                          : 0;
    }
}
