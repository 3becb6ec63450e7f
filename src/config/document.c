#include "config/document.h"

#include "config/grow.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct anchor {
  size_t name; /* in strings */
  int node;
};

/* A collection that is being read: its children wait on the stack `pending` from `first` on. */
struct frame {
  int node;
  size_t first;
  int key; /* mapping: the key that waits for its value, -1 when none */
  struct document_mark key_mark;
};

struct composer {
  const char *name;
  bool positions;
  const char *text;
  size_t bytes;
  struct document *document;
  struct frame frames[DOCUMENT_DEPTH_MAX];
  int depth;
  struct document_entry *pending;
  size_t pending_count, pending_room;
  struct anchor anchors[DOCUMENT_ANCHORS_MAX];
  int anchor_count;
  int expanded; /* nodes so far, aliases written out */
  int *table;   /* hash table of the keys of one mapping: entry + 1, 0 when free */
  size_t table_room;
  bool done; /* the document is complete */
};

static struct document_mark mark_from(yaml_mark_t mark) {
  return (struct document_mark){(int)mark.line + 1, (int)mark.column + 1};
}

/* "NAME:LINE:COL: " or "NAME: " before the present message. */
static enum status locate(const struct composer *composer, enum status status, struct document_mark mark) {
  if (!composer->positions) return status_context(status, "%s", composer->name);
  return status_context(status, "%s:%d:%d", composer->name, mark.line, mark.column);
}

/* The place of a byte: columns count characters, that is bytes that do not continue one. */
static struct document_mark mark_of_byte(const char *text, size_t byte) {
  struct document_mark mark = {1, 1};
  for (size_t i = 0; i < byte; ++i) {
    if (text[i] == '\n') {
      mark.line += 1;
      mark.column = 1;
    } else if (((unsigned char)text[i] & 0xC0u) != 0x80u) {
      mark.column += 1;
    }
  }
  return mark;
}

const char *document_text(const struct document *document, int node) {
  return document->strings + document->nodes[node].text;
}

const struct document_entry *document_entry(const struct document *document, int node, int child) {
  return &document->entries[document->nodes[node].first + (size_t)child];
}

void document_destroy(struct document **document) {
  if (!*document) return;
  free((*document)->nodes);
  free((*document)->entries);
  free((*document)->strings);
  free(*document);
  *document = NULL;
}

static enum status add_string(struct document *document, const char *text, size_t length, size_t *place) {
  TRY(GROW(document->strings, document->string_room, document->string_bytes + length + 1));
  *place = document->string_bytes;
  if (length > 0) memcpy(document->strings + document->string_bytes, text, length);
  document->strings[document->string_bytes + length] = '\0';
  document->string_bytes += length + 1;
  return STATUS_OK;
}

static enum status count_nodes(struct composer *composer, int nodes, struct document_mark mark) {
  if (nodes > DOCUMENT_NODES_MAX - composer->expanded)
    return locate(
        composer,
        status_raise(STATUS_CONFIG, "more than %d nodes once aliases are written out", (int)DOCUMENT_NODES_MAX), mark);
  composer->expanded += nodes;
  return STATUS_OK;
}

static enum status check_depth(const struct composer *composer, int height, struct document_mark mark) {
  if (composer->depth + height > DOCUMENT_DEPTH_MAX)
    return locate(composer, status_raise(STATUS_CONFIG, "nested more than %d deep", (int)DOCUMENT_DEPTH_MAX), mark);
  return STATUS_OK;
}

static enum status add_node(struct composer *composer, const struct document_node *node, int *index) {
  struct document *document = composer->document;
  TRY(check_depth(composer, 1, node->mark));
  TRY(count_nodes(composer, 1, node->mark));
  TRY(GROW(document->nodes, document->node_room, document->node_count + 1));
  *index = (int)document->node_count;
  document->nodes[document->node_count++] = *node;
  return STATUS_OK;
}

