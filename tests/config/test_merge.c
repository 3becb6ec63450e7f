/* Anchors, aliases and merge keys: values, precedence, origins. */
#include "sample.h"

static char *print_origins(const struct config *config) {
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&text, &bytes);
  assert_non_null(out);
  assert_ok(config_print(config, out, true));
  fclose(out);
  return text;
}

static void aliases(void **state) {
  (void)state;
  struct config *config = sample_load("seed: &n 7\n" SAMPLE_SYSTEM "initial:\n  radius: [&r 1.5, *r]\n"
                                      "data: {train: *n, test: *n, frames: 9, dt: &k 1, noise: *k}\n" SAMPLE_RENDER,
                                      NULL, 0);
  const struct experiment *e = config_experiment(config);
  assert_true(e->data.train == 7 && e->data.test == 7 && e->data.noise == 1);
  assert_true(e->initial.radius[0] == 1.5 && e->initial.radius[1] == 1.5);
  char *text = print_origins(config);
  /* The origin is where the named value stands, not the alias. */
  assert_non_null(strstr(text, "  train: 7            # a.yaml:1:7\n  test: 7             # a.yaml:1:7\n"));
  free(text);
  config_destroy(&config);
}

/* An anchor may be given again; an alias means the last before it. */
static void anchors_again(void **state) {
  (void)state;
  struct config *config = sample_load("x-a: [&n 7, &n 8]\nseed: *n\n" SAMPLE, NULL, 0);
  assert_true(config_experiment(config)->seed == 8);
  config_destroy(&config);
}

static void merges(void **state) {
  (void)state;
  const char *text = "x-base: &base\n"
                     "  train: 1\n"
                     "  test: 2\n"
                     "  frames: 10\n"
                     "  dt: 1\n"
                     "x-more: &more {test: 20, noise: 3}\n" SAMPLE_SYSTEM SAMPLE_INITIAL SAMPLE_RENDER "data:\n"
                     "  <<: [*more, *base]\n"
                     "  train: 100\n";
  struct config *config = sample_load(text, NULL, 0);
  const struct data_settings *data = &config_experiment(config)->data;
  assert_true(data->train == 100); /* explicit wins */
  assert_true(data->test == 20);   /* earlier wins */
  assert_true(data->frames == 10 && data->dt == 1 && data->noise == 3);
  char *printed = print_origins(config);
  assert_non_null(strstr(printed, "# a.yaml:20:10\n"));
  assert_non_null(strstr(printed, "# a.yaml:6:22\n"));
  assert_non_null(strstr(printed, "# a.yaml:4:11\n"));
  free(printed);
  config_destroy(&config);
}

static void merges_of_merges(void **state) {
  (void)state;
  const char *text = "x-a: &a {train: 1, test: 1}\n"
                     "x-b: &b {<<: *a, test: 2, frames: 30}\n" SAMPLE_SYSTEM SAMPLE_INITIAL SAMPLE_RENDER
                     "data: {dt: 1, <<: *b, noise: 0}\n";
  struct config *config = sample_load(text, NULL, 0);
  const struct data_settings *data = &config_experiment(config)->data;
  assert_true(data->train == 1 && data->test == 2 && data->frames == 30);
  config_destroy(&config);
}

static void merge_at_the_root(void **state) {
  (void)state;
  struct config *config = sample_load("<<:\n  seed: 5\n  data: {}\n" SAMPLE, NULL, 0);
  assert_true(config_experiment(config)->seed == 5);
  assert_true(config_experiment(config)->data.train == 100);
  config_destroy(&config);
}

/* Merged problems stand where the merged text stands. */
static void merged_problems(void **state) {
  (void)state;
  sample_refuse("x-a: &a\n  dt: x\n  nose: 1\n" SAMPLE_SYSTEM SAMPLE_INITIAL SAMPLE_RENDER
                "data: {<<: *a, train: 1, test: 1, frames: 30}\n",
                NULL, 0,
                "a.yaml:2:7: data.dt: found \"x\", expected a real number > 0, <= 1000000 [s]\n"
                "a.yaml:3:3: unknown key \"data.nose\"; did you mean \"data.noise\"?");
}

static void wrong_merges(void **state) {
  (void)state;
  sample_refuse("a: {<<: 3}\n", NULL, 0, "a.yaml:1:5: a merge key (<<) takes a mapping or a sequence of mappings");
  sample_refuse("a: {<<: [{b: 1}, 3]}\n", NULL, 0,
                "a.yaml:1:18: a merge key (<<) takes a mapping or a sequence of mappings");
  sample_refuse("a:\n  <<: {b: 1}\n  <<: {c: 1}\n", NULL, 0,
                "a.yaml:3:3: duplicate key \"<<\", first at a.yaml:2:3; merge several mappings with <<: [*a, *b]");
  sample_refuse("a: *b\n", NULL, 0, "a.yaml:1:4: no anchor \"&b\" before this alias");
  sample_refuse(SAMPLE "\"<<\": {seed: 3}\n", NULL, 0, /* in quotes it is an ordinary key */
                "a.yaml:18:1: unknown key \"<<\"; the nearest valid key is \"data.dt\"");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(aliases),          cmocka_unit_test(anchors_again),     cmocka_unit_test(merges),
      cmocka_unit_test(merges_of_merges), cmocka_unit_test(merge_at_the_root), cmocka_unit_test(merged_problems),
      cmocka_unit_test(wrong_merges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
