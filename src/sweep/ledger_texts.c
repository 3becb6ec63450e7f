/* The texts that a sweep's file is made of: read and verified; whether they are of the same sweep. */
#include "store/output.h"
#include "sweep/ledger.h"
#include "sweep/ledger_private.h"

#include <stdlib.h>
#include <string.h>

void ledger_texts_free(struct ledger_texts *texts) {
  free(texts->file);
  free(texts->file_name);
  free(texts->base);
  free(texts->base_name);
  free(texts->renames);
  free(texts->effective);
  free(texts->numerics);
  free(texts->working_folder);
  *texts = (struct ledger_texts){.file = NULL};
}

static enum status read_texts(const struct store_file *file, struct ledger_texts *texts) {
  char *sum = NULL, mine[CHECKSUM_TEXT];
  TRY(store_check_format(file, LEDGER_FORMAT, LEDGER_VERSION));
  TRY(store_read_text(file, "/sweep/file", &texts->file));
  TRY(store_read_text(file, "/sweep/file_name", &texts->file_name));
  TRY(store_read_text(file, "/sweep/base", &texts->base));
  TRY(store_read_text(file, "/sweep/base_name", &texts->base_name));
  TRY(store_read_text(file, "/sweep/renames", &texts->renames));
  TRY(store_read_text(file, "/sweep/effective", &texts->effective));
  TRY(store_read_text(file, "/sweep/numerics", &texts->numerics));
  TRY(store_read_text(file, "/provenance/working_folder", &texts->working_folder));
  TRY(store_read_values(file, "/sweep/run_cap", STORE_I64, 1, &texts->run_cap));
  TRY(store_read_values(file, "/sweep/extended", STORE_I64, 1, &texts->extended));
  int64_t part[2];
  TRY(store_read_values(file, "/sweep/part", STORE_I64, 2, part));
  REQUIRE(part[1] >= 1 && part[0] >= 0 && part[0] < part[1], STATUS_FILE, "%s: /sweep/part is %lld of %lld", file->path,
          (long long)part[0], (long long)part[1]);
  texts->part = (struct sweep_part){part[0], part[1]};
  if (strcmp(texts->renames, "\n") == 0) texts->renames[0] = '\0';
  TRY(store_read_text(file, "/sweep/checksum", &sum));
  ledger_sum_texts(texts, mine);
  const bool same = strcmp(sum, mine) == 0;
  free(sum);
  REQUIRE(same, STATUS_FILE, "%s: the sweep's description is damaged", file->path);
  REQUIRE(texts->extended >= 0 && texts->extended < INT64_C(1) << 40, STATUS_FILE, "%s: /sweep/extended is %lld",
          file->path, (long long)texts->extended);
  return STATUS_OK;
}

enum status ledger_read_texts(const char *path, struct ledger_texts *texts) {
  struct store_file file;
  struct comm self;
  *texts = (struct ledger_texts){.file = NULL};
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = store_open(&self, path, &file);
  if (status == STATUS_OK) status = read_texts(&file, texts);
  store_close(&file);
  comm_close(&self);
  if (status != STATUS_OK) ledger_texts_free(texts);
  return status;
}

/* ---- The same sweep? ---- */

static enum status compare_bases(const struct sweep *sweep, const struct ledger_texts *there, char *text, int size,
                                 int *count) {
  struct config *base;
  const enum status status = config_parse(there->base_name, there->base, strlen(there->base), NULL, 0, &base);
  if (status != STATUS_OK) return status_context(STATUS_FILE, "the base experiment that the sweep was begun with");
  *count = config_differences(base, sweep->base, text, size);
  config_destroy(&base);
  return STATUS_OK;
}

enum status ledger_compare(const struct sweep *sweep, const char *effective, const char *path,
                           const struct ledger_texts *there) {
  char text[1024];
  int count = 0;
  const int differences = sweep_differences(there->effective, effective, text, sizeof text);
  REQUIRE(differences == 0, STATUS_CONFIG,
          "%s: holds a sweep that was begun with another file: %s. Put %s back, choose another -o, or go on as it was "
          "begun with: hgn sweep DIR --resume (--extend N for more configurations)",
          path, text, there->file_name);
  TRY(compare_bases(sweep, there, text, sizeof text, &count));
  REQUIRE(count == 0, STATUS_CONFIG,
          "%s: holds a sweep that was begun with another base experiment: %s. Put %s back, or choose another -o", path,
          text, there->base_name);
  return STATUS_OK;
}
