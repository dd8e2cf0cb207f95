/* common_manuscript.h: what a person and models write together: a tree of pieces, each with who wrote
 * it. Taking back and writing on in another way makes a branch; nothing is lost. */
#ifndef IV_MODELS_COMMON_MANUSCRIPT_H
#define IV_MODELS_COMMON_MANUSCRIPT_H

#include "base/arena.h"
#include "base/text.h"

/* Written to files as "typed", "chosen", "drawn". */
#define IV__HOW_MAP(XX)                                       \
    XX(TYPED, "typed")   /* by the person */                  \
    XX(CHOSEN, "chosen") /* a model's, the person's choice */ \
    XX(DRAWN, "drawn")   /* by a model */

typedef enum iv__how {
#define IV__HOW(name, text) IV__##name,
    IV__HOW_MAP(IV__HOW)
#undef IV__HOW
} iv__how;
const char *iv__how_name(iv__how how);

typedef struct iv__piece {
    int32_t before;   /* the piece that it stands behind; 0: the beginning */
    const char *text; /* as it stands in the text, blanks included */
    iv__how how;
    int32_t run;        /* whose probability it is, of the manuscript's runs; -1: none */
    double probability; /* by that run at temperature 1; NAN: not known */
    int64_t rank;       /* of a piece of one token; 0: not known */
    bool begins;        /* an action: what is taken back at once */
    int32_t last;       /* private: the piece behind it that one was at last; 0: none */
} iv__piece;

enum { IV__PIECES_MAX = 1 << 20 };
enum { IV__RUNS_MAX = 8 }; /* that write into one manuscript */

typedef struct iv__manuscript {
    iv_home *home;
    iv__arena arena;
    iv__piece *pieces; /* [0] is the beginning, with no text */
    int32_t count, room, here;
    const char *runs[IV__RUNS_MAX];
    int n_runs;
    double temperature;
    int64_t top_k, draws; /* how the writing goes on; random draws that were made */
} iv__manuscript;

iv_status iv__manuscript_new(iv_home *home, iv__manuscript *m);
void iv__manuscript_free(iv__manuscript *m);
/* The number of a run by its name, which is added if it is new. Errors: VALUE for too many. */
iv_status iv__manuscript_run(iv__manuscript *m, const char *name, int32_t *run);

/* Writes on, behind `here`; the text is copied, `before` and `last` are set. */
iv_status iv__manuscript_add(iv__manuscript *m, const iv__piece *piece);
/* The last piece loses the blank that it begins with, unless a person typed it or something stands
 * behind it: false then. */
bool iv__manuscript_glue(iv__manuscript *m);

/* Back to before the last action, or by so many pieces (> 0); forward again, the way one came.
 * Returns by how many pieces. */
int64_t iv__manuscript_undo(iv__manuscript *m, int64_t pieces);
int64_t iv__manuscript_redo(iv__manuscript *m, int64_t pieces);

/* Branches by the number of their last piece, as they were begun. Returns how many. */
int32_t iv__manuscript_branches(const iv__manuscript *m, int32_t *last, int32_t most);
/* The last piece that all branches share. */
int32_t iv__manuscript_fork(const iv__manuscript *m);
void iv__manuscript_go(iv__manuscript *m, int32_t piece);

/* The text from behind `from` (0: all) to `to`. */
void iv__manuscript_text(const iv__manuscript *m, int32_t from, int32_t to, iv__text *text);

/* ---- its file (JSON) ------------------------------------------------------------------------- */
void iv__manuscript_print(const iv__manuscript *m, iv__text *text);
iv_status iv__manuscript_save(const iv__manuscript *m, const char *path);
/* Errors: IO; FORMAT with line and column for what is no manuscript. */
iv_status iv__manuscript_open(iv_home *home, const char *path, iv__manuscript *m);
iv_status iv__manuscript_read(iv_home *home, const char *name, const void *bytes, size_t size,
                              iv__manuscript *m);
/* Who wrote which word of the text that ends `here`: a table with tabs. */
void iv__manuscript_record(const iv__manuscript *m, iv__text *table);

#endif
