#include "base/log.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct checkpoint view(struct trainer *trainer) {
  return (struct checkpoint){.step = trainer->done,
                             .lambda = trainer->objective.lambda,
                             .average = trainer->objective.average,
                             .started = trainer->objective.started,
                             .rate_scale = trainer->optimizer.scale,
                             .roll_backs = trainer->roll_backs,
                             .repeats = trainer->repeats,
                             .seconds = trainer_seconds(trainer),
                             .core_seconds = trainer_core_seconds(trainer),
                             .joules = trainer->joules,
                             .best = trainer->best,
                             .parameters = trainer->parameters,
                             .first = trainer->optimizer.first,
                             .second = trainer->optimizer.second,
                             .exponent = trainer->step.exchange.exponent};
}

/* Times and energies go on from where they are: what was lost was spent. */
static void adopt(struct trainer *trainer, const struct checkpoint *checkpoint) {
  trainer->done = checkpoint->step;
  trainer->objective.lambda = checkpoint->lambda;
  trainer->objective.average = checkpoint->average;
  trainer->objective.started = checkpoint->started != 0;
  trainer->optimizer.scale = checkpoint->rate_scale;
  trainer->best = checkpoint->best;
  step_parameters_changed(&trainer->step);
}

enum status trainer_save(struct trainer *trainer, int64_t step_or_best) {
  char path[STORE_PATH_MAX];
  struct checkpoint checkpoint = view(trainer);
  double numbers[4] = {checkpoint.seconds, checkpoint.core_seconds, checkpoint.joules, 0};
  TRY(checkpoint_name(trainer->output, step_or_best, path));
  /* Clocks differ; the file is one. */
  TRY(comm_broadcast(trainer->comm, numbers, sizeof numbers));
  checkpoint.seconds = numbers[0];
  checkpoint.core_seconds = numbers[1];
  checkpoint.joules = numbers[2];
  const struct checkpoint_clock clock = {trainer->dt, trainer->data.dt};
  TRY(checkpoint_write(trainer->comm, path, &trainer->lock, trainer->config, trainer->yardstick.checksum, &clock,
                       trainer->model, &checkpoint));
  if (step_or_best >= 0 && trainer->comm->rank == 0)
    checkpoint_prune(trainer->output, step_or_best, trainer->training->run.checkpoint_every,
                     trainer->training->run.checkpoint_keep);
  return STATUS_OK;
}

/* Collective. One checkpoint; STATUS_FILE when it is damaged or of another run. */
static enum status load(struct trainer *trainer, int64_t step, struct checkpoint *checkpoint) {
  char path[STORE_PATH_MAX], differences[512];
  struct config *config = NULL;
  struct model_images images;
  int64_t input_frames;
  struct checkpoint_clock clock;
  TRY(checkpoint_name(trainer->output, step, path));
  TRY(checkpoint_describe(trainer->comm, path, &config, &images, &input_frames, &clock));
  const int count = config_differences(config, trainer->config, differences, sizeof differences);
  config_destroy(&config);
  REQUIRE(count == 0, STATUS_FILE, "%s: is of another configuration (%s)", path, differences);
  *checkpoint = view(trainer);
  return checkpoint_read(trainer->comm, path, trainer->model, checkpoint);
}

/* Collective. The latest that is whole, of those at multiples of `every` steps; *found is false when there is none. */
static enum status load_latest(struct trainer *trainer, int64_t every, struct checkpoint *checkpoint, bool *found) {
  const struct comm *comm = trainer->comm;
  int64_t *steps = NULL, step = -1;
  int count = 0;
  *found = false;
  enum status status = comm_agree(comm, comm->rank == 0 ? checkpoint_list(trainer->output, &steps, &count) : STATUS_OK);
  while (status == STATUS_OK) {
    while (count > 0 && steps[count - 1] % every != 0) count--;
    step = count > 0 ? steps[--count] : -1;
    status = comm_broadcast(comm, &step, sizeof step);
    if (status != STATUS_OK || step < 0) break;
    status = load(trainer, step, checkpoint);
    *found = status == STATUS_OK;
    if (status != STATUS_FILE) break;
    log_warn("%s: left out", status_message());
    status_clear();
    status = STATUS_OK;
  }
  free(steps);
  return status;
}

