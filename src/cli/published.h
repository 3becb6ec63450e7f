/* Private to src/cli: published errors of HGN beside ours (data/published_results.csv), and whether they are of the
 * same data. */
#ifndef HGN_CLI_PUBLISHED_H
#define HGN_CLI_PUBLISHED_H

#include "config/config.h"
#include "train/protocol.h"

/* A row of the file: pixel MSE on test rollouts, x1e-4, with what stands behind its +-. */
struct published_row {
  const char *source, *model, *system;
  double value, half;
};
extern const struct published_row published_rows[];
extern const int published_count;

/* The reproduction's data: YAML, by the system's name; NULL for others. */
const char *published_preset(const char *system);

/* Root only. Prints what was published of the system of these data, three lines at most, and why it cannot be compared
 * where it cannot. floor: the data's noise floor, NaN: not known. Nothing of systems without published numbers. */
void published_print(const struct config *data, enum protocol_kind kind, const struct protocol *protocol, double floor);

#endif
