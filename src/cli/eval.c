#include "base/log.h"
#include "cli/cli.h"
#include "graph/cpu.h"
#include "train/evaluate.h"
#include "train/trained.h"
#include "train/yardstick.h"

#include <math.h>
#include <stdio.h>

/* What is not known is left out; what is NaN since a prediction is, is not. */
static void print_ratio(const char *label, double value, const char *what, double over) {
  if (over > 0) printf("  %-18s %10.4f   %s, %.3fe-4\n", label, cli_plain(value), what, 1e4 * over);
}

static void print_number(const char *label, double value, const char *help) {
  printf("  %-18s %10.4g   %s\n", label, cli_plain(value), help);
}

static void print_mean(const char *label, double value, double error) {
  printf("  %-18s %10.3f +- %.3f\n", label, 1e4 * cli_plain(value), 1e4 * cli_plain(error));
}

static bool any_unseen(const struct protocol *protocol) {
  bool any = false;
  for (int64_t t = 0; t < protocol->target_count; t++) any = any || protocol_unseen(protocol, t);
  return any;
}

static void print_standing(const struct evaluation *evaluation, const struct yardstick *yardstick) {
  const struct standing standing = yardstick_compare(yardstick, evaluation);
  if (!(yardstick->mean_image > 0) && !(yardstick->floor > 0) && !(yardstick->limit > 0)) return;
  printf("against what is possible\n");
  print_ratio("R2", standing.r2, "of the mean image", yardstick->mean_image);
  print_ratio("over floor", standing.over_floor, "noise floor", yardstick->floor);
  print_ratio("over limit", standing.over_limit, "information limit", yardstick->limit);
  print_ratio("unseen over limit", standing.unseen_over_limit, "information limit of unseen frames",
              yardstick->limit_unseen);
  if (!isnan(standing.paired) || (evaluation->broken && yardstick->attained && yardstick->limit_unseen > 0))
    printf("  %-18s %10.4f +- %.4f   the same, rollout by rollout beside the best possible predictor (95%%)\n",
           "paired", cli_plain(standing.paired), 1.96 * cli_plain(standing.paired_error));
}

static void print_frames(const struct evaluation *evaluation, const struct protocol *protocol, double dt) {
  printf("by frame (x1e-4; * seen by the encoder)\n");
  for (int64_t t = 0; t < evaluation->frames; t++)
    printf("%s%6.4g s%c %9.3f%s", t % 5 ? "   " : "  ", dt * (double)(protocol->target_first + t),
           protocol_unseen(protocol, t) ? ' ' : '*', 1e4 * cli_plain(evaluation->frame_mse[t]),
           t % 5 == 4 || t == evaluation->frames - 1 ? "\n" : "");
}

static void print_evaluation(const struct trained *trained, const struct dataset *data,
                             const struct evaluation *evaluation, const struct yardstick *yardstick,
                             const struct protocol *protocol) {
  printf("%s, trained for %lld steps\n%s, %lld test rollouts, %lld target frames\n", trained->path,
         (long long)trained->step, data->file.path, (long long)evaluation->rollouts, (long long)evaluation->frames);
  printf("pixel MSE (x1e-4)\n");
  print_mean("all targets", evaluation->mse, evaluation->mse_error);
  if (any_unseen(protocol)) print_mean("unseen frames", evaluation->unseen, evaluation->unseen_error);
  print_standing(evaluation, yardstick);
  printf("physics\n");
  /* Where H is the same in all rollouts there is nothing to compare with. */
  if (evaluation->broken || !isnan(evaluation->energy_variation))
    print_number("H variation", evaluation->energy_variation, "std of H along a rollout / std between rollouts");
  if (evaluation->broken || !isnan(evaluation->energy_drift))
    print_number("H drift", evaluation->energy_drift, "|H(end) - H(start)| / the same");
  print_number("reversal, state", evaluation->reversal_state, "relative, after going to the end and back");
  print_number("reversal, pixels", evaluation->reversal_pixels, "MSE between the way there and the way back");
  print_number("VPT", evaluation->vpt, "frames predicted before the error exceeds 2.5% of the image's power (median)");
  if (trained->training->model.latent.sampled) print_number("KL", evaluation->kl, "nat a rollout");
  print_frames(evaluation, protocol, isnan(data->dt) ? trained->dt : data->dt);
}

