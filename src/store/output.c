#define _GNU_SOURCE /* renameat2() */
#include "store/output.h"

#include "base/checksum.h"
#include "base/litter.h"
#include "store/lock.h"
#include "store/reader.h"
#include "store/state.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PARTIAL_TRIES = 1000,
  PARTIAL_NAME = 96, /* bytes of the final name that go into the partial one, so that NAME_MAX holds */
  LINKS_MAX = 40
};

/* ---- names ---- */

size_t output_stem(const char *path) {
  const size_t length = strlen(path);
  return length > 3 && strcmp(path + length - 3, ".h5") == 0 ? length - 3 : length;
}

const char *output_temporary(void) {
  const char *given = getenv("TMPDIR");
  return given && *given ? given : "/tmp";
}

const char *output_split(const char *path, char folder[STORE_PATH_MAX]) {
  const char *slash = strrchr(path, '/');
  if (!slash) {
    snprintf(folder, STORE_PATH_MAX, ".");
    return path;
  }
  size_t length = slash == path ? 1 : (size_t)(slash - path);
  snprintf(folder, STORE_PATH_MAX, "%.*s", (int)length, path);
  return slash + 1;
}

enum status output_exists(const char *path, bool *there) {
  struct stat about;
  *there = stat(path, &about) == 0;
  return *there || errno == ENOENT ? STATUS_OK : store_fail_errno(path, NULL, errno);
}

/* "RUN.checkpoint-00000010.h5": digits and nothing else between. */
static bool names_checkpoint(const char *name, size_t length) {
  static const char word[] = ".checkpoint-";
  size_t digits = 0;
  while (digits < length && isdigit((unsigned char)name[length - 1 - digits])) digits++;
  const size_t tail = digits + sizeof word - 1;
  return digits > 0 && length > tail && strncmp(name + length - tail, word, sizeof word - 1) == 0;
}

static bool ends_with(const char *name, size_t length, const char *ending) {
  const size_t tail = strlen(ending);
  return length > tail && strncmp(name + length - tail, ending, tail) == 0;
}

/* ".NAME.partial-HOST-PID" or with "-N" behind. */
static bool names_partial(const char *name) {
  const char *word = strstr(name, ".partial-");
  const size_t all = strlen(name);
  size_t digits = 0;
  while (digits < all && isdigit((unsigned char)name[all - 1 - digits])) digits++;
  return name[0] == '.' && word && digits > 0 && name + all - digits - 1 > word + strlen(".partial-") &&
         name[all - digits - 1] == '-';
}

enum status output_check_name(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  REQUIRE(!names_partial(name) && !(name[0] == '.' && ends_with(name, strlen(name), ".lock")), STATUS_USAGE,
          "%s: hgn itself gives such names, to locks and to files that it is writing: choose another output", path);
  const size_t all = strlen(name), length = ends_with(name, all, ".h5") ? all - 3 : 0;
  const char *what = length == 0                            ? NULL
                     : ends_with(name, length, ".best")     ? "the best model of a run"
                     : ends_with(name, length, ".limit")    ? "the information limits of a data set"
                     : ends_with(name, length, ".analysis") ? "the analyses of a run"
                     : ends_with(name, length, ".samples")  ? "the judged samples of a run"
                     : names_checkpoint(name, length)       ? "a checkpoint of a run"
                                                            : NULL;
  REQUIRE(!what, STATUS_USAGE, "%s: hgn itself gives such names, to %s: choose another output", path, what);
  return STATUS_OK;
}

/* ---- links ---- */

/* As Linux does it in folders that everybody may write: the user's own links, and those of the folder's owner. */
static enum status check_owner(const char *given, const char *link, const struct stat *about) {
  char folder[STORE_PATH_MAX];
  struct stat above;
  output_split(link, folder);
  const bool trusted = about->st_uid == geteuid() || about->st_uid == 0 ||
                       (stat(folder, &above) == 0 && above.st_uid == about->st_uid && !(above.st_mode & S_IWOTH));
  REQUIRE(trusted, STATUS_FILE, "%s: %s is a link of another user, which is not followed", given, link);
  return STATUS_OK;
}

enum status output_resolve(const char *path, bool writing, char resolved[STORE_PATH_MAX]) {
  REQUIRE(strlen(path) < STORE_PATH_MAX, STATUS_FILE, "%.64s...: the name is too long", path);
  memcpy(resolved, path, strlen(path) + 1);
  for (int i = 0; i < LINKS_MAX; i++) {
    char to[STORE_PATH_MAX], folder[STORE_PATH_MAX], next[2 * STORE_PATH_MAX];
    struct stat about;
    if (lstat(resolved, &about) != 0 || !S_ISLNK(about.st_mode)) return STATUS_OK;
    if (writing) TRY(check_owner(path, resolved, &about));
    const ssize_t length = readlink(resolved, to, sizeof to - 1);
    if (length < 0) return store_fail_errno(path, "cannot be followed", errno);
    to[length] = '\0';
    output_split(resolved, folder);
    const bool here = to[0] == '/' || strcmp(folder, ".") == 0;
    const int used = here ? snprintf(next, sizeof next, "%s", to) : snprintf(next, sizeof next, "%s/%s", folder, to);
    REQUIRE(used < STORE_PATH_MAX, STATUS_FILE, "%s: leads to a name that is too long", path);
    memcpy(resolved, next, (size_t)used + 1);
  }
  return store_fail_errno(path, "cannot be followed", ELOOP);
}

