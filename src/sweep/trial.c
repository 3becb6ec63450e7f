#include "sweep/trial.h"

#include <stddef.h>

static const struct {
  const char *name;
  bool ended;
} states[TRIAL_STATE_COUNT] = {
#define TRIAL_ROW(name, text, ended, help) [TRIAL_##name] = {text, ended},
    TRIAL_STATE_LIST(TRIAL_ROW)
#undef TRIAL_ROW
};

/* Numbers come from files, so they may be anything. */
static bool is_state(enum trial_state state) { return (int)state >= 0 && (int)state < TRIAL_STATE_COUNT; }

const char *trial_state_name(enum trial_state state) { return is_state(state) ? states[state].name : NULL; }

bool trial_ended(enum trial_state state) { return is_state(state) && states[state].ended; }
