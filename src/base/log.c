#include "base/log.h"

#include "base/terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level log_threshold = LOG_NORMAL;
static int log_rank = 0;
static bool log_speaker = true; /* by log_setup() */
static bool log_speaks = true;  /* now */
static char log_prefix[LOG_PREFIX_MAX];

/* The progress line that now stands on the terminal, to be wiped before any other line. */
static bool line_open = false;

enum { PROGRESS_BAR = 24, PROGRESS_BAR_LEAST = 5, PROGRESS_LINE = 256 };
static const double PROGRESS_REDRAW = 0.1; /* s, on a terminal */
static const double PROGRESS_FIRST = 10.0; /* s, in a batch log; doubles up to */
static const double PROGRESS_LAST = 300.0;

void log_setup(enum log_level level, int rank, bool speaker) {
  log_threshold = level;
  log_rank = rank;
  log_speaker = speaker;
  log_scope(NULL, speaker);
}

void log_set_level(enum log_level level) { log_threshold = level; }

enum log_level log_level_now(void) { return log_threshold; }

void log_scope(const char *prefix, bool speaks) {
  log_speaks = prefix ? speaks : log_speaker;
  snprintf(log_prefix, sizeof log_prefix, "%s", prefix ? prefix : "");
}

bool log_shows(enum log_level level) { return log_threshold >= level; }

double log_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void wipe_line(void) {
  if (line_open) fputs("\r\033[K", stderr);
  line_open = false;
}

static void print_line(const char *prefix, const char *format, va_list arguments) STATUS_PRINTF(2, 0);

