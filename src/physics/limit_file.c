/* The last step of the information limit: keeping results in the file that limit_file.h describes.
 *
 * A file is never changed in place. To add a limit, a new file is made under a temporary name, the groups that the old
 * one has for other K and observers are copied over (keep_other_groups), the new group is written beside them, and the
 * new file takes the old one's name. Rank 0 does this on a communicator of its own, and all ranks then agree on the
 * status. Every group has a checksum, which is verified whenever the group is read, also to be copied.
 */
#include "physics/limit_file.h"

#include "base/log.h"
#include "store/output.h"
#include "store/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_SCHEMA = 2, NAME_MAX_BYTES = 64 };

static const char limit_format[] = LIMIT_FORMAT;

/* The file is locked from reading what is there to replacing it, so that nothing is lost of what another job adds. A
 * job that finds it locked waits for up to `patience` seconds. */
static const struct store_place limit_place = {.replaces = LIMIT_FORMAT, .named_by_hgn = true, .patience = 60};

const char *limit_observe_name(enum limit_observe observe) {
  static const char *const names[LIMIT_OBSERVE_COUNT] = {[LIMIT_POSITIONS] = "positions", [LIMIT_IMAGES] = "images"};
  return (unsigned)observe < LIMIT_OBSERVE_COUNT ? names[observe] : "unknown";
}

enum status limit_file_name(const char *data, char *path, size_t size) {
  int length = snprintf(path, size, "%.*s.limit.h5", (int)output_stem(data), data);
  REQUIRE(length >= 0 && (size_t)length < size, STATUS_USAGE, "the path \"%s\" is too long", data);
  return STATUS_OK;
}

/* The HDF5 data sets of f64 in a group, in one list for writing, reading and checksums: the name, how many numbers,
 * where they stand in the result, and what they are. */
enum { MEMBERS = 6 };
struct group_member {
  const char *name;
  int64_t extent;
  double *value;
  const char *help;
};

/* Fills the list for `result`; `samples` stands for its ess_min and ess_median. */
static void list_members(struct limit_result *result, double samples[2], struct group_member list[MEMBERS]) {
  const struct group_member members[MEMBERS] = {
      {"mse", result->frames, result->mse, "pixel MSE of the best prediction of each frame"},
      {"error", result->frames, result->error,
       "standard error over rollouts of the pixel MSE of the best prediction of each frame"},
      {"unseen", 2, &result->unseen.mse, "mean over frames K..T-1, standard error"},
      {"predict", 2, &result->predict.mse, "mean over frames K-1..T-1, standard error"},
      {"all", 2, &result->all.mse, "mean over frames 0..T-1, standard error"},
      {"samples", 2, samples, "effective sample size: minimum and median over rollouts"}};
  memcpy(list, members, sizeof members);
}

_Static_assert(sizeof(struct limit_mean) == 2 * sizeof(double), "a mean is written as two numbers");

/* The path of the data set `name` of a group. */
static void member_path(char path[2 * NAME_MAX_BYTES], const char *group, const char *name) {
  snprintf(path, 2 * NAME_MAX_BYTES, "/%s/%s", group, name);
}

/* The name of the group that holds the limit for K = input_frames: "positions_5". */
static void group_name(char name[NAME_MAX_BYTES], int64_t input_frames, enum limit_observe observe) {
  snprintf(name, NAME_MAX_BYTES, "%s_%lld", limit_observe_name(observe), (long long)input_frames);
}

/* The checksum of all numbers of a group and of its name, as text. */
static void checksum_group(const char *group, struct limit_result *result, char text[CHECKSUM_TEXT]) {
  double samples[2] = {result->ess_min, result->ess_median};
  const int64_t counts[] = {result->rollouts, result->draws_max, result->frames};
  struct checksum sum = {{0, 0}};
  struct group_member list[MEMBERS];
  list_members(result, samples, list);
  for (int i = 0; i < MEMBERS; i++)
    checksum_add(&sum, checksum_tag(list[i].name), 0, list[i].value, (size_t)list[i].extent * sizeof(double));
  checksum_add(&sum, checksum_tag("attained"), 0, result->attained,
               (size_t)(result->rollouts * result->frames) * sizeof(double));
  checksum_add(&sum, checksum_tag(group), 0, counts, sizeof counts);
  checksum_text(&sum, text);
}

