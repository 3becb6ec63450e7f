/* Frames, or points, of a data set for training and evaluation.
 *
 * The training rollouts are cut into one slice for each lane, in proportion to the lane's rollouts, whatever the number
 * of ranks. A rank reads the slices of its own lanes and nothing else: states once, into memory; of a file that has
 * only frames, one rollout at a time (for the mean image all ranks have read through them before: yardstick.h). Points
 * are read once, like states. In an epoch each lane goes through its slice in an order of its own.
 *
 * Failures: STATUS_MEMORY when one is opened, holds or loads; where the file is read, those of dataset_read() and
 * dataset_read_frames(), STATUS_FILE above all; STATUS_ARGUMENT for frames of a rollout that is not loaded.
 */
#ifndef HGN_TRAIN_SOURCE_H
#define HGN_TRAIN_SOURCE_H

#include "physics/render.h"
#include "store/dataset.h"

/* The cut of a global batch into lanes. */
struct lanes {
  int64_t batch, microbatch, count; /* rollouts; rollouts of a lane, the last may have fewer; lanes */
};
struct lanes lanes_cut(int64_t batch, int64_t microbatch); /* microbatch 0: batch / 8, at least 1 */
int64_t lanes_size(const struct lanes *lanes, int64_t lane);
/* Up to lanes.count ranks have work. Of these, the next smaller number than `below` that gives all of them equally many
 * lanes; 0: there is none. And all such numbers as people say it, "1, 2 or 4", the smaller of many left out. */
enum { LANES_TEXT_MAX = 128 };
int64_t lanes_even_below(const struct lanes *lanes, int64_t below);
void lanes_even(const struct lanes *lanes, char text[LANES_TEXT_MAX]);
/* First of the lane's rollouts in the data, and how many. */
void lanes_slice(const struct lanes *lanes, int64_t rollouts, int64_t lane, int64_t *first, int64_t *count);

/* Not collective. For a training: with `tell`, says so where the validation split is taken from the training rollouts.
 * STATUS_CONFIG where there is none. */
enum status source_check_validation(const struct dataset *data, bool tell);

struct source {
  const struct dataset *data;          /* borrowed */
  const struct experiment *experiment; /* of the data; NULL for frames made elsewhere, and for points */
  struct renderer renderer;
  bool rendering;
  int64_t first[SPLIT_COUNT], count[SPLIT_COUNT]; /* rollouts in memory */
  double *states[SPLIT_COUNT];                    /* [count][T][2 D]; of points [count][D] */
  double *log_density[SPLIT_COUNT];               /* of points: [count] */
  float *image;                                   /* [H][W][C]: scratch of source_stack() */
  /* Frames made elsewhere: of the rollouts that were asked for last. */
  struct source_held {
    enum split split;
    int64_t rollout; /* -1: none */
  } * held;          /* [slots] */
  float *frames;     /* [slots][T][H][W][C] */
  int64_t slots, next;
};

/* Not collective. source_open() prepares without reading. source_load() holds rollouts first..first+count-1 of a split
 * ready; those that are ready already, with others around them, are not read again. */
enum status source_open(const struct dataset *data, struct source *source);
/* Not collective. Frames made elsewhere are kept of at least this many rollouts, so that the rollouts of a lane are
 * read once a step. Nothing to do for other data. */
enum status source_hold(struct source *source, int64_t rollouts);
enum status source_load(struct source *source, enum split split, int64_t first, int64_t count);
void source_close(struct source *source);

/* Not collective. Frames first..first+count-1 of a loaded rollout as they were observed: images[count][H][W][C]. */
enum status source_frames(struct source *source, enum split split, int64_t rollout, int64_t first, int64_t count,
                          float *images);

/* Not collective. The true states of a loaded rollout, without observation noise, [T][2 D] from frame 0, q before p;
 * borrowed.
 * NULL when it is not loaded, or the data have none. */
const double *source_states(const struct source *source, enum split split, int64_t rollout);

/* Not collective. A loaded point [D], borrowed, and the log of the density that it was drawn from, NaN where that is
 * not known; NULL, and *log_density as it was, when it is not loaded, or the data are none. */
const double *source_point(const struct source *source, enum split split, int64_t index, double *log_density);

/* Not collective. The same as an encoder takes them, frames beside channels: stacked[H][W][count][C]. */
enum status source_stack(struct source *source, enum split split, int64_t rollout, int64_t first, int64_t count,
                         float *stacked);

/* Not collective. order[count]: the slice of a lane as it is gone through in an epoch, indices into the slice. */
void source_shuffle(uint64_t seed, int64_t lane, int64_t epoch, int64_t count, int64_t *order);

#endif
