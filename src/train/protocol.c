#include "train/protocol.h"

enum status protocol_resolve(const struct protocol_settings *settings, int64_t frames, struct protocol *protocol) {
  const int64_t input = settings->name == PROTOCOL_AUTOENCODE ? 0 : settings->input_frames;
  const int64_t overlap = settings->name == PROTOCOL_PREDICT ? input - 1 : 0; /* frames before the first target */
  const int64_t count = settings->frames ? settings->frames : frames - overlap;
  const int64_t wanted = count + overlap > input ? count + overlap : input;
  REQUIRE(count >= 1 && wanted <= frames, STATUS_CONFIG,
          "protocol: %lld input frames and %lld targets need rollouts of %lld frames; the data has %lld",
          (long long)input, (long long)(count < 1 ? 1 : count), (long long)(count < 1 ? overlap + 1 : wanted),
          (long long)frames);
  switch (settings->name) {
  case PROTOCOL_PREDICT:
    *protocol = (struct protocol){0, input, input - 1, input - 1, count};
    return STATUS_OK;
  case PROTOCOL_AUTOENCODE:
    *protocol = (struct protocol){0, count, 0, 0, count};
    return STATUS_OK;
  case PROTOCOL_FORWARD_BACKWARD: {
    REQUIRE(input <= count, STATUS_CONFIG, "protocol: %lld input frames are more than the %lld targets around them",
            (long long)input, (long long)count);
    const int64_t middle = (count - 1) / 2;
    *protocol = (struct protocol){middle - (input - 1) / 2, input, middle, 0, count};
    return STATUS_OK;
  }
  case PROTOCOL_COUNT:
    break;
  }
  return status_raise(STATUS_ARGUMENT, "protocol %d", (int)settings->name);
}

struct protocol protocol_shorten(const struct protocol *protocol, int64_t count) {
  struct protocol shorter = *protocol;
  if (count >= protocol->target_count) return shorter;
  const int64_t before = protocol_anchor(protocol);
  const int64_t back = before < (count - 1) / 2 ? before : (count - 1) / 2;
  shorter.target_first = protocol->anchor - back;
  shorter.target_count = count;
  const int64_t end = protocol->target_first + protocol->target_count;
  if (shorter.target_first + count > end) shorter.target_first = end - count;
  return shorter;
}

int64_t protocol_anchor(const struct protocol *protocol) { return protocol->anchor - protocol->target_first; }

bool protocol_unseen(const struct protocol *protocol, int64_t index) {
  const int64_t frame = protocol->target_first + index;
  return frame < protocol->input_first || frame >= protocol->input_first + protocol->input_count;
}
