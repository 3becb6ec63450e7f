/* An experiment with other values is what its text with these overrides would be. */
#include "config/config.h"
#include "testing.h"

#include <stdlib.h>
#include <string.h>

static const char base_text[] = "seed: 3\n"
                                "data: {file: \"a.h5\"}\n"
                                "model: {preset: quick, latent: {sampled: false}}\n"
                                "train: {steps: 100, batch: 8}\n";

static void compare(const char *const *words, int count) {
  struct config *base, *varied = NULL, *parsed = NULL;
  char *a, *b;
  assert_ok(config_parse("base.yaml", base_text, sizeof base_text - 1, NULL, 0, &base));
  assert_ok(config_parse("base.yaml", base_text, sizeof base_text - 1, words, count, &parsed));
  assert_ok(config_vary(base, words, count, &varied));
  assert_ok(config_text(parsed, &a));
  assert_ok(config_text(varied, &b));
  assert_string_equal(a, b);
  free(a);
  free(b);
  config_destroy(&base);
  config_destroy(&varied);
  config_destroy(&parsed);
}

static void same(void **state) {
  (void)state;
  compare(NULL, 0);
  compare((const char *const[]){"optimizer.learning_rate=0.5"}, 1);
  compare((const char *const[]){"train.batch=16", "seed=9", "data.file=\"b c.h5\"", "train.batch=4"}, 4);
  compare((const char *const[]){"model.preset=paper"}, 1);
  compare((const char *const[]){"train.batch=32", "model.preset=report2021"}, 2);
  compare((const char *const[]){"model.preset=none", "model.encoder.channels=[8]", "model.hamiltonian.channels=[8, 1]"},
          3);
}

static void refuse(const char *const *words, int count, const char *message) {
  struct config *base, *varied = NULL;
  assert_ok(config_parse("base.yaml", base_text, sizeof base_text - 1, NULL, 0, &base));
  assert_status(STATUS_CONFIG, config_vary(base, words, count, &varied));
  assert_null(varied);
  if (!strstr(status_message(), message)) fail_msg("\"%s\" lacks \"%s\"", status_message(), message);
  config_destroy(&base);
}

static void wrong(void **state) {
  (void)state;
  refuse((const char *const[]){"train.batch=0"}, 1, "override \"train.batch=0\": train.batch: found 0");
  refuse((const char *const[]){"train.bach=4"}, 1, "did you mean \"train.batch\"");
  refuse((const char *const[]){"train.microbatch=9"}, 1, "train.microbatch is 9 but train.batch is 8");
  refuse((const char *const[]){"synthetic.x=1"}, 1, "does not apply to hgn");
  refuse((const char *const[]){"model.name=synthetic"}, 1, "does not apply to synthetic");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(same), cmocka_unit_test(wrong)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
