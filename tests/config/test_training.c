/* Training experiments: presets, lists, switches and texts, checks of several values, differences. */
#include "sample.h"

#define MINIMAL "data: {file: \"a b\\\\c\\\".h5\"}\nmodel: {preset: quick}\ntrain: {steps: 100}\n"

static void presets(void **state) {
  (void)state;
  static const char *const names[] = {"paper", "report2021", "hgnpp", "quick"};
  for (int i = 0; i < 4; ++i) {
    char word[64];
    snprintf(word, sizeof word, "model.preset=%s", names[i]);
    struct config *config = sample_load(MINIMAL, (const char *const[]){word}, 1), *again;
    char *text;
    assert_int_equal(config_use(config), SCHEMA_TRAINING);
    assert_ok(config_text(config, &text));
    again = sample_load(text, NULL, 0); /* what is printed stands for itself, preset or not */
    assert_memory_equal(config_experiment(again), config_experiment(config), sizeof(struct experiment));
    char differences[256];
    assert_int_equal(config_differences(config, again, differences, sizeof differences), 0);
    config_destroy(&again);
    config_destroy(&config);
    free(text);
  }
}

/* The file wins over the preset, the command line over both. */
static void precedence(void **state) {
  (void)state;
  struct config *config =
      sample_load("data: {file: a.h5}\nmodel:\n  preset: quick\n  encoder: {channels: [8, 16]}\n"
                  "  decoder: {slope: 0.5}\ntrain: {steps: 5}\n",
                  (const char *const[]){"model.decoder.slope=0.25", "model.encoder.strides=[4]"}, 2);
  const struct model_settings *model = &config_experiment(config)->training.model;
  assert_int_equal(model->encoder.channels.count, 2);
  assert_int_equal(model->encoder.channels.item[1], 16);
  assert_int_equal(model->encoder.strides.count, 1);
  assert_int_equal(model->encoder.strides.item[0], 4);
  assert_true(model->decoder.slope == 0.25);
  assert_int_equal(model->encoder.activation, ACTIVATION_LEAKY_RELU);
  assert_false(model->latent.sampled);
  config_destroy(&config);
}

static void texts(void **state) {
  (void)state;
  struct config *config = sample_load(MINIMAL, NULL, 0);
  assert_string_equal(config_experiment(config)->training.data.file, "a b\\c\".h5");
  config_destroy(&config);
  sample_refuse("data: {file: }\nmodel: {preset: quick}\ntrain: {steps: 1}\n", NULL, 0,
                "a.yaml:1:14: data.file: found nothing, expected a text of 1 to 1023 bytes");
  /* What another program would put something else in the place of is not the name of a file, even in quotes. */
  static const char *const foreign[][2] = {
      {"\"???\"", "\"???\" (Hydra's mark of a missing value)"},
      {"\"${oc.env:DATA}/a.h5\"", "\"${oc.env:DATA}/a.h5\" (variables are not expanded here)"},
      {"$DATA/a.h5", "\"$DATA/a.h5\" (variables are not expanded here)"},
      {"~/a.h5", "\"~/a.h5\" (~ is the shell's, and not expanded here)"},
      {"NULL", "nothing"}};
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; ++i) {
    char text[256], message[256];
    snprintf(text, sizeof text, "data: {file: %s}\nmodel: {preset: quick}\ntrain: {steps: 1}\n", foreign[i][0]);
    snprintf(message, sizeof message, "a.yaml:1:14: data.file: found %s, expected a text of 1 to 1023 bytes",
             foreign[i][1]);
    sample_refuse(text, NULL, 0, message);
  }
}

/* The words of YAML 1.2's core schema, and no others: not those of YAML 1.1, nothing in quotes. */
static void switches(void **state) {
  (void)state;
  static const char *const words[][3] = {{"true", "True", "TRUE"}, {"false", "False", "FALSE"}};
  static const char *const wrong[] = {"yes", "on", "tRUE", "'True'", "1"};
  char word[64];
  const char *one = word;
  for (int value = 0; value < 2; ++value)
    for (int i = 0; i < 3; ++i) {
      snprintf(word, sizeof word, "model.latent.sampled=%s", words[!value][i]);
      struct config *config = sample_load(MINIMAL, &one, 1);
      assert_int_equal(config_experiment(config)->training.model.latent.sampled, value);
      config_destroy(&config);
    }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    struct config *config;
    snprintf(word, sizeof word, "model.latent.sampled=%s", wrong[i]);
    assert_status(STATUS_CONFIG, sample_parse(MINIMAL, &one, 1, &config));
  }
}

