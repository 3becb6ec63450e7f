#include "cli/sweep_cli.h"
#include "physics/ladder.h"
#include "physics/limit_file.h"
#include "store/dataset.h"
#include "train/checkpoint.h"
#include "train/codes.h"
#include "train/hgn.h"
#include "train/prior_judge_file.h"
#include "train/record.h"
#include "train/trained.h"

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

/* Root only. One /provenance text on a line of its own, several lines indented. Files may lack an entry;
 * that is no error. */
static enum status print_text(const struct store_file *file, const char *title, const char *name) {
  char *text = NULL;
  bool found;
  TRY(store_find(file, name, &found));
  if (!found) return STATUS_OK;
  TRY(store_read_text(file, name, &text));
  if (*text) print_indented(title, text);
  free(text);
  return STATUS_OK;
}

static enum status print_provenance(const struct store_file *file) {
  TRY(print_text(file, "made by", "/provenance/hgn"));
  TRY(print_text(file, "command", "/provenance/command"));
  TRY(print_text(file, "created", "/provenance/created"));
  TRY(print_text(file, "hosts", "/provenance/hosts"));
  TRY(print_text(file, "processors", "/provenance/cpu"));
  TRY(print_text(file, "kernels", "/provenance/kernels"));
  TRY(print_text(file, "build", "/provenance/build"));
  return print_text(file, "libraries", "/provenance/libraries");
}

static void print_splits(const struct dataset *data) {
  const int64_t train = data->rollouts[SPLIT_TRAIN], validation = data->rollouts[SPLIT_VALIDATION];
  const char *item = dataset_item(data);
  printf("%ss%*s%lld train, %lld test, %lld validation", item, data->has_points ? 7 : 5, "", (long long)train,
         (long long)data->rollouts[SPLIT_TEST], (long long)validation);
  if (data->validation_from_train && validation > 0)
    printf(" (no validation split: the last %lld of %lld training %ss are it)", (long long)validation,
           (long long)(train + validation), item);
  putchar('\n');
}

static void print_shape(const struct dataset *data) {
  print_splits(data);
  if (data->has_points) {
    printf("dimension    %lld\n", (long long)data->coordinates);
    return;
  }
  printf("frames       %lld, ", (long long)data->frames);
  if (isnan(data->dt))
    printf("interval unknown\n");
  else
    printf("one every %g s\n", data->dt);
  printf("images       %lld x %lld, %s, %s\n", (long long)data->width, (long long)data->height,
         data->channels == 3 ? "RGB" : "grey", data->has_frames ? "stored" : "rendered on demand");
  if (data->has_states) printf("phase space  %lld coordinates, clean\n", (long long)data->coordinates);
}

static enum status print_ladder(const struct dataset *data) {
  printf("ladder       pixel MSE on test frames (x1e-4; +- standard errors)\n");
  for (int i = 0; i < LADDER_COUNT; i++) {
    double mse, error;
    TRY(dataset_ladder(data, ladder_name((enum ladder_rung)i), &mse, &error));
    if (!isnan(mse)) printf("  %-12s %8.3f +- %.3f\n", ladder_name((enum ladder_rung)i), 1e4 * mse, 1e4 * error);
  }
  return STATUS_OK;
}

/* How well the density is known, and was sampled. */
static enum status print_density(const struct dataset *data) {
  struct points_summary summary;
  TRY(points_read_summary(data, &summary));
  cli_print_points(&summary);
  return STATUS_OK;
}

