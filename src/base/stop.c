#include "base/stop.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGUSR1, SIGTERM};
enum { SIGNALS = sizeof signals / sizeof *signals };

static volatile sig_atomic_t requested;
static struct sigaction before[SIGNALS];
static bool listening;

static void note(int signal) {
  (void)signal;
  requested = 1;
}

void stop_listen(void) {
  if (listening) return;
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  requested = 0;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &action, &before[i]);
  listening = true;
}

bool stop_requested(void) { return requested != 0; }

void stop_release(void) {
  if (!listening) return;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
  requested = 0;
  listening = false;
}
