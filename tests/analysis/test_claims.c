/* Claims: what runs of known scores say to them, what is left out and why, and what is wrong in a file, and where. */
#include "analysis/report/claims_sections.h"
#include "testing.h"
#include "train/hgn.h"
#include "train/hgn_evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MAX = 32 };

/* Runs as run_facts.h has them, of one data set, with the scores that matter here. */
struct scene {
  struct run_facts run[RUNS_MAX];
  double score[RUNS_MAX][HGN_SCORES], validation[RUNS_MAX][HGN_SCORES];
  int64_t count;
};
static struct scene scene;

static int open_scene(void **state) {
  (void)state;
  scene.count = 0;
  return 0;
}

static int close_scene(void **state) {
  (void)state;
  for (int64_t i = 0; i < scene.count; i++) {
    config_destroy(&scene.run[i].config);
    config_destroy(&scene.run[i].data.config);
    free((char *)scene.run[i].config_text);
  }
  scene.count = 0;
  return 0;
}

/* With an R2 of 0.9 and one more score. */
static struct run_facts *add_run(int64_t seed, const char *system, const char *integrator, enum hgn_score score,
                                 double value) {
  const int64_t at = scene.count++;
  struct run_facts *run = &scene.run[at];
  char with_seed[64], with_integrator[64], *text = NULL;
  const char *words[] = {with_seed, with_integrator},
             *base = "data: {file: d.h5}\nmodel: {preset: quick}\ntrain: {steps: 10}\n";
  *run = (struct run_facts){.kind = &learner_hgn, .model = "hgn", .complete = true, .evaluations = 1, .seed = seed};
  snprintf(with_seed, sizeof with_seed, "seed=%lld", (long long)seed);
  snprintf(with_integrator, sizeof with_integrator, "model.integrator.name=%s", integrator);
  snprintf(run->name, sizeof run->name, "%s-%s-%lld", system, integrator, (long long)seed);
  assert_ok(config_parse("run", base, strlen(base), words, 2, &run->config));
  assert_ok(config_text(run->config, &text));
  assert_ok(
      config_parse("data", published_preset(system), strlen(published_preset(system)), NULL, 0, &run->data.config));
  run->config_text = text;
  run->training = &config_experiment(run->config)->training;
  run->preset = "quick";
  run->integrator = integrator;
  run->data.system = run->data.checksum = run->data.file = system;
  run->has_protocol = true;
  run->protocol = (struct protocol){0, 5, 4, 4, 30};
  for (int i = 0; i < HGN_SCORES; i++) scene.score[at][i] = scene.validation[at][i] = NAN;
  scene.score[at][HGN_R2] = 0.9;
  scene.score[at][score] = value;
  for (int split = 0; split < SPLIT_COUNT; split++) run->score[split] = scene.validation[at];
  run->score[SPLIT_TEST] = scene.score[at];
  return run;
}

static void answer(const char *text, struct claims *claims, struct claim_answers *answers) {
  assert_ok(claims_parse("claims.yaml", text, strlen(text), claims));
  assert_ok(claims_answer(claims, scene.run, scene.count, answers));
}

static void assert_verdict(const struct claim_answer *answer, enum claim_verdict verdict, const char *reason) {
  if (answer->verdict != verdict || !strstr(answer->reason, reason))
    fail_msg("verdict %d, \"%s\"; expected %d, \"%s\"", (int)answer->verdict, answer->reason, (int)verdict, reason);
}

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g +- %g", value, expected, tolerance);
}

static void finish(struct claims *claims, struct claim_answers *answers) {
  claims_answers_close(answers);
  claims_close(claims);
}

/* Of three seeds: means 0.05, 0.12 and 0.09, with deviations of 0.001 and 0.02. */
static void test_below(void **state) {
  (void)state;
  const double small[] = {0.049, 0.05, 0.051}, large[] = {0.119, 0.12, 0.121}, vague[] = {0.07, 0.09, 0.11};
  const double *const sets[] = {small, large, vague};
  static const enum claim_verdict verdicts[] = {CLAIM_SUPPORTED, CLAIM_NOT_SUPPORTED, CLAIM_NOT_SUPPORTED};
  static const char *const reasons[] = {"", "the contrary is so", "as claimed, but that may be chance"};
  for (int set = 0; set < 3; set++) {
    struct claims claims;
    struct claim_answers answers;
    for (int i = 0; i < 3; i++) add_run(i + 1, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, sets[set][i]);
    answer("- {claim: drift, quantity: energy_drift, test: below, bound: 0.1}\n", &claims, &answers);
    assert_verdict(&answers.answer[0], verdicts[set], reasons[set]);
    const struct claim_part *part = &answers.answer[0].part[0];
    assert_near(part->value, sets[set][1], 1e-12);
    assert_near(part->range.high - part->value, 4.302652729749 * (sets[set][1] - sets[set][0]) / sqrt(3), 1e-10);
    assert_string_equal(part->runs, "pendulum-leapfrog-1 (3 seeds)");
    finish(&claims, &answers);
    close_scene(NULL);
  }
}

