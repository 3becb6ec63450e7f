#include "base/log.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SPEAK_EVERY = 10 /* s */ };

double trainer_seconds(const struct trainer *trainer) {
  return trainer->seconds_before + log_clock() - trainer->started;
}

double trainer_core_seconds(const struct trainer *trainer) {
  return trainer->core_seconds_before + (log_clock() - trainer->started) * trainer->comm->size;
}

/* Checksums that all ranks must share: of parameters and of the gradient by network, of all lanes' losses. */
struct sums {
  struct checksum parameters[LAYOUT_NETWORKS_MAX], gradient[LAYOUT_NETWORKS_MAX], lanes;
};

static struct sums take_sums(const struct trainer *trainer) {
  const struct learner *learner = &trainer->learner;
  struct sums sums;
  memset(&sums, 0, sizeof sums);
  for (int i = 0; i < learner->layout->tensors; i++) {
    const struct layout_tensor *tensor = &learner->layout->tensor[i];
    const size_t bytes = (size_t)tensor->count * sizeof(float);
    const uint64_t tag = checksum_tag(tensor->name);
    checksum_add(&sums.parameters[tensor->network], tag, 0, learner->parameters + tensor->offset, bytes);
    checksum_add(&sums.gradient[tensor->network], tag, 0, trainer->step.gradient + tensor->offset, bytes);
  }
  const int64_t lanes = trainer->step.work.lanes.count;
  for (int term = 0; term < learner->kind->terms; term++)
    checksum_add(&sums.lanes, checksum_tag(learner->kind->term[term].name), 0, trainer->lane_term + term * lanes,
                 (size_t)lanes * sizeof(double));
  return sums;
}

/* Collective. Every rank holds the same, or something is wrong with a machine. Also the largest memory. */
static enum status compare_ranks(const struct trainer *trainer, const struct sums *sums, int64_t *memory) {
  enum { WORDS = sizeof *sums / sizeof(int64_t) };
  int64_t mine[WORDS], words[1 + 2 * WORDS];
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  memcpy(mine, sums, sizeof mine);
  words[0] = (int64_t)usage.ru_maxrss * 1024;
  for (int i = 0; i < WORDS; i++) {
    words[1 + i] = mine[i];
    words[1 + WORDS + i] = ~mine[i];
  }
  TRY(reduce_max(trainer->comm, words, 1 + 2 * WORDS));
  *memory = words[0];
  for (int i = 0; i < WORDS; i++) {
    const int network = i / 2 % LAYOUT_NETWORKS_MAX, what = i / 2 / LAYOUT_NETWORKS_MAX;
    REQUIRE(words[1 + i] == ~words[1 + WORDS + i], STATUS_NUMERIC,
            "step %lld: ranks hold different %s of the %s: a machine computes wrong, or kernels differ",
            (long long)trainer->done,
            what == 0   ? "parameters"
            : what == 1 ? "gradients"
                        : "losses",
            what < 2 ? trainer->learner.layout->network[network] : "lanes");
  }
  return STATUS_OK;
}

/* "  error 1.2e-3  kl 0.1" of all terms. */
static void log_report(struct trainer *trainer, const struct report *report) {
  const struct learner_kind *kind = trainer->learner.kind;
  const double now = log_clock();
  const bool last = trainer->done == trainer->training->train.steps;
  if (!last && now - trainer->spoken < SPEAK_EVERY) return;
  trainer->spoken = now;
  char terms[160] = "", hidden[48] = "";
  for (int i = 0; i < kind->terms; i++) {
    const size_t used = strlen(terms);
    snprintf(terms + used, sizeof terms - used, "  %s %.4g", kind->term[i].name, report->term[i]);
  }
  if (trainer->comm->size > 1 && !isnan(report->hidden_share))
    snprintf(hidden, sizeof hidden, "  communication %.0f%% overlapped", 100 * report->hidden_share);
  log_info("step %lld of %lld%s  gradient %.3g  rate %.3g  %.1f %s/s%s", (long long)trainer->done,
           (long long)trainer->training->train.steps, terms, report->gradient_norm, report->learning_rate,
           report->rollouts_per_second, kind->unit, hidden);
}

/* Once each, while something can still be done: of a gradient and a multiplier after the warm-up, of pictures after a
 * quarter of the steps. The end has the last word (verdict.h). */
static void tell(struct trainer *trainer, const struct evaluation *evaluation) {
  const struct training *training = trainer->training;
  const struct verdict now = verdict_find(&trainer->learner, evaluation, trainer->gradient_norm);
  if (trainer->done < training->optimizer.warmup || trainer->done == training->train.steps) return;
  for (int i = 0; i < VERDICT_COUNT; i++) {
    const bool of_pictures = i == VERDICT_NO_BETTER || i == VERDICT_SATURATED;
    if (trainer->told[i] || !(now.of[i] > 0) || (of_pictures && 4 * trainer->done < training->train.steps)) continue;
    trainer->told[i] = true;
    log_info("step %lld: so far %s", (long long)trainer->done, verdict_text((enum verdict_of)i));
  }
}

