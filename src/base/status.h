/* Status values: every fallible function of hgn returns an `enum status`.
 *
 * The code says what kind of thing went wrong; the message, kept per process, says where: it names file, line and
 * column, key, or rank, and grows a prefix at each level that knows more. Results go through out-parameters, which are
 * untouched unless a header says otherwise. Nothing below src/cli ends the process.
 *
 * All functions here: Not collective. Agreement between ranks is comm_agree() in comm/comm.h.
 */
#ifndef HGN_BASE_STATUS_H
#define HGN_BASE_STATUS_H

/* One list for codes, exit statuses of the program, and texts. Order is severity: comm_agree() takes the largest. */
#define STATUS_LIST(X)                                                                                                 \
  X(OK, 0, "success")                                                                                                  \
  X(DIFFERENT, 1, "different")             /* what was compared is not the same: a result, and no failure */           \
  X(INTERRUPTED, 6, "stopped by a signal") /* nothing is lost: run again to go on */                                   \
  X(UNAVAILABLE, 4, "not available")                                                                                   \
  X(USAGE, 2, "wrong usage")                                                                                           \
  X(CONFIG, 2, "wrong configuration")                                                                                  \
  X(FILE, 3, "file error")                                                                                             \
  X(NUMERIC, 5, "numerical failure")                                                                                   \
  X(ARGUMENT, 70, "wrong argument (a defect of the program)")                                                          \
  X(MEMORY, 71, "out of memory")                                                                                       \
  X(MPI, 72, "MPI failure")

enum status {
#define STATUS_ENUM(name, exit_status, text) STATUS_##name,
  STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
      STATUS_COUNT
};

#if defined(__GNUC__)
#define STATUS_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define STATUS_PRINTF(format_index, first)
#endif

enum { STATUS_MESSAGE_MAX = 2048 }; /* bytes of a message with its context, terminator included; longer ones are cut */

/* Starts a new message and returns `code`, so that `return status_raise(STATUS_FILE, "...")` reads well. */
enum status status_raise(enum status code, const char *format, ...) STATUS_PRINTF(2, 3);

/* Puts "context: " before the present message, and returns `code`. Does nothing when `code` is STATUS_OK. */
enum status status_context(enum status code, const char *format, ...) STATUS_PRINTF(2, 3);

/* The present message, "" when none. Valid until the next status_ call of this process. */
const char *status_message(void);

/* Forgets the message: after a failure that was handled. */
void status_clear(void);

const char *status_text(enum status code);
int status_exit(enum status code);

/* REQUIRE: a check that never compiles away, for input, files, memory and API edges. Returns from the enclosing
 * function, so only in functions that own nothing yet; elsewhere write `if` and `goto cleanup`. */
#define REQUIRE(condition, code, ...)                                                                                  \
  do {                                                                                                                 \
    if (!(condition)) return status_raise((code), __VA_ARGS__);                                                        \
  } while (0)

/* TRY: passes a failure on. The same restriction. */
#define TRY(expression)                                                                                                \
  do {                                                                                                                 \
    enum status try_status_ = (expression);                                                                            \
    if (try_status_ != STATUS_OK) return try_status_;                                                                  \
  } while (0)

#endif