/* To one that was due: which others there are depends on when signals came, and what follows must not. */
enum status trainer_roll_back(struct trainer *trainer) {
  const int64_t every = trainer->training->run.checkpoint_every;
  struct checkpoint checkpoint;
  bool found;
  TRY(load_latest(trainer, every, &checkpoint, &found));
  if (found && checkpoint.step == trainer->done) {
    /* It holds the very state whose loss is not finite: no learning rate helps it. */
    log_warn("step %lld: its checkpoint is of no use and is removed", (long long)trainer->done);
    if (trainer->comm->rank == 0) checkpoint_remove(trainer->output, checkpoint.step);
    TRY(load_latest(trainer, every, &checkpoint, &found));
  }
  REQUIRE(found, STATUS_NUMERIC, "step %lld: training has diverged, and %s has no earlier checkpoint to go back to",
          (long long)trainer->done, trainer->output);
  const double scale = trainer->optimizer.scale * trainer->training->run.divergence_factor;
  adopt(trainer, &checkpoint);
  trainer->optimizer.scale = scale;
  trainer->roll_backs += 1;
  return STATUS_OK;
}

/* Collective. 0 nothing there, 1 a run, 2 checkpoints without their run. */
static enum status look(const struct trainer *trainer, int *what) {
  struct stat about;
  int64_t *steps = NULL;
  int count = 0;
  enum status status = STATUS_OK;
  if (trainer->comm->rank == 0) {
    *what = stat(trainer->output, &about) == 0 ? 1 : 0;
    if (*what == 0) status = checkpoint_list(trainer->output, &steps, &count);
    if (count > 0) *what = 2;
    free(steps);
  }
  TRY(comm_agree(trainer->comm, status));
  return comm_broadcast(trainer->comm, what, sizeof *what);
}

/* From the latest checkpoint that is whole; from the start when there is none. */
static enum status go_on(struct trainer *trainer, int64_t *resumed) {
  struct checkpoint checkpoint;
  bool found;
  TRY(record_reopen(trainer->comm, trainer->output, &trainer->lock, trainer->config, trainer->data.file.path,
                    &trainer->yardstick, trainer->step.lanes.count, trainer->protocol.target_count, &trainer->record));
  trainer->recording = true;
  trainer->objective.kappa = trainer->yardstick.kappa;
  TRY(load_latest(trainer, 1, &checkpoint, &found));
  *resumed = 0;
  if (!found) return trainer_save(trainer, 0);
  adopt(trainer, &checkpoint);
  trainer->roll_backs = checkpoint.roll_backs;
  trainer->repeats = checkpoint.repeats;
  trainer->seconds_before = checkpoint.seconds;
  trainer->core_seconds_before = checkpoint.core_seconds;
  trainer->joules = checkpoint.joules;
  *resumed = trainer->done;
  return STATUS_OK;
}

enum status trainer_begin(struct trainer *trainer, bool resume, int64_t *resumed) {
  int what = 0;
  *resumed = -1;
  TRY(comm_agree(trainer->comm,
                 trainer->comm->rank == 0 ? store_lock_take(trainer->output, 0, &trainer->lock) : STATUS_OK));
  TRY(look(trainer, &what));
  REQUIRE(what != 2, STATUS_FILE,
          "%s: there are checkpoints of a run of this name, but not the run: move them away, or choose another output",
          trainer->output);
  REQUIRE(what == 1 || !resume, STATUS_FILE, "%s: there is no run to go on with", trainer->output);
  if (trainer->comm->rank == 0) checkpoint_sweep(trainer->output);
  if (what == 1) TRY(record_check(trainer->comm, trainer->output, trainer->config));
  TRY(yardstick_measure(trainer->comm, &trainer->data, &trainer->yardstick));
  if (what == 1) return go_on(trainer, resumed);
  TRY(record_create(trainer->comm, trainer->output, &trainer->lock, trainer->config, trainer->data.file.path,
                    &trainer->yardstick, trainer->step.lanes.count, trainer->protocol.target_count, &trainer->record));
  trainer->recording = true;
  return trainer_save(trainer, 0);
}
