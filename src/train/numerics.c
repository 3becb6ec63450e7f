#include "train/numerics.h"

#include "comm/reduce.h"
#include "graph/cpu.h"
#include "store/provenance.h"

#include <stdio.h>

enum status numerics_agree(const struct comm *comm) {
  enum { LEAST_RULES, RULES, LEAST_LEVEL, LEVEL, NUMBERS };
  const int64_t level = (int64_t)cpu_level_get();
  int64_t number[NUMBERS] = {-NUMERICS_RULES, NUMERICS_RULES, -level, level};
  TRY(reduce_max(comm, number, NUMBERS));
  REQUIRE(number[RULES] == -number[LEAST_RULES], STATUS_UNAVAILABLE,
          "results depend on numerical rules %lld of the program on one rank and %lld on another: start all ranks with "
          "the same hgn",
          (long long)-number[LEAST_RULES], (long long)number[RULES]);
  const char *least = cpu_level_name((enum cpu_level) - number[LEAST_LEVEL]);
  const char *most = cpu_level_name((enum cpu_level)number[LEVEL]);
  char text[64];
  snprintf(text, sizeof text, least == most ? "%s" : "%s to %s", least, most);
  provenance_kernels(text);
  return STATUS_OK;
}

void numerics_describe(char *text) { snprintf(text, NUMERICS_TEXT_MAX, "rules %d", NUMERICS_RULES); }