/* ---- what is there ---- */

enum status output_fail_create(const char *path, int code) {
  char folder[STORE_PATH_MAX], text[STORE_ERRNO_MAX];
  output_split(path, folder);
  return status_raise(STATUS_FILE, "%s: cannot be created in folder '%s': %s", path, folder,
                      store_errno_text(code, text));
}

enum status output_check_plain(const char *path) {
  const char *slash = strrchr(path, '/');
  struct stat about;
  REQUIRE(*(slash ? slash + 1 : path), STATUS_FILE, "%s: is a folder, not a file name", path);
  if (stat(path, &about) != 0 || S_ISREG(about.st_mode)) return STATUS_OK;
  return status_raise(STATUS_FILE, "%s: is %s", path, S_ISDIR(about.st_mode) ? "a folder" : "not a regular file");
}

static enum status refuse_kind(const char *path, const char *what) {
  return status_raise(STATUS_FILE,
                      "%s: is there, and is %s, which is not replaced: choose another output, or move it away", path,
                      what);
}

/* Opened alone: other ranks need not know. */
static enum status check_open_format(const char *path, hid_t file, const char *format) {
  struct store_file view = {.id = file};
  snprintf(view.path, sizeof view.path, "%s", path);
  bool is = false;
  char *found = NULL, what[128];
  TRY(store_is(&view, format, &is));
  if (is) return STATUS_OK;
  if (store_read_attribute_text(&view, "format", &found) != STATUS_OK) {
    free(found);
    return refuse_kind(path, "an HDF5 file that hgn has not written");
  }
  snprintf(what, sizeof what, "of format '%.32s', not '%s'", found, format);
  free(found);
  return refuse_kind(path, what);
}

enum status output_check_format(const char *path, const char *format, bool damaged) {
  struct stat about;
  if (stat(path, &about) != 0) return errno == ENOENT ? STATUS_OK : store_fail_errno(path, NULL, errno);
  if (about.st_size == 0) return STATUS_OK;
  bool hdf5 = false;
  reader_begin();
  TRY(store_signature(path, &hdf5));
  if (!hdf5) return refuse_kind(path, "not an HDF5 file");
  const hid_t access = reader_access_list(), file = access < 0 ? access : H5Fopen(path, H5F_ACC_RDONLY, access);
  enum status status = STATUS_OK;
  if (file >= 0)
    status = check_open_format(path, file, format);
  else if (!damaged || reader_trouble())
    status = refuse_kind(path, "an HDF5 file that cannot be opened");
  H5Eclear2(H5E_DEFAULT);
  if (file >= 0) H5Fclose(file);
  if (access >= 0) H5Pclose(access);
  return status;
}

enum status output_check_magic(const char *path, const char *magic) {
  char found[16];
  const size_t bytes = strlen(magic);
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return errno == ENOENT ? STATUS_OK : store_fail_errno(path, NULL, errno);
  const ssize_t length = pread(descriptor, found, bytes, 0);
  const int code = length < 0 ? errno : 0;
  close(descriptor);
  if (code) return store_fail_errno(path, "cannot be read", code);
  const bool same = length == 0 || ((size_t)length == bytes && memcmp(found, magic, bytes) == 0);
  return same ? STATUS_OK : refuse_kind(path, "not a file of this kind");
}

/* ---- partial files ---- */

void output_remove_left(const char *folder, const char *name) {
  char path[2 * STORE_PATH_MAX];
  if (!names_partial(name)) return;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (lock_exclude(descriptor) == 0) unlink(path);
  close(descriptor);
}

