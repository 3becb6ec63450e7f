/* Printing: canonical, with origins, and read back to the same values. */
#include "base/rng.h"
#include "config/number.h"
#include "config/schema.h"
#include "config/value.h"
#include "sample.h"

#include <math.h>

static void canonical(void **state) {
  (void)state;
  const char *words[] = {"data.dt=.1"};
  struct config *config = sample_load(SAMPLE, words, 1);
  char *text = NULL;
  assert_ok(config_text(config, &text));
  assert_string_equal(text, "seed: 1\n"
                            "system:\n"
                            "  name: pendulum\n"
                            "  mass: 0.5\n"
                            "  length: 1\n"
                            "  gravity: 3\n"
                            "initial:\n"
                            "  radius: [1.3, 2.3]\n"
                            "  direction: uniform\n"
                            "data:\n"
                            "  train: 100\n"
                            "  test: 20\n"
                            "  validation: 0\n"
                            "  frames: 34\n"
                            "  dt: 0.1\n"
                            "  noise: 0.1\n"
                            "render:\n"
                            "  renderer: soft\n"
                            "  color: rgb\n"
                            "  height: 32\n"
                            "  width: 32\n"
                            "  world: 2\n"
                            "  radius: 0.5\n"
                            "ladder:\n"
                            "  input_frames: 5\n");
  free(text);
  config_destroy(&config);
}

static void with_origins(void **state) {
  (void)state;
  const char *words[] = {"data.dt=.1"};
  struct config *config = sample_load(SAMPLE, words, 1);
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&text, &bytes);
  assert_non_null(out);
  assert_ok(config_print(config, out, true));
  fclose(out);
  assert_non_null(strstr(text, "seed: 1               # default\n"
                               "system:\n"
                               "  name: pendulum      # a.yaml:2:9\n"));
  assert_non_null(strstr(text, "  radius: [1.3, 2.3]  # a.yaml:7:11\n"));
  assert_non_null(strstr(text, "  dt: 0.1             # override \"data.dt=.1\"\n"));
  struct config *again = sample_load(text, NULL, 0); /* comments and all */
  assert_memory_equal(config_experiment(again), config_experiment(config), sizeof(struct experiment));
  config_destroy(&again);
  free(text);
  config_destroy(&config);
}

/* Any text may name the file or stand in a word; the print is still YAML. */
static void strange_names(void **state) {
  (void)state;
  const char *words[] = {"seed=4 #\nsystem: 3"};
  struct config *config;
  assert_status(STATUS_CONFIG, config_parse("a\nb", SAMPLE, strlen(SAMPLE), words, 1, &config));
  const char *good[] = {"seed= 4 \n"};
  assert_ok(config_parse("a\nb: c", SAMPLE, strlen(SAMPLE), good, 1, &config));
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&text, &bytes);
  assert_non_null(out);
  assert_ok(config_print(config, out, true));
  fclose(out);
  struct config *again = sample_load(text, NULL, 0);
  assert_memory_equal(config_experiment(again), config_experiment(config), sizeof(struct experiment));
  config_destroy(&again);
  config_destroy(&config);
  free(text);
}

/* Random values of every row that applies, for every system: parse(print(x)) is x, bit for bit. */
static void fill_row(const struct schema_row *row, struct rng *rng, struct experiment *e) {
  char *target = (char *)e + row->offset;
  double pair[2];
  int64_t integer;
  int choice;
  for (int i = 0; i < 2; ++i) {
    pair[i] = ldexp(rng_uniform(rng), (int)(rng_uniform(rng) * 40) - 35);
    if (pair[i] > row->upper) pair[i] = row->upper;
    if (pair[i] == 0) pair[i] = row->upper / 3;
  }
  if (pair[0] > pair[1]) pair[0] = pair[1] / 3;
  switch (row->type) {
  case SCHEMA_REAL:
    memcpy(target, pair, sizeof *pair);
    break;
  case SCHEMA_PAIR:
    memcpy(target, pair, sizeof pair);
    break;
  case SCHEMA_INTEGER:
    integer = row->least + (int64_t)(rng_uniform(rng) * 500);
    if (row->most == INT64_MAX) integer = INT64_MAX - integer;
    memcpy(target, &integer, sizeof integer);
    break;
  case SCHEMA_CHOICE:
    choice = (int)(rng_uniform(rng) * row->choice_count);
    memcpy(target, &choice, sizeof choice);
    break;
  case SCHEMA_SWITCH:
  case SCHEMA_TEXT:
  case SCHEMA_LIST:
  case SCHEMA_CHOICES: /* of training experiments: test_training.c */
    fail();
  }
}

