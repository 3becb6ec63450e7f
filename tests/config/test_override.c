/* key.path=value words. */
#include "sample.h"

static void values(void **state) {
  (void)state;
  const char *words[] = {"data.dt=.1", "initial.radius=[1,2]", "data.dt=.2", "render.color=grey", "seed= 12 "};
  struct config *config = sample_load(SAMPLE, words, 5);
  const struct experiment *e = config_experiment(config);
  assert_true(e->data.dt == .2); /* the last counts */
  assert_true(e->initial.radius[0] == 1 && e->initial.radius[1] == 2);
  assert_int_equal(e->render.color, COLOR_GREY);
  assert_true(e->seed == 12);
  config_destroy(&config);
}

/* A word may give what the file lacks. */
static void completes_the_file(void **state) {
  (void)state;
  const char *words[] = {"initial.radius=[1, 2]"};
  struct config *config = sample_load(SAMPLE_SYSTEM SAMPLE_DATA SAMPLE_RENDER, words, 1);
  config_destroy(&config);
}

/* It does not excuse what is wrong in the file. */
static void excuses_nothing(void **state) {
  (void)state;
  const char *words[] = {"data.dt=2"};
  sample_refuse(SAMPLE_SYSTEM SAMPLE_INITIAL SAMPLE_RENDER "data: {train: 1, test: 1, frames: 9, dt: x, noise: 0}\n",
                words, 1, "a.yaml:12:42: data.dt: found \"x\", expected a real number > 0, <= 1000000 [s]");
}

static void wrong_words(void **state) {
  (void)state;
  sample_refuse_override("data.dt=x", "data.dt: found \"x\", expected a real number > 0, <= 1000000 [s]");
  sample_refuse_override("data.td=1", "unknown key \"data.td\"; did you mean \"data.dt\"?");
  sample_refuse_override("dt=1", "unknown key \"dt\"; did you mean \"data.dt\"?");
  sample_refuse_override("data=1", "\"data\" is a section: name one of its keys, data.KEY=VALUE");
  sample_refuse_override("x-a=1", "unknown key \"x-a\"; the nearest valid key is \"data\"");
  sample_refuse_override("data.dt", "expected key.path=value");
  sample_refuse_override("=1", "expected key.path=value");
  sample_refuse_override("", "expected key.path=value");
  sample_refuse_override("initial.radius=[1,", "while parsing a flow node, did not find expected node content");
  sample_refuse_override("seed=*a", "no anchor \"&a\" before this alias");
  sample_refuse_override("data.dt=", "data.dt: found nothing, expected a real number > 0, <= 1000000 [s]");
}

/* A shell's word has no comments: a '#' belongs to the value, as in the name of a file. */
static void no_comments(void **state) {
  (void)state;
  static const char *const words[][2] = {{"data.file=run #3.h5", "run #3.h5"},
                                         {"data.file= #3.h5 ", "#3.h5"},
                                         {"data.file=it's #3 of \"5\\\".h5", "it's #3 of \"5\\\".h5"},
                                         {"data.file='run #3.h5'", "run #3.h5"},
                                         {"data.file=\"a\\\" #\"", "a\" #"},
                                         {"data.file=run#3.h5", "run#3.h5"}};
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
    struct config *config =
        sample_load("data: {file: a.h5}\nmodel: {preset: quick}\ntrain: {steps: 1}\n", &words[i][0], 1);
    assert_string_equal(config_experiment(config)->training.data.file, words[i][1]);
    config_destroy(&config);
  }
  sample_refuse_override("data.dt=1 # fine", "data.dt: found \"1 # fine\", expected a real number > 0, <= 1000000 [s]");
  sample_refuse_override("initial.radius=[1, 2] # both",
                         "a \"#\" behind a blank, which is no comment here: put all of the value into quotes");
}

/* Problems of words come after those of the file, each in its own order. */
static void order(void **state) {
  (void)state;
  const char *words[] = {"seed=b", "data.dt=a"};
  sample_refuse(SAMPLE "  color: c\n", words, 2,
                "a.yaml:18:10: render.color: found \"c\", expected one of rgb, grey\n"
                "override \"seed=b\": seed: found \"b\", expected a whole number in plain decimal digits, 0 to "
                "9223372036854775807\n"
                "override \"data.dt=a\": data.dt: found \"a\", expected a real number > 0, <= 1000000 [s]");
}

/* Control characters and length of a word do not reach the message. */
static void unreadable_words(void **state) {
  (void)state;
  char word[4096];
  memset(word, 'x', sizeof word);
  memcpy(word, "seed=\n\x1b", 7);
  word[sizeof word - 1] = '\0';
  const char *words[] = {word};
  struct config *config;
  assert_status(STATUS_CONFIG, sample_parse(SAMPLE, words, 1, &config));
  assert_memory_equal(status_message(), "override \"seed=??xxx", 19);
  assert_null(strchr(status_message(), '\n'));
  assert_true(strlen(status_message()) < 400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values),          cmocka_unit_test(completes_the_file),
      cmocka_unit_test(excuses_nothing), cmocka_unit_test(wrong_words),
      cmocka_unit_test(order),           cmocka_unit_test(unreadable_words),
      cmocka_unit_test(no_comments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
