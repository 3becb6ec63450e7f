/* What config.c fills and print.c prints. Private to src/config. */
#ifndef HGN_CONFIG_CONFIG_IMPL_H
#define HGN_CONFIG_CONFIG_IMPL_H

#include "config/config.h"
#include "config/document.h"

enum { CONFIG_NAME_MAX = 256, CONFIG_WORD_MAX = 128, CONFIG_WHERE_MAX = 320 };

enum origin_kind { ORIGIN_NONE, ORIGIN_STANDARD, ORIGIN_FILE, ORIGIN_OVERRIDE };

struct origin {
  enum origin_kind kind;
  int override;              /* its index */
  struct document_mark mark; /* ORIGIN_FILE: where the value stands */
  struct document_mark key;  /* and its key */
};

struct config {
  struct experiment experiment;
  char name[CONFIG_NAME_MAX];     /* of the file, fit for messages */
  char (*words)[CONFIG_WORD_MAX]; /* the overrides, fit for messages; owned */
  struct origin *origins;         /* [schema_count]; owned */
};

/* "FILE:LINE:COL", "default" or "override \"WORD\"". */
void config_origin(const struct config *config, const struct origin *origin, char text[CONFIG_WHERE_MAX]);

#endif
