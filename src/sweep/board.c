#include "sweep/board.h"

#include "base/log.h"
#include "base/terminal.h"
#include "sweep/search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double redraw = 0.5, first = 10, longest = 300; /* s */
enum { LINE_MAX_HERE = 512, NUMBER_WIDTH = 10 };

void board_time(double seconds, char text[32]) {
  if (!(seconds >= 0) || seconds > 1e9) {
    snprintf(text, 32, "-");
    return;
  }
  const long s = lround(seconds);
  if (s >= 3600)
    snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    snprintf(text, 32, "%ld:%02ld", s / 60, s % 60);
}

int64_t board_states(const struct sweep *sweep, const struct ledger *ledger, char *text, size_t size) {
  int64_t count[TRIAL_STATE_COUNT] = {0}, ended = 0;
  size_t used = 0;
  text[0] = '\0';
  for (int64_t t = 0; t < ledger->shape.trials; t++)
    if (ledger_counts(sweep, ledger, t)) count[ledger->trial[t].state] += 1;
  for (int state = TRIAL_STATE_COUNT - 1; state >= 0; state--) {
    if (trial_ended((enum trial_state)state)) ended += count[state];
    if (count[state] == 0 || used >= size) continue;
    used += (size_t)snprintf(text + used, size - used, "%s%s %lld", used ? "  " : "",
                             trial_state_name((enum trial_state)state), (long long)count[state]);
  }
  return ended;
}

bool board_finished(const struct sweep *sweep, const struct ledger *ledger) {
  char states[LINE_MAX_HERE];
  return board_states(sweep, ledger, states, sizeof states) == ledger_expected(sweep, ledger);
}

void board_best(const struct sweep *sweep, const struct ledger *ledger, char *text, size_t size) {
  int64_t best;
  text[0] = '\0';
  if (search_best(sweep, ledger, 1, &best) == 0) return;
  const struct search_result result = search_result_of(sweep, ledger, best);
  const double *point = ledger->point + best * ledger->shape.parameters;
  size_t used =
      (size_t)snprintf(text, size, "%s %lld  %s %.6g", sweep->repeats > 1 ? "configuration" : "trial",
                       (long long)ledger_configuration_number(ledger, best), sweep->metric[0].name, result.mean);
  for (int i = 0; i < sweep->space.count && used < size; i++) {
    char value[48];
    if (sweep->space.parameter[i].distribution.kind == DISTRIBUTION_CONSTANT) continue;
    space_show(&sweep->space, point, i, value, sweep->space.parameter[i].choice ? sizeof value : NUMBER_WIDTH);
    used += (size_t)snprintf(text + used, size - used, "  %s %s", sweep->space.parameter[i].name, value);
  }
}

void board_open(struct board *board, const struct sweep *sweep, const struct ledger *ledger, int groups, bool quiet) {
  char text[LINE_MAX_HERE];
  *board = (struct board){.sweep = sweep,
                          .ledger = ledger,
                          .groups = groups,
                          .terminal = terminal_draws(STDERR_FILENO),
                          .quiet = quiet || !log_shows(LOG_NORMAL),
                          .interval = first};
  board->ended_before = board_states(sweep, ledger, text, sizeof text);
}

static void wipe(struct board *board) {
  for (; board->lines > 0; board->lines--) fputs("\033[A\r\033[K", stderr);
}

/* How long the rest will take at the pace of this start. */
static double left(const struct board *board, int64_t ended, double elapsed) {
  const int64_t done = ended - board->ended_before;
  return done > 0 ? (double)(ledger_expected(board->sweep, board->ledger) - ended) * elapsed / (double)done : -1;
}

/* What is drawn, on a terminal or in a log. */
struct view {
  char states[LINE_MAX_HERE], best[LINE_MAX_HERE], time[32], rest[32];
  int64_t all, ended;
};

static void look(const struct board *board, double elapsed, struct view *view) {
  view->all = ledger_expected(board->sweep, board->ledger);
  view->ended = board_states(board->sweep, board->ledger, view->states, sizeof view->states);
  board_best(board->sweep, board->ledger, view->best, sizeof view->best);
  board_time(elapsed, view->time);
  board_time(left(board, view->ended, elapsed), view->rest);
}

static void draw_terminal(struct board *board, const struct view *view, int busy, double used, double elapsed) {
  const double rate = elapsed > 0 ? (double)(view->ended - board->ended_before) / elapsed : 0;
  /* A line that the terminal continues on the next would not be wiped whole. */
  const int room = terminal_columns(STDERR_FILENO) - 1;
  char first_line[LINE_MAX_HERE];
  wipe(board);
  snprintf(first_line, sizeof first_line,
           "%.40s  %lld of %lld trials  %s, %s left  %.3g/s  %d of %d groups busy, %.0f%% used",
           *board->sweep->name ? board->sweep->name : "sweep", (long long)view->ended, (long long)view->all, view->time,
           view->rest, rate, busy, board->groups, 100 * used);
  fprintf(stderr, "%.*s\n  %.*s\n  best: %.*s\n", room, first_line, room - 2, view->states, room - 8,
          *view->best ? view->best : "none yet");
  board->lines = 3;
}

static void draw_log(const struct board *board, const struct view *view, int busy, double used) {
  log_info("%lld of %lld trials in %s, %s left, %d of %d groups busy, %.0f%% used: %s%s%s", (long long)view->ended,
           (long long)view->all, view->time, view->rest, busy, board->groups, 100 * used, view->states,
           *view->best ? "; best " : "", view->best);
}

void board_draw(struct board *board, int busy, double used, double elapsed) {
  if (board->quiet || elapsed - board->last < (board->terminal ? redraw : board->interval)) return;
  struct view view;
  board->last = elapsed;
  look(board, elapsed, &view);
  if (board->terminal)
    draw_terminal(board, &view, busy, used, elapsed);
  else
    draw_log(board, &view, busy, used);
  if (board->interval < longest) board->interval *= 2;
}

void board_close(struct board *board) {
  if (board->terminal && !board->quiet) wipe(board);
}
