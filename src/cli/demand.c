#include "cli/demand.h"

#include "base/log.h"
#include "comm/reduce.h"
#include "train/numerics.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <sys/resource.h>

enum { STEPS = 2, ROWS = 8 };

static struct lanes lanes_of(const struct config *config) {
  const struct train_settings *train = &config_experiment(config)->training.train;
  return lanes_cut(train->batch, train->microbatch);
}

/* ---- Ranks ---- */

void demand_print_ranks(const struct config *config, FILE *out) {
  if (config_use(config) != SCHEMA_TRAINING) return;
  const struct learner_kind *kind = learner_find(config_experiment(config)->training.model.name);
  if (!kind) return;
  const struct lanes lanes = lanes_of(config);
  const bool whole = lanes.batch % lanes.microbatch == 0;
  char even[LANES_TEXT_MAX];
  lanes_even(&lanes, even);
  if (lanes.count == 1) {
    fprintf(out, "# ranks: 1, for a batch of %" PRId64 " %s is one lane; a smaller train.microbatch makes more\n",
            lanes.batch, kind->unit);
    return;
  }
  fprintf(out,
          "# ranks: up to %" PRId64 ", for a batch of %" PRId64 " %s in lanes of %" PRId64
          "; %s keep all of them equally busy\n",
          lanes.count, lanes.batch, kind->unit, lanes.microbatch, even);
  int64_t ranks = lanes_even_below(&lanes, lanes.count + 1);
  for (int row = 0; row < ROWS && ranks > 0; row++, ranks = lanes_even_below(&lanes, ranks)) {
    const int64_t each = lanes.count / ranks;
    fprintf(out, "#   on %" PRId64 ": %" PRId64 " lane%s a rank, %s%" PRId64 " %s a step\n", ranks, each,
            each == 1 ? "" : "s", whole ? "" : "at most ",
            each * lanes.microbatch < lanes.batch ? each * lanes.microbatch : lanes.batch, kind->unit);
  }
}

/* ---- Memory ---- */

/* Plans are made and memory is touched when it is first needed, so it is looked at after the last of: steps, an
 * evaluation of each split beside what the steps hold. */
static enum status take_steps(const struct comm *world, const struct config *config) {
  struct corpus corpus;
  struct trainer *trainer;
  unsigned events = 0;
  TRY(corpus_open(world, config_experiment(config)->training.data.file, &corpus));
  const struct trainer_setup setup = {.config = config, .corpus = &corpus};
  enum status status = trainer_open(world, &setup, &trainer);
  while (status == STATUS_OK && trainer_step(trainer) < STEPS && !(events & TRAINER_ENDED))
    status = trainer_advance(trainer, STEPS, TRAINER_GO, &events);
  trainer_close(&trainer);
  corpus_close(&corpus);
  return status;
}

/* Bytes of the rank that holds most. */
static enum status measure(const struct comm *world, const struct config *config, int64_t *bytes) {
  static const char *const words[] = {"eval.every=2", "eval.rollouts=8", "eval.final=same"};
  struct config *few;
  struct rusage usage;
  TRY(config_vary(config, words, sizeof words / sizeof *words, &few));
  log_scope("", false); /* what a training says is not what was asked */
  const enum status status = take_steps(world, few);
  log_scope(NULL, false);
  config_destroy(&few);
  TRY(status);
  getrusage(RUSAGE_SELF, &usage);
  *bytes = (int64_t)usage.ru_maxrss * 1024;
  return reduce_max(world, bytes, 1);
}

enum status demand_print_sbatch(const struct comm *world, const struct config *config) {
  enum { MB = 1000000, STEP = 50 };
  int64_t bytes;
  TRY(config_require(config, SCHEMA_USE(SCHEMA_TRAINING)));
  TRY(learner_require(config_experiment(config)));
  TRY(numerics_agree(world));
  TRY(measure(world, config, &bytes));
  const int64_t most = bytes * 3 / 2 / ((int64_t)STEP * MB) + 1;
  log_info("%.0f MB a rank after %d steps and an evaluation; half as much again is asked for", (double)bytes / MB,
           STEPS);
  if (world->rank == 0)
    printf("--ntasks=%" PRId64 " --cpus-per-task=1 --mem-per-cpu=%" PRId64 "M\n", lanes_of(config).count, most * STEP);
  return STATUS_OK;
}