static void test_not_tested(void **state) {
  (void)state;
  struct claims claims;
  struct claim_answers answers;
  add_run(1, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, 0.05);
  add_run(2, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, 0.051);
  struct run_facts *poor = add_run(3, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, 0.05);
  poor->score[SPLIT_TEST][HGN_R2] = 0.005; /* draws nothing */
  add_run(4, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, 0.05)->complete = false;
  add_run(5, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, NAN);
  answer("- {claim: few, quantity: energy_drift, test: below, bound: 0.1}\n"
         "- {claim: none, runs: {system.name: two_body}, quantity: energy_drift, test: below, bound: 0.1}\n"
         "- {claim: no euler, quantity: energy_drift, compare: {model.integrator.name: [leapfrog, euler]}, test: "
         "smaller}\n"
         "- {claim: two, quantity: energy_drift, test: below, bound: 0.1, seeds: 2}\n"
         "- {claim: R2, quantity: energy_drift, test: below, bound: 0.1, seeds: 2, least_r2: 0.95}\n"
         "- {claim: NHF, quantity: kl_reverse, test: below, bound: 0.1}\n",
         &claims, &answers);
  assert_verdict(
      &answers.answer[0], CLAIM_NOT_TESTED,
      "too few seeds: 2 where 3 are asked for; left out: 1 not complete, 1 without this score, 1 of too low");
  assert_verdict(&answers.answer[1], CLAIM_NOT_TESTED, "there are no such runs");
  assert_verdict(&answers.answer[2], CLAIM_NOT_TESTED, "there are no such pairs of runs");
  assert_verdict(&answers.answer[3], CLAIM_SUPPORTED, "left out: 1 not complete");
  assert_verdict(&answers.answer[4], CLAIM_NOT_TESTED, "too few seeds: 0 where");
  assert_verdict(&answers.answer[5], CLAIM_NOT_TESTED, "there are no such runs");
  assert_true(isnan(answers.answer[0].adjusted));
  finish(&claims, &answers);
}

/* Ratios 1/2, 1/4 and 1/8 by seed: their geometric mean 1/4, whatever seeds have in common. */
static void test_pairs(void **state) {
  (void)state;
  struct claims claims;
  struct claim_answers answers;
  const double common[] = {1, 100, 0.01};
  for (int i = 0; i < 3; i++) {
    add_run(i + 1, "pendulum", "euler", HGN_ENERGY_DRIFT, common[i]);
    add_run(i + 1, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, common[i] / (2 << i));
  }
  add_run(9, "pendulum", "leapfrog", HGN_ENERGY_DRIFT, 5);                                 /* has no partner */
  for (int i = 0; i < 3; i++) add_run(i + 1, "two_body", "leapfrog", HGN_ENERGY_DRIFT, 5); /* of other data */
  answer("- {claim: a, quantity: energy_drift, compare: {model.integrator.name: [leapfrog, euler]}, test: smaller}\n"
         "- {claim: b, quantity: energy_drift, compare: {model.integrator.name: [euler, leapfrog]}, test: smaller}\n"
         "- {claim: c, quantity: energy_drift, compare: {model.integrator.name: [euler, leapfrog]}, test: larger, "
         "bound: 3.9}\n"
         "- {claim: d, quantity: energy_drift, compare: {model.integrator.name: [euler, leapfrog]}, test: differs}\n",
         &claims, &answers);
  const struct claim_part *part = &answers.answer[0].part[0];
  assert_int_equal(answers.answer[0].parts, 1);
  assert_near(part->value, 0.25, 1e-12);
  /* t = ln(1/4) / (ln 2 / sqrt 3) = -2 sqrt 3 with two degrees of freedom: (1 - t / sqrt(t^2 + 2)) / 2. */
  assert_near(part->p, (1 - sqrt(12) / sqrt(14)) / 2, 1e-12);
  assert_near(part->flips, 0.125, 0);
  assert_int_equal(part->agree, 3);
  assert_near(answers.answer[0].adjusted, 3 * part->p < 1 ? 4 * part->p : 1, 1e-12); /* the smallest of four */
  assert_verdict(&answers.answer[0], CLAIM_NOT_SUPPORTED, "as claimed, but that may be chance");
  assert_verdict(&answers.answer[1], CLAIM_NOT_SUPPORTED, "the contrary is so");
  assert_verdict(&answers.answer[2], CLAIM_NOT_SUPPORTED, "as claimed, but that may be chance");
  assert_verdict(&answers.answer[3], CLAIM_NOT_SUPPORTED, "no difference is sure");
  assert_near(answers.answer[2].part[0].value, 4, 1e-12);
  finish(&claims, &answers);
  answer("- {claim: a, quantity: energy_drift, compare: {model.integrator.name: [leapfrog, euler]}, test: smaller}\n",
         &claims, &answers);
  assert_verdict(&answers.answer[0], CLAIM_SUPPORTED, "");
  finish(&claims, &answers);
}

