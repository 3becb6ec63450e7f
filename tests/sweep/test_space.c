/* Spaces: conditions, equality, words that read back, the grid, and numbers of points against brute force. */
#include "base/elementary.h"
#include "base/rng.h"
#include "config/number.h"
#include "sweep/space.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double nan_ = (double)NAN;

/* model: hgn, lnn or 0.5; layers 1..3 for lnn or 0.5; width 32, 64, .. 128 where layers are 2 or 3; rate: real. In the
 * order of the file conditions look ahead. */
enum { WIDTH, LAYERS, MODEL, RATE, COUNT };

static const struct space_choice models[] = {{"hgn", (double)NAN}, {"lnn", (double)NAN}, {"0.5", 0.5}};
static const double deep[] = {3, 2}, other_models[] = {1, 2};

static struct space make(void) {
  struct space space = {.count = COUNT, .order = {MODEL, LAYERS, WIDTH, RATE}};
  space.parameter[WIDTH] =
      (struct space_parameter){.name = "model.width",
                               .whole = true,
                               .distribution = {.kind = DISTRIBUTION_Q_UNIFORM, .least = 32, .most = 128, .q = 32},
                               .condition = {{.parameter = LAYERS, .count = 2, .value = deep}},
                               .conditions = 1};
  space.parameter[LAYERS] =
      (struct space_parameter){.name = "model.layers",
                               .whole = true,
                               .distribution = {.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = 3},
                               .condition = {{.parameter = MODEL, .count = 2, .value = other_models}},
                               .conditions = 1};
  space.parameter[MODEL] = (struct space_parameter){
      .name = "model.name", .distribution = {.kind = DISTRIBUTION_CATEGORICAL, .count = 3}, .choice = models};
  space.parameter[RATE] =
      (struct space_parameter){.name = "optimizer.learning_rate",
                               .distribution = {.kind = DISTRIBUTION_LOG_UNIFORM_VALUES, .least = 1e-5, .most = 1e-2}};
  return space;
}

static void test_conditions(void **state) {
  (void)state;
  const struct space space = make();
  double lnn[COUNT], hgn[COUNT], flat[COUNT];
  space_point(&space, (const double[]){0.99, 0.99, 0.5, 0.5}, lnn);
  assert_true(lnn[WIDTH] == 128 && lnn[LAYERS] == 3 && lnn[MODEL] == 1);
  assert_true(fabs(lnn[RATE] / 10e-5 - sqrt(10.0)) < 1e-12);
  /* Without layers there is no width, whatever it would have been. */
  space_point(&space, (const double[]){0.99, 0.99, 0.1, 0.5}, hgn);
  assert_true(isnan(hgn[WIDTH]) && isnan(hgn[LAYERS]) && hgn[MODEL] == 0 && hgn[RATE] == lnn[RATE]);
  space_point(&space, (const double[]){0.99, 0.1, 0.9, 0.5}, flat);
  assert_true(isnan(flat[WIDTH]) && flat[LAYERS] == 1 && flat[MODEL] == 2);
  /* What is NaN though it takes part stays so, and what hangs on it goes. */
  double given[COUNT] = {64, nan_, 1, nan_};
  space_settle(&space, given);
  assert_true(isnan(given[WIDTH]) && isnan(given[LAYERS]) && given[MODEL] == 1 && isnan(given[RATE]));
}

/* All conditions have to hold. */
static void test_both(void **state) {
  (void)state;
  static const double halves[] = {2};
  struct space space = make();
  space.parameter[WIDTH].condition[1] = (struct space_condition){.parameter = MODEL, .count = 1, .value = halves};
  space.parameter[WIDTH].conditions = 2;
  double point[COUNT];
  space_point(&space, (const double[]){0.5, 0.9, 0.5, 0.5}, point);
  assert_true(isnan(point[WIDTH]));
  space_point(&space, (const double[]){0.5, 0.9, 0.9, 0.5}, point);
  assert_true(point[WIDTH] == 64);
  space_point(&space, (const double[]){0.5, 0.1, 0.9, 0.5}, point);
  assert_true(isnan(point[WIDTH]));
}

