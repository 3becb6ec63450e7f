/* The file of judged samples beside a run: RUN.samples.h5, which hgn sample --judge makes anew each time.
 *
 *   /                 attributes: format "hgn-samples", schema_version 1, seed
 *   /run, /data       text: the checkpoint and the data set
 *   /prior            text: the learned prior's file, or "N(0, 1)"
 *   /data_checksum    text: of the data that the model was trained on
 *   /step             i64 [1]: that the model was trained for
 *   /summary          group: the numbers of struct prior_judgement (prior_judge.h), f64 [1] or [2]
 *   Of data whose system is known:
 *   /coordinate, /coordinate_unit   texts: names and units of a state's numbers; a scale
 *   /samples          group, of N samples: ratio, mse f64 [N]; outside i64 [N]; state f64 [N][2 D] at the anchor;
 *                     uniform f64 [N][numbers of the data's sampler of initial states]
 *   /rollouts         the same of the reconstructed test rollouts
 *   /time             f64 [frames], a scale: since the anchor
 *   /shown            group, of three best, three median and three worst samples: sample i64 [9], frames, nearest
 *                     f32 [9][frames][height][width][channels]
 *   /provenance/...
 */
#ifndef HGN_TRAIN_PRIOR_JUDGE_FILE_H
#define HGN_TRAIN_PRIOR_JUDGE_FILE_H

#include "train/prior_judge.h"

#define PRIOR_JUDGE_FORMAT "hgn-samples"

/* Not collective. RUN.h5, or a checkpoint of its, -> RUN.samples.h5; of the best model RUN.best.samples.h5.
 * STATUS_USAGE when too long. */
enum status prior_judge_file_name(const char *run, bool best, char path[STORE_PATH_MAX]);

/* Collective. Whether prior_judge_file_write() will find a place there, to be asked before the long computation.
 * STATUS_FILE. */
enum status prior_judge_file_check(const struct comm *comm, const char *path);

/* Collective. Replaces judged samples that are there, nothing else. */
enum status prior_judge_file_write(const struct comm *comm, const char *path, const struct prior_judge_task *task,
                                   const struct prior_judgement *judgement);

#endif
