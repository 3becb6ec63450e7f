/* How a training begins, or goes on: anew, in the state of another run, with the parameters of another run, from its
 * own latest checkpoint, and then perhaps with more steps or rarer reports than it began with. */
#include "base/log.h"
#include "store/output.h"
#include "train/trained.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
  const struct checkpoint_owner owner = trainer_owner(trainer);
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
  struct checkpoint_owner owner = trainer_owner(trainer);
  owner.begins = true;
  TRY(checkpoint_name(trainer->origin, trainer->origin_step, path));
  return comm_agree(trainer->comm, trainer->comm->rank == 0 ? checkpoint_check_owner(path, &owner) : STATUS_OK);
}

/* Collective. In that state, with the records up to it, and a checkpoint of its own, so that nothing of the other run
 * is needed any more. Its best model is that of its own steps. */
static enum status begin_from_origin(struct trainer *trainer) {
  const struct record_run run = trainer_describe(trainer);
  struct checkpoint checkpoint = trainer_checkpoint(trainer);
  char path[STORE_PATH_MAX];
  TRY(check_origin(trainer, path));
  TRY(checkpoint_read(trainer->comm, path, &trainer->learner, &checkpoint));
  REQUIRE(checkpoint.step == trainer->origin_step, STATUS_FILE, "%s: is of step %lld", path,
          (long long)checkpoint.step);
  TRY(record_take_over(trainer->comm, &run, &trainer->record));
  trainer_go_on_from(trainer, &checkpoint);
  trainer->best = NAN;
  trainer->resumed = -1;
  log_info("%s: begins after step %lld of %s", trainer->output, (long long)trainer->done, trainer->origin);
  return trainer_save_as(trainer, trainer->done);
}

/* ---- Beginning with another run's parameters ---- */

struct checksum trainer_sum_parameters(const struct learner *learner) {
  struct checksum sum = {{0, 0}};
  for (int i = 0; i < learner->layout->tensors; i++) {
    const struct layout_tensor *tensor = &learner->layout->tensor[i];
    checksum_add(&sum, checksum_tag(tensor->name), 0, learner->parameters + tensor->offset,
                 (size_t)tensor->count * sizeof(float));
  }
  return sum;
}

static bool same_shape(const struct layout_tensor *a, const struct layout_tensor *b) {
  bool same = strcmp(a->name, b->name) == 0 && a->count == b->count && a->shape.rank == b->shape.rank;
  for (int i = 0; same && i < a->shape.rank; i++) same = a->shape.dim[i] == b->shape.dim[i];
  return same;
}

/* Not collective. Networks are the same when their tensors are: what makes pictures of their numbers may differ. */
enum status trainer_take_parameters(struct trainer *trainer, const struct trained *from) {
  const struct layout *mine = trainer->learner.layout, *theirs = from->learner.layout;
  REQUIRE(from->learner.kind == trainer->learner.kind, STATUS_CONFIG, "%s: is a model \"%s\", and this is a \"%s\"",
          from->path, from->learner.kind->name, trainer->learner.kind->name);
  for (int i = 0; i < mine->tensors; i++)
    REQUIRE(i < theirs->tensors && same_shape(&mine->tensor[i], &theirs->tensor[i]), STATUS_CONFIG,
            "%s: has other networks, so its parameters do not fit: %s is not the same in both", from->path,
            mine->tensor[i].name);
  REQUIRE(mine->tensors == theirs->tensors, STATUS_CONFIG, "%s: has other networks: more tensors", from->path);
  for (int i = 0; i < mine->tensors; i++)
    memcpy(trainer->learner.parameters + mine->tensor[i].offset, from->learner.parameters + theirs->tensor[i].offset,
           (size_t)mine->tensor[i].count * sizeof(float));
  trainer->learner.kind->changed(&trainer->learner);
  return STATUS_OK;
}

/* Collective. Moments, schedules and the objective begin anew. */
static enum status load_start(struct trainer *trainer) {
  struct record_start *start = &trainer->start;
  struct trained from;
  TRY(trained_open(trainer->comm, trainer->from, false, &from));
  const enum status status = comm_agree(trainer->comm, trainer_take_parameters(trainer, &from));
  if (status == STATUS_OK) {
    const struct checksum sum = trainer_sum_parameters(&trainer->learner);
    *start = (struct record_start){.step = from.step};
    snprintf(start->run, sizeof start->run, "%s", trainer->from);
    checksum_text(&sum, start->parameters);
  }
  trained_close(&from);
  return status;
}

