/* Unknown, missing, duplicate and inapplicable keys: place, name and the nearest valid key. */
#include "sample.h"

static void unknown_keys(void **state) {
  (void)state;
  sample_refuse(
      "system:\n  name: pendulum\n  mas: 0.5\n  length: 1\n  gravity: 3\n" SAMPLE_INITIAL SAMPLE_DATA SAMPLE_RENDER,
      NULL, 0, "a.yaml:3:3: unknown key \"system.mas\"; did you mean \"system.mass\"?");
  sample_refuse(SAMPLE "  colour: rgb\n", NULL, 0,
                "a.yaml:18:3: unknown key \"render.colour\"; did you mean \"render.color\"?");
  sample_refuse(SAMPLE "laddre:\n  input_frames: 3\n", NULL, 0,
                "a.yaml:18:1: unknown key \"laddre\"; did you mean \"ladder\"?");
  sample_refuse(SAMPLE "sede: 4\n", NULL, 0, "a.yaml:18:1: unknown key \"sede\"; did you mean \"seed\"?");
  sample_refuse(SAMPLE "optimizer:\n  name: adam\n", NULL, 0,
                "a.yaml:18:1: unknown key \"optimizer\"; the nearest valid key is \"initial\"");
  sample_refuse(SAMPLE "? [a]\n: b\n", NULL, 0, "a.yaml:18:3: a key must be a word, not a sequence or mapping");
}

/* A misplaced key is found by its last component. */
static void misplaced_keys(void **state) {
  (void)state;
  sample_refuse(SAMPLE "noise: 0.1\n", NULL, 0, "a.yaml:18:1: unknown key \"noise\"; did you mean \"data.noise\"?");
  sample_refuse(SAMPLE "  frames: 3\n", NULL, 0,
                "a.yaml:18:3: unknown key \"render.frames\"; did you mean \"data.frames\"?");
  sample_refuse(SAMPLE "render.color: rgb\n", NULL, 0,
                "a.yaml:18:1: write the key \"render.color\" as a section with keys under it");
}

static void sections(void **state) {
  (void)state;
  sample_refuse(SAMPLE_SYSTEM SAMPLE_DATA SAMPLE_RENDER "initial: 3\n", NULL, 0,
                "a.yaml:16:10: section \"initial\" must be a mapping with the keys of the section");
  sample_refuse(SAMPLE "ladder:\n", NULL, 0,
                "a.yaml:18:8: section \"ladder\" must be a mapping with the keys of the section");
}

static void missing_keys(void **state) {
  (void)state;
  sample_refuse(SAMPLE_SYSTEM SAMPLE_DATA "render: {renderer: soft, world: 2}\n", NULL, 0,
                "a.yaml:1:1: missing key \"initial.radius\": expected a pair of real numbers [lower, upper], lower <= "
                "upper, each > 0, <= 1000000 [phase space or m]\n"
                "a.yaml:12:1: missing key \"render.radius\": expected a real number > 0, <= 1000000 [m]");
  sample_refuse("system: {mass: 1}\n" SAMPLE_INITIAL SAMPLE_DATA SAMPLE_RENDER, NULL, 0,
                "a.yaml:1:1: missing key \"system.name\": expected one of mass_spring, damped_spring, pendulum, "
                "double_pendulum, two_body, three_body");
}

static void duplicate_keys(void **state) {
  (void)state;
  sample_refuse(SAMPLE "  world: 3\n", NULL, 0, "a.yaml:18:3: duplicate key \"world\", first at a.yaml:16:3");
  sample_refuse(SAMPLE "\"data\": {}\n", NULL, 0, "a.yaml:18:1: duplicate key \"data\", first at a.yaml:8:1");
}

static void keys_of_other_systems(void **state) {
  (void)state;
  sample_refuse(
      "system:\n  stiffness: 3\n  name: pendulum\n  mass: 0.5\n  length: 1\n  gravity: 3\n" SAMPLE_INITIAL SAMPLE_DATA
          SAMPLE_RENDER,
      NULL, 0,
      "a.yaml:2:3: \"system.stiffness\" does not apply to pendulum (system.name: a.yaml:3:9), only to "
      "mass_spring, damped_spring");
  const char *words[] = {"system.name=two_body"};
  sample_refuse(SAMPLE, words, 1,
                "a.yaml:4:3: \"system.length\" does not apply to two_body (system.name: override "
                "\"system.name=two_body\"), only to pendulum, double_pendulum");
  sample_refuse_override("initial.velocity_noise=0",
                         "\"initial.velocity_noise\" does not apply to pendulum (system.name: a.yaml:2:9), only to "
                         "two_body, three_body");
}