/* "HOST-PID" or "HOST-PID-N", of this host: whether that process is gone. What other hosts have left they know. */
static bool maker_is_gone(const char *maker) {
  char host[HOST_BYTES], *end;
  lock_host(host);
  const size_t length = strlen(host);
  if (strncmp(maker, host, length) != 0 || maker[length] != '-' || !isdigit((unsigned char)maker[length + 1]))
    return false;
  const long process = strtol(maker + length + 1, &end, 10);
  return (*end == '\0' || *end == '-') && process > 0 && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

/* Of any final name: a job that was killed may never be started again. */
static void remove_abandoned(const char *folder, const char *name) {
  char path[2 * STORE_PATH_MAX];
  const char *word = names_partial(name) ? strstr(name, ".partial-") : NULL;
  for (const char *next = word; next; next = strstr(next + 1, ".partial-")) word = next;
  if (!word || !maker_is_gone(word + strlen(".partial-"))) return;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  const int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (lock_abandoned(descriptor)) unlink(path);
  close(descriptor);
}

/* What the name begins with in the partial one: a long one is cut, and has a checksum of the whole behind it. */
static void name_partial(const char *name, char stem[PARTIAL_NAME + 32]) {
  if (strlen(name) <= PARTIAL_NAME)
    snprintf(stem, PARTIAL_NAME + 32, "%s", name);
  else
    snprintf(stem, PARTIAL_NAME + 32, "%.*s~%016" PRIx64, PARTIAL_NAME, name, checksum_tag(name));
}

/* What killed jobs have left: partial files of this name, which the caller has locked, whoever has made them; of other
 * names, and locks, those of processes of this host that are gone. */
static void remove_left(const char *folder, const char *name) {
  char stem[PARTIAL_NAME + 32], prefix[PARTIAL_NAME + 64];
  name_partial(name, stem);
  snprintf(prefix, sizeof prefix, ".%s.partial-", stem);
  DIR *stream = opendir(folder);
  if (!stream) return;
  for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
    if (entry->d_name[0] != '.') continue;
    if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
      output_remove_left(folder, entry->d_name);
    else
      remove_abandoned(folder, entry->d_name);
    lock_sweep(folder, entry->d_name);
  }
  closedir(stream);
}

/* A file that another job takes for left, in the moment before it is locked, has lost its name then. */
static bool lock_partial(int descriptor, const char *partial) {
  struct stat about;
  const int code = lock_exclude(descriptor);
  return code != EWOULDBLOCK && code != ETXTBSY && lstat(partial, &about) == 0;
}

enum status output_create_partial(const char *path, char partial[STORE_PATH_MAX], int *descriptor) {
  char folder[STORE_PATH_MAX], host[HOST_BYTES], stem[PARTIAL_NAME + 32];
  const char *name = output_split(path, folder);
  TRY(output_check_plain(path));
  remove_left(folder, name);
  lock_host(host);
  name_partial(name, stem);
  for (int i = 0; i < PARTIAL_TRIES; ++i) {
    char more[16] = "";
    if (i > 0) snprintf(more, sizeof more, "-%d", i);
    int length = snprintf(partial, STORE_PATH_MAX, "%.*s.%s.partial-%s-%ld%s", (int)(name - path), path, stem, host,
                          (long)getpid(), more);
    if (length < 0 || length >= STORE_PATH_MAX) return status_raise(STATUS_FILE, "%s: the name is too long", path);
    *descriptor = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (*descriptor >= 0 && lock_partial(*descriptor, partial)) {
      litter_add(partial);
      return STATUS_OK;
    }
    if (*descriptor >= 0) {
      close(*descriptor);
      *descriptor = -1;
    } else if (errno != EEXIST) {
      return output_fail_create(path, errno);
    }
  }
  return status_raise(STATUS_FILE, "%s: too many left-over partial files in '%s'", path, folder);
}

void output_remove_partial(const char *partial) {
  unlink(partial);
  litter_drop(partial);
}

/* ---- the final name ---- */

/* Where the file system cannot rename without replacing, it is looked at before. */
static int rename_fresh(const char *partial, const char *path) {
  struct stat about;
  if (renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return errno;
  if (lstat(path, &about) == 0) return EEXIST;
  return rename(partial, path) == 0 ? 0 : errno;
}

/* A whole file that cannot have its name gets one that nobody takes for left: ".NAME.partial-HOST-PID" becomes
 * "NAME.whole-HOST-PID". */
static void keep_whole(const char *partial, char kept[STORE_PATH_MAX]) {
  char folder[STORE_PATH_MAX];
  const char *name = output_split(partial, folder), *word = strstr(name, ".partial-");
  const int stem = word ? (int)(word - name) - 1 : 0;
  snprintf(kept, STORE_PATH_MAX, "%.*s%.*s.whole-%s", (int)(name - partial), partial, stem, name + 1,
           word ? word + strlen(".partial-") : "");
  if (stem <= 0 || rename_fresh(partial, kept) != 0) snprintf(kept, STORE_PATH_MAX, "%s", partial);
}

/* The new name is on the disk when its folder is; not every file system can be asked for that. */
enum status output_rename(const char *partial, const char *path, bool fresh) {
  char folder[STORE_PATH_MAX], kept[STORE_PATH_MAX];
  output_split(path, folder);
  litter_drop(partial);
  const int code = fresh ? rename_fresh(partial, path) : rename(partial, path) == 0 ? 0 : errno;
  if (code) keep_whole(partial, kept);
  REQUIRE(
      code != EEXIST, STATUS_FILE,
      "%s: another program has made a file of this name meanwhile, which stays; what was to be written here is in %s",
      path, kept);
  if (code)
    return status_context(store_fail_errno(path, "rename to the final name", code), "what was written is in %s", kept);
  const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return STATUS_OK;
  const int sync = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  return sync == EIO || sync == ENOSPC ? store_fail_errno(path, "sync of its folder", sync) : STATUS_OK;
}
