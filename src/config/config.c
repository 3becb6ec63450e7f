#include "config/config.h"

#include "config/config_impl.h"
#include "config/problems.h"
#include "config/scalar.h"
#include "config/schema.h"
#include "config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOWN_MAX = 80, PATH_MAX_HERE = 256 };

enum status config_read(const char *path, char **text, size_t *bytes) {
  *text = NULL;
  *bytes = 0;
  FILE *file = fopen(path, "rb");
  REQUIRE(file, STATUS_CONFIG, "%s: cannot open: %s", path, strerror(errno));
  const size_t room = (size_t)DOCUMENT_BYTES_MAX + 1;
  char *buffer = malloc(room + 1);
  enum status status = STATUS_OK;
  struct stat about;
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
  else if (fstat(fileno(file), &about) != 0 || (S_ISREG(about.st_mode) && about.st_size != (off_t)count))
    status = status_raise(STATUS_CONFIG, "%s: cannot be read to its end", path); /* a part may be another experiment */
  else
    status = document_check(path, true, buffer, count);
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
  case ORIGIN_PRESET:
    snprintf(text, CONFIG_WHERE_MAX, "preset");
    return;
  case ORIGIN_STANDARD:
  case ORIGIN_NONE:
    snprintf(text, CONFIG_WHERE_MAX, "default");
    return;
  }
}

void config_problem(struct loader *loader, const struct origin *origin, bool at_key, const char *text) {
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
    if (!schema_used(&schema_rows[row], loader->config->use)) continue;
    if (strncmp(other, path, length) == 0 && (other[length] == '.' || !other[length])) loader->attempted[row] = true;
  }
}

/* The wrong key counts as an attempt at the one that was meant, so that a slip is one problem, not two. */
static void add_unknown(struct loader *loader, const struct origin *origin, const char *path) {
  char meant[SCHEMA_PATH_MAX], shown[SHOWN_MAX], text[PROBLEM_TEXT_MAX];
  const bool close = schema_nearest(path, loader->config->use, meant);
  problems_show(path, shown, sizeof shown);
  snprintf(text, sizeof text,
           close ? "unknown key \"%s\"; did you mean \"%s\"?" : "unknown key \"%s\"; the nearest valid key is \"%s\"",
           shown, meant);
  config_problem(loader, origin, true, text);
  if (close) attempt_all(loader, meant);
}

static void set_row(struct loader *loader, int row, const struct document *document, int node,
                    const struct origin *origin) {
  char problem[VALUE_TEXT_MAX];
  if (loader->preset && loader->attempted[row]) return;
  loader->attempted[row] = true;
  if (value_set(&schema_rows[row], document, node, &loader->config->experiment, problem))
    loader->config->origins[row] = *origin;
  else
    config_problem(loader, origin, false, problem);
}

static void walk(struct loader *loader, int mapping, const char *section);

static void walk_entry(struct loader *loader, const struct document_entry *entry, const char *section) {
  const struct document *document = loader->document;
  const char *key = document_text(document, entry->key);
  const struct document_node *value = &document->nodes[entry->value];
  const struct origin origin = {
      .kind = loader->preset ? ORIGIN_PRESET : ORIGIN_FILE, .mark = value->mark, .key = entry->mark};
  const enum schema_use use = loader->config->use;
  char path[PATH_MAX_HERE], text[PROBLEM_TEXT_MAX];
  snprintf(path, sizeof path, "%s%s%s", section, *section ? "." : "", key);
  if (!*section && strncmp(key, "x-", 2) == 0) return; /* a place for anchors */
  if (strchr(key, '.') && schema_find(path, use) >= 0) {
    snprintf(text, sizeof text, "write the key \"%s\" as a section with keys under it", path);
    config_problem(loader, &origin, true, text);
    loader->attempted[schema_find(path, use)] = true;
    return;
  }
  if (!strchr(key, '.') && schema_find(path, use) >= 0) {
    set_row(loader, schema_find(path, use), document, entry->value, &origin);
    return;
  }
  if (strchr(key, '.') || !schema_is_section(path, use)) {
    add_unknown(loader, &origin, path);
    return;
  }
  if (value->kind == DOCUMENT_MAPPING) {
    walk(loader, entry->value, path);
    return;
  }
  snprintf(text, sizeof text, "section \"%s\" must be a mapping with the keys of the section", path);
  config_problem(loader, &origin, false, text);
  attempt_all(loader, path);
}

