/* The data set file: trajectories, and frames if asked for; or points of a density.
 *
 *   /                     attributes: format "hgn-dataset", schema_version 1
 *   /config               text: the effective configuration (YAML), from which everything here can be made again
 *   /time                 f64 [T], s: scale of the frames
 *   /coordinate           text per phase coordinate: scale of the coordinates
 *   /train/state          f64 [N][T][2 D]: q_0..q_{D-1}, p_0..p_{D-1}, clean (the noise is a function of the seed)
 *   /train/energy         f64 [N][T], J
 *   /train/frames         u8 [N][T][H][W][C], observed frames, only with --frames
 *   /test/...             the same
 *   /validation/...       the same, to choose models on; older files have none
 *   /parameters/NAME      f64 scalar with its unit: mass, ...
 *   /ladder/NAME          f64 [2]: mean squared error and its standard error (floor, last_frame, ...)
 *   /checksum/NAME        text, 32 hexadecimal digits, for each array above ("train_state", ...), and "content" over
 *                         all of them, their shape, /config, /time, /coordinate, /parameters and /ladder
 *   /checksum/rollouts/NAME i64 [N][2]: of each rollout's states and energies; they add up to those above. Older files
 *                         have none
 *   /provenance/...       what depends on the run: see provenance.h
 *
 * Of points there are, in the place of /time, states, energies, frames and ladder:
 *
 *   /train/points         f64 [N][D], dimensionless
 *   /train/log_density    f64 [N], nat: of the density that the points are drawn from, normalised; a constant whose
 *                         error is /parameters/log_normaliser_error is part of it where that is known by sampling only
 *   /coordinate           text per coordinate of a point: x0, x1, ...
 *   /parameters/NAME      f64 scalar: what the density is made of and how well it was sampled (physics/points.h)
 *
 * Made elsewhere: a file with /train/frames and /test/frames, u8 or f32 or f64 in [0, 1], [N][T][H][W][C] with C 1 or
 * 3, is accepted too, with an optional f64 root-level data set /time [T] and an optional /validation/frames. It has no
 * states, no configuration, no ladder and no checksums; what was never written to it, and so reads as its fill value,
 * is refused. Accepted as well is one with /train/points and /test/points, f32 or f64 [N][D], D at most
 * DATASET_DIMENSION_MAX, all finite, and an optional /validation/points; of these log densities are not known. A point
 * all of whose coordinates are the fill value counts as never written. One file holds frames or points, not both.
 *
 * Where a file of either kind has no validation split, the last twentieth of its training rollouts, at least one, is
 * it, and the training split is the others. Of a single training rollout none is taken: then there is no validation
 * split.
 *
 * A rollout of a data set of points is one point.
 *
 * What is read is verified: everything but the arrays when a file is opened, states and energies rollout by rollout
 * when they are read (of older files, which are read and verified whole when they are opened).
 */
#ifndef HGN_STORE_DATASET_H
#define HGN_STORE_DATASET_H

#include "base/checksum.h"
#include "config/config.h"
#include "store/file.h"

/* Points that are codes of a trained model (train/codes.h) are read like points made elsewhere. */
#define DATASET_CODES_FORMAT "hgn-codes"

/* Random numbers are keyed by these: they stay. */
enum split { SPLIT_TRAIN, SPLIT_TEST, SPLIT_VALIDATION, SPLIT_COUNT };

extern const char *const split_name[SPLIT_COUNT];

enum {
  DATASET_CHANNELS_MAX = 3,
  DATASET_DIMENSION_MAX = 64, /* D of points made elsewhere */
  DATASET_ARRAYS = 5,         /* kinds of arrays that a split may have, dataset_parts.h */
  DATASET_SUMMED = 4          /* of them those that have a checksum for each rollout */
};

struct dataset {
  struct store_file file;
  struct config *config; /* owned; NULL for a file made elsewhere */
  bool has_states, has_frames, has_points;
  bool has_densities;              /* of points: the log of the density at each */
  bool validation_from_train;      /* the file has no validation split: the last of its training rollouts are it */
  int64_t rollouts[SPLIT_COUNT];   /* as they are used; the file's own: dataset_stored() */
  int64_t frames;                  /* T; 1 of points */
  int64_t coordinates;             /* 2 D; of points D; 0 with frames alone */
  int64_t height, width, channels; /* 0 of points */
  double dt;                       /* s; NaN when unknown */
  struct checksum sum[SPLIT_COUNT][DATASET_ARRAYS];          /* writing: this rank's parts of each array */
  int64_t written[SPLIT_COUNT][DATASET_ARRAYS];              /* writing: rollouts of this rank */
  bool has_sums;                                             /* the file has a checksum for each rollout */
  struct checksum *rollout_sum[SPLIT_COUNT][DATASET_SUMMED]; /* [N] each, where it has not; owned */
  double fill[SPLIT_COUNT]; /* made elsewhere: what was never written of the file's arrays reads as */
};

