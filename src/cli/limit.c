#include "base/log.h"
#include "cli/cli.h"
#include "physics/limit_file.h"
#include "physics/system.h"
#include "store/dataset.h"
#include "store/output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_mean(const char *label, const struct limit_mean *mean, double floor) {
  if (isnan(mean->mse)) return;
  printf("  %-22s %8.3f +- %.3f", label, 1e4 * mean->mse, 1e4 * mean->error);
  if (floor > 0) printf("   %.3f x floor", mean->mse / floor);
  printf("\n");
}

static void print_result(double floor, const struct limit_options *options, const struct limit_result *result) {
  long long k = options->input_frames, last = result->frames - 1;
  printf(
      "information limit from %lld frame%s, observed as %s: pixel MSE (x1e-4, +- standard error), %lld test rollouts\n",
      k, k == 1 ? "" : "s", limit_observe_name(options->observe), (long long)result->rollouts);
  char label[64];
  snprintf(label, sizeof label, "unseen, frames %lld..%lld", k, last);
  print_mean(label, &result->unseen, floor);
  snprintf(label, sizeof label, "predict, %lld..%lld", k - 1, last);
  print_mean(label, &result->predict, floor);
  snprintf(label, sizeof label, "all, 0..%lld", last);
  print_mean(label, &result->all, floor);
  printf("  effective samples: %.0f at least, %.0f in the median; up to %lld draws\n", result->ess_min,
         result->ess_median, (long long)result->draws_max);
  printf("  frame by frame:");
  for (int64_t f = 0; f < result->frames; f++) printf("%s%.2f", f % 12 == 0 ? "\n    " : " ", 1e4 * result->mse[f]);
  printf("\n");
}

static enum status choose_observer(const char *word, enum limit_observe *observe) {
  for (int i = 0; i < LIMIT_OBSERVE_COUNT; i++) {
    if (strcmp(word, limit_observe_name((enum limit_observe)i)) != 0) continue;
    *observe = (enum limit_observe)i;
    return STATUS_OK;
  }
  return status_raise(STATUS_USAGE, "--observe is \"positions\" or \"images\", not \"%s\"", word);
}

/* Collective. */
static enum status measure(const struct comm *world, struct dataset *data, struct limit_options *options,
                           const char *output, bool once) {
  REQUIRE(!data->has_points, STATUS_USAGE,
          "%s: holds points of a density; an information limit is that of predicting frames from frames",
          data->file.path);
  REQUIRE(data->config, STATUS_UNAVAILABLE,
          "%s: frames made elsewhere; without states and configuration their information limit cannot be computed",
          data->file.path);
  if (options->input_frames == 0) options->input_frames = data->frames;
  REQUIRE(options->input_frames <= data->frames, STATUS_USAGE, "%s: --input-frames %lld, but rollouts have %lld frames",
          data->file.path, (long long)options->input_frames, (long long)data->frames);
  char checksum[CHECKSUM_TEXT];
  double floor, error;
  enum status status = dataset_checksum(data, checksum);
  if (status == STATUS_OK) status = dataset_ladder(data, "floor", &floor, &error);
  TRY(comm_agree(world, status));
  TRY(limit_file_check(world, output, checksum, data->frames));
  struct limit_result result;
  if (once) {
    status = limit_file_read(world, output, checksum, options->input_frames, options->observe, &result);
    if (status == STATUS_OK) limit_free(&result);
    if (status == STATUS_OK && world->rank == 0) printf("%s (measured before)\n", output);
    if (status != STATUS_UNAVAILABLE) return status;
    status_clear();
  }
  double began = log_clock();
  status = limit_measure(world, config_experiment(data->config), options, &result);
  if (status != STATUS_OK) return status;
  log_debug("information limit: %.1f s", log_clock() - began);
  if (world->rank == 0) print_result(floor, options, &result); /* whatever then becomes of the file */
  status = limit_file_write(world, output, checksum, data->config, options, &result);
  if (status == STATUS_OK && world->rank == 0) printf("%s\n", output);
  limit_free(&result);
  return status;
}

/* Several degrees of freedom take some tenths of a second for each rollout, one a few hundredths. */
static int64_t default_rollouts(const struct dataset *data) {
  const struct system *system = data->config ? system_get(config_experiment(data->config)->system.name) : NULL;
  if (system && system->freedom > 1) return 1000;
  return data->rollouts[SPLIT_TEST] > 4000 ? data->rollouts[SPLIT_TEST] : 4000;
}

static enum status run_limit(const struct comm *world, int argc, char **argv) {
  struct limit_options options = {.input_frames = -1, .rollouts = 0, .effective_samples = 500};
  const char *observe = "positions", *frames = NULL, *output = NULL;
  bool once = false;
  const struct cli_option list[] = {{"--input-frames", "-k", CLI_TEXT, &frames},
                                    {"--observe", NULL, CLI_TEXT, &observe},
                                    {"--rollouts", NULL, CLI_COUNT_VALUE, &options.rollouts},
                                    {"--once", NULL, CLI_FLAG, &once},
                                    {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, list, 5, false, &words));
  TRY(cli_operands(&words, 1, 1, "one DATA.h5"));
  REQUIRE(frames, STATUS_USAGE, "missing: --input-frames K (or \"all\")");
  if (strcmp(frames, "all") == 0)
    options.input_frames = 0;
  else
    TRY(cli_number("--input-frames", frames, 1, &options.input_frames));
  TRY(choose_observer(observe, &options.observe));
  char path[STORE_PATH_MAX];
  if (output && !cli_has_ending(output, ".limit.h5")) TRY(output_check_name(output));
  if (!output) {
    TRY(limit_file_name(words.operand[0], path, sizeof path));
    output = path;
  }
  struct dataset data;
  TRY(dataset_open(world, words.operand[0], &data));
  if (options.rollouts == 0) options.rollouts = default_rollouts(&data);
  enum status status = measure(world, &data, &options, output, once);
  dataset_close(&data);
  return status;
}

const struct cli_command cli_limit = {
    "limit", "what the best possible predictor reaches from K frames",
    "Usage: mpirun -n N hgn limit DATA.h5 --input-frames K|all [--observe positions|images] [--once] [-o FILE.h5]\n\n"
    "Computes the information limit: the pixel MSE of the Bayes-optimal predictor that has seen K noisy frames, for "
    "each\n"
    "frame and on average. Nothing that is trained can do better on unseen frames. Written to DATA.limit.h5, bound to "
    "the\n"
    "data by its checksum; limits for other K in that file are kept. Same bits on any number of ranks.\n\n"
    "  -k, --input-frames K   frames that were seen, or \"all\"\n"
    "  --observe positions    the predictor sees the noisy positions exactly (default)\n"
    "  --observe images       it sees only the images, which the report2021 renderer cuts to whole pixels; one degree\n"
    "                         of freedom only\n"
    "  --rollouts N           test rollouts to average over (more than the split has are made from the same seed);\n"
    "                         default: the test split, 4000 at least; 1000 of double_pendulum, two_body and\n"
    "                         three_body, each of which takes some tenths of a second\n"
    "  --once                 do nothing where the file has this limit already\n"
    "  -o, --output FILE.h5   default: DATA.limit.h5\n",
    run_limit};
