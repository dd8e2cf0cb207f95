/* dataset.h: named data sets, and their records as text (data sets of pictures: pictures.h, of numbers:
 * table.h). A data set is one file, sets/NAME.c, that defines iv__dataset_NAME ('_' for '-'); the registry lists them. */
#ifndef IV_DATA_DATASET_H
#define IV_DATA_DATASET_H

#include "base/field.h"
#include "format/source.h"

typedef struct iv__records iv__records;
struct iv__pictures;
struct iv__table;

typedef struct iv__dataset {
    const char *name, *says, *licence;
    const char *home_page; /* where it is described; "" where there is none */
    const char *download;  /* the official address; "" where there is none */
    /* As iv__dataset_sha256 gives it, of the .gz that the figures were measured with; "" where no
     * matter. */
    const char *sha256;
    /* Below the root that holds data sets: "recipes/full_format_recipes.json"; the same with .gz
     * behind it is found too. NULL: the data are a person's own, or built in. */
    const char *file;
    const char *const *beside; /* names of further files in its folder, NULL at the end; NULL: none */
    const unsigned char *asset; /* data that are built in; NULL: they lie in files */
    const unsigned long *asset_size;
    bool folders;           /* the data may be a folder: `source` is NULL then */
    const iv_field *fields; /* its options; NULL: none */
    size_t options_size;    /* bytes of the option struct; 0 without fields */

    /* Called by iv__records_open with home, source, name and options set. */
    iv_status (*open)(iv__records *records);
    /* Puts the next record, or the next piece of a record (continues), into records->text, which
     * it finds empty; sets `ended` at the end. Counts what it saw and dropped. */
    iv_status (*next)(iv__records *records);
    void (*close)(iv__records *records); /* NULL: nothing but `text` to free */

    /* Of a data set of pictures, in place of these three (pictures_parts.h): adds all of them and
     * their classes. */
    iv_status (*pictures)(struct iv__pictures *pictures, const char *path);
    /* Of a table of numbers (table_parts.h): reads it. */
    iv_status (*table)(struct iv__table *table, const char *path);
} iv__dataset;

#define IV__DATASET_DECLARE(name) extern const iv__dataset iv__dataset_##name;
IV__DATASET_DECLARE(aesop)
IV__DATASET_DECLARE(ag_news)
IV__DATASET_DECLARE(air_quality)
IV__DATASET_DECLARE(babi)
IV__DATASET_DECLARE(babi_10k)
IV__DATASET_DECLARE(cifar_10)
IV__DATASET_DECLARE(cifar_10_small)
IV__DATASET_DECLARE(fashion_mnist)
IV__DATASET_DECLARE(pictures)
IV__DATASET_DECLARE(recipes)
IV__DATASET_DECLARE(reuters_bodies)
IV__DATASET_DECLARE(reuters_sentences)
IV__DATASET_DECLARE(reuters_titles)
IV__DATASET_DECLARE(table)
IV__DATASET_DECLARE(tales)
IV__DATASET_DECLARE(text)

/* ---- where it is ----------------------------------------------------------------------------- */
/* Finds the file. data: what --data named (a file, the data set's folder, or a root that holds
 * data sets), or NULL; then $IVORY_DATA, then the user's data folder ($XDG_DATA_HOME/ivory or
 * ~/.local/share/ivory). Leaves `path` empty when the data are built in.
 * Errors: IO with where to get it and where to put it. */
iv_status iv__dataset_locate(iv_home *home, const iv__dataset *set, const char *data, iv__text *path);

/* Finds one of the files beside it, plain or compressed, in the folder of `path`.
 * Errors: IO. */
iv_status iv__dataset_beside(iv_home *home, const char *path, const char *name, iv__text *file);

/* SHA-256 of the file as it lies (compressed or not), of the built-in bytes when path is "", of a
 * folder as iv__known_sha256 takes it; of several files: of their names and SHA-256s in turn. */
iv_status iv__dataset_sha256(iv_home *home, const iv__dataset *set, const char *path, char hex[65]);

/* ---- its records ----------------------------------------------------------------------------- */
enum { IV__DROP_REASONS = 8 };

typedef struct iv__drop {
    const char *why; /* "without directions" */
    int64_t count;
} iv__drop;

struct iv__records {
    iv_home *home;
    const iv__dataset *set;
    const char *name;    /* begins messages: the path, or the data set's name */
    const void *options; /* of set->fields; NULL without */
    iv__source *source;
    iv__text text;  /* the record, UTF-8 */
    bool continues; /* this piece does not end its record */
    bool ended;
    int64_t seen, kept; /* records so far */
    iv__drop dropped[IV__DROP_REASONS];
    int64_t left_out; /* files of a folder that are no text */
    iv__text left_out_names;
    void *state;    /* the data set's own */
    void *defaults; /* options of our own, where none were given */
};

/* path: as iv__dataset_locate gave it. options: of set->fields (as iv__fields_set filled them).
 * Both are borrowed; options NULL: defaults. gzip is unpacked. */
iv__records *iv__records_open(iv_home *home, const iv__dataset *set, const char *path,
                              const void *options);
/* The next record as UTF-8 text, terminated, valid until the next call; NULL at the end, and
 * when it failed: then *failed is true and the home has the message. While records->continues is
 * true the record goes on in the next piece. */
const char *iv__records_next(iv__records *records, size_t *size, bool *failed);
void iv__records_close(iv__records *records);

void iv__records_drop(iv__records *records,
                      const char *why); /* for data sets: counts a record that is not used */
/* "18704 records: 18691 kept, 13 dropped (13 without directions)" */
void iv__records_report(const iv__records *records, iv__text *text);

#endif
