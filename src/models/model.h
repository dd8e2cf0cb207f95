/* model.h: a generative model, its options, and an instance of it: options, data and what a saved
 * file carries.
 *
 * One model per file: NAME.c defines iv__model_NAME; the registry lists them. Models never see
 * each other. */
#ifndef IV_MODELS_MODEL_H
#define IV_MODELS_MODEL_H

#include "data/dataset.h"
#include "train/loop.h"

/* Of saved files; a file of another format is refused by name. */
#define IV__MODEL_FORMAT "1"

typedef struct iv__model iv__model;
typedef struct iv__instance iv__instance;
struct iv__language;
struct iv__cut;
struct iv__palette;
struct iv__forecast;
struct iv__talk;

/* A name for a model family with options and a data set. Settings are blank-separated
 * name=value, of the model's fields, then of training. */
typedef struct iv__system {
    const char *name, *says; /* NULL ends a list */
    const char *data;        /* name of its data set */
    const char *settings;
    const char *printed; /* further settings of --as-printed: the chapter's figures with its faults; NULL: none */
    const char *prompts; /* for figures and samples, '\n' between; NULL: none */
} iv__system;

/* ---- generating ------------------------------------------------------------------------------ */
typedef struct iv__generation {
    int64_t n, length, seed;
    double temperature; /* 0: the likeliest */
    int64_t top_k;      /* 0: all */
    double top_p;       /* 1: all */
    double repetition;  /* > 1 makes tokens that stand in the text already less likely; 1: off */
    const char *prompt; /* UTF-8; "" */
    int64_t sentences;  /* a sample ends with so many; 0: off */
    int64_t beam;       /* > 0: no drawing, the n best that a search keeping so many finds */

    /* What no table of options has. */
    int64_t n_prompts; /* n samples of each of these in place of `prompt`; 0: off */
    const char *const *prompts;
    int n_stops; /* a sample ends before any of these texts */
    const char *const *stops;
    bool scored;        /* samples have scores */
    bool (*stop)(void); /* asked before each token: end with STOPPED; NULL: nobody stops it */
} iv__generation;
extern const iv_field iv__generation_fields[];

/* What the model itself, at temperature 1, thought of a token as the next one. */
typedef struct iv__score {
    double log_probability; /* natural */
    int64_t rank;           /* 1: the likeliest; equal ones share the better */
} iv__score;

/* A finished sample. */
typedef struct iv__sample {
    int64_t number, prompt; /* from 0; of the prompt's samples, and of the prompts */
    const char *text; /* prompt included, as a person reads it; it may hold less than its tokens */
    size_t size;      /* of the text, which may hold zero bytes if its tokens do */
    const int32_t *id;
    int64_t n_prompt, n;               /* the first ids are the prompt's, the other n were chosen */
    const iv__score *score;            /* [n], or NULL */
    bool ended;                        /* by an end, not by its length */
    double log_probability, per_token; /* of a beam search: of all n and the end, and their mean; else NAN */
} iv__sample;
typedef void iv__sample_sink(void *user, const iv__sample *sample);

/* ---- a model --------------------------------------------------------------------------------- */
typedef struct iv__measure {
    const char *name; /* "perplexity" */
    double value;
} iv__measure;
enum { IV__MAX_MEASURES = 32 };

/* Numbers whose distribution is to be seen; `value` is the caller's to free. */
typedef struct iv__spread {
    const char *name;
    double *value;
    int64_t n;
} iv__spread;
enum { IV__MAX_SPREADS = 4 };

struct iv__model {
    const char *name, *says;
    const iv_field *fields;
    size_t options_size, state_size;
    const iv__system *systems; /* ends with name NULL */

