#include "analysis/report/run_facts.h"

#include "config/schema.h"
#include "store/dataset.h"
#include "train/trained.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Texts ---- */

/* A copy that the facts own. */
static char *keep(struct run_facts *facts, const char *text) {
  const size_t bytes = strlen(text) + 1;
  char *kept = arena_array(&facts->arena, (int64_t)bytes, 1);
  if (kept) memcpy(kept, text, bytes);
  return kept;
}

/* A text of the file; "" where it has none. */
static enum status read_text(struct run_facts *facts, const struct store_file *file, const char *name, char **text) {
  char path[96], *read = NULL;
  bool there;
  snprintf(path, sizeof path, "/provenance/%s", name);
  TRY(store_find(file, path, &there));
  if (there) TRY(store_read_text(file, path, &read));
  *text = keep(facts, read ? read : "");
  free(read);
  return arena_check(&facts->arena, "a run's texts");
}

static enum status read_provenance(struct run_facts *facts, const struct store_file *file) {
  struct run_provenance *of = &facts->provenance;
  bool there;
  TRY(read_text(facts, file, "hgn", &of->hgn));
  TRY(read_text(facts, file, "git_diff", &of->git_diff));
  TRY(read_text(facts, file, "build", &of->build));
  TRY(read_text(facts, file, "libraries", &of->libraries));
  TRY(read_text(facts, file, "command", &of->command));
  TRY(read_text(facts, file, "hosts", &of->hosts));
  TRY(read_text(facts, file, "cpu", &of->cpu));
  TRY(read_text(facts, file, "kernels", &of->kernels));
  TRY(read_text(facts, file, "created", &of->created));
  TRY(read_text(facts, file, "working_folder", &of->working_folder));
  TRY(read_text(facts, file, "job", &of->job));
  TRY(store_find(file, "/provenance/ranks", &there));
  return there ? store_read_values(file, "/provenance/ranks", STORE_I64, 1, &of->ranks) : STATUS_OK;
}

/* ---- Records ---- */

static double *keep_column(struct run_facts *facts, int64_t rows) {
  return arena_array(&facts->arena, rows, sizeof(double));
}

static enum status read_column(struct run_facts *facts, const struct record_reader *reader, const char *name,
                               double **kept) {
  double *values;
  int64_t rows;
  TRY(record_column(reader, name, &values, &rows));
  *kept = keep_column(facts, rows);
  if (*kept && rows > 0) memcpy(*kept, values, (size_t)rows * sizeof **kept);
  free(values);
  return arena_check(&facts->arena, "a run's records");
}

/* The last value of a column; NaN where there is no row. */
static enum status read_last(const struct record_reader *reader, const char *name, double *value) {
  double *values;
  int64_t rows;
  TRY(record_column(reader, name, &values, &rows));
  *value = rows > 0 ? values[rows - 1] : (double)NAN;
  free(values);
  return STATUS_OK;
}

static enum status read_split(struct run_facts *facts, const struct record_reader *reader, enum split split) {
  const int scores = facts->kind->scores;
  double *all = keep_column(facts, facts->evaluations * scores);
  TRY(arena_check(&facts->arena, "a run's scores"));
  for (int i = 0; i < scores; i++) {
    char name[96];
    double *values;
    int64_t rows;
    snprintf(name, sizeof name, "evaluation/%s/%s", split_name[split], facts->kind->score[i].name);
    TRY(record_column(reader, name, &values, &rows));
    for (int64_t r = 0; r < rows; r++) all[r * scores + i] = values[r];
    free(values);
  }
  facts->score[split] = all;
  return STATUS_OK;
}

static enum status read_evaluations(struct run_facts *facts, const struct record_reader *reader) {
  facts->evaluations = reader->evaluations;
  facts->targets = reader->shape.targets;
  TRY(read_column(facts, reader, "evaluation/step", &facts->evaluation_step));
  for (int split = 0; split < SPLIT_COUNT; split++) TRY(read_split(facts, reader, (enum split)split));
  if (facts->evaluations == 0 || facts->targets == 0) return STATUS_OK;
  facts->frame_mse = keep_column(facts, facts->targets);
  TRY(arena_check(&facts->arena, "a run's errors by frame"));
  return record_by_frame(reader, SPLIT_TEST, facts->evaluations - 1, facts->frame_mse);
}

