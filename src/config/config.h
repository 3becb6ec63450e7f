/* Configuration: YAML -> validated struct experiment, with the origin of every value.
 *
 * One table (schema.c) holds for each key: path, type, default, range, unit, help, and to which systems it applies. It
 * validates, fills the struct, prints the reference and names the nearest valid key. A wrong key, type or range, a
 * duplicate key, or a value missing without default is STATUS_CONFIG with "FILE:LINE:COL: what was found, what was expected".
 *
 * YAML: one document, a mapping. Anchors, aliases and merge keys (<<) work; limits: 1 MiB of text, depth 32, 100,000
 * nodes after expansion.
 *
 * All functions: Not collective. Under MPI rank 0 reads the text and broadcasts it (config_read, config_parse).
 */
#ifndef HGN_CONFIG_CONFIG_H
#define HGN_CONFIG_CONFIG_H

#include "base/status.h"
#include "config/experiment.h"

#include <stddef.h>
#include <stdio.h>

struct config; /* opaque: the effective values with their origins */

/* Reads a whole file into a new buffer, NUL-terminated; caller frees. STATUS_CONFIG when it cannot be read or is over
 * 1 MiB: a configuration that cannot be read is wrong usage, not a damaged data file. */
enum status config_read(const char *path, char **text, size_t *bytes);

/* Parses `text` (named `path` in messages), applies `overrides` ("key.path=value", in order; origin "override: the
 * word"), validates, and fills a new config. `*config` is owned by the caller; NULL on failure. */
enum status config_parse(const char *path, const char *text, size_t bytes, const char *const *overrides, int override_count,
                         struct config **config);

void config_destroy(struct config **config); /* accepts NULL inside; sets NULL */

const struct experiment *config_experiment(const struct config *config); /* borrowed */

/* The effective configuration as YAML, canonical: every key of the table that applies, table order, numbers that read back
 * exactly. With `origins`, each value is followed by a comment "# FILE:LINE:COL", "# default" or "# override: WORD". Parsing
 * the text again gives an equal experiment. */
enum status config_print(const struct config *config, FILE *out, bool origins);

/* The same without origins into a new string; caller frees. */
enum status config_text(const struct config *config, char **text);

/* The reference documentation of all keys, from the table: Markdown. */
enum status config_schema(FILE *out);

#endif