static void test_equal(void **state) {
  (void)state;
  const struct space space = make();
  const double other_nan = elementary_from_bits(UINT64_C(0xfff8000000000123));
  const double a[COUNT] = {nan_, 0.0, 1, 1e-3}, b[COUNT] = {other_nan, -0.0, 1, 1e-3};
  assert_true(space_equal(&space, a, b));
  assert_true(space_hash(&space, a) == space_hash(&space, b));
  for (int i = 0; i < COUNT; i++) {
    double c[COUNT];
    memcpy(c, a, sizeof c);
    c[i] = isnan(c[i]) ? 0.0 : nextafter(c[i], 2.0);
    assert_false(space_equal(&space, a, c));
    assert_false(space_equal(&space, c, a));
    assert_true(space_hash(&space, a) != space_hash(&space, c));
  }
  /* The same numbers in other places are another point. */
  const double d[COUNT] = {1, 2, 3, 4}, e[COUNT] = {2, 1, 3, 4};
  assert_true(space_hash(&space, d) != space_hash(&space, e));
}

/* The bits of all numbers come back from their words; whole ones have neither point nor exponent. */
static void test_words_read_back(void **state) {
  (void)state;
  struct space space = make();
  struct rng rng = rng_stream(1, RNG_TEST, 0, 0);
  double point[COUNT] = {128, nan_, 0, 0};
  char word[SPACE_WORD_MAX];
  bool takes_part;
  for (int i = 0; i < 20000; i++) {
    point[RATE] = elementary_from_bits(rng_u64(&rng));
    if (i % 4 == 0) point[RATE] = floor(ldexp(rng_uniform(&rng), i / 4 % 63));
    if (!isfinite(point[RATE])) continue;
    assert_ok(space_word(&space, point, RATE, word, &takes_part));
    assert_true(takes_part);
    const char *text = strchr(word, '=') + 1;
    double back;
    int64_t whole;
    assert_memory_equal(word, "optimizer.learning_rate=", (size_t)(text - word));
    assert_int_equal(number_real(text, &back), NUMBER_OK);
    assert_true(elementary_bits(back) == elementary_bits(point[RATE]));
    if (i % 4 == 0) assert_int_equal(number_integer(text, &whole), NUMBER_OK);
  }
}

static void assert_word(const struct space *space, const double *point, int parameter, const char *want) {
  char word[SPACE_WORD_MAX] = "";
  bool takes_part;
  assert_ok(space_word(space, point, parameter, word, &takes_part));
  assert_int_equal(takes_part, want != NULL);
  if (want) assert_string_equal(word, want);
}

static void test_words(void **state) {
  (void)state;
  struct space space = make();
  double point[COUNT] = {96, nan_, 2, 1e-3};
  assert_word(&space, point, WIDTH, "model.width=96");
  assert_word(&space, point, LAYERS, NULL);
  assert_word(&space, point, MODEL, "model.name=0.5");
  assert_word(&space, point, RATE, "optimizer.learning_rate=0.001");
  assert_true(space_number(&space, point, MODEL) == 0.5 && space_number(&space, point, RATE) == 1e-3);
  assert_true(isnan(space_number(&space, point, LAYERS)));
  point[MODEL] = 0;
  point[WIDTH] = 1e17;
  assert_true(isnan(space_number(&space, point, MODEL)));
  assert_word(&space, point, MODEL, "model.name=hgn");
  assert_word(&space, point, WIDTH, "model.width=100000000000000000");
  point[WIDTH] = -0.0;
  assert_word(&space, point, WIDTH, "model.width=0");
  char word[SPACE_WORD_MAX], *text = calloc(SPACE_WORD_MAX, 1);
  bool takes_part;
  point[RATE] = (double)INFINITY;
  assert_status(STATUS_NUMERIC, space_word(&space, point, RATE, word, &takes_part));
  assert_non_null(strstr(status_message(), "optimizer.learning_rate"));
  /* The longest text that fits, and one more. */
  assert_non_null(text);
  const struct space_choice longest[] = {{text, nan_}};
  space.parameter[MODEL].choice = longest;
  memset(text, 'x', SPACE_WORD_MAX - 1 - strlen("model.name="));
  assert_ok(space_word(&space, point, MODEL, word, &takes_part));
  assert_int_equal(strlen(word), SPACE_WORD_MAX - 1);
  strcat(text, "x");
  assert_status(STATUS_CONFIG, space_word(&space, point, MODEL, word, &takes_part));
  free(text);
}

static void assert_shown(const struct space *space, double value, int parameter, size_t size, const char *want) {
  double point[COUNT] = {0};
  char text[64];
  point[parameter] = value;
  space_show(space, point, parameter, text, size);
  assert_string_equal(text, want);
}

