/* Spectrum and identifiability of latent spaces that are known: a linear symplectic map of true states into more
 * numbers, a curved one, one that is not symplectic, a collapsed one. Every number of ranks gives what one rank gives.
 * */
#include "ranks.h"
#include "synthetic.h"

#define NOISE 0.001

enum { ROLLOUTS = 40, FRAMES = 20, ROWS = ROLLOUTS * FRAMES };

struct found {
  struct latent latent;
  struct spectrum spectrum;
  struct identify identify;
};

/* Collective over comm. */
static enum status find(const struct comm *comm, enum synthetic kind, double noise, int64_t rollouts,
                        struct found *found) {
  struct grid grid;
  *found = (struct found){.identify = {.rows = 0}};
  synthetic_latent(comm, kind, noise, rollouts, FRAMES, &found->latent);
  assert_ok(grid_open(comm, 8, 0, &grid));
  assert_ok(spectrum_measure(&grid, found->latent.state, found->latent.rows, VALUES, &found->spectrum));
  const enum status status = identify_measure(&grid, &found->latent, &found->spectrum, &found->identify);
  assert_int_equal(grid.taken, 0);
  grid_close(&grid);
  return status;
}

static void found_free(struct found *found) {
  latent_free(&found->latent);
  spectrum_free(&found->spectrum);
  identify_free(&found->identify);
}

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

/* M of states that are laid out of `transform(s)` gives back s, for s of each coordinate alone. */
static void assert_map(enum synthetic kind, const double *map, double tolerance) {
  for (int c = 0; c < COORDINATES; c++) {
    double s[COORDINATES] = {0}, state[VALUES] = {0};
    s[c] = 1;
    synthetic_transform(kind, s);
    for (int k = 0; k < VALUES; k++)
      for (int i = 0; i < FREEDOM; i++) state[k] += laid[i][k % HALF] * s[(k < HALF ? 0 : FREEDOM) + i];
    for (int i = 0; i < COORDINATES; i++) {
      double sum = 0;
      for (int k = 0; k < VALUES; k++) sum += map[i * VALUES + k] * state[k];
      assert_near(sum, i == c, tolerance);
    }
  }
}

static void test_symplectic(void **state) {
  (void)state;
  struct found found;
  assert_ok(find(&world, SYNTHETIC_SYMPLECTIC, NOISE, ROLLOUTS, &found));
  assert_int_equal(found.spectrum.rows, ROWS);
  assert_int_equal(found.spectrum.rank, VALUES);
  assert_int_equal(found.spectrum.axes_99, COORDINATES);
  assert_true(found.spectrum.participation > 1.5 && found.spectrum.participation <= COORDINATES);
  assert_true(found.spectrum.difference < 1e-12 && found.spectrum.angle < 1e-6);
  for (int i = COORDINATES; i < VALUES; i++) assert_near(found.spectrum.variance[i], NOISE * NOISE, 2e-7);
  assert_int_equal(found.identify.features, ROWS / 10);
  assert_int_equal(found.identify.to_truth.fit[0].inputs, COORDINATES);
  for (int i = 0; i < COORDINATES; i++) assert_in_range((int)(1e6 * found.identify.to_truth.r2[0][i]), 999900, 999999);
  assert_true(found.identify.deviation >= 0 && found.identify.deviation < 1e-4);
  assert_map(SYNTHETIC_SYMPLECTIC, found.identify.map, 0.01);
  assert_int_equal(found.identify.from_truth.outputs, COORDINATES);
  for (int i = 0; i < COORDINATES; i++) assert_true(found.identify.from_truth.r2[0][i] > 0.99);
  assert_true(found.identify.from_truth.mean[0] > 0.99);
  found_free(&found);
}

static void test_stretched(void **state) {
  (void)state;
  struct found found;
  assert_ok(find(&world, SYNTHETIC_STRETCHED, NOISE, ROLLOUTS, &found));
  assert_true(found.identify.to_truth.mean[0] > 0.998);
  /* M J M^T = J with one pair divided by three: 1 - 2 (1 + 1/3)^2 / 2 / (2 (1 + 1/9)). */
  assert_near(found.identify.deviation, 1 - (4.0 / 3) * (4.0 / 3) / (2 * (10.0 / 9)), 0.01);
  found_free(&found);
}

