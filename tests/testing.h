/* What every test includes: cmocka with its headers in order, and the main() of tests that run under MPI. */
#ifndef HGN_TESTS_TESTING_H
#define HGN_TESTS_TESTING_H

/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

/* Fails with the message of a status that is not OK. */
#define assert_ok(expression)                                                                                          \
  do {                                                                                                                 \
    enum status assert_status_ = (expression);                                                                         \
    if (assert_status_ != STATUS_OK) fail_msg("%s: %s", status_text(assert_status_), status_message());                \
  } while (0)

#define assert_status(expected, expression)                                                                            \
  do {                                                                                                                 \
    enum status assert_status_ = (expression);                                                                         \
    if (assert_status_ != (expected))                                                                                  \
      fail_msg("expected %s, got %s: %s", status_text(expected), status_text(assert_status_), status_message());       \
  } while (0)

/* How often a test repeats itself with other random numbers: under the sanitizers, ten times as slow, less often. */
#ifdef __SANITIZE_ADDRESS__
#define TESTING_ROUNDS(often, sanitized) (sanitized)
#else
#define TESTING_ROUNDS(often, sanitized) (often)
#endif

#endif
