#include "config/config.h"

#include "config/config_impl.h"
#include "config/problems.h"
#include "config/schema.h"
#include "config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 80, PATH_MAX_HERE = 256 };

struct loader {
  struct config *config;
  struct document *document; /* of the file */
  struct problems problems;
  bool *attempted; /* [schema_count]: given, rightly or not, so it is not missing */
};

enum status config_read(const char *path, char **text, size_t *bytes) {
  *text = NULL;
  *bytes = 0;
  FILE *file = fopen(path, "rb");
  REQUIRE(file, STATUS_CONFIG, "%s: cannot open: %s", path, strerror(errno));
  const size_t room = (size_t)DOCUMENT_BYTES_MAX + 1;
  char *buffer = malloc(room + 1);
  enum status status = STATUS_OK;
  size_t count = 0;
  if (!buffer) {
    status = status_raise(STATUS_MEMORY, "out of memory reading %s", path);
    goto cleanup;
  }
  count = fread(buffer, 1, room, file);
  if (ferror(file))
    status = status_raise(STATUS_CONFIG, "%s: cannot read: %s", path, strerror(errno));
  else if (count == room)
    status = status_raise(STATUS_CONFIG, "%s: more than %d bytes, too long for a configuration", path,
                          (int)DOCUMENT_BYTES_MAX);
cleanup:
  fclose(file);
  if (status != STATUS_OK) {
    free(buffer);
    return status;
  }
  buffer[count] = '\0';
  *text = buffer;
  *bytes = count;
  return STATUS_OK;
}

void config_origin(const struct config *config, const struct origin *origin, char text[CONFIG_WHERE_MAX]) {
  switch (origin->kind) {
  case ORIGIN_FILE:
    snprintf(text, CONFIG_WHERE_MAX, "%s:%d:%d", config->name, origin->mark.line, origin->mark.column);
    return;
  case ORIGIN_OVERRIDE:
    snprintf(text, CONFIG_WHERE_MAX, "override \"%s\"", config->words[origin->override]);
    return;
  case ORIGIN_STANDARD:
  case ORIGIN_NONE:
    snprintf(text, CONFIG_WHERE_MAX, "default");
    return;
  }
}

/* Where to put a problem: at the value of an origin, or with `at_key` at its key. */
static void add_problem_at(struct loader *loader, const struct origin *origin, bool at_key, const char *text) {
  char where[CONFIG_WHERE_MAX];
  struct origin place = *origin;
  if (at_key) place.mark = place.key;
  config_origin(loader->config, &place, where);
  const int source = origin->kind == ORIGIN_OVERRIDE ? origin->override + 1 : 0;
  problems_add(&loader->problems, source, place.mark, where, "%s", text);
}

/* Marks a key, or all keys of a section, as given. */
static void attempt_all(struct loader *loader, const char *path) {
  const size_t length = strlen(path);
  for (int row = 0; row < schema_count; ++row) {
    const char *other = schema_rows[row].path;
    if (strncmp(other, path, length) == 0 && (other[length] == '.' || !other[length])) loader->attempted[row] = true;
  }
}

/* The wrong key counts as an attempt at the one that was meant, so that a slip is one problem, not two. */
static void add_unknown(struct loader *loader, const struct origin *origin, const char *path) {
  char meant[SCHEMA_PATH_MAX], shown[SHOWN_MAX], text[PROBLEM_TEXT_MAX];
  const bool close = schema_nearest(path, meant);
  problems_show(path, shown, sizeof shown);
  snprintf(text, sizeof text,
           close ? "unknown key \"%s\"; did you mean \"%s\"?" : "unknown key \"%s\"; the nearest valid key is \"%s\"",
           shown, meant);
  add_problem_at(loader, origin, true, text);
  if (close) attempt_all(loader, meant);
}

