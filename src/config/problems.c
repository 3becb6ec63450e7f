#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Leaves room in a message for context that callers put in front and for the last line. */
enum { MESSAGE_USED_MAX = STATUS_MESSAGE_MAX - 160 };

void problems_add(struct problems *problems, int source, struct document_mark mark, const char *where,
                  const char *format, ...) {
  if (problems->count++ >= PROBLEMS_KEPT_MAX) return;
  struct problem *problem = &problems->kept[problems->count - 1];
  problem->source = source;
  problem->mark = mark;
  int used = snprintf(problem->text, sizeof problem->text, "%s: ", where);
  if (used < 0 || (size_t)used >= sizeof problem->text) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem->text + used, sizeof problem->text - (size_t)used, format, arguments);
  va_end(arguments);
}

static bool is_before(const struct problem *a, const struct problem *b) {
  if (a->source != b->source) return a->source < b->source;
  if (a->mark.line != b->mark.line) return a->mark.line < b->mark.line;
  return a->mark.column < b->mark.column;
}

/* The earliest problem that is not shown yet; equal places in the order in which they were found. */
static int next_problem(const struct problems *problems, int kept, const bool *shown) {
  int next = -1;
  for (int i = 0; i < kept; ++i)
    if (!shown[i] && (next < 0 || is_before(&problems->kept[i], &problems->kept[next]))) next = i;
  return next;
}

enum status problems_raise(struct problems *problems) {
  if (problems->count == 0) return STATUS_OK;
  const int kept = problems->count < PROBLEMS_KEPT_MAX ? problems->count : PROBLEMS_KEPT_MAX;
  bool shown[PROBLEMS_KEPT_MAX] = {false};
  char message[STATUS_MESSAGE_MAX] = "";
  size_t used = 0;
  int lines = 0;
  for (; lines < kept && lines < PROBLEMS_SHOWN_MAX; ++lines) {
    const int next = next_problem(problems, kept, shown);
    const size_t length = strlen(problems->kept[next].text);
    if (lines > 0 && used + 1 + length > MESSAGE_USED_MAX) break;
    shown[next] = true;
    if (lines > 0) message[used++] = '\n';
    memcpy(message + used, problems->kept[next].text, length + 1);
    used += length;
  }
  if (problems->count > lines)
    snprintf(message + used, sizeof message - used, "\nand %d more", problems->count - lines);
  return status_raise(STATUS_CONFIG, "%s", message);
}

void problems_show(const char *text, char *shown, size_t size) {
  size_t used = 0;
  for (; text[used] && used + 1 < size; ++used) {
    const unsigned char c = (unsigned char)text[used];
    shown[used] = (char)(c < 0x20 || c == 0x7f ? '?' : c);
  }
  if (text[used]) {
    used = size - 4;
    while (used > 0 && ((unsigned char)text[used] & 0xC0u) == 0x80u) --used;
    memcpy(shown + used, "...", 3);
    used += 3;
  }
  shown[used] = '\0';
}
