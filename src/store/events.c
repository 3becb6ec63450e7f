#include "store/events.h"

#include "base/crc32c.h"
#include "store/output.h"

#include <stdlib.h>
#include <string.h>

/* ---- Protocol buffers: a key is field * 8 + wire type ---- */

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5, MESSAGE_MAX = 512 };

struct message {
  unsigned char byte[MESSAGE_MAX];
  size_t size;
};

static void put_varint(struct message *message, uint64_t value) {
  for (; value >= 128; value >>= 7) message->byte[message->size++] = (unsigned char)(value | 128);
  message->byte[message->size++] = (unsigned char)value;
}

static void put_key(struct message *message, int field, int wire) { put_varint(message, (uint64_t)(field * 8 + wire)); }

static void put_little(struct message *message, uint64_t bits, int bytes) {
  for (int i = 0; i < bytes; i++) message->byte[message->size++] = (unsigned char)(bits >> 8 * i);
}

static void put_double(struct message *message, int field, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(message, field, WIRE_64);
  put_little(message, bits, 8);
}

static void put_float(struct message *message, int field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(message, field, WIRE_32);
  put_little(message, bits, 4);
}

static void put_bytes(struct message *message, int field, const void *data, size_t size) {
  put_key(message, field, WIRE_BYTES);
  put_varint(message, size);
  memcpy(message->byte + message->size, data, size);
  message->size += size;
}

/* ---- Records ---- */

static void put_masked(struct message *frame, const void *data, size_t size) {
  const uint32_t crc = crc32c(data, size);
  put_little(frame, (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8), 4);
}

static void put_record(struct events *events, const struct message *event) {
  struct message head = {.size = 0}, tail = {.size = 0};
  put_little(&head, event->size, 8);
  put_masked(&head, head.byte, 8);
  put_masked(&tail, event->byte, event->size);
  fwrite(head.byte, 1, head.size, events->out);
  fwrite(event->byte, 1, event->size, events->out);
  fwrite(tail.byte, 1, tail.size, events->out);
}

enum status events_open(struct events *events, double wall_time) {
  static const char version[] = "brain.Event:2";
  struct message event = {.size = 0};
  *events = (struct events){.out = NULL};
  events->out = open_memstream(&events->data, &events->size);
  REQUIRE(events->out, STATUS_MEMORY, "out of memory for events");
  put_double(&event, 1, wall_time);
  put_bytes(&event, 3, version, sizeof version - 1);
  put_record(events, &event);
  return STATUS_OK;
}

void events_scalar(struct events *events, double wall_time, int64_t step, const char *tag, double value) {
  struct message event = {.size = 0}, summary = {.size = 0}, scalar = {.size = 0};
  const size_t length = strlen(tag);
  put_bytes(&scalar, 1, tag, length < MESSAGE_MAX / 2 ? length : MESSAGE_MAX / 2);
  put_float(&scalar, 2, (float)value);
  put_bytes(&summary, 1, scalar.byte, scalar.size);
  put_double(&event, 1, wall_time);
  put_key(&event, 2, WIRE_VARINT);
  put_varint(&event, (uint64_t)step);
  put_bytes(&event, 5, summary.byte, summary.size);
  put_record(events, &event);
}

void events_drop(struct events *events) {
  if (events->out) fclose(events->out);
  free(events->data);
  *events = (struct events){.out = NULL};
}

/* The first record is always of the same length. */
enum status events_put(struct events *events, const char *path) {
  const bool whole = fflush(events->out) == 0 && !ferror(events->out);
  enum status status = whole ? STATUS_OK : status_raise(STATUS_MEMORY, "%s: out of memory for events", path);
  if (status == STATUS_OK) status = output_put(events->data, events->size, "\x18", path);
  events_drop(events);
  return status;
}
