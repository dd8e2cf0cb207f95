/* read-events FILE: a line for each record of an events file, its step and what it says (its bytes behind the time); fails
 * where the file is damaged or ends within a record. */
#include "base/file.h"
#include "format/events.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    FRAME = 12,
    BEHIND = 4,
    TIME = 9
}; /* bytes before and behind a record's content; of its first field */

int main(int argc, char **argv)
{
    iv_home *home = iv_home_new(NULL);
    iv__view file;
    size_t at = 0, size;
    int64_t step;
    bool sound;

    if (argc != 2 || iv__view_open(home, argv[1], &file)) {
        fprintf(stderr, "read-events: %s\n", argc == 2 ? iv_home_message(home) : "expected one file");
        return 2;
    }
    while ((size = iv__events_record(file.data + at, file.size - at, &step, &sound)) > 0 && sound) {
        printf("%" PRId64 " ", step);
        for (size_t i = FRAME + TIME; i + BEHIND < size; i++)
            printf("%02x", file.data[at + i]);
        putchar('\n');
        at += size;
    }
    const bool whole = at == file.size && at > 0;
    if (!whole)
        fprintf(stderr, "read-events: %s is damaged at byte %zu of %zu\n", argv[1], at, file.size);
    iv__view_close(&file);
    iv_home_free(home);
    return whole ? 0 : 1;
}
