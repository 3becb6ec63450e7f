#include "base/utf8.h"

/* The second byte tells what is too long for its character, a surrogate, or beyond U+10FFFF. */
static int is_second(unsigned char first, unsigned char second) {
  const unsigned char least = first == 0xe0   ? 0xa0
                              : first == 0xf0 ? 0x90
                                              : 0x80,
                      most = first == 0xed   ? 0x9f
                             : first == 0xf4 ? 0x8f
                                             : 0xbf;
  return second >= least && second <= most;
}

int utf8_sequence(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  if (at[0] < 0x80) return 1;
  if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
  const int bytes = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (!is_second(at[0], at[1])) return 0;
  for (int i = 2; i < bytes; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  return at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe ? 0 : bytes;
}

void utf8_repair(char *text) {
  while (*text != '\0') {
    const int bytes = utf8_sequence(text);
    if (bytes == 0) *text = '?';
    text += bytes ? bytes : 1;
  }
}
