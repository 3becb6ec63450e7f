/* Weights, losses and GECO's update, against the formulas of the header. */
#include "testing.h"
#include "train/objective.h"

#include <math.h>

static const struct objective_settings elbo = {.name = OBJECTIVE_ELBO, .beta = 0.25};
static const struct objective_settings geco = {
    .name = OBJECTIVE_GECO, .beta = 99, .rate = 0.125, .decay = 0.75, .lambda = 8, .lambda_bounds = {2, 16}};

static void test_elbo(void **state) {
  (void)state;
  struct objective objective = objective_start(&elbo, 0);
  for (int i = 0; i < 3; i++) {
    double error_weight, kl_weight;
    objective_weights(&objective, &error_weight, &kl_weight);
    assert_true(error_weight == 1 && kl_weight == 0.25);
    assert_true(objective_loss(&objective, 3, 8) == 5);
    objective_update(&objective, 3); /* nothing adapts */
    assert_true(isnan(objective.average) && objective.lambda == 1);
  }
}

/* Linearly up to step 3, counted from 0, of four; then as without. */
static void test_warmup(void **state) {
  (void)state;
  const struct objective_settings rising = {.name = OBJECTIVE_ELBO, .beta = 8, .warmup = 4};
  const double expected[] = {2, 4, 6, 8, 8, 8};
  struct objective objective = objective_start(&rising, 0);
  for (objective.step = 0; objective.step < 6; objective.step++) {
    double error_weight, kl_weight;
    objective_weights(&objective, &error_weight, &kl_weight);
    assert_true(error_weight == 1 && kl_weight == expected[objective.step]);
    assert_true(objective_loss(&objective, 3, 0.5) == 3 + expected[objective.step] / 2);
  }
}

static void test_geco_loss(void **state) {
  (void)state;
  struct objective objective = objective_start(&geco, 0.5);
  double error_weight, kl_weight;
  objective_weights(&objective, &error_weight, &kl_weight);
  assert_true(error_weight == 8 && kl_weight == 1);
  assert_true(objective_loss(&objective, 0.75, 3) == 3 + 8 * (0.75 - 0.5));
  assert_true(objective_loss(&objective, 0.5, 3) == 3);
  objective.lambda = 4; /* the weight is that of the present lambda */
  objective_weights(&objective, &error_weight, &kl_weight);
  assert_true(error_weight == 4 && objective_loss(&objective, 0.25, 3) == 2);
}

/* The first constraint is the average; the following are mixed into it. */
static void test_geco_update(void **state) {
  (void)state;
  const double errors[] = {0.75, 0.25, 0.625, 0.5};
  struct objective objective = objective_start(&geco, 0.5);
  double average = 0.25, lambda = 8;
  assert_true(isnan(objective.average) && objective.lambda == 8);
  for (int i = 0; i < 4; i++) {
    if (i > 0) average = 0.75 * average + 0.25 * (errors[i] - 0.5);
    lambda *= exp(0.125 * average / 0.5);
    objective_update(&objective, errors[i]);
    assert_true(objective.average == average);
    assert_true(fabs(objective.lambda - lambda) <= 1e-14 * lambda);
  }
}

/* What is not finite stays so: at a bound it would pass for a weight. */
static void test_geco_not_finite(void **state) {
  (void)state;
  struct objective objective = objective_start(&geco, 0.5);
  objective_update(&objective, NAN);
  assert_true(isnan(objective.average) && isnan(objective.lambda));
  objective = objective_start(&geco, 0.5);
  objective_update(&objective, INFINITY);
  assert_true(objective.lambda == 16);
}

/* A state from a checkpoint goes on as if there had been no break. */
static void test_geco_resumed(void **state) {
  (void)state;
  struct objective whole = objective_start(&geco, 0.5), resumed = objective_start(&geco, 0.5);
  objective_update(&whole, 1);
  resumed.lambda = whole.lambda;
  resumed.average = whole.average;
  objective_update(&whole, 0.5);
  objective_update(&resumed, 0.5);
  assert_true(whole.lambda == resumed.lambda && whole.average == resumed.average);
  assert_true(whole.average == 0.375);
}

/* Scaling errors and kappa alike changes nothing: the update is relative to kappa. */
static void test_geco_relative(void **state) {
  (void)state;
  struct objective large = objective_start(&geco, 0.5), small = objective_start(&geco, 0x1p-21);
  for (int i = 0; i < 4; i++) {
    objective_update(&large, 0.75);
    objective_update(&small, 0.75 * 0x1p-20);
    assert_true(large.lambda == small.lambda);
  }
  assert_true(large.lambda > 8);
}

static void test_geco_bounds(void **state) {
  (void)state;
  struct objective objective = objective_start(&geco, 0.5);
  for (int i = 0; i < 50; i++) objective_update(&objective, 5);
  assert_true(objective.lambda == 16);
  for (int i = 0; i < 200; i++) objective_update(&objective, 0);
  assert_true(objective.lambda == 2);
  /* Off the bound again as soon as the average has changed its sign. */
  for (int i = 0; i < 50; i++) objective_update(&objective, 0.75);
  assert_true(objective.lambda > 2);
}

static void test_geco_fixed_point(void **state) {
  (void)state;
  struct objective objective = objective_start(&geco, 0.5);
  for (int i = 0; i < 10; i++) objective_update(&objective, 0.5);
  assert_true(objective.lambda == 8 && objective.average == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_elbo),
      cmocka_unit_test(test_warmup),
      cmocka_unit_test(test_geco_loss),
      cmocka_unit_test(test_geco_update),
      cmocka_unit_test(test_geco_not_finite),
      cmocka_unit_test(test_geco_resumed),
      cmocka_unit_test(test_geco_relative),
      cmocka_unit_test(test_geco_bounds),
      cmocka_unit_test(test_geco_fixed_point),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