static struct report make_report(const struct trainer *trainer, const struct step_result *result, double norm,
                                 double rate, double now) {
  const struct learner *learner = &trainer->learner;
  const double steps = (double)trainer->window.steps;
  struct report report = {
      .step = (double)trainer->done,
      .epoch = (double)trainer->done / (double)step_epoch_steps(&trainer->step),
      .loss = learner->kind->loss(learner, result->term),
      .gradient_norm = norm,
      .learning_rate = rate,
      .repeats = (double)trainer->repeats,
      .roll_backs = (double)trainer->roll_backs,
      .seconds = trainer_seconds(trainer),
      .core_hours = trainer_core_seconds(trainer) / 3600,
      .processor_energy = trainer->meter.known ? trainer->joules : NAN,
      .rollouts_per_second = steps * (double)trainer->training->train.batch / (now - trainer->window.began),
      .hidden_share = trainer->window.total > 0 ? 1 - trainer->window.waited / trainer->window.total : NAN,
      .reduce_seconds = trainer->window.reducing / steps,
      .term = result->term,
      .scalar = learner->scalar,
      .lane_term = trainer->lane_term};
  for (int i = 0; i < learner->kind->stages; i++) report.stage_seconds[i] = trainer->window.stage[i] / steps;
  return report;
}

enum status trainer_report(struct trainer *trainer, const struct step_result *result, double norm, double rate) {
  const int64_t lanes = trainer->step.work.lanes.count;
  const double now = log_clock();
  int64_t memory, joules = energy_take(&trainer->meter);
  for (int term = 0; term < trainer->learner.kind->terms; term++)
    step_lane_terms(&trainer->step, term, trainer->lane_term + term * lanes);
  const struct sums sums = take_sums(trainer);
  TRY(compare_ranks(trainer, &sums, &memory));
  TRY(reduce_sum(trainer->comm, &joules, 1));
  trainer->joules += 1e-6 * (double)joules;
  struct report report = make_report(trainer, result, norm, rate, now);
  report.memory = (double)memory;
  report.parameter_sum = sums.parameters;
  report.gradient_sum = sums.gradient;
  memset(&trainer->window, 0, sizeof trainer->window);
  trainer->window.began = now;
  const int64_t every = trainer->training->train.report_every, index = (trainer->done + every - 1) / every - 1;
  enum status status = STATUS_OK;
  if (trainer->recording && trainer->comm->rank == 0) status = record_report(&trainer->record, index, &report);
  log_report(trainer, &report);
  tell(trainer, NULL);
  trainer->events |= TRAINER_REPORT;
  return comm_agree(trainer->comm, status);
}

/* ---- Evaluation ---- */

static void log_evaluation(const struct trainer *trainer) {
  const struct learner_kind *kind = trainer->learner.kind;
  char text[LEARNER_SPEECH_MAX];
  kind->speak(&trainer->test, text);
  log_info("step %lld: test %s over %lld %s; validation %s %.4g", (long long)trainer->done, text,
           (long long)trainer->test.rollouts, kind->unit, kind->score[kind->chosen_by].name,
           trainer->validation.score[kind->chosen_by]);
}

enum status trainer_check(struct trainer *trainer, char broken[TRAINER_BROKEN_MAX]) {
  const struct layout *layout = trainer->learner.layout;
  int64_t tensor = layout_broken_tensor(layout, trainer->learner.parameters);
  TRY(reduce_max(trainer->comm, &tensor, 1));
  if (tensor >= 0) snprintf(broken, TRAINER_BROKEN_MAX, "the parameter %s", layout->tensor[tensor].name);
  return STATUS_OK;
}

/* Collective. The first `rollouts` of a split; at the end what the model draws, too, which no choice on the way
 * asks. */
static enum status evaluate_first(struct trainer *trainer, enum split split, int64_t rollouts,
                                  struct evaluation *evaluation) {
  struct source *source = &trainer->corpus->source;
  const bool last = trainer->done == trainer->training->train.steps;
  TRY(learner_evaluate_first(&trainer->learner, trainer->comm, source, split, rollouts, &trainer->yardstick,
                             evaluation));
  return learner_judge(&trainer->learner, trainer->comm, source, split, last ? trainer->training->eval.judge : 0,
                       evaluation);
}

