/* Models of densities, and data sets of points, as pictures. */
#ifndef HGN_TRAIN_DENSITY_BOARD_H
#define HGN_TRAIN_DENSITY_BOARD_H

#include "store/picture.h"
#include "train/trained.h"

/* Root only. A data set of points: the density, where it is known, and points of a split. Failures: those of
 * dataset_read_points() and picture.h. */
enum status density_board_data(const struct dataset *data, enum split split, const char *output);
/* Root only. A model: the density, where it is known, or points of the test split; draws; the learned density; V and K
 * of the first BOARD_COLUMNS_MAX Hamiltonians, where draws go along each, and where they are then. Of points of more
 * than two numbers the first two. Failures: the same, those of density_judge.h, and STATUS_NUMERIC where a draw is not
 * finite. The picture is closed with picture_close(). */
enum status density_board_draw(const struct trained *trained, const struct dataset *data, struct picture *picture);
/* Root only. The same as a file, .png. */
enum status density_board_model(const struct trained *trained, const struct dataset *data, const char *output);

#endif
