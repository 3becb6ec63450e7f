/* Twelve independent chains of multiply-adds, more than the latency of the units needs.
 * Compiled once for each level. */
#include "graph/levels.h"

enum { CHAINS = 12 };

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

/* -ffp-contract is off in the project; here alone the compiler may fuse, as the libraries' kernels do. */
#if defined(__clang__)
#pragma clang fp contract(fast)
#else
#pragma GCC optimize("fp-contract=fast")
#endif

double LEVEL_NAME(peak_loop)(long rounds, float factor, float *result) {
  lanes chain[CHAINS], scale = {0};
  for (int c = 0; c < CHAINS; c++)
    for (int l = 0; l < LANES; l++) chain[c][l] = (float)(c + l);
  for (int l = 0; l < LANES; l++) scale[l] = factor;
  for (long i = 0; i < rounds; i++)
    for (int c = 0; c < CHAINS; c++) chain[c] = chain[c] * scale + scale;
  *result = 0;
  for (int c = 0; c < CHAINS; c++)
    for (int l = 0; l < LANES; l++) *result += chain[c][l];
  return 2.0 * CHAINS * LANES * (double)rounds;
}
