/* CRC-32C (Castagnoli): reflected polynomial 0x82f63b78, begun and ended with all bits set, as in RFC 3720, appendix
 * B.4. What some formats of others have in them; for our own there is checksum.h. zlib has another polynomial.
 *
 * Not collective.
 */
#ifndef HGN_BASE_CRC32C_H
#define HGN_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *data, size_t bytes);

#endif
