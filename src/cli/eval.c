#include "base/log.h"
#include "cli/cli.h"
#include "cli/prior_choice.h"
#include "cli/published_print.h"
#include "train/hgn.h"
#include "train/hgn_evaluate.h"
#include "train/numerics.h"
#include "train/prior_judge.h"
#include "train/trained.h"
#include "train/verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
  const double *score = evaluation->score;
  if (!(yardstick->mean_image > 0) && !(yardstick->floor > 0) && !(yardstick->limit > 0)) return;
  printf("against what is possible\n");
  print_ratio("R2", score[HGN_R2], "of the mean image", yardstick->mean_image);
  print_ratio("over floor", score[HGN_OVER_FLOOR], "noise floor", yardstick->floor);
  print_ratio("over limit", score[HGN_OVER_LIMIT], "information limit", yardstick->limit);
  print_ratio("unseen over limit", score[HGN_UNSEEN_OVER_LIMIT], "information limit of unseen frames",
              yardstick->limit_unseen);
  if (!isnan(score[HGN_PAIRED_OVER_LIMIT]) ||
      (evaluation->broken && yardstick->attained && yardstick->limit_unseen > 0))
    printf(
        "  %-18s %10.4f +- %.4f   unseen over limit, by differences from the best possible predictor on each rollout\n",
        "paired", cli_plain(score[HGN_PAIRED_OVER_LIMIT]), cli_plain(score[HGN_PAIRED_OVER_LIMIT_ERROR]));
}

static void print_frames(const struct evaluation *evaluation, const struct protocol *protocol, double dt) {
  printf("by frame (x1e-4; * seen by the encoder)\n");
  for (int64_t t = 0; t < evaluation->frames; t++)
    printf("%s%6.4g s%c %9.3f%s", t % 5 ? "   " : "  ", dt * (double)(protocol->target_first + t),
           protocol_unseen(protocol, t) ? ' ' : '*', 1e4 * cli_plain(evaluation->by_frame[t]),
           t % 5 == 4 || t == evaluation->frames - 1 ? "\n" : "");
}

/* What was asked for with --samples. */
static void print_samples(const double *score) {
  if (isnan(score[HGN_VALID]) && isnan(score[HGN_COVERAGE])) return;
  printf("samples of the prior (hgn sample --judge says more)\n");
  if (!isnan(score[HGN_VALID])) print_number("valid", score[HGN_VALID], "share near a true trajectory");
  print_number("coverage", score[HGN_COVERAGE], "energy distance from test rollouts");
  print_number("  of rollouts", score[HGN_COVERAGE_FLOOR], "the same of two sets of test rollouts");
}

static void print_evaluation(const struct trained *trained, const struct dataset *data,
                             const struct evaluation *evaluation, const struct yardstick *yardstick) {
  const struct protocol *protocol = &trained->learner.protocol;
  const double *score = evaluation->score;
  printf("%s, trained for %lld steps\n%s, %lld test rollouts, %lld target frames\n", trained->path,
         (long long)trained->step, data->file.path, (long long)evaluation->rollouts, (long long)evaluation->frames);
  printf("pixel MSE (x1e-4; +- standard errors over rollouts, here and below)\n");
  print_mean("all targets", score[HGN_MSE], score[HGN_MSE_ERROR]);
  if (any_unseen(protocol)) print_mean("unseen frames", score[HGN_UNSEEN], score[HGN_UNSEEN_ERROR]);
  print_standing(evaluation, yardstick);
  if (data->config) published_print(data->config, trained->training->protocol.name, protocol, yardstick->floor);
  printf("physics\n");
  /* Where H is the same in all rollouts there is nothing to compare with. */
  if (evaluation->broken || !isnan(score[HGN_ENERGY_VARIATION]))
    print_number("H variation", score[HGN_ENERGY_VARIATION], "std of H along a rollout / std between rollouts");
  if (evaluation->broken || !isnan(score[HGN_ENERGY_DRIFT]))
    print_number("H drift", score[HGN_ENERGY_DRIFT], "|H(end) - H(start)| / std of H between rollouts");
  if (!evaluation->broken && !(score[HGN_R2] > VERDICT_R2))
    printf("  %-18s %10.4f   %s\n", "of no meaning: R2", score[HGN_R2],
           isnan(score[HGN_R2]) ? "is not known, and a model that draws nothing conserves H, too"
                                : "no better than the mean image; a model that draws nothing conserves H, too");
  print_number("reversal, state", score[HGN_REVERSAL_STATE], "relative, after going to the end and back");
  print_number("reversal, pixels", score[HGN_REVERSAL_PIXELS], "MSE between the way there and the way back");
  print_number("VPT", score[HGN_VPT], "frames predicted before the error exceeds 2.5% of the image's power (median)");
  if (trained->training->model.latent.sampled) print_number("KL", score[HGN_KL], "nat a rollout");
  print_samples(score);
  print_frames(evaluation, protocol, isnan(data->dt) ? trained->learner.dt : data->dt);
}

/* Of a kind that this command does not know more closely: its scores as it calls them. */
static void print_scores(const struct trained *trained, const struct dataset *data,
                         const struct evaluation *evaluation) {
  const struct learner_kind *kind = trained->learner.kind;
  printf("%s, a model \"%s\", trained for %lld steps\n%s, %lld test %s\n", trained->path, kind->name,
         (long long)trained->step, data->file.path, (long long)evaluation->rollouts, kind->unit);
  for (int i = 0; i < kind->scores; i++)
    printf("  %-24s %12.6g %-6s %s\n", kind->score[i].name, cli_plain(evaluation->score[i]),
           kind->score[i].unit ? kind->score[i].unit : "", kind->score[i].help);
}

