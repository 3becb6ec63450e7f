#include "cli/cli.h"
#include "physics/ladder.h"
#include "physics/limit_file.h"
#include "store/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_indented(const char *title, const char *text) {
  printf("%s\n", title);
  for (const char *c = text; *c;) {
    fputs("  ", stdout);
    while (*c && *c != '\n') putchar(*c++);
    putchar('\n');
    if (*c == '\n') c++;
  }
}

enum { LIMIT_FRAMES_MAX = 10000 }; /* K that are looked for */

/* One /provenance text on a line of its own, several lines indented. Files may lack an entry; that is no error. */
static void print_text(const struct store_file *file, const char *title, const char *name) {
  char *text = NULL;
  if (!store_has(file, name) || store_read_text(file, name, &text) != STATUS_OK) {
    status_clear();
    return;
  }
  if (*text) print_indented(title, text);
  free(text);
}

static void print_provenance(const struct store_file *file) {
  print_text(file, "made by", "/provenance/hgn");
  print_text(file, "command", "/provenance/command");
  print_text(file, "created", "/provenance/created");
  print_text(file, "hosts", "/provenance/hosts");
  print_text(file, "processors", "/provenance/cpu");
  print_text(file, "kernels", "/provenance/kernels");
  print_text(file, "build", "/provenance/build");
  print_text(file, "libraries", "/provenance/libraries");
}

static void print_shape(const struct dataset *data) {
  printf("rollouts     %lld train, %lld test\n", (long long)data->rollouts[SPLIT_TRAIN],
         (long long)data->rollouts[SPLIT_TEST]);
  printf("frames       %lld, ", (long long)data->frames);
  if (isnan(data->dt))
    printf("interval unknown\n");
  else
    printf("one every %g s\n", data->dt);
  printf("images       %lld x %lld, %s, %s\n", (long long)data->width, (long long)data->height,
         data->channels == 3 ? "RGB" : "grey", data->has_frames ? "stored" : "rendered on demand");
  if (data->has_states) printf("phase space  %lld coordinates, clean\n", (long long)data->coordinates);
}

static void print_ladder(const struct dataset *data) {
  printf("ladder       pixel MSE on test frames (x1e-4)\n");
  for (int i = 0; i < LADDER_COUNT; i++) {
    double mse, error;
    if (dataset_ladder(data, ladder_name((enum ladder_rung)i), &mse, &error) == STATUS_OK && !isnan(mse))
      printf("  %-12s %8.3f +- %.3f\n", ladder_name((enum ladder_rung)i), 1e4 * mse, 1e4 * error);
  }
  status_clear();
}

static enum status print_dataset(const struct dataset *data, bool verified) {
  if (!data->config) {
    printf("%s: frames made elsewhere (no configuration, no states, no checksums)\n", data->file.path);
    print_shape(data);
    return STATUS_OK;
  }
  const struct experiment *experiment = config_experiment(data->config);
  char sum[CHECKSUM_TEXT], *text = NULL;
  TRY(dataset_checksum(data, sum));
  TRY(config_text(data->config, &text));
  printf("%s: hgn data set, %s\n", data->file.path, experiment_system_name(experiment->system.kind));
  print_shape(data);
  printf("checksum     %s (%s)\n", sum, verified ? "verified" : "not verified");
  print_ladder(data);
  print_indented("configuration", text);
  free(text);
  print_provenance(&data->file);
  return STATUS_OK;
}

static void print_mean(const char *label, const struct limit_mean *mean) {
  if (!isnan(mean->mse)) printf("  %s %8.3f +- %.3f", label, 1e4 * mean->mse, 1e4 * mean->error);
}

/* Collective. */
static enum status print_limit(const struct comm *world, const char *path, const char *checksum, int64_t input_frames,
                               enum limit_observe observe) {
  struct limit_result result;
  enum status status = limit_file_read(world, path, checksum, input_frames, observe, &result);
  if (status != STATUS_OK) return status;
  if (world->rank == 0) {
    printf("  %3lld of %lld frames as %-9s", (long long)input_frames, (long long)result.frames,
           limit_observe_name(observe));
    print_mean("unseen", &result.unseen);
    print_mean("predict", &result.predict);
    print_mean("all", &result.all);
    printf("  (%lld rollouts)\n", (long long)result.rollouts);
  }
  limit_free(&result);
  return STATUS_OK;
}

/* Collective. A file of information limits: every one of them, and how it was made. */
static enum status print_limits(const struct comm *world, const struct store_file *file) {
  char *checksum = NULL, *text = NULL;
  enum status status = store_read_text(file, "/data_checksum", &checksum);
  if (status == STATUS_OK) status = store_read_text(file, "/config", &text);
  status = comm_agree(world, status);
  if (status == STATUS_OK && world->rank == 0)
    printf("%s: information limits of the data with checksum %s\npixel MSE x1e-4\n", file->path, checksum);
  for (int64_t k = 1; k <= LIMIT_FRAMES_MAX && status == STATUS_OK; k++)
    for (int observe = 0; observe < LIMIT_OBSERVE_COUNT && status == STATUS_OK; observe++)
      if (limit_file_has(file, k, (enum limit_observe)observe))
        status = print_limit(world, file->path, checksum, k, (enum limit_observe)observe);
  if (status == STATUS_OK && world->rank == 0) {
    print_indented("configuration", text);
    print_provenance(file);
  }
  free(checksum);
  free(text);
  return status;
}

static enum status run(const struct comm *world, int argc, char **argv) {
  bool quick = false;
  const struct cli_option options[] = {{"--quick", NULL, CLI_FLAG, &quick}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 1, false, &words));
  TRY(cli_operands(&words, 1, 1, "one FILE.h5"));
  struct store_file file;
  TRY(store_open(world, words.operand[0], &file));
  if (limit_file_is(&file)) {
    enum status status = print_limits(world, &file);
    store_close(&file);
    return status;
  }
  store_close(&file);
  struct dataset data;
  TRY(dataset_open(world, words.operand[0], &data));
  enum status status = quick ? STATUS_OK : dataset_verify(&data);
  if (status == STATUS_OK) status = comm_agree(world, world->rank == 0 ? print_dataset(&data, !quick) : STATUS_OK);
  dataset_close(&data);
  return status;
}

const struct cli_command cli_info = {"info", "what a file is, how it was made, checksums verified",
                                     "Usage: hgn info FILE.h5 [--quick]\n\n"
                                     "Prints what the file holds, the configuration and provenance it was made with "
                                     "and its ladder, after verifying all\n"
                                     "checksums. A damaged file is an error that names the array; exit status 3.\n\n"
                                     "  --quick    without verifying\n",
                                     run};
