/* write_settings FILE: the effective settings of every preset, a small model with every integrator, models of points,
 * and small models in f64. */
#include "config/config.h"
#include "settings.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 8 };

struct experiment_case {
  const char *name;
  enum graph_type type;
  int64_t dimension;
  const char *words[WORDS_MAX]; /* of the configuration, after those that all have */
};

#define PRESET_CASE(kind, text) {text, GRAPH_F32, 0, {"model.preset=" text}},
#define FLOW_CASE(kind, text)                                                                                          \
  {text,                                                                                                               \
   GRAPH_F32,                                                                                                          \
   0,                                                                                                                  \
   {"model.preset=quick", "model.encoder.channels=[8, 8, 8, 8, 16]", "model.hamiltonian.channels=[24, 24, 1]",         \
    "model.hamiltonian.separable=false", "model.decoder.channels=[8, 8, 8]", "model.integrator.name=" text}},
static const struct experiment_case cases[] = {
    PRESET_LIST(PRESET_CASE) /* the first, none, is left out */
    FLOW_LIST(FLOW_CASE)     /* a small joint H with each integrator */
    {"nhf", GRAPH_F32, 2, {"model.name=nhf"}},
    {"nhf_fixed", GRAPH_F32, 2, {"model.name=nhf", "model.flow.kinetic=fixed"}},
    {"rnvp", GRAPH_F32, 2, {"model.name=rnvp"}},
    {"small_f64",
     GRAPH_F64,
     0,
     {"model.preset=paper", "model.encoder.channels=[8, 8, 8, 8, 8, 8]",
      "model.transformer.channels=[16, 16, 16, 16, 8]", "model.hamiltonian.channels=[8, 16, 16, 16, 1]",
      "model.decoder.channels=[16, 8, 8]", "model.integrator.name=yoshida4"}},
    {"nhf_f64", GRAPH_F64, 3, {"model.name=nhf", "model.flow.width=[24, 20]", "model.flow.hamiltonians=2"}},
};
#undef PRESET_CASE
#undef FLOW_CASE
enum { CASES = sizeof cases / sizeof cases[0] };

static enum status make(const struct experiment_case *from, struct settings *settings) {
  static const char yaml[] = "data: {file: x.h5}\nmodel: {name: hgn}\ntrain: {steps: 1000}\n";
  struct config *config;
  int words = 0;
  while (words < WORDS_MAX && from->words[words]) words++;
  TRY(config_parse(from->name, yaml, strlen(yaml), from->words, words, &config));
  const struct training *training = &config_experiment(config)->training;
  *settings = (struct settings){.type = from->type,
                                .height = 32,
                                .width = 32,
                                .channels = 3,
                                .input_frames = training->protocol.input_frames,
                                .dimension = from->dimension,
                                .model = training->model,
                                .optimizer = training->optimizer};
  snprintf(settings->name, sizeof settings->name, "%s", from->name);
  settings->model.integrator.dt = 0.125;
  config_destroy(&config);
  return STATUS_OK;
}

static enum status write_all(FILE *file) {
  const struct settings_header header = {SETTINGS_MAGIC, sizeof(struct settings), CASES - 1};
  bool written = fwrite(&header, sizeof header, 1, file) == 1;
  for (int i = PRESET_NONE + 1; i < CASES; i++) {
    static struct settings settings;
    TRY(make(&cases[i], &settings));
    written = written && fwrite(&settings, sizeof settings, 1, file) == 1;
  }
  REQUIRE(written, STATUS_FILE, "cannot write the settings");
  return STATUS_OK;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  FILE *file = fopen(argv[1], "wb");
  if (!file) {
    perror(argv[1]);
    return 3;
  }
  const enum status status = write_all(file);
  if (status != STATUS_OK) fprintf(stderr, "write_settings: %s\n", status_message());
  return fclose(file) == 0 ? status_exit(status) : 3;
}
