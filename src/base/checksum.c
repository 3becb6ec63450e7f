#include "base/checksum.h"

#include <string.h>

/* David Stafford's thirteenth variant of MurmurHash3's finaliser, as in SplitMix64: a bijection. */
static inline uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static inline uint64_t load_word(const unsigned char *byte) {
  uint64_t word = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  memcpy(&word, byte, sizeof word);
#else
  for (int i = 0; i < 8; i++) word |= (uint64_t)byte[i] << (8 * i);
#endif
  return word;
}

/* Both terms are bijections of the word for a given position, so one damaged word never goes unseen; they combine it
 * with the hashed position differently, so that a mix-up of several words must collide twice. */
static inline void add_word(struct checksum *sum, uint64_t tag, uint64_t index, uint64_t word) {
  uint64_t place = mix(index * UINT64_C(0x9e3779b97f4a7c15) + tag);
  sum->word[0] += mix(word + place);
  sum->word[1] += mix(word ^ ((place << 32 | place >> 32) + UINT64_C(0xd1b54a32d192ed03)));
}

void checksum_add(struct checksum *sum, uint64_t tag, uint64_t offset, const void *data, size_t bytes) {
  const unsigned char *byte = data;
  uint64_t index = offset / 8;
  struct checksum total = *sum;
  size_t words = bytes / 8, left = bytes % 8;
  for (size_t i = 0; i < words; i++) add_word(&total, tag, index + i, load_word(byte + 8 * i));
  if (left > 0) {
    unsigned char last[8] = {0};
    memcpy(last, byte + 8 * words, left);
    add_word(&total, tag, index + words, load_word(last));
  }
  *sum = total;
}

void checksum_merge(struct checksum *sum, const struct checksum *other) {
  for (int i = 0; i < 2; i++) sum->word[i] += other->word[i];
}

uint64_t checksum_tag(const char *name) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
  for (const char *c = name; *c != '\0'; c++) hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
  return mix(hash);
}

void checksum_text(const struct checksum *sum, char text[CHECKSUM_TEXT]) {
  static const char digits[] = "0123456789abcdef";
  for (int i = 0; i < CHECKSUM_TEXT - 1; i++) text[i] = digits[(sum->word[i / 16] >> (60 - 4 * (i % 16))) & 15];
  text[CHECKSUM_TEXT - 1] = '\0';
}

static int parse_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int checksum_parse(const char *text, struct checksum *sum) {
  struct checksum parsed = {{0}};
  for (int i = 0; i < CHECKSUM_TEXT - 1; i++) {
    int digit = parse_digit(text[i]); /* the terminator is no digit: nothing is read past it */
    if (digit < 0) return -1;
    parsed.word[i / 16] = parsed.word[i / 16] << 4 | (uint64_t)digit;
  }
  if (text[CHECKSUM_TEXT - 1] != '\0') return -1;
  *sum = parsed;
  return 0;
}
