/* run_file.h: where a run goes, and what its run.json says. */
#ifndef IV_CLI_RUN_FILE_H
#define IV_CLI_RUN_FILE_H

#include "cli/cli.h"

/* runs/SYSTEM, or with the next free number; to go on: the last one that is there. */
iv_status run_folder(const char *system, bool resume, iv__text *folder);

/* Writes run.json: system, options, data with checksum, version, host. data: the path that was
 * found; "" for built in. */
iv_status run_file_write(cli *c, const iv__run *run, const iv__instance *instance,
                         int64_t parameters, const char *data);

/* The command line again, with --resume and the folder, quoted for a shell. */
void run_resume_command(const cli *c, const char *folder, iv__text *text);

#endif