/* A claim holds where it holds on every data set; a single run by its standard error over rollouts. */
static void test_parts(void **state) {
  (void)state;
  struct claims claims;
  struct claim_answers answers;
  add_run(1, "pendulum", "leapfrog", HGN_PAIRED_OVER_LIMIT, 1.02)->score[SPLIT_TEST][HGN_PAIRED_OVER_LIMIT_ERROR] =
      0.01;
  add_run(1, "two_body", "leapfrog", HGN_PAIRED_OVER_LIMIT, 1.09)->score[SPLIT_TEST][HGN_PAIRED_OVER_LIMIT_ERROR] =
      0.02;
  answer("- {claim: all, quantity: paired_over_limit, test: below, bound: 1.1, seeds: 1}\n"
         "- {claim: one, runs: {system.name: [pendulum]}, quantity: paired_over_limit, test: below, bound: 1.1, seeds: "
         "1}\n"
         "- {claim: exact, quantity: r2, test: above, bound: 0.8, seeds: 1}\n",
         &claims, &answers);
  assert_verdict(&answers.answer[0], CLAIM_NOT_SUPPORTED, "may be chance");
  assert_int_equal(answers.answer[0].parts, 2);
  assert_string_equal(answers.answer[0].part[answers.answer[0].worst].runs, "two_body-leapfrog-1");
  assert_near(answers.answer[0].p, 0.308537538726, 1e-10); /* half a standard error */
  assert_verdict(&answers.answer[1], CLAIM_SUPPORTED, "");
  assert_verdict(&answers.answer[2], CLAIM_SUPPORTED, "");
  assert_true(isnan(answers.answer[2].p));
  finish(&claims, &answers);
}

/* The built-in claims about published figures need no runs: their verdicts are arithmetic. */
static void test_builtin(void **state) {
  (void)state;
  struct claims claims;
  struct claim_answers answers;
  int published = 0;
  assert_ok(claims_builtin(&claims));
  assert_ok(claims_answer(&claims, scene.run, 0, &answers));
  for (int64_t i = 0; i < claims.count; i++) {
    const struct claim_answer *of = &answers.answer[i];
    const struct claim *claim = &claims.claim[i];
    published += claim->model != NULL;
    if (!claim->model) assert_verdict(of, CLAIM_NOT_TESTED, "there are no such");
    if (claim->against) {
      assert_verdict(of, CLAIM_NOT_SUPPORTED, "the contrary is so");
      assert_near(of->part[0].value, strstr(claim->model, "5-frame") ? 1.250 : 0.329, 0.0005);
    }
    if (claim->system && strcmp(claim->system, "pendulum") == 0) {
      assert_verdict(of, CLAIM_NOT_SUPPORTED, "the contrary is so"); /* at the limit: not the model's failure */
      assert_near(of->part[0].value, 44.12 / 40.321, 1e-4);
    }
    if (claim->system && strcmp(claim->system, "three_body") == 0 && isnan(claim->noise))
      assert_verdict(of, CLAIM_NOT_TESTED, "below what anyone can reach");
  }
  assert_int_equal(published, 8);
  finish(&claims, &answers);
}

static void assert_wrong(const char *text, const char *message) {
  struct claims claims;
  assert_status(STATUS_CONFIG, claims_parse("c.yaml", text, strlen(text), &claims));
  if (!strstr(status_message(), message)) fail_msg("\"%s\" has no \"%s\"", status_message(), message);
  status_clear();
  claims_close(&claims);
}

