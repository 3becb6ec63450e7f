#include "graph/cpu.h"

#include <stdbool.h>
#include <string.h>

static const char *const names[CPU_LEVEL_COUNT] = {
#define CPU_NAME(name, text) [CPU_##name] = text,
    CPU_LEVEL_LIST(CPU_NAME)
#undef CPU_NAME
};

/* Set once at start, before any plan is compiled; CPU_LEVEL_COUNT: not set. */
static enum cpu_level in_force = CPU_LEVEL_COUNT;

const char *cpu_level_name(enum cpu_level level) { return (unsigned)level < CPU_LEVEL_COUNT ? names[level] : "?"; }

enum cpu_level cpu_level_here(void) {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CPU_BASE;
  bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  return wide ? CPU_AVX512 : CPU_AVX2;
#else
  return CPU_BASE;
#endif
}

enum status cpu_level_parse(const char *text, enum cpu_level *level) {
  for (int i = 0; i < CPU_LEVEL_COUNT; i++) {
    if (strcmp(text, names[i]) != 0) continue;
    REQUIRE((enum cpu_level)i <= cpu_level_here(), STATUS_USAGE,
            "this processor has not got %s; its highest level is %s", text, cpu_level_name(cpu_level_here()));
    *level = (enum cpu_level)i;
    return STATUS_OK;
  }
  return status_raise(STATUS_USAGE, "there is no processor level \"%s\"; there are: base, avx2, avx512", text);
}

enum cpu_level cpu_level_get(void) { return in_force == CPU_LEVEL_COUNT ? cpu_level_here() : in_force; }
void cpu_level_set(enum cpu_level level) { in_force = level; }