/* Writes a result as a group of the file, with its checksum. */
static enum status write_group(struct store_file *file, const char *group, struct limit_result *result) {
  char path[2 * NAME_MAX_BYTES];
  double samples[2] = {result->ess_min, result->ess_median};
  struct group_member list[MEMBERS];
  list_members(result, samples, list);
  for (int i = 0; i < MEMBERS; i++) {
    member_path(path, group, list[i].name);
    TRY(store_dataset(file, path, STORE_F64, 1, &list[i].extent, "1", list[i].help));
    TRY(store_write(file, path, 0, list[i].extent, list[i].value));
  }
  const int64_t attained[2] = {result->rollouts, result->frames};
  member_path(path, group, "attained");
  TRY(store_dataset(file, path, STORE_F64, 2, attained, "1",
                    "squared error of the best prediction on the frames of each test rollout"));
  TRY(store_write(file, path, 0, result->rollouts, result->attained));
  const struct {
    const char *name, *help;
    int64_t value;
  } counts[] = {{"rollouts", "test rollouts averaged over", result->rollouts},
                {"draws", "prior draws of the most demanding rollout, for each of two sets", result->draws_max}};
  int64_t one = 1;
  for (int i = 0; i < 2; i++) {
    member_path(path, group, counts[i].name);
    TRY(store_dataset(file, path, STORE_I64, 1, &one, "1", counts[i].help));
    TRY(store_write(file, path, 0, 1, &counts[i].value));
  }
  char sum[CHECKSUM_TEXT];
  checksum_group(group, result, sum);
  member_path(path, group, "checksum");
  return store_text(file, path, sum, 0);
}

/* Whether the limits in the file belong to the data set with this content checksum. */
static enum status is_of_data(const struct store_file *file, const char *checksum, bool *same) {
  char *sum = NULL;
  TRY(store_read_text(file, "/data_checksum", &sum));
  *same = strcmp(sum, checksum) == 0;
  free(sum);
  return STATUS_OK;
}

/* Compares what was read of a group with the group's checksum. Older files have none, which passes. */
static enum status verify_group(const struct store_file *file, const char *group, struct limit_result *result) {
  char path[2 * NAME_MAX_BYTES], sum[CHECKSUM_TEXT], *written = NULL;
  bool found;
  member_path(path, group, "checksum");
  TRY(store_find(file, path, &found));
  if (!found) return STATUS_OK;
  TRY(store_read_text(file, path, &written));
  checksum_group(group, result, sum);
  const bool same = strcmp(written, sum) == 0;
  free(written);
  REQUIRE(same, STATUS_FILE, "%s: checksum mismatch: /%s is not what was written", file->path, group);
  return STATUS_OK;
}

