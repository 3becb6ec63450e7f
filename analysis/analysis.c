#include "analysis/analysis.h"

#include "analysis/columns.h"
#include "comm/reduce.h"
#include "train/hgn_evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 32, SURFACE_AXES = 64 };

/* A part that is not available is left out with its reason; anything else ends all. */
static enum status excuse(enum status status, struct analysis_reason *reason) {
  if (status != STATUS_UNAVAILABLE) return status;
  snprintf(reason->text, sizeof reason->text, "%s", status_message());
  status_clear();
  return STATUS_OK;
}

/* Collective. A posterior that has collapsed onto its prior gives all rollouts the same state. */
static enum status measure_between(const struct comm *comm, struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  struct arena arena = {.last = NULL};
  double *first = arena_array(&arena, latent->values * latent->count, sizeof *first),
         *mean = arena_array(&arena, latent->values, sizeof *mean),
         *deviation = arena_array(&arena, latent->values, sizeof *deviation), all = 0, between = 0;
  enum status status = comm_agree(comm, arena_check(&arena, "the first latent states"));
  if (status == STATUS_OK) {
    for (int64_t c = 0; c < latent->values; c++)
      for (int64_t r = 0; r < latent->count; r++)
        first[c * latent->count + r] = latent->state[c * latent->rows + r * latent->frames];
    status = columns_center(comm, first, latent->count, latent->values, mean);
  }
  if (status == STATUS_OK) status = columns_scale(comm, first, latent->count, latent->values, mean, deviation);
  for (int64_t c = 0; status == STATUS_OK && c < latent->values; c++) {
    between += deviation[c] * deviation[c];
    all += analysis->spectrum.variance[c];
  }
  analysis->between = latent->rollouts > 1 ? (all > 0 ? between / all : 0) : (double)NAN;
  arena_free(&arena);
  return status;
}

/* ---- The surface that states lie on ---- */

/* Row `row` of all ranks' rows, if it is of this rank, along the leading axes, in the states' own units. */
static void place(const struct analysis *analysis, int64_t row, int64_t axes, double *to) {
  const struct latent *latent = &analysis->latent;
  const struct spectrum *spectrum = &analysis->spectrum;
  const int64_t here = row - latent->first * latent->frames;
  if (here < 0 || here >= latent->rows) return;
  for (int64_t a = 0; a < axes; a++) {
    const double *axis = spectrum->axes + a * spectrum->columns;
    double sum = 0;
    for (int64_t c = 0; c < latent->values; c++) sum += axis[c] * latent->state[c * latent->rows + here];
    to[a] = sum;
  }
}

/* The true state of a row of this rank, each coordinate over its range, so that none counts more than others. */
static void place_truth(const struct latent *latent, const double *scale, int64_t row, double *to) {
  const int64_t here = row - latent->first * latent->frames;
  if (here < 0 || here >= latent->rows) return;
  for (int64_t c = 0; c < latent->coordinates; c++) to[c] = latent->truth[c * latent->rows + here] / scale[c];
}

/* Collective. The largest size of each true coordinate. */
static enum status measure_scale(const struct comm *comm, const struct latent *latent, double *scale) {
  int64_t bits[LATENT_TRUTH_MAX] = {0}; /* of numbers that are not negative, in whose order they are */
  for (int64_t c = 0; c < latent->coordinates; c++) {
    double largest = 0;
    for (int64_t r = 0; r < latent->rows; r++) largest = fmax(largest, fabs(latent->truth[c * latent->rows + r]));
    memcpy(&bits[c], &largest, sizeof largest);
  }
  TRY(reduce_max(comm, bits, latent->coordinates));
  for (int64_t c = 0; c < latent->coordinates; c++) {
    memcpy(&scale[c], &bits[c], sizeof *scale);
    if (!(scale[c] > 0)) scale[c] = 1;
  }
  return STATUS_OK;
}

/* Collective. Of one state of each rollout, at a frame that differs from rollout to rollout, and of the true states
 * there, for which the same estimate has the same bias; all ranks compute the same. */
