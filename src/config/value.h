/* Values: between YAML nodes, the struct and text, by the type of their row. Not collective. */
#ifndef HGN_CONFIG_VALUE_H
#define HGN_CONFIG_VALUE_H

#include "base/status.h"
#include "config/document.h"
#include "config/schema.h"

enum { VALUE_TEXT_MAX = 2 * TRAINING_TEXT_MAX + 3 };

/* Checks the node against the row and writes the value. False: experiment untouched, and `problem` says what was found
 * and what was expected. */
bool value_set(const struct schema_row *row, const struct document *document, int node, struct experiment *experiment,
               char problem[VALUE_TEXT_MAX]);

/* Writes the default of the row. STATUS_MEMORY; STATUS_ARGUMENT when the default does not suit its row, a defect. */
enum status value_set_standard(const struct schema_row *row, struct experiment *experiment);

/* The value as YAML, reading back exactly. */
void value_print(const struct schema_row *row, const struct experiment *experiment, char text[VALUE_TEXT_MAX]);

#endif
