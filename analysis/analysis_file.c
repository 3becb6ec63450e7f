#include "analysis/analysis_file.h"

#include "store/output.h"
#include "store/provenance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1, MISSING_MAX = 6 * (ANALYSIS_REASON_MAX + 32) };

static const struct store_place place = {.replaces = ANALYSIS_FORMAT, .damaged = true, .named_by_hgn = true};

enum status analysis_file_name(const char *run, bool best, char path[STORE_PATH_MAX]) {
  const int length =
      snprintf(path, STORE_PATH_MAX, "%.*s%s.analysis.h5", (int)output_stem(run), run, best ? ".best" : "");
  REQUIRE(length > 0 && length < STORE_PATH_MAX, STATUS_USAGE, "the path \"%s\" is too long", run);
  return STATUS_OK;
}

/* ---- One data set ---- */

/* A data set with its scales, "" where a dimension has none; data lies ready, row after row. */
struct entry {
  const char *name;
  enum store_type type;
  int rank;
  int64_t extent[3];
  const char *scale[3];
  const char *unit, *help;
  const void *data;
};

static enum status put(struct store_file *file, const struct entry *entry) {
  TRY(store_dataset(file, entry->name, entry->type, entry->rank, entry->extent, entry->unit, entry->help));
  for (int i = 0; i < entry->rank; i++)
    if (entry->scale[i]) TRY(store_attach(file, entry->name, i, entry->scale[i]));
  return store_write(file, entry->name, 0, entry->extent[0], entry->data);
}

static enum status put_all(struct store_file *file, const struct entry *entry, size_t count) {
  for (size_t i = 0; i < count; i++) TRY(put(file, &entry[i]));
  return STATUS_OK;
}

#define PUT_ALL(file, entries) put_all(file, entries, sizeof(entries) / sizeof *(entries))
#define NUMBER(name, unit, help, value)                                                                                \
  { name, STORE_F64, 1, {1}, {NULL}, unit, help, value }
#define WHOLE(name, help, value)                                                                                       \
  { name, STORE_I64, 1, {1}, {NULL}, NULL, help, value }

/* ---- Scales ---- */

static int64_t shown_axes(const struct spectrum *spectrum) {
  return spectrum->columns < IDENTIFY_AXES ? spectrum->columns : IDENTIFY_AXES;
}

static enum status put_count(struct store_file *file, const char *name, int64_t count, double first, const char *help) {
  double *value = malloc((size_t)count * sizeof *value);
  enum status status = comm_agree(file->comm, value ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int64_t i = 0; status == STATUS_OK && i < count; i++) value[i] = first + (double)i;
  if (status == STATUS_OK) status = store_scale(file, name, count, value, NULL, help);
  free(value);
  return status;
}

static enum status put_time(struct store_file *file, const char *name, int64_t frames, double start, double dt,
                            const char *help) {
  double *time = malloc((size_t)frames * sizeof *time);
  enum status status = comm_agree(file->comm, time ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int64_t t = 0; status == STATUS_OK && t < frames; t++) time[t] = start + dt * (double)t;
  if (status == STATUS_OK) status = store_scale(file, name, frames, time, "s", help);
  free(time);
  return status;
}

static enum status put_scales(struct store_file *file, const struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  TRY(put_time(file, "/time", latent->frames, latent->start, latent->dt, "time of each target frame"));
  TRY(put_count(file, "/order", REGRESSION_ORDERS, 1, "total order of a polynomial"));
  TRY(put_count(file, "/axis_shown", shown_axes(&analysis->spectrum), 1, "leading principal axes"));
  TRY(put_count(file, "/axis", latent->values, 1, "principal axes of the latent states, by falling variance"));
  if (latent->coordinates == 0) return STATUS_OK;
  const char *names[LATENT_TRUTH_MAX], *units[LATENT_TRUTH_MAX];
  for (int64_t i = 0; i < latent->coordinates; i++) {
    names[i] = latent->coordinate[i].name;
    units[i] = latent->coordinate[i].unit ? latent->coordinate[i].unit : "";
  }
  TRY(store_texts(file, "/coordinate_unit", latent->coordinates, units, NULL,
                  "unit of each coordinate of the true phase space; empty: it has none"));
  return store_texts(file, "/coordinate", latent->coordinates, names, NULL,
                     "coordinates of the true phase space: positions, then momenta");
}

