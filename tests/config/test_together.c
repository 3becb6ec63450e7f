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
                "override \"data.train=1000000000\": data.train + data.test is 1000000020 rollouts of 1000000 frames "
                "(override \"data.frames=1000000\") of 1024 x 1024 px: expected less than 2^63 bytes of images");
  struct config *config = sample_load(SAMPLE, words, 2);
  config_destroy(&config);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(input_frames), cmocka_unit_test(bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
