/* Log and progress lines, on stderr. Results of commands go to stdout and never through here.
 *
 * All functions: Not collective. Only the rank that log_setup() named as speaker prints (rank 0 of the job), so nothing
 * appears twice; log_any() is the exception for a message that only one rank can know. Where ranks work in groups, one
 * of each group speaks, with a prefix that tells which: log_scope().
 */
#ifndef HGN_BASE_LOG_H
#define HGN_BASE_LOG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE, LOG_LEVEL_COUNT };

/* `rank` stands before the lines of log_any(); `speaker` is true on exactly one rank. Before this call a process
 * speaks at LOG_NORMAL as rank 0. */
void log_setup(enum log_level level, int rank, bool speaker);

/* Another level from here on; and the one that is set. */
void log_set_level(enum log_level level);
enum log_level log_level_now(void);

/* Who speaks from here on, and what stands before each line; NULL: as log_setup() said. The prefix is copied, up to
 * LOG_PREFIX_MAX - 1 bytes. */
enum { LOG_PREFIX_MAX = 64 };
void log_scope(const char *prefix, bool speaks);

/* Whether lines of that level are shown at all, whoever speaks. */
bool log_shows(enum log_level level);

void log_error(const char *format, ...) STATUS_PRINTF(1, 2); /* "hgn: error: ...", at every level */
void log_warn(const char *format, ...) STATUS_PRINTF(1, 2);  /* "hgn: warning: ...", at every level */
void log_info(const char *format, ...) STATUS_PRINTF(1, 2);  /* from LOG_NORMAL */
void log_debug(const char *format, ...) STATUS_PRINTF(1, 2); /* from LOG_VERBOSE */
void log_any(const char *format, ...) STATUS_PRINTF(1, 2);   /* "hgn: rank R: ...", on any rank, at every level */

/* Copies text, of which control characters, but for newlines and tabulators, are written as "\x1b": names and texts
 * from files are shown and do nothing to a terminal. `plain` has room for LOG_PLAIN_MOST * bytes; returns how many
 * it took. What log_error() and the others print goes through it. */
enum { LOG_PLAIN_MOST = 4 };
size_t log_plain(const char *text, size_t bytes, char *plain);

/* Progress of a loop of known length. On a terminal: one line that fits its width, redrawn at most ten times a second,
 * with rate and time left. Elsewhere (a batch log, a terminal without escape sequences): plain lines, the first after
 * ten seconds and then at doubling intervals up to five minutes, and one at the end. Silent at LOG_QUIET and on ranks
 * that do not speak. */
struct progress {
  const char *label; /* borrowed */
  const char *unit;  /* borrowed: "rollouts", "steps" */
  int64_t total;
  double started, last, interval; /* s, monotonic clock */
  bool terminal, active;
};

void progress_begin(struct progress *progress, const char *label, const char *unit, int64_t total);
void progress_update(struct progress *progress, int64_t done);
void progress_end(struct progress *progress, int64_t done);

/* Seconds on the monotonic clock. */
double log_clock(void);

#endif
