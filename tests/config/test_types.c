/* Each type takes what is written and nothing else; what was found and what was expected are said. */
#include "sample.h"

#include <float.h>

static void takes_values(void **state) {
  (void)state;
  struct config *config = sample_load("seed: 9223372036854775807\n" SAMPLE, NULL, 0);
  const struct experiment *e = config_experiment(config);
  assert_true(e->seed == INT64_MAX);
  assert_int_equal(e->system.name, SYSTEM_PENDULUM);
  assert_true(e->system.mass == 0.5 && e->system.length == 1 && e->system.gravity == 3);
  assert_true(e->system.stiffness == 0 && e->system.damping == 0);
  assert_true(e->initial.radius[0] == 1.3 && e->initial.radius[1] == 2.3);
  assert_int_equal(e->initial.direction, DIRECTION_UNIFORM);
  assert_true(e->initial.flip_probability == 0); /* of n-body systems only, so no default either */
  assert_true(e->data.train == 100 && e->data.test == 20 && e->data.frames == 34);
  assert_true(e->data.dt == 0.125 && e->data.noise == 0.1);
  assert_int_equal(e->render.renderer, RENDERER_SOFT);
  assert_int_equal(e->render.color, COLOR_RGB);
  assert_true(e->render.height == 32 && e->render.width == 32 && e->render.world == 2 && e->render.radius == .5);
  assert_true(e->ladder.input_frames == 5);
  config_destroy(&config);
  assert_null(config);
  config_destroy(&config);
}

static void takes_forms_of_reals(void **state) {
  (void)state;
  const struct {
    const char *word;
    double value;
  } forms[] = {{"data.dt=1e-3", 1e-3},   {"data.dt=.5", .5},
               {"data.dt=5.", 5},        {"data.dt=+2", 2},
               {"data.dt=1.5E+2", 150},  {"data.dt=0.1", .1},
               {"data.noise=-0.0", 0.0}, {"data.noise=0", 0},
               {"data.dt=1000000", 1e6}, {"data.dt=4.9406564584124654e-324", DBL_TRUE_MIN}};
  for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
    struct config *config = sample_load(SAMPLE, &forms[i].word, 1);
    const struct data_settings *data = &config_experiment(config)->data;
    const double got = strncmp(forms[i].word, "data.dt", 7) == 0 ? data->dt : data->noise;
    assert_memory_equal(&got, &forms[i].value, sizeof got);
    config_destroy(&config);
  }
}

