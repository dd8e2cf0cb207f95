/* export_onnx.h: the graph of a trained run as an ONNX file. */
#ifndef IV_CLI_EXPORT_ONNX_H
#define IV_CLI_EXPORT_ONNX_H

#include "cli/cli.h"

/* Writes the graph to the file `out` and says what it has; returns the exit status. step: of texts, one token at a time,
 * with its states as inputs and outputs. */
int export_onnx(cli *c, iv__opened *run, const char *out, bool step);

#endif
