/* Private to src/cli: which commands a program has.
 *
 * There are two programs of one name. hgn has all commands but the analyses, hgn-analyze only these: it is linked with
 * OpenBLAS and ScaLAPACK, which take memory and start threads in whoever is linked with them, as soon as it begins. hgn
 * becomes hgn-analyze before MPI begins, so nobody has to know.
 */
#ifndef HGN_CLI_COMMANDS_H
#define HGN_CLI_COMMANDS_H

#include "cli/cli.h"

enum { COMMANDS_MAX = 32 };

extern const struct cli_command *const commands[COMMANDS_MAX]; /* ends with NULL */

/* Not collective. The program beside this one that has a command, given its words; NULL: this one has. */
const char *commands_program(int argc, char **argv);

#endif