static void refuses_reals(void **state) {
  (void)state;
  const char *expected = "expected a real number > 0, <= 1000000 [s]";
  const char *const words[][2] = {{"data.dt=fast", "\"fast\""},
                                  {"data.dt=nan", "\"nan\""},
                                  {"data.dt=.inf", "\".inf\""},
                                  {"data.dt=0x10", "\"0x10\""},
                                  {"data.dt=1_000", "\"1_000\""},
                                  {"data.dt=010", "\"010\""},
                                  {"data.dt=1e", "\"1e\""},
                                  {"data.dt=.", "\".\""},
                                  {"data.dt=1,5", "\"1,5\""},
                                  {"data.dt=true", "\"true\""},
                                  {"data.dt=null", "nothing"},
                                  {"data.dt=~", "nothing"},
                                  {"data.dt=Null", "nothing"},
                                  {"data.dt=NULL", "nothing"},
                                  {"data.dt=nULL", "\"nULL\""},
                                  {"data.dt=???", "\"???\" (Hydra's mark of a missing value)"},
                                  {"data.dt=${step}", "\"${step}\" (variables are not expanded here)"},
                                  {"data.dt=0", "0"},
                                  {"data.dt=-1", "-1"},
                                  {"data.dt=1e999", "1e999"},
                                  {"data.dt=1e-999", "1e-999"},
                                  {"data.dt=1000001", "1000001"},
                                  {"data.dt=[1, 2]", "a sequence of 2"},
                                  {"data.dt={a: 1}", "a mapping"},
                                  {"data.dt='1'", "\"1\" in quotes, which is text"},
                                  {"data.dt=", "nothing"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
    char message[256];
    snprintf(message, sizeof message, "data.dt: found %s, %s", words[i][1], expected);
    sample_refuse_override(words[i][0], message);
  }
}

static void refuses_integers(void **state) {
  (void)state;
  const char *expected = "expected a whole number in plain decimal digits, 0 to 9223372036854775807";
  const char *const words[][2] = {{"seed=1e5", "1e5"},
                                  {"seed=1.0", "1.0"},
                                  {"seed=-1", "-1"},
                                  {"seed=9223372036854775808", "9223372036854775808"},
                                  {"seed=50_000", "\"50_000\""},
                                  {"seed=007", "\"007\""},
                                  {"seed=0o7", "\"0o7\""},
                                  {"seed=99999999999999999999999", "99999999999999999999999"},
                                  {"seed=-", "a sequence of 1"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
    char message[256];
    snprintf(message, sizeof message, "seed: found %s, %s", words[i][1], expected);
    sample_refuse_override(words[i][0], message);
  }
  sample_refuse_override("data.validation=-1", "data.validation: found -1, expected a whole number in plain decimal "
                                               "digits, 0 to 1000000000 [rollouts]");
  sample_refuse_override("data.validation=0.1", "data.validation: found 0.1, expected a whole number in plain decimal "
                                                "digits, 0 to 1000000000 [rollouts]");
  sample_refuse_override("data.validation=1000000001", "data.validation: found 1000000001, expected a whole number in "
                                                       "plain decimal digits, 0 to 1000000000 [rollouts]");
}

static void refuses_pairs(void **state) {
  (void)state;
  const char *expected =
      "expected a pair of real numbers [lower, upper], lower <= upper, each > 0, <= 1000000 [phase space or m]";
  const char *const words[][2] = {{"initial.radius=1", "1"},
                                  {"initial.radius=[1]", "a sequence of 1"},
                                  {"initial.radius=[1, 2, 3]", "a sequence of 3"},
                                  {"initial.radius=[2, 1]", "[2, 1]"},
                                  {"initial.radius=[0, 1]", "0 as its first number"},
                                  {"initial.radius=[1, x]", "\"x\" as its second number"},
                                  {"initial.radius=[1, [2]]", "a sequence of 1 as its second number"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
    char message[256];
    snprintf(message, sizeof message, "initial.radius: found %s, %s", words[i][1], expected);
    sample_refuse_override(words[i][0], message);
  }
  const char *equal = "initial.radius=[1, 1]";
  struct config *config = sample_load(SAMPLE, &equal, 1);
  config_destroy(&config);
}

static void refuses_choices(void **state) {
  (void)state;
  sample_refuse_override("render.color=gray",
                         "render.color: found \"gray\", expected one of rgb, grey; did you mean \"grey\"?");
  sample_refuse_override("render.color=purple", "render.color: found \"purple\", expected one of rgb, grey");
  sample_refuse_override("render.color=[rgb]", "render.color: found a sequence of 1, expected one of rgb, grey");
  const char *quoted = "render.color=\"grey\"";
  struct config *config = sample_load(SAMPLE, &quoted, 1);
  assert_int_equal(config_experiment(config)->render.color, COLOR_GREY);
  config_destroy(&config);
}

static void names_the_place(void **state) {
  (void)state;
  sample_refuse(SAMPLE_SYSTEM "initial: {radius: [1, 2]}\n" SAMPLE_RENDER "data:\n"
                              "  train: 100\n  test: 20\n  frames: many\n  dt:   \"0.1\"\n  noise: 0.1\n",
                NULL, 0,
                "a.yaml:14:11: data.frames: found \"many\", expected a whole number in plain decimal digits, 1 to "
                "1000000 [frames]\n"
                "a.yaml:15:9: data.dt: found \"0.1\" in quotes, which is text, expected a real number > 0, <= 1000000 "
                "[s]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_values),     cmocka_unit_test(takes_forms_of_reals), cmocka_unit_test(refuses_reals),
      cmocka_unit_test(refuses_integers), cmocka_unit_test(refuses_pairs),        cmocka_unit_test(refuses_choices),
      cmocka_unit_test(names_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
