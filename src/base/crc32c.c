#include "base/crc32c.h"

/* Half a byte at a time: sixteen numbers can be read, and files are small. Entry i is i shifted out bit by bit. */
static uint32_t shift_out(uint32_t crc) {
  for (int bit = 0; bit < 4; bit++) crc = crc & 1 ? crc >> 1 ^ UINT32_C(0x82f63b78) : crc >> 1;
  return crc;
}

uint32_t crc32c(const void *data, size_t bytes) {
  const unsigned char *byte = data;
  uint32_t table[16], crc = UINT32_MAX;
  for (uint32_t i = 0; i < 16; i++) table[i] = shift_out(i);
  for (size_t i = 0; i < bytes; i++) {
    crc ^= byte[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}