/* Not collective, the same on all ranks. */
static enum status require_finite(const struct trained *trained, const struct evaluation *evaluation) {
  const int tensor = layout_broken_tensor(&trained->model->layout, trained->parameters);
  REQUIRE(!evaluation->broken, STATUS_NUMERIC, "%s: %s of %lld of %lld test rollouts is not finite", trained->path,
          evaluation->broken, (long long)evaluation->broken_rollouts, (long long)evaluation->rollouts);
  REQUIRE(tensor < 0, STATUS_NUMERIC, "%s: the parameter %s is not finite", trained->path,
          trained->model->layout.tensor[tensor].name);
  return STATUS_OK;
}

static enum status evaluate_run(const struct comm *world, const struct trained *trained, const char *path, bool named,
                                int64_t rollouts) {
  struct dataset data;
  struct source source;
  struct evaluate_set set = {.count = 0};
  struct evaluation evaluation = {.frame_mse = NULL};
  struct yardstick yardstick;
  struct evaluate_task task = {
      .posterior = trained->training->eval.posterior, .seed = trained->seed, .dt = trained->dt};
  TRY(trained_open_data(world, trained, path, named, &data, &source, &task.protocol));
  if (rollouts == 0 || rollouts > data.rollouts[SPLIT_TEST]) rollouts = data.rollouts[SPLIT_TEST];
  enum status status = yardstick_read(world, &data, &task.protocol, &yardstick);
  if (status == STATUS_OK) status = yardstick_measure(world, &data, &yardstick);
  if (status == STATUS_OK && !named) status = trained_check_data(trained, &data, yardstick.checksum);
  task.attained = yardstick.attained;
  task.attained_count = yardstick.attained_count;
  if (status == STATUS_OK)
    status = comm_agree(world, evaluate_test_set(world, &source, rollouts, EVALUATE_REVERSED, &set));
  if (status == STATUS_OK)
    status = evaluate(world, trained->model, trained->parameters, &source, &task, &set, &evaluation);
  if (status == STATUS_OK && world->rank == 0)
    print_evaluation(trained, &data, &evaluation, &yardstick, &task.protocol);
  if (status == STATUS_OK) status = require_finite(trained, &evaluation);
  evaluate_free(&evaluation);
  yardstick_free(&yardstick);
  evaluate_set_free(&set);
  source_close(&source);
  dataset_close(&data);
  return status;
}

static enum status run(const struct comm *world, int argc, char **argv) {
  bool best = false;
  int64_t rollouts = 0;
  const struct cli_option options[] = {{"--best", NULL, CLI_FLAG, &best},
                                       {"--rollouts", NULL, CLI_COUNT_VALUE, &rollouts}};
  struct cli_words words;
  char path[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, 2, false, &words));
  TRY(cli_operands(&words, 1, 2, "RUN.h5 and, if other than in training, DATA.h5"));
  TRY(cpu_agree(world));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], best, &trained));
  enum status status = trained_data_path(world, &trained, words.operands > 1 ? words.operand[1] : NULL, path);
  if (status == STATUS_OK) status = evaluate_run(world, &trained, path, words.operands > 1, rollouts);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_eval = {
    "eval", "measure a trained model on test rollouts",
    "Usage: [mpirun -n N] hgn eval RUN.h5 [DATA.h5] [--best] [--rollouts N]\n\n"
    "Prints the error on test rollouts of the data that RUN was trained on (refused when that is other data now), or "
    "of\n"
    "DATA, by frame and against the noise floor, the information limit and the mean image; conservation of the "
    "learned\n"
    "H; reversal in time; valid prediction time. RUN may also be a checkpoint. Exit status 5 when what it predicts is\n"
    "not finite.\n\n"
    "  --best         the model of the smallest test error; default: the latest checkpoint\n"
    "  --rollouts N   the first N test rollouts; default: all\n",
    run};
