#include "sweep/inject.h"

#include "base/rng.h"
#include "config/number.h"

#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  enum inject_kind kind;
} kinds[] = {{"nan@trial", INJECT_NAN},
             {"crash@trial", INJECT_CRASH},
             {"stall@trial", INJECT_STALL},
             {"enospc@report", INJECT_ENOSPC}};
enum { KINDS = sizeof kinds / sizeof kinds[0], WORD_MAX = 64 };

/* Digits at *text; what follows them is left there. */
static bool take_number(const char **text, int64_t *number) {
  char digits[WORD_MAX];
  size_t count = strspn(*text, "0123456789");
  if (count == 0 || count >= sizeof digits) return false;
  memcpy(digits, *text, count);
  digits[count] = '\0';
  *text += count;
  return number_integer(digits, number) == NUMBER_OK;
}

static bool parse_fault(const char *word, struct inject_fault *fault) {
  for (int i = 0; i < KINDS; i++) {
    const size_t length = strlen(kinds[i].name);
    if (strncmp(word, kinds[i].name, length) != 0) continue;
    *fault = (struct inject_fault){.kind = kinds[i].kind, .step = 1, .times = 1};
    const char *rest = word + length;
    if (!take_number(&rest, &fault->trial)) return false;
    if (strncmp(rest, ".step", 5) == 0 && fault->kind != INJECT_ENOSPC) {
      rest += 5;
      if (!take_number(&rest, &fault->step) || fault->step < 1) return false;
    }
    if (*rest == 'x' && (fault->kind == INJECT_CRASH || fault->kind == INJECT_STALL)) {
      rest += 1;
      if (!take_number(&rest, &fault->times)) return false;
    }
    return !*rest;
  }
  return false;
}

static enum status parse_word(const char *word, struct inject *inject) {
  if (strncmp(word, "random:", 7) == 0) {
    const bool right =
        number_real(word + 7, &inject->random) == NUMBER_OK && inject->random >= 0 && inject->random <= 1;
    REQUIRE(right, STATUS_USAGE, "--inject: \"%s\": expected a probability from 0 to 1", word);
    return STATUS_OK;
  }
  REQUIRE(inject->faults < INJECT_MAX, STATUS_USAGE, "--inject: more than %d faults", (int)INJECT_MAX);
  REQUIRE(parse_fault(word, &inject->fault[inject->faults]), STATUS_USAGE,
          "--inject: \"%s\": expected nan@trialT.stepS, crash@trialT.stepS, stall@trialT.stepS, enospc@reportK or "
          "random:P",
          word);
  inject->faults += 1;
  return STATUS_OK;
}

enum status inject_parse(const char *text, uint64_t seed, struct inject *inject) {
  *inject = (struct inject){.seed = seed};
  while (text && *text) {
    char word[WORD_MAX];
    const size_t length = strcspn(text, ",");
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    REQUIRE(length < sizeof word, STATUS_USAGE, "--inject: \"%s...\" is too long", word);
    TRY(parse_word(word, inject));
    text += length;
    if (*text == ',') text += 1;
  }
  return STATUS_OK;
}

static enum inject_kind at_random(const struct inject *inject, int64_t trial, int64_t step, int64_t starts) {
  static const enum inject_kind which[] = {INJECT_NAN, INJECT_CRASH, INJECT_STALL};
  struct rng rng = rng_stream(inject->seed, RNG_INJECT, (uint64_t)trial, 0);
  const bool hit = rng_uniform(&rng) < inject->random;
  const enum inject_kind kind = which[rng_below(&rng, 3)];
  const int64_t when = 1 + (int64_t)rng_below(&rng, 100);
  if (!hit || step != when || (kind != INJECT_NAN && starts > 1)) return INJECT_NONE;
  return kind;
}

enum inject_kind inject_at(const struct inject *inject, int64_t trial, int64_t step, int64_t starts) {
  for (int i = 0; i < inject->faults; i++) {
    const struct inject_fault *fault = &inject->fault[i];
    if (fault->kind == INJECT_ENOSPC || fault->trial != trial || fault->step != step) continue;
    if (fault->kind == INJECT_NAN || starts <= fault->times) return fault->kind;
  }
  return inject->random > 0 ? at_random(inject, trial, step, starts) : INJECT_NONE;
}

bool inject_full(const struct inject *inject, int64_t report) {
  for (int i = 0; i < inject->faults; i++)
    if (inject->fault[i].kind == INJECT_ENOSPC && inject->fault[i].trial == report) return true;
  return false;
}
