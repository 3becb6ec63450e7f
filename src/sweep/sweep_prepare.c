/* `prepare:` of a sweep file: command lines of hgn that make the data of the trials. */
#include "config/scalar.h"
#include "sweep/sweep_private.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_HERE = 2048 };

/* The next word of a line, quotes taken off, into word[]; NULL at the end, "" and *bad when a quote is not closed. */
static const char *next_word(const char *at, char word[LINE_MAX_HERE], bool *bad) {
  size_t used = 0;
  char quote = '\0';
  at += strspn(at, " \t");
  if (!*at) return NULL;
  for (; *at && (quote || (*at != ' ' && *at != '\t')); ++at) {
    if (quote && *at == quote)
      quote = '\0';
    else if (!quote && (*at == '\'' || *at == '"'))
      quote = *at;
    else
      word[used++] = *at; /* the line is shorter than the room */
  }
  word[used] = '\0';
  *bad = quote != '\0';
  return at;
}

/* No shell reads the line, so what only a shell would replace is not kept. */
static bool keep_word(struct sweep_reader *reader, int node, const char *word, char *words[SWEEP_WORDS_MAX],
                      int *count) {
  char expected[128];
  const char *foreign = scalar_foreign(word);
  if (foreign) {
    snprintf(expected, sizeof expected, "words as they are meant (%.16s: %s)", word, foreign);
    return sweep_refuse(reader, node, "prepare", expected);
  }
  words[(*count)++] = sweep_keep(reader->sweep, word);
  return true;
}

static bool split(struct sweep_reader *reader, int node, char *words[SWEEP_WORDS_MAX], int *count) {
  const char *line;
  char word[LINE_MAX_HERE];
  bool bad = false;
  if (!sweep_read_text(reader, node, "prepare", LINE_MAX_HERE, &line)) return false;
  for (const char *at = line; (at = next_word(at, word, &bad)) && !bad;) {
    if (*count == SWEEP_WORDS_MAX) return sweep_refuse(reader, node, "prepare", "at most 64 words");
    if (!keep_word(reader, node, word, words, count)) return false;
  }
  return !bad || sweep_refuse(reader, node, "prepare", "each quote to be closed");
}

static bool take_list(struct sweep_reader *reader, int node, char *words[SWEEP_WORDS_MAX], int *count) {
  const char *word;
  if (sweep_count(reader, node) > SWEEP_WORDS_MAX) return sweep_refuse(reader, node, "prepare", "at most 64 words");
  for (int i = 0; i < sweep_count(reader, node); ++i) {
    if (!sweep_read_text(reader, sweep_item(reader, node, i), "prepare", LINE_MAX_HERE, &word)) return false;
    if (!keep_word(reader, sweep_item(reader, node, i), word, words, count)) return false;
  }
  return true;
}

/* Only what makes files that trials read. A leading "hgn" is how it stands in a shell. */
static void read_command(struct sweep_reader *reader, int node) {
  struct sweep *sweep = reader->sweep;
  char *words[SWEEP_WORDS_MAX];
  int count = 0;
  const bool list = sweep_kind(reader, node) == DOCUMENT_SEQUENCE;
  if (!(list ? take_list(reader, node, words, &count) : split(reader, node, words, &count))) return;
  const int first = count > 0 && strcmp(words[0], "hgn") == 0;
  if (count == first || (strcmp(words[first], "simulate") != 0 && strcmp(words[first], "limit") != 0)) {
    sweep_refuse(reader, node, "prepare", "a command line \"simulate ...\" or \"limit ...\" of hgn");
    return;
  }
  char **kept = arena_array(&sweep->arena, count - first, sizeof *kept);
  if (!kept) return;
  memcpy(kept, words + first, (size_t)(count - first) * sizeof *kept);
  sweep->prepare[sweep->prepares++] = (struct sweep_command){kept, count - first};
}

void sweep_read_prepare(struct sweep_reader *reader, int node) {
  if (sweep_kind(reader, node) != DOCUMENT_SEQUENCE || sweep_count(reader, node) > SWEEP_PREPARE_MAX) {
    sweep_refuse(reader, node, "prepare", "a sequence of at most 64 command lines");
    return;
  }
  for (int i = 0; i < sweep_count(reader, node); ++i) read_command(reader, sweep_item(reader, node, i));
}
