/* A valid file and the shortest ways to parse variants of it. */
#ifndef HGN_TESTS_CONFIG_SAMPLE_H
#define HGN_TESTS_CONFIG_SAMPLE_H

#include "config/config.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Line numbers matter to the tests. */
#define SAMPLE_SYSTEM                                                                                                  \
  "system:\n"                                                                                                          \
  "  name: pendulum\n"                                                                                                 \
  "  mass: 0.5\n"                                                                                                      \
  "  length: 1\n"                                                                                                      \
  "  gravity: 3\n"
#define SAMPLE_INITIAL                                                                                                 \
  "initial:\n"                                                                                                         \
  "  radius: [1.3, 2.3]\n"
#define SAMPLE_DATA                                                                                                    \
  "data:\n"                                                                                                            \
  "  train: 100\n"                                                                                                     \
  "  test: 20\n"                                                                                                       \
  "  frames: 34\n"                                                                                                     \
  "  dt: 0.125\n"                                                                                                      \
  "  noise: 0.1\n"
#define SAMPLE_RENDER                                                                                                  \
  "render:\n"                                                                                                          \
  "  renderer: soft\n"                                                                                                 \
  "  world: 2\n"                                                                                                       \
  "  radius: .5\n"
#define SAMPLE SAMPLE_SYSTEM SAMPLE_INITIAL SAMPLE_DATA SAMPLE_RENDER

static inline enum status sample_parse(const char *text, const char *const *overrides, int count,
                                       struct config **config) {
  status_clear();
  return config_parse("a.yaml", text, strlen(text), overrides, count, config);
}

/* Parses text that must be right. */
static inline struct config *sample_load(const char *text, const char *const *overrides, int count) {
  struct config *config;
  assert_ok(sample_parse(text, overrides, count, &config));
  assert_non_null(config);
  return config;
}

/* Parses text that must be refused with exactly `message`. */
static inline void sample_refuse(const char *text, const char *const *overrides, int count, const char *message) {
  struct config *config = (struct config *)&config;
  assert_status(STATUS_CONFIG, sample_parse(text, overrides, count, &config));
  assert_null(config);
  assert_string_equal(status_message(), message);
}

/* The sample with one override must be refused; the message after the override's prefix. */
static inline void sample_refuse_override(const char *word, const char *message) {
  char whole[1024];
  snprintf(whole, sizeof whole, "override \"%s\": %s", word, message);
  sample_refuse(SAMPLE, &word, 1, whole);
}

#endif
