#include "physics/parameters.h"

#include "physics/system.h"

#include <stdio.h>
#include <string.h>

/* Where a key has one unit for bodies and another for the rest, the table names both: "m/s^2 or m^3/(kg s^2)". */
static const char *unit_of(const struct schema_row *row, const struct config *config, char *text) {
  const char *other = row->unit ? strstr(row->unit, " or ") : NULL;
  if (!other || config_use(config) != SCHEMA_DATA) return row->unit;
  if (system_get(config_experiment(config)->system.name)->translates) return other + strlen(" or ");
  snprintf(text, PARAMETERS_UNIT_MAX, "%.*s", (int)(other - row->unit), row->unit);
  return text;
}

static double value_of(const struct schema_row *row, const struct experiment *experiment) {
  const char *at = (const char *)experiment + row->offset;
  double real;
  int64_t whole;
  if (row->type == SCHEMA_INTEGER) {
    memcpy(&whole, at, sizeof whole);
    return (double)whole;
  }
  memcpy(&real, at, sizeof real);
  return real;
}

int parameters_list(const struct config *config, const char *section, struct parameters_text *text,
                    struct dataset_parameter *list) {
  const struct experiment *experiment = config_experiment(config);
  const enum schema_use use = config_use(config);
  int count = 0, kind;
  memcpy(&kind, (const char *)experiment + schema_rows[schema_kind_row(use)].offset, sizeof kind);
  for (int row = 0; row < schema_count && count < PARAMETERS_MAX; row++) {
    const struct schema_row *key = &schema_rows[row];
    if (strncmp(key->path, section, strlen(section)) != 0 || !schema_applies(key, use, kind)) continue;
    if (key->type != SCHEMA_REAL && key->type != SCHEMA_INTEGER) continue;
    list[count] = (struct dataset_parameter){key->path + strlen(section), unit_of(key, config, text->unit[count]),
                                             value_of(key, experiment)};
    count += 1;
  }
  return count;
}
