#include "config/scalar.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words, int count) {
  for (int i = 0; i < count; ++i)
    if (strcmp(text, words[i]) == 0) return true;
  return false;
}

bool scalar_is_null(const char *text) {
  static const char *const words[] = {"", "~", "null", "Null", "NULL"};
  return is_one_of(text, words, 5);
}

bool scalar_switch(const char *text, bool *value) {
  static const char *const yes[] = {"true", "True", "TRUE"}, *const no[] = {"false", "False", "FALSE"};
  *value = is_one_of(text, yes, 3);
  return *value || is_one_of(text, no, 3);
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

const char *scalar_foreign(const char *text) {
  if (strcmp(text, "???") == 0) return "Hydra's mark of a missing value";
  if (strstr(text, "${") || (text[0] == '$' && is_letter(text[1]))) return "variables are not expanded here";
  if (strncmp(text, "~/", 2) == 0) return "~ is the shell's, and not expanded here";
  return NULL;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Whether YAML would take the rest of the text for a comment. Quotes matter only where they open a word: in "it's" they
 * are a letter. */
static bool has_comment(const char *value, bool flow) {
  char quote = 0, before = ' ';
  for (const char *c = value; *c; before = *c++) {
    if (quote == '"' && *c == '\\' && c[1])
      ++c;
    else if (quote && *c == quote)
      quote = 0;
    else if (!quote && flow && (*c == '"' || *c == '\'') && (is_blank(before) || strchr("[{,:", before)))
      quote = *c;
    else if (!quote && *c == '#' && is_blank(before))
      return true;
  }
  return false;
}

/* In double quotes, without the blanks around it. */
static enum status quote_whole(const char *value, size_t length, char **quoted) {
  char *out = *quoted = malloc(2 * length + 3);
  REQUIRE(out, STATUS_MEMORY, "out of memory for a word of %zu bytes", length);
  *out++ = '"';
  for (size_t i = 0; i < length; ++i) {
    if (value[i] == '"' || value[i] == '\\' || value[i] == '\n') *out++ = '\\';
    *out++ = value[i] == '\n' ? 'n' : value[i];
  }
  *out++ = '"';
  *out = '\0';
  return STATUS_OK;
}

enum status scalar_override(const char *value, const char **text, char **owned) {
  *text = value;
  *owned = NULL;
  const char *start = value;
  while (is_blank(*start)) ++start;
  const bool flow = *start && strchr("\"'[{", *start);
  if (!has_comment(start, flow)) return STATUS_OK;
  REQUIRE(!flow, STATUS_CONFIG, "a \"#\" behind a blank, which is no comment here: put all of the value into quotes");
  size_t length = strlen(start);
  while (is_blank(start[length - 1])) --length; /* a '#' is there, at least */
  TRY(quote_whole(start, length, owned));
  *text = *owned;
  return STATUS_OK;
}
