#include "train/density_board.h"

#include "base/arena.h"
#include "base/elementary.h"
#include "physics/target.h"
#include "store/field_board.h"
#include "train/density.h"
#include "train/density_judge.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  DRAWS = 20000, /* of histograms */
  LINES = 150,   /* draws whose way is drawn */
  SAMPLES = 64,  /* importance samples of a point of the learned density */
};
static const double MARGIN = 3.5; /* standard deviations around a mean that are shown */

/* ---- The density that is known, and points ---- */

/* The plane that is shown: the box of a known density, else where points are. */
static void choose_plane(const struct target *target, const double *x, int64_t count, int64_t dimension,
                         double lower[2], double upper[2]) {
  double box[2][TARGET_DIMENSION_MAX];
  for (int k = 0; k < 2; k++) {
    const int64_t at = k;
    double mean = 0, square = 0;
    lower[k] = -1;
    upper[k] = 1;
    if (k >= dimension) continue; /* points of one number lie on a line */
    for (int64_t i = 0; i < count; i++) mean += x[i * dimension + at] / (double)count;
    for (int64_t i = 0; i < count; i++) {
      const double off = x[i * dimension + at] - mean;
      square += off * off / (double)count;
    }
    const double reach = square > 0 ? MARGIN * sqrt(square) : 1;
    lower[k] = mean - reach;
    upper[k] = mean + reach;
  }
  if (!target || dimension != 2) return;
  target_box(target, box[0], box[1]);
  for (int k = 0; k < 2; k++) {
    lower[k] = box[0][k];
    upper[k] = box[1][k];
  }
}

static void count_points(struct field *field, const double *x, int64_t count, int64_t dimension) {
  for (int64_t i = 0; i < count; i++)
    field_count(field, (const double[2]){x[i * dimension], dimension > 1 ? x[i * dimension + 1] : 0});
}

static void fill_target(struct field *field, const struct target *target) {
  for (int64_t i = 0; i < FIELD_VALUES; i++) {
    double point[2];
    field_point(field, i, point);
    field->value[i] = elementary_exp(target_log_density(target, point));
  }
}

/* Points of a split, at most DRAWS of them. */
static enum status read_points(const struct dataset *data, enum split split, struct arena *arena, double **x,
                               int64_t *count) {
  const int64_t all = data->rollouts[split];
  *count = all < DRAWS ? all : DRAWS;
  *x = arena_array(arena, *count * data->coordinates, sizeof **x);
  TRY(arena_check(arena, "points"));
  return dataset_read_points(data, split, 0, *count, *x, NULL);
}

static enum status open_target(const struct dataset *data, struct target **target) {
  *target = NULL;
  return data->config ? target_open(config_experiment(data->config), target) : STATUS_OK;
}

static void name_data(const struct dataset *data, char *text, size_t size) {
  snprintf(text, size, "%s",
           data->config ? experiment_density_name(config_experiment(data->config)->density.name) : "points");
}

static enum status draw_data(const struct dataset *data, enum split split, struct field_board *board,
                             struct arena *arena) {
  struct target *target;
  struct field *field;
  double *x, lower[2], upper[2];
  char name[64];
  int64_t count;
  TRY(open_target(data, &target));
  enum status status = read_points(data, split, arena, &x, &count);
  const bool known = target && data->coordinates == 2;
  board->rows = 1;
  board->columns = known ? 2 : 1;
  name_data(data, name, sizeof name);
  if (status == STATUS_OK) {
    choose_plane(target, x, count, data->coordinates, lower, upper);
    snprintf(board->title, sizeof board->title, "%s: %lld %s points of %lld numbers", name,
             (long long)data->rollouts[split], split_name[split], (long long)data->coordinates);
    status = field_open(board, 0, board->columns - 1, "points", FIELD_DENSITY, lower, upper, &field);
  }
  if (status == STATUS_OK) count_points(field, x, count, data->coordinates);
  if (status == STATUS_OK && known) status = field_open(board, 0, 0, "density", FIELD_DENSITY, lower, upper, &field);
  if (status == STATUS_OK && known) fill_target(field, target);
  target_close(&target);
  return status;
}

enum status density_board_data(const struct dataset *data, enum split split, const char *output) {
  struct field_board board = {.rows = 0};
  struct arena arena = {0};
  enum status status = draw_data(data, split, &board, &arena);
  if (status == STATUS_OK) status = field_board_write(&board, output);
  field_board_free(&board);
  arena_free(&arena);
  return status;
}

/* ---- A model ---- */

struct show {
  const struct trained *trained;
  const struct point_model *model;
  struct comm self; /* this process alone */
  struct density_judge judge;
  struct target *target; /* NULL: not known */
  struct arena arena;    /* of the next */
  double *data;          /* [data_count][D]: points of the test split */
  double *q, *p;         /* [DRAWS][D]: draws, where they have come to on their way */
  float *row[2];         /* [DENSITY_ROWS][D]: q and p of some */
  int64_t data_count, dimension;
  double lower[2], upper[2]; /* of the plane of points */
  struct field_board board;
};