/* Only sections of the table are walked into, so the table bounds the depth. */
static void walk(struct loader *loader, int mapping, const char *section) {
  for (int i = 0; i < loader->document->nodes[mapping].count; ++i)
    walk_entry(loader, document_entry(loader->document, mapping, i), section);
}

static const char *const use_texts[SCHEMA_USE_COUNT] = {
    [SCHEMA_DATA] = "data set of a system",
    [SCHEMA_POINTS] = "data set of points (it has a section \"density\")",
    [SCHEMA_TRAINING] = "training experiment (it has a section \"model\")"};

bool config_has_section(const struct document *document, const char *name) {
  for (int i = 0; i < document->nodes[document->root].count; ++i)
    if (strcmp(document_text(document, document_entry(document, document->root, i)->key), name) == 0) return true;
  return false;
}

enum schema_use config_find_use(const struct document *document) {
  if (config_has_section(document, "model")) return SCHEMA_TRAINING;
  return config_has_section(document, "density") ? SCHEMA_POINTS : SCHEMA_DATA;
}

static enum status load_file(struct loader *loader, const char *text, size_t bytes) {
  const char *name = loader->config->name;
  TRY(document_parse(name, true, text, bytes, &loader->document));
  const int root = loader->document->root;
  const char *sections =
      "expected a mapping of sections: system, initial, data, render; or density, data; or data, model, train";
  REQUIRE(root >= 0, STATUS_CONFIG, "%s:1:1: nothing in this file, %s", name, sections);
  const struct document_node *node = &loader->document->nodes[root];
  REQUIRE(node->kind == DOCUMENT_MAPPING, STATUS_CONFIG, "%s:%d:%d: found a %s, %s", name, node->mark.line,
          node->mark.column, node->kind == DOCUMENT_SCALAR ? "single value" : "sequence", sections);
  loader->config->use = config_find_use(loader->document);
  walk(loader, root, "");
  return STATUS_OK;
}

static enum status parse_override(const char *name, const char *value, struct document **document) {
  const char *text;
  char *owned;
  TRY(scalar_override(value, &text, &owned));
  const enum status status = document_parse(name, false, text, strlen(text), document);
  free(owned);
  return status;
}

