/* Who speaks, and with what in front; how progress is drawn. */
#define _XOPEN_SOURCE 700
#include "base/log.h"
#include "base/terminal.h"
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char text[4096];

/* What is written to stderr by `speak`. */
static const char *heard(void (*speak)(void)) {
  FILE *file = tmpfile();
  assert_non_null(file);
  fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  speak();
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

static void say(void) {
  log_info("step %d", 7);
  log_warn("careful");
}

static void say_any(void) { log_any("alone"); }

static void scopes(void **state) {
  (void)state;
  log_setup(LOG_NORMAL, 3, false);
  assert_string_equal("", heard(say));
  log_scope("trial 12: ", true);
  assert_string_equal("trial 12: step 7\nhgn: warning: trial 12: careful\n", heard(say));
  assert_string_equal("hgn: rank 3: trial 12: alone\n", heard(say_any));
  log_scope("trial 13: ", false);
  assert_string_equal("", heard(say));
  log_scope(NULL, true);
  assert_string_equal("", heard(say));
  log_setup(LOG_QUIET, 0, true);
  assert_string_equal("hgn: warning: careful\n", heard(say));
  log_scope("trial 14: ", false);
  assert_string_equal("", heard(say));
  log_scope(NULL, false);
  assert_string_equal("hgn: warning: careful\n", heard(say));
}

static void say_odd(void) { log_error("a\033[31m\r\b\302\233b\tc\nd\177\303\244"); }

/* What comes out of files does nothing to a terminal; letters of other languages stay letters. */
static void plain(void **state) {
  (void)state;
  log_setup(LOG_NORMAL, 0, true);
  assert_string_equal("hgn: error: a\\x1b[31m\\x0d\\x08\\x9bb\tc\nd\\x7f\303\244\n", heard(say_odd));
}

/* ---- Progress on a terminal ---- */

static const char *label;

static void progress(void) {
  struct progress loop;
  progress_begin(&loop, label, "rollouts", 4000);
  loop.started -= 3;
  loop.last -= 60; /* so that it is time for a line */
  progress_update(&loop, 1234);
  progress_end(&loop, 4000);
}

/* What progress() writes to a terminal of that many columns, 0: one that does not know. */
static const char *drawn(unsigned short columns) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY), kept = dup(STDERR_FILENO);
  assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
  const int side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  assert_true(side >= 0);
  assert_int_equal(0, ioctl(side, TIOCSWINSZ, &(struct winsize){.ws_row = 24, .ws_col = columns}));
  dup2(side, STDERR_FILENO);
  progress();
  dup2(kept, STDERR_FILENO);
  size_t used = 0; /* a terminal gives what was written in pieces; the last line says 100% */
  for (text[0] = '\0'; !strstr(text, "100%") || text[used - 1] != '\n'; text[used] = '\0') {
    const ssize_t bytes = read(terminal, text + used, sizeof text - 1 - used);
    assert_true(bytes > 0);
    used += (size_t)bytes;
  }
  close(side);
  close(terminal);
  close(kept);
  return text;
}

/* The two lines that progress() draws are shorter than a line of the terminal, and say how far it is and how long it
 * takes. */
static void fits(unsigned short columns, const char *line) {
  static const char redraw[] = "\r\033[K";
  assert_memory_equal(redraw, line, strlen(redraw));
  for (int i = 0; i < 2; i++) {
    line += strlen(redraw);
    const char *end = strstr(line, i ? "\r\n" : redraw);
    assert_non_null(end);
    assert_true(end - line < columns);
    char one[512];
    snprintf(one, sizeof one, "%.*s", (int)(end - line), line);
    assert_non_null(strstr(one, i ? "100%" : " 31%"));
    assert_non_null(strstr(one, i ? "in 0:03" : "0:07 left"));
    line = end;
  }
  assert_string_equal("\r\n", line);
}

static void widths(void **state) {
  static const char *const labels[] = {"train", "limit of 5 frames as positions"};
  static const unsigned short columns[] = {20, 26, 30, 40, 41, 50, 60, 80, 200};
  (void)state;
  log_setup(LOG_NORMAL, 0, true);
  setenv("TERM", "xterm", 1);
  unsetenv("COLUMNS");
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
      label = labels[i];
      fits(columns[k], drawn(columns[k]));
    }
  assert_non_null(strstr(drawn(80), "limit of 5 frames as positions [###")); /* the bar, where there is room */
  fits(80, drawn(0));
  setenv("COLUMNS", "40", 1);
  fits(40, drawn(120));
  setenv("COLUMNS", "wide", 1);
  fits(80, drawn(80));
  unsetenv("COLUMNS");
}

/* No escape sequences where they would be seen as letters. */
static void no_escapes(void **state) {
  static const char *const terms[] = {"dumb", "", NULL};
  (void)state;
  log_setup(LOG_NORMAL, 0, true);
  label = "train";
  for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
    terms[i] ? setenv("TERM", terms[i], 1) : unsetenv("TERM");
    assert_null(strchr(drawn(80), '\033'));
    assert_non_null(strstr(text, "train: 4000 of 4000 rollouts (100%)"));
  }
  setenv("TERM", "xterm", 1);
  assert_null(strchr(heard(progress), '\033'));
  assert_null(strchr(text, '\r'));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(scopes), cmocka_unit_test(plain), cmocka_unit_test(widths),
                                     cmocka_unit_test(no_escapes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
