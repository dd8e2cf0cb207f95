/* file.h: files that are complete or absent, and views of files. */
#ifndef IV_BASE_FILE_H
#define IV_BASE_FILE_H

#include <ivory/base.h>

/* Writes beside `path`, flushes to the disk and renames: `path` holds either the old or the new
 * bytes. */
typedef struct iv__writer iv__writer;
iv__writer *iv__writer_new(iv_home *home, const char *path);
/* A failure is kept until the end. */
void iv__writer_add(iv__writer *writer, const void *bytes, size_t size);
iv_status iv__writer_commit(iv__writer *writer); /* frees the writer */
void iv__writer_cancel(iv__writer *writer);      /* frees it; `path` stays as it was */

/* Removes from a folder what writers that were killed have left there, not what one that lives is writing. A link to a
 * folder is not followed; LINK/. is. */
void iv__remove_leftovers(const char *folder);

/* Into a file that is open, however often it takes. Returns errno of what failed, or 0. */
int iv__write_all(int file, const void *bytes, size_t size);

iv_status iv__file_write(iv_home *home, const char *path, const void *bytes, size_t size);

/* A read-only view of a whole file (mapped). size 0 has data "". */
typedef struct iv__view {
    const unsigned char *data;
    size_t size;
} iv__view;
iv_status iv__view_open(iv_home *home, const char *path, iv__view *view);
void iv__view_close(iv__view *view);
/* Pages that were read no longer count as the program's memory; they come again when they are read
 * again. Several threads may read meanwhile. */
void iv__view_let_go(const iv__view *view);

/* A file that is read here and there. What was read does not count as the program's memory, as a
 * view's pages do. Several threads may read at once. */
typedef struct iv__reader iv__reader;
iv__reader *iv__reader_open(iv_home *home, const char *path);
void iv__reader_close(iv__reader *reader);
uint64_t iv__reader_size(const iv__reader *reader);
/* Errors: IO, also when the file has fewer bytes than it had when it was opened. The bytes are zeros
 * then, and iv__reader_status is that error from then on. */
iv_status iv__reader_get(iv__reader *reader, uint64_t place, void *bytes, size_t size);
iv_status iv__reader_status(const iv__reader *reader);
/* The same for a thread that has no say in the home: what is wrong, or NULL. */
enum { IV__TROUBLE = 512 };
const char *iv__reader_trouble(const iv__reader *reader, char text[IV__TROUBLE]);
/* A view of the file's first bytes, to be closed by iv__view_close. */
iv_status iv__reader_view(const iv__reader *reader, size_t size, iv__view *view);

/* True, too, when that cannot be told: who opens it is told why. */
bool iv__file_exists(const char *path);
bool iv__is_folder(const char *path);
bool iv__same_file(const char *path, const char *other);     /* both are there, by whatever name */
iv_status iv__make_folders(iv_home *home, const char *path); /* like mkdir -p */

#endif
