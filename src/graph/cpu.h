/* Which instruction set kernels use. All give the same bits; so the level is a matter of speed alone, and processes of
 * one program may run at different ones.
 *
 * All functions: Not collective.
 */
#ifndef HGN_GRAPH_CPU_H
#define HGN_GRAPH_CPU_H

#include "base/status.h"

/* X(name, text). BASE: what every processor of the architecture has: NEON on aarch64; SSE2 on x86-64, without fused
 * multiply-add, which the C library then does for one number at a time: right, and tens of times slower. */
#define CPU_LEVEL_LIST(X)                                                                                              \
  X(BASE, "base")                                                                                                      \
  X(AVX2, "avx2")                                                                                                      \
  X(AVX512, "avx512")

enum cpu_level {
#define CPU_LEVEL_ENUM(name, text) CPU_##name,
  CPU_LEVEL_LIST(CPU_LEVEL_ENUM)
#undef CPU_LEVEL_ENUM
      CPU_LEVEL_COUNT
};

const char *cpu_level_name(enum cpu_level level);
/* What this processor and this binary offer. AVX2 asks for FMA too. */
enum cpu_level cpu_level_here(void);
/* STATUS_USAGE naming the levels there are, or when this processor has not got it. */
enum status cpu_level_parse(const char *text, enum cpu_level *level);
/* The level in force: cpu_level_here() until cpu_level_set(), which counts before the first kernel is made. */
enum cpu_level cpu_level_get(void);
void cpu_level_set(enum cpu_level level);

#endif
