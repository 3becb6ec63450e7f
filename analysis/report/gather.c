#include "analysis/report/gather.h"

#include "analysis/analysis_file.h"
#include "base/log.h"
#include "store/output.h"
#include "sweep/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Growing lists ---- */

/* Room for one more of `count` elements; *list is an object pointer's address. */
static enum status grow(void *list, int64_t count, size_t size) {
  void *old, *larger;
  if (count > 0 && (count & (count - 1)) != 0) return STATUS_OK; /* grown at powers of two */
  memcpy(&old, list, sizeof old);
  larger = realloc(old, (size_t)(count ? 2 * count : 1) * size);
  REQUIRE(larger, STATUS_MEMORY, "out of memory for what a report is about");
  memcpy(list, &larger, sizeof larger);
  return STATUS_OK;
}

static enum status copy(const char *text, char **kept) {
  *kept = malloc(strlen(text) + 1);
  REQUIRE(*kept, STATUS_MEMORY, "out of memory for what a report is about");
  memcpy(*kept, text, strlen(text) + 1);
  return STATUS_OK;
}

static enum status add_path(char ***list, int64_t *count, const char *path) {
  TRY(grow(list, *count, sizeof **list));
  TRY(copy(path, &(*list)[*count]));
  *count += 1;
  return STATUS_OK;
}

/* With the present message, which is then forgotten. */
static enum status add_note(struct gather *gather, const char *path) {
  log_warn("%s", status_message());
  TRY(grow(&gather->note, gather->notes, sizeof *gather->note));
  struct gather_note *note = &gather->note[gather->notes];
  TRY(copy(path, &note->path));
  if (copy(status_message(), &note->reason) != STATUS_OK) {
    free(note->path);
    return STATUS_MEMORY;
  }
  gather->notes++;
  status_clear();
  return STATUS_OK;
}

/* Whether it has been taken already, by whatever name. */
static enum status see(struct gather *gather, const struct stat *about, bool *seen) {
  *seen = false;
  for (int64_t i = 0; i < gather->seens && !*seen; i++)
    *seen = gather->seen[i].device == about->st_dev && gather->seen[i].inode == about->st_ino;
  if (*seen) return STATUS_OK;
  TRY(grow(&gather->seen, gather->seens, sizeof *gather->seen));
  gather->seen[gather->seens++] = (struct gather_seen){about->st_dev, about->st_ino};
  return STATUS_OK;
}

/* ---- Files ---- */

enum kind { OTHER, RUN, SWEEP, ANALYSIS };

static enum status find_kind(const char *path, enum kind *kind) {
  static const char *const formats[] = {[RUN] = RECORD_FORMAT, [SWEEP] = LEDGER_FORMAT, [ANALYSIS] = ANALYSIS_FORMAT};
  struct store_file file;
  struct comm self;
  *kind = OTHER;
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = store_open(&self, path, &file);
  for (int i = RUN; i <= ANALYSIS && status == STATUS_OK; i++) {
    bool is = false;
    status = store_is(&file, formats[i], &is);
    if (is) *kind = (enum kind)i;
  }
  store_close(&file);
  comm_close(&self);
  return status;
}

/* Where it lies below the root, without what all runs are called: "trial-000003" of DIR/trial-000003/run.h5. */
static void name_run(const char *root, const char *path, char name[256]) {
  const size_t length = strlen(root);
  const char *slash = strrchr(path, '/'), *below = strcmp(root, path) == 0 ? (slash ? slash + 1 : path) : path + length;
  while (*below == '/') below++;
  size_t stem = output_stem(below);
  if (stem > 4 && strncmp(below + stem - 4, "/run", 4) == 0) stem -= 4;
  snprintf(name, 256, "%.*s", (int)(stem < 255 ? stem : 255), below);
}

static enum status add_run(struct gather *gather, const char *root, const char *path) {
  TRY(grow(&gather->run, gather->runs, sizeof *gather->run));
  struct run_facts *facts = &gather->run[gather->runs];
  TRY(run_facts_open(path, facts));
  name_run(root, path, facts->name);
  gather->runs++;
  return STATUS_OK;
}

