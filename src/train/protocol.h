/* Which frames a model sees, where its state stands, and which frames it must give.
 *
 * The state is that of frame `anchor`; frames after it are reached by steps forward, frames before it by steps
 * backward. All functions: Not collective.
 */
#ifndef HGN_TRAIN_PROTOCOL_H
#define HGN_TRAIN_PROTOCOL_H

#include "base/status.h"
#include "config/training.h"

struct protocol {
  int64_t input_first, input_count;   /* frames that are encoded */
  int64_t anchor;                     /* first_target <= anchor <= last target */
  int64_t target_first, target_count; /* frames that are compared */
};

/* From the settings and the frames of a rollout. STATUS_CONFIG when the data has too few. */
enum status protocol_resolve(const struct protocol_settings *settings, int64_t frames, struct protocol *protocol);

/* The `count` targets next to the anchor, all if there are no more: for a curriculum. */
struct protocol protocol_shorten(const struct protocol *protocol, int64_t count);

/* The anchor among the targets: 0 is the first of them. */
int64_t protocol_anchor(const struct protocol *protocol);

/* Whether the encoder has not seen target `index`. */
bool protocol_unseen(const struct protocol *protocol, int64_t index);

#endif
