#include "base/log.h"
#include "store/output.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct checkpoint checkpoint_of(struct trainer *trainer) {
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

/* As if this run had come there itself. */
static void go_on_from(struct trainer *trainer, const struct checkpoint *checkpoint) {
  restore_from(trainer, checkpoint);
  trainer->roll_backs = (int64_t)checkpoint->roll_backs;
  trainer->repeats = (int64_t)checkpoint->repeats;
  trainer->seconds_before = checkpoint->seconds;
  trainer->core_seconds_before = checkpoint->core_seconds;
  trainer->joules = checkpoint->joules;
}

static struct checkpoint_owner owner_of(const struct trainer *trainer) {
  return (struct checkpoint_owner){
      .config = trainer->config, .data_checksum = trainer->yardstick.checksum, .numerics = trainer->numerics};
}

/* A checkpoint presupposes what was recorded before it, so that has to be on the disk first. */
enum status trainer_save_as(struct trainer *trainer, int64_t step) {
  char path[STORE_PATH_MAX];
  if (!trainer->output[0]) return STATUS_OK;
  const double began = log_clock();
  struct checkpoint checkpoint = checkpoint_of(trainer);
  double numbers[4] = {checkpoint.seconds, checkpoint.core_seconds, checkpoint.joules, 0};
  TRY(checkpoint_name(trainer->output, step, path));
  TRY(store_sync(&trainer->record.file));
  /* Clocks differ; the file is one. */
  TRY(comm_broadcast(trainer->comm, numbers, sizeof numbers));
  checkpoint.seconds = numbers[0];
  checkpoint.core_seconds = numbers[1];
  checkpoint.joules = numbers[2];
  const struct checkpoint_owner owner = owner_of(trainer);
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
  const struct checkpoint_owner owner = owner_of(trainer);
  TRY(checkpoint_name(trainer->output, step, path));
  enum status status = trainer->comm->rank == 0 ? checkpoint_check_owner(path, &owner) : STATUS_OK;
  if (status == STATUS_FILE && store_trouble()) status = STATUS_UNAVAILABLE; /* no reason to take an older one */
  TRY(comm_agree(trainer->comm, status));
  REQUIRE(step <= most, STATUS_FILE, "%s: is of a later step than %lld, where the run goes on at most", path,
          (long long)most);
  *checkpoint = checkpoint_of(trainer);
  TRY(checkpoint_read(trainer->comm, path, &trainer->learner, checkpoint));
  REQUIRE(checkpoint->step == step, STATUS_FILE, "%s: is of step %lld", path, (long long)checkpoint->step);
  return STATUS_OK;
}

/* Collective. The latest that is whole, of those up to step `most` and at multiples of `every` steps; *found is false
 * when there is none. */
static enum status load_latest(struct trainer *trainer, int64_t most, int64_t every, struct checkpoint *checkpoint,
                               bool *found) {
  const struct comm *comm = trainer->comm;
  int64_t *steps = NULL, step;
  int count = 0;
  *found = false;
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
  TRY(load_latest(trainer, trainer->done, every, &checkpoint, &found));
  if (found && checkpoint.step == trainer->done) {
    /* It holds the very state whose loss is not finite: no learning rate helps it. */
    log_warn("step %lld: its checkpoint is of no use and is removed", (long long)trainer->done);
    if (trainer->comm->rank == 0) checkpoint_remove(trainer->output, checkpoint.step);
    TRY(load_latest(trainer, trainer->done - 1, every, &checkpoint, &found));
  }
  REQUIRE(found, STATUS_NUMERIC, "step %lld: training has diverged, and %s has no earlier checkpoint to go back to",
          (long long)trainer->done, trainer->output);
  const double scale = trainer->optimizer.scale * trainer->training->train.divergence.factor, best = trainer->best;
  restore_from(trainer, &checkpoint);
  trainer->optimizer.scale = scale;
  trainer->best = best; /* what has been given up may have had the best model, which is kept */
  trainer->roll_backs += 1;
  return STATUS_OK;
}

enum found { NOTHING, A_RUN, LEFT_OVER /* checkpoints or a best model, without their run */ };

