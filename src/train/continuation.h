/* With which other values of its keys a run goes on to the bits that it would have had with them from its start.
 *
 * Not collective.
 */
#ifndef HGN_TRAIN_CONTINUATION_H
#define HGN_TRAIN_CONTINUATION_H

#include "config/config.h"

#include <stdbool.h>

/* How many keys differ that decide the bits of the steps that are done, as config_differences() counts and tells them.
 * Those that do not: where the data are (data.file; their checksum is compared), how often a report is made
 * (train.report_every), how many checkpoints are kept (train.checkpoint_keep); how often they are written
 * (train.checkpoint_every), unless training goes back to them; and the number of steps (train.steps), unless the
 * learning rate depends on it, as that of cosine does. */
int continuation_differences(const struct config *then, const struct config *now, char *text, int size);

/* Whether train.steps is among them, and all else agrees: what a learning rate that ends with the training stands in
 * the way of. */
bool continuation_is_longer(const struct config *then, const struct config *now);

#endif
