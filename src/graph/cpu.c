#include "graph/cpu.h"

#include "graph/conv.h"
#include "graph/linear.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

static const char *const names[CPU_LEVEL_COUNT] = {
#define CPU_NAME(name, text, isa, core) [CPU_##name] = text,
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

const char *cpu_level_core(enum cpu_level level) {
  static const char *const cores[CPU_LEVEL_COUNT] = {
#define CPU_CORE(name, text, isa, core) [CPU_##name] = core,
      CPU_LEVEL_LIST(CPU_CORE)
#undef CPU_CORE
  };
  return (unsigned)level < CPU_LEVEL_COUNT ? cores[level] : "";
}

enum status cpu_level_hold(void) { return conv_onednn_limit(cpu_level_get()); }
const char *cpu_openblas_core(void) { return linear_core(); }

/* pow, exp and cos of the learning rate and of GECO are the C library's, which has others for processors with FMA. */
static void describe_libm(char *text, size_t size) {
#if defined(__GLIBC__)
  const char *version = gnu_get_libc_version();
#else
  const char *version = "unknown";
#endif
#if defined(__x86_64__) && defined(__GNUC__)
  const bool fma = __builtin_cpu_supports("fma");
#else
  const bool fma = true;
#endif
  snprintf(text, size, "libm %s%s", version, fma ? " with FMA" : "");
}

const char *cpu_describe(void) {
  static char text[CPU_DESCRIPTION_MAX];
  char libm[64];
  describe_libm(libm, sizeof libm);
  snprintf(text, sizeof text, "%s; %s; %s; %s", cpu_level_name(cpu_level_get()), linear_openblas(),
           conv_onednn_describe(), libm);
  return text;
}