static void test_show(void **state) {
  (void)state;
  struct space space = make();
  assert_shown(&space, 1.0 / 3, RATE, 32, "0.3333333333333333");
  assert_shown(&space, 1.0 / 3, RATE, 6, "0.333");
  assert_shown(&space, 1.23456e-17, RATE, 8, "1.2e-17");
  assert_shown(&space, 1.23456e-17, RATE, 5, "#");
  assert_shown(&space, (double)INFINITY, RATE, 10, "inf");
  assert_shown(&space, 0.001, RATE, 10, "0.001");
  assert_shown(&space, nan_, RATE, 10, "-");
  assert_shown(&space, 1, MODEL, 10, "lnn");
  assert_shown(&space, 1, MODEL, 3, "ln");
  const struct space_choice greek[] = {{"\xce\xb1\xce\xb2", nan_}};
  space.parameter[MODEL].choice = greek;
  assert_shown(&space, 0, MODEL, 5, "\xce\xb1\xce\xb2");
  assert_shown(&space, 0, MODEL, 4, "\xce\xb1");
  assert_shown(&space, 0, MODEL, 2, "");
}

/* The different points of the grid, by comparing each with all. */
static int64_t brute(const struct space *space) {
  const int64_t size = space_grid(space);
  double(*points)[COUNT] = calloc((size_t)size, sizeof *points);
  assert_non_null(points);
  int64_t different = 0;
  for (int64_t i = 0; i < size; i++) {
    space_grid_point(space, i, points[different]);
    int64_t j = 0;
    while (j < different && !space_equal(space, points[j], points[different])) j++;
    different += j == different;
  }
  free(points);
  return different;
}

/* Random spaces of four parameters, each of which may hang on any that comes before it in a random order. */
static void test_points(void **state) {
  (void)state;
  static const double values[] = {0, 1, 2, 3};
  struct rng rng = rng_stream(3, RNG_TEST, 0, 0);
  int with_conditions = 0;
  for (int trial = 0; trial < 1000; trial++) {
    struct space space = {.count = COUNT};
    for (int i = 0; i < COUNT; i++) {
      int swap = (int)rng_below(&rng, (uint64_t)i + 1);
      space.order[i] = space.order[swap];
      space.order[swap] = i;
    }
    for (int i = 0; i < COUNT; i++) {
      struct space_parameter *p = &space.parameter[space.order[i]];
      p->distribution =
          (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 0, .most = (double)rng_below(&rng, 4)};
      for (; i > 0 && p->conditions < 3 && rng_below(&rng, 2); p->conditions++)
        p->condition[p->conditions] = (struct space_condition){.parameter = space.order[rng_below(&rng, (uint64_t)i)],
                                                               .count = 1 + (int64_t)rng_below(&rng, 3),
                                                               .value = values + rng_below(&rng, 2)};
    }
    const int64_t points = brute(&space);
    with_conditions += points < space_grid(&space);
    assert_int_equal(space_points(&space, 1000000), points);
    assert_int_equal(space_points(&space, points), points);
    assert_int_equal(space_points(&space, points - 1), -1);
  }
  assert_true(with_conditions > 200);
}

static void test_points_of_reals(void **state) {
  (void)state;
  struct space space = make();
  assert_int_equal(space_points(&space, INT64_MAX), -1);
  assert_int_equal(space_grid(&space), -1);
  space.count = RATE;
  assert_int_equal(space_points(&space, INT64_MAX), 1 + 2 * (1 + 2 * 4));
  assert_int_equal(space_grid(&space), 4 * 3 * 3);
  /* A real one that never takes part is no continuum; the grid does not look. */
  static const double never[] = {5};
  space = make();
  space.parameter[RATE].condition[0] = (struct space_condition){.parameter = LAYERS, .count = 1, .value = never};
  space.parameter[RATE].conditions = 1;
  assert_int_equal(space_points(&space, 100), 1 + 2 * (1 + 2 * 4));
  assert_int_equal(space_grid(&space), -1);
  /* 2^53 is still counted. */
  space = (struct space){.count = 2, .order = {0, 1}};
  for (int i = 0; i < 2; i++)
    space.parameter[i].distribution =
        (struct distribution){.kind = DISTRIBUTION_INT_UNIFORM, .least = 1, .most = i == 0 ? 0x1p26 : 0x1p27};
  assert_int_equal(space_grid(&space), INT64_C(1) << 53);
  space.parameter[0].distribution.most += 1.0;
  assert_int_equal(space_grid(&space), -1);
}

