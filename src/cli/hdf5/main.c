/* ivory-hdf5 NAME <FILE: writes what the HDF5 file that standard input is holds onto standard output, as safetensors:
 * data sets of numbers by their paths, in the order in which they were written, and texts that are attributes.
 *
 * A program of its own, started by libivory-io, so that libhdf5 is loaded only where such a file is read, and what a
 * file of bad will does to that library ends only this program. NAME begins messages. */
#include "contents.h"

#include <ivory/base.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SECONDS = 600
}; /* of the processor's time: a damaged file may lead the library in circles */

static const char usage[] = "usage: ivory-hdf5 NAME <FILE >OUT.safetensors\n"
                            "Passes the numbers and texts of an HDF5 file on, as ivory import reads them.\n";

int main(int argc, char **argv)
{
    hdf5_file file = { 0 };

    if (argc == 2 && !strcmp(argv[1], "--help"))
        return fputs(usage, stdout) < 0;
    if (argc != 2) {
        fputs(usage, stderr);
        return 2;
    }
    iv_home *home = iv_home_new(&(iv_home_options){ .size = sizeof(iv_home_options), .threads = 1 });
    if (!home) {
        fprintf(stderr, "ivory-hdf5: out of memory\n");
        return 1;
    }
    setrlimit(RLIMIT_CPU, &(struct rlimit){ SECONDS, SECONDS });
    bool done = hdf5_open(&file, home, argv[1]) && hdf5_write(&file, stdout);
    if (!done)
        fprintf(stderr, "%s\n", iv_home_message(home));
    hdf5_close(&file);
    iv_home_free(home);
    return done ? 0 : 1;
}
