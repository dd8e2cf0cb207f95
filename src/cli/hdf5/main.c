/* ivory-hdf5 NAME <FILE: writes what the HDF5 file that standard input is holds onto standard output, as safetensors:
 * data sets of numbers by their paths, in the order in which they were written, and texts that are attributes.
 *
 * A program of its own, started by libivory-io, so that libhdf5 is loaded only where such a file is read, and what a
 * file of bad will does to that library ends only this program. NAME begins messages. */
#include "confine.h"
#include "contents.h"

#include <ivory/base.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the processor's time, of memory, and of what is passed on: so much for any file, and so many times its size. A damaged
 * file may lead the library in circles, and one of bad will may unfold to a thousand times its size. */
enum { SECONDS = 10, BYTES = 1 << 30, TIMES = 8, BYTES_A_SECOND = 1 << 23 };

/* What ends it at the limit of time says so: one second later it would be ended without a reason. */
static void limit(int what, rlim_t most)
{
    setrlimit(what, &(struct rlimit){ most, most + 1 });
}

static void set_limits(void)
{
    struct stat about;
    const rlim_t size = fstat(STDIN_FILENO, &about) ? 0 : (rlim_t)about.st_size,
                 bytes = BYTES + TIMES * (size < RLIM_INFINITY / 16 ? size : 0);

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* who asked is gone: nobody wants it any more */
    signal(SIGXFSZ, SIG_IGN);         /* writing fails instead, which is a message */
    limit(RLIMIT_CPU, SECONDS + size / BYTES_A_SECOND);
    limit(RLIMIT_FSIZE, bytes);
#ifndef IVORY_SANITIZED
    limit(RLIMIT_AS, bytes);
#endif
}

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
    set_limits();
    H5open(); /* what it reads of the system for itself */
    confine();
    bool done = hdf5_open(&file, home, argv[1]) && hdf5_write(&file, stdout);
    if (!done)
        fprintf(stderr, "%s\n", iv_home_message(home));
    hdf5_close(&file);
    iv_home_free(home);
    return done ? 0 : 1;
}