/* ---- The parts ---- */

static enum status put_spectrum(struct store_file *file, const struct analysis *analysis) {
  const struct spectrum *spectrum = &analysis->spectrum;
  const int64_t columns = spectrum->columns, shown = shown_axes(spectrum);
  const struct entry entries[] = {
      {"/spectrum/variance",
       STORE_F64,
       1,
       {columns},
       {"/axis"},
       NULL,
       "variance of the latent states along each principal axis",
       spectrum->variance},
      {"/spectrum/mean", STORE_F64, 1, {columns}, {NULL}, NULL, "mean latent state: q, then p", spectrum->mean},
      {"/spectrum/axes",
       STORE_F64,
       2,
       {shown, columns},
       {"/axis_shown", NULL},
       NULL,
       "[axis][number of the state]: the leading principal axes, of length 1",
       spectrum->axes},
      NUMBER("/spectrum/difference", NULL,
             "largest difference between variances from pdsyevd and from pdgesvd, over the largest variance",
             &spectrum->difference),
      NUMBER("/spectrum/angle", "rad", "largest angle between the leading axes found by pdsyevd and by pdgesvd",
             &spectrum->angle)};
  return PUT_ALL(file, entries);
}

static enum status put_dimension(struct store_file *file, const struct analysis *analysis) {
  const struct spectrum *spectrum = &analysis->spectrum;
  const int64_t truth = 2 * analysis->latent.freedom;
  const double surface[] = {analysis->dimension.dimension, analysis->dimension.error},
               truth_surface[] = {analysis->true_dimension.dimension, analysis->true_dimension.error};
  const struct entry entries[] = {
      WHOLE("/dimension/phase_space", "dimensions of the true phase space, twice the degrees of freedom; 0: not known",
            &truth),
      WHOLE("/dimension/rank", "principal axes whose variance is above rounding", &spectrum->rank),
      WHOLE("/dimension/axes_90", "leading axes that hold 90% of the variance", &spectrum->axes_90),
      WHOLE("/dimension/axes_99", "leading axes that hold 99% of the variance", &spectrum->axes_99),
      WHOLE("/dimension/axes_999", "leading axes that hold 99.9% of the variance", &spectrum->axes_999),
      NUMBER("/dimension/participation", NULL, "participation ratio: (sum of variances)^2 / sum of their squares",
             &spectrum->participation),
      NUMBER("/dimension/between", NULL,
             "variance of the first target's latent state over rollouts, over that of all states; near 0: collapsed",
             &analysis->between),
      {"/dimension/surface",
       STORE_F64,
       1,
       {2},
       {NULL},
       NULL,
       "dimension of the surface that latent states lie on, by two nearest neighbours; its standard error",
       surface},
      {"/dimension/true_surface",
       STORE_F64,
       1,
       {2},
       {NULL},
       NULL,
       "dimension of the surface that true states lie on, by two nearest neighbours; its standard error; 0: not known",
       truth_surface}};
  const size_t count = sizeof entries / sizeof *entries - (analysis->no_dimension.text[0] ? 2 : 0);
  return put_all(file, entries, count);
}

