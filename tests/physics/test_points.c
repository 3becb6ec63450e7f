/* Data sets of points are the same on any number of ranks, to the bit, and on any machine; points of a split are not of
 * another; what is measured of them is in the file. Points made elsewhere are known by all of them. */
#include "physics/chains.h"
#include "physics/points.h"
#include "physics/target.h"
#include "ranks.h"

#include <math.h>
#include <stdlib.h>

static char path[64];

static struct config *parse(const char *text) {
  struct config *config;
  assert_ok(config_parse("test.yaml", text, strlen(text), NULL, 0, &config));
  return config;
}

static const char *const moons = "seed: 3\n"
                                 "density: {name: moons, width: 0.1}\n"
                                 "data: {train: 50, test: 41, validation: 7}\n",
                         /* more points than are made at once */
    *const large = "density: {name: gaussian, dimension: 32, width: 1}\n"
                   "data: {train: 2, test: 1300, validation: 1}\n",
                         *const logistic = "density: {name: logistic, dimension: 3, observations: 21}\n"
                                           "hmc: {chains: 4, warmup: 100, thin: 1, leapfrogs: 4}\n"
                                           "data: {train: 201, test: 101, validation: 7}\n";

struct made {
  char checksum[CHECKSUM_TEXT], points[CHECKSUM_TEXT]; /* of all, and of the test points */
  struct points_summary summary;
};

static struct made make_on(const struct comm *comm, const char *text) {
  struct config *config = parse(text);
  struct dataset data;
  struct made made;
  struct points_summary read;
  char *sum;
  assert_ok(points_dataset(comm, config, path, &made.summary));
  assert_ok(dataset_open(comm, path, &data));
  assert_ok(dataset_verify(&data));
  assert_ok(dataset_checksum(&data, made.checksum));
  assert_ok(store_read_text(&data.file, "/checksum/test_points", &sum));
  snprintf(made.points, sizeof made.points, "%s", sum);
  free(sum);
  assert_ok(points_read_summary(&data, &read));
  assert_true(read.entropy == made.summary.entropy && read.chained == made.summary.chained);
  assert_true(!read.chained || (read.ess == made.summary.ess && read.rhat == made.summary.rhat &&
                                read.normaliser_error == made.summary.normaliser_error));
  assert_true(read.chained || isnan(read.ess));
  dataset_close(&data);
  config_destroy(&config);
  return made;
}

/* All ranks together, which must be one alone, and what another machine has made. */
static struct points_summary expect(const char *text, const char *points) {
  struct made together = make_on(&world, text), alone = together;
  delete_file(path);
  if (world.rank == 0) alone = make_on(&self, text);
  assert_ok(comm_wait(&world)); /* the others leave it their cores */
  delete_file(path);
  assert_string_equal(alone.checksum, together.checksum);
  assert_memory_equal(&alone.summary, &together.summary, sizeof alone.summary);
  assert_string_equal(together.points, points);
  return together.summary;
}

static void same_on_any_number_of_ranks(void **state) {
  (void)state;
  struct points_summary summary = expect(moons, "548e3ff7f255a40e5fa7d3aad571dbcd");
  assert_true(!summary.chained && fabs(summary.entropy - 1.02) < 4 * summary.entropy_error && points_good(&summary));
  summary = expect(large, "13c3334e9ce0db1e202ad2d6f302f27e");
  const double entropy = 16 * (1 + log(2 * acos(-1.0)));
  assert_true(fabs(summary.entropy - entropy) < 4 * summary.entropy_error);
  assert_true(fabs(summary.entropy_error / sqrt(16.0 / 1300) - 1) < 0.05);
}

/* Entropy by importance sampling's own weights is not at hand; but of a regression in few dimensions it is near that of
 * a Gaussian of the same deviations. */
static void chains_are_the_same_on_any_number_of_ranks(void **state) {
  (void)state;
  const struct points_summary summary = expect(logistic, "394d7f0adcf9666ee7715475f6b9d5f9");
  assert_true(summary.chained && summary.divergences == 0 && summary.rhat < 1.05 && summary.ess > 100);
  assert_true(summary.acceptance > 0.6 && summary.step > 0.1 && summary.normaliser_error < 2e-3);
  assert_true(summary.entropy_error > 1.2247 / sqrt(101) / 2 && summary.entropy_error < 1); /* D/2 is the variance */
}

