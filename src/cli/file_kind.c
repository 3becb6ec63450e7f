#include "cli/file_kind.h"

#include "store/file.h"
#include "sweep/ledger.h"
#include "train/record.h"

#include <sys/stat.h>

const char *file_kind_name(enum file_kind kind) {
  static const char *const names[] = {"a run", "a sweep", "a data set", "neither run, sweep nor data set"};
  return names[kind];
}

static enum status look(const struct store_file *file, enum file_kind *kind) {
  static const struct {
    const char *format;
    enum file_kind kind;
  } known[] = {{RECORD_FORMAT, FILE_KIND_RUN}, {LEDGER_FORMAT, FILE_KIND_SWEEP}, {"hgn-dataset", FILE_KIND_DATA}};
  bool is;
  TRY(store_is_ours(file, &is));
  *kind = is ? FILE_KIND_OTHER : FILE_KIND_DATA;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    TRY(store_is(file, known[i].format, &is));
    if (is) *kind = known[i].kind;
  }
  return STATUS_OK;
}

enum status file_kind_find(const struct comm *comm, const char *path, enum file_kind *kind) {
  struct store_file file;
  struct stat about;
  *kind = FILE_KIND_SWEEP;
  bool folder = comm->rank == 0 && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
  TRY(comm_broadcast(comm, &folder, sizeof folder));
  if (folder) return STATUS_OK;
  TRY(store_open(comm, path, &file));
  const enum status status = comm_agree(comm, look(&file, kind));
  store_close(&file);
  return status;
}
