/* What is wrong with a configuration, collected so that one run shows it all. Not collective. */
#ifndef HGN_CONFIG_PROBLEMS_H
#define HGN_CONFIG_PROBLEMS_H

#include "base/status.h"
#include "config/document.h"

enum {
  PROBLEM_SOURCE_LAST = 1 << 30, /* what is shown after everything else */
  PROBLEMS_SHOWN_MAX = 10,
  PROBLEMS_KEPT_MAX = 64, /* more are only counted */
  PROBLEM_TEXT_MAX = 720
};

struct problem {
  int source; /* 0: the file; i + 1: override i; PROBLEM_SOURCE_LAST */
  struct document_mark mark;
  char text[PROBLEM_TEXT_MAX]; /* with the place in front */
};

struct problems {
  int count; /* all of them */
  struct problem kept[PROBLEMS_KEPT_MAX];
};

/* `where` is put in front: "FILE:LINE:COL" or "override \"WORD\"". */
void problems_add(struct problems *problems, int source, struct document_mark mark, const char *where,
                  const char *format, ...) STATUS_PRINTF(5, 6);

/* STATUS_OK when there are none, else STATUS_CONFIG with the first ten, a line each, in the order of the file,
 * then of the overrides. */
enum status problems_raise(struct problems *problems);

/* A readable copy of foreign text: control characters become '?', and it is cut, between characters, to fit `size`
 * bytes with "..." at the end. */
void problems_show(const char *text, char *shown, size_t size);

#endif
