/* Private to src/cli: the benchmark of the analyses' linear algebra, which is not of the program hgn itself since it is
 * linked with ScaLAPACK and OpenBLAS. */
#ifndef HGN_CLI_BENCH_ANALYZE_H
#define HGN_CLI_BENCH_ANALYZE_H

#include "comm/comm.h"

/* Collective. The words of `hgn bench analyze`, argv[0] is what stands before the options. Prints on rank 0. */
enum status bench_analyze(const struct comm *world, int argc, char **argv);

/* Its words, for help. */
extern const char bench_analyze_help[];

#endif
