/* What speaks against a training having learned anything, though it has ended as it should.
 *
 * All functions: Not collective.
 */
#ifndef HGN_TRAIN_VERDICT_H
#define HGN_TRAIN_VERDICT_H

#include "train/learner.h"

/* X(ID, name, help): 1 where it is so, 0 where not, NaN where nobody can say. */
#define VERDICT_LIST(X)                                                                                                \
  X(NO_BETTER, "no_better", "no better than the mean image: R2 is at most 0.01")                                       \
  X(VANISHED, "vanished", "the gradient's norm is below optimizer.epsilon, so that no parameter moves any more")       \
  X(SATURATED, "saturated", "all values of all predicted pictures are within one of 255 grey levels")                  \
  X(AT_BOUND, "at_bound", "GECO's lambda is at one of its bounds")
enum verdict_of {
#define VERDICT_ENUM(id, name, help) VERDICT_##id,
  VERDICT_LIST(VERDICT_ENUM)
#undef VERDICT_ENUM
      VERDICT_COUNT
};

#define VERDICT_R2 0.01

struct verdict {
  double of[VERDICT_COUNT];
};

/* gradient: norm of the last one; NaN: not known. evaluation: of the model as it is; NULL: not known. */
struct verdict verdict_find(const struct learner *learner, const struct evaluation *evaluation, double gradient);
struct verdict verdict_unknown(void);
/* What one of them means; and what to try about all that is so, NULL: nothing is. */
const char *verdict_text(enum verdict_of of);
const char *verdict_advice(const struct verdict *verdict);

#endif
