#include "analysis/analysis.h"

#include "analysis/columns.h"
#include "comm/reduce.h"
#include "train/hgn_evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 32, SURFACE_AXES = 64 };

/* ---- Numbers that all ranks need ---- */

/* Collective. Each number is set on one rank and zero, all bits, on the others; then on all. */
static enum status share(const struct comm *comm, double *values, int64_t count) {
  _Static_assert(sizeof(double) == sizeof(int64_t), "bits of numbers are added as integers");
  return reduce_sum(comm, (int64_t *)(void *)values, count);
}

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
  if (status == STATUS_OK) status = columns_scale(comm, first, latent->count, latent->values, deviation);
  for (int64_t c = 0; status == STATUS_OK && c < latent->values; c++) {
    between += deviation[c] * deviation[c];
    all += analysis->spectrum.variance[c];
  }
  analysis->between = all > 0 ? between / all : 0;
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

/* Collective. Of one state of each rollout, at a frame that differs from rollout to rollout; all ranks compute the
 * same. */
static enum status measure_dimension(const struct comm *comm, struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  const struct spectrum *spectrum = &analysis->spectrum;
  const int64_t points = latent->rollouts < ANALYSIS_POINTS ? latent->rollouts : ANALYSIS_POINTS,
                axes = spectrum->axes_999 < SURFACE_AXES ? spectrum->axes_999 : SURFACE_AXES;
  REQUIRE(spectrum->rank > 0, STATUS_UNAVAILABLE, "the latent states do not vary: the latent space has collapsed");
  struct arena arena = {.last = NULL};
  double *point = arena_array(&arena, points * axes, sizeof *point);
  enum status status = comm_agree(comm, arena_check(&arena, "states to find neighbours of"));
  for (int64_t i = 0; status == STATUS_OK && i < points; i++)
    place(analysis, i * latent->frames + i % latent->frames, axes, point + i * axes);
  if (status == STATUS_OK) status = share(comm, point, points * axes);
  if (status == STATUS_OK) status = comm_agree(comm, dimension_estimate(point, points, axes, &analysis->dimension));
  arena_free(&arena);
  return status;
}

/* ---- Energies ---- */

/* Collective. Both energies of all rollouts, on all ranks; each rank computes the same. */
static enum status measure_energy(const struct comm *comm, struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  const int64_t all = latent->rollouts * latent->frames, first = latent->first * latent->frames;
  REQUIRE(latent->joules, STATUS_UNAVAILABLE, "the true energy of these frames is not known");
  struct arena arena = {.last = NULL};
  double *learned = arena_array(&arena, all, sizeof *learned), *truth = arena_array(&arena, all, sizeof *truth);
  enum status status = comm_agree(comm, arena_check(&arena, "the energies of all rollouts"));
  if (status == STATUS_OK) {
    memcpy(learned + first, latent->energy, (size_t)latent->rows * sizeof *learned);
    memcpy(truth + first, latent->joules, (size_t)latent->rows * sizeof *truth);
    status = share(comm, learned, all);
  }
  if (status == STATUS_OK) status = share(comm, truth, all);
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
  TRY(share(comm, analysis->portrait, shown * latent->frames * 4));
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
  const enum status status =
      trained_evaluate(trained, corpus, named, analysis->latent.rollouts, &yardstick, &evaluation);
  if (status == STATUS_OK) {
    analysis->model_mse = evaluation.score[HGN_UNSEEN];
    analysis->model_error = evaluation.score[HGN_UNSEEN_ERROR];
  }
  evaluation_free(&evaluation);
  yardstick_free(&yardstick);
  return status;
}

/* ---- All of it ---- */

/* Collective. */
static enum status identify_run(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                                struct analysis *analysis) {
  const struct experiment *experiment = corpus->source.experiment;
  struct checksum sum = {{0, 0}};
  struct yardstick yardstick;
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
  snprintf(analysis->data_checksum, sizeof analysis->data_checksum, "%s", yardstick.checksum);
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
  TRY(latent_collect(comm, trained, corpus, options->rollouts, &analysis->latent));
  TRY(identify_run(comm, trained, corpus, analysis));
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