/* More points than travel at once. */
static void long_chains_are_the_same_on_any_number_of_ranks(void **state) {
  (void)state;
  const struct points_summary summary = expect("density: {name: logistic, dimension: 1, observations: 1}\n"
                                               "hmc: {chains: 3, warmup: 50, thin: 1, leapfrogs: 3}\n"
                                               "data: {train: 1, test: 17000, validation: 1}\n",
                                               "4b8be796a4a232b685bb4084205c514b");
  assert_true(summary.rhat < 1.01 && summary.ess > 5000);
}

static void only_good_chains_are_good(void **state) {
  (void)state;
  const double good[2] = {1.005, 1000}, bad[][2] = {{1.02, 1000}, {1.005, 300}, {NAN, 1000}, {1.005, NAN}};
  struct points_summary summary = {.chained = true, .rhat = good[0], .ess = good[1]};
  assert_true(points_good(&summary));
  for (int i = 0; i < 4; i++) {
    summary.rhat = bad[i][0];
    summary.ess = bad[i][1];
    assert_false(points_good(&summary));
  }
}

/* ---- which point is which ---- */

/* Draw `number` of the seed's stream, and its log density. */
static void points_are_draws_of_their_number(void **state) {
  (void)state;
  static const uint64_t first[SPLIT_COUNT] = {0, UINT64_C(1) << 40, UINT64_C(1) << 41};
  struct config *config = parse(moons);
  struct points_summary summary;
  struct dataset data;
  struct target *target;
  assert_ok(points_dataset(&world, config, path, &summary));
  assert_ok(dataset_open(&world, path, &data));
  assert_ok(target_open(config_experiment(config), &target));
  for (unsigned split = 0; split < SPLIT_COUNT; split++) {
    double points[50 * 2], log_density[50], x[2];
    const int64_t count = data.rollouts[split];
    assert_ok(dataset_read_points(&data, split, 0, count, points, log_density));
    for (int64_t i = 0; i < count; i++) {
      target_draw(target, 3, first[split] + (uint64_t)i, x);
      assert_memory_equal(x, points + 2 * i, sizeof x);
      assert_true(log_density[i] == target_log_density(target, x));
    }
  }
  target_close(&target);
  dataset_close(&data);
  config_destroy(&config);
  delete_file(path);
}

/* As chains.h says: draw i / C of the split's part of chain i mod C. */
static void points_of_chains_are_in_their_place(void **state) {
  (void)state;
  enum { CHAINS = 4, KEPT = 51 + CHAINS_GAP + 26 + CHAINS_GAP + 2, DIMENSION = 3 };
  static const int64_t begin[SPLIT_COUNT] = {0, 51 + CHAINS_GAP, 51 + CHAINS_GAP + 26 + CHAINS_GAP};
  struct config *config = parse(logistic);
  const struct experiment *experiment = config_experiment(config);
  const int64_t total[SPLIT_COUNT] = {201, 101, 7};
  struct target *target;
  struct chains chains, alone;
  double values[201 * (DIMENSION + 1)];
  assert_ok(target_open(experiment, &target));
  assert_ok(chains_run(&world, experiment, target, total, &chains));
  assert_ok(chains_run(&self, experiment, target, total, &alone));
  assert_int_equal(chains.kept, KEPT);
  assert_int_equal(alone.count, CHAINS);
  for (unsigned split = 0; split < SPLIT_COUNT; split++) {
    const int64_t first = split == SPLIT_TRAIN ? 13 : 0, count = total[split] - first;
    assert_ok(chains_collect(&chains, split, first, count, values));
    for (int64_t i = 0; i < count; i++) {
      const int64_t draw = (i + first) % CHAINS * KEPT + begin[split] + (i + first) / CHAINS;
      const double *value = values + i * (DIMENSION + 1);
      assert_memory_equal(value, alone.points + draw * DIMENSION, DIMENSION * sizeof *value);
      assert_true(value[DIMENSION] == alone.log_density[draw]);
      assert_true(value[DIMENSION] == target_log_density(target, value));
    }
  }
  assert_memory_equal(&chains.known, &alone.known, sizeof chains.known);
  chains_close(&chains);
  chains_close(&alone);
  target_close(&target);
  config_destroy(&config);
}

/* ---- made elsewhere ---- */

struct foreign {
  enum store_type type;
  int64_t train, test, validation;
  int changed; /* the value that is another, from the end of the split `where`; 0: none */
  enum split where;
};

