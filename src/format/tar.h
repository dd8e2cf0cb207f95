/* tar.h: the files of a tar archive, one after the other: ustar, pax and GNU's long names. */
#ifndef IV_FORMAT_TAR_H
#define IV_FORMAT_TAR_H

#include "format/source.h"

typedef struct iv__tar iv__tar;

iv__tar *iv__tar_new(iv__source *source); /* borrows it */
void iv__tar_free(iv__tar *tar);

/* Goes on to the next file; folders, links and devices are passed over. False at the end, and when
 * it failed: then *failed is true.
 * Errors: FORMAT for what is no archive, is damaged or cut short. */
bool iv__tar_next(iv__tar *tar, bool *failed);
const char *iv__tar_name(const iv__tar *tar); /* with its folders; valid until the next call */
uint64_t iv__tar_size(const iv__tar *tar);
/* The file's bytes, for messages named "ARCHIVE: FILE". To be closed before the next one is asked
 * for; what was not read of it is passed over. */
iv__source *iv__tar_file(iv__tar *tar);

#endif
