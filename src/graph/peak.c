#include "graph/peak.h"

#include "base/log.h"
#include "graph/levels.h"

double peak_flops(void) {
  double (*const loops[CPU_LEVEL_COUNT])(long, float, float *) = {
    [CPU_BASE] = peak_loop_base,
#if defined(__x86_64__)
    [CPU_AVX2] = peak_loop_avx2,
    [CPU_AVX512] = peak_loop_avx512,
#else
    [CPU_AVX2] = peak_loop_base,
    [CPU_AVX512] = peak_loop_base,
#endif
  };
  enum { ROUNDS = 9 };
  double best = 0;
  float sink = 0;
  for (int round = 0; round < ROUNDS; round++) {
    float result;
    double began = log_clock(), done = loops[cpu_level_get()](400000, 0.999f, &result);
    double rate = done / (log_clock() - began);
    sink += result;
    if (rate > best) best = rate;
  }
  return sink == sink ? best : 0; /* the chains settle at 999: the results are looked at, so the loops stay */
}