/* A number of rollouts, or a word for one; printed as it was given. */
static void words(void **state) {
  (void)state;
  static const struct {
    const char *word, *printed;
    int64_t final;
  } cases[] = {{"eval.final=all", "\n  final: all\n", SCHEMA_WORD(FINAL_ALL)},
               {"eval.final=same", "\n  final: same\n", SCHEMA_WORD(FINAL_SAME)},
               {"eval.final=17", "\n  final: 17\n", 17},
               {"eval.every=3", "\n  final: all\n", SCHEMA_WORD(FINAL_ALL)}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    struct config *config = sample_load(MINIMAL, &cases[i].word, 1);
    char *text;
    assert_int_equal(cases[i].final, config_experiment(config)->training.eval.final);
    assert_ok(config_text(config, &text));
    assert_non_null(strstr(text, cases[i].printed));
    free(text);
    config_destroy(&config);
  }
}

static void refused(void **state) {
  (void)state;
  static const struct {
    const char *word, *message;
  } cases[] = {
      {"eval.final=som",
       "eval.final: found \"som\", expected all, same, or a whole number in plain decimal digits, 1 to "
       "1000000000 [rollouts]; did you mean \"same\"?"},
      {"eval.final=0", "eval.final: found 0, expected all, same, or a whole number"},
      {"eval.final=-1", "eval.final: found -1, expected all, same, or a whole number"},
      {"model.encoder.kernels=[3, 3]", "model.encoder.kernels has 2 items but model.encoder.channels has 5"},
      {"model.encoder.kernels=3", "found 3, expected a sequence of at most 16 whole numbers, each 0 to 64"},
      {"model.encoder.kernels=[3, x]", "found \"x\" as its item 2"},
      {"model.encoder.padding=[sam]", "found \"sam\" as its item 1, expected a sequence of same, valid, symmetric"},
      {"model.latent.sampled=yes", "found \"yes\", expected true or false"},
      {"model.hamiltonian.channels=[8, 2]", "must end in 1"},
      {"model.integrator.name=implicit_midpoint", "is for a joint H(q, p)"},
      {"train.microbatch=17", "train.microbatch is 17 but train.batch is 16"},
      {"train.curriculum.steps=[5]", "train.curriculum.frames has 0 items, train.curriculum.steps 1"},
      {"model.presett=quick", "did you mean \"model.preset\"?"},
      {"system.mass=1", "unknown key \"system.mass\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    struct config *config;
    assert_status(STATUS_CONFIG, sample_parse(MINIMAL, &cases[i].word, 1, &config));
    if (!strstr(status_message(), cases[i].message)) fail_msg("%s: %s", cases[i].word, status_message());
  }
}

/* A run of the preset from before its padding was the reproduction's is of another configuration,
 * and it is said where. */
static void old_paddings(void **state) {
  (void)state;
  static const char *const words[] = {"model.preset=report2021", "model.encoder.padding=[same]",
                                      "model.transformer.padding=[same]"};
  struct config *old = sample_load(MINIMAL, words, 3), *now = sample_load(MINIMAL, words, 1);
  char text[256];
  assert_int_equal(config_differences(old, now, text, sizeof text), 2);
  assert_string_equal(text, "model.encoder.padding: [same], now [symmetric]; model.transformer.padding: [same], now "
                            "[symmetric]");
  config_destroy(&old);
  config_destroy(&now);
}

static bool is_of_training(const struct schema_row *row) { return strncmp(row->path, "train.", 6) == 0; }

static void differences(void **state) {
  (void)state;
  struct config *a = sample_load(MINIMAL, NULL, 0);
  struct config *b = sample_load(MINIMAL, (const char *const[]){"train.steps=7", "seed=2"}, 2);
  char text[256];
  assert_int_equal(config_differences(a, b, text, sizeof text), 2);
  assert_string_equal(text, "seed: 1, now 2; train.steps: 100, now 7");
  assert_int_equal(config_differences_of(a, b, is_of_training, text, sizeof text), 1);
  assert_string_equal(text, "train.steps: 100, now 7");
  assert_int_equal(config_differences(a, a, text, sizeof text), 0);
  assert_ok(config_require(a, SCHEMA_USE(SCHEMA_TRAINING)));
  assert_status(STATUS_CONFIG, config_require(a, SCHEMA_DATA_SETS));
  config_destroy(&a);
  config_destroy(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(presets),      cmocka_unit_test(precedence),
                                     cmocka_unit_test(texts),        cmocka_unit_test(switches),
                                     cmocka_unit_test(words),        cmocka_unit_test(refused),
                                     cmocka_unit_test(old_paddings), cmocka_unit_test(differences)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