size_t log_plain(const char *text, size_t bytes, char *plain) {
  static const char digits[] = "0123456789abcdef";
  size_t used = 0;
  for (size_t i = 0; i < bytes; i++) {
    const unsigned char byte = (unsigned char)text[i];
    /* U+0080 to U+009F are control characters too; in UTF-8 they are 0xc2 and the number itself. */
    const bool high = byte >= 0x80 && byte < 0xa0 && i > 0 && (unsigned char)text[i - 1] == 0xc2;
    if ((byte >= 0x20 && byte != 0x7f && !high) || byte == '\n' || byte == '\t') {
      plain[used++] = text[i];
      continue;
    }
    if (high) used--; /* the first of its two bytes, which alone would be no character */
    const char quoted[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    memcpy(plain + used, quoted, sizeof quoted);
    used += sizeof quoted;
  }
  return used;
}

/* One fputs for each line, so that lines of several ranks do not mix. */
static void print_line(const char *prefix, const char *format, va_list arguments) {
  char text[STATUS_MESSAGE_MAX + 64 + LOG_PREFIX_MAX], plain[LOG_PLAIN_MOST * sizeof text + 1];
  size_t used = (size_t)snprintf(text, sizeof text, "%s%s", prefix, log_prefix);
  vsnprintf(text + used, sizeof text - used - 1, format, arguments);
  strcat(text, "\n");
  plain[log_plain(text, strlen(text), plain)] = '\0';
  wipe_line();
  fputs(plain, stderr);
}

#define LOG_LINE(condition, prefix)                                                                                    \
  do {                                                                                                                 \
    if (!(condition)) return;                                                                                          \
    va_list arguments;                                                                                                 \
    va_start(arguments, format);                                                                                       \
    print_line((prefix), format, arguments);                                                                           \
    va_end(arguments);                                                                                                 \
  } while (0)

void log_error(const char *format, ...) { LOG_LINE(log_speaks, "hgn: error: "); }
void log_warn(const char *format, ...) { LOG_LINE(log_speaks, "hgn: warning: "); }
void log_info(const char *format, ...) { LOG_LINE(log_speaks && log_threshold >= LOG_NORMAL, ""); }
void log_debug(const char *format, ...) { LOG_LINE(log_speaks && log_threshold >= LOG_VERBOSE, ""); }

void log_any(const char *format, ...) {
  char prefix[32];
  snprintf(prefix, sizeof prefix, "hgn: rank %d: ", log_rank);
  LOG_LINE(true, prefix);
}

/* "1:02:03", or "2:03" below an hour. */
static void format_time(double seconds, char *text, size_t size) {
  if (!(seconds < 3.6e6)) { /* also NaN and infinity */
    snprintf(text, size, "-:--");
    return;
  }
  long whole = (long)(seconds + 0.5);
  if (whole >= 3600)
    snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else
    snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
}

/* Into a line that leaves the last column free, or the terminal would begin another: first the bar grows short, then it
 * goes, then the rate; what is left is cut. */
static void compose_line(const struct progress *progress, double share, double rate, const char *time,
                         char line[PROGRESS_LINE]) {
  const int columns = terminal_columns(STDERR_FILENO), room = columns < PROGRESS_LINE ? columns - 1 : PROGRESS_LINE - 1;
  char pace[64], bar[PROGRESS_BAR + 1];
  snprintf(pace, sizeof pace, "  %.4g %.20s/s", rate, progress->unit);
  const int others = snprintf(line, PROGRESS_LINE, "%s %3.0f%%  %s", progress->label, 100 * share, time);
  const int left = room - others - (int)strlen(pace) - 3; /* of the bar, beside its brackets and a blank */
  const int width = left < PROGRESS_BAR ? left : PROGRESS_BAR;
  if (width >= PROGRESS_BAR_LEAST) {
    for (int i = 0; i < width; i++) bar[i] = i < (int)(share * width) ? '#' : '.';
    snprintf(line, PROGRESS_LINE, "%s [%.*s] %3.0f%%%s  %s", progress->label, width, bar, 100 * share, pace, time);
  } else if (left + 3 >= 0) {
    snprintf(line, PROGRESS_LINE, "%s %3.0f%%%s  %s", progress->label, 100 * share, pace, time);
  } else if (others > room) {
    snprintf(line, PROGRESS_LINE, "%3.0f%%  %s  %s", 100 * share, time, progress->label);
  }
  line[room] = '\0';
}

static void print_progress(const struct progress *progress, int64_t done, double now, bool finished) {
  double elapsed = now - progress->started;
  double rate = elapsed > 0 ? (double)done / elapsed : 0;
  double share = progress->total > 0 ? (double)done / (double)progress->total : 1;
  char clock[32], time[48], line[PROGRESS_LINE];
  format_time(finished ? elapsed : (double)(progress->total - done) / rate, clock, sizeof clock);
  snprintf(time, sizeof time, finished ? "in %s" : "%s left", clock);
  if (progress->terminal) {
    compose_line(progress, share, rate, time, line);
    fprintf(stderr, "\r\033[K%s%s", line, finished ? "\n" : "");
  } else {
    fprintf(stderr, "%s%s: %lld of %lld %s (%.0f%%), %.4g/s, %s\n", log_prefix, progress->label, (long long)done,
            (long long)progress->total, progress->unit, 100 * share, rate, time);
  }
  line_open = progress->terminal && !finished;
  fflush(stderr);
}

void progress_begin(struct progress *progress, const char *label, const char *unit, int64_t total) {
  *progress = (struct progress){.label = label, .unit = unit, .total = total};
  progress->terminal = terminal_draws(STDERR_FILENO);
  progress->active = log_speaks && log_threshold >= LOG_NORMAL;
  progress->started = progress->last = log_clock();
  progress->interval = progress->terminal ? PROGRESS_REDRAW : PROGRESS_FIRST;
}

void progress_update(struct progress *progress, int64_t done) {
  if (!progress->active) return;
  double now = log_clock();
  if (now - progress->last < progress->interval) return;
  print_progress(progress, done, now, false);
  progress->last = now;
  if (!progress->terminal && progress->interval < PROGRESS_LAST) {
    progress->interval *= 2;
    if (progress->interval > PROGRESS_LAST) progress->interval = PROGRESS_LAST;
  }
}

void progress_end(struct progress *progress, int64_t done) {
  if (!progress->active) return;
  progress->active = false;
  print_progress(progress, done, log_clock(), true);
}