static enum status add_file(struct gather *gather, const char *root, const char *path, bool named) {
  enum kind kind;
  enum status status = find_kind(path, &kind);
  if (status == STATUS_OK && kind == RUN) status = add_run(gather, root, path);
  if (status == STATUS_OK && kind == SWEEP) status = add_path(&gather->sweep, &gather->sweeps, path);
  if (status == STATUS_OK && kind == ANALYSIS) status = add_path(&gather->analysis, &gather->analyses, path);
  if (status == STATUS_OK && kind == OTHER && named)
    status = status_raise(STATUS_FILE, "%s: is no run, sweep or analysis, of which reports are", path);
  return status == STATUS_OK || status == STATUS_MEMORY || status == STATUS_MPI ? status : add_note(gather, path);
}

/* ---- Folders ---- */

static bool has_ending(const char *name, const char *ending) {
  const size_t length = strlen(name), tail = strlen(ending);
  return length > tail && strcmp(name + length - tail, ending) == 0;
}

/* Names that hgn itself gives to what no report is about are not even opened. */
static bool is_wanted(const char *name) {
  return has_ending(name, ".h5") && !strstr(name, ".checkpoint-") && !has_ending(name, ".best.h5") &&
         !has_ending(name, ".limit.h5") && !strstr(name, ".whole-");
}

static enum status search(struct gather *gather, const char *root, const char *folder, int depth);

static enum status look_at(struct gather *gather, const char *root, const char *path, const char *name, int depth) {
  struct stat about;
  bool seen;
  if (stat(path, &about) != 0) return STATUS_OK; /* a link that leads nowhere */
  const bool folder = S_ISDIR(about.st_mode);
  if (!folder && !(S_ISREG(about.st_mode) && is_wanted(name))) return STATUS_OK;
  TRY(see(gather, &about, &seen));
  if (seen) return STATUS_OK;
  return folder ? search(gather, root, path, depth + 1) : add_file(gather, root, path, false);
}

enum { DEPTH_MOST = 32 };

static enum status search(struct gather *gather, const char *root, const char *folder, int depth) {
  struct dirent **entry;
  if (depth > DEPTH_MOST) return STATUS_OK;
  const int count = scandir(folder, &entry, NULL, alphasort);
  if (count < 0) {
    (void)status_raise(STATUS_FILE, "%s: %s", folder, strerror(errno));
    return add_note(gather, folder);
  }
  enum status status = STATUS_OK;
  for (int i = 0; i < count; i++) {
    const char *name = entry[i]->d_name;
    char path[STORE_PATH_MAX];
    const int length = snprintf(path, sizeof path, "%s%s%s", folder, has_ending(folder, "/") ? "" : "/", name);
    if (status == STATUS_OK && name[0] != '.' && length < (int)sizeof path)
      status = look_at(gather, root, path, name, depth);
    free(entry[i]);
  }
  free(entry);
  return status;
}

enum status gather_path(struct gather *gather, const char *path) {
  struct stat about;
  bool seen;
  REQUIRE(strlen(path) < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", path);
  REQUIRE(stat(path, &about) == 0, STATUS_FILE, "%s: %s", path, strerror(errno));
  TRY(see(gather, &about, &seen));
  if (seen) return STATUS_OK;
  return S_ISDIR(about.st_mode) ? search(gather, path, path, 0) : add_file(gather, path, path, true);
}

void gather_settle(struct gather *gather) {
  for (int64_t i = 0; i < gather->runs; i++) {
    struct run_facts *run = &gather->run[i];
    bool twice = run->name[0] == '\0';
    for (int64_t j = 0; j < gather->runs && !twice; j++) twice = j != i && strcmp(run->name, gather->run[j].name) == 0;
    if (!twice) continue;
    const size_t length = strlen(run->path);
    snprintf(run->name, sizeof run->name, "%s",
             run->path + (length < sizeof run->name ? 0 : length + 1 - sizeof run->name));
  }
}

void gather_close(struct gather *gather) {
  for (int64_t i = 0; i < gather->runs; i++) run_facts_close(&gather->run[i]);
  for (int64_t i = 0; i < gather->sweeps; i++) free(gather->sweep[i]);
  for (int64_t i = 0; i < gather->analyses; i++) free(gather->analysis[i]);
  for (int64_t i = 0; i < gather->notes; i++) {
    free(gather->note[i].path);
    free(gather->note[i].reason);
  }
  free(gather->run);
  free(gather->sweep);
  free(gather->analysis);
  free(gather->note);
  free(gather->seen);
  *gather = (struct gather){.runs = 0};
}
