#include "config/config.h"
#include "config/config_impl.h"
#include "config/schema.h"
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Components that two paths share before their last one. */
static int shared_sections(const char *a, const char *b, size_t *bytes) {
  int shared = 0;
  *bytes = 0;
  for (size_t i = 0; a[i] && a[i] == b[i]; ++i) {
    if (a[i] != '.') continue;
    shared += 1;
    *bytes = i + 1;
  }
  return shared;
}

/* Opens the sections of `path` that the row before did not have, and returns the depth. */
static int print_sections(FILE *out, const char *before, const char *path) {
  size_t start;
  int depth = shared_sections(before, path, &start);
  for (const char *dot = strchr(path + start, '.'); dot; dot = strchr(path + start, '.')) {
    fprintf(out, "%*s%.*s:\n", 2 * depth, "", (int)(dot - path - (long)start), path + start);
    start = (size_t)(dot - path) + 1;
    depth += 1;
  }
  return depth;
}

/* "  key: value", to be aligned. */
static int format_line(const struct config *config, int row, int depth, char line[VALUE_TEXT_MAX + SCHEMA_PATH_MAX]) {
  char value[VALUE_TEXT_MAX];
  const char *dot = strrchr(schema_rows[row].path, '.');
  value_print(&schema_rows[row], &config->experiment, value);
  return snprintf(line, VALUE_TEXT_MAX + SCHEMA_PATH_MAX, "%*s%s: %s", 2 * depth, "",
                  dot ? dot + 1 : schema_rows[row].path, value);
}

static int depth_of(const char *path) {
  int depth = 0;
  for (; *path; ++path) depth += *path == '.';
  return depth;
}

static int width_of(const struct config *config) {
  int width = 0;
  char line[VALUE_TEXT_MAX + SCHEMA_PATH_MAX];
  for (int row = 0; row < schema_count; ++row) {
    if (config->origins[row].kind == ORIGIN_NONE) continue;
    const int length = format_line(config, row, depth_of(schema_rows[row].path), line);
    if (length > width) width = length;
  }
  return width;
}

static enum status check_stream(FILE *out) {
  REQUIRE(fflush(out) == 0 && !ferror(out), STATUS_FILE, "cannot write: %s", strerror(errno));
  return STATUS_OK;
}

/* Rows whose origin is one of `kinds`, and that of the kind of system or model. */
static void print_rows(const struct config *config, unsigned kinds, FILE *out, bool origins) {
  const int kind_row = schema_kind_row(config->use);
  const int width = origins ? width_of(config) : 0;
  const char *before = "";
  for (int row = 0; row < schema_count; ++row) {
    const struct origin *origin = &config->origins[row];
    if (!(kinds >> origin->kind & 1u) && (row != kind_row || origin->kind == ORIGIN_NONE)) continue;
    char line[VALUE_TEXT_MAX + SCHEMA_PATH_MAX], where[CONFIG_WHERE_MAX];
    const int depth = print_sections(out, before, schema_rows[row].path);
    format_line(config, row, depth, line);
    config_origin(config, origin, where);
    if (origins)
      fprintf(out, "%-*s  # %s\n", width, line, where);
    else
      fprintf(out, "%s\n", line);
    before = schema_rows[row].path;
  }
}

static const unsigned given_kinds = 1u << ORIGIN_FILE | 1u << ORIGIN_OVERRIDE;
static const unsigned all_kinds =
    1u << ORIGIN_FILE | 1u << ORIGIN_OVERRIDE | 1u << ORIGIN_PRESET | 1u << ORIGIN_STANDARD;

enum status config_print(const struct config *config, FILE *out, bool origins) {
  print_rows(config, all_kinds, out, origins);
  return check_stream(out);
}

