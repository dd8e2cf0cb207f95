/* files.h: files and folders, as fault-sweep compares and copies them. */
#ifndef IV_TESTS_FAULTS_FILES_H
#define IV_TESTS_FAULTS_FILES_H

#include <stdbool.h>
#include <stddef.h>

enum { PATH = 4096 };

void give_up(const char *what); /* says errno, and ends with status 2 */
/* All of a file and a 0 behind it, to be freed; NULL: it cannot be opened. */
char *contents(const char *path, size_t *size);
bool same(const char *a, const char *b);
void copy_file(const char *from, const char *to);
/* Calls `work` with the path, below `folder`, of each file; of each folder, too, after what is in it. */
void walk(const char *folder, const char *below, void (*work)(const char *below, bool is_folder));
void remove_all(const char *folder);
void copy_all(const char *from, const char *to); /* into a folder that may be there */

#endif
