#include "base/stop.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGUSR1, SIGTERM, SIGINT};
enum { SIGNALS = sizeof signals / sizeof *signals };

static volatile sig_atomic_t requested, ending;
static struct sigaction before[SIGNALS];
static bool listening;

/* A second SIGTERM or SIGINT ends the process, wherever it is. */
static void note(int number) {
  const bool ends = number == SIGTERM || number == SIGINT;
  if (ends && ending) {
    (void)signal(number, SIG_DFL);
    (void)raise(number);
  }
  if (ends) ending = 1;
  requested = 1;
}

void stop_listen(void) {
  if (listening) return;
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  requested = ending = 0;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &action, &before[i]);
  listening = true;
}

bool stop_requested(void) { return requested != 0; }

void stop_release(void) {
  if (!listening) return;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
  requested = ending = 0;
  listening = false;
}
