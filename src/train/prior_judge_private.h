/* Private to prior_judge*.c. */
#ifndef HGN_TRAIN_PRIOR_JUDGE_PRIVATE_H
#define HGN_TRAIN_PRIOR_JUDGE_PRIVATE_H

#include "train/prior_judge.h"

/* Not collective. A sample's film, or the reconstruction of a test rollout, in path->images. */
enum status prior_judge_draw(const struct prior_judge_task *task, int64_t sample, struct probe_path *path);

/* Collective. Coverage of frames made elsewhere. */
enum status prior_judge_frames_alike(const struct comm *comm, const struct prior_judge_task *task,
                                     struct probe_path *path, struct prior_judgement *judgement);

#endif
