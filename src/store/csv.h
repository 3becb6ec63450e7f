/* Tables as comma-separated values (RFC 4180, lines end in a newline alone): a line of names with their units, then
 * rows. Numbers read back to the same bits; NaN is "nan". Made in memory and written at once.
 *
 * Not collective.
 */
#ifndef HGN_STORE_CSV_H
#define HGN_STORE_CSV_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct csv {
  FILE *out; /* into memory */
  char *data;
  size_t size;
  bool inside; /* a row has begun */
};

/* STATUS_MEMORY. Ended with csv_put() or csv_drop(). */
enum status csv_open(struct csv *csv);
/* A cell: a name with its unit, NULL: none; a number; a text, quoted where it needs to be. And the end of a row. */
void csv_name(struct csv *csv, const char *name, const char *unit);
void csv_number(struct csv *csv, double value);
void csv_integer(struct csv *csv, int64_t value);
void csv_text(struct csv *csv, const char *text);
void csv_end(struct csv *csv);
/* Writes FOLDER/NAME, which replaces none but a file that begins with `magic`, too. STATUS_FILE, STATUS_MEMORY. */
enum status csv_put(struct csv *csv, const char *folder, const char *name, const char *magic);
void csv_drop(struct csv *csv);

#endif
