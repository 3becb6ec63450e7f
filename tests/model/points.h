/* Small models of densities of points for tests: made of a configuration's words, in f64 where differences have to say
 * something, with parameters that a test can set by name. */
#ifndef HGN_TESTS_MODEL_POINTS_H
#define HGN_TESTS_MODEL_POINTS_H

#include "base/rng.h"
#include "config/config.h"
#include "graph/plan.h"
#include "model/gradients.h"
#include "model/point_networks.h"
#include "model/point_pass.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_LOG_TWO_PI 1.8378770664093454836

struct points {
  const char *words; /* of the configuration */
  struct point_model *model;
  struct point_pass *pass;
  int64_t batch, dimension, numbers; /* numbers: batch x dimension */
  void *parameters;
};

/* Memory for that many numbers, zeroed and aligned as plans are promised. */
static inline void *points_zeros(enum graph_type type, int64_t count) {
  const size_t bytes = ((size_t)count * number_bytes(type) / 64 + 1) * 64;
  void *data = aligned_alloc(64, bytes);
  assert_non_null(data);
  memset(data, 0, bytes);
  return data;
}

/* Standard normal numbers. */
static inline void *points_normal(enum graph_type type, int64_t count, uint64_t index) {
  void *data = points_zeros(type, count);
  struct rng rng = rng_stream(5, RNG_TEST, index, 0);
  if (type == GRAPH_F64)
    rng_normal(&rng, data, (int)count);
  else
    rng_normal_f32(&rng, data, (int)count);
  return data;
}

/* `words`: what the section "model" holds, "name: nhf, flow: {steps: 3}". */
static inline void points_settings(const char *words, struct model_settings *settings) {
  struct config *config;
  char yaml[512];
  snprintf(yaml, sizeof yaml, "data: {file: x.h5}\nmodel: {%s}\ntrain: {steps: 1}\n", words);
  assert_ok(config_parse("train.yaml", yaml, strlen(yaml), NULL, 0, &config));
  *settings = config_experiment(config)->training.model;
  config_destroy(&config);
}

/* With the parameters as training would begin, times `spread`. */
static inline void points_open(struct points *points, const char *words, int64_t dimension, int64_t batch,
                               enum graph_type type, double spread) {
  struct model_settings settings;
  points_settings(words, &settings);
  *points = (struct points){.words = words, .batch = batch, .dimension = dimension, .numbers = batch * dimension};
  assert_ok(point_model_create(&settings, dimension, type, &points->model));
  const int64_t values = layout_values(&points->model->layout);
  points->parameters = points_zeros(type, values);
  point_model_initialize(points->model, 7, points->parameters);
  for (int64_t i = 0; i < values; i++) {
    double number;
    numbers_get(type, (char *)points->parameters + (size_t)i * number_bytes(type), 1, &number);
    number_put(type, points->parameters, i, spread * number);
  }
  assert_ok(point_pass_create(points->model, batch, points->parameters, &points->pass));
}

static inline void points_close(struct points *points) {
  point_pass_destroy(&points->pass);
  point_model_destroy(&points->model);
  free(points->parameters);
}

/* A tensor of an f64 model, for a test to set, which then says so to the pass. */
static inline double *points_tensor(const struct points *points, const char *name) {
  const struct layout *layout = &points->model->layout;
  for (int i = 0; i < layout->tensors; i++)
    if (strcmp(layout->tensor[i].name, name) == 0) return (double *)points->parameters + layout->tensor[i].offset;
  fail_msg("%s: no parameter is called %s", points->words, name);
  return NULL;
}

/* Zeros into all tensors whose names begin so. */
static inline void points_clear(const struct points *points, const char *prefix) {
  const struct layout *layout = &points->model->layout;
  int cleared = 0;
  for (int i = 0; i < layout->tensors; i++) {
    if (strncmp(layout->tensor[i].name, prefix, strlen(prefix)) != 0) continue;
    memset((double *)points->parameters + layout->tensor[i].offset, 0,
           (size_t)layout->tensor[i].count * sizeof(double));
    cleared += 1;
  }
  assert_true(cleared > 0);
  point_pass_parameters_changed(points->pass);
}

/* The largest difference of two arrays. */
static inline double points_apart(const double *a, const double *b, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; i++) {
    const double apart = fabs(a[i] - b[i]);
    if (!(apart <= most)) most = apart;
  }
  return most;
}

static inline double points_size(const double *a, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(a[i]));
  return most;
}

#endif
