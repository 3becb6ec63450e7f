/* What decides bits beside the configuration: the rules of this program, the instruction set, the libraries. Alike on
 * all ranks, written into every run, and compared when a run goes on.
 */
#ifndef HGN_TRAIN_NUMERICS_H
#define HGN_TRAIN_NUMERICS_H

#include "comm/comm.h"

enum {
  NUMERICS_RULES = 3, /* raised when this program computes other bits from the same configuration than it did before */
  NUMERICS_TEXT_MAX = 320
};

/* Collective, before the first kernel is made. Sets the lowest level of all ranks in force (graph/cpu.h), in oneDNN
 * too, and compares the kernels that OpenBLAS has chosen, and all of cpu_describe(): STATUS_UNAVAILABLE when they
 * differ between ranks, saying how to fix them. Files written later record cpu_describe(). */
enum status numerics_agree(const struct comm *comm);

/* Not collective. "rules 2; avx2; OpenBLAS 0.3.21 Haswell; ...": text[NUMERICS_TEXT_MAX]. */
void numerics_describe(char *text);

#endif
