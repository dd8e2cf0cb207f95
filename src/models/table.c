/* table: predicts a column of numbers from the others of its row: regression by a small dense network.
 * Source: benzene is the regression of Gulli and Pal, Deep Learning with Keras, chapter 7, on the data of De Vito
 * et al. 2008, On field calibration of an electronic nose for benzene estimation. */
#include "base/home.h"
#include "models/common_forecast.h"
#include "models/common_frame.h"
#include "models/common_linear.h"

#include <math.h>
#include <string.h>

typedef struct table {
    const char *target, *ignore, *missing;
    int separator, decimal, split, scaling, activation;
    int64_t units, layers;
    double sparse, dropout;
} table;

enum { SPLIT_RANDOM, SPLIT_IN_ORDER };
enum { SCALING_TRAINING, SCALING_ALL };

/* clang-format off */
static const iv_field table_fields[] = {
    FIELD(table, target,     TEXT,   "",         0, 0,     "",                          "NAME", "the column that is predicted"),
    FIELD(table, ignore,     TEXT,   "",         0, 0,     "",                          "NAMES", "columns that are left out, commas between"),
    FIELD(table, missing,    TEXT,   "auto",     0, 0,     "",                          "CODES", "what stands for a missing value besides empty cells, NA, NaN and the like, commas between; auto: what the data set says; none: nothing"),
    FIELD(table, sparse,     REAL,   "0.5",      0, 1,     "",                          "",     "a column is left out where more than this share of the training rows lacks it; else its mean stands in"),
    FIELD(table, separator,  CHOICE, "auto",     0, 0,     "auto comma semicolon tab bar", "",  "what stands between fields; auto: what stands most often in the header"),
    FIELD(table, decimal,    CHOICE, "auto",     0, 0,     "auto point comma",          "",     "the decimal mark; auto: that of the first number that has one"),
    FIELD(table, split,      CHOICE, "random",   0, 0,     "random order",              "",     "rows for validation and test: at random; order: the last ones, for what was measured over time"),
    FIELD(table, scaling,    CHOICE, "training", 0, 0,     "training all",              "",     "whose mean and deviation make the units: the training rows, or all, test included"),
    FIELD(table, units,      INT,    "8",        1, 65536, "",                          "",     "width of each hidden layer"),
    FIELD(table, layers,     INT,    "1",        0, 64,    "",                          "",     "hidden layers; 0: a linear model"),
    FIELD(table, activation, CHOICE, "relu",     0, 0,     "relu tanh sigmoid elu selu silu gelu", "", "of the hidden layers"),
    FIELD(table, dropout,    REAL,   "0",        0, 0.99,  "",                          "",     "share of each hidden layer's outputs that is dropped in training"),
    FIELD_END,
};
/* clang-format on */

typedef struct table_state {
    iv__frame frame;
} table_state;

/* ---- graph ----------------------------------------------------------------------------------- */

/* inputs [N,F] -> [N,1] */
static iv_node *network(iv_scope *s, iv_node *inputs, const table *o)
{
    static const iv_activation activations[] = { IV_RELU, IV_TANH, IV_SIGMOID, IV_ELU,
                                                 IV_SELU, IV_SILU, IV_GELU };
    iv_node *x = inputs;

    for (int64_t i = 0; i < o->layers; i++) {
        x = iv_dense(s, x, .units = o->units, .activation = activations[o->activation]);
        if (o->dropout > 0)
            x = iv_dropout(s, x, o->dropout);
    }
    return iv_dense(s, x, .units = 1);
}

/* Described without data: as of air-quality, one column of which is sparse where -200 is no number. */
static int64_t input_count(const iv__instance *instance)
{
    const table_state *state = instance->state;

    return state->frame.n_inputs ? state->frame.n_inputs : instance->as_printed ? 12 : 11;
}

static iv_status table_build(void *self, iv__build *b)
{
    const iv__instance *instance = self;
    const iv_dtype real = iv_graph_real(b->graph);
    iv_node *inputs = iv_input(b->graph, IV__FRAME_INPUTS, real,
                               iv_dims(b->batch, input_count(instance)));
    iv_node *target = iv_input(b->graph, IV__FRAME_TARGET, real, iv_dims(b->batch, 1));
    iv_node *weight = iv_input(b->graph, IV__FRAME_WEIGHT, real, iv_dims(b->batch));
    iv_node *y = network(b->scope, inputs, instance->options);

    b->n_parts = 1;
    b->parts[0] = (iv__trained_part){ .name = "",
                                      .changes = "",
                                      .loss = iv_mean_squared_error(y, target, weight),
                                      .weight = iv_sum_all(weight) };
    return iv_graph_status(b->graph);
}

/* ---- predicting ------------------------------------------------------------------------------ */

enum { TOGETHER = 256 };

