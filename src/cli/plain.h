/* plain.h: texts of files, which may come from strangers, as a terminal may be shown them. */
#ifndef IV_CLI_PLAIN_H
#define IV_CLI_PLAIN_H

#include <stddef.h>
#include <stdio.h>

/* What a terminal would obey (controls but line breaks and tabs; U+0080 to U+009F) is replaced by ?. */
void plain_put(FILE *file, const char *text);

/* From now on all that goes to standard output, if that is a terminal, is shown so; to a file or another program all bytes
 * go as they are. */
void plain_stdout(void);

#endif