static void test_wrong(void **state) {
  (void)state;
  assert_wrong("claims: 3\n", "c.yaml:1:1: expected a sequence");
  assert_wrong("", "c.yaml:1:1: expected a sequence");
  assert_wrong("- claim: [\n", "c.yaml:2:1");
  assert_wrong("- {claim: a, quantity: mse, test: below, bound: 1}\n- {quantity: mse, test: below, bound: 1}\n",
               "c.yaml:2:3: \"claim\" is missing");
  assert_wrong("- claim: a\n  quantity: energy_drif\n  test: below\n  bound: 1\n",
               "quantity: there is no \"energy_drif\"; did you mean \"energy_drift\"?");
  assert_wrong("- claim: a\n  quantity: mse\n  tst: below\n",
               "c.yaml:3:3: unknown key \"tst\" of a claim; did you mean \"test\"?");
  assert_wrong("- claim: a\n  quantity: mse\n  test: belov\n", "c.yaml:3:9: test: found \"belov\"");
  assert_wrong("- claim: a\n  quantity: mse\n  test: below\n", "c.yaml:3:9: test: below: expected bound");
  assert_wrong("- claim: a\n  quantity: mse\n  test: below\n  bound: low\n", "c.yaml:4:10: bound: found \"low\"");
  assert_wrong("- claim: a\n  quantity: mse\n  test: smaller\n", "c.yaml:3:9: test: smaller is of pairs");
  assert_wrong("- claim: a\n  quantity: mse\n  test: below\n  bound: 1\n  runs: {model.integrator: leapfrog}\n",
               "c.yaml:5:10: ");
  assert_wrong("- claim: a\n  quantity: mse\n  test: below\n  bound: 1\n  runs: {model.integrator.name: leapfog}\n",
               "c.yaml:5:33: ");
  assert_wrong("- claim: a\n  quantity: mse\n  test: below\n  bound: 1\n  runs: {seed: 3}\n", "c.yaml:5:10: \"seed\"");
  assert_wrong("- claim: a\n  quantity: mse\n  test: smaller\n  compare: {data.noise: [1, 2]}\n",
               "c.yaml:4:12: compare: ");
  assert_wrong("- claim: a\n  quantity: mse\n  test: smaller\n  compare: {model.latent.sampled: [true]}\n",
               "c.yaml:4:12: compare: expected two different values");
  assert_wrong("- claim: a\n  quantity: mse\n  test: below\n  bound: 1\n  seeds: 0\n", "c.yaml:5:10: seeds: found 0");
  assert_wrong(
      "- claim: a\n  quantity: over_limit\n  test: below\n  bound: 1\n  published: {model: HGN, system: moon}\n",
      "c.yaml:5:14: published: expected a model and system");
}

static char *read_all(const char *path) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  const long bytes = ftell(file);
  char *text = calloc((size_t)bytes + 1, 1);
  assert_non_null(text);
  rewind(file);
  assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
  fclose(file);
  return text;
}

static void assert_shown(const char *text, const char *part) {
  if (!strstr(text, part)) fail_msg("the page has no \"%s\"", part);
}

/* The sections as they are read. */
static void test_page(void **state) {
  (void)state;
  struct page *page;
  for (int i = 0; i < 3; i++) add_run(i + 1, "three_body", "leapfrog", HGN_MSE, (3.4 + 0.01 * i) * 1e-4);
  assert_ok(page_open("Claims", &page));
  claims_sections(page, scene.run, scene.count);
  assert_ok(page_write(page, "claims_page"));
  page_close(&page);
  char *text = read_all("claims_page/report.md");
  assert_shown(text, "32.9% by its tables; its abstract says 30%, which they do not come to");
  assert_shown(text, "125.0% by its tables; its abstract says 107%, which they do not come to");
  assert_shown(text, "a noise of 0.05 allows its figures");
  assert_shown(text, "no better than the mean image: R2 0.004");
  assert_shown(text, "ours: three");
  assert_shown(text, "same data, noise and protocol as HGN Determ 5-frame: -8.3%"); /* 3.41 beside 3.72 */
  assert_null(strstr(text, "published-pendulum"));
  free(text);
  text = read_all("claims_page/data/claims-asked.csv"); /* what was tested comes first */
  assert_int_equal(strncmp(text, "no.,claim,verdict,number,remark,", 32), 0);
  assert_shown(text, "\n10,\"Autoencoding is within 30% of the paper, as its abstract says (average absolute relative "
                     "error)\",not supported,0.3293,the contrary is so");
  assert_true(strstr(text, "\n10,") < strstr(text, "\n1,"));
  free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)
int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_below),   TEST(test_not_tested), TEST(test_pairs), TEST(test_parts),
                                     TEST(test_builtin), TEST(test_wrong),      TEST(test_page)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