/* Rows of a table, in the units of the target. */
static iv_status run_network(const iv__instance *instance, iv_params *params, const iv__table *data,
                             const int *column, iv__forecast *f)
{
    const iv__frame *frame = &((const table_state *)instance->state)->frame;
    const int n = frame->n_inputs;
    iv_graph *graph = iv_graph_new(instance->home);
    double *x = iv__alloc_array(instance->home, n, sizeof *x);
    iv_status status = graph && x ? IV_OK : IV_NOMEM;
    iv_plan *plan = NULL;

    if (!status) {
        iv_node *inputs = iv_input(graph, IV__FRAME_INPUTS, iv_graph_real(graph), iv_dims(TOGETHER, n));
        iv_node *output = network(iv_scope_new(graph, params, ""), inputs, instance->options);
        plan = iv_plan_new(instance->home, 1, &output, 0, NULL);
        status = plan ? iv_params_bind(params, plan) : iv_home_status(instance->home);
    }
    float *to = status ? NULL : iv_plan_input(plan, IV__FRAME_INPUTS);
    if (!status && !to)
        status = IV_NOMEM;
    for (int64_t first = 0; first < f->n && !status; first += TOGETHER) {
        const int64_t count = f->n - first < TOGETHER ? f->n - first : TOGETHER;
        for (int64_t r = 0; r < count; r++) {
            iv__frame_inputs(frame, data, column, f->row[first + r] - 1, x);
            for (int i = 0; i < n; i++)
                to[r * n + i] = (float)x[i];
        }
        status = iv_plan_run(plan);
        const float *y = status ? NULL : iv_plan_output(plan, 0);
        for (int64_t r = 0; r < count && y; r++)
            f->predicted[first + r] = y[r] * frame->deviation[n] + frame->mean[n];
    }
    iv_plan_free(plan);
    iv_graph_free(graph);
    iv__free(instance->home, x);
    return status;
}

/* Least squares over the training rows, of the same inputs. */
static iv_status run_linear(const iv__frame *frame, iv__forecast *f)
{
    const int n = frame->n_inputs;
    iv__linear linear;
    double *x = iv__alloc_array(frame->home, n, sizeof *x);
    iv_status status = x ? iv__linear_begin(frame->home, n, &linear) : IV_NOMEM;

    for (int64_t i = 0; i < frame->n[SPLIT_TRAIN] && !status; i++) {
        const int64_t row = frame->records[SPLIT_TRAIN][i];
        iv__frame_inputs(frame, frame->table, frame->column, row, x);
        iv__linear_add(&linear, x,
                       (iv__table_at(frame->table, row, frame->column[n]) - frame->mean[n]) /
                           frame->deviation[n]);
    }
    if (!status)
        iv__linear_solve(&linear);
    for (int64_t i = 0; i < f->n && !status; i++) {
        iv__frame_inputs(frame, frame->table, frame->column, f->row[i] - 1, x);
        f->linear[i] = iv__linear_value(&linear, x) * frame->deviation[n] + frame->mean[n];
    }
    if (x && !status)
        iv__linear_free(&linear);
    iv__free(frame->home, x);
    return status;
}

static iv_status predict_split(const iv__instance *instance, iv_params *params, iv__split split,
                               iv__forecast *f)
{
    const iv__frame *frame = &((const table_state *)instance->state)->frame;
    const int n = frame->n_inputs;
    iv_status status = iv__forecast_new(instance->home, frame->names[n], frame->n[split], true, f);

    for (int64_t i = 0; !status && i < f->n; i++) {
        f->row[i] = frame->records[split][i] + 1;
        f->actual[i] = iv__table_at(frame->table, f->row[i] - 1, frame->column[n]);
    }
    if (!status)
        status = run_network(instance, params, frame->table, frame->column, f);
    return status ? status : run_linear(frame, f);
}

static iv__table_options reading_of(const table *o)
{
    static const char separators[] = { 0, ',', ';', '\t', '|' };

    return (iv__table_options){ .separator = separators[o->separator], .decimal = o->decimal };
}

static iv_status predict_file(const iv__instance *instance, iv_params *params, const char *path,
                              iv__forecast *f, iv__text *note)
{
    const iv__frame *frame = &((const table_state *)instance->state)->frame;
    iv__table_options options = reading_of(instance->options);
    iv_home *home = instance->home;
    iv__text found = { .home = home };
    int *column = iv__alloc_array(home, frame->n_inputs + 1, sizeof *column);
    iv_status status = column ? iv__dataset_locate(home, &iv__dataset_table, path, &found) : IV_NOMEM;

    options.missing = frame->missing;
    iv__table *data = status ? NULL : iv__table_open(home, &iv__dataset_table, found.data, &options);
    if (!status)
        status = data ? iv__frame_match(frame, data, column, note) : iv_home_status(home);
    if (!status)
        status = iv__forecast_new(home, frame->names[frame->n_inputs], iv__table_rows(data), false, f);
    for (int64_t i = 0; !status && i < f->n; i++) {
        const int target = column[frame->n_inputs];
        f->row[i] = i + 1;
        f->actual[i] = target < 0 ? NAN : iv__table_at(data, i, target);
    }
    if (!status)
        status = run_network(instance, params, data, column, f);
    iv__table_free(data);
    iv__free(home, column);
    iv__text_free(&found);
    return status;
}

