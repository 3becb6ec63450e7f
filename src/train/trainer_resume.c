/* Checkpoints of a training: written, found again, gone back to. */
#include "base/log.h"
#include "store/output.h"
#include "train/record_compare.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct checkpoint trainer_checkpoint(struct trainer *trainer) {
  struct checkpoint checkpoint = {.step = trainer->done,
                                  .rate_scale = trainer->optimizer.scale,
                                  .roll_backs = (double)trainer->roll_backs,
                                  .repeats = (double)trainer->repeats,
                                  .seconds = trainer_seconds(trainer),
                                  .core_seconds = trainer_core_seconds(trainer),
                                  .joules = trainer->joules,
                                  .best = trainer->best,
                                  .parameters = trainer->learner.parameters,
                                  .first = trainer->optimizer.first,
                                  .second = trainer->optimizer.second,
                                  .exponent = trainer->step.exchange.exponent};
  memcpy(checkpoint.scalar, trainer->learner.scalar, sizeof checkpoint.scalar);
  return checkpoint;
}

/* Times and energies go on from where they are: what was lost was spent. */
static void restore_from(struct trainer *trainer, const struct checkpoint *checkpoint) {
  trainer->done = checkpoint->step;
  memcpy(trainer->learner.scalar, checkpoint->scalar, sizeof checkpoint->scalar);
  trainer->optimizer.scale = checkpoint->rate_scale;
  trainer->best = checkpoint->best;
  trainer->learner.kind->changed(&trainer->learner);
}

void trainer_go_on_from(struct trainer *trainer, const struct checkpoint *checkpoint) {
  restore_from(trainer, checkpoint);
  trainer->roll_backs = (int64_t)checkpoint->roll_backs;
  trainer->repeats = (int64_t)checkpoint->repeats;
  trainer->seconds_before = checkpoint->seconds;
  trainer->core_seconds_before = checkpoint->core_seconds;
  trainer->joules = checkpoint->joules;
}

struct checkpoint_owner trainer_owner(const struct trainer *trainer) {
  return (struct checkpoint_owner){
      .config = trainer->config, .data_checksum = trainer->yardstick.checksum, .numerics = trainer->numerics};
}

/* A checkpoint presupposes what was recorded before it, so that has to be on the disk first. */
enum status trainer_save_as(struct trainer *trainer, int64_t step) {
  char path[STORE_PATH_MAX];
  if (trainer->replay) return comm_agree(trainer->comm, trainer_remember(trainer, step));
  if (!trainer->output[0]) return STATUS_OK;
  const double began = log_clock();
  struct checkpoint checkpoint = trainer_checkpoint(trainer);
  double numbers[4] = {checkpoint.seconds, checkpoint.core_seconds, checkpoint.joules, 0};
  TRY(checkpoint_name(trainer->output, step, path));
  TRY(store_sync(&trainer->record.file));
  /* Clocks differ; the file is one. */
  TRY(comm_broadcast(trainer->comm, numbers, sizeof numbers));
  checkpoint.seconds = numbers[0];
  checkpoint.core_seconds = numbers[1];
  checkpoint.joules = numbers[2];
  const struct checkpoint_owner owner = trainer_owner(trainer);
  TRY(checkpoint_write(trainer->comm, path, &trainer->lock, &owner, &trainer->learner, &checkpoint));
  if (step >= 0 && trainer->comm->rank == 0)
    checkpoint_prune(trainer->output, step, trainer->training->train.checkpoint_every,
                     trainer->training->train.checkpoint_keep, &owner);
  deadline_note_checkpoint(&trainer->costs, log_clock() - began);
  return STATUS_OK;
}

enum status trainer_save(struct trainer *trainer) {
  TRY(trainer_save_as(trainer, trainer->done));
  if (trainer->output[0]) trainer->events |= TRAINER_CHECKPOINT;
  return STATUS_OK;
}

/* Collective. One checkpoint, of a step up to `most`; STATUS_FILE when it is damaged or of a later one, STATUS_CONFIG
 * when it is of another run. */
