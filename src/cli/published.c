#include "cli/published.h"

#include "config/schema.h"

#include <stdio.h>
#include <string.h>

/* What decides how hard a data set is: not which of its rollouts there are, nor how many. */
static bool decides(const struct schema_row *row) {
  static const char *const others[] = {"seed", "data.train", "data.test", "data.validation", "ladder.input_frames"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(row->path, others[i]) == 0) return false;
  return true;
}

enum { WHY_MAX = 320 };

/* Why errors on these data cannot be held against the reproduction's; "": they can. */
static void compare_data(const struct config *data, const char *preset, char why[WHY_MAX]) {
  struct config *theirs = NULL;
  char differences[WHY_MAX - 64];
  why[0] = '\0';
  if (config_parse("report2021", preset, strlen(preset), NULL, 0, &theirs) != STATUS_OK) {
    status_clear();
    snprintf(why, WHY_MAX, "its data are not known");
  } else if (config_differences_of(theirs, data, decides, differences, sizeof differences) > 0) {
    snprintf(why, WHY_MAX, "its data are others (%s)", differences);
  }
  config_destroy(&theirs);
}

/* What the reproduction's tables call it: all 34 frames seen and reconstructed, or five seen and 30 predicted, of which
 * the first is the last one seen. */
static const char *mode_of(enum protocol_kind kind, const struct protocol *protocol) {
  const bool all = protocol->input_count == 34 && protocol->target_count == 34;
  if (kind == PROTOCOL_AUTOENCODE && all) return "autoencode";
  if (kind == PROTOCOL_PREDICT && protocol->input_count == 5 && protocol->target_count == 30) return "5-frame";
  return NULL;
}

static const struct published_row *find(const char *source, const char *model, const char *system) {
  for (int i = 0; i < published_count; i++) {
    const struct published_row *row = &published_rows[i];
    if (strcmp(row->source, source) == 0 && strcmp(row->model, model) == 0 && strcmp(row->system, system) == 0)
      return row;
  }
  return NULL;
}

static void print_row(const char *label, const struct published_row *row, const char *why) {
  if (!row) return;
  printf("  %-24s %6.2f +- %.2f   %s%s\n", label, row->value, row->half,
         *why ? "not comparable: " : "the same data, noise and protocol", why);
}

void published_print(const struct config *data, enum protocol_kind kind, const struct protocol *protocol,
                     double floor) {
  static const char *const integrators[] = {"Leapfrog", "Euler"};
  const char *system = experiment_system_name(config_experiment(data)->system.name), *mode = mode_of(kind, protocol),
             *preset = system ? published_preset(system) : NULL;
  char why[WHY_MAX], model[64], label[64];
  if (!preset) return;
  compare_data(data, preset, why);
  if (!*why && !mode) snprintf(why, WHY_MAX, "it saw 5 of 34 frames and predicted 30, or saw and reconstructed 34");
  printf("published (x1e-4; +- of the reproduction: a 95%% interval; of the paper: as printed)\n");
  for (size_t i = 0; i < sizeof integrators / sizeof *integrators; i++) {
    snprintf(model, sizeof model, "HGN %s %s", integrators[i], mode ? mode : "5-frame");
    snprintf(label, sizeof label, "reproduction, %s", integrators[i]);
    const struct published_row *row = find("rescience_report", model, system);
    const bool impossible = row && kind == PROTOCOL_PREDICT && 1e-4 * (row->value + row->half) < floor;
    print_row(label, row,
              *why         ? why
              : impossible ? "below the noise floor, so its data had less noise than it says"
                           : "");
  }
  print_row("paper, Leapfrog", find("hgn_paper_via_report", "HGN Leapfrog", system),
            "its images and its noise are not known");
}
