#include "cli/bench_rows.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A process measures one thing and ends. */
static FILE *file;
static char table_now[64], row_now[256];

enum status bench_rows_open(const char *path) {
  if (!path) return STATUS_OK;
  file = fopen(path, "w");
  REQUIRE(file, STATUS_FILE, "%s: cannot be written: %s", path, strerror(errno));
  fputs("table,row,column,value\n", file);
  return STATUS_OK;
}

enum status bench_rows_close(void) {
  if (!file) return STATUS_OK;
  const bool whole = !ferror(file);
  FILE *const closed = file;
  file = NULL;
  REQUIRE(fclose(closed) == 0 && whole, STATUS_FILE, "--csv: not all numbers could be written");
  return STATUS_OK;
}

/* Words are our own: what would end a cell is made something else. */
static void settle(char *text) {
  for (; *text; text++)
    if (*text == ',' || *text == '"' || *text == '\n') *text = ';';
}

void bench_row(const char *table, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(row_now, sizeof row_now, format, arguments);
  va_end(arguments);
  snprintf(table_now, sizeof table_now, "%s", table);
  settle(row_now);
  settle(table_now);
}

void bench_number(const char *column, double value) {
  if (file && isfinite(value)) fprintf(file, "%s,%s,%s,%.9g\n", table_now, row_now, column, value);
}