static enum status set_anchor(struct composer *composer, const yaml_char_t *name, int node) {
  if (!name) return STATUS_OK;
  const char *text = (const char *)name;
  struct anchor *anchor = NULL;
  for (int i = 0; i < composer->anchor_count && !anchor; ++i)
    if (strcmp(composer->document->strings + composer->anchors[i].name, text) == 0) anchor = &composer->anchors[i];
  if (!anchor) {
    if (composer->anchor_count == DOCUMENT_ANCHORS_MAX)
      return locate(composer, status_raise(STATUS_CONFIG, "more than %d anchors", (int)DOCUMENT_ANCHORS_MAX),
                    composer->document->nodes[node].mark);
    anchor = &composer->anchors[composer->anchor_count];
    TRY(add_string(composer->document, text, strlen(text), &anchor->name));
    composer->anchor_count += 1;
  }
  anchor->node = node;
  return STATUS_OK;
}

/* Puts a complete or just opened node where it belongs: root, key, value or item. */
static enum status place(struct composer *composer, int node, struct document_mark mark) {
  if (composer->depth == 0) {
    composer->document->root = node;
    return STATUS_OK;
  }
  struct frame *frame = &composer->frames[composer->depth - 1];
  const bool mapping = composer->document->nodes[frame->node].kind == DOCUMENT_MAPPING;
  if (mapping && frame->key < 0) {
    if (composer->document->nodes[node].kind != DOCUMENT_SCALAR)
      return locate(composer, status_raise(STATUS_CONFIG, "a key must be a word, not a sequence or mapping"), mark);
    frame->key = node;
    frame->key_mark = mark;
    return STATUS_OK;
  }
  TRY(GROW(composer->pending, composer->pending_room, composer->pending_count + 1));
  composer->pending[composer->pending_count++] =
      mapping ? (struct document_entry){frame->key, node, frame->key_mark} : (struct document_entry){-1, node, mark};
  frame->key = -1;
  return STATUS_OK;
}

static enum status refuse_tag(const struct composer *composer, const yaml_char_t *tag, struct document_mark mark) {
  if (!tag) return STATUS_OK;
  return locate(composer, status_raise(STATUS_CONFIG, "tags such as \"%.40s\" are not allowed", (const char *)tag),
                mark);
}

static enum status on_scalar(struct composer *composer, const yaml_event_t *event, struct document_mark mark) {
  const char *text = (const char *)event->data.scalar.value;
  const size_t length = event->data.scalar.length;
  TRY(refuse_tag(composer, event->data.scalar.tag, mark));
  if (memchr(text, 0, length)) return locate(composer, status_raise(STATUS_CONFIG, "text with a NUL character"), mark);
  struct document_node node = {.kind = DOCUMENT_SCALAR, .height = 1, .expanded = 1, .mark = mark};
  node.quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  TRY(add_string(composer->document, text, length, &node.text));
  int index;
  TRY(add_node(composer, &node, &index));
  TRY(set_anchor(composer, event->data.scalar.anchor, index));
  return place(composer, index, mark);
}

static enum status on_start(struct composer *composer, enum document_kind kind, const yaml_char_t *anchor,
                            const yaml_char_t *tag, struct document_mark mark) {
  TRY(refuse_tag(composer, tag, mark));
  struct document_node node = {.kind = kind, .height = 1, .open = true, .mark = mark};
  node.expanded = composer->expanded; /* until on_end(): the count before this node */
  int index;
  TRY(add_node(composer, &node, &index));
  TRY(set_anchor(composer, anchor, index));
  TRY(place(composer, index, mark));
  /* add_node() has checked that one level more is allowed. */
  composer->frames[composer->depth++] = (struct frame){.node = index, .first = composer->pending_count, .key = -1};
  return STATUS_OK;
}