/* Root only. */
static enum status find_run(const struct trainer *trainer, enum found *what) {
  char best[STORE_PATH_MAX];
  int64_t *steps = NULL;
  int count = 0;
  bool there;
  TRY(output_exists(trainer->output, &there));
  *what = there ? A_RUN : NOTHING;
  if (there) return STATUS_OK;
  TRY(checkpoint_name(trainer->output, -1, best));
  TRY(output_exists(best, &there));
  enum status status = checkpoint_list(trainer->output, &steps, &count);
  if (there || count > 0) *what = LEFT_OVER;
  free(steps);
  return status;
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

/* Collective. Whether the best model that is there is as good as it should be: it may be of an evaluation that comes
 * again, which is as good or better. */
static enum status examine_best(const struct trainer *trainer, const char *path, bool *good) {
  struct checkpoint best = {.best = NAN};
  enum status status = checkpoint_read(trainer->comm, path, &trainer->learner, &best);
  *good = status == STATUS_OK && best.best <= trainer->best;
  if (status == STATUS_FILE && !store_trouble()) status = STATUS_OK; /* damaged, or no checkpoint */
  if (status == STATUS_OK) status_clear();
  return comm_agree(trainer->comm, status);
}

/* Collective. The best model that is there will be written over: it has to be this run's. One that is lost is made
 * again from what is still to come. */
static enum status check_best(struct trainer *trainer) {
  const struct checkpoint_owner owner = owner_of(trainer);
  char best[STORE_PATH_MAX];
  bool there = false, good = false;
  TRY(checkpoint_name(trainer->output, -1, best));
  enum status status = trainer->comm->rank == 0 ? output_exists(best, &there) : STATUS_OK;
  if (status == STATUS_OK && there) status = checkpoint_check_owner(best, &owner);
  if (status == STATUS_FILE && there && !store_trouble()) status = STATUS_OK; /* damaged, or no checkpoint */
  TRY(comm_agree(trainer->comm, status));
  TRY(comm_broadcast(trainer->comm, &there, sizeof there));
  if (isnan(trainer->best)) return STATUS_OK;
  if (there) TRY(examine_best(trainer, best, &good));
  if (good) return STATUS_OK;
  log_warn("%s: %s: the best model from here on takes its place", best,
           there ? "is not the best model that the run had" : "the best model that the run had is gone");
  trainer->best = NAN;
  return STATUS_OK;
}

/* Without checkpoints a run that is complete is left as it is, and one that has records could only begin anew, over
 * them. A job that was killed before its first checkpoint has none. */
static enum status go_on_without(const struct trainer *trainer, const struct record_progress *progress) {
  REQUIRE(
      !progress->begun || progress->complete, STATUS_FILE,
      "%s: is not complete, and none of its checkpoints is there and whole, so it cannot go on. To begin anew move it "
      "away, or choose another output",
      trainer->output);
  return STATUS_OK;
}

/* A run is computed by the same rules from its beginning to its end. */
static enum status check_numerics(const struct trainer *trainer, const struct record_progress *progress) {
  REQUIRE(
      strcmp(progress->numerics, trainer->numerics) == 0, STATUS_CONFIG,
      "%s: began with other arithmetic (\"%s\") than this program has (\"%s\"), and would end in the bits of neither: "
      "go on with the program of then, or choose another output",
      trainer->output, progress->numerics, trainer->numerics);
  return STATUS_OK;
}

/* A limit that has been computed since is taken; one that is gone is kept, so that all rows are held against it. */
static void keep_limits(struct trainer *trainer, const struct record_progress *progress) {
  if (!isnan(trainer->yardstick.limit) || isnan(progress->limit)) return;
  log_warn("%s: was held against information limits whose file is gone: it still is, but no longer rollout by rollout",
           trainer->output);
  trainer->yardstick.limit = progress->limit;
  trainer->yardstick.limit_unseen = progress->limit_unseen;
}

/* ---- Beginning where another run has been ---- */

/* Collective. Is there a state that this run can begin from? Before anything is written. */
static enum status check_origin(struct trainer *trainer, char path[STORE_PATH_MAX]) {
  struct checkpoint_owner owner = owner_of(trainer);
  owner.begins = true;
  TRY(checkpoint_name(trainer->origin, trainer->origin_step, path));
  return comm_agree(trainer->comm, trainer->comm->rank == 0 ? checkpoint_check_owner(path, &owner) : STATUS_OK);
}

/* Collective. In that state, with the records up to it, and a checkpoint of its own, so that nothing of the other run
 * is needed any more. Its best model is that of its own steps. */
static enum status begin_from_origin(struct trainer *trainer) {
  const struct record_run run = trainer_describe(trainer);
  struct checkpoint checkpoint = checkpoint_of(trainer);
  char path[STORE_PATH_MAX];
  TRY(check_origin(trainer, path));
  TRY(checkpoint_read(trainer->comm, path, &trainer->learner, &checkpoint));
  REQUIRE(checkpoint.step == trainer->origin_step, STATUS_FILE, "%s: is of step %lld", path,
          (long long)checkpoint.step);
  TRY(record_take_over(trainer->comm, &run, &trainer->record));
  go_on_from(trainer, &checkpoint);
  trainer->best = NAN;
  trainer->resumed = -1;
  log_info("%s: begins after step %lld of %s", trainer->output, (long long)trainer->done, trainer->origin);
  return trainer_save_as(trainer, trainer->done);
}

/* From the latest checkpoint that is whole and whose records are. */
static enum status resume_run(struct trainer *trainer) {
  const struct record_run run = trainer_describe(trainer);
  struct checkpoint checkpoint;
  struct record_progress progress;
  bool found;
  TRY(record_examine(trainer->comm, trainer->output, &run, &trainer->yardstick, &progress));
  trainer->yardstick.kappa = trainer->learner.kappa = progress.kappa;
  keep_limits(trainer, &progress);
  if (progress.complete && strcmp(progress.numerics, trainer->numerics) != 0) {
    trainer->resumed = trainer->done =
        trainer->training->train.steps; /* of other arithmetic nothing can be added to it */
    return STATUS_OK;
  }
  TRY(comm_agree(trainer->comm, check_numerics(trainer, &progress)));
  TRY(load_latest(trainer, progress.whole, 1, &checkpoint, &found));
  const bool from_origin = !found && trainer->origin && !progress.complete;
  if (!found && !from_origin) TRY(go_on_without(trainer, &progress));
  trainer->resumed = 0;
  if (found) {
    go_on_from(trainer, &checkpoint);
    trainer->resumed = trainer->done;
  } else if (progress.complete) {
    trainer->resumed = trainer->done = trainer->training->train.steps;
  }
  if (progress.complete && trainer->done == trainer->training->train.steps) return STATUS_OK;
  TRY(check_best(trainer));
  TRY(record_reopen(trainer->comm, trainer->output, &trainer->lock, &run, &trainer->yardstick, &trainer->record));
  trainer->recording = true;
  if (from_origin) return begin_from_origin(trainer);
  return found ? STATUS_OK : trainer_save_as(trainer, 0);
}

enum status trainer_begin(struct trainer *trainer, bool resume) {
  const struct record_run run = trainer_describe(trainer);
  enum found what = NOTHING;
  trainer->resumed = -1;
  const bool root = trainer->comm->rank == 0;
  enum status status = root ? store_lock_take(trainer->output, 0, &trainer->lock) : STATUS_OK;
  if (status == STATUS_OK && root) status = find_run(trainer, &what);
  TRY(comm_agree(trainer->comm, status));
  TRY(comm_broadcast(trainer->comm, &what, sizeof what));
  REQUIRE(
      what != LEFT_OVER, STATUS_FILE,
      "%s: there are checkpoints, or a best model, of a run of this name, but not the run: move them away, or choose "
      "another output",
      trainer->output);
  REQUIRE(what == A_RUN || !resume, STATUS_FILE, "%s: there is no run to go on with", trainer->output);
  if (root) checkpoint_remove_left(trainer->output);
  if (what == A_RUN) TRY(record_check(trainer->comm, trainer->output, &run));
  if (what == A_RUN && trainer->origin) TRY(record_check_origin(trainer->comm, trainer->output, &run));
  TRY(corpus_measure(trainer->corpus, &trainer->yardstick));
  if (trainer->begins) trainer->begins();
  if (what == A_RUN) return resume_run(trainer);
  char path[STORE_PATH_MAX];
  if (trainer->origin) TRY(check_origin(trainer, path));
  TRY(record_create(trainer->comm, trainer->output, &trainer->lock, &run, &trainer->yardstick, &trainer->record));
  trainer->recording = true;
  return trainer->origin ? begin_from_origin(trainer) : trainer_save_as(trainer, 0);
}

enum status trainer_verify(const struct trainer *trainer) {
  const struct record_run run = trainer_describe(trainer);
  struct record_progress progress;
  TRY(record_examine(trainer->comm, trainer->output, &run, &trainer->yardstick, &progress));
  REQUIRE(progress.complete, STATUS_FILE,
          "%s: does not hold what was written to it: another program has changed it. Started again, the run makes its "
          "records again from step %lld",
          trainer->output, (long long)progress.whole);
  return STATUS_OK;
}
