/* Event files, which TensorBoard opens: scalars by step and time, in the format of TensorFlow. Made in memory and
 * written at once.
 *
 * Framing is that of a TFRecord (tensorflow/core/lib/io/record_writer.h): u64 length, u32 masked CRC-32C of the
 * length, the bytes, u32 masked CRC-32C of them; little-endian; masked: ((crc >> 15) | (crc << 17)) + 0xa282ead8. The
 * bytes are a message Event (tensorflow/core/util/event.proto: wall_time = 1 double, step = 2 int64, file_version = 3
 * string, summary = 5 Summary) with a Summary (tensorflow/core/framework/summary.proto: value = 1, of it tag = 1
 * string, simple_value = 2 float) in the encoding of protocol buffers. The first record has the file_version
 * "brain.Event:2". A simple_value is an f32: full precision is in the run's own file, and in CSV.
 *
 * Not collective.
 */
#ifndef HGN_STORE_EVENTS_H
#define HGN_STORE_EVENTS_H

#include "base/status.h"

#include <stdint.h>
#include <stdio.h>

struct events {
  FILE *out; /* into memory */
  char *data;
  size_t size;
};

/* wall_time: seconds since 1970. STATUS_MEMORY. Ended with events_put() or events_drop(). */
enum status events_open(struct events *events, double wall_time);
/* tag: "report/loss". */
void events_scalar(struct events *events, double wall_time, int64_t step, const char *tag, double value);
/* Writes the file; replaces none but one of its kind. STATUS_FILE, STATUS_MEMORY. */
enum status events_put(struct events *events, const char *path);
void events_drop(struct events *events);

#endif
