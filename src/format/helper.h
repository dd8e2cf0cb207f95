/* helper.h: programs of ours that do what needs a heavy or fragile library; their crash is a message (libivory-io). */
#ifndef IV_FORMAT_HELPER_H
#define IV_FORMAT_HELPER_H

#include <ivory/base.h>

#include <stdio.h>

typedef struct iv__helper {
    const char *name;    /* "ivory-plot" */
    const char *missing; /* what it does, and how it is had: " reads HDF5 files: ..." */
} iv__helper;

/* Runs the program with one argument, standard input from `in`, standard output into `out` (NULL: the caller's own),
 * and waits for its end. It is looked for beside the program that asks, one folder above, in ../libexec/ivory, and
 * where this library was to be installed.
 * Errors: UNSUPPORTED where the helper is not found; IO where it cannot be started or was ended by a signal; FORMAT
 * with what it wrote on standard error where it failed. */
iv_status iv__helper_run(iv_home *home, const iv__helper *helper, const char *argument, FILE *in,
                         FILE *out);

#endif
