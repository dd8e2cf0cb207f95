/* contents.h: what an HDF5 file holds, and how it is passed on. */
#ifndef IV_CLI_HDF5_CONTENTS_H
#define IV_CLI_HDF5_CONTENTS_H

#include "base/arena.h"

#define H5_USE_110_API
#include <hdf5.h>
#include <stdio.h>

typedef struct hdf5_set {
    const char *path; /* without the first '/' */
    haddr_t place;    /* of its head: sets that were written later lie further behind */
    const char *kind; /* "F32": as safetensors names it */
    size_t width;
    hid_t memory; /* the type that it is read as; one of the library's own */
    int rank;
    hsize_t dim[H5S_MAX_RANK];
    size_t bytes;
} hdf5_set;

/* A text of the file's: an attribute of the object PATH, as "PATH:NAME". */
typedef struct hdf5_text {
    const char *key;
    const char *value; /* itself, or of several a JSON array of them */
} hdf5_text;

typedef struct hdf5_file {
    iv_home *home;
    iv__arena arena;
    const char *name; /* for messages */
    hid_t id;
    hdf5_set *sets; /* in the order in which they were written */
    hdf5_text *texts;
    int64_t n_sets, room_sets, n_texts, room_texts;
} hdf5_file;

/* Each: false once the home has the message. */
bool hdf5_open(hdf5_file *file, iv_home *home, const char *name);
bool hdf5_write(hdf5_file *file, FILE *out); /* as a stream of safetensors */
void hdf5_close(hdf5_file *file);

/* Records FORMAT with what the library says of its last failure. Returns false. */
bool hdf5_refuse(const hdf5_file *file, const char *what);

#endif