static void set_row(struct loader *loader, int row, const struct document *document, int node,
                    const struct origin *origin) {
  char problem[VALUE_TEXT_MAX];
  loader->attempted[row] = true;
  if (value_set(&schema_rows[row], document, node, &loader->config->experiment, problem))
    loader->config->origins[row] = *origin;
  else
    add_problem_at(loader, origin, false, problem);
}

static void walk(struct loader *loader, int mapping, const char *section);

static void walk_entry(struct loader *loader, const struct document_entry *entry, const char *section) {
  const struct document *document = loader->document;
  const char *key = document_text(document, entry->key);
  const struct document_node *value = &document->nodes[entry->value];
  const struct origin origin = {.kind = ORIGIN_FILE, .mark = value->mark, .key = entry->mark};
  char path[PATH_MAX_HERE], text[PROBLEM_TEXT_MAX];
  snprintf(path, sizeof path, "%s%s%s", section, *section ? "." : "", key);
  if (!*section && strncmp(key, "x-", 2) == 0) return; /* a place for anchors */
  if (strchr(key, '.') && schema_find(path) >= 0) {
    snprintf(text, sizeof text, "write the key \"%s\" as a section with keys under it", path);
    add_problem_at(loader, &origin, true, text);
    loader->attempted[schema_find(path)] = true;
    return;
  }
  if (!strchr(key, '.') && schema_find(path) >= 0) {
    set_row(loader, schema_find(path), document, entry->value, &origin);
    return;
  }
  if (strchr(key, '.') || !schema_is_section(path)) {
    add_unknown(loader, &origin, path);
    return;
  }
  if (value->kind == DOCUMENT_MAPPING) {
    walk(loader, entry->value, path);
    return;
  }
  snprintf(text, sizeof text, "section \"%s\" must be a mapping with the keys of the section", path);
  add_problem_at(loader, &origin, false, text);
  attempt_all(loader, path);
}

/* Only sections of the table are walked into, so the table bounds the depth. */
static void walk(struct loader *loader, int mapping, const char *section) {
  for (int i = 0; i < loader->document->nodes[mapping].count; ++i)
    walk_entry(loader, document_entry(loader->document, mapping, i), section);
}

static enum status load_file(struct loader *loader, const char *text, size_t bytes) {
  const char *name = loader->config->name;
  TRY(document_parse(name, true, text, bytes, &loader->document));
  const int root = loader->document->root;
  const char *sections = "expected a mapping of sections: system, initial, data, render";
  REQUIRE(root >= 0, STATUS_CONFIG, "%s:1:1: nothing in this file, %s", name, sections);
  const struct document_node *node = &loader->document->nodes[root];
  REQUIRE(node->kind == DOCUMENT_MAPPING, STATUS_CONFIG, "%s:%d:%d: found a %s, %s", name, node->mark.line,
          node->mark.column, node->kind == DOCUMENT_SCALAR ? "single value" : "sequence", sections);
  walk(loader, root, "");
  return STATUS_OK;
}

static enum status load_override(struct loader *loader, int index, const char *word) {
  const struct origin origin = {.kind = ORIGIN_OVERRIDE, .override = index};
  const char *equals = strchr(word, '=');
  if (!equals || equals == word) {
    add_problem_at(loader, &origin, false, "expected key.path=value");
    return STATUS_OK;
  }
  char path[PATH_MAX_HERE], text[PROBLEM_TEXT_MAX];
  snprintf(path, sizeof path, "%.*s", equals - word < PATH_MAX_HERE ? (int)(equals - word) : PATH_MAX_HERE, word);
  const int row = schema_find(path);
  if (row < 0 && schema_is_section(path)) {
    snprintf(text, sizeof text, "\"%s\" is a section: name one of its keys, %s.KEY=VALUE", path, path);
    add_problem_at(loader, &origin, false, text);
    return STATUS_OK;
  }
  if (row < 0) {
    add_unknown(loader, &origin, path);
    return STATUS_OK;
  }
  char name[CONFIG_WHERE_MAX];
  config_origin(loader->config, &origin, name);
  struct document *document;
  const enum status status = document_parse(name, false, equals + 1, strlen(equals + 1), &document);
  if (status == STATUS_CONFIG) { /* its message has the place in front already */
    snprintf(text, sizeof text, "%.500s", status_message());
    const char *rest = strncmp(text, name, strlen(name)) == 0 ? text + strlen(name) + 2 : text;
    add_problem_at(loader, &origin, false, rest);
    loader->attempted[row] = true;
    status_clear();
    return STATUS_OK;
  }
  TRY(status);
  if (document->root >= 0) {
    set_row(loader, row, document, document->root, &origin);
  } else {
    char expected[SCHEMA_TEXT_MAX];
    schema_expected(&schema_rows[row], expected);
    snprintf(text, sizeof text, "%s: found nothing, expected %s", schema_rows[row].path, expected);
    add_problem_at(loader, &origin, false, text);
    loader->attempted[row] = true;
  }
  document_destroy(&document);
  return STATUS_OK;
}