static enum status measure_dimension(const struct comm *comm, struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  const struct spectrum *spectrum = &analysis->spectrum;
  const int64_t points = latent->rollouts < ANALYSIS_POINTS ? latent->rollouts : ANALYSIS_POINTS,
                axes = spectrum->axes_999 < SURFACE_AXES ? spectrum->axes_999 : SURFACE_AXES;
  double scale[LATENT_TRUTH_MAX];
  REQUIRE(spectrum->rank > 0, STATUS_UNAVAILABLE, "the latent states do not vary: the latent space has collapsed");
  if (latent->truth) TRY(measure_scale(comm, latent, scale));
  struct arena arena = {.last = NULL};
  double *point = arena_array(&arena, points * axes, sizeof *point),
         *truth = arena_array(&arena, points * latent->coordinates, sizeof *truth);
  enum status status = comm_agree(comm, arena_check(&arena, "states to find neighbours of"));
  for (int64_t i = 0; status == STATUS_OK && i < points; i++) {
    const int64_t row = i * latent->frames + i % latent->frames;
    place(analysis, row, axes, point + i * axes);
    if (latent->truth) place_truth(latent, scale, row, truth + i * latent->coordinates);
  }
  if (status == STATUS_OK) status = reduce_place(comm, point, points * axes);
  if (status == STATUS_OK) status = reduce_place(comm, truth, points * latent->coordinates);
  if (status == STATUS_OK) status = comm_agree(comm, dimension_estimate(point, points, axes, &analysis->dimension));
  if (status == STATUS_OK && latent->truth)
    status = comm_agree(comm, dimension_estimate(truth, points, latent->coordinates, &analysis->true_dimension));
  arena_free(&arena);
  return status;
}

/* ---- Energies ---- */

/* Collective. Both energies of all rollouts, on all ranks; each rank computes the same. */
static enum status measure_energy(const struct comm *comm, struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  const int64_t all = latent->rollouts * latent->frames, first = latent->first * latent->frames;
  REQUIRE(latent->joules, STATUS_UNAVAILABLE, "the true energy of these frames is not known");
  REQUIRE(latent->rollouts > 2, STATUS_UNAVAILABLE, "it takes more than %lld rollouts to correlate energies",
          (long long)latent->rollouts);
  struct arena arena = {.last = NULL};
  double *learned = arena_array(&arena, all, sizeof *learned), *truth = arena_array(&arena, all, sizeof *truth);
  enum status status = comm_agree(comm, arena_check(&arena, "the energies of all rollouts"));
  if (status == STATUS_OK) {
    memcpy(learned + first, latent->energy, (size_t)latent->rows * sizeof *learned);
    memcpy(truth + first, latent->joules, (size_t)latent->rows * sizeof *truth);
    status = reduce_place(comm, learned, all);
  }
  if (status == STATUS_OK) status = reduce_place(comm, truth, all);
  if (status == STATUS_OK)
    status = comm_agree(comm, relation_measure(learned, truth, latent->rollouts, latent->frames, &analysis->energy));
  arena_free(&arena);
  return status;
}

/* ---- Portraits ---- */

/* Collective. Rollouts spread evenly over all. */
static enum status keep_portraits(const struct comm *comm, struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  const int64_t shown = latent->rollouts < ANALYSIS_PORTRAITS ? latent->rollouts : ANALYSIS_PORTRAITS;
  if (analysis->spectrum.rank == 0) return STATUS_OK;
  analysis->portrait = arena_array(&analysis->arena, shown * latent->frames * 4, sizeof(double));
  TRY(comm_agree(comm, arena_check(&analysis->arena, "phase portraits")));
  for (int64_t i = 0; i < shown * latent->frames; i++) {
    const int64_t row = i / latent->frames * latent->rollouts / shown * latent->frames + i % latent->frames,
                  here = row - latent->first * latent->frames;
    double *at = analysis->portrait + 4 * i;
    place(analysis, row, analysis->spectrum.rank < 2 ? 1 : 2, at);
    if (!latent->truth || here < 0 || here >= latent->rows) continue;
    at[2] = latent->truth[here];
    at[3] = latent->truth[(latent->coordinates - latent->freedom) * latent->rows + here];
  }
  TRY(reduce_place(comm, analysis->portrait, shown * latent->frames * 4));
  for (int64_t i = 0; !latent->truth && i < shown * latent->frames; i++)
    analysis->portrait[4 * i + 2] = analysis->portrait[4 * i + 3] = NAN;
  analysis->portraits = shown;
  return STATUS_OK;
}

/* ---- The linear model ---- */

