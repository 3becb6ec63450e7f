/* Who speaks, and with what in front. */
#include "base/log.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(scopes), cmocka_unit_test(plain)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