static enum status load_checkpoint(struct trainer *trainer, int64_t step, int64_t most, struct checkpoint *checkpoint) {
  char path[STORE_PATH_MAX];
  const struct checkpoint_owner owner = trainer_owner(trainer);
  TRY(checkpoint_name(trainer->output, step, path));
  enum status status = trainer->comm->rank == 0 ? checkpoint_check_owner(path, &owner) : STATUS_OK;
  if (status == STATUS_FILE && store_trouble()) status = STATUS_UNAVAILABLE; /* no reason to take an older one */
  TRY(comm_agree(trainer->comm, status));
  REQUIRE(step <= most, STATUS_FILE, "%s: is of a later step than %lld, where the run goes on at most", path,
          (long long)most);
  *checkpoint = trainer_checkpoint(trainer);
  TRY(checkpoint_read(trainer->comm, path, &trainer->learner, checkpoint));
  REQUIRE(checkpoint->step == step, STATUS_FILE, "%s: is of step %lld", path, (long long)checkpoint->step);
  return STATUS_OK;
}

enum status trainer_load_latest(struct trainer *trainer, int64_t most, int64_t every, struct checkpoint *checkpoint,
                                bool *found) {
  const struct comm *comm = trainer->comm;
  int64_t *steps = NULL, step;
  int count = 0;
  *found = trainer->replay && trainer_recall(trainer, most, every, checkpoint);
  if (*found) return STATUS_OK;
  enum status status = comm_agree(comm, comm->rank == 0 ? checkpoint_list(trainer->output, &steps, &count) : STATUS_OK);
  while (status == STATUS_OK) {
    while (count > 0 && steps[count - 1] % every != 0) count--;
    step = count > 0 ? steps[--count] : -1;
    status = comm_broadcast(comm, &step, sizeof step);
    if (status != STATUS_OK || step < 0) break;
    status = load_checkpoint(trainer, step, most, checkpoint);
    *found = status == STATUS_OK;
    if (status != STATUS_FILE) break;
    log_warn("%s: left out", status_message());
    status_clear();
    status = STATUS_OK;
  }
  free(steps);
  return status == STATUS_UNAVAILABLE ? STATUS_FILE : status;
}

/* To one that was due: which others there are depends on when signals came, and what follows must not. Nor may it
 * depend on those of later steps, which a resumed run has left out. */
enum status trainer_roll_back(struct trainer *trainer) {
  const int64_t every = trainer->training->train.checkpoint_every;
  struct checkpoint checkpoint;
  bool found;
  TRY(trainer_load_latest(trainer, trainer->done, every, &checkpoint, &found));
  if (found && checkpoint.step == trainer->done) {
    /* It holds the very state whose loss is not finite: no learning rate helps it. */
    log_warn("step %lld: its checkpoint is of no use and is removed", (long long)trainer->done);
    if (trainer->replay)
      trainer_forget(trainer, checkpoint.step);
    else if (trainer->comm->rank == 0)
      checkpoint_remove(trainer->output, checkpoint.step);
    TRY(trainer_load_latest(trainer, trainer->done - 1, every, &checkpoint, &found));
  }
  REQUIRE(found || !trainer->replay || trainer->replay_from == 0, STATUS_FILE,
          "step %lld: the training went back to a checkpoint before step %lld, which is gone: verify it from its start",
          (long long)trainer->done, (long long)trainer->replay_from);
  REQUIRE(found, STATUS_NUMERIC, "step %lld: training has diverged, and %s has no earlier checkpoint to go back to",
          (long long)trainer->done, trainer->output);
  const double scale = trainer->optimizer.scale * trainer->training->train.divergence.factor, best = trainer->best;
  restore_from(trainer, &checkpoint);
  trainer->optimizer.scale = scale;
  trainer->best = best; /* what has been given up may have had the best model, which is kept */
  trainer->roll_backs += 1;
  if (trainer->replay) record_compare_back(&trainer->record, trainer->done, trainer->roll_backs);
  return STATUS_OK;
}

struct record_run trainer_describe(const struct trainer *trainer) {
  return (struct record_run){.config = trainer->config,
                             .learner = &trainer->learner,
                             .data = trainer->corpus->data.file.path,
                             .numerics = trainer->numerics,
                             .lanes = trainer->step.work.lanes.count,
                             .origin = trainer->origin,
                             .origin_step = trainer->origin_step};
}
