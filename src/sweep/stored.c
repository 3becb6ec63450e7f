#include "sweep/stored.h"

#include "store/output.h"
#include "sweep/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RENAMES = SWEEP_RENAMES_MAX };

bool stored_find(const char *path, char folder[STORE_PATH_MAX]) {
  struct stat about;
  snprintf(folder, STORE_PATH_MAX, "%s", path);
  if (stat(path, &about) != 0) return false;
  if (S_ISDIR(about.st_mode)) return true;
  const char *name = output_split(path, folder);
  return strcmp(name, "sweep.h5") == 0 || folder_part_of(name) >= 0;
}

enum status stored_texts(const char *folder, struct ledger_texts *texts) {
  char path[STORE_PATH_MAX];
  int64_t *index, count;
  bool there;
  TRY(folder_ledger(folder, path));
  TRY(output_exists(path, &there));
  if (there) return ledger_read_texts(path, texts);
  TRY(merge_find(folder, &index, &count));
  const enum status status = count > 0 ? folder_part(folder, index[0], path) : STATUS_OK;
  free(index);
  TRY(status);
  return ledger_read_texts(path, texts); /* where there is no part either, it says that there is no sweep.h5 */
}

enum status stored_parse(struct ledger_texts *texts, char notice[SWEEP_NOTICE_MAX], struct sweep **sweep) {
  const char *rename[RENAMES];
  struct sweep_options options = {.base_path = texts->base_name,
                                  .base_text = texts->base,
                                  .base_bytes = strlen(texts->base),
                                  .run_cap = texts->run_cap,
                                  .rename = rename};
  char *lines = strdup(texts->renames);
  REQUIRE(lines, STATUS_MEMORY, "out of memory for a text");
  char *rest = lines;
  for (char *line = strtok_r(lines, "\n", &rest); line && options.renames < RENAMES; line = strtok_r(NULL, "\n", &rest))
    rename[options.renames++] = line;
  enum status status = sweep_parse(texts->file_name, texts->file, strlen(texts->file), &options, sweep, notice);
  free(lines);
  if (status == STATUS_OK && !texts->effective) status = sweep_text(*sweep, &texts->effective);
  return status;
}

/* A file that stands for itself, of a whole sweep or a part. */
static enum status open_file(const char *path, struct stored_sweep *stored) {
  const struct sweep_part part = stored->texts.part;
  if (part.count > 1) TRY(sweep_take_part(stored->sweep, part.index, part.count));
  return ledger_open(path, stored->sweep, stored->texts.extended, false, &stored->ledger, &stored->damaged);
}

enum status stored_open(const char *path, struct stored_sweep *stored) {
  char notice[SWEEP_NOTICE_MAX], file[STORE_PATH_MAX];
  int64_t *index, parts = 0;
  *stored = (struct stored_sweep){.sweep = NULL};
  REQUIRE(strlen(path) < STORE_PATH_MAX, STATUS_USAGE, "the name of the sweep is too long");
  const bool is_folder = stored_find(path, stored->folder);
  snprintf(file, sizeof file, "%s", path);
  TRY(is_folder ? stored_texts(stored->folder, &stored->texts) : ledger_read_texts(path, &stored->texts));
  TRY(stored_parse(&stored->texts, notice, &stored->sweep));
  if (!is_folder) return open_file(path, stored);
  TRY(merge_find(stored->folder, &index, &parts));
  free(index);
  if (parts > 0) return merge_view(stored->sweep, stored->folder, &stored->texts, &stored->ledger, &stored->parts);
  TRY(folder_ledger(stored->folder, file));
  return open_file(file, stored);
}

void stored_close(struct stored_sweep *stored) {
  ledger_close(&stored->ledger);
  merge_report_free(&stored->parts);
  sweep_destroy(&stored->sweep);
  ledger_texts_free(&stored->texts);
}
