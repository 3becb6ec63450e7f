#include "base/stop.h"

#include "base/litter.h"

#include <signal.h>
#include <string.h>

enum { CHOSEN, SIGNALS = 3 };
static int signals[SIGNALS] = {[CHOSEN] = SIGUSR1, SIGTERM, SIGINT};

/* What schedulers send or can be told to send. Those that tell of a defect are not among them, nor those that cannot be
 * caught. */
static const struct {
  const char *name;
  int number;
} choices[] = {{"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"HUP", SIGHUP},  {"URG", SIGURG},
               {"CONT", SIGCONT}, {"XCPU", SIGXCPU}, {"TERM", SIGTERM}};
enum { CHOICES = sizeof choices / sizeof *choices };
static const int ends[] = {SIGTERM, SIGINT, SIGHUP};
enum { ENDS = sizeof ends / sizeof *ends };

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

enum status stop_signal(const char *name, int *number) {
  const char *plain = strncmp(name, "SIG", 3) == 0 ? name + 3 : name;
  for (int i = 0; i < CHOICES; i++)
    if (strcmp(choices[i].name, plain) == 0) {
      *number = choices[i].number;
      return STATUS_OK;
    }
  const bool deaf = strcmp(plain, "KILL") == 0 || strcmp(plain, "STOP") == 0;
  return status_raise(STATUS_USAGE, "signal \"%s\": %s; expected USR1, USR2, HUP, URG, CONT, XCPU or TERM", name,
                      deaf ? "no program can notice it" : "is none that can be chosen");
}

void stop_tidy(void) {
  struct sigaction action = {.sa_handler = end}, old;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < ENDS; i++)
    if (sigaction(ends[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
      sigaction(ends[i], &action, NULL);
}

void stop_listen(int number) {
  if (listening) return;
  signals[CHOSEN] = number;
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
  for (int i = SIGNALS; i-- > 0;) sigaction(signals[i], &before[i], NULL); /* one may be there twice */
  requested = ending = at_once = 0;
  listening = false;
}