/* The learned density on the plane of points of two numbers. */
static enum status fill_learned(struct show *show, struct field *field) {
  struct density_points points;
  enum status status = density_points_create(FIELD_VALUES / EVALUATION_GROUP, 2, &points);
  points.purpose = RNG_GRID;
  points.seed = show->trained->learner.seed;
  for (int64_t i = 0; i < FIELD_VALUES && status == STATUS_OK; i++) {
    points.number[i] = (uint64_t)i;
    points.weight[i] = 1;
    field_point(field, i, points.x + 2 * i);
  }
  if (status == STATUS_OK) status = density_judge_points(&show->self, &show->judge, SAMPLES, 0, &points);
  for (int64_t i = 0; i < FIELD_VALUES && status == STATUS_OK; i++)
    field->value[i] = elementary_exp(points.likelihood[i]);
  density_points_free(&points);
  return status;
}

static enum status check_draws(const struct show *show) {
  for (int64_t i = 0; i < DRAWS * show->dimension; i++)
    REQUIRE(isfinite(show->q[i]), STATUS_NUMERIC, "%s: draw %lld is not finite", show->trained->path,
            (long long)(i / show->dimension));
  return STATUS_OK;
}

static double largest_of(const struct field *field) {
  double largest = 0;
  for (int i = 0; i < FIELD_VALUES; i++) largest = fmax(largest, field->value[i]);
  return largest;
}

static enum status add_densities(struct show *show, const struct dataset *data) {
  struct field *field;
  const bool plane = show->dimension == 2, known = show->target && plane;
  TRY(field_open(&show->board, 0, 0, known ? "density" : "test points", FIELD_DENSITY, show->lower, show->upper,
                 &field));
  if (known)
    fill_target(field, show->target);
  else
    count_points(field, show->data, show->data_count, data->coordinates);
  TRY(field_open(&show->board, 0, 1, "draws of the model", FIELD_DENSITY, show->lower, show->upper, &field));
  count_points(field, show->q, DRAWS, show->dimension);
  if (!plane) return STATUS_OK;
  TRY(field_open(&show->board, 0, 2, "learned density", FIELD_DENSITY, show->lower, show->upper, &field));
  if (known) field->darkest = largest_of(&show->board.field[0][0]); /* both on one scale */
  return fill_learned(show, field);
}

/* Hamiltonian i at points of the plane, all other numbers 0. */
static enum status fill_energy(struct show *show, int64_t i, bool kinetic, struct field *field) {
  double v[DENSITY_ROWS], k[DENSITY_ROWS];
  const int64_t dimension = show->dimension;
  for (int64_t at = 0; at < FIELD_VALUES; at += DENSITY_ROWS) {
    memset(show->row[0], 0, (size_t)(DENSITY_ROWS * dimension) * sizeof(float));
    memset(show->row[1], 0, (size_t)(DENSITY_ROWS * dimension) * sizeof(float));
    const int64_t now = FIELD_VALUES - at < DENSITY_ROWS ? FIELD_VALUES - at : DENSITY_ROWS;
    for (int64_t row = 0; row < now; row++) {
      double point[2];
      field_point(field, at + row, point);
      for (int64_t c = 0; c < 2 && c < dimension; c++) show->row[kinetic][row * dimension + c] = (float)point[c];
    }
    TRY(point_pass_energy(show->judge.pass, i, show->row[0], show->row[1], v, k));
    memcpy(field->value + at, kinetic ? k : v, (size_t)now * sizeof *v);
  }
  return STATUS_OK;
}

/* All draws along Hamiltonian i; the ways of some are drawn. ways: NULL for none. */
static enum status follow(struct show *show, int64_t i, struct field *ways) {
  const struct flow_settings *flow = &show->model->settings.flow;
  const int64_t dimension = show->dimension;
  for (int64_t at = 0; at < DRAWS; at += DENSITY_ROWS) {
    const int64_t rows = DRAWS - at < DENSITY_ROWS ? DRAWS - at : DENSITY_ROWS;
    double *q = show->q + at * dimension, *p = show->p + at * dimension;
    for (int64_t step = 0; step < flow->steps; step++) {
      for (int64_t k = 0; k < rows * dimension; k++) {
        show->row[0][k] = (float)q[k];
        show->row[1][k] = (float)p[k];
      }
      TRY(point_pass_step(show->judge.pass, i, flow->dt, show->row[0], show->row[1], show->row[0], show->row[1]));
      for (int64_t row = 0; row < rows && at + row < LINES && ways && dimension > 1; row++)
        field_line(ways, q + row * dimension,
                   (const double[2]){(double)show->row[0][row * dimension], (double)show->row[0][row * dimension + 1]});
      for (int64_t k = 0; k < rows * dimension; k++) {
        q[k] = (double)show->row[0][k];
        p[k] = (double)show->row[1][k];
      }
    }
  }
  return STATUS_OK;
}

