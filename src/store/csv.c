#include "store/csv.h"

#include "store/output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status csv_open(struct csv *csv) {
  *csv = (struct csv){.inside = false};
  csv->out = open_memstream(&csv->data, &csv->size);
  REQUIRE(csv->out, STATUS_MEMORY, "out of memory for a table");
  return STATUS_OK;
}

static void separate(struct csv *csv) {
  if (csv->inside) fputc(',', csv->out);
  csv->inside = true;
}

void csv_number(struct csv *csv, double value) {
  separate(csv);
  if (isnan(value))
    fputs("nan", csv->out); /* printf() would show its sign */
  else
    fprintf(csv->out, "%.17g", value);
}

void csv_integer(struct csv *csv, int64_t value) {
  separate(csv);
  fprintf(csv->out, "%lld", (long long)value);
}

void csv_text(struct csv *csv, const char *text) {
  const bool quoted = strpbrk(text, ",\"\n\r") != NULL;
  separate(csv);
  if (quoted) fputc('"', csv->out);
  for (const char *c = text; *c; c++) {
    if (*c == '"') fputc('"', csv->out);
    fputc(*c, csv->out);
  }
  if (quoted) fputc('"', csv->out);
}

void csv_name(struct csv *csv, const char *name, const char *unit) {
  char text[256];
  snprintf(text, sizeof text, unit && *unit ? "%.200s [%.40s]" : "%.200s", name, unit ? unit : "");
  csv_text(csv, text);
}

void csv_end(struct csv *csv) {
  fputc('\n', csv->out);
  csv->inside = false;
}

void csv_drop(struct csv *csv) {
  if (csv->out) fclose(csv->out);
  free(csv->data);
  *csv = (struct csv){.inside = false};
}

enum status csv_put(struct csv *csv, const char *folder, const char *name, const char *magic) {
  char path[STORE_PATH_MAX];
  const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  const bool whole = fflush(csv->out) == 0 && !ferror(csv->out);
  enum status status = whole ? STATUS_OK : status_raise(STATUS_MEMORY, "%s: out of memory for a table", name);
  if (status == STATUS_OK && length >= (int)sizeof path)
    status = status_raise(STATUS_USAGE, "%.64s...: the name is too long", folder);
  if (status == STATUS_OK) status = output_put(csv->data, csv->size, magic, path);
  csv_drop(csv);
  return status;
}