/* Reads a group into a result, whose arrays it allocates, and verifies it. */
static enum status read_group(const struct store_file *file, const char *group, struct limit_result *result) {
  char path[2 * NAME_MAX_BYTES];
  member_path(path, group, "mse");
  int rank;
  int64_t extent[STORE_RANK_MAX];
  enum store_type type;
  TRY(store_extent(file, path, &rank, extent, &type));
  REQUIRE(rank == 1 && extent[0] >= 1, STATUS_FILE, "%s: %s has the wrong shape", file->path, path);
  result->frames = extent[0];
  result->mse = calloc((size_t)extent[0], sizeof(double));
  result->error = calloc((size_t)extent[0], sizeof(double));
  REQUIRE(result->mse && result->error, STATUS_MEMORY, "out of memory for %lld frames", (long long)extent[0]);
  double samples[2];
  struct group_member list[MEMBERS];
  list_members(result, samples, list);
  for (int i = 0; i < MEMBERS; i++) {
    member_path(path, group, list[i].name);
    TRY(store_read_values(file, path, STORE_F64, list[i].extent, list[i].value));
  }
  result->ess_min = samples[0];
  result->ess_median = samples[1];
  member_path(path, group, "rollouts");
  TRY(store_read_values(file, path, STORE_I64, 1, &result->rollouts));
  member_path(path, group, "draws");
  TRY(store_read_values(file, path, STORE_I64, 1, &result->draws_max));
  member_path(path, group, "attained");
  TRY(store_extent(file, path, &rank, extent, &type));
  REQUIRE(rank == 2 && extent[0] == result->rollouts && extent[1] == result->frames, STATUS_FILE,
          "%s: %s has the wrong shape", file->path, path);
  result->attained = calloc((size_t)extent[0], (size_t)extent[1] * sizeof(double));
  REQUIRE(result->attained, STATUS_MEMORY, "out of memory for %lld rollouts", (long long)extent[0]);
  TRY(store_read(file, path, STORE_F64, 0, extent[0], result->attained));
  return verify_group(file, group, result);
}

/* Copies a group of the old file, if it has it, to `file`, verified on the way; with `file` NULL
 * it is only verified. */
static enum status copy_group(const struct store_file *old, const char *group, struct store_file *file) {
  struct limit_result result = {0};
  bool has;
  TRY(store_find(old, group, &has));
  if (!has) return STATUS_OK;
  enum status status = read_group(old, group, &result);
  if (status == STATUS_OK && file) status = write_group(file, group, &result);
  limit_free(&result);
  return status;
}

/* Does copy_group() for every K up to `frames` and every observer, except for the group named `group`. */
static enum status copy_other_groups(const struct store_file *old, const char *group, int64_t frames,
                                     struct store_file *file) {
  for (int64_t k = 1; k <= frames; k++)
    for (int observe = 0; observe < LIMIT_OBSERVE_COUNT; observe++) {
      char other[NAME_MAX_BYTES];
      group_name(other, k, (enum limit_observe)observe);
      if (strcmp(other, group) != 0) TRY(copy_group(old, other, file));
    }
  return STATUS_OK;
}

/* Copies the groups for other K and observers from the limit file at `path` to `file`, if there is one of the same
 * data. They are read and written, not copied by H5Ocopy(), which crashes when the old file cannot be read. */
static enum status keep_other_groups(const struct comm *self, const char *path, const char *checksum, const char *group,
                                     int64_t frames, struct store_file *file) {
  struct store_file old = {0};
  bool same = false, there;
  TRY(output_exists(path, &there));
  if (!there) return STATUS_OK;
  TRY(store_open(self, path, &old));
  enum status status = store_check_format(&old, limit_format, LIMIT_SCHEMA);
  if (status == STATUS_OK) status = is_of_data(&old, checksum, &same);
  if (status == STATUS_OK && same) status = copy_other_groups(&old, group, frames, file);
  store_close(&old);
  return status;
}

/* Fails if limit_file_write() would fail at `path`: because of something else of that name, limits in it that cannot be
 * copied over, or a folder that cannot be written. Warns if limits of other data would be replaced. */
static enum status check_output(const struct comm *self, const char *path, const char *checksum, int64_t frames) {
  struct store_file file = {0};
  char resolved[STORE_PATH_MAX];
  bool same = true, there;
  TRY(output_resolve(path, true, resolved));
  TRY(output_exists(path, &there));
  if (there) {
    TRY(store_open(self, path, &file));
    enum status status = store_check_format(&file, limit_format, LIMIT_SCHEMA);
    if (status == STATUS_OK) status = is_of_data(&file, checksum, &same);
    if (status == STATUS_OK && same) status = copy_other_groups(&file, "", frames, NULL);
    store_close(&file);
    TRY(status);
  }
  if (!same) log_warn("%s: holds limits of other data; they will be replaced", path);
  TRY(store_create_at(self, path, &limit_place, &file));
  store_close(&file);
  return STATUS_OK;
}