enum { FOREIGN_MOST = 64 };

static void make_foreign(const struct foreign *foreign) {
  const int64_t count[SPLIT_COUNT] = {foreign->train, foreign->test, foreign->validation};
  struct store_file file;
  delete_file(path);
  assert_ok(store_create(&world, path, &file));
  for (unsigned split = 0; split < SPLIT_COUNT; split++) {
    const int64_t extent[2] = {count[split], 2};
    double wide[FOREIGN_MOST * 2];
    float narrow[FOREIGN_MOST * 2];
    char name[32];
    if (count[split] == 0) continue;
    for (int i = 0; i < 2 * count[split]; i++) wide[i] = (1 + (double)split) / 8 + i;
    if (foreign->changed && foreign->where == split) wide[2 * count[split] - foreign->changed] += 0.5;
    for (int i = 0; i < 2 * count[split]; i++) narrow[i] = (float)wide[i];
    snprintf(name, sizeof name, "/%s/points", split_name[split]);
    assert_ok(store_dataset(&file, name, foreign->type, 2, extent, NULL, NULL));
    assert_ok(store_write(&file, name, 0, world.rank == 0 ? extent[0] : 0,
                          foreign->type == STORE_F64 ? (const void *)wide : narrow));
  }
  assert_ok(store_commit(&file));
}

static void sum_on(const struct comm *comm, char checksum[CHECKSUM_TEXT]) {
  struct dataset data;
  assert_ok(dataset_open(comm, path, &data));
  assert_ok(points_checksum(comm, &data, checksum));
  dataset_close(&data);
}

static void points_made_elsewhere_are_known(void **state) {
  (void)state;
  static const struct {
    struct foreign foreign;
    bool same;
  } cases[] = {{{STORE_F32, 41, 5, 0, 0, 0}, true},
               {{STORE_F64, 41, 5, 0, 1, SPLIT_TRAIN}, false}, /* of the training points that are validation */
               {{STORE_F64, 41, 5, 0, 82, SPLIT_TRAIN}, false},
               {{STORE_F64, 41, 5, 0, 1, SPLIT_TEST}, false},
               {{STORE_F64, 40, 5, 0, 0, 0}, false},
               {{STORE_F64, 41, 4, 0, 0, 0}, false},
               {{STORE_F64, 41, 5, 2, 0, 0}, false}};
  char first[CHECKSUM_TEXT], now[CHECKSUM_TEXT], alone[CHECKSUM_TEXT];
  make_foreign(&(struct foreign){STORE_F64, 41, 5, 0, 0, 0});
  sum_on(&world, first);
  assert_string_equal(first, "fde33e822f681715443d82d227e42d69");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    make_foreign(&cases[i].foreign);
    sum_on(&world, now);
    sum_on(&self, alone);
    assert_string_equal(now, alone);
    assert_int_equal(strcmp(first, now) == 0, cases[i].same);
  }
  delete_file(path);
}

/* On whichever rank. */
static void what_cannot_be_read_is_told(void **state) {
  (void)state;
  struct dataset data;
  char checksum[CHECKSUM_TEXT];
  make_foreign(&(struct foreign){STORE_F64, 41, 5, 0, 0, 0});
  assert_ok(dataset_open(&world, path, &data));
  MPI_Barrier(world.mpi);
  if (world.rank == 0) assert_int_equal(0, truncate(path, 2100));
  MPI_Barrier(world.mpi);
  assert_status(STATUS_FILE, points_checksum(&world, &data, checksum));
  assert_message(path);
  dataset_close(&data);
  delete_file(path);
}

int main(int argc, char **argv) {
  if (ranks_begin(argc, argv) != 0) return 1;
  snprintf(path, sizeof path, "points_n%d.h5", world.size);
  delete_traces(path);
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_on_any_number_of_ranks),
                                     cmocka_unit_test(chains_are_the_same_on_any_number_of_ranks),
                                     cmocka_unit_test(long_chains_are_the_same_on_any_number_of_ranks),
                                     cmocka_unit_test(only_good_chains_are_good),
                                     cmocka_unit_test(points_are_draws_of_their_number),
                                     cmocka_unit_test(points_of_chains_are_in_their_place),
                                     cmocka_unit_test(points_made_elsewhere_are_known),
                                     cmocka_unit_test(what_cannot_be_read_is_told)};
  return ranks_end(cmocka_run_group_tests(tests, NULL, NULL));
}