static enum status load_override(struct loader *loader, int index, const char *word) {
  const struct origin origin = {.kind = ORIGIN_OVERRIDE, .override = index};
  const char *equals = strchr(word, '=');
  if (!equals || equals == word) {
    config_problem(loader, &origin, false, "expected key.path=value");
    return STATUS_OK;
  }
  char path[PATH_MAX_HERE], text[PROBLEM_TEXT_MAX];
  snprintf(path, sizeof path, "%.*s", equals - word < PATH_MAX_HERE ? (int)(equals - word) : PATH_MAX_HERE, word);
  const int row = schema_find(path, loader->config->use);
  if (row < 0 && schema_is_section(path, loader->config->use)) {
    snprintf(text, sizeof text, "\"%s\" is a section: name one of its keys, %s.KEY=VALUE", path, path);
    config_problem(loader, &origin, false, text);
    return STATUS_OK;
  }
  if (row < 0) {
    add_unknown(loader, &origin, path);
    return STATUS_OK;
  }
  char name[CONFIG_WHERE_MAX];
  config_origin(loader->config, &origin, name);
  struct document *document;
  const enum status status = parse_override(name, equals + 1, &document);
  if (status == STATUS_CONFIG) { /* its message has the place in front already */
    snprintf(text, sizeof text, "%.500s", status_message());
    const char *rest = strncmp(text, name, strlen(name)) == 0 ? text + strlen(name) + 2 : text;
    config_problem(loader, &origin, false, rest);
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
    config_problem(loader, &origin, false, text);
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

/* The kind of system, density or model that the file is about. */
static int kind_of(const struct config *config) {
  int kind;
  memcpy(&kind, (const char *)&config->experiment + schema_rows[schema_kind_row(config->use)].offset, sizeof kind);
  return kind;
}

static void refuse_row(struct loader *loader, int row, int kind_row) {
  struct config *config = loader->config;
  char kinds[SCHEMA_TEXT_MAX], where[CONFIG_WHERE_MAX], text[PROBLEM_TEXT_MAX];
  const int kind = kind_of(config);
  schema_kinds(&schema_rows[row], config->use, kinds);
  config_origin(config, &config->origins[kind_row], where);
  snprintf(text, sizeof text, "\"%s\" does not apply to %s (%s: %s), only to %s", schema_rows[row].path,
           schema_rows[kind_row].choices[kind], schema_rows[kind_row].path, where, kinds);
  config_problem(loader, &config->origins[row], true, text);
}

static enum status set_standard(struct config *config, int row) {
  TRY(value_set_standard(&schema_rows[row], &config->experiment));
  config->origins[row].kind = ORIGIN_STANDARD;
  return STATUS_OK;
}

/* Defaults, missing keys, and keys of another kind of system, density or model. Without a valid kind, only what applies
 * to all can be told. */
static enum status complete(struct loader *loader) {
  struct config *config = loader->config;
  const int kind_row = schema_kind_row(config->use);
  const bool assumed = schema_rows[kind_row].standard && !loader->attempted[kind_row];
  if (assumed) TRY(set_standard(config, kind_row));
  const bool known = config->origins[kind_row].kind != ORIGIN_NONE;
  for (int row = 0; row < schema_count; ++row) {
    const struct schema_row *entry = &schema_rows[row];
    const bool right = schema_applies(entry, config->use, known ? kind_of(config) : -1);
    const bool given = config->origins[row].kind != ORIGIN_NONE;
    if (known && given && !right) refuse_row(loader, row, kind_row);
    if (!right || given || loader->attempted[row]) continue;
    if (entry->standard)
      TRY(set_standard(config, row));
    else
      add_missing(loader, entry);
  }
  return STATUS_OK;
}

/* Keys of the preset that the file and the command line leave open. */
static enum status load_preset(struct loader *loader) {
  const enum preset_kind preset = loader->config->experiment.training.model.preset;
  const int row = schema_find("model.preset", SCHEMA_TRAINING);
  if (loader->config->use != SCHEMA_TRAINING || preset == PRESET_NONE) return STATUS_OK;
  if (!schema_applies(&schema_rows[row], SCHEMA_TRAINING, kind_of(loader->config)))
    return STATUS_OK; /* refused later */
  struct document *file = loader->document;
  enum status status =
      document_parse("preset", true, preset_text[preset], strlen(preset_text[preset]), &loader->document);
  if (status == STATUS_OK) {
    loader->preset = true;
    walk(loader, loader->document->root, "");
    loader->preset = false;
  }
  document_destroy(&loader->document);
  loader->document = file;
  return status;
}

static enum status load(struct loader *loader, const char *text, size_t bytes, const char *const *overrides,
                        int override_count) {
  TRY(load_file(loader, text, bytes));
  for (int i = 0; i < override_count; ++i) TRY(load_override(loader, i, overrides[i]));
  TRY(load_preset(loader));
  TRY(complete(loader));
  if (loader->problems.count == 0) config_check(loader);
  return problems_raise(&loader->problems);
}

/* A loader with an empty config of that name. STATUS_MEMORY. */
static enum status begin_loading(const char *path, const char *const *overrides, int override_count,
                                 struct loader **loader) {
  struct loader *made = calloc(1, sizeof *made);
  struct config *config = calloc(1, sizeof *config);
  if (made) made->attempted = calloc((size_t)schema_count, sizeof *made->attempted);
  if (config) {
    config->origins = calloc((size_t)schema_count, sizeof *config->origins);
    config->words = calloc((size_t)override_count + 1, sizeof *config->words);
  }
  if (!made || !made->attempted || !config || !config->origins || !config->words) {
    config_destroy(&config);
    if (made) free(made->attempted);
    free(made);
    return status_raise(STATUS_MEMORY, "out of memory reading %s", path);
  }
  problems_show(path, config->name, sizeof config->name);
  for (int i = 0; i < override_count; ++i) problems_show(overrides[i], config->words[i], sizeof config->words[i]);
  made->config = config;
  *loader = made;
  return STATUS_OK;
}

/* Its config is the caller's, when all went well. */
static enum status end_loading(struct loader *loader, enum status status, struct config **config) {
  if (status != STATUS_OK) config_destroy(&loader->config);
  *config = loader->config;
  document_destroy(&loader->document);
  free(loader->attempted);
  free(loader);
  return status;
}

enum status config_parse(const char *path, const char *text, size_t bytes, const char *const *overrides,
                         int override_count, struct config **config) {
  struct loader *loader;
  *config = NULL;
  REQUIRE(override_count >= 0, STATUS_ARGUMENT, "%d overrides", override_count);
  TRY(begin_loading(path, overrides, override_count, &loader));
  return end_loading(loader, load(loader, text, bytes, overrides, override_count), config);
}

/* The words alone, over values that are all there. */
static enum status vary(struct loader *loader, const struct config *base, const char *const *words, int count) {
  struct config *config = loader->config;
  config->use = base->use;
  config->experiment = base->experiment;
  memcpy(config->origins, base->origins, (size_t)schema_count * sizeof *config->origins);
  for (int row = 0; row < schema_count; ++row) /* given, but its words are not ours to show */
    if (config->origins[row].kind == ORIGIN_OVERRIDE) config->origins[row] = (struct origin){.kind = ORIGIN_FILE};
  for (int row = 0; row < schema_count; ++row) loader->attempted[row] = config->origins[row].kind != ORIGIN_NONE;
  for (int i = 0; i < count; ++i) TRY(load_override(loader, i, words[i]));
  TRY(complete(loader));
  if (loader->problems.count == 0) config_check(loader);
  return problems_raise(&loader->problems);
}

/* Whether a word sets a key on which the defaults of others depend. */
static bool changes_defaults(const char *const *words, int count) {
  static const char *const decisive[] = {"model.preset=", "model.name=", "system.name=", "density.name="};
  for (int i = 0; i < count; ++i)
    for (size_t k = 0; k < sizeof decisive / sizeof decisive[0]; ++k)
      if (strncmp(words[i], decisive[k], strlen(decisive[k])) == 0) return true;
  return false;
}

enum status config_vary(const struct config *base, const char *const *words, int count, struct config **config) {
  struct loader *loader;
  *config = NULL;
  if (changes_defaults(words, count)) {
    char *given;
    TRY(config_given(base, &given));
    const enum status status = config_parse(base->name, given, strlen(given), words, count, config);
    free(given);
    return status;
  }
  TRY(begin_loading(base->name, words, count, &loader));
  return end_loading(loader, vary(loader, base, words, count), config);
}

void config_destroy(struct config **config) {
  if (!*config) return;
  free((*config)->origins);
  free((*config)->words);
  free(*config);
  *config = NULL;
}

const struct experiment *config_experiment(const struct config *config) { return &config->experiment; }

const char *config_preset(const char *name) {
  const struct schema_row *row = &schema_rows[schema_find("model.preset", SCHEMA_TRAINING)];
  for (int i = PRESET_NONE + 1; i < PRESET_COUNT; ++i)
    if (strcmp(row->choices[i], name) == 0) return preset_text[i];
  return NULL;
}

enum schema_use config_use(const struct config *config) { return config->use; }

enum status config_require_use(const char *name, enum schema_use use, unsigned uses) {
  REQUIRE(uses & SCHEMA_USE(use), STATUS_CONFIG, "%s: this describes a %s; expected a %s (hgn %s takes it)", name,
          use_texts[use],
          uses & SCHEMA_USE(SCHEMA_TRAINING) ? "training experiment, with a section \"model\"" : "data set",
          use == SCHEMA_TRAINING ? "train" : "simulate");
  return STATUS_OK;
}

enum status config_require(const struct config *config, unsigned uses) {
  return config_require_use(config->name, config->use, uses);
}

int config_differences_of(const struct config *a, const struct config *b, bool (*counts)(const struct schema_row *row),
                          char *text, int size) {
  int count = 0, used = 0;
  text[0] = '\0';
  for (int row = 0; row < schema_count; ++row) {
    if (!counts(&schema_rows[row])) continue;
    char of_a[VALUE_TEXT_MAX] = "not given", of_b[VALUE_TEXT_MAX] = "not given";
    if (a->origins[row].kind != ORIGIN_NONE) value_print(&schema_rows[row], &a->experiment, of_a);
    if (b->origins[row].kind != ORIGIN_NONE) value_print(&schema_rows[row], &b->experiment, of_b);
    if (strcmp(of_a, of_b) == 0) continue;
    count += 1;
    if (used < size)
      used += snprintf(text + used, (size_t)(size - used), "%s%s: %.200s, now %.200s", count > 1 ? "; " : "",
                       schema_rows[row].path, of_a, of_b);
  }
  return count;
}

static bool any(const struct schema_row *row) {
  (void)row;
  return true;
}

int config_differences(const struct config *a, const struct config *b, char *text, int size) {
  return config_differences_of(a, b, any, text, size);
}