/* Ten problems a message, in the order of the file, and the rest counted. */
static void many_problems(void **state) {
  (void)state;
  char text[4096] = SAMPLE;
  for (int i = 0; i < 100; ++i) {
    char line[64];
    snprintf(line, sizeof line, "zzzzzzzzzzz%d: %d\n", i, i);
    strcat(text, line);
  }
  struct config *config;
  assert_status(STATUS_CONFIG, sample_parse(text, NULL, 0, &config));
  const char *message = status_message();
  assert_true(strlen(message) < STATUS_MESSAGE_MAX - 100);
  int line = 18;
  for (const char *c = message; line < 28; ++line) {
    char start[64];
    snprintf(start, sizeof start, "a.yaml:%d:1: unknown key \"zzzzzzzzzzz%d\"; ", line, line - 18);
    assert_memory_equal(c, start, strlen(start));
    c = strchr(c, '\n') + 1;
  }
  assert_string_equal(strrchr(message, '\n'), "\nand 90 more");
}

/* However long the words of a file, the message is whole lines. */
static void long_words(void **state) {
  (void)state;
  static char text[20000];
  strcpy(text, SAMPLE);
  for (int i = 0; i < 12; ++i) {
    const size_t used = strlen(text);
    memset(text + used, 'a' + i, 1000);
    strcpy(text + used + 1000, ": 1\n");
  }
  struct config *config;
  assert_status(STATUS_CONFIG, sample_parse("", NULL, 0, &config));
  assert_status(STATUS_CONFIG, sample_parse(text, NULL, 0, &config));
  assert_true(strlen(status_message()) < STATUS_MESSAGE_MAX - 100);
  assert_non_null(strstr(status_message(), "aaaa...\"; the nearest valid key is \""));
  assert_non_null(strstr(status_message(), "\nand 2 more"));
}

static void roots(void **state) {
  (void)state;
  const char *expected =
      "expected a mapping of sections: system, initial, data, render; or density, data; or data, model, train";
  const char *const texts[][2] = {{"", "a.yaml:1:1: nothing in this file, "},
                                  {"# only a comment\n", "a.yaml:1:1: nothing in this file, "},
                                  {"\n- a\n", "a.yaml:2:1: found a sequence, "},
                                  {"word\n", "a.yaml:1:1: found a single value, "}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    char message[256];
    snprintf(message, sizeof message, "%s%s", texts[i][1], expected);
    sample_refuse(texts[i][0], NULL, 0, message);
  }
}

static void recognized(const char *text, unsigned uses, const char *message) {
  status_clear();
  assert_status(*message ? STATUS_CONFIG : STATUS_OK, config_recognize("a.yaml", text, strlen(text), uses));
  if (*message) assert_string_equal(status_message(), message);
}

/* One line says what a file is that is no experiment; slips of the pen are left to config_parse(). */
static void what_it_is(void **state) {
  (void)state;
  const char *training = "data: {file: d.h5}\nmodel: {preset: quick}\ntrain: {steps: 1}\n";
  const char *foreign =
      "a.yaml: this is no experiment of hgn: most of its keys mean nothing here (defaults, trainer.epochs, "
      "optimizer.lr). Expected the sections data, model, train; or system, initial, data, render; or "
      "density, data (hgn config --schema)";
  recognized(training, SCHEMA_USE(SCHEMA_TRAINING), "");
  recognized(training, SCHEMA_ANY, "");
  recognized(SAMPLE, SCHEMA_DATA_SETS, "");
  recognized("", SCHEMA_ANY, "");
  recognized("[1]", SCHEMA_ANY, "");
  recognized("data: {fil: d.h5}\nmodel: {prest: quick}\ntrian: {steps: 1}\n", SCHEMA_USE(SCHEMA_TRAINING), "");
  recognized("defaults: [a, b]\ntrainer: {epochs: 3}\noptimizer: {lr: 1}\n", SCHEMA_ANY, foreign);
  recognized("base: a.yaml\nmethod: grid\nparameters: {seed: {values: [1]}}\n", SCHEMA_USE(SCHEMA_TRAINING),
             "a.yaml: this is no experiment of hgn, but looks like a sweep: hgn sweep a.yaml");
  recognized(
      SAMPLE, SCHEMA_USE(SCHEMA_TRAINING),
      "a.yaml: this describes a data set of a system; expected a training experiment, with a section \"model\" (hgn "
      "simulate takes it)");
  recognized(
      training, SCHEMA_DATA_SETS,
      "a.yaml: this describes a training experiment (it has a section \"model\"); expected a data set (hgn train "
      "takes it)");
  recognized("data: {file: d.h5}\ntrain: {steps: 1}\n", SCHEMA_USE(SCHEMA_TRAINING),
             "a.yaml: no section \"model\", which a training experiment has");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unknown_keys),  cmocka_unit_test(misplaced_keys), cmocka_unit_test(sections),
      cmocka_unit_test(missing_keys),  cmocka_unit_test(duplicate_keys), cmocka_unit_test(keys_of_other_systems),
      cmocka_unit_test(many_problems), cmocka_unit_test(long_words),     cmocka_unit_test(what_it_is),
      cmocka_unit_test(roots),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
