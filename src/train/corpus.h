/* A data set that is trained on or measured, as it outlives a trial: opened once, its rollouts read once, what it is
 * held against known once.
 *
 * Failures: those of dataset_open(), source_open() and yardstick.h: STATUS_FILE, STATUS_MEMORY, STATUS_MPI.
 */
#ifndef HGN_TRAIN_CORPUS_H
#define HGN_TRAIN_CORPUS_H

#include "comm/comm.h"
#include "train/source.h"
#include "train/yardstick.h"

struct corpus {
  const struct comm *comm; /* the ranks that share it; borrowed */
  struct dataset data;
  struct source source;
  struct yardstick known; /* of the data alone: without limits */
  bool told;              /* what is to be said of its validation split has been */
  bool measured;          /* `known` has all that there is of it: frames made elsewhere have been read through */
  bool has_color;         /* the next is known */
  double color[DATASET_CHANNELS_MAX];
};

/* Collective. Closed with corpus_close(), which accepts one that is zeroed. */
enum status corpus_open(const struct comm *comm, const char *path, struct corpus *corpus);
void corpus_close(struct corpus *corpus);

/* Collective. What errors on the targets of a protocol are held against, as far as it is known without reading
 * rollouts; freed with yardstick_free(). Limit files are looked at anew. */
enum status corpus_yardstick(const struct corpus *corpus, const struct protocol *protocol, struct yardstick *yardstick);
/* Collective. The rest: of frames made elsewhere the mean image and the checksum, of points made elsewhere the
 * checksum, for which all of them are read the first time. */
enum status corpus_measure(struct corpus *corpus, struct yardstick *yardstick);

/* Collective. The mean of the first CORPUS_COLOR_ROLLOUTS training rollouts by channel, over all frames and pixels: the
 * same bits on any number of ranks. Of data with frames. Computed the first time. */
enum { CORPUS_COLOR_ROLLOUTS = 64 };
enum status corpus_color(struct corpus *corpus, double color[DATASET_CHANNELS_MAX]);

#endif
