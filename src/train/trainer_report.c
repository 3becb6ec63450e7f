#include "base/log.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SUMS = 4 * MODEL_NETWORKS, COMPARED = SUMS + 2, SPEAK_EVERY = 10 /* s */ };

double trainer_seconds(const struct trainer *trainer) {
  return trainer->seconds_before + log_clock() - trainer->started;
}

double trainer_core_seconds(const struct trainer *trainer) {
  return trainer->core_seconds_before + (log_clock() - trainer->started) * trainer->comm->size;
}

/* By network: of the parameters, then of the gradient. */
static void sum_networks(const struct trainer *trainer, int64_t sums[SUMS]) {
  struct checksum sum[2][MODEL_NETWORKS];
  memset(sum, 0, sizeof sum);
  for (int i = 0; i < trainer->model->layout.tensors; i++) {
    const struct layout_tensor *tensor = &trainer->model->layout.tensor[i];
    const float *array[2] = {trainer->parameters, trainer->step.gradient};
    for (int k = 0; k < 2; k++)
      checksum_add(&sum[k][tensor->network], checksum_tag(tensor->name), 0, array[k] + tensor->offset,
                   (size_t)tensor->count * sizeof(float));
  }
  memcpy(sums, sum, sizeof sum);
}

/* Of all lanes' losses, behind the networks' sums. */
static void sum_lanes(const struct trainer *trainer, int64_t sums[2]) {
  const size_t bytes = (size_t)trainer->step.lanes.count * sizeof(double);
  struct checksum sum = {{0, 0}};
  checksum_add(&sum, checksum_tag("error"), 0, trainer->lane_error, bytes);
  checksum_add(&sum, checksum_tag("kl"), 0, trainer->lane_kl, bytes);
  memcpy(sums, &sum, sizeof sum);
}

static const char *compared_name(int i) {
  return i >= SUMS ? "lanes" : model_network_name((enum model_network)(i % (SUMS / 2) / 2));
}

/* Collective. Every rank holds the same, or something is wrong with a machine. Also the largest memory. */
static enum status compare_ranks(const struct trainer *trainer, const int64_t sums[COMPARED], int64_t *memory) {
  int64_t words[1 + 2 * COMPARED];
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  words[0] = (int64_t)usage.ru_maxrss * 1024;
  for (int i = 0; i < COMPARED; i++) {
    words[1 + i] = sums[i];
    words[1 + COMPARED + i] = ~sums[i];
  }
  TRY(reduce_max(trainer->comm, words, 1 + 2 * COMPARED));
  *memory = words[0];
  for (int i = 0; i < COMPARED; i++)
    REQUIRE(words[1 + i] == ~words[1 + COMPARED + i], STATUS_NUMERIC,
            "step %lld: ranks hold different %s of the %s: a machine computes wrong, or kernels differ",
            (long long)trainer->done,
            i < SUMS / 2 ? "parameters"
            : i < SUMS   ? "gradients"
                         : "losses",
            compared_name(i));
  return STATUS_OK;
}

static void speak(struct trainer *trainer, const struct report *report) {
  const double now = log_clock();
  const bool last = trainer->done == trainer->training->train.steps;
  if (!last && now - trainer->spoken < SPEAK_EVERY) return;
  trainer->spoken = now;
  char hidden[48] = "";
  if (trainer->comm->size > 1 && !isnan(report->hidden_share))
    snprintf(hidden, sizeof hidden, "  %.0f%% of sums hidden", 100 * report->hidden_share);
  log_info("step %lld of %lld  error %.3fe-4  kl %.3g  gradient %.3g  rate %.3g  %.1f rollouts/s%s",
           (long long)trainer->done, (long long)trainer->training->train.steps, 1e4 * report->error, report->kl,
           report->gradient_norm, report->learning_rate, report->rollouts_per_second, hidden);
}