static iv_status table_predict(iv__instance *instance, iv_params *params, const char *path,
                               iv__split split, iv__forecast *f, iv__text *note)
{
    *f = (iv__forecast){ 0 };
    iv_status status = path ? predict_file(instance, params, path, f, note)
                            : predict_split(instance, params, split, f);
    if (status)
        iv__forecast_free(f);
    return status;
}

/* ---- for other programs ---------------------------------------------------------------------- */

/* A list of numbers [n]. */
static iv_node *numbers(iv_graph *graph, int n, const double *value)
{
    if (n == 1)
        return iv_fill(graph, iv_dims(1), value[0]);
    return iv_concat(2,
                     (iv_node *[]){ numbers(graph, n / 2, value),
                                    numbers(graph, n - n / 2, value + n / 2) },
                     0);
}

/* "columns" [N,F], in their own units, NaN where a value is missing -> "predicted" [N,1], in the target's. */
static iv_node *table_evaluate(const iv__instance *instance, iv_scope *scope, int64_t batch,
                               const char **name)
{
    const iv__frame *frame = &((const table_state *)instance->state)->frame;
    const int n = frame->n_inputs;
    iv_graph *graph = iv_scope_graph(scope);
    iv_node *columns = iv_input(graph, "columns", iv_graph_real(graph), iv_dims(batch, n));
    iv_node *x = iv_div(iv_sub(columns, numbers(graph, n, frame->mean)),
                        numbers(graph, n, frame->deviation));

    *name = "predicted";
    x = iv_select(iv_is_finite(x), x, iv_like(x, 0));
    return iv_shift(iv_scale(network(scope, x, instance->options), frame->deviation[n]),
                    frame->mean[n]);
}

/* ---- data ------------------------------------------------------------------------------------ */

static iv_status fill(const void *self, iv__batch *batch, const iv__rows *rows)
{
    iv__frame_fill(&((const table_state *)((const iv__instance *)self)->state)->frame, batch, rows);
    return IV_OK;
}

static void say_where(const void *self, iv__split split, int64_t record, iv__text *text)
{
    const iv__frame *frame = &((const table_state *)((const iv__instance *)self)->state)->frame;

    iv__text_print(text, "row %lld", (long long)frame->records[split][record] + 1);
}

static iv_status table_open_data(iv__instance *instance, const iv__dataset *set, const char *data)
{
    const table *o = instance->options;
    const iv__table_options reading = reading_of(o);

    instance->trainee.fill = fill;
    instance->trainee.say_where = say_where;
    return iv__frame_open(&((table_state *)instance->state)->frame, instance, set, data,
                          &(iv__frame_options){ .target = o->target,
                                                .ignore = o->ignore,
                                                .missing = o->missing,
                                                .separator = reading.separator,
                                                .decimal = reading.decimal,
                                                .in_order = o->split == SPLIT_IN_ORDER,
                                                .all_rows = o->scaling == SCALING_ALL,
                                                .sparse = o->sparse });
}

static iv_status table_restore(iv__instance *instance, const iv__safetensors *file)
{
    return iv__frame_restore(&((table_state *)instance->state)->frame, instance, file);
}

static void table_close(iv__instance *instance)
{
    iv__frame_close(&((table_state *)instance->state)->frame);
}

static void table_about(const iv__instance *instance, iv__text *text)
{
    const iv__frame *frame = &((const table_state *)instance->state)->frame;

    iv__text_print(text, "  %-32s %20s %14s\n", "Column", "Mean", "Deviation");
    for (int i = 0; i <= frame->n_inputs; i++)
        iv__text_print(text, "  %-32s %20.6g %14.6g%s\n", frame->names[i], frame->mean[i],
                       frame->deviation[i], i == frame->n_inputs ? "  is predicted" : "");
    if (*frame->missing)
        iv__text_print(text, "  Missing values are written %s\n", frame->missing);
}

/* ---- systems --------------------------------------------------------------------------------- */

/* As printed: -200 is a number like others, and so the test rows scale the training rows, too. The chapter's picture,
 * in which values are divided by the mean where it should be added, is not drawn. */
static const iv__system table_systems[] = {
    { "benzene", "the concentration of benzene in the air, from cheap sensors", "air-quality",
      "target=C6H6(GT) split=order validation=0.14 test=0.3 units=32 layers=2 activation=gelu "
      "batch=10 epochs=100 patience=15",
      "missing=none scaling=all units=8 layers=1 activation=relu epochs=20 patience=0 seed=1", NULL },
    { "table", "a column of numbers of a table of your own, from the others (--data FILE --target NAME)",
      "table", "units=32 layers=2 batch=32 epochs=200 patience=20 validation=0.15 test=0.15", NULL,
      NULL },
    { .name = NULL },
};

const iv__model iv__model_table = {
    .name = "table",
    .says = "a dense network that predicts a column of a table",
    .fields = table_fields,
    .options_size = sizeof(table),
    .state_size = sizeof(table_state),
    .systems = table_systems,
    .open_data = table_open_data,
    .restore = table_restore,
    .close = table_close,
    .build = table_build,
    .predict = table_predict,
    .about = table_about,
    .evaluate = table_evaluate,
};
