/* Random damage to a valid sweep file never does worse than a message. Seeded, so a failure repeats. */
#include "base/rng.h"
#include "sample.h"
#include "sweep/early.h"

enum { ROUNDS = TESTING_ROUNDS(6000, 500), ROOM = 8192 };

static int pick(struct rng *rng, int count) { return (int)(rng_uniform(rng) * count); }

/* Deletes, overwrites, copies a piece of the text, or inserts what means something to YAML or to a sweep. Zeros are
 * behind the text. */
static size_t mutate(struct rng *rng, char *text, size_t bytes) {
  static const char *const pieces[] = {"[",       "]",        "{",    "}",        ": ",     ", ",     "\n",
                                       "\n  ",    "- ",       "\"",   "'",        "1e999",  "-",      "~",
                                       "*a",      "0",        "1_0",  "values: ", "min: 1", "max: 2", "q: 2",
                                       "when: ",  "value: 3", "grid", "true",     "tpe",    " and ",  "normal",
                                       "seed: {", "mse",      "(",    "^",        "\x01",   "\xff"};
  const size_t at = (size_t)pick(rng, (int)bytes + 1);
  const int kind = pick(rng, 9);
  size_t length = 1 + (size_t)pick(rng, 12);
  char piece[64];
  if (kind == 0) {
    if (length > bytes - at) length = bytes - at;
    memmove(text + at, text + at + length, bytes - at - length);
    return bytes - length;
  }
  if (kind >= 5) { /* the next digit: often harmless */
    const size_t digit = strcspn(text + at, "0123456789");
    if (at + digit < bytes) text[at + digit] = (char)('0' + pick(rng, 10));
    return bytes;
  }
  if (kind == 1 && at < bytes) {
    text[at] = (char)(' ' + pick(rng, 95));
    return bytes;
  }
  if (kind == 2 && at < bytes) {
    length = 1 + (size_t)pick(rng, 60);
    if (length > bytes - at) length = bytes - at;
    memcpy(piece, text + at, length);
  } else {
    const char *chosen = pieces[pick(rng, (int)(sizeof pieces / sizeof *pieces))];
    length = strlen(chosen);
    memcpy(piece, chosen, length);
  }
  if (bytes + length > ROOM) return bytes;
  const size_t to = (size_t)pick(rng, (int)bytes + 1);
  memmove(text + to + length, text + to, bytes - to);
  memcpy(text + to, piece, length);
  return bytes + length;
}

/* A sweep that was read can be used. */
static void use(const struct sweep *sweep) {
  double u[SPACE_PARAMETERS_MAX], point[SPACE_PARAMETERS_MAX];
  struct config *config;
  char *text, differences[256];
  assert_true(sweep->run_cap >= 1 && sweep->reports >= 1 && sweep->metrics >= 1);
  for (int i = 0; i < SPACE_PARAMETERS_MAX; ++i) u[i] = .3;
  space_point(&sweep->space, u, point);
  sweep_violates(sweep, point);
  (void)early_rungs(sweep, NULL);
  assert_ok(sweep_text(sweep, &text));
  assert_int_equal(sweep_differences(text, text, differences, sizeof differences), 0);
  free(text);
  const enum status status = sweep_trial_config(sweep, point, 1, &config);
  assert_true(status == STATUS_OK || status == STATUS_CONFIG || status == STATUS_NUMERIC);
  config_destroy(&config);
}

static void damaged(void **state) {
  (void)state;
  const char *renames[] = {"substeps=model.integrator.substeps", "batch=train.batch"};
  const struct sweep_options options = {.base_path = "b.yaml",
                                        .base_text = sample_hgn,
                                        .base_bytes = sizeof sample_hgn - 1,
                                        .rename = renames,
                                        .renames = 2};
  int good = 0;
  for (int round = 0; round < ROUNDS; ++round) {
    char text[ROOM + 64], notice[SWEEP_NOTICE_MAX];
    size_t bytes = sizeof sample_full - 1;
    struct sweep *sweep;
    memset(text, 0, sizeof text);
    memcpy(text, sample_full, bytes);
    struct rng rng = rng_stream(7, RNG_TEST, (uint64_t)round, 0);
    for (int i = pick(&rng, 4); i >= 0; --i) bytes = mutate(&rng, text, bytes);
    status_clear();
    const enum status status = sweep_parse("s.yaml", text, bytes, &options, &sweep, notice);
    if (status == STATUS_OK) {
      good += 1;
      use(sweep);
    } else {
      assert_int_equal(status, STATUS_CONFIG);
      assert_null(sweep);
      assert_memory_equal(status_message(), "s.yaml:", 7);
    }
    sweep_destroy(&sweep);
  }
  assert_in_range(good, ROUNDS / 20, ROUNDS / 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(damaged)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
