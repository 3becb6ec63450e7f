/* Configuration: YAML -> validated struct experiment, with the origin of every value.
 *
 * One table (schema.c) holds for each key: path, type, default, range, unit, help, and to which systems it applies. It
 * validates, fills the struct, prints the reference and names the nearest valid key. A wrong key, type or range, a key
 * that does not apply to the system, or a value missing without default is STATUS_CONFIG with "FILE:LINE:COL: what was
 * found, what was expected"; up to ten such problems in one message, a line each, in the order of the file. A text that
 * is not YAML, a duplicate key, or one beyond the limits is one problem by itself.
 *
 * YAML: one document, a mapping. Anchors, aliases and merge keys (<<) work; limits: 1 MiB of text, depth 32, 100,000
 * nodes after expansion, 1,000 anchors. UTF-8, with or without a byte order mark; null and switches are spelt as the
 * core schema of YAML 1.2 has them. ${NAME}, ??? and ~/ stand for nothing here, and are refused where a value is
 * expected. Keys at the top level that begin with "x-" may hold anchors and are not read otherwise. Tags are refused. A
 * value that came through an alias or a merge has the origin where it stands.
 *
 * All functions: Not collective. Under MPI rank 0 reads the text and broadcasts it (config_read, config_parse).
 */
#ifndef HGN_CONFIG_CONFIG_H
#define HGN_CONFIG_CONFIG_H

#include "base/status.h"
#include "config/experiment.h"
#include "config/schema.h"

#include <stddef.h>
#include <stdio.h>

struct config; /* opaque: the effective values with their origins */

/* Reads a whole file into a new buffer, NUL-terminated; caller frees. STATUS_CONFIG when it cannot be read or is over
 * 1 MiB: a configuration that cannot be read is wrong usage, not a damaged data file. */
enum status config_read(const char *path, char **text, size_t *bytes);

/* Parses `text` (named `path` in messages), applies `overrides` ("key.path=value", the value in YAML without comments;
 * the last of several for a key counts), validates, and fills a new config. `*config` is owned by the caller; NULL on
 * failure. */
enum status config_parse(const char *path, const char *text, size_t bytes, const char *const *overrides,
                         int override_count, struct config **config);

/* STATUS_CONFIG where the text is no experiment at all, but a sweep or a file of another program, or one of another
 * use: said in one line, before config_parse() would list key by key what is unknown and what is missing. */
enum status config_recognize(const char *path, const char *text, size_t bytes, unsigned uses);

/* The same experiment with other values of some keys: what config_parse() would make of base's text with these words
 * after its own, in a few microseconds. Where a word changes the kind of system, density or model, or the preset, all
 * that base has not been given is decided anew; a message then shows places in the text of what it was given. */
enum status config_vary(const struct config *base, const char *const *words, int count, struct config **config);

void config_destroy(struct config **config); /* accepts NULL inside; sets NULL */

const struct experiment *config_experiment(const struct config *config); /* borrowed */

/* The YAML of a preset, NULL when there is none of that name. */
const char *config_preset(const char *name);

/* What the file describes; config_require(): STATUS_CONFIG unless it is one of a set of uses. */
enum schema_use config_use(const struct config *config);
enum status config_require(const struct config *config, unsigned uses);

/* How many keys have different values; "KEY: value in a, now value in b; ..." into text. */
int config_differences(const struct config *a, const struct config *b, char *text, int size);
/* The same of the keys alone of which counts() is true. */
int config_differences_of(const struct config *a, const struct config *b, bool (*counts)(const struct schema_row *row),
                          char *text, int size);

/* The effective configuration as YAML, canonical: every key of the table that applies, table order, numbers that read
 * back exactly. With `origins`, each value is followed by a comment: FILE:LINE:COL, default, preset, or override and
 * the word in quotes. Parsing the text again gives an equal experiment. STATUS_FILE when `out` takes no more. */
enum status config_print(const struct config *config, FILE *out, bool origins);

/* The same without origins into a new string; caller frees. STATUS_MEMORY. */
enum status config_text(const struct config *config, char **text);

/* The reference documentation of all keys, from the table: Markdown. STATUS_FILE when `out` takes no more. */
enum status config_schema(FILE *out);

#endif