static enum status on_alias(struct composer *composer, const yaml_event_t *event, struct document_mark mark) {
  const char *name = (const char *)event->data.alias.anchor;
  const struct document *document = composer->document;
  int node = -1;
  for (int i = 0; i < composer->anchor_count && node < 0; ++i)
    if (strcmp(document->strings + composer->anchors[i].name, name) == 0) node = composer->anchors[i].node;
  if (node < 0)
    return locate(composer, status_raise(STATUS_CONFIG, "no anchor \"&%.40s\" before this alias", name), mark);
  if (document->nodes[node].open)
    return locate(composer, status_raise(STATUS_CONFIG, "alias \"*%.40s\" stands inside what it names", name), mark);
  TRY(check_depth(composer, document->nodes[node].height, mark));
  TRY(count_nodes(composer, document->nodes[node].expanded, mark));
  return place(composer, node, mark);
}

static uint32_t hash_text(const char *text) { /* FNV-1a */
  uint32_t hash = 2166136261u;
  for (; *text; ++text) hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

static bool is_merge(const struct document *document, const struct document_entry *entry) {
  return !document->nodes[entry->key].quoted && strcmp(document_text(document, entry->key), "<<") == 0;
}

/* Adds `entry` to the mapping whose entries start at `first` of document->entries, unless its key is there: then
 * `*present` is that entry. The table has at least twice as many places as there will be entries. */
static enum status add_entry(struct composer *composer, size_t first, size_t mask, const struct document_entry *entry,
                             const struct document_entry **present) {
  struct document *document = composer->document;
  const char *key = document_text(document, entry->key);
  size_t slot = hash_text(key) & mask;
  for (; composer->table[slot]; slot = (slot + 1) & mask) {
    const struct document_entry *other = &document->entries[first + (size_t)composer->table[slot] - 1];
    if (strcmp(document_text(document, other->key), key) == 0) {
      *present = other;
      return STATUS_OK;
    }
  }
  TRY(GROW(document->entries, document->entry_room, document->entry_count + 1));
  composer->table[slot] = (int)(document->entry_count - first) + 1;
  document->entries[document->entry_count++] = *entry;
  *present = NULL;
  return STATUS_OK;
}

/* Adds the pairs of mapping `source` whose keys are not there yet. */
static enum status merge_mapping(struct composer *composer, size_t first, size_t mask, int source,
                                 struct document_mark mark) {
  const struct document_node node = composer->document->nodes[source];
  if (node.kind != DOCUMENT_MAPPING)
    return locate(composer, status_raise(STATUS_CONFIG, "a merge key (<<) takes a mapping or a sequence of mappings"),
                  mark);
  for (int i = 0; i < node.count; ++i) {
    const struct document_entry entry = *document_entry(composer->document, source, i);
    const struct document_entry *present;
    TRY(add_entry(composer, first, mask, &entry, &present));
  }
  return STATUS_OK;
}

static enum status merge(struct composer *composer, size_t first, size_t mask, const struct document_entry *entry) {
  const struct document_node node = composer->document->nodes[entry->value];
  if (node.kind != DOCUMENT_SEQUENCE) return merge_mapping(composer, first, mask, entry->value, entry->mark);
  for (int i = 0; i < node.count; ++i) {
    const struct document_entry item = *document_entry(composer->document, entry->value, i);
    TRY(merge_mapping(composer, first, mask, item.value, item.mark));
  }
  return STATUS_OK;
}

static size_t merged_pairs(const struct document *document, int value) {
  const struct document_node *node = &document->nodes[value];
  if (node->kind == DOCUMENT_MAPPING) return (size_t)node->count;
  size_t pairs = 0;
  for (int i = 0; node->kind == DOCUMENT_SEQUENCE && i < node->count; ++i)
    pairs += (size_t)document->nodes[document_entry(document, value, i)->value].count;
  return pairs;
}

/* An empty table with room for the pending pairs from `from` on and all that they merge. The room is bounded: merged
 * pairs are nodes after expansion. */
static enum status clear_table(struct composer *composer, size_t from, size_t *mask) {
  size_t pairs = 1;
  for (size_t i = from; i < composer->pending_count; ++i) {
    const struct document_entry *entry = &composer->pending[i];
    pairs += 1 + (is_merge(composer->document, entry) ? merged_pairs(composer->document, entry->value) : 0);
  }
  size_t places = 4;
  while (places < 2 * pairs) places *= 2;
  TRY(GROW(composer->table, composer->table_room, places));
  memset(composer->table, 0, places * sizeof *composer->table);
  *mask = places - 1;
  return STATUS_OK;
}

/* Pairs as written first, then what is merged, each key once. */
static enum status close_mapping(struct composer *composer, const struct frame *frame) {
  struct document *document = composer->document;
  const size_t first = document->entry_count;
  size_t mask;
  TRY(clear_table(composer, frame->first, &mask));
  const struct document_entry *merge_key = NULL;
  for (size_t i = frame->first; i < composer->pending_count; ++i) {
    const struct document_entry entry = composer->pending[i];
    const struct document_entry *present = NULL;
    const bool merges = is_merge(document, &entry);
    if (merges) {
      present = merge_key;
      merge_key = &composer->pending[i];
    } else {
      TRY(add_entry(composer, first, mask, &entry, &present));
    }
    if (!present) continue;
    const char *hint = merges ? "; merge several mappings with <<: [*a, *b]" : "";
    const char *key = document_text(document, entry.key);
    if (composer->positions)
      status_raise(STATUS_CONFIG, "duplicate key \"%.60s\", first at %s:%d:%d%s", key, composer->name,
                   present->mark.line, present->mark.column, hint);
    else
      status_raise(STATUS_CONFIG, "duplicate key \"%.60s\"%s", key, hint);
    return locate(composer, STATUS_CONFIG, entry.mark);
  }
  if (merge_key) {
    const struct document_entry entry = *merge_key;
    TRY(merge(composer, first, mask, &entry));
  }
  document->nodes[frame->node].first = first;
  document->nodes[frame->node].count = (int)(document->entry_count - first);
  return STATUS_OK;
}

static enum status close_sequence(struct composer *composer, const struct frame *frame) {
  struct document *document = composer->document;
  const size_t count = composer->pending_count - frame->first;
  TRY(GROW(document->entries, document->entry_room, document->entry_count + count));
  if (count > 0)
    memcpy(document->entries + document->entry_count, composer->pending + frame->first,
           count * sizeof *document->entries);
  document->nodes[frame->node].first = document->entry_count;
  document->nodes[frame->node].count = (int)count;
  document->entry_count += count;
  return STATUS_OK;
}

static enum status on_end(struct composer *composer) {
  const struct frame frame = composer->frames[composer->depth - 1];
  struct document *document = composer->document;
  TRY(document->nodes[frame.node].kind == DOCUMENT_MAPPING ? close_mapping(composer, &frame)
                                                           : close_sequence(composer, &frame));
  composer->pending_count = frame.first;
  composer->depth -= 1;
  struct document_node *node = &document->nodes[frame.node];
  for (int i = 0; i < node->count; ++i) {
    const int height = document->nodes[document_entry(document, frame.node, i)->value].height + 1;
    if (height > node->height) node->height = height;
  }
  node->expanded = composer->expanded - node->expanded;
  node->open = false;
  return STATUS_OK;
}

static enum status on_event(struct composer *composer, const yaml_event_t *event) {
  const struct document_mark mark = mark_from(event->start_mark);
  switch (event->type) {
  case YAML_DOCUMENT_START_EVENT:
    if (composer->done)
      return locate(composer, status_raise(STATUS_CONFIG, "a second document starts here; one a file"), mark);
    composer->done = true;
    return STATUS_OK;
  case YAML_SCALAR_EVENT:
    return on_scalar(composer, event, mark);
  case YAML_ALIAS_EVENT:
    return on_alias(composer, event, mark);
  case YAML_SEQUENCE_START_EVENT:
    return on_start(composer, DOCUMENT_SEQUENCE, event->data.sequence_start.anchor, event->data.sequence_start.tag,
                    mark);
  case YAML_MAPPING_START_EVENT:
    return on_start(composer, DOCUMENT_MAPPING, event->data.mapping_start.anchor, event->data.mapping_start.tag, mark);
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT:
    return on_end(composer);
  default:
    return STATUS_OK;
  }
}

/* What libyaml says, with its place. Its reader knows only the byte. */
static enum status raise_syntax(const struct composer *composer, const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR)
    return status_raise(STATUS_MEMORY, "out of memory reading %s", composer->name);
  const char *problem = parser->problem ? parser->problem : "not YAML";
  if (parser->error == YAML_READER_ERROR) {
    const size_t byte = parser->problem_offset < composer->bytes ? parser->problem_offset : composer->bytes;
    status_raise(STATUS_CONFIG, "%s: expected UTF-8 text", problem);
    return locate(composer, STATUS_CONFIG, mark_of_byte(composer->text, byte));
  }
  if (parser->context)
    status_raise(STATUS_CONFIG, "%s, %s", parser->context, problem);
  else
    status_raise(STATUS_CONFIG, "%s", problem);
  return locate(composer, STATUS_CONFIG, mark_from(parser->problem_mark));
}