static enum status print_dataset(const struct dataset *data, bool verified) {
  if (!data->config) {
    if (data->has_points)
      printf("%s: points made elsewhere (no configuration, no log densities, no checksums)\n", data->file.path);
    else
      printf("%s: frames made elsewhere (no configuration, no states, no checksums)\n", data->file.path);
    print_shape(data);
    return STATUS_OK;
  }
  const struct experiment *experiment = config_experiment(data->config);
  char sum[CHECKSUM_TEXT], *text = NULL;
  TRY(dataset_checksum(data, sum));
  TRY(config_text(data->config, &text));
  printf("%s: hgn data set, %s\n", data->file.path,
         data->has_points ? experiment_density_name(experiment->density.name)
                          : experiment_system_name(experiment->system.name));
  print_shape(data);
  printf("checksum     %s (%s)\n", sum, verified ? "verified" : "not verified");
  enum status status = data->has_points ? print_density(data) : print_ladder(data);
  if (status == STATUS_OK) print_indented("configuration", text);
  free(text);
  return status == STATUS_OK ? print_provenance(&data->file) : status;
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
    for (int observe = 0; observe < LIMIT_OBSERVE_COUNT && status == STATUS_OK; observe++) {
      bool has = false;
      status = comm_agree(world, limit_file_has(file, k, (enum limit_observe)observe, &has));
      if (has && status == STATUS_OK) status = print_limit(world, file->path, checksum, k, (enum limit_observe)observe);
    }
  if (status == STATUS_OK && world->rank == 0) {
    print_indented("configuration", text);
    status = print_provenance(file);
  }
  free(checksum);
  free(text);
  return comm_agree(world, status);
}

/* ---- Trained models ---- */

static enum status print_run(const struct comm *world, const struct store_file *file) {
  char *text = NULL;
  TRY(comm_agree(world, store_check_format(file, RECORD_FORMAT, RECORD_VERSION)));
  enum status status = STATUS_OK;
  if (world->rank == 0) {
    printf("%s: run of hgn train\n", file->path);
    struct config *config = NULL;
    status = store_read_text(file, "/config", &text);
    if (status == STATUS_OK) status = store_parse_config(file, text, SCHEMA_USE(SCHEMA_TRAINING), &config);
    if (status == STATUS_OK) status = record_print(file, config, log_shows(LOG_VERBOSE), stdout);
    config_destroy(&config);
    if (status == STATUS_OK) print_indented("configuration", text);
    if (status == STATUS_OK) status = print_provenance(file);
    free(text);
  }
  return comm_agree(world, status);
}

static void print_model(const struct trained *trained) {
  const struct layout *layout = trained->learner.layout;
  printf("%s: checkpoint of hgn train after step %lld (verified)\n", trained->path, (long long)trained->step);
  printf("parameters   %lld:", (long long)layout_parameters(layout));
  for (int i = 0; i < layout->networks; i++)
    if (layout_network_parameters(layout, i) > 0)
      printf(" %s %lld", layout->network[i], (long long)layout_network_parameters(layout, i));
  printf("\n");
  if (trained->learner.kind != &learner_hgn) return;
  const struct model_map *state = &hgn_model(&trained->learner)->state;
  printf("state        q and p of %lld x %lld x %lld\n", (long long)state->height, (long long)state->width,
         (long long)state->channels);
}

static enum status print_checkpoint(const struct comm *world, const struct store_file *file) {
  struct trained trained;
  char *text = NULL;
  TRY(trained_open(world, file->path, false, &trained));
  enum status status = config_text(trained.config, &text);
  if (status == STATUS_OK && world->rank == 0) {
    print_model(&trained);
    print_indented("configuration", text);
    status = print_provenance(file);
  }
  free(text);
  trained_close(&trained);
  return comm_agree(world, status);
}

/* Arrays of hgn rollout, hgn sample and hgn analyze. */
static enum status print_arrays(const struct comm *world, const struct store_file *file) {
  char *format = NULL;
  enum status status = comm_agree(world, store_read_attribute_text(file, "format", &format));
  if (status == STATUS_OK && world->rank == 0) {
    printf("%s: arrays of %s\n", file->path, format);
    status = print_text(file, "run", "/run");
    if (status == STATUS_OK) status = print_text(file, "data", "/data");
    if (status == STATUS_OK) status = print_text(file, "missing", "/missing");
    if (status == STATUS_OK) status = print_provenance(file);
  }
  free(format);
  return comm_agree(world, status);
}

