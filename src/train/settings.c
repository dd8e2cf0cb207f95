/* settings.c: the table of training options, and what follows from them. */
#include "train/settings.h"

/* clang-format off */
const iv_field iv__settings_fields[] = {
    FIELD(iv__settings, epochs,          INT,  "25",    1, 1e6,  "", "",        "times through the training records, in all"),
    FIELD(iv__settings, epoch_steps,     INT,  "0",     0, 1e12, "", "steps",   "what is called an epoch: so many steps; 0: once through the records"),
    FIELD(iv__settings, steps,           INT,  "0",     0, 1e12, "", "steps",   "stop after this many steps in all; 0: by epochs"),
    FIELD(iv__settings, batch,           INT,  "32",    1, 65536,"", "records", "records in a step"),
    FIELD(iv__settings, micro_batch,     INT,  "0",     0, 65536,"", "records", "so many records of a step at a time, whose gradients are added up, for less memory; 0: as is fastest"),
    FIELD(iv__settings, seed,            INT,  "42",    0, 1e15, "", "",        "decides every random number"),
    FIELD(iv__settings, optimizer,       CHOICE, "adam", 0, 0, "sgd rmsprop adam adamw", "", "how gradients change parameters"),
    FIELD(iv__settings, rate,            REAL, "0.001", 0, 1e9,  "", "",        "learning rate"),
    FIELD(iv__settings, momentum,        REAL, "0",     0, 0.9999,    "", "",        "of sgd and rmsprop"),
    FIELD(iv__settings, nesterov,        BOOL, "no",    0, 0,    "", "",        "sgd: look ahead along the momentum"),
    FIELD(iv__settings, weight_decay,    REAL, "0.004", 0, 10,   "", "",        "of adamw"),
    FIELD(iv__settings, schedule,        CHOICE, "constant", 0, 0, "constant exponential cosine stairs linear", "", "how the rate falls"),
    FIELD(iv__settings, schedule_steps,  INT,  "0",     0, 1e9,  "", "",        "length of a fall; 0: the whole training"),
    FIELD(iv__settings, schedule_hold,   INT,  "0",     0, 1e9,  "", "",        "how long the rate stays before it falls"),
    FIELD(iv__settings, schedule_unit,   CHOICE, "steps", 0, 0, "steps epochs", "", "what these lengths are counted in"),
    FIELD(iv__settings, schedule_factor, REAL, "0.1",   0, 1,    "", "",        "what a fall leaves of the rate"),
    FIELD(iv__settings, warmup,          INT,  "0",     0, 1e9,  "", "steps",   "linear rise of the rate from 0"),
    FIELD(iv__settings, clip_norm,       REAL, "0",     0, 1e9,  "", "",        "largest norm of all gradients together; 0: off"),
    FIELD(iv__settings, clip_value,      REAL, "0",     0, 1e9,  "", "",        "largest element of a gradient; 0: off"),
    FIELD(iv__settings, average,         REAL, "0",     0, 0.999999,  "", "",       "share that an average of the weights keeps at each step; it is what is evaluated and kept as the model; 0: off"),
    FIELD(iv__settings, validation,      REAL, "0.1",   0, 0.9,  "", "",        "share of the records kept for validation"),
    FIELD(iv__settings, test,            REAL, "0.1",   0, 0.9,  "", "",        "share of the records kept for the test"),
    FIELD(iv__settings, precision,       CHOICE, "f32", 0, 0, "f32 bf16", "", "of products: f32, or operands rounded to bf16 and sums in f32"),
    FIELD(iv__settings, patience,        INT,  "0",     0, 1e6,  "", "epochs",  "stop when validation has not improved for so long; 0: never"),
    FIELD_END,
};
/* clang-format on */

enum { UNIT_STEPS, UNIT_EPOCHS };

iv_optimizer iv__settings_optimizer(const iv__settings *s)
{
    const bool decays = s->optimizer ==
                        IV_ADAMW; /* the others have none; there 0 is said, as 0 alone is a default */
    const double decay = decays && s->weight_decay > 0 ? s->weight_decay : (double)IV_ZERO;

    return iv_optimizer_of(.kind = (iv_optimizer_kind)s->optimizer, .rate = s->rate,
                           .momentum = s->momentum, .nesterov = s->nesterov, .weight_decay = decay,
                           .clip_norm = s->clip_norm, .clip_value = s->clip_value,
                           .average = s->average);
}

double iv__settings_rate(const iv__settings *s, int64_t step, int64_t total, int64_t per_epoch)
{
    int64_t unit = s->schedule_unit == UNIT_EPOCHS ? per_epoch : 1, hold = s->schedule_hold * unit;
    int64_t steps = s->schedule_steps ? s->schedule_steps * unit : total - s->warmup - hold;
    iv_schedule schedule = { .kind = (iv_schedule_kind)s->schedule,
                             .steps = steps,
                             .factor = s->schedule_factor,
                             .warmup = s->warmup,
                             .hold = hold };

    return iv_schedule_rate(&schedule, s->rate, step);
}