enum status trainer_report(struct trainer *trainer, const struct step_result *result, double norm, double rate) {
  int64_t sums[COMPARED], memory, joules = energy_take(&trainer->meter);
  const double steps = (double)trainer->window.steps, now = log_clock();
  double error_weight, kl_weight;
  objective_weights(&trainer->objective, &error_weight, &kl_weight);
  step_lane_losses(&trainer->step, trainer->lane_error, trainer->lane_kl);
  sum_networks(trainer, sums);
  sum_lanes(trainer, sums + SUMS);
  TRY(compare_ranks(trainer, sums, &memory));
  TRY(reduce_sum(trainer->comm, &joules, 1));
  trainer->joules += 1e-6 * (double)joules;
  const struct report report = {
      .step = (double)trainer->done,
      .epoch = (double)trainer->done / (double)step_epoch_steps(&trainer->step),
      .loss = objective_loss(&trainer->objective, result->error, result->kl),
      .error = result->error,
      .kl = result->kl,
      .lambda = error_weight,
      .constraint = trainer->objective.started ? trainer->objective.average : NAN,
      .gradient_norm = norm,
      .learning_rate = rate,
      .repeats = (double)trainer->repeats,
      .roll_backs = (double)trainer->roll_backs,
      .seconds = trainer_seconds(trainer),
      .core_hours = trainer_core_seconds(trainer) / 3600,
      .energy = trainer->meter.known ? trainer->joules : NAN,
      .rollouts_per_second = steps * (double)trainer->training->train.batch / (now - trainer->window.began),
      .memory = (double)memory,
      .hidden_share = trainer->window.total > 0 ? 1 - trainer->window.waited / trainer->window.total : NAN,
      .encode_seconds = trainer->window.seconds[STEP_ENCODE] / steps,
      .unroll_seconds = trainer->window.seconds[STEP_UNROLL] / steps,
      .draw_seconds = trainer->window.seconds[STEP_DRAW] / steps,
      .unroll_back_seconds = trainer->window.seconds[STEP_UNROLL_BACK] / steps,
      .encode_back_seconds = trainer->window.seconds[STEP_ENCODE_BACK] / steps,
      .reduce_seconds = trainer->window.seconds[STEP_REDUCE] / steps};
  memset(&trainer->window, 0, sizeof trainer->window);
  trainer->window.began = now;
  const int64_t every = trainer->training->train.report_every, index = (trainer->done + every - 1) / every - 1;
  enum status status = STATUS_OK;
  if (trainer->comm->rank == 0)
    status = record_report(&trainer->record, index, &report, trainer->lane_error, trainer->lane_kl, sums);
  speak(trainer, &report);
  return comm_agree(trainer->comm, status);
}

/* ---- Evaluation ---- */

static void speak_of(const struct trainer *trainer) {
  const struct evaluation *test = &trainer->test;
  const struct standing standing = yardstick_compare(&trainer->yardstick, test);
  char ratio[96] = "";
  int used = 0;
  if (!isnan(standing.r2)) used = snprintf(ratio, sizeof ratio, "  R2 %.4f", standing.r2);
  if (!isnan(standing.paired))
    snprintf(ratio + used, sizeof ratio - (size_t)used, "  unseen %.3f +- %.3f of the information limit",
             standing.paired, standing.paired_error);
  else if (!isnan(standing.over_limit))
    snprintf(ratio + used, sizeof ratio - (size_t)used, "  %.3f of the information limit", standing.over_limit);
  else if (!isnan(standing.over_floor))
    snprintf(ratio + used, sizeof ratio - (size_t)used, "  %.3f of the noise floor", standing.over_floor);
  log_info("step %lld: test MSE (%.3f +- %.3f)e-4 over %lld rollouts%s", (long long)trainer->done, 1e4 * test->mse,
           1e4 * test->mse_error, (long long)test->rollouts, ratio);
}

enum status trainer_check(struct trainer *trainer, char broken[TRAINER_BROKEN_MAX]) {
  int64_t tensor = layout_broken_tensor(&trainer->model->layout, trainer->parameters);
  TRY(reduce_max(trainer->comm, &tensor, 1));
  if (tensor >= 0) snprintf(broken, TRAINER_BROKEN_MAX, "the parameter %s", trainer->model->layout.tensor[tensor].name);
  return STATUS_OK;
}

