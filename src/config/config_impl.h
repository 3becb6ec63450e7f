/* What config.c fills and print.c prints. Private to src/config. */
#ifndef HGN_CONFIG_CONFIG_IMPL_H
#define HGN_CONFIG_CONFIG_IMPL_H

#include "config/config.h"
#include "config/document.h"
#include "config/problems.h"
#include "config/schema.h"

enum { CONFIG_NAME_MAX = 256, CONFIG_WORD_MAX = 128, CONFIG_WHERE_MAX = 320 };

enum origin_kind { ORIGIN_NONE, ORIGIN_STANDARD, ORIGIN_PRESET, ORIGIN_FILE, ORIGIN_OVERRIDE };

struct origin {
  enum origin_kind kind;
  int override;              /* its index */
  struct document_mark mark; /* ORIGIN_FILE: where the value stands */
  struct document_mark key;  /* and its key */
};

struct config {
  struct experiment experiment;
  enum schema_use use;
  char name[CONFIG_NAME_MAX];     /* of the file, fit for messages */
  char (*words)[CONFIG_WORD_MAX]; /* the overrides, fit for messages; owned */
  struct origin *origins;         /* [schema_count]; owned */
};

struct loader {
  struct config *config;
  struct document *document; /* of the file; of the preset while that is read */
  struct problems problems;
  bool *attempted; /* [schema_count]: given, rightly or not, so it is not missing */
  bool preset;     /* a preset is being read: what is given already stays */
};

/* Where to put a problem: at the value of an origin, or with `at_key` at its key. */
void config_problem(struct loader *loader, const struct origin *origin, bool at_key, const char *text);

/* Checks that need several values; only when each is right (check.c). */
void config_check(struct loader *loader);

/* The YAML of a preset; "" for none (presets.c, made from presets/ when the program is built). */
extern const char *const preset_text[PRESET_COUNT];

/* "FILE:LINE:COL", "default", "preset NAME" or "override \"WORD\"". */
void config_origin(const struct config *config, const struct origin *origin, char text[CONFIG_WHERE_MAX]);

/* Of a document whose root is a mapping. And config_require() of a use. */
bool config_has_section(const struct document *document, const char *name);
enum schema_use config_find_use(const struct document *document);
enum status config_require_use(const char *name, enum schema_use use, unsigned uses);

/* As YAML, what stands in the file or in overrides, without presets and defaults; caller frees. STATUS_MEMORY. */
enum status config_given(const struct config *config, char **text);

#endif