/* Collective. Of a run that is there: whether it began as it is to. Where it began with the parameters of the run that
 * is named, nothing of that one has to be there any more. */
static enum status check_start(struct trainer *trainer) {
  struct record_start began;
  TRY(record_read_start(trainer->comm, trainer->output, &began, &trainer->started_elsewhere));
  if (!trainer->from) return STATUS_OK;
  REQUIRE(
      trainer->started_elsewhere, STATUS_CONFIG,
      "%s: is there, and did not begin with the parameters of another run: --from makes a new one, so choose another "
      "output",
      trainer->output);
  if (strcmp(began.run, trainer->from) == 0) return STATUS_OK;
  TRY(load_start(trainer));
  REQUIRE(strcmp(began.parameters, trainer->start.parameters) == 0, STATUS_CONFIG,
          "%s: began with the parameters of %s after step %lld, and those of %s after step %lld are others",
          trainer->output, began.run, (long long)began.step, trainer->from, (long long)trainer->start.step);
  trainer->learner.kind->initialize(&trainer->learner);
  trainer->learner.kind->changed(&trainer->learner);
  return STATUS_OK;
}

/* Collective. Killed before its first checkpoint: the parameters are those that it was to begin with, or none. */
static enum status start_again(struct trainer *trainer) {
  struct record_start began;
  bool there;
  if (!trainer->started_elsewhere) return STATUS_OK;
  REQUIRE(trainer->from, STATUS_CONFIG,
          "%s: was to begin with the parameters of another run, and has none yet: give --from again", trainer->output);
  TRY(record_read_start(trainer->comm, trainer->output, &began, &there));
  TRY(load_start(trainer));
  REQUIRE(strcmp(began.parameters, trainer->start.parameters) == 0, STATUS_CONFIG,
          "%s: was to begin with the parameters of %s after step %lld, which has others now: choose another output",
          trainer->output, began.run, (long long)began.step);
  return STATUS_OK;
}

/* ---- Going on with what was begun ---- */

static enum status check_steps(const struct trainer *trainer, const struct record_progress *progress) {
  const int64_t steps = trainer->training->train.steps, then = config_experiment(trainer->then)->training.train.steps,
                done = progress->recorded > trainer->done ? progress->recorded : trainer->done;
  REQUIRE(steps == then || steps > done, STATUS_CONFIG,
          "%s: has done %lld of %lld steps, and train.steps=%lld would end it before: what is done is not undone. Give "
          "more steps, or choose another output",
          trainer->output, (long long)done, (long long)then, (long long)steps);
  return STATUS_OK;
}

/* Collective. What stands at the old end was measured on rollouts of which there are more at an end than on the way. */
static enum status evaluate_again(struct trainer *trainer) {
  char broken[TRAINER_BROKEN_MAX] = "";
  TRY(trainer_evaluate(trainer, broken));
  REQUIRE(!*broken, STATUS_NUMERIC, "step %lld: %s is not finite", (long long)trainer->done, broken);
  return STATUS_OK;
}

/* Collective. The file has rows for the steps of before: one for those of now is made, aside, and takes its name when
 * all is in it that was in the old one. Checkpoints stay what they are. */
static enum status rebuild(struct trainer *trainer, const struct record_progress *progress) {
  const struct record_run run = trainer_describe(trainer);
  const struct training *then = &config_experiment(trainer->then)->training, *now = trainer->training;
  const bool ended = trainer->done == then->train.steps && trainer->done < now->train.steps;
  TRY(comm_agree(trainer->comm, check_steps(trainer, progress)));
  TRY(record_rebuild(trainer->comm, trainer->output, &trainer->lock, &run, trainer->then, &trainer->yardstick,
                     trainer->done, ended ? trainer->done : -1, &trainer->record));
  trainer->recording = true;
  if (ended && trainer_due(trainer->done, now->eval.every, now->train.steps)) TRY(evaluate_again(trainer));
  TRY(record_publish(&trainer->record));
  if (now->train.steps != then->train.steps)
    log_info("%s: has %lld steps now, in place of %lld", trainer->output, (long long)now->train.steps,
             (long long)then->train.steps);
  return STATUS_OK;
}