/* outputs of a direction, on the scale `scale` where they fill it. */
static enum status put_direction(struct store_file *file, const char *group, const struct identification *found,
                                 const char *scale, const char *help) {
  int64_t axes[REGRESSION_ORDERS], features[REGRESSION_ORDERS];
  char name[5][64];
  double *r2 = malloc((size_t)(REGRESSION_ORDERS * found->outputs) * sizeof *r2);
  enum status status = comm_agree(file->comm, r2 ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int o = 0; status == STATUS_OK && o < REGRESSION_ORDERS; o++) {
    axes[o] = found->fit[o].inputs;
    features[o] = found->fit[o].features;
    for (int64_t i = 0; i < found->outputs; i++) r2[o * found->outputs + i] = axes[o] ? found->r2[o][i] : (double)NAN;
  }
  static const char *const member[] = {"r2", "mean", "inputs", "features", "ridge"};
  for (int i = 0; i < 5; i++) snprintf(name[i], sizeof name[i], "/%s/%s", group, member[i]);
  const struct entry entries[] = {
      {name[0], STORE_F64, 2, {REGRESSION_ORDERS, found->outputs}, {"/order", scale}, NULL, help, r2},
      {name[1],
       STORE_F64,
       1,
       {REGRESSION_ORDERS},
       {"/order"},
       NULL,
       "mean R2 of what is given; of axes weighted by their variance; NaN: the order was not reached",
       found->mean},
      {name[2],
       STORE_I64,
       1,
       {REGRESSION_ORDERS},
       {"/order"},
       NULL,
       "variables of the polynomial; 0: the order was not reached",
       axes},
      {name[3], STORE_I64, 1, {REGRESSION_ORDERS}, {"/order"}, NULL, "terms of the polynomial", features},
      {name[4],
       STORE_F64,
       1,
       {REGRESSION_ORDERS},
       {"/order"},
       NULL,
       "share of the squares of coefficients in what is minimised: of four the best on the rollouts not fitted",
       found->ridge}};
  if (status == STATUS_OK) status = PUT_ALL(file, entries);
  free(r2);
  return status;
}

static enum status put_identify(struct store_file *file, const struct analysis *analysis) {
  const struct identify *identify = &analysis->identify;
  if (analysis->no_identify.text[0]) return STATUS_OK;
  TRY(put_direction(
      file, "to_truth", &identify->to_truth, "/coordinate",
      "[order][coordinate]: R2 of the true coordinate, from a polynomial of the leading axes, on rollouts "
      "that were not fitted"));
  const struct entry entries[] = {
      {"/to_truth/map",
       STORE_F64,
       2,
       {analysis->latent.coordinates, analysis->latent.values},
       {"/coordinate", NULL},
       NULL,
       "[coordinate][number of the state]: the linear map from the latent state to the true one, both less their means",
       identify->map},
      NUMBER("/to_truth/deviation", NULL,
             "deviation of the map M of /to_truth/map from a symplectic one: least of |M J M^T - c J|^2 / |M J M^T|^2 "
             "over c; NaN: of one degree of freedom, where all are, or of sines and cosines",
             &identify->deviation)};
  TRY(PUT_ALL(file, entries));
  return put_direction(file, "from_truth", &identify->from_truth, NULL,
                       "[order][axis]: R2 of the place along a leading axis of the latent space, from a polynomial of "
                       "the true coordinates, on rollouts that were not fitted");
}

static enum status put_symplectic(struct store_file *file, const struct analysis *analysis) {
  const struct symplectic *symplectic = &analysis->symplectic;
  const int64_t batches = symplectic->batches, masked = symplectic->masked;
  double r2[SYMPLECTIC_BATCHES], deviation[SYMPLECTIC_BATCHES];
  int64_t order[SYMPLECTIC_BATCHES], kept[SYMPLECTIC_BATCHES];
  if (analysis->no_symplectic.text[0]) return STATUS_OK;
  for (int64_t i = 0; i < batches; i++) {
    r2[i] = symplectic->outcome[i].r2;
    deviation[i] = symplectic->outcome[i].symplecticity;
    order[i] = symplectic->outcome[i].order;
    kept[i] = symplectic->outcome[i].kept;
  }
  TRY(put_count(file, "/batch", batches, 0, "batches of five test rollouts"));
  const struct entry entries[] = {
      NUMBER("/symplectic/share", NULL, "SyMetric: the share of batches whose map to the phase space is symplectic",
             &symplectic->share),
      WHOLE("/symplectic/masked", "1: numbers of large posterior variance were left out; 0: none were", &masked),
      {"/symplectic/r2",
       STORE_F64,
       1,
       {batches},
       {"/batch"},
       NULL,
       "R2 of the map from the latent state to the truth",
       r2},
      {"/symplectic/deviation",
       STORE_F64,
       1,
       {batches},
       {"/batch"},
       NULL,
       "mean square deviation of the map's Jacobian from a symplectic one, up to scale",
       deviation},
      {"/symplectic/order", STORE_I64, 1, {batches}, {"/batch"}, NULL, "order of the polynomial map", order},
      {"/symplectic/latents", STORE_I64, 1, {batches}, {"/batch"}, NULL, "numbers of the state that were used", kept}};
  return PUT_ALL(file, entries);
}