static enum status compose(struct composer *composer, yaml_parser_t *parser) {
  for (bool more = true; more;) {
    yaml_event_t event;
    if (!yaml_parser_parse(parser, &event)) return raise_syntax(composer, parser);
    more = event.type != YAML_STREAM_END_EVENT;
    const enum status status = on_event(composer, &event);
    yaml_event_delete(&event);
    TRY(status);
  }
  return STATUS_OK;
}

/* By its byte order mark, or by where it begins: a letter has a byte that is zero in UTF-16, and three in UTF-32. */
static const char *other_encoding(const char *text, size_t bytes) {
  if (bytes < 2) return NULL;
  const bool marked = memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0;
  if (bytes < 4) return marked ? "UTF-16" : NULL;
  const bool zero[4] = {!text[0], !text[1], !text[2], !text[3]};
  if (zero[2] && zero[3] && (marked || (!zero[0] && zero[1]))) return "UTF-32";
  if (zero[0] && zero[1] && !zero[3]) return "UTF-32";
  return marked || (zero[0] != zero[1] && zero[0] == zero[2] && zero[1] == zero[3]) ? "UTF-16" : NULL;
}

enum status document_check(const char *name, bool positions, const char *text, size_t bytes) {
  const struct composer composer = {.name = name, .positions = positions};
  const char *encoding = other_encoding(text, bytes);
  REQUIRE(!encoding, STATUS_CONFIG, "%s: is %s: save it as UTF-8", name, encoding);
  const char *zero = bytes > 0 ? memchr(text, 0, bytes) : NULL;
  if (!zero) return STATUS_OK;
  status_raise(STATUS_CONFIG, "a NUL byte: not a text file");
  return locate(&composer, STATUS_CONFIG, mark_of_byte(text, (size_t)(zero - text)));
}