static enum status read_sums(struct run_facts *facts, const struct record_reader *reader) {
  int64_t count;
  facts->networks = reader->shape.networks;
  facts->network = arena_array(&facts->arena, facts->networks, sizeof *facts->network);
  TRY(arena_check(&facts->arena, "a run's checksums"));
  TRY(store_read_texts(&reader->file, "/networks", facts->networks, sizeof *facts->network, facts->network[0], &count));
  REQUIRE(count == facts->networks, STATUS_FILE, "%s: /networks has the wrong shape", facts->path);
  for (int i = 0; i < 2 && facts->reports > 0; i++) {
    const int64_t row = i == 0 ? 0 : facts->reports - 1;
    struct checksum *parameters = arena_array(&facts->arena, facts->networks, sizeof *parameters),
                    *gradient = arena_array(&facts->arena, facts->networks, sizeof *gradient);
    TRY(arena_check(&facts->arena, "a run's checksums"));
    TRY(record_sums(reader, "parameter_sum", row, parameters));
    TRY(record_sums(reader, "gradient_sum", row, gradient));
    facts->parameter_sum[i] = parameters;
    facts->gradient_sum[i] = gradient;
    facts->sum_step[i] = (int64_t)facts->report_step[row];
  }
  return STATUS_OK;
}

static enum status read_reports(struct run_facts *facts, const struct record_reader *reader) {
  char name[96];
  facts->reports = reader->reports;
  TRY(read_column(facts, reader, "report/step", &facts->report_step));
  TRY(read_column(facts, reader, "report/loss", &facts->loss));
  snprintf(name, sizeof name, "report/%s", facts->kind->term[0].name);
  TRY(read_column(facts, reader, name, &facts->term));
  TRY(read_last(reader, "measured/seconds", &facts->seconds));
  TRY(read_last(reader, "measured/core_hours", &facts->core_hours));
  TRY(read_last(reader, "measured/processor_energy", &facts->energy_joule));
  TRY(read_last(reader, "measured/memory", &facts->memory_bytes));
  if (facts->reports > 0) facts->steps_done = (int64_t)facts->report_step[facts->reports - 1];
  return read_sums(facts, reader);
}

static enum status read_sessions(struct run_facts *facts, const struct store_file *file) {
  facts->session = arena_array(&facts->arena, RECORD_SESSIONS, sizeof *facts->session);
  TRY(arena_check(&facts->arena, "a run's sessions"));
  return record_read_sessions(file, facts->session, &facts->sessions);
}

/* ---- What does not change ---- */

static enum status read_head(struct run_facts *facts, const struct store_file *file) {
  struct record_head_read head;
  double limits[2];
  TRY(record_read_limits(file, limits));
  TRY(record_head_open(file, &head));
  facts->config_text = keep(facts, head.config);
  facts->numerics = keep(facts, head.numerics);
  struct run_data *data = &facts->data;
  data->file = keep(facts, head.data);
  data->checksum = keep(facts, head.data_checksum);
  data->floor = head.floor;
  data->mean_image = head.mean_image;
  data->kappa = head.kappa;
  data->limit = limits[0];
  data->limit_unseen = limits[1];
  record_head_free(&head);
  return arena_check(&facts->arena, "a run's texts");
}

static const char *preset_name(enum preset_kind preset) {
  static const char *const name[PRESET_COUNT] = {
#define PRESET_NAME(id, text) [PRESET_##id] = text,
      PRESET_LIST(PRESET_NAME)
#undef PRESET_NAME
  };
  return name[preset];
}

static const char *flow_name(enum flow_kind flow) {
  static const char *const name[FLOW_COUNT] = {
#define FLOW_NAME(id, text) [FLOW_##id] = text,
      FLOW_LIST(FLOW_NAME)
#undef FLOW_NAME
  };
  return name[flow];
}

static void describe(struct run_facts *facts) {
  const struct experiment *experiment = config_experiment(facts->config);
  const struct training *training = &experiment->training;
  const bool frames = facts->kind->data == LEARNER_FRAMES;
  facts->training = training;
  facts->seed = experiment->seed;
  facts->steps = training->train.steps;
  facts->model = experiment_model_name(training->model.name);
  facts->preset = frames ? preset_name(training->model.preset) : "";
  facts->integrator = frames ? flow_name(training->model.integrator.name) : "";
  facts->input_frames = frames && training->protocol.name != PROTOCOL_AUTOENCODE ? training->protocol.input_frames : 0;
}

/* ---- The data set ---- */