static enum status put_energy(struct store_file *file, const struct analysis *analysis) {
  const struct relation *energy = &analysis->energy;
  const struct entry entries[] = {
      NUMBER("/energy/rank_correlation", NULL,
             "rank correlation of the learned H with the true energy, over rollouts (Spearman)", &energy->spearman),
      NUMBER("/energy/correlation", NULL,
             "linear correlation of the learned H with the true energy, over rollouts (Pearson)", &energy->pearson),
      NUMBER("/energy/slope", "1/J", "slope of the learned H over the true energy, by least squares", &energy->slope),
      NUMBER("/energy/drift", NULL, "standard deviation of the learned H along a rollout, over that between rollouts",
             &energy->learned_drift),
      NUMBER("/energy/true_drift", NULL,
             "standard deviation of the true energy along a rollout, over that between rollouts", &energy->true_drift)};
  return analysis->no_energy.text[0] ? STATUS_OK : PUT_ALL(file, entries);
}

static enum status put_linear(struct store_file *file, const struct analysis *analysis) {
  const struct linear_model *linear = &analysis->linear;
  const int64_t modes = linear->modes;
  const double mse[] = {linear->mse, linear->error}, model[] = {analysis->model_mse, analysis->model_error};
  if (analysis->no_linear.text[0]) return STATUS_OK;
  double *value = malloc((size_t)modes * 2 * sizeof *value);
  enum status status = comm_agree(file->comm, value ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory"));
  for (int64_t i = 0; status == STATUS_OK && i < modes; i++) {
    value[i] = linear_model_frequency(linear, i, analysis->latent.dt);
    value[modes + i] = linear_model_growth(linear, i, analysis->latent.dt);
  }
  if (status == STATUS_OK)
    status = put_time(file, "/frame_time", linear->frames, 0, analysis->latent.dt, "time of each frame of a rollout");
  if (status == STATUS_OK)
    status = put_count(file, "/mode", modes, 1, "modes of the linear model, the least damped first");
  const struct entry entries[] = {
      {"/linear/eigenvalue",
       STORE_F64,
       2,
       {modes, 2},
       {"/mode", NULL},
       NULL,
       "[mode][real, imaginary part]: eigenvalues of the step from frame to frame",
       linear->eigenvalue},
      {"/linear/frequency", STORE_F64, 1, {modes}, {"/mode"}, "rad/s", "angular frequency of each mode", value},
      {"/linear/growth", STORE_F64, 1, {modes}, {"/mode"}, "1/s", "rate at which each mode grows", value + modes},
      {"/linear/by_frame",
       STORE_F64,
       1,
       {linear->frames},
       {"/frame_time"},
       NULL,
       "pixel MSE of the linear model by frame of a rollout, from 0; of frames that it sees that of its components",
       linear->by_frame},
      {"/linear/mse",
       STORE_F64,
       1,
       {2},
       {NULL},
       NULL,
       "pixel MSE of the linear model on frames that it has not seen; its standard error",
       mse},
      {"/linear/model_mse",
       STORE_F64,
       1,
       {2},
       {NULL},
       NULL,
       "pixel MSE of the analysed model on frames that it has not seen; its standard error; NaN: none such",
       model},
      NUMBER("/linear/mean_image", NULL, "pixel MSE of the mean training frame on the frames that are not seen",
             &linear->mean_image),
      NUMBER("/linear/reconstruction", NULL, "pixel MSE of test frames in the principal components of frames",
             &linear->reconstruction),
      WHOLE("/linear/seen", "frames that the linear model sees", &linear->seen),
      WHOLE("/linear/components", "principal components of frames that it works on", &linear->components)};
  if (status == STATUS_OK) status = PUT_ALL(file, entries);
  free(value);
  return status;
}

static enum status put_portrait(struct store_file *file, const struct analysis *analysis) {
  const int64_t count = analysis->portraits;
  double rollout[ANALYSIS_PORTRAITS];
  if (count == 0) return STATUS_OK;
  for (int64_t i = 0; i < count; i++) rollout[i] = (double)(i * analysis->latent.rollouts / count);
  TRY(store_scale(file, "/portrait/rollout", count, rollout, NULL, "test rollouts that are shown"));
  const struct entry entry = {
      "/portrait/planes",
      STORE_F64,
      3,
      {count, analysis->latent.frames, 4},
      {"/portrait/rollout", "/time", NULL},
      NULL,
      "[rollout][frame][4]: place along the two leading axes of the latent space; the first true coordinate and its "
      "momentum, NaN where not known",
      analysis->portrait};
  return put(file, &entry);
}

static enum status put_missing(struct store_file *file, const struct analysis *analysis) {
  const struct {
    const char *part;
    const struct analysis_reason *reason;
  } parts[] = {{"dimension/surface", &analysis->no_dimension},
               {"to_truth, from_truth", &analysis->no_identify},
               {"symplectic", &analysis->no_symplectic},
               {"energy", &analysis->no_energy},
               {"linear", &analysis->no_linear}};
  char text[MISSING_MAX] = "";
  size_t used = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i].reason->text[0])
      used += (size_t)snprintf(text + used, sizeof text - used, "%s: %s\n", parts[i].part, parts[i].reason->text);
  return store_text(file, "/missing", text, used ? 0 : 1);
}

