#include "physics/simulate.h"

#include "base/log.h"
#include "cli/cli.h"
#include "store/lock.h"
#include "store/output.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

static void print_ladder(const struct ladder *ladder) {
  static const char *const helps[LADDER_COUNT] = {
#define LADDER_HELP(name, text, help) [LADDER_##name] = help,
      LADDER_LIST(LADDER_HELP)
#undef LADDER_HELP
  };
  printf("pixel MSE on test frames (x1e-4; +- standard errors)\n");
  for (int i = 0; i < LADDER_COUNT; i++) {
    if (isnan(ladder->mse[i])) continue;
    printf("  %-12s %8.3f +- %.3f   %s\n", ladder_name((enum ladder_rung)i), 1e4 * ladder->mse[i],
           1e4 * ladder->error[i], helps[i]);
  }
}

/* Not collective. The configuration is not to be replaced by the data made from it. */
static enum status check_distinct(const char *input, const char *output) {
  struct stat one, other;
  bool same =
      stat(input, &one) == 0 && stat(output, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
  REQUIRE(!same, STATUS_USAGE, "%s is the configuration: choose another output", output);
  return STATUS_OK;
}

/* Collective. --once: jobs of an array come to the same command together, and one of them makes the file. Waits until
 * no other job writes it; *waited: there was one. */
static enum status wait_for_others(const struct comm *world, const char *output, bool *waited) {
  static const double day = 86400;
  char resolved[STORE_PATH_MAX];
  struct store_lock lock = {.held = false};
  enum status status = STATUS_OK;
  *waited = false;
  if (world->rank == 0) {
    status = output_resolve(output, true, resolved);
    if (status == STATUS_OK && store_lock_take(resolved, 0, &lock) != STATUS_OK) {
      status_clear();
      log_info("%s: waits for another job that is making it", output);
      *waited = true;
      status = store_lock_take(resolved, day, &lock);
    }
    store_lock_release(&lock);
  }
  TRY(comm_agree(world, status));
  return comm_broadcast(world, waited, sizeof *waited);
}

/* Collective. --once: what is there was made from the same configuration, or it is another's. */
static enum status find_made(const struct comm *world, const struct config *config, const char *output, bool *found) {
  struct dataset made;
  char text[512];
  *found = false;
  enum status status = world->rank == 0 ? output_exists(output, found) : STATUS_OK;
  TRY(comm_agree(world, status));
  TRY(comm_broadcast(world, found, sizeof *found));
  if (!*found) return STATUS_OK;
  TRY(dataset_open(world, output, &made));
  if (!made.config)
    status = status_raise(STATUS_CONFIG, "%s: was made elsewhere", output);
  else if (config_differences(made.config, config, text, sizeof text) > 0)
    status = status_raise(STATUS_CONFIG, "%s: was made from another configuration: %s", output, text);
  dataset_close(&made);
  return status;
}

static enum status draw_points(const struct comm *world, const struct config *config, const char *output) {
  const struct experiment *experiment = config_experiment(config);
  const struct data_settings *data = &experiment->data;
  log_info("%s: %lld training, %lld test and %lld validation points, on %d rank%s",
           experiment_density_name(experiment->density.name), (long long)data->train, (long long)data->test,
           (long long)experiment_validation(data), world->size, world->size == 1 ? "" : "s");
  struct points_summary summary;
  TRY(points_dataset(world, config, output, &summary));
  if (!points_good(&summary))
    log_warn(
        "%s: its chains have not come to agree: R-hat %.4f, effective sample size %.0f (expected at most %g and at "
        "least %.0f): give them more iterations (hmc.warmup, hmc.thin) or more steps (hmc.leapfrogs)",
        output, summary.rhat, summary.ess, POINTS_RHAT_MOST, POINTS_ESS_LEAST);
  if (world->rank == 0) {
    cli_print_points(&summary);
    printf("%s\n", output);
  }
  return STATUS_OK;
}

static enum status simulate(const struct comm *world, const struct config *config, const char *output, bool frames) {
  const struct experiment *experiment = config_experiment(config);
  log_info("%s: %lld training, %lld test and %lld validation rollouts of %lld frames, on %d rank%s",
           experiment_system_name(experiment->system.name), (long long)experiment->data.train,
           (long long)experiment->data.test, (long long)experiment_validation(&experiment->data),
           (long long)experiment->data.frames, world->size, world->size == 1 ? "" : "s");
  struct ladder ladder;
  TRY(simulate_dataset(world, config, output, frames, &ladder));
  if (world->rank == 0) {
    print_ladder(&ladder);
    printf("%s\n", output);
  }
  return STATUS_OK;
}

static enum status make(const struct comm *world, const struct config *config, const char *output, bool frames) {
  return config_use(config) == SCHEMA_POINTS ? draw_points(world, config, output)
                                             : simulate(world, config, output, frames);
}

/* Collective. Another job may have begun to make it between the look and the first write: then that one makes it. */
static enum status make_once(const struct comm *world, const struct config *config, const char *output, bool frames) {
  bool found = false, waited;
  TRY(find_made(world, config, output, &found));
  if (!found) TRY(wait_for_others(world, output, &waited));
  if (!found) TRY(find_made(world, config, output, &found));
  enum status status = found ? STATUS_OK : make(world, config, output, frames);
  if (status == STATUS_FILE) {
    char message[STATUS_MESSAGE_MAX];
    snprintf(message, sizeof message, "%s", status_message());
    status_clear();
    TRY(wait_for_others(world, output, &waited));
    if (!waited) return status_raise(STATUS_FILE, "%s", message);
    status = find_made(world, config, output, &found);
    if (status == STATUS_OK && !found) return status_raise(STATUS_FILE, "%s", message);
  }
  if (status == STATUS_OK && found && world->rank == 0) printf("%s (made before)\n", output);
  return status;
}

static enum status run_simulate(const struct comm *world, int argc, char **argv) {
  const char *output = NULL;
  bool frames = false, once = false;
  const struct cli_option options[] = {
      {"--output", "-o", CLI_TEXT, &output}, {"--frames", NULL, CLI_FLAG, &frames}, {"--once", NULL, CLI_FLAG, &once}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 3, true, &words));
  TRY(cli_operands(&words, 1, 1, "one FILE.yaml"));
  REQUIRE(output, STATUS_USAGE, "missing: -o FILE.h5");
  TRY(output_check_name(output));
  TRY(comm_agree(world, check_distinct(words.operand[0], output)));
  struct config *config;
  TRY(cli_load(world, words.operand[0], SCHEMA_DATA_SETS, &words, &config));
  enum status status = STATUS_OK;
  if (config_use(config) == SCHEMA_POINTS && frames)
    status = status_raise(STATUS_USAGE, "--frames: points of a density have no frames");
  if (status == STATUS_OK)
    status = once ? make_once(world, config, output, frames) : make(world, config, output, frames);
  config_destroy(&config);
  return status;
}

const struct cli_command cli_simulate = {
    "simulate", "physics, or a density -> data set",
    "Usage: hgn simulate FILE.yaml -o FILE.h5 [--frames] [--once] [key.path=value ...]\n"
    "       mpirun -n N hgn simulate ...\n\n"
    "Simulates the training, test and validation rollouts of the configured system, measures the ladder (noise floor,\n"
    "last frame, mean image, background) and writes the data set. Of a file with a section density: draws the points\n"
    "of that density, with the log of the density at each. Same configuration and seed: same contents on any number\n"
    "of ranks. The file appears under its name when it is whole.\n\n"
    "  -o, --output FILE.h5   where to; a data set that is there is replaced at the end\n"
    "  --frames               also the rendered frames (uint8, compressed), for other programs; hgn itself renders\n"
    "                         them again from the states whenever they are needed\n"
    "  --once                 do nothing where FILE.h5 is there and was made from this very configuration; refuse to\n"
    "                         replace another\n",
    run_simulate};
