/* What single words of a YAML text mean. Not collective. */
#ifndef HGN_CONFIG_SCALAR_H
#define HGN_CONFIG_SCALAR_H

#include "base/status.h"

#include <stdbool.h>

/* Of words without quotes, as the core schema of YAML 1.2 has them: whether one is nothing ("", ~, null, Null, NULL);
 * whether it is true, True, TRUE, false, False or FALSE, and which. */
bool scalar_is_null(const char *text);
bool scalar_switch(const char *text, bool *value);

/* What a word means to another program that would put something else in its place, NULL when it is none of these:
 * ${NAME}, ??? and ~/. Here they would become names of files. */
const char *scalar_foreign(const char *text);

/* The value of a word KEY=VALUE on the command line as a YAML text from which no comment is taken: a '#' is a part of
 * the value, since nobody comments a word of a command. `*text` is `value` itself where it has no comment; else a new
 * string, *owned, to be freed by the caller. STATUS_CONFIG: behind quotes or brackets there is more; STATUS_MEMORY. */
enum status scalar_override(const char *value, const char **text, char **owned);

#endif
