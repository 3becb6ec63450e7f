#include "cli/cli.h"
#include "physics/ladder.h"
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

/* One /provenance text on a line of its own, several lines indented. Files may lack an entry; that is no error. */
static void print_text(const struct dataset *data, const char *title, const char *name) {
  char *text = NULL;
  if (!store_has(&data->file, name) || store_read_text(&data->file, name, &text) != STATUS_OK) {
    status_clear();
    return;
  }
  if (*text) print_indented(title, text);
  free(text);
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
  print_text(data, "made by", "/provenance/hgn");
  print_text(data, "command", "/provenance/command");
  print_text(data, "created", "/provenance/created");
  print_text(data, "hosts", "/provenance/hosts");
  print_text(data, "processors", "/provenance/cpu");
  print_text(data, "build", "/provenance/build");
  print_text(data, "libraries", "/provenance/libraries");
  return STATUS_OK;
}

static enum status run(const struct comm *world, int argc, char **argv) {
  bool quick = false;
  const struct cli_option options[] = {{"--quick", NULL, CLI_FLAG, &quick}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 1, false, &words));
  TRY(cli_operands(&words, 1, 1, "one FILE.h5"));
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