static enum status fill(struct store_file *file, const struct analysis *analysis) {
  const int64_t grid[] = {analysis->grid_rows, analysis->grid_columns};
  const struct entry entries[] = {
      WHOLE("/step", "steps that the model was trained for", &analysis->step),
      {"/grid", STORE_I64, 1, {2}, {NULL}, NULL, "rows and columns of the grid of ranks", grid}};
  TRY(store_attribute_text(file, "format", ANALYSIS_FORMAT));
  TRY(store_attribute_i64(file, "schema_version", SCHEMA));
  TRY(store_text(file, "/run", analysis->run, 0));
  TRY(store_text(file, "/data", analysis->data, 0));
  TRY(store_text(file, "/run_checksum", analysis->run_checksum, 0));
  TRY(store_text(file, "/data_checksum", analysis->data_checksum, 0));
  TRY(put_missing(file, analysis));
  TRY(provenance_write(file));
  TRY(PUT_ALL(file, entries));
  TRY(put_scales(file, analysis));
  TRY(put_spectrum(file, analysis));
  TRY(put_dimension(file, analysis));
  TRY(put_identify(file, analysis));
  TRY(put_symplectic(file, analysis));
  TRY(put_energy(file, analysis));
  TRY(put_linear(file, analysis));
  TRY(put_portrait(file, analysis));
  return store_commit(file);
}

/* By the root alone. analysis NULL: a file is begun and given up, to see that it can be. */
static enum status write_alone(const char *path, const struct analysis *analysis) {
  struct comm self = {.size = 0};
  struct store_file file;
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = store_create_at(&self, path, &place, &file);
  if (status == STATUS_OK) {
    if (analysis) status = fill(&file, analysis);
    store_close(&file);
  }
  comm_close(&self);
  return status;
}

enum status analysis_file_check(const struct comm *comm, const char *path) {
  return comm_agree(comm, comm->rank == 0 ? write_alone(path, NULL) : STATUS_OK);
}

enum status analysis_file_write(const struct comm *comm, const char *path, const struct analysis *analysis) {
  return comm_agree(comm, comm->rank == 0 ? write_alone(path, analysis) : STATUS_OK);
}