/* V and K of a Hamiltonian where draws are when they come to it, and their way along it. */
static enum status add_hamiltonian(struct show *show, int64_t i, int column) {
  const struct flow_settings *flow = &show->model->settings.flow;
  struct field *field, *ways = NULL;
  double lower[2], upper[2];
  char label[64];
  const bool shown = column < BOARD_COLUMNS_MAX;
  if (shown) {
    choose_plane(NULL, show->q, DRAWS, show->dimension, lower, upper);
    snprintf(label, sizeof label, "V%lld(q)", (long long)(i + 1));
    TRY(field_open(&show->board, 1, column, label, FIELD_ENERGY, lower, upper, &field));
    TRY(fill_energy(show, i, false, field));
    snprintf(label, sizeof label, "along H%lld, %lld step%s", (long long)(i + 1), (long long)flow->steps,
             flow->steps == 1 ? "" : "s");
    TRY(field_open(&show->board, 3, column, label, FIELD_DENSITY, lower, upper, &ways));
    choose_plane(NULL, show->p, DRAWS, show->dimension, lower, upper);
    snprintf(label, sizeof label, "K%lld(p)", (long long)(i + 1));
    TRY(field_open(&show->board, 2, column, label, FIELD_ENERGY, lower, upper, &field));
    TRY(fill_energy(show, i, true, field));
  }
  TRY(follow(show, i, ways));
  if (!shown) return STATUS_OK;
  choose_plane(NULL, show->q, DRAWS, show->dimension, lower, upper);
  snprintf(label, sizeof label, "q after H%lld", (long long)(i + 1));
  TRY(field_open(&show->board, 4, column, label, FIELD_DENSITY, lower, upper, &field));
  count_points(field, show->q, DRAWS, show->dimension);
  return STATUS_OK;
}

static enum status open_show(struct show *show, const struct dataset *data) {
  show->dimension = show->model->dimension;
  const int64_t values = DRAWS * show->dimension;
  show->q = arena_array(&show->arena, values, sizeof *show->q);
  show->p = arena_array(&show->arena, values, sizeof *show->p);
  for (int k = 0; k < 2; k++) show->row[k] = arena_array(&show->arena, DENSITY_ROWS * show->dimension, sizeof(float));
  TRY(arena_check(&show->arena, "a picture"));
  TRY(density_judge_open(show->model, show->trained->learner.parameters, &show->judge));
  TRY(open_target(data, &show->target));
  TRY(read_points(data, SPLIT_TEST, &show->arena, &show->data, &show->data_count));
  choose_plane(show->target, show->data, show->data_count, show->dimension, show->lower, show->upper);
  return STATUS_OK;
}

static enum status draw_model(struct show *show, const struct dataset *data) {
  const uint64_t seed = show->trained->learner.seed;
  const int64_t hamiltonians = point_model_hamiltonians(show->model);
  char name[64];
  name_data(data, name, sizeof name);
  TRY(open_show(show, data));
  snprintf(show->board.title, sizeof show->board.title, "%.40s of %.40s after %lld steps, %lld parameters",
           show->trained->learner.kind->name, name, (long long)show->trained->step,
           (long long)layout_parameters(&show->model->layout));
  show->board.rows = hamiltonians > 0 ? 5 : 1;
  show->board.columns =
      hamiltonians > 3 ? (int)(hamiltonians < BOARD_COLUMNS_MAX ? hamiltonians : BOARD_COLUMNS_MAX) : 3;
  TRY(density_judge_draw(&show->judge, seed, 0, DRAWS, show->q, NULL, NULL, NULL));
  TRY(check_draws(show));
  TRY(add_densities(show, data));
  if (hamiltonians == 0) return STATUS_OK;
  TRY(density_judge_draw(&show->judge, seed, 0, DRAWS, NULL, NULL, show->q, show->p));
  for (int64_t i = 0; i < hamiltonians; i++)
    TRY(add_hamiltonian(show, i, i < BOARD_COLUMNS_MAX ? (int)i : BOARD_COLUMNS_MAX));
  return STATUS_OK;
}

enum status density_board_draw(const struct trained *trained, const struct dataset *data, struct picture *picture) {
  struct show show = {.trained = trained, .model = density_model(&trained->learner)};
  TRY(comm_open(MPI_COMM_SELF, &show.self));
  enum status status = draw_model(&show, data);
  if (status == STATUS_OK) status = field_board_draw(&show.board, picture);
  density_judge_close(&show.judge);
  target_close(&show.target);
  field_board_free(&show.board);
  arena_free(&show.arena);
  comm_close(&show.self);
  return status;
}

enum status density_board_model(const struct trained *trained, const struct dataset *data, const char *output) {
  struct picture picture;
  TRY(density_board_draw(trained, data, &picture));
  const enum status status = picture_png(&picture, output);
  picture_close(&picture);
  return status;
}
