#include "cli/published_print.h"

#include <stdio.h>

static void print_row(const char *label, const struct published_row *row, const char *why) {
  if (!row) return;
  printf("  %-24s %6.2f +- %.2f   %s%s\n", label, 1e4 * row->value, 1e4 * row->half,
         *why ? "not comparable: " : "the same data, noise and protocol", why);
}

void published_print(const struct config *data, enum protocol_kind kind, const struct protocol *protocol,
                     double floor) {
  static const char *const integrators[] = {"Leapfrog", "Euler"};
  const char *system = experiment_system_name(config_experiment(data)->system.name),
             *mode = published_mode(kind, protocol), *preset = system ? published_preset(system) : NULL;
  char why[PUBLISHED_WHY_MAX], model[64], label[64];
  if (!preset) return;
  published_compare_data(data, preset, why);
  if (!*why && !mode)
    snprintf(why, PUBLISHED_WHY_MAX, "it saw 5 of 34 frames and predicted 30, or saw and reconstructed 34");
  printf("published (x1e-4; +- of the reproduction: a 95%% interval; of the paper: as printed)\n");
  for (size_t i = 0; i < sizeof integrators / sizeof *integrators; i++) {
    snprintf(model, sizeof model, "HGN %s %s", integrators[i], mode ? mode : "5-frame");
    snprintf(label, sizeof label, "reproduction, %s", integrators[i]);
    const struct published_row *row = published_find(PUBLISHED_REPRODUCTION, model, system, "test");
    const bool impossible = row && kind == PROTOCOL_PREDICT && row->value + row->half < floor;
    print_row(label, row,
              *why         ? why
              : impossible ? "below the noise floor, so its data had less noise than it says"
                           : "");
  }
  print_row("paper, Leapfrog", published_find(PUBLISHED_PAPER, "HGN Leapfrog", system, "test"),
            "its images and its noise are not known");
}