/* Collective. Those of the training split that this rank's lanes have at hand. */
static enum status evaluate_train(struct trainer *trainer, struct evaluation *evaluation) {
  return learner_evaluate(&trainer->learner, trainer->comm, &trainer->corpus->source, &trainer->train_set,
                          &trainer->yardstick, evaluation);
}

/* Root only. */
static enum status record_splits(struct trainer *trainer, const struct evaluation *train) {
  const int64_t every = trainer->training->eval.every ? trainer->training->eval.every : trainer->training->train.steps;
  const int64_t index = (trainer->done + every - 1) / every - 1;
  TRY(record_evaluation(&trainer->record, index, trainer->done, SPLIT_TEST, &trainer->test));
  TRY(record_evaluation(&trainer->record, index, trainer->done, SPLIT_VALIDATION, &trainer->validation));
  return record_evaluation(&trainer->record, index, trainer->done, SPLIT_TRAIN, train);
}

/* Collective. Models are compared on the validation split, always on the same rollouts of it. */
static enum status keep_if_best(struct trainer *trainer) {
  const double score = trainer->validation.score[trainer->learner.kind->chosen_by];
  const bool better = isnan(trainer->best) ? isfinite(score) : score < trainer->best;
  if (!better) return STATUS_OK;
  trainer->best = score;
  return trainer_save_as(trainer, -1);
}

static bool check_evaluation(const struct trainer *trainer, const struct evaluation *evaluation, enum split split,
                             char broken[TRAINER_BROKEN_MAX]) {
  if (evaluation->broken)
    snprintf(broken, TRAINER_BROKEN_MAX, "%s of %lld of %lld %s %s", evaluation->broken,
             (long long)evaluation->broken_rollouts, (long long)evaluation->rollouts, split_name[split],
             trainer->learner.kind->unit);
  return !evaluation->broken;
}

/* Collective. What is found is used only when all of it is finite. */
static enum status accept_evaluation(struct trainer *trainer, const struct evaluation *train) {
  const bool recording = trainer->recording && trainer->comm->rank == 0;
  TRY(comm_agree(trainer->comm, recording ? record_splits(trainer, train) : STATUS_OK));
  trainer->evaluated = true;
  trainer->events |= TRAINER_EVALUATION;
  log_evaluation(trainer);
  tell(trainer, &trainer->validation);
  return keep_if_best(trainer);
}

static int64_t at_most(int64_t rollouts, int64_t all) { return rollouts < all ? rollouts : all; }

int64_t trainer_rollouts_of(const struct trainer *trainer, enum split split) {
  const int64_t all = trainer->corpus->data.rollouts[split], asked = trainer->training->eval.rollouts;
  return asked == 0 ? all : at_most(asked, all);
}

int64_t trainer_final_rollouts(const struct trainer *trainer) {
  const int64_t all = trainer->corpus->data.rollouts[SPLIT_TEST], final = trainer->training->eval.final;
  if (final == SCHEMA_WORD(FINAL_SAME)) return trainer_rollouts_of(trainer, SPLIT_TEST);
  return final == SCHEMA_WORD(FINAL_ALL) ? all : at_most(final, all);
}

int64_t trainer_rollouts_due(const struct trainer *trainer, int64_t done) {
  const int64_t steps = trainer->training->train.steps, asked = trainer->training->eval.rollouts;
  if (!trainer_due(done, trainer->training->eval.every, steps)) return 0;
  return trainer_rollouts_of(trainer, SPLIT_VALIDATION) +
         (done == steps ? trainer_final_rollouts(trainer) : trainer_rollouts_of(trainer, SPLIT_TEST)) +
         (asked ? asked : TRAINER_TRAIN_ROLLOUTS);
}

enum status trainer_evaluate(struct trainer *trainer, char broken[TRAINER_BROKEN_MAX]) {
  const bool last = trainer->done == trainer->training->train.steps;
  const int64_t test = last ? trainer_final_rollouts(trainer) : trainer_rollouts_of(trainer, SPLIT_TEST);
  struct evaluation train = {.by_frame = NULL};
  evaluation_free(&trainer->validation);
  evaluation_free(&trainer->test);
  enum status status =
      evaluate_first(trainer, SPLIT_VALIDATION, trainer_rollouts_of(trainer, SPLIT_VALIDATION), &trainer->validation);
  if (status == STATUS_OK) status = evaluate_first(trainer, SPLIT_TEST, test, &trainer->test);
  if (status == STATUS_OK) status = evaluate_train(trainer, &train);
  if (status == STATUS_OK && check_evaluation(trainer, &trainer->validation, SPLIT_VALIDATION, broken) &&
      check_evaluation(trainer, &trainer->test, SPLIT_TEST, broken) &&
      check_evaluation(trainer, &train, SPLIT_TRAIN, broken))
    status = accept_evaluation(trainer, &train);
  evaluation_free(&train);
  return status;
}
