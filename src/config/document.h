/* A YAML document as a tree with the place of every node: libyaml's events, composed under limits.
 *
 * Why not libyaml's own documents: they drop a node whose alias is undefined, do not merge, and do not bound expansion.
 * Aliases make the tree a directed graph without cycles: a node may have several parents, but the whole, written out,
 * stays within the limits, so walking it is bounded too. Merge keys are resolved: explicit keys win, then earlier
 * merges. Keys of a mapping are scalars and unique. Tags are refused.
 *
 * All functions: Not collective. Failures: STATUS_CONFIG with the place, STATUS_MEMORY.
 */
#ifndef HGN_CONFIG_DOCUMENT_H
#define HGN_CONFIG_DOCUMENT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
  DOCUMENT_BYTES_MAX = 1 << 20,
  DOCUMENT_DEPTH_MAX = 32,     /* of collections and scalars, the root counted */
  DOCUMENT_NODES_MAX = 100000, /* after expansion of aliases */
  DOCUMENT_ANCHORS_MAX = 1000
};

enum document_kind { DOCUMENT_SCALAR, DOCUMENT_SEQUENCE, DOCUMENT_MAPPING };

struct document_mark {
  int line, column; /* from 1; columns count characters */
};

struct document_node {
  enum document_kind kind;
  bool quoted;  /* scalar: written in quotes or as a block, so text whatever it looks like */
  bool open;    /* while parsing: not complete yet */
  int height;   /* 1 for a scalar, 1 + the highest child for a collection */
  int expanded; /* nodes when written out, this one included */
  int count;    /* children: items of a sequence, pairs of a mapping */
  size_t first; /* of the children in `entries` */
  size_t text;  /* scalar: its place in `strings`, NUL-terminated and without NUL inside */
  struct document_mark mark;
};

struct document_entry {
  int key; /* node, -1 in a sequence */
  int value;
  struct document_mark mark; /* of the key where it stands, of the value in a sequence */
};

struct document {
  struct document_node *nodes;
  struct document_entry *entries;
  char *strings;
  size_t node_count, node_room, entry_count, entry_room, string_bytes, string_room;
  int root; /* -1 for a text without content */
};

/* Parses one document of `bytes` bytes. Messages start with "NAME:LINE:COL: ", or with "NAME: " without `positions`.
 * `*document` is owned by the caller; NULL on failure. A text without content has root -1. */
enum status document_parse(const char *name, bool positions, const char *text, size_t bytes,
                           struct document **document);

/* Whether `text` can be UTF-8 at all: what was saved as UTF-16 or UTF-32 is named, and no text has a NUL byte. */
enum status document_check(const char *name, bool positions, const char *text, size_t bytes);

void document_destroy(struct document **document); /* accepts NULL inside; sets NULL */

/* Borrowed views. */
const char *document_text(const struct document *document, int node);
const struct document_entry *document_entry(const struct document *document, int node, int child);

#endif