struct dataset_rung {
  const char *name;
  double mse, error;
};

/* Collective. Creates the file with all its structure, sealed: for trajectories or for points, as the configuration
 * says, from which `channels` etc. come. `coordinates` = 2 D, of points D, with their names; `parameters` are written
 * at once, and those that are not known yet, as NaN, later; room is kept for `rungs` names of the ladder, which points
 * have not. Takes nothing over: config is borrowed and copied as text. */
struct dataset_parameter {
  const char *name, *unit;
  double value;
};
struct dataset_shape {
  int64_t coordinates;
  const char *const *coordinate_names, *const *coordinate_units; /* [coordinates] */
  const struct dataset_parameter *parameters;
  int parameter_count;
  const char *const *rung_names;
  int rung_count;
  bool with_frames;
};
enum status dataset_create(const struct comm *comm, const char *path, const struct config *config,
                           const struct dataset_shape *shape, struct dataset *dataset);

/* Not collective. states[count][T][2 D], energy[count][T] of rollouts first..first+count-1 of the split; each rollout
 * once. STATUS_NUMERIC when a value is not finite: NaN marks what is missing. */
enum status dataset_write(struct dataset *dataset, enum split split, int64_t first, int64_t count, const double *states,
                          const double *energy);

/* Not collective. The same of points[count][D] and log_density[count]. */
enum status dataset_write_points(struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                 const double *points, const double *log_density);

/* Collective. frames[count][T][H][W][C]; count may be 0 and differ between ranks. */
enum status dataset_write_frames(struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                 const unsigned char *frames);

/* Collective. */
enum status dataset_write_ladder(struct dataset *dataset, const struct dataset_rung *rungs, int count);

/* Collective. Parameters that the file has been created with, whose values are known now. */
enum status dataset_write_parameters(struct dataset *dataset, const struct dataset_parameter *parameters, int count);

/* Collective. Writes checksums, renames to the final name, closes. STATUS_ARGUMENT when not every rollout was written
 * once. */
enum status dataset_commit(struct dataset *dataset);

/* Collective. Opens and validates either kind. STATUS_FILE: foreign, truncated, wrong schema version, wrong shapes,
 * never written, never completed, other contents than were written (see above). */
enum status dataset_open(const struct comm *comm, const char *path, struct dataset *dataset);

/* Collective. Recomputes all checksums, each rank its share; STATUS_FILE names the first array that differs or has
 * missing records. A file made elsewhere has none: all its frames are read and must be in [0, 1], or all its points,
 * which must be finite. */
enum status dataset_verify(struct dataset *dataset);

/* Collective. Also abandons a data set that was not committed. Accepts a zeroed one. */
void dataset_close(struct dataset *dataset);

/* Rollouts of the array of that name in the file: of training rollouts also those that are the validation split; of the
 * validation split 0 where the file has none. */
int64_t dataset_stored(const struct dataset *dataset, enum split split);

/* Where in the file a rollout of a split stands. Its noise is that of this place: what is seen of a training rollout is
 * the same, whichever split it belongs to. */
struct dataset_place {
  enum split split;
  int64_t rollout;
};
struct dataset_place dataset_place(const struct dataset *dataset, enum split split, int64_t rollout);

/* Not collective. energy may be NULL. STATUS_FILE names a missing record (NaN) or one that is not what was written. */
enum status dataset_read(const struct dataset *dataset, enum split split, int64_t first, int64_t count, double *states,
                         double *energy);
/* Not collective. points[count][D]; log_density[count] may be NULL; NaN in a file made elsewhere, where it is unknown.
 * STATUS_FILE as dataset_read(). */
enum status dataset_read_points(const struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                double *points, double *log_density);
/* Not collective. As f32 in [0, 1]. STATUS_FILE also when another program has changed the file since it was opened. */
enum status dataset_read_frames(const struct dataset *dataset, enum split split, int64_t first, int64_t count,
                                float *frames);
/* The same of the file's arrays, by place. */
enum status dataset_read_stored(const struct dataset *dataset, struct dataset_place first, int64_t count,
                                float *frames);
/* Not collective. The content checksum as text. STATUS_UNAVAILABLE for a file made elsewhere. */
enum status dataset_checksum(const struct dataset *dataset, char text[CHECKSUM_TEXT]);
/* Not collective. Of frames made elsewhere: whether these values of the array of that name in the file are all its fill
 * value. */
bool dataset_is_blank(const struct dataset *dataset, enum split split, const float *values, size_t count);
/* Not collective. One rung; NaN where the file has none or it was not measured. */
enum status dataset_ladder(const struct dataset *dataset, const char *name, double *mse, double *error);
/* Not collective. One parameter; NaN where the file has none of that name. */
enum status dataset_parameter(const struct dataset *dataset, const char *name, double *value);
/* Not collective. What one rollout of it is called: "rollout", or "point". */
const char *dataset_item(const struct dataset *dataset);

#endif