static enum status reopen(struct trainer *trainer, const struct record_progress *progress) {
  const struct record_run run = trainer_describe(trainer);
  TRY(check_best(trainer));
  if (trainer->then) return rebuild(trainer, progress);
  TRY(record_reopen(trainer->comm, trainer->output, &trainer->lock, &run, &trainer->yardstick, &trainer->record));
  trainer->recording = true;
  return STATUS_OK;
}

/* A complete run that is to have more steps needs its checkpoint; else it is left as it is. */
static enum status check_longer(const struct trainer *trainer, const struct record_progress *progress) {
  REQUIRE(!progress->begun, STATUS_FILE, "%s: none of its checkpoints is there and whole, so it cannot have more steps",
          trainer->output);
  return STATUS_OK;
}

/* From the latest checkpoint that is whole and whose records are. */
static enum status resume_run(struct trainer *trainer) {
  struct record_run run = trainer_describe(trainer);
  if (trainer->then) run.config = trainer->then;
  const int64_t steps = config_experiment(run.config)->training.train.steps;
  struct checkpoint checkpoint;
  struct record_progress progress;
  bool found;
  TRY(record_examine(trainer->comm, trainer->output, &run, &trainer->yardstick, &progress));
  if (trainer->yardstick.kappa != progress.kappa)
    snprintf(trainer->yardstick.kappa_from, sizeof trainer->yardstick.kappa_from, "as the run began with");
  trainer->yardstick.kappa = trainer->learner.kappa = progress.kappa;
  keep_limits(trainer, &progress);
  const bool complete = progress.complete && trainer->training->train.steps == steps;
  if (complete && strcmp(progress.numerics, trainer->numerics) != 0) {
    trainer->resumed = trainer->done = steps; /* of other arithmetic nothing can be added to it */
    return STATUS_OK;
  }
  TRY(comm_agree(trainer->comm, check_numerics(trainer, &progress)));
  TRY(trainer_load_latest(trainer, progress.whole, 1, &checkpoint, &found));
  const bool from_origin = !found && trainer->origin && !progress.complete;
  if (!found && !from_origin && progress.complete && !complete) TRY(check_longer(trainer, &progress));
  if (!found && !from_origin) TRY(go_on_without(trainer, &progress));
  trainer->resumed = 0;
  if (found) {
    trainer_go_on_from(trainer, &checkpoint);
    trainer->resumed = trainer->done;
  } else if (complete) {
    trainer->resumed = trainer->done = steps;
  }
  if (complete && trainer->done == steps) return STATUS_OK;
  if (!found && !from_origin) TRY(start_again(trainer));
  TRY(reopen(trainer, &progress));
  if (from_origin) return begin_from_origin(trainer);
  return found ? STATUS_OK : trainer_save_as(trainer, 0);
}

/* Collective. */
static enum status begin_anew(struct trainer *trainer) {
  char path[STORE_PATH_MAX];
  if (trainer->origin) TRY(check_origin(trainer, path));
  if (trainer->from) TRY(load_start(trainer));
  struct record_run run = trainer_describe(trainer);
  if (trainer->from) run.start = &trainer->start;
  if (trainer->from)
    log_info("%s: begins with the parameters of %s after step %lld", trainer->output, trainer->from,
             (long long)trainer->start.step);
  TRY(record_create(trainer->comm, trainer->output, &trainer->lock, &run, &trainer->yardstick, &trainer->record));
  trainer->recording = true;
  return trainer->origin ? begin_from_origin(trainer) : trainer_save_as(trainer, 0);
}

/* Collective. Is what is there this run? Before anything is measured or written. */
static enum status check_run(struct trainer *trainer) {
  const struct record_run run = trainer_describe(trainer);
  TRY(record_check(trainer->comm, trainer->output, &run, &trainer->then));
  if (trainer->origin) TRY(record_check_origin(trainer->comm, trainer->output, &run));
  return check_start(trainer);
}

enum status trainer_begin(struct trainer *trainer, bool resume) {
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
  if (what == A_RUN) TRY(check_run(trainer));
  TRY(corpus_measure(trainer->corpus, &trainer->yardstick));
  if (trainer->begins) trainer->begins();
  return what == A_RUN ? resume_run(trainer) : begin_anew(trainer);
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
