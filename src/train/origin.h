/* Which keys a run may have other values of than the run whose checkpoint it begins from (trainer.h).
 *
 * Not collective.
 */
#ifndef HGN_TRAIN_ORIGIN_H
#define HGN_TRAIN_ORIGIN_H

#include "config/schema.h"

#include <stdbool.h>

/* Those that say how it learns from here on: optimizer and objective, and the point and noise of synthetic trials. All
 * others say what is learned (model, data, protocol), where it began (seed, initialization, objective.lambda, which
 * GECO has adapted since), which numbers a checkpoint has (objective.name), or which steps there are (train, eval). */
bool origin_may_differ(const struct schema_row *row);
/* Its negation, as config_differences_of() takes it. */
bool origin_has_to_agree(const struct schema_row *row);

#endif
