/* run.h: a trained run, as `ivory train` leaves it: loaded, asked what it is, written with, saved. Of the
 * library ivory-io.
 *
 * Options are named fields: iv_run_write(run, sink, user, .prompt = "the fox", .n = 3). A field left zero
 * means its default. The macros are C's; from C++ call the functions whose names end in _with. */
#ifndef IVORY_RUN_H
#define IVORY_RUN_H

#include <ivory/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a run ----------------------------------------------------------------------------------- */
typedef struct iv_run iv_run;

/* path: the run's folder, or a model file of it alone. Options, weights and vocabulary come from the
 * file.
 * Errors    IO; FORMAT for what is no model or is damaged; UNSUPPORTED for another version's. */
IV_API iv_run *iv_run_load(iv_home *home, const char *path);
IV_API void iv_run_free(iv_run *run);
IV_API const char *iv_run_system(const iv_run *run); /* "recipes" */
IV_API const char *iv_run_model(const iv_run *run);  /* the family: "text" */
/* An option of the model or of its training as text ("units": "128"), lent until the run is freed; NULL
 * if there is none of that name. */
IV_API const char *iv_run_option(const iv_run *run, const char *name);
/* Its weights, lent; to be looked at, or changed and announced by iv_params_changed. */
IV_API iv_params *iv_run_params(iv_run *run);
/* A model file with the weights as they are now. Errors: IO. */
IV_API iv_status iv_run_save(const iv_run *run, const char *path);

/* ---- texts ----------------------------------------------------------------------------------- */
typedef struct iv_write_options {
    size_t size;        /* sizeof(iv_write_options) */
    const char *prompt; /* UTF-8; how each text begins */
    int64_t n;          /* texts; 0: 1 */
    int64_t length;     /* most tokens behind the prompt; 0: 100 */
    int64_t seed;       /* the same one writes the same texts */
    double temperature; /* below 1 safer, above 1 bolder; 0: 1 */
    bool likeliest;     /* draw nothing: always the likeliest token */
    int64_t top_k;      /* draw among the k likeliest; 0: all */
    double top_p;       /* among the likeliest that together have this probability; 0: all */
    double repetition;  /* divides the chance of tokens that stand there already; 0: 1, off */
    int64_t sentences;  /* end with so many; 0: off */
    int n_stops;        /* end before any of these texts */
    const char *const *stops;
} iv_write_options;

/* Called with each finished text, in order; it is lent for the call. */
typedef void iv_text_sink(void *user, int64_t number, const char *text, size_t size);

/* Errors    UNSUPPORTED for a run that writes no text; VALUE for a prompt that it can make nothing of,
 *           and for options out of range. */
IV_API iv_status iv_run_write_with(iv_run *run, iv_text_sink *sink, void *user,
                                   const iv_write_options *options);
#define iv_run_write(run, sink, user, ...) \
    iv_run_write_with(run, sink, user,     \
                      &(iv_write_options){ .size = sizeof(iv_write_options), __VA_ARGS__ })
/* One text into a buffer, terminated, as much of it as fits. Returns the bytes that all of it has, or -1
 * when it failed. */
IV_API int64_t iv_run_text_with(iv_run *run, char *text, size_t size, const iv_write_options *options);
#define iv_run_text(run, text, bytes, ...) \
    iv_run_text_with(run, text, bytes,     \
                     &(iv_write_options){ .size = sizeof(iv_write_options), __VA_ARGS__ })

/* ---- writing together: a text that grows from both sides --------------------------------------- */
typedef struct iv_writer iv_writer;

/* Takes temperature, likeliest, top_k, top_p and seed from the options, and the prompt as the beginning.
 * Errors    VALUE for an option out of its range; FORMAT for a prompt that is no UTF-8. */
IV_API iv_writer *iv_writer_new_with(iv_run *run, const iv_write_options *options);
#define iv_writer_new(run, ...) \
    iv_writer_new_with(run, &(iv_write_options){ .size = sizeof(iv_write_options), __VA_ARGS__ })
IV_API void iv_writer_free(iv_writer *writer);
/* Adds to the text, exactly as it stands: blanks are the caller's.
 * Errors    FORMAT for what is no UTF-8: nothing is added then. */
IV_API iv_status iv_writer_feed(iv_writer *writer, const char *text);
/* All of the text, lent until the next call. */
IV_API const char *iv_writer_text(const iv_writer *writer);
/* Takes the text back to its first `size` bytes, which may end within a character. Errors: VALUE beyond the text. */
IV_API iv_status iv_writer_back(iv_writer *writer, size_t size);

/* A piece that may follow, with the blanks it brings, and its probability at the temperature. The end of
 * the text is "". */
typedef struct iv_next {
    const char *piece;
    double probability;
} iv_next;
/* The n likeliest, lent until the next call. Returns how many there are, or -1 when it failed; none
 * before the first word of a model that only continues texts. */
IV_API int iv_writer_likeliest(iv_writer *writer, int n, iv_next next[]);
/* Writes a word on. Returns what was added, lent until the next call; "" where the model ends the text;
 * NULL when it failed: VALUE before the first word of a model that only continues texts. */
IV_API const char *iv_writer_draw(iv_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
