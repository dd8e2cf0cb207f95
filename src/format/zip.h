/* zip.h: files of a zip archive, stored or deflated; archives and files beyond 4 GiB too (zip64).
 * Source: PKWARE's APPNOTE.TXT 6.3.10; RFC 1951. */
#ifndef IV_FORMAT_ZIP_H
#define IV_FORMAT_ZIP_H

#include <ivory/base.h>

typedef struct iv__zip iv__zip;

typedef struct iv__zip_file {
    const char *name; /* "folder/file" */
    size_t size;
    /* Where and how it lies in the archive: */
    size_t head, begin, packed; /* its own head, its bytes, how many these are */
    bool deflated;
    uint32_t checksum;
} iv__zip_file;

/* Opens an archive and reads its directory (libivory-io). Folders are not listed.
 * Errors: IO; FORMAT for what is cut short or damaged: files that overlap, that cannot have the size they claim, names
 * that come twice, and names that lead out of a folder (absolute, or with "..", '\\' or control characters);
 * UNSUPPORTED for parts of an archive, encrypted files and other ways of compressing. */
iv__zip *iv__zip_open(iv_home *home, const char *path);
/* The same over bytes in memory, borrowed until the archive is closed; `name` begins messages. */
iv__zip *iv__zip_read(iv_home *home, const char *name, const void *bytes, size_t size);
void iv__zip_close(iv__zip *zip); /* NULL is fine */

const iv__zip_file *iv__zip_list(const iv__zip *zip, int64_t *n);       /* in the archive's order */
const iv__zip_file *iv__zip_find(const iv__zip *zip, const char *name); /* NULL: there is none */
/* A file's bytes, to be freed by iv__free; a zero byte follows them. Errors: NOMEM; FORMAT when they are damaged. */
unsigned char *iv__zip_bytes(const iv__zip *zip, const iv__zip_file *file);

#endif
