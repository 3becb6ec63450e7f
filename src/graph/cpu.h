/* Which instruction set kernels use. Our own give the same bits on all; oneDNN and OpenBLAS do not, so a program of
 * several processes runs all of them at one level: the lowest that any has, or the one asked for (train/numerics.h).
 *
 * All functions: Not collective.
 */
#ifndef HGN_GRAPH_CPU_H
#define HGN_GRAPH_CPU_H

#include "base/status.h"

/* X(name, text, the oneDNN limit ONEDNN_MAX_CPU_ISA, the OpenBLAS core OPENBLAS_CORETYPE). BASE: what every processor
 * of the architecture has (SSE2, or NEON). */
#define CPU_LEVEL_LIST(X)                                                                                              \
  X(BASE, "base", "SSE41", "PRESCOTT")                                                                                 \
  X(AVX2, "avx2", "AVX2", "HASWELL")                                                                                   \
  X(AVX512, "avx512", "AVX512_CORE", "SKYLAKEX")

enum cpu_level {
#define CPU_LEVEL_ENUM(name, text, isa, core) CPU_##name,
  CPU_LEVEL_LIST(CPU_LEVEL_ENUM)
#undef CPU_LEVEL_ENUM
      CPU_LEVEL_COUNT
};

enum { CPU_DESCRIPTION_MAX = 256 }; /* bytes of cpu_describe() */

const char *cpu_level_name(enum cpu_level level);
/* What this processor and this binary offer. AVX2 asks for FMA too, since the libraries use it. */
enum cpu_level cpu_level_here(void);
/* STATUS_USAGE naming the levels there are, or when this processor has not got it. */
enum status cpu_level_parse(const char *text, enum cpu_level *level);
/* The level in force: cpu_level_here() until cpu_level_set(), which counts before the first kernel is made. */
enum cpu_level cpu_level_get(void);
void cpu_level_set(enum cpu_level level);
/* The value that OPENBLAS_CORETYPE should have at this level. OpenBLAS reads it when the program is loaded. */
const char *cpu_level_core(enum cpu_level level);

/* Holds oneDNN to the level in force, before the first kernel is made: STATUS_UNAVAILABLE once it has made one at
 * another. (OpenBLAS has chosen when the program starts.) */
enum status cpu_level_hold(void);
/* The name of the kernels that OpenBLAS has chosen: "Haswell". */
const char *cpu_openblas_core(void);
/* "avx2; OpenBLAS 0.3.21 Haswell; oneDNN 2.6.3 up to AVX2; libm 2.36 with FMA": what results depend on. */
const char *cpu_describe(void);

#endif
