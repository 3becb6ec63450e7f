/* Random damage to a valid file never does worse than a message with a place. Seeded, so a failure repeats. */
#include "base/rng.h"
#include "sample.h"

static const char seed_text[] = "# comment\n"
                                "x-a: &a {train: 3, test: 4}\n"
                                "x-b: &b [*a, {dt: .5}]\n"
                                "seed: 12\n"
                                "system: {name: two_body, mass: 1e0, gravity: +1.5E-2}\n"
                                "initial:\n"
                                "  radius: [0.5, 1.5]\n"
                                "  direction: 'square'\n"
                                "  flip_probability: 0.5\n"
                                "data:\n"
                                "  <<: *b\n"
                                "  frames: 34\n"
                                "  noise: \"0.1\\n\"\n"
                                "render: {renderer: soft, world: 2, radius: .5}\n";

static int pick(struct rng *rng, int count) { return (int)(rng_uniform(rng) * count); }

/* Deletes, doubles, overwrites or inserts; mostly pieces that mean something to YAML. */
static size_t mutate(struct rng *rng, char *text, size_t bytes, size_t room) {
  static const char *const pieces[] = {"&a ",   "*a",           "<<: ",        "[",     "]", "{", "}",     ": ",
                                       "- ",    "\n",           "\t",          "\"",    "'", "|", ">",     "!!",
                                       "---\n", "...\n",        "%YAML 1.1\n", "? ",    "#", ",", "\\x00", "\xff",
                                       "\xc3",  "\xef\xbb\xbf", "  ",          "1e999", "-", "~", "data",  "*b",
                                       "&b "};
  const size_t at = (size_t)pick(rng, (int)bytes + 1);
  const int kind = pick(rng, 6);
  if (kind == 0 && at < bytes) {
    size_t gone = 1 + (size_t)pick(rng, 6);
    if (gone > bytes - at) gone = bytes - at;
    memmove(text + at, text + at + gone, bytes - at - gone);
    return bytes - gone;
  }
  if (kind == 1 && at < bytes) {
    text[at] = (char)pick(rng, pick(rng, 8) ? 128 : 256);
    return bytes;
  }
  if (kind == 5 && at < bytes) { /* often harmless */
    text[at] = "0123456789 "[pick(rng, 11)];
    return bytes;
  }
  char piece[64];
  size_t length;
  if (kind == 2 && bytes > 0) { /* a piece of the text itself */
    const size_t from = (size_t)pick(rng, (int)bytes);
    length = 1 + (size_t)pick(rng, 60);
    if (length > bytes - from) length = bytes - from;
    memcpy(piece, text + from, length);
  } else {
    const char *chosen = pieces[pick(rng, (int)(sizeof pieces / sizeof *pieces))];
    length = strlen(chosen);
    memcpy(piece, chosen, length);
  }
  if (bytes + length > room) return bytes;
  memmove(text + at + length, text + at, bytes - at);
  memcpy(text + at, piece, length);
  return bytes + length;
}

static void check_message(void) {
  const char *message = status_message();
  const size_t length = strlen(message);
  assert_true(length > 0 && length < STATUS_MESSAGE_MAX - 1);
  assert_memory_equal(message, "f.yaml:", 7);
  int line = 0, column = 0;
  assert_int_equal(sscanf(message, "f.yaml:%d:%d: ", &line, &column), 2);
  assert_true(line >= 1 && column >= 1);
}

static void mutations(void **state) {
  (void)state;
  int good = 0, bad = 0;
  for (unsigned round = 0; round < 6000; ++round) {
    struct rng rng = rng_stream(5, RNG_TEST, round, 0);
    char text[2048];
    size_t bytes = sizeof seed_text - 1;
    memcpy(text, seed_text, bytes);
    char *fix = strstr(text, "\"0.1\\n\""); /* valid to begin with, in two rounds of three */
    if (round % 3) memcpy(fix, "0.1    ", 7);
    for (int i = pick(&rng, 4) * pick(&rng, 2); i >= 0; --i) bytes = mutate(&rng, text, bytes, sizeof text);
    /* An exact copy on the heap, so that the sanitizer sees a read beyond. */
    char *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, text, bytes);
    struct config *config = NULL;
    status_clear();
    const enum status status = config_parse("f.yaml", copy, bytes, NULL, 0, &config);
    free(copy);
    if (status == STATUS_OK) {
      good += 1;
      char *printed = NULL;
      assert_ok(config_text(config, &printed));
      struct config *again = sample_load(printed, NULL, 0);
      assert_memory_equal(config_experiment(again), config_experiment(config), sizeof(struct experiment));
      config_destroy(&again);
      free(printed);
    } else {
      assert_status(STATUS_CONFIG, status);
      assert_null(config);
      check_message();
      bad += 1;
    }
    config_destroy(&config);
  }
  print_message("%d accepted, %d refused\n", good, bad);
  assert_true(good > 100 && bad > 1000); /* both sides were seen */
}

/* Every beginning of a file, too. */
static void truncations(void **state) {
  (void)state;
  for (size_t bytes = 0; bytes < strlen(SAMPLE); ++bytes) {
    char *copy = malloc(bytes ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, SAMPLE, bytes);
    struct config *config = NULL;
    const enum status status = config_parse("f.yaml", copy, bytes, NULL, 0, &config);
    free(copy);
    if (status != STATUS_OK) check_message();
    config_destroy(&config);
  }
}

static void override_mutations(void **state) {
  (void)state;
  static const char *const words[] = {"data.dt=.1", "initial.radius=[1, 2]", "system.name=pendulum", "seed=&a [*a]"};
  for (unsigned round = 0; round < 3000; ++round) {
    struct rng rng = rng_stream(6, RNG_TEST, round, 0);
    char text[257];
    size_t bytes = strlen(words[round % 4]);
    memcpy(text, words[round % 4], bytes);
    for (int i = pick(&rng, 4); i >= 0; --i) bytes = mutate(&rng, text, bytes, sizeof text - 1);
    text[bytes] = '\0';
    const char *word = text;
    struct config *config = NULL;
    status_clear();
    const enum status status = sample_parse(SAMPLE, &word, 1, &config);
    if (status != STATUS_OK) {
      assert_status(STATUS_CONFIG, status);
      assert_true(strlen(status_message()) > 0);
    }
    config_destroy(&config);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(mutations), cmocka_unit_test(truncations),
                                     cmocka_unit_test(override_mutations)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
