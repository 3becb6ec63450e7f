/* What a YAML file is, before its keys are gone into: one line in the place of ten about keys that were never meant. */
#include "config/config_impl.h"

#include <string.h>

enum { PATH_MAX_HERE = 256, SHOWN_MAX = 200 };

struct count {
  int known, unknown;
  char shown[SHOWN_MAX]; /* the first that are not known */
};

static bool is_known(const char *path) {
  char meant[SCHEMA_PATH_MAX];
  for (int use = 0; use < SCHEMA_USE_COUNT; ++use)
    if (schema_find(path, (enum schema_use)use) >= 0 || schema_is_section(path, (enum schema_use)use) ||
        schema_nearest(path, (enum schema_use)use, meant)) /* a slip of the pen */
      return true;
  return false;
}

static void count_key(struct count *count, const char *path) {
  char shown[SCHEMA_PATH_MAX];
  const size_t used = strlen(count->shown);
  if (is_known(path)) {
    count->known += 1;
    return;
  }
  count->unknown += 1;
  problems_show(path, shown, sizeof shown);
  if (used + strlen(shown) + 8 < SHOWN_MAX && count->unknown <= 5)
    snprintf(count->shown + used, SHOWN_MAX - used, "%s%s", used ? ", " : "", shown);
}

/* Two levels tell enough: sections, and what stands in those that have a known name. */
static void count_keys(const struct document *document, struct count *count) {
  char path[PATH_MAX_HERE];
  for (int i = 0; i < document->nodes[document->root].count; ++i) {
    const struct document_entry *entry = document_entry(document, document->root, i);
    const struct document_node *value = &document->nodes[entry->value];
    const char *key = document_text(document, entry->key);
    if (strncmp(key, "x-", 2) == 0) continue;
    if (value->kind != DOCUMENT_MAPPING || !is_known(key)) count_key(count, key);
    for (int k = 0; value->kind == DOCUMENT_MAPPING && is_known(key) && k < value->count; ++k) {
      snprintf(path, sizeof path, "%s.%s", key,
               document_text(document, document_entry(document, entry->value, k)->key));
      count_key(count, path);
    }
  }
}

/* Sections that only one use has: without them, what is missing tells more than what the file might be. */
static bool shows_use(const struct document *document, enum schema_use use) {
  return use != SCHEMA_DATA || config_has_section(document, "system") || config_has_section(document, "render");
}

static enum status recognize(const char *name, const struct document *document, unsigned uses) {
  struct count count = {.known = 0};
  const bool sweep = config_has_section(document, "parameters") &&
                     (config_has_section(document, "method") || config_has_section(document, "metric"));
  REQUIRE(!sweep, STATUS_CONFIG, "%s: this is no experiment of hgn, but looks like a sweep: hgn sweep %s", name, name);
  count_keys(document, &count);
  REQUIRE(
      count.unknown <= count.known, STATUS_CONFIG,
      "%s: this is no experiment of hgn: most of its keys mean nothing here (%s). Expected the sections data, model, "
      "train; or system, initial, data, render; or density, data (hgn config --schema)",
      name, count.shown);
  const enum schema_use use = config_find_use(document);
  if (shows_use(document, use)) return config_require_use(name, use, uses);
  REQUIRE(uses & SCHEMA_USE(SCHEMA_DATA), STATUS_CONFIG, "%s: no section \"model\", which a training experiment has",
          name);
  return STATUS_OK;
}

enum status config_recognize(const char *path, const char *text, size_t bytes, unsigned uses) {
  char name[CONFIG_NAME_MAX];
  struct document *document;
  problems_show(path, name, sizeof name);
  TRY(document_parse(name, true, text, bytes, &document));
  const bool mapping = document->root >= 0 && document->nodes[document->root].kind == DOCUMENT_MAPPING;
  const enum status status = mapping ? recognize(name, document, uses) : STATUS_OK; /* config_parse() says more */
  document_destroy(&document);
  return status;
}