/* Collective. */
static enum status evaluate_split(struct trainer *trainer, const struct evaluate_set *set,
                                  struct evaluation *evaluation) {
  const struct evaluate_task task = {.protocol = trainer->protocol,
                                     .posterior = trainer->training->eval.posterior,
                                     .seed = trainer->seed,
                                     .dt = trainer->dt,
                                     .attained = trainer->yardstick.attained,
                                     .attained_count = trainer->yardstick.attained_count};
  return evaluate(trainer->comm, trainer->model, trainer->parameters, &trainer->source, &task, set, evaluation);
}

/* Collective. The first `rollouts` of the test split. */
static enum status evaluate_test(struct trainer *trainer, int64_t rollouts, struct evaluation *evaluation) {
  struct evaluate_set set;
  TRY(comm_agree(trainer->comm, evaluate_test_set(trainer->comm, &trainer->source, rollouts, EVALUATE_REVERSED, &set)));
  enum status status = evaluate_split(trainer, &set, evaluation);
  evaluate_set_free(&set);
  return status;
}

/* Root only. */
static enum status record_splits(struct trainer *trainer, const struct evaluation *train) {
  const int64_t every = trainer->training->eval.every ? trainer->training->eval.every : trainer->training->train.steps;
  const int64_t index = (trainer->done + every - 1) / every - 1;
  TRY(record_evaluation(&trainer->record, index, trainer->done, SPLIT_TEST, &trainer->test, &trainer->yardstick));
  return record_evaluation(&trainer->record, index, trainer->done, SPLIT_TRAIN, train, &trainer->yardstick);
}

/* Collective. Models are compared on the same rollouts, also the last, which is then measured on all. */
static enum status judge(struct trainer *trainer, double error) {
  const bool better = isnan(trainer->best) ? isfinite(error) : error < trainer->best;
  if (!better) return STATUS_OK;
  trainer->best = error;
  return trainer_save(trainer, -1);
}

static bool is_finite(const struct evaluation *evaluation, enum split split, char broken[TRAINER_BROKEN_MAX]) {
  if (evaluation->broken)
    snprintf(broken, TRAINER_BROKEN_MAX, "%s of %lld of %lld %s rollouts", evaluation->broken,
             (long long)evaluation->broken_rollouts, (long long)evaluation->rollouts, split_name[split]);
  return !evaluation->broken;
}

/* Collective. What is found is used only when all of it is finite. */
static enum status use(struct trainer *trainer, const struct evaluation *train, double error) {
  TRY(comm_agree(trainer->comm, trainer->comm->rank == 0 ? record_splits(trainer, train) : STATUS_OK));
  trainer->evaluated = true;
  speak_of(trainer);
  return judge(trainer, error);
}

enum status trainer_evaluate(struct trainer *trainer, char broken[TRAINER_BROKEN_MAX]) {
  const int64_t all = trainer->data.rollouts[SPLIT_TEST], asked = trainer->training->eval.rollouts;
  const int64_t some = asked == 0 || asked > all ? all : asked;
  const bool last = trainer->done == trainer->training->train.steps, apart = last && some < all;
  struct evaluation train = {.frame_mse = NULL}, part = {.frame_mse = NULL};
  enum status status = apart ? evaluate_test(trainer, some, &part) : STATUS_OK;
  evaluate_free(&part);
  evaluate_free(&trainer->test);
  if (status == STATUS_OK) status = evaluate_test(trainer, last ? all : some, &trainer->test);
  if (status == STATUS_OK) status = evaluate_split(trainer, &trainer->train_set, &train);
  if (status == STATUS_OK && is_finite(&part, SPLIT_TEST, broken) && is_finite(&trainer->test, SPLIT_TEST, broken) &&
      is_finite(&train, SPLIT_TRAIN, broken))
    status = use(trainer, &train, apart ? part.mse : trainer->test.mse);
  evaluate_free(&train);
  return status;
}
