#include "base/stop.h"

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

void stop_listen(int number) {
  if (listening) return;
  signals[CHOSEN] = number;
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  requested = ending = 0;
  for (int i = 0; i < SIGNALS; i++) sigaction(signals[i], &action, &before[i]);
  listening = true;
}

bool stop_requested(void) { return requested != 0; }

void stop_release(void) {
  if (!listening) return;
  for (int i = SIGNALS; i-- > 0;) sigaction(signals[i], &before[i], NULL); /* one may be there twice */
  requested = ending = 0;
  listening = false;
}