static enum status print_sweep(const struct comm *world, const struct store_file *file) {
  const struct sweep_words words = {.operand = file->path};
  struct sweep_input input;
  enum status status = sweep_input_read(world, &words, &input);
  if (status == STATUS_OK && world->rank == 0) {
    status = sweep_show_status(&input, false);
    if (status == STATUS_OK) print_indented("sweep", input.texts.effective);
    if (status == STATUS_OK) status = print_provenance(file);
  }
  sweep_input_free(&input);
  return comm_agree(world, status);
}

/* Codes of a model: whose they are, and what leads. */
static enum status print_codes(const struct comm *world, const struct store_file *file) {
  struct codes_about about;
  struct dataset data;
  TRY(codes_describe(world, file->path, &about));
  enum status status = dataset_open(world, file->path, &data);
  if (status == STATUS_OK) status = dataset_verify(&data);
  if (status == STATUS_OK && world->rank == 0) {
    const struct whitening *whitening = &about.whitening;
    printf("%s: codes of a trained model, as points (hgn codes)\n", file->path);
    print_shape(&data);
    printf("codes        %lld numbers, %lld draw%s of a training rollout, of the model after %lld steps\n",
           (long long)whitening->size, (long long)about.draws, about.draws == 1 ? "" : "s", (long long)about.step);
    printf("model        %s\n", about.model);
    printf("variances    %.4g to %.4g of what leads; log volume %.4f nat\n", whitening->variance[0],
           whitening_least(whitening), whitening->log_volume);
    status = print_text(file, "run", "/run");
    if (status == STATUS_OK) status = print_text(file, "data", "/data");
    if (status == STATUS_OK) status = print_provenance(file);
  }
  dataset_close(&data);
  codes_about_free(&about);
  return comm_agree(world, status);
}

/* ---- The command ---- */

static enum status print_data(const struct comm *world, const char *path, bool quick) {
  struct dataset data;
  TRY(dataset_open(world, path, &data));
  enum status status = quick ? STATUS_OK : dataset_verify(&data);
  if (status == STATUS_OK) status = comm_agree(world, world->rank == 0 ? print_dataset(&data, !quick) : STATUS_OK);
  dataset_close(&data);
  return status;
}

static const struct info_kind {
  const char *format;
  enum status (*print)(const struct comm *world, const struct store_file *file); /* Collective */
} kinds[] = {{LIMIT_FORMAT, print_limits},   {RECORD_FORMAT, print_run},          {CHECKPOINT_FORMAT, print_checkpoint},
             {LEDGER_FORMAT, print_sweep},   {"hgn-rollout", print_arrays},       {"hgn-sample", print_arrays},
             {"hgn-analysis", print_arrays}, {DATASET_CODES_FORMAT, print_codes}, {PRIOR_JUDGE_FORMAT, print_arrays}};

static enum status run_info(const struct comm *world, int argc, char **argv) {
  bool quick = false;
  const struct cli_option options[] = {{"--quick", NULL, CLI_FLAG, &quick}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 1, false, &words));
  TRY(cli_operands(&words, 1, 1, "one FILE.h5"));
  struct store_file file;
  TRY(store_open(world, words.operand[0], &file));
  const struct info_kind *kind = NULL;
  enum status status = STATUS_OK;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds && status == STATUS_OK; i++) {
    bool is = false;
    status = store_is(&file, kinds[i].format, &is);
    if (is) kind = &kinds[i];
  }
  status = comm_agree(world, status);
  if (status == STATUS_OK && kind) status = kind->print(world, &file);
  store_close(&file);
  return kind || status != STATUS_OK ? status : print_data(world, words.operand[0], quick);
}

const struct cli_command cli_info = {
    "info", "what a file is, how it was made, how far it has come",
    "Usage: hgn info FILE.h5 [--quick]\n\n"
    "Prints what the file holds, the configuration and provenance it was made with: a data set with its splits and\n"
    "ladder, limits, how far a run or a sweep has come, a checkpoint, arrays. Checksums of data sets, checkpoints, "
    "limits and a\n"
    "run's last records are verified; a damaged file is an error, exit status 3.\n"
    "Of a run the numbers that matter come first; -v shows all columns of its last report and evaluations.\n\n"
    "  --quick    of a data set only what stands beside its arrays (older files are read whole all the same)\n",
    run_info};