enum status limit_file_check(const struct comm *comm, const char *path, const char *checksum, int64_t frames) {
  struct comm self;
  enum status status = comm_open(MPI_COMM_SELF, &self);
  if (status == STATUS_OK && comm->rank == 0) status = check_output(&self, path, checksum, frames);
  comm_close(&self);
  return comm_agree(comm, status);
}

enum status limit_file_has(const struct store_file *file, int64_t input_frames, enum limit_observe observe, bool *has) {
  char group[NAME_MAX_BYTES];
  group_name(group, input_frames, observe);
  return store_find(file, group, has);
}

/* The part of limit_file_write() that rank 0 does, on a communicator of its own. */
static enum status write_limit_file(const struct comm *self, const char *path, const char *checksum, const char *config,
                                    const struct limit_options *options, const struct limit_result *result) {
  struct limit_result copy = *result;
  char group[NAME_MAX_BYTES];
  group_name(group, options->input_frames, options->observe);
  struct store_file file;
  TRY(store_create_at(self, path, &limit_place, &file));
  enum status status = store_attribute_text(&file, "format", limit_format);
  if (status == STATUS_OK) status = store_attribute_i64(&file, "schema_version", LIMIT_SCHEMA);
  if (status == STATUS_OK) status = store_text(&file, "/data_checksum", checksum, 0);
  if (status == STATUS_OK) status = store_text(&file, "/config", config, 0);
  if (status == STATUS_OK) status = provenance_write(&file);
  if (status == STATUS_OK) status = keep_other_groups(self, path, checksum, group, copy.frames, &file);
  if (status == STATUS_OK) status = write_group(&file, group, &copy);
  if (status == STATUS_OK) status = store_commit(&file);
  store_close(&file);
  return status;
}

enum status limit_file_write(const struct comm *comm, const char *path, const char *checksum,
                             const struct config *config, const struct limit_options *options,
                             const struct limit_result *result) {
  char *text = NULL;
  struct comm self;
  enum status status = comm_open(MPI_COMM_SELF, &self);
  if (status == STATUS_OK && comm->rank == 0) {
    status = config_text(config, &text);
    if (status == STATUS_OK) status = write_limit_file(&self, path, checksum, text, options, result);
    free(text);
  }
  comm_close(&self);
  return comm_agree(comm, status);
}

enum status limit_file_read(const struct comm *comm, const char *path, const char *checksum, int64_t input_frames,
                            enum limit_observe observe, struct limit_result *result) {
  *result = (struct limit_result){0};
  char group[NAME_MAX_BYTES];
  group_name(group, input_frames, observe);
  bool there = true, same = false, has = false;
  enum status status = comm->rank == 0 ? output_exists(path, &there) : STATUS_OK;
  if (status == STATUS_OK && !there)
    status = status_raise(STATUS_UNAVAILABLE, "%s: no such file; hgn limit makes it", path);
  status = comm_agree(comm, status);
  if (status != STATUS_OK) return status;
  struct store_file file;
  TRY(store_open(comm, path, &file));
  status = store_check_format(&file, limit_format, LIMIT_SCHEMA);
  if (status == STATUS_OK) status = is_of_data(&file, checksum, &same);
  if (status == STATUS_OK && !same)
    status =
        status_raise(STATUS_FILE, "%s: belongs to other data (content checksums differ); run hgn limit again", path);
  if (status == STATUS_OK) status = store_find(&file, group, &has);
  if (status == STATUS_OK && !has)
    status =
        status_raise(STATUS_UNAVAILABLE, "%s: has no limit for %lld input frames observed as %s; hgn limit adds it",
                     path, (long long)input_frames, limit_observe_name(observe));
  if (status == STATUS_OK) status = read_group(&file, group, result);
  status = comm_agree(comm, status);
  store_close(&file);
  if (status != STATUS_OK) limit_free(result);
  return status;
}
