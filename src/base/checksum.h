/* Checksums of arrays that do not depend on how the array is cut over ranks.
 *
 * Two 64-bit words: each is the sum modulo 2^64 of mix(word_i, i) over the 64-bit words of the data, i being the word's
 * global position, with two different keys. Addition is associative, so parts may be added in any order. It detects
 * damage and mix-ups; it is not a defence against forgery.
 *
 * Not collective; reduce_checksum() in comm/reduce.h adds them over ranks.
 */
#ifndef HGN_BASE_CHECKSUM_H
#define HGN_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

struct checksum {
  uint64_t word[2];
};

enum { CHECKSUM_TEXT = 33 }; /* 32 hexadecimal digits and a terminator */

/* Adds `bytes` bytes that stand at byte `offset` of the whole; offset is a multiple of 8, and a last partial word is
 * padded with zeros (so only the end of the whole may be partial). Little-endian words on every machine. `tag` tells
 * arrays of one file apart: checksum_tag() of the data set's name. */
void checksum_add(struct checksum *sum, uint64_t tag, uint64_t offset, const void *data, size_t bytes);
void checksum_merge(struct checksum *sum, const struct checksum *other);
uint64_t checksum_tag(const char *name);
void checksum_text(const struct checksum *sum, char text[CHECKSUM_TEXT]);
int checksum_parse(const char *text, struct checksum *sum); /* 0 if `text` is 32 hexadecimal digits, else -1 */

#endif
