/* Private to src/cli: models of densities, and data sets of points, as pictures; and draws as a file. */
#ifndef HGN_CLI_DENSITY_BOARD_H
#define HGN_CLI_DENSITY_BOARD_H

#include "train/trained.h"

/* Root only. A data set of points: the density, where it is known, and points of a split. Failures: those of
 * dataset_read_points() and picture.h. */
enum status density_board_data(const struct dataset *data, enum split split, const char *output);
/* Root only. A model: the density, where it is known, or points of the test split; draws; the learned density; V and K
 * of the Hamiltonians, where draws go along each, and where they are then. Of points of more than two numbers the first
 * two. Failures: the same, and those of density_judge.h. */
enum status density_board_model(const struct trained *trained, const struct dataset *data, const char *output);

/* Collective. Draws as a file: /points [N][D], and /log_density [N], the model's own, by importance sampling with as
 * many samples as it was judged by. Failures: those of density_judge.h and store_create_at(). */
enum status density_sample(const struct comm *world, const struct trained *trained, uint64_t seed, int64_t count,
                           const char *output);
/* Root only. Draws as a picture: of the first two numbers. */
enum status density_sample_picture(const struct trained *trained, uint64_t seed, int64_t count, const char *output);

#endif
