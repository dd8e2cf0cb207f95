/* known.h: checksums of files, remembered as long as the file stays as it was. */
#ifndef IV_DATA_KNOWN_H
#define IV_DATA_KNOWN_H

#include <ivory/base.h>

/* SHA-256 of the file as it lies, or of a folder's files and their names. A file is read unless a note in `folder` ("": none is kept) tells of
 * the same device, number, size and times, to the nanosecond, of change to contents and to the
 * file's entry: a program cannot set the last of them. No note is made of a file changed within the
 * last seconds, for it may change again without a new time. */
iv_status iv__known_sha256(iv_home *home, const char *path, const char *folder, char hex[65]);

#endif