/* The last parameter fastest. */
static void test_grid(void **state) {
  (void)state;
  struct space space = make();
  space.count = RATE;
  const double want[][RATE] = {{nan_, nan_, 0}, {nan_, 1, 1}, {nan_, 1, 2}, {nan_, nan_, 0}, {32, 2, 1}, {32, 2, 2}};
  for (int i = 0; i < 6; i++) {
    double point[COUNT];
    space_grid_point(&space, i, point);
    assert_true(space_equal(&space, point, want[i]));
  }
  double last[COUNT];
  space_grid_point(&space, 4 * 3 * 3 - 1, last);
  assert_true(space_equal(&space, last, (const double[]){128, 3, 2}));
}

static void assert_prints(const struct space *space, const char *const *want, int lines) {
  FILE *out = tmpfile();
  assert_non_null(out);
  assert_ok(space_print(space, out));
  rewind(out);
  char line[512];
  for (int i = 0; i < lines; i++) {
    assert_non_null(fgets(line, sizeof line, out));
    assert_string_equal(line, want[i]);
    assert_true(strlen(line) <= 101); /* 100 columns */
  }
  assert_null(fgets(line, sizeof line, out));
  fclose(out);
}

static void test_print(void **state) {
  (void)state;
  struct space space = make();
  static struct space_choice many[1000];
  static char texts[1000][16];
  static double numbers[1000];
  for (int i = 0; i < 1000; i++) {
    snprintf(texts[i], sizeof texts[i], "%d", i);
    many[i] = (struct space_choice){texts[i], i};
    numbers[i] = i;
  }
  space.parameter[RATE].distribution = (struct distribution){.kind = DISTRIBUTION_CATEGORICAL, .count = 1000};
  space.parameter[RATE].choice = many;
  assert_prints(&space,
                (const char *const[]){
                    "  model.width              q_uniform    32 to 128, steps of 32  when model.layers is 3 or 2\n",
                    "  model.layers             int_uniform  1 to 3  when model.name is lnn or 0.5\n",
                    "  model.name               categorical  hgn, lnn, 0.5\n",
                    "  optimizer.learning_rate  categorical  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
                    "... (1000 in all)\n"},
                COUNT);
  /* Conditions that do not fit; probabilities; exponents. */
  space.parameter[WIDTH].condition[1] = (struct space_condition){.parameter = LAYERS, .count = 1000, .value = numbers};
  space.parameter[WIDTH].conditions = 2;
  static const double weights[] = {0.25, 0.7, 0.05};
  space.parameter[MODEL].distribution =
      (struct distribution){.kind = DISTRIBUTION_CATEGORICAL_W_PROBABILITIES, .count = 3, .probability = weights};
  space.parameter[LAYERS].distribution = (struct distribution){.kind = DISTRIBUTION_Q_LOG_UNIFORM, .most = 3, .q = 2};
  space.parameter[RATE].distribution = (struct distribution){.kind = DISTRIBUTION_INV_LOG_UNIFORM, .most = 7};
  space.parameter[RATE].choice = NULL;
  assert_prints(
      &space,
      (const char *const[]){
          "  model.width              q_uniform                    32 to 128, steps of 32\n",
          "                                                        when model.layers is 3 or 2\n",
          "                                                        and model.layers is 0, ... (1000 in "
          "all)\n",
          "  model.layers             q_log_uniform                exp(0) to exp(3): 1 to 20.08554, steps of 2\n",
          "                                                        when model.name is lnn or 0.5\n",
          "  model.name               categorical_w_probabilities  hgn (0.25), lnn (0.7), 0.5 (0.05)\n",
          "  optimizer.learning_rate  inv_log_uniform              exp(-7) to exp(0): 0.000912 to 1\n"},
      7);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_conditions), cmocka_unit_test(test_both),
                                     cmocka_unit_test(test_equal),      cmocka_unit_test(test_words_read_back),
                                     cmocka_unit_test(test_words),      cmocka_unit_test(test_show),
                                     cmocka_unit_test(test_points),     cmocka_unit_test(test_points_of_reals),
                                     cmocka_unit_test(test_grid),       cmocka_unit_test(test_print)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