    /* Opens the data (path: what --data named, or NULL) and fills in instance->trainee, all but
     * pairs. */
    iv_status (*open_data)(iv__instance *instance, const iv__dataset *set, const char *path);
    /* The state that generating needs, from a saved file. */
    iv_status (*restore)(iv__instance *instance, const iv__safetensors *file);
    void (*close)(iv__instance *instance);
    /* As iv__trainee's build; works without data too (for `info`): sizes then come from the
     * options. */
    iv_status (*build)(void *instance, iv__build *build);
    /* Field's metrics from a mean loss over a split, and the sum of weights it is a mean over. The
     * data are open. Returns how many; -1: a failure. */
    int (*measures)(const iv__instance *instance, iv__split split, double loss, double weight,
                    iv__measure measure[IV__MAX_MEASURES]);
    /* Further measures of a split, for which the network is run; parameters must be loaded and the data open.
     * Returns how many, or -1: the home has the message. NULL: none. */
    int (*examine)(iv__instance *instance, iv_params *params, iv__split split,
                   iv__measure measure[IV__MAX_MEASURES]);
    /* What `plot` draws the distributions of; parameters must be loaded and the data open. *says: what they are.
     * Returns how many, or -1: the home has the message. NULL: none. */
    int (*spreads)(iv__instance *instance, iv_params *params, const char **says,
                   iv__spread spread[IV__MAX_SPREADS]);
    /* Draws samples; parameters must be loaded.
     * Errors: VALUE for a prompt it can make nothing of. note: receives what a person should
     * know (unknown words), or "". */
    iv_status (*sample)(iv__instance *instance, iv_params *params, const iv__generation *g,
                        iv__sample_sink *sink, void *user, iv__text *note);
    /* What is asked of a model that writes text token by token (models/common_writing.h); NULL:
     * it writes none. */
    void (*language)(const iv__instance *instance, struct iv__language *language);
    /* The texts that the open data are, and how they are cut; NULL: they are no texts. */
    const struct iv__cut *(*cut)(const iv__instance *instance);
    /* What is asked of a model that paints pixel by pixel (models/common_painter.h); NULL: it paints none. */
    void (*palette)(const iv__instance *instance, struct iv__palette *palette);
    /* Predicts a column of a table (models/common_forecast.h), of each row of a file, or (path NULL) of the rows of
     * a split of the open data. Fills in the forecast, which is the caller's to free. note: as of `sample`. NULL: it
     * predicts none. */
    iv_status (*predict)(iv__instance *instance, iv_params *params, const char *path,
                         iv__split split, struct iv__forecast *forecast, iv__text *note);
    /* Lines on what was restored or opened besides options, for `info`; NULL: there is nothing to say. */
    void (*about)(const iv__instance *instance, iv__text *text);
    /* What it computes once it is trained, from inputs of its own, for whoever writes that graph in another form
     * (models/common_trained.h); *name: of the output. NULL: `language` or `palette` tell it, or it is not written. */
    iv_node *(*evaluate)(const iv__instance *instance, iv_scope *scope, int64_t batch,
                         const char **name);
    const struct iv__talk *talk; /* it answers what a person types (models/common_talk.h); NULL: it does not */
};

struct iv__instance {
    iv_home *home;
    const iv__model *model;
    const iv__system *system;
    bool as_printed;
    void *options; /* of model->fields */
    iv__settings training;
    iv__arena arena;
    void *state;             /* the model's own */
    iv__trainee trainee;     /* self is the instance */
    const char *data;        /* name of the data set: the system's, or another */
    const char *data_sha256; /* of the data file; "" before open_data */
    const char *data_report; /* how many records, and what was dropped */
    const char *data_note;   /* "" or what a person should know of the data */
};

/* Options by the system's settings (and the printed ones). NULL with a message when memory is
 * out or a setting is wrong. */
iv__instance *iv__instance_new(iv_home *home, const iv__model *model, const iv__system *system,
                               bool as_printed);
void iv__instance_free(iv__instance *instance);
/* One option of the model or of training, from text.
 * Errors: NAME (with the nearest name), VALUE. */
iv_status iv__instance_set(iv__instance *instance, const char *name, const char *value);
/* Fills instance->trainee.pairs: what a saved file says of itself. To be called after open_data
 * and before training. */
iv_status iv__instance_describe(iv__instance *instance);
/* Sets every option from what a saved file says. */
iv_status iv__instance_read(iv__instance *instance, const iv__safetensors *file);
/* Refuses a checkpoint that was made with other options or data: VALUE, naming the first that
 * differs. Epochs and steps may. */
iv_status iv__instance_matches(const iv__instance *instance, const iv__safetensors *file);
/* Builds the model once and makes its parameters, initialised. */
iv_status iv__instance_make_params(iv__instance *instance, iv_params *params);

#endif
