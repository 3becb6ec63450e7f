#include "base/stop.h"

#include "base/litter.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGUSR1, SIGTERM, SIGINT}, ends[] = {SIGTERM, SIGINT, SIGHUP};
enum { SIGNALS = sizeof signals / sizeof *signals, ENDS = sizeof ends / sizeof *ends };

static volatile sig_atomic_t requested, ending, at_once;
static struct sigaction before[SIGNALS];
static bool listening;

/* The signal comes again when the handler returns, and then does what it does by itself. */
static void end(int number) {
  litter_remove();
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

static void note(int number) {
  const bool asks_to_end = number == SIGTERM || number == SIGINT;
  if (asks_to_end && (ending || at_once)) end(number);
  if (asks_to_end) ending = 1;
  requested = 1;
}

void stop_tidy(void) {
  struct sigaction action = {.sa_handler = end}, old;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < ENDS; i++)
    if (sigaction(ends[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
      sigaction(ends[i], &action, NULL);
}

void stop_listen(void) {
  if (listening) return;
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  requested = ending = at_once = 0;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &action, &before[i]);
  listening = true;
}

void stop_at_once(bool on) { at_once = on; }

bool stop_requested(void) { return requested != 0; }

void stop_release(void) {
  if (!listening) return;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
  requested = ending = at_once = 0;
  listening = false;
}