static void print_distance(const struct prior_distance *distance) {
  const char *help = "of the posterior from the learned prior, by a draw of each rollout";
  printf("priors (nat a rollout, over %lld test rollouts)\n", (long long)distance->rollouts);
  if (!distance->sampled) {
    printf("  %-18s %10.3f +- %.3f   minus the log density of the codes\n", "NLL", distance->nll, distance->nll_error);
    return;
  }
  printf("  %-18s %10.3f +- %.3f   of the posterior from N(0, 1)\n", "KL, N(0, 1)", distance->normal,
         distance->normal_error);
  printf("  %-18s %10.3f +- %.3f   %s\n", "KL, learned", distance->learned, distance->learned_error, help);
  printf("  %-18s %10.3f +- %.3f   by which the bound on log p(x) is the better\n", "difference", distance->gain,
         distance->gain_error);
}

/* Collective. The bound on log p(x) with the learned prior is that with N(0, 1), plus the difference. */
static enum status measure_prior(const struct comm *world, const char *given, const struct trained *trained,
                                 struct corpus *corpus, int64_t rollouts) {
  struct prior_choice choice;
  struct prior_distance distance;
  if (!given) return STATUS_OK;
  REQUIRE(strcmp(given, "none") != 0, STATUS_USAGE, "--prior none: give a learned prior; N(0, 1) stands beside it");
  TRY(prior_choice_open(world, trained->path, given, trained, &choice));
  enum status status = prior_measure(world, &choice.prior, trained, corpus, rollouts, &distance);
  if (status == STATUS_OK && world->rank == 0) print_distance(&distance);
  prior_choice_close(&choice);
  return status;
}

static enum status evaluate_run(const struct comm *world, struct trained *trained, const char *path, bool named,
                                int64_t rollouts, const char *prior, int64_t samples) {
  struct corpus corpus;
  struct evaluation evaluation;
  struct yardstick yardstick;
  TRY(trained_open_data(world, trained, path, named, &corpus));
  enum status status = trained_evaluate(trained, &corpus, named, rollouts, &yardstick, &evaluation);
  if (status == STATUS_OK)
    status = learner_judge(&trained->learner, world, &corpus.source, SPLIT_TEST, samples, &evaluation);
  if (status == STATUS_OK && world->rank == 0) {
    if (trained->learner.kind == &learner_hgn)
      print_evaluation(trained, &corpus.data, &evaluation, &yardstick);
    else
      print_scores(trained, &corpus.data, &evaluation);
  }
  if (status == STATUS_OK) status = trained_check_finite(trained, &evaluation);
  if (status == STATUS_OK) status = measure_prior(world, prior, trained, &corpus, rollouts);
  evaluation_free(&evaluation);
  yardstick_free(&yardstick);
  corpus_close(&corpus);
  return status;
}

static enum status check_samples(const struct trained *trained, int64_t samples) {
  REQUIRE(samples == 0 || trained->learner.kind == &learner_hgn, STATUS_UNAVAILABLE,
          "--samples: %s is a density of points: its draws are compared with the data in any case", trained->path);
  REQUIRE(samples == 0 || trained->training->model.latent.sampled, STATUS_UNAVAILABLE,
          "%s: the model has no prior: it was trained with model.latent.sampled=false", trained->path);
  return STATUS_OK;
}

static enum status run_eval(const struct comm *world, int argc, char **argv) {
  bool best = false;
  int64_t rollouts = 0, samples = 0;
  const char *prior = NULL;
  const struct cli_option options[] = {{"--best", NULL, CLI_FLAG, &best},
                                       {"--prior", NULL, CLI_TEXT, &prior},
                                       {"--rollouts", NULL, CLI_COUNT_VALUE, &rollouts},
                                       {"--samples", NULL, CLI_COUNT_VALUE, &samples}};
  struct cli_words words;
  char path[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 2, "RUN.h5 and, if other than in training, DATA.h5"));
  REQUIRE(samples == 0 || (samples >= PRIOR_JUDGE_LEAST && samples <= PRIOR_JUDGE_MOST), STATUS_USAGE,
          "--samples %lld: %d to %d samples are judged", (long long)samples, PRIOR_JUDGE_LEAST, PRIOR_JUDGE_MOST);
  TRY(numerics_agree(world));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], best, &trained));
  enum status status = trained_data_path(world, &trained, words.operands > 1 ? words.operand[1] : NULL, path);
  if (status == STATUS_OK) status = check_samples(&trained, samples);
  if (status == STATUS_OK) status = evaluate_run(world, &trained, path, words.operands > 1, rollouts, prior, samples);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_eval = {
    "eval", "measure a trained model on test rollouts",
    "Usage: [mpirun -n N] hgn eval RUN.h5 [DATA.h5] [--best] [--rollouts N] [--prior FILE.h5]\n"
    "                           [--samples N]\n\n"
    "Prints the error on test rollouts of the data that RUN was trained on (refused when that is other data now), or "
    "of\n"
    "DATA, by frame and against the noise floor, the information limit and the mean image; conservation of the "
    "learned\n"
    "H; reversal in time; valid prediction time. RUN may also be a checkpoint. Exit status 5 when what it predicts is\n"
    "not finite.\n\n"
    "  --best         the model of the smallest validation error; default: the latest checkpoint\n"
    "  --rollouts N   the first N test rollouts; default: all\n"
    "  --prior FILE   a learned prior of this very model (hgn train --stage prior): the KL of the posterior from it,\n"
    "                 beside that from N(0, 1)\n"
    "  --samples N    judge N samples of N(0, 1) too, as hgn sample --judge does; default: none\n",
    run_eval};