enum status document_parse(const char *name, bool positions, const char *text, size_t bytes,
                           struct document **document) {
  *document = NULL;
  REQUIRE(bytes <= DOCUMENT_BYTES_MAX, STATUS_CONFIG, "%s: more than %d bytes", name, (int)DOCUMENT_BYTES_MAX);
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) return status_raise(STATUS_MEMORY, "out of memory reading %s", name);
  enum status status = STATUS_OK;
  struct composer *composer = calloc(1, sizeof *composer);
  struct document *made = calloc(1, sizeof *made);
  if (!composer || !made) {
    status = status_raise(STATUS_MEMORY, "out of memory reading %s", name);
    goto cleanup;
  }
  made->root = -1;
  if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark: editors on Windows write it */
    text += 3;
    bytes -= 3;
  }
  *composer = (struct composer){.name = name, .positions = positions, .text = text, .bytes = bytes, .document = made};
  status = document_check(name, positions, text, bytes);
  if (status != STATUS_OK) goto cleanup;
  /* Said, not guessed: otherwise a byte order mark would switch to UTF-16. */
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
  status = compose(composer, &parser);
cleanup:
  yaml_parser_delete(&parser);
  if (status != STATUS_OK) document_destroy(&made);
  if (composer) {
    free(composer->pending);
    free(composer->table);
  }
  free(composer);
  *document = made;
  return status;
}
