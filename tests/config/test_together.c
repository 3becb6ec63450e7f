/* Checks of several values together. */
#include "sample.h"

static void input_frames(void **state) {
  (void)state;
  const char *few[] = {"data.frames=3"};
  sample_refuse(SAMPLE, few, 1,
                "override \"data.frames=3\": ladder.input_frames is 5 (default) but data.frames is 3 (override "
                "\"data.frames=3\"): expected ladder.input_frames <= data.frames");
  sample_refuse(SAMPLE "ladder: {input_frames: 35}\n", NULL, 0,
                "a.yaml:18:24: ladder.input_frames is 35 (a.yaml:18:24) but data.frames is 34 (a.yaml:11:11): expected "
                "ladder.input_frames <= data.frames");
  const char *both[] = {"data.frames=1", "ladder.input_frames=1"};
  struct config *config = sample_load(SAMPLE, both, 2);
  config_destroy(&config);
}

/* The most that every range allows would be 1e9 rollouts of 1e6 frames of 3 MiB. */
static void bytes(void **state) {
  (void)state;
  const char *words[] = {"data.train=1000000000", "data.frames=1000000", "render.height=1024", "render.width=1024"};
  sample_refuse(SAMPLE, words, 4,
                "override \"data.train=1000000000\": data.train, data.test and data.validation are 1000000040 rollouts "
                "of 1000000 frames "
                "(override \"data.frames=1000000\") of 1024 x 1024 px: expected less than 2^63 bytes of images");
  struct config *config = sample_load(SAMPLE, words, 2);
  config_destroy(&config);
}

/* Each split counts, and one that is not asked for as what it will be. */
static void bytes_of_each_split(void **state) {
  (void)state;
  const char *most[] = {"data.frames=1000000", "render.height=1024", "render.width=1024",
                        "data.train=1",        "data.test=1",        "data.validation=2932029"};
  struct config *config = sample_load(SAMPLE, most, 6);
  config_destroy(&config);
  most[5] = "data.validation=2932030";
  assert_status(STATUS_CONFIG, sample_parse(SAMPLE, most, 6, &config));
  most[4] = "data.test=2665483"; /* with a tenth of it and the training rollout 2,932,032: one too many */
  assert_status(STATUS_CONFIG, sample_parse(SAMPLE, most, 5, &config));
  most[4] = "data.test=2665482";
  config = sample_load(SAMPLE, most, 5);
  config_destroy(&config);
}

static void validation(void **state) {
  (void)state;
  static const struct {
    int64_t asked, test, rollouts;
  } cases[] = {{0, 1, 1},      {0, 99, 99},    {0, 100, 100},    {0, 999, 100}, {0, 1000, 100},
               {0, 1019, 101}, {0, 4000, 400}, {0, 10000, 1000}, {7, 10000, 7}, {5000, 20, 5000}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const struct data_settings data = {.test = cases[i].test, .validation = cases[i].asked};
    assert_int_equal(cases[i].rollouts, experiment_validation(&data));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(input_frames), cmocka_unit_test(bytes),
                                     cmocka_unit_test(bytes_of_each_split), cmocka_unit_test(validation)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
