#include "base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_LEAST = 20, COLUMNS_USUAL = 80, COLUMNS_MOST = 10000 };

bool terminal_draws(int descriptor) {
  const char *term = getenv("TERM");
  return term && *term && strcmp(term, "dumb") != 0 && isatty(descriptor) == 1;
}

int terminal_columns(int descriptor) {
  const char *text = getenv("COLUMNS");
  struct winsize size;
  char *end = NULL;
  long columns = text ? strtol(text, &end, 10) : 0;
  if (!text || *end || columns <= 0 || columns > COLUMNS_MOST) /* not a number that can be right */
    columns = ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_USUAL;
  return columns < COLUMNS_LEAST ? COLUMNS_LEAST : (int)columns;
}