/* The key of the innermost section of `path` that the file has; the file's start when it has none. */
static struct document_mark section_mark(const struct document *document, const char *path) {
  struct document_mark mark = {1, 1};
  int mapping = document->root;
  for (const char *dot = strchr(path, '.'); dot; path = dot + 1, dot = strchr(path, '.')) {
    int inner = -1;
    for (int i = 0; i < document->nodes[mapping].count && inner < 0; ++i) {
      const struct document_entry *entry = document_entry(document, mapping, i);
      const char *key = document_text(document, entry->key);
      if (strlen(key) != (size_t)(dot - path) || strncmp(key, path, strlen(key)) != 0) continue;
      mark = entry->mark;
      inner = entry->value;
    }
    if (inner < 0 || document->nodes[inner].kind != DOCUMENT_MAPPING) break;
    mapping = inner;
  }
  return mark;
}

/* After all other problems: what is there and wrong is more telling than what is not there. */
static void add_missing(struct loader *loader, const struct schema_row *row) {
  char expected[SCHEMA_TEXT_MAX], where[CONFIG_WHERE_MAX];
  schema_expected(row, expected);
  const struct origin origin = {.kind = ORIGIN_FILE, .mark = section_mark(loader->document, row->path)};
  config_origin(loader->config, &origin, where);
  problems_add(&loader->problems, PROBLEM_SOURCE_LAST, origin.mark, where, "missing key \"%s\": expected %s", row->path,
               expected);
}

static void refuse_row(struct loader *loader, int row, const struct origin *kind_origin) {
  struct config *config = loader->config;
  char systems[SCHEMA_TEXT_MAX], where[CONFIG_WHERE_MAX], text[PROBLEM_TEXT_MAX];
  schema_systems(&schema_rows[row], systems);
  config_origin(config, kind_origin, where);
  snprintf(text, sizeof text, "\"%s\" does not apply to %s (system.name: %s), only to %s", schema_rows[row].path,
           experiment_system_name(config->experiment.system.kind), where, systems);
  add_problem_at(loader, &config->origins[row], true, text);
}

/* Defaults, missing keys, and keys of another system. Without a valid system.name nothing is known of the latter. */
static enum status complete(struct loader *loader) {
  struct config *config = loader->config;
  const struct origin *kind_origin = &config->origins[schema_find("system.name")];
  const bool known = kind_origin->kind != ORIGIN_NONE;
  const unsigned all = (1u << SYSTEM_COUNT) - 1;
  for (int row = 0; row < schema_count; ++row) {
    const struct schema_row *entry = &schema_rows[row];
    const bool applies = known ? schema_applies(entry, config->experiment.system.kind) : entry->systems == all;
    const bool given = config->origins[row].kind != ORIGIN_NONE;
    if (known && given && !applies) refuse_row(loader, row, kind_origin);
    if (!applies || given || loader->attempted[row]) continue;
    if (entry->standard) {
      TRY(value_set_standard(entry, &config->experiment));
      config->origins[row].kind = ORIGIN_STANDARD;
    } else {
      add_missing(loader, entry);
    }
  }
  return STATUS_OK;
}