static enum status print_text(const struct config *config, unsigned kinds, char **text) {
  *text = NULL;
  char *buffer = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&buffer, &bytes);
  REQUIRE(out, STATUS_MEMORY, "out of memory printing a configuration");
  print_rows(config, kinds, out, false);
  const enum status status = check_stream(out);
  if (fclose(out) != 0 || status != STATUS_OK) {
    free(buffer);
    return status_raise(STATUS_MEMORY, "out of memory printing a configuration");
  }
  *text = buffer;
  return STATUS_OK;
}

enum status config_text(const struct config *config, char **text) { return print_text(config, all_kinds, text); }

enum status config_given(const struct config *config, char **text) { return print_text(config, given_kinds, text); }

/* The bar would end a cell. */
static void print_cell(FILE *out, const char *text) {
  fputs("| ", out);
  for (; *text; ++text) {
    if (*text == '|') fputc('\\', out);
    fputc(*text, out);
  }
  fputc(' ', out);
}

/* What a row applies to, of every use that has it. */
static void print_uses(FILE *out, const struct schema_row *row) {
  static const char *const all[SCHEMA_USE_COUNT] = {[SCHEMA_DATA] = "all data of systems",
                                                    [SCHEMA_POINTS] = "all data of points",
                                                    [SCHEMA_TRAINING] = "all training"};
  bool everywhere = true;
  const char *between = "";
  for (unsigned use = 0; use < SCHEMA_USE_COUNT; ++use) everywhere = everywhere && schema_applies(row, use, -1);
  fputs(everywhere ? "| all" : "| ", out);
  for (unsigned use = 0; use < SCHEMA_USE_COUNT && !everywhere; ++use) {
    char kinds[SCHEMA_TEXT_MAX];
    if (!schema_used(row, use)) continue;
    schema_kinds(row, use, kinds);
    fprintf(out, "%s%s", between, schema_applies(row, use, -1) ? all[use] : kinds);
    between = "; ";
  }
  fputc(' ', out);
}

static void print_row(FILE *out, const struct schema_row *row) {
  static const char *const types[] = {"integer", "real", "pair of reals",    "choice",
                                      "switch",  "text", "list of integers", "list of choices"};
  char text[SCHEMA_TEXT_MAX] = "";
  fprintf(out, "| `%s` | %s ", row->path, types[row->type]);
  print_cell(out, row->standard ? row->standard : "required");
  schema_range(row, text);
  fputs("| ", out);
  for (int i = 0; i < row->choice_count; ++i) fprintf(out, "%s`%s`", i ? ", " : "", row->choices[i]);
  fprintf(out, "%s%s ", row->choice_count && *text ? ", " : "", text);
  print_cell(out, row->unit ? row->unit : "");
  print_uses(out, row);
  print_cell(out, row->help);
  fputs("|\n", out);
}

enum status config_schema(FILE *out) {
  fputs(
      "# Configuration keys\n\n"
      "YAML, one mapping of sections. A key without default is required for the systems that it applies to and may "
      "not\n"
      "be given for others. Whole numbers are plain decimal digits; reals have a decimal point \".\" and may have an\n"
      "exponent; quoted numbers are text. Anchors, aliases and merge keys (`<<`) work; keys at the top level that\n"
      "begin with `x-` may hold anchors and are not read otherwise. On the command line `key.path=value` overrides.\n",
      out);
  const char *before = "";
  for (int row = 0; row < schema_count; ++row) {
    const char *path = schema_rows[row].path;
    const char *dot = strchr(path, '.');
    const int length = dot ? (int)(dot - path) : 0;
    if (row == 0 || (dot && strncmp(before, path, (size_t)length + 1) != 0)) {
      fprintf(out, "\n## %.*s%s\n\n", dot ? length : 9, dot ? path : "top level",
              schema_used(&schema_rows[row], SCHEMA_TRAINING) && row > 0 && !schema_used(&schema_rows[row], SCHEMA_DATA)
                  ? " (training experiments)"
                  : "");
      fputs("| key | type | default | range or choices | unit | applies to | meaning |\n"
            "|---|---|---|---|---|---|---|\n",
            out);
    }
    print_row(out, &schema_rows[row]);
    before = path;
  }
  return check_stream(out);
}
