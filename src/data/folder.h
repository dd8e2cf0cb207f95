/* folder.h: the files of a folder and of those inside it. */
#ifndef IV_DATA_FOLDER_H
#define IV_DATA_FOLDER_H

#include "base/text.h"

typedef struct iv__folder {
    iv_home *home;
    iv__text names; /* paths below the folder, each ended by a zero byte */
    size_t *places; /* of each name, sorted by the names' bytes */
    int64_t count, room;
} iv__folder;

/* Lists files, not hidden ones (".name") nor those of hidden folders; links to files are followed,
 * links to folders are not. Freed by iv__folder_free, also when it failed.
 * Errors: IO for a folder that cannot be read; VALUE for too many files or levels. */
iv_status iv__folder_list(iv_home *home, const char *path, iv__folder *folder);
void iv__folder_free(iv__folder *folder);
const char *iv__folder_name(const iv__folder *folder, int64_t file);

#endif