/* Of order 2, and known to be no lower. */
static void test_curved(void **state) {
  (void)state;
  struct found found;
  assert_ok(find(&world, SYNTHETIC_CURVED, 1e-4, ROLLOUTS, &found));
  assert_true(found.identify.to_truth.mean[0] < 0.99);
  assert_true(found.identify.to_truth.mean[1] > 0.9999);
  assert_true(found.identify.to_truth.best >= 2);
  assert_true(found.identify.from_truth.mean[0] < 0.99);
  assert_true(found.identify.from_truth.mean[1] > 0.9999);
  assert_int_equal(found.identify.to_truth.fit[3].inputs, 4); /* (4 + 4)! / 4! 4! = 70 terms of 80 */
  assert_int_equal(found.identify.to_truth.fit[4].inputs, 3); /* (4 + 5)! / 4! 5! = 126, (3 + 5)! / 3! 5! = 56 */
  assert_int_equal(found.identify.from_truth.fit[3].inputs, 4);
  assert_int_equal(found.identify.from_truth.fit[3].features, 70);
  assert_int_equal(found.identify.from_truth.fit[4].inputs, 0); /* 126 are too many */
  assert_true(isnan(found.identify.from_truth.mean[4]));
  found_free(&found);
}

/* States of four dimensions in twelve numbers: least squares has no one solution there, and what is predicted has. */
static void test_rank_deficient(void **state) {
  (void)state;
  struct found found;
  assert_ok(find(&world, SYNTHETIC_SYMPLECTIC, 0, ROLLOUTS, &found));
  assert_int_equal(found.spectrum.rank, COORDINATES);
  assert_true(found.identify.to_truth.mean[0] > 0.999999);
  assert_true(found.identify.deviation < 1e-9);
  found_free(&found);
}

static void test_refusals(void **state) {
  (void)state;
  struct found found;
  assert_status(STATUS_UNAVAILABLE, find(&world, SYNTHETIC_CONSTANT, 0, ROLLOUTS, &found));
  assert_message("collapsed");
  assert_int_equal(found.spectrum.rank, 0);
  found_free(&found);
  assert_status(STATUS_UNAVAILABLE, find(&world, SYNTHETIC_SYMPLECTIC, NOISE, 4, &found));
  assert_message("4 test rollouts are too few");
  found_free(&found);
}

/* Folds are of rollouts. Here each has numbers of its own, which tell which it is but nothing of the others: rows of
 * one rollout on both sides of a fold would be predicted. */
static void test_folds(void **state) {
  (void)state;
  struct latent latent;
  struct grid grid;
  struct spectrum spectrum;
  struct identify identify;
  synthetic_latent(&world, SYNTHETIC_SYMPLECTIC, 0, ROLLOUTS, FRAMES, &latent);
  for (int64_t row = 0; row < latent.rows; row++) {
    struct rng rng = rng_stream(7, RNG_TEST, (uint64_t)(latent.first + row / FRAMES), 0);
    for (int i = 0; i < COORDINATES; i++) latent.truth[i * latent.rows + row] = normal(&rng);
    for (int k = 0; k < VALUES; k++) latent.state[k * latent.rows + row] = normal(&rng);
  }
  assert_ok(grid_open(&world, 8, 0, &grid));
  assert_ok(spectrum_measure(&grid, latent.state, latent.rows, VALUES, &spectrum));
  assert_ok(identify_measure(&grid, &latent, &spectrum, &identify));
  for (int o = 0; o < REGRESSION_ORDERS; o++) assert_true(!(identify.to_truth.mean[o] > 0.2));
  identify_free(&identify);
  spectrum_free(&spectrum);
  latent_free(&latent);
  grid_close(&grid);
}

/* All that this number of ranks says is what one rank says. */
static void test_ranks_agree(void **state) {
  (void)state;
  struct found all, one;
  assert_ok(find(&world, SYNTHETIC_CURVED, NOISE, ROLLOUTS, &all));
  assert_ok(find(&self, SYNTHETIC_CURVED, NOISE, ROLLOUTS, &one));
  assert_memory_equal(all.spectrum.mean, one.spectrum.mean, (size_t)VALUES * sizeof(double));
  for (int i = 0; i < VALUES; i++)
    assert_near(all.spectrum.variance[i], one.spectrum.variance[i], 1e-12 * one.spectrum.variance[0]);
  for (int o = 0; o < REGRESSION_ORDERS; o++) {
    assert_int_equal(all.identify.to_truth.fit[o].inputs, one.identify.to_truth.fit[o].inputs);
    for (int i = 0; i < COORDINATES; i++)
      assert_near(all.identify.to_truth.r2[o][i], one.identify.to_truth.r2[o][i], 1e-8);
    if (one.identify.from_truth.fit[o].inputs)
      assert_near(all.identify.from_truth.mean[o], one.identify.from_truth.mean[o], 1e-8);
  }
  for (int i = 0; i < COORDINATES * VALUES; i++) assert_near(all.identify.map[i], one.identify.map[i], 1e-8);
  found_free(&all);
  found_free(&one);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv)) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_symplectic), cmocka_unit_test(test_stretched),
                                     cmocka_unit_test(test_curved),     cmocka_unit_test(test_rank_deficient),
                                     cmocka_unit_test(test_refusals),   cmocka_unit_test(test_folds),
                                     cmocka_unit_test(test_ranks_agree)};
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