static void round_trip(void **state) {
  (void)state;
  struct rng rng = rng_stream(11, RNG_TEST, 0, 0);
  for (int trial = 0; trial < 300; ++trial) {
    struct experiment e;
    memset(&e, 0, sizeof e);
    const enum system_kind kind = (enum system_kind)(trial % SYSTEM_COUNT);
    const char *words[64];
    char texts[64][VALUE_TEXT_MAX + SCHEMA_PATH_MAX];
    int count = 0;
    for (int row = 0; row < schema_count; ++row) {
      if (!schema_applies(&schema_rows[row], SCHEMA_DATA, (int)kind)) continue;
      fill_row(&schema_rows[row], &rng, &e);
      e.system.name = kind;
      if (e.data.frames < 500) e.data.frames += 500; /* at least ladder.input_frames */
      char value[VALUE_TEXT_MAX];
      value_print(&schema_rows[row], &e, value);
      snprintf(texts[count], sizeof texts[count], "%s=%s", schema_rows[row].path, value);
      words[count] = texts[count];
      count += 1;
    }
    struct config *config = sample_load("{}", words, count);
    assert_memory_equal(config_experiment(config), &e, sizeof e);
    char *text = NULL, *text_again = NULL;
    assert_ok(config_text(config, &text));
    struct config *again = sample_load(text, NULL, 0);
    assert_memory_equal(config_experiment(again), &e, sizeof e);
    assert_ok(config_text(again, &text_again));
    assert_string_equal(text, text_again);
    free(text);
    free(text_again);
    config_destroy(&config);
    config_destroy(&again);
  }
}

static void shortest_numbers(void **state) {
  (void)state;
  const struct {
    double value;
    const char *text;
  } cases[] = {{0.1, "0.1"},
               {1.0 / 3, "0.3333333333333333"},
               {1e300, "1e+300"},
               {0.30000000000000004, "0.30000000000000004"},
               {5e-324, "5e-324"},
               {123456789, "123456789"},
               {-2.5, "-2.5"},
               {0, "0"},
               {1.7976931348623157e308, "1.7976931348623157e+308"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char text[NUMBER_TEXT_MAX];
    number_print(cases[i].value, text);
    assert_string_equal(text, cases[i].text);
    double back;
    assert_int_equal(number_real(text, &back), NUMBER_OK);
    assert_memory_equal(&back, &cases[i].value, sizeof back);
  }
}

/* A full disk is an error, not silence. */
static void full_disk(void **state) {
  (void)state;
  FILE *full = fopen("/dev/full", "w");
  if (!full) skip();
  struct config *config = sample_load(SAMPLE, NULL, 0);
  assert_status(STATUS_FILE, config_print(config, full, true));
  assert_status(STATUS_FILE, config_schema(full));
  fclose(full);
  config_destroy(&config);
}

static void schema_reference(void **state) {
  (void)state;
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&text, &bytes);
  assert_non_null(out);
  assert_ok(config_schema(out));
  fclose(out);
  for (int row = 0; row < schema_count; ++row) {
    char cell[SCHEMA_PATH_MAX + 8];
    snprintf(cell, sizeof cell, "\n| `%s` | ", schema_rows[row].path);
    assert_non_null(strstr(text, cell));
    assert_non_null(strstr(text, schema_rows[row].help));
  }
  assert_non_null(
      strstr(text, "\n## system\n\n| key | type | default | range or choices | unit | applies to | meaning |\n"));
  assert_non_null(
      strstr(text, "| `system.stiffness` | real | required | > 0, <= 1000000 | N/m | mass_spring, damped_spring | "
                   "Spring constant k. |\n"));
  assert_non_null(strstr(text, "| `render.color` | choice | rgb | `rgb`, `grey` |  | all data of systems | "));
  int headings = 0;
  for (const char *c = text; (c = strstr(c, "\n## ")); c += 4) headings += 1;
  assert_int_equal(headings, 16);
  free(text);
}

/* The table agrees with itself. */
static void table(void **state) {
  (void)state;
  for (int row = 0; row < schema_count; ++row) {
    const struct schema_row *r = &schema_rows[row];
    unsigned uses = 0;
    for (unsigned use = 0; use < SCHEMA_USE_COUNT; ++use) {
      if (!schema_used(r, use)) continue;
      uses += 1;
      assert_int_equal(schema_find(r->path, use), row);
      assert_false(schema_is_section(r->path, use));
      assert_true(r->kinds[use] < 1u << schema_rows[schema_kind_row(use)].choice_count);
    }
    assert_true(uses > 0);
    assert_true(strlen(r->path) < SCHEMA_PATH_MAX);
    assert_non_null(r->help);
    struct experiment e;
    memset(&e, 0, sizeof e);
    if (r->standard) {
      assert_ok(value_set_standard(r, &e));
      char text[VALUE_TEXT_MAX];
      value_print(r, &e, text);
      assert_string_equal(text, r->standard);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(canonical),        cmocka_unit_test(with_origins),
      cmocka_unit_test(strange_names),    cmocka_unit_test(round_trip),
      cmocka_unit_test(shortest_numbers), cmocka_unit_test(full_disk),
      cmocka_unit_test(schema_reference), cmocka_unit_test(table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