/* Collective. A model that sees the first frames and predicts the others is compared on the same frames. */
static enum status measure_linear(struct grid *grid, struct trained *trained, struct corpus *corpus, bool named,
                                  struct analysis *analysis) {
  const struct protocol *protocol = &trained->learner.protocol;
  const bool predicts = protocol->input_first == 0 && protocol->input_count < corpus->data.frames &&
                        protocol->target_first + protocol->target_count == corpus->data.frames;
  struct yardstick yardstick;
  struct evaluation evaluation;
  analysis->model_mse = analysis->model_error = NAN;
  TRY(linear_model_measure(grid, corpus, predicts ? protocol->input_count : 0, analysis->latent.rollouts,
                           &analysis->linear));
  if (!predicts) return STATUS_OK;
  enum status status = trained_evaluate(trained, corpus, named, analysis->latent.rollouts, &yardstick, &evaluation);
  if (status == STATUS_OK) status = trained_check_finite(trained, &evaluation);
  if (status == STATUS_OK) {
    analysis->model_mse = evaluation.score[HGN_UNSEEN];
    analysis->model_error = evaluation.score[HGN_UNSEEN_ERROR];
  }
  evaluation_free(&evaluation);
  yardstick_free(&yardstick);
  return status;
}

/* ---- All of it ---- */

/* Collective. Data that nobody has named are those of the training, or refused. */
static enum status identify_run(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                                bool named, struct analysis *analysis) {
  const struct experiment *experiment = corpus->source.experiment;
  struct checksum sum = {{0, 0}};
  struct yardstick yardstick = {.attained = NULL};
  snprintf(analysis->run, sizeof analysis->run, "%s", trained->path);
  snprintf(analysis->data, sizeof analysis->data, "%s", corpus->data.file.path);
  if (experiment) snprintf(analysis->system, sizeof analysis->system, "%s", system_get(experiment->system.name)->name);
  checksum_add(&sum, checksum_tag("parameters"), 0, trained->learner.parameters,
               (size_t)layout_values(trained->learner.layout) * sizeof(float));
  checksum_text(&sum, analysis->run_checksum);
  analysis->step = trained->step;
  analysis->ranks = comm->size;
  enum status status = corpus_yardstick(corpus, &trained->learner.protocol, &yardstick);
  if (status == STATUS_OK) status = corpus_measure(corpus, &yardstick);
  if (status == STATUS_OK && !named) status = trained_check_data(trained, &corpus->data, yardstick.checksum);
  memcpy(analysis->data_checksum, yardstick.checksum, sizeof analysis->data_checksum);
  yardstick_free(&yardstick);
  return status;
}

/* Collective. The parts, over a grid. */
static enum status measure_parts(const struct comm *comm, struct grid *grid, struct trained *trained,
                                 struct corpus *corpus, bool named, struct analysis *a) {
  TRY(spectrum_measure(grid, a->latent.state, a->latent.rows, a->latent.values, &a->spectrum));
  TRY(measure_between(comm, a));
  TRY(excuse(measure_dimension(comm, a), &a->no_dimension));
  TRY(keep_portraits(comm, a));
  TRY(excuse(identify_measure(grid, &a->latent, &a->spectrum, &a->identify), &a->no_identify));
  TRY(excuse(measure_energy(comm, a), &a->no_energy));
  TRY(excuse(symplectic_measure(comm, trained, corpus, a->latent.rollouts, &a->symplectic), &a->no_symplectic));
  return excuse(measure_linear(grid, trained, corpus, named, a), &a->no_linear);
}

enum status analysis_measure(const struct comm *comm, struct trained *trained, struct corpus *corpus, bool named,
                             const struct analysis_options *options, struct analysis *analysis) {
  struct grid grid;
  *analysis = (struct analysis){.step = 0};
  TRY(identify_run(comm, trained, corpus, named, analysis));
  TRY(latent_collect(comm, trained, corpus, options->rollouts, &analysis->latent));
  TRY(grid_open(comm, BLOCK, options->memory, &grid));
  analysis->grid_rows = grid.rows;
  analysis->grid_columns = grid.columns;
  const enum status status = measure_parts(comm, &grid, trained, corpus, named, analysis);
  grid_close(&grid);
  return status;
}

void analysis_free(struct analysis *analysis) {
  latent_free(&analysis->latent);
  spectrum_free(&analysis->spectrum);
  identify_free(&analysis->identify);
  linear_model_free(&analysis->linear);
  arena_free(&analysis->arena);
}
