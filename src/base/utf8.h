/* Texts that have to be UTF-8: those in files and pages. Not collective. */
#ifndef HGN_BASE_UTF8_H
#define HGN_BASE_UTF8_H

/* Bytes of the character that begins at `at`, 0 when it is none (RFC 3629; U+FFFE and U+FFFF are none, so that the text
 * can be a part of XML). */
int utf8_sequence(const char *at);

/* Bytes that belong to no character become '?'. */
void utf8_repair(char *text);

#endif