static const struct origin *origin_of(const struct config *config, const char *path) {
  return &config->origins[schema_find(path)];
}

/* Checks that need several values; only when each is right. */
static void check_together(struct loader *loader) {
  const struct config *config = loader->config;
  const struct experiment *e = &config->experiment;
  const struct origin *frames = origin_of(config, "data.frames");
  const struct origin *input = origin_of(config, "ladder.input_frames");
  char where[2][CONFIG_WHERE_MAX], text[PROBLEM_TEXT_MAX];
  if (e->ladder.input_frames > e->data.frames) {
    config_origin(config, input, where[0]);
    config_origin(config, frames, where[1]);
    snprintf(text, sizeof text,
             "ladder.input_frames is %" PRId64 " (%.200s) but data.frames is %" PRId64
             " (%.200s): expected ladder.input_frames <= data.frames",
             e->ladder.input_frames, where[0], e->data.frames, where[1]);
    add_problem_at(loader, input->kind == ORIGIN_STANDARD ? frames : input, false, text);
  }
  /* Bytes of all images, 3 a pixel, must count in int64_t. Divisions, so that nothing overflows on the way. */
  const int64_t image = e->render.height * e->render.width * 3;
  if (e->data.train + e->data.test > INT64_MAX / image / e->data.frames) {
    config_origin(config, frames, where[1]);
    snprintf(text, sizeof text,
             "data.train + data.test is %" PRId64 " rollouts of %" PRId64 " frames (%.200s) of %" PRId64 " x %" PRId64
             " px: expected less than 2^63 bytes of images",
             e->data.train + e->data.test, e->data.frames, where[1], e->render.height, e->render.width);
    add_problem_at(loader, origin_of(config, "data.train"), false, text);
  }
}

static enum status load(struct loader *loader, const char *text, size_t bytes, const char *const *overrides,
                        int override_count) {
  TRY(load_file(loader, text, bytes));
  for (int i = 0; i < override_count; ++i) TRY(load_override(loader, i, overrides[i]));
  TRY(complete(loader));
  if (loader->problems.count == 0) check_together(loader);
  return problems_raise(&loader->problems);
}

enum status config_parse(const char *path, const char *text, size_t bytes, const char *const *overrides,
                         int override_count, struct config **config) {
  *config = NULL;
  REQUIRE(override_count >= 0, STATUS_ARGUMENT, "%d overrides", override_count);
  enum status status = STATUS_OK;
  struct loader *loader = calloc(1, sizeof *loader);
  struct config *made = calloc(1, sizeof *made);
  if (loader) loader->attempted = calloc((size_t)schema_count, sizeof *loader->attempted);
  if (made) {
    made->origins = calloc((size_t)schema_count, sizeof *made->origins);
    made->words = calloc((size_t)override_count + 1, sizeof *made->words);
  }
  if (!loader || !loader->attempted || !made || !made->origins || !made->words) {
    status = status_raise(STATUS_MEMORY, "out of memory reading %s", path);
    goto cleanup;
  }
  problems_show(path, made->name, sizeof made->name);
  for (int i = 0; i < override_count; ++i) problems_show(overrides[i], made->words[i], sizeof made->words[i]);
  loader->config = made;
  status = load(loader, text, bytes, overrides, override_count);
cleanup:
  if (loader) {
    document_destroy(&loader->document);
    free(loader->attempted);
  }
  free(loader);
  if (status != STATUS_OK) config_destroy(&made);
  *config = made;
  return status;
}

void config_destroy(struct config **config) {
  if (!*config) return;
  free((*config)->origins);
  free((*config)->words);
  free(*config);
  *config = NULL;
}

const struct experiment *config_experiment(const struct config *config) { return &config->experiment; }