static enum status read_data_set(struct run_facts *facts, const struct dataset *set) {
  struct run_data *data = &facts->data;
  char checksum[CHECKSUM_TEXT];
  data->frames = set->has_points ? 0 : set->frames;
  data->dt = set->has_points ? (double)NAN : set->dt;
  for (int split = 0; split < SPLIT_COUNT; split++) data->rollouts[split] = set->rollouts[split];
  if (facts->kind->data == LEARNER_FRAMES)
    facts->has_protocol = protocol_resolve(&facts->training->protocol, set->frames, &facts->protocol) == STATUS_OK;
  if (!set->config) return STATUS_OK;
  TRY(dataset_checksum(set, checksum));
  REQUIRE(strcmp(checksum, data->checksum) == 0, STATUS_FILE, "%s is other data now", data->path);
  char *text;
  TRY(config_text(set->config, &text));
  const enum status parsed = config_parse(data->path, text, strlen(text), NULL, 0, &data->config);
  free(text);
  TRY(parsed);
  const struct experiment *experiment = config_experiment(data->config);
  data->system = set->has_points ? experiment_density_name(experiment->density.name)
                                 : experiment_system_name(experiment->system.name);
  if (set->has_points) return STATUS_OK;
  data->sigma = experiment->data.noise;
  for (int i = 0; i < LADDER_COUNT; i++)
    TRY(dataset_ladder(set, ladder_name((enum ladder_rung)i), &data->ladder[i], &data->ladder_error[i]));
  return STATUS_OK;
}

static enum status look_at_data(struct run_facts *facts, const struct comm *self) {
  struct dataset set;
  TRY(trained_find_data(facts->data.file, facts->path, facts->data.path));
  TRY(dataset_open(self, facts->data.path, &set));
  const enum status status = read_data_set(facts, &set);
  dataset_close(&set);
  return status;
}

/* A run says enough without its data: what is wrong with them is noted. */
static void find_data(struct run_facts *facts, const struct comm *self) {
  struct run_data *data = &facts->data;
  data->system = "";
  data->sigma = data->dt = NAN;
  for (int i = 0; i < LADDER_COUNT; i++) data->ladder[i] = data->ladder_error[i] = NAN;
  if (look_at_data(facts, self) != STATUS_OK) {
    snprintf(data->problem, sizeof data->problem, "%.255s", status_message());
    data->path[0] = '\0';
    facts->has_protocol = false;
  }
  status_clear();
}

/* ---- All ---- */

static enum status read_run(struct run_facts *facts, struct record_reader *reader) {
  const struct store_file *file = &reader->file;
  facts->config = reader->config;
  reader->config = NULL;
  facts->kind = reader->shape.kind;
  describe(facts);
  TRY(read_head(facts, file));
  TRY(read_evaluations(facts, reader));
  TRY(read_reports(facts, reader));
  TRY(read_sessions(facts, file));
  TRY(record_read_verdict(file, &facts->verdict));
  TRY(record_find_start(file, "/start", &facts->start, &facts->has_start));
  TRY(record_find_start(file, "/origin", &facts->origin, &facts->has_origin));
  facts->complete =
      facts->reports == record_reports(facts->training) && facts->evaluations == record_evaluations(facts->training);
  return read_provenance(facts, file);
}

enum status run_facts_open(const char *path, struct run_facts *facts) {
  struct record_reader reader;
  struct comm self;
  *facts = (struct run_facts){.networks = 0};
  REQUIRE(strlen(path) < sizeof facts->path, STATUS_USAGE, "%.64s...: the name is too long", path);
  snprintf(facts->path, sizeof facts->path, "%s", path);
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = record_open(&self, path, &reader);
  if (status == STATUS_OK) {
    status = read_run(facts, &reader);
    record_reader_close(&reader);
  }
  if (status == STATUS_OK) find_data(facts, &self);
  comm_close(&self);
  if (status != STATUS_OK) run_facts_close(facts);
  return status;
}

void run_facts_close(struct run_facts *facts) {
  config_destroy(&facts->config);
  config_destroy(&facts->data.config);
  arena_free(&facts->arena);
  *facts = (struct run_facts){.networks = 0};
}

int run_facts_find_score(const struct run_facts *facts, const char *name) {
  for (int i = 0; i < facts->kind->scores; i++)
    if (strcmp(facts->kind->score[i].name, name) == 0) return i;
  return -1;
}

double run_facts_score_at(const struct run_facts *facts, enum split split, int64_t row, const char *name) {
  const int score = run_facts_find_score(facts, name);
  if (score < 0 || row < 0 || row >= facts->evaluations) return NAN;
  return facts->score[split][row * facts->kind->scores + score];
}

double run_facts_score(const struct run_facts *facts, enum split split, const char *name) {
  return run_facts_score_at(facts, split, facts->evaluations - 1, name);
}
