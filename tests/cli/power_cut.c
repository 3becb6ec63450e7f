/* A preloaded library that cuts the power: the program is killed, and a folder is laid out as the worst of disks would
 * hold it. What a file holds after the cut is what it held when it was last synced, through any descriptor and by any
 * rank; a file that never was is empty. Names are the other way round: made, renamed or removed, they are on the disk
 * at once. So a name that is given before the contents are synced is a name of nothing.
 *
 *   POWER_FOLDER   the disk: files in this folder count, those below it do not
 *   POWER_SHADOW   where the contents at the last sync are kept, by device and inode, and the journal of what happened
 *                  ("events"); must not be there when the first program starts. What is on the disk then counts as
 *                  synced.
 *   POWER_AFTER    where the disk is laid out as it is after the cut; must not be there
 *   POWER_CUT      "name N": after the N-th rename or link; "event N": after the N-th of renames, links, syncs and
 *                  removals of what was once synced; "now": when a program starts, which then does nothing else. Not
 *                  set: no cut, only the journal.
 *   POWER_PAGES    a seed. Disks also write what nobody asked for: each page that was written since the last sync has
 *                  come to the disk or has not, and so has the file's length.
 *
 * The journal is locked while an operation is done and written down, so that the operations of several ranks have one
 * order. What syncs in other ways (sync(), syncfs(), O_SYNC, msync()) is not seen and counts as not synced.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, KEY_BYTES = 64, DEFECT = 99, LINE_BYTES = 2 * NAME_MAX + 32 };

static char folder[PATH_MAX]; /* empty: this process is none of ours */
static struct stat folder_about;
static const char *shadow, *after;
static long cut_at;
static bool cut_counts_all;

/* A tool that does not work must not look like a program that holds. */
static void give_up(const char *what, const char *name) {
  fprintf(stderr, "power_cut: %s: %s: %s\n", what, name, strerror(errno));
  _exit(DEFECT);
}

static void join(char path[PATH_MAX], const char *where, const char *name) {
  if (snprintf(path, PATH_MAX, "%s/%s", where, name) >= PATH_MAX) give_up("the name is too long", name);
}

/* The system's own, as the C library's are interposed below. */
static int true_rename(int from, const char *old, int to, const char *new, unsigned flags) {
  return (int)syscall(SYS_renameat2, from, old, to, new, flags);
}
static int true_link(int from, const char *old, int to, const char *new, int flags) {
  return (int)syscall(SYS_linkat, from, old, to, new, flags);
}
static int true_unlink(int at, const char *path, int flags) { return (int)syscall(SYS_unlinkat, at, path, flags); }

/* ---- Which files count ---- */

static bool same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Does `path` name something in the folder? */
static bool names_ours(int at, const char *path) {
  char parent[PATH_MAX];
  struct stat about;
  if (folder[0] == '\0') return false;
  const char *last = last_part(path);
  const int length = snprintf(parent, sizeof parent, "%.*s.", (int)(last - path), path);
  return length > 0 && length < PATH_MAX && fstatat(at, parent, &about, 0) == 0 && same_file(&about, &folder_about);
}

/* Is what is open a file in the folder? One without a name, as from O_TMPFILE, too. */
static bool is_ours(int descriptor, struct stat *about, char name[PATH_MAX]) {
  char link[64], path[PATH_MAX];
  if (folder[0] == '\0' || fstat(descriptor, about) != 0 || !S_ISREG(about->st_mode)) return false;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) give_up("readlink", link);
  path[length] = '\0';
  const char *last = last_part(path);
  memcpy(name, last, strlen(last) + 1);
  const size_t parent = (size_t)(last - path);
  return parent == strlen(folder) + 1 && strncmp(path, folder, parent - 1) == 0;
}

static void key_path(const struct stat *about, const char *ending, char path[PATH_MAX]) {
  char key[KEY_BYTES];
  snprintf(key, sizeof key, "%llx-%llu%s", (unsigned long long)about->st_dev, (unsigned long long)about->st_ino,
           ending);
  join(path, shadow, key);
}

/* ---- Contents ---- */

static void write_all(int to, const unsigned char *bytes, size_t count, off_t at) {
  while (count > 0) {
    const ssize_t done = pwrite(to, bytes, count, at);
    if (done <= 0) give_up("write", shadow);
    bytes += done;
    at += done;
    count -= (size_t)done;
  }
}

/* Up to a page; less at the end of the file. */
static size_t read_page(int from, unsigned char page[PAGE], off_t at) {
  size_t have = 0;
  while (have < PAGE) {
    const ssize_t got = pread(from, page + have, PAGE - have, at + (off_t)have);
    if (got < 0) give_up("read", shadow);
    if (got == 0) break;
    have += (size_t)got;
  }
  return have;
}

/* Whole or not at all: another rank may look at it. */
static void keep(int from, const struct stat *about) {
  char path[PATH_MAX], half[PATH_MAX];
  unsigned char page[PAGE];
  size_t got;
  key_path(about, "", path);
  key_path(about, ".half", half);
  const int to = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (to < 0) give_up("open", half);
  for (off_t at = 0; (got = read_page(from, page, at)) > 0; at += PAGE) write_all(to, page, got, at);
  if (close(to) != 0 || true_rename(AT_FDCWD, half, AT_FDCWD, path, 0) != 0) give_up("keep", path);
}

/* Closing any descriptor of a file drops the process's record locks on it. So what is open is read as it is, and where
 * it is open for writing only, the second descriptor stays open. */
static void keep_open_file(int descriptor, const struct stat *about) {
  char link[64];
  const int mode = fcntl(descriptor, F_GETFL);
  if (mode < 0) give_up("fcntl", shadow);
  if ((mode & O_ACCMODE) == O_WRONLY) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    descriptor = open(link, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) give_up("open", link);
  }
  keep(descriptor, about);
}

/* The inode is free with its last name, and its number may be another file's soon. */
static void forget(const struct stat *about) {
  char path[PATH_MAX];
  key_path(about, "", path);
  true_unlink(AT_FDCWD, path, 0);
}

static bool was_synced(const struct stat *about) {
  char path[PATH_MAX];
  key_path(about, "", path);
  return access(path, F_OK) == 0;
}

/* ---- The cut ---- */

/* A coin for each page of each file, the same whenever the program does the same. (SplitMix64's finalizer.) */
static bool coin(uint64_t seed, const char *name, uint64_t index) {
  uint64_t x = seed * UINT64_C(0x9E3779B97F4A7C15) + index;
  for (const char *c = name; *c; c++) x = (x ^ (unsigned char)*c) * UINT64_C(0x100000001B3);
  x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (x ^ (x >> 31)) & 1;
}

/* Some pages of `now` over those of `to`, which is as it was synced. */
static void mix(int to, int now, const char *name, uint64_t seed) {
  unsigned char page[PAGE];
  struct stat old, new;
  size_t got;
  if (fstat(to, &old) != 0 || fstat(now, &new) != 0) give_up("stat", name);
  for (off_t at = 0; (got = read_page(now, page, at)) > 0; at += PAGE)
    if (coin(seed, name, (uint64_t)(at / PAGE) + 1)) write_all(to, page, got, at);
  if (ftruncate(to, coin(seed, name, 0) ? new.st_size : old.st_size) != 0) give_up("truncate", name);
}

/* One file for each inode, which its names on the new disk share as they did on the old one. */
static void lay_file(const char *name, const struct stat *about, const char *path) {
  char kept[PATH_MAX], made[PATH_MAX], present[PATH_MAX];
  unsigned char page[PAGE];
  size_t got;
  const char *seed = getenv("POWER_PAGES");
  key_path(about, "", kept);
  key_path(about, ".cut", made);
  const int to = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (to < 0 && errno != EEXIST) give_up("open", made);
  if (to >= 0) {
    const int from = open(kept, O_RDONLY | O_CLOEXEC);
    for (off_t at = 0; from >= 0 && (got = read_page(from, page, at)) > 0; at += PAGE) write_all(to, page, got, at);
    if (from >= 0) close(from);
    if (seed) {
      join(present, folder, name);
      const int now = open(present, O_RDONLY | O_CLOEXEC);
      if (now < 0) give_up("open", present);
      mix(to, now, name, strtoull(seed, NULL, 10));
      close(now);
    }
    if (fchmod(to, about->st_mode & 07777) != 0 || close(to) != 0) give_up("lay out", made);
  }
  if (true_link(AT_FDCWD, made, AT_FDCWD, path, 0) != 0) give_up("lay out", path);
}

static void lay_link(const char *name, const char *path) {
  char from[PATH_MAX], target[PATH_MAX];
  join(from, folder, name);
  const ssize_t length = readlink(from, target, sizeof target - 1);
  if (length < 0) give_up("readlink", from);
  target[length] = '\0';
  if (symlink(target, path) != 0) give_up("symlink", path);
}

static void remove_made(void) {
  char path[PATH_MAX];
  const struct dirent *entry;
  DIR *all = opendir(shadow);
  if (!all) give_up("opendir", shadow);
  while ((entry = readdir(all))) {
    const size_t length = strlen(entry->d_name);
    if (length < 4 || strcmp(entry->d_name + length - 4, ".cut") != 0) continue;
    join(path, shadow, entry->d_name);
    true_unlink(AT_FDCWD, path, 0);
  }
  closedir(all);
}

static void lay_out(void) {
  char path[PATH_MAX];
  struct stat about;
  const struct dirent *entry;
  DIR *all = opendir(folder);
  if (!all) give_up("opendir", folder);
  if (!after || mkdir(after, 0777) != 0) give_up("mkdir", after ? after : "POWER_AFTER");
  while ((entry = readdir(all))) {
    if (fstatat(dirfd(all), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) give_up("stat", entry->d_name);
    join(path, after, entry->d_name);
    if (S_ISREG(about.st_mode)) lay_file(entry->d_name, &about, path);
    if (S_ISLNK(about.st_mode)) lay_link(entry->d_name, path);
  }
  closedir(all);
  remove_made();
}

/* ---- The journal ---- */

static int begin(void) {
  char path[PATH_MAX];
  join(path, shadow, "events");
  const int journal = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (journal < 0) give_up("open", path);
  while (flock(journal, LOCK_EX) != 0)
    if (errno != EINTR) give_up("lock", path);
  return journal;
}

/* Lines of the journal, or those of names only. */
static long count_lines(int journal) {
  unsigned char page[PAGE];
  size_t got;
  long count = 0;
  bool at_start = true;
  for (off_t at = 0; (got = read_page(journal, page, at)) > 0; at += PAGE)
    for (size_t i = 0; i < got; i++) {
      if (at_start && (cut_counts_all || page[i] == 'n')) count++;
      at_start = page[i] == '\n';
    }
  return count;
}

/* Lets go of the journal, unless this was the last thing to be done. */
static void end(int journal, const char *format, ...) {
  char line[LINE_BYTES];
  va_list values;
  va_start(values, format);
  const int length = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  if (length <= 0 || length >= LINE_BYTES || write(journal, line, (size_t)length) != length) give_up("write", line);
  if (cut_at > 0 && count_lines(journal) == cut_at) {
    lay_out();
    kill(getpid(), SIGKILL);
  }
  close(journal);
}

static void keep_what_is_there(void) {
  char path[PATH_MAX];
  struct stat about;
  const struct dirent *entry;
  DIR *all = opendir(folder);
  if (!all) give_up("opendir", folder);
  while ((entry = readdir(all))) {
    join(path, folder, entry->d_name);
    if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode)) continue;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) give_up("open", path);
    keep(descriptor, &about);
    close(descriptor);
  }
  closedir(all);
}

__attribute__((constructor)) static void start(void) {
  const char *where = getenv("POWER_FOLDER"), *cut = getenv("POWER_CUT");
  shadow = getenv("POWER_SHADOW");
  after = getenv("POWER_AFTER");
  if (!where || !shadow) return;
  if (!realpath(where, folder) || stat(folder, &folder_about) != 0) give_up("POWER_FOLDER", where);
  if (mkdir(shadow, 0777) == 0)
    keep_what_is_there();
  else if (errno != EEXIST)
    give_up("POWER_SHADOW", shadow);
  if (cut && strcmp(cut, "now") == 0) {
    lay_out();
    _exit(0);
  }
  cut_counts_all = cut && strncmp(cut, "event ", 6) == 0;
  if (cut_counts_all || (cut && strncmp(cut, "name ", 5) == 0)) cut_at = strtol(strchr(cut, ' '), NULL, 10);
  if (cut && cut_at <= 0) give_up("POWER_CUT", cut);
}

/* ---- What is interposed ---- */

static int sync_file(long call, int descriptor) {
  struct stat about;
  char name[PATH_MAX];
  if (!is_ours(descriptor, &about, name)) return (int)syscall(call, descriptor);
  const int journal = begin(), result = (int)syscall(call, descriptor), code = errno;
  if (result == 0) {
    keep_open_file(descriptor, &about);
    end(journal, "sync %s\n", name);
  } else {
    close(journal);
  }
  errno = code;
  return result;
}

int fsync(int descriptor) { return sync_file(SYS_fsync, descriptor); }
int fdatasync(int descriptor) { return sync_file(SYS_fdatasync, descriptor); }

int renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
  struct stat moved, victim;
  if (!names_ours(from, old) && !names_ours(to, new)) return true_rename(from, old, to, new, flags);
  const int journal = begin();
  const bool replaces = flags == 0 && fstatat(to, new, &victim, AT_SYMLINK_NOFOLLOW) == 0 && victim.st_nlink == 1 &&
                        fstatat(from, old, &moved, AT_SYMLINK_NOFOLLOW) == 0 && !same_file(&moved, &victim);
  const int result = true_rename(from, old, to, new, flags), code = errno;
  if (result == 0) {
    if (replaces) forget(&victim);
    end(journal, "name %s becomes %s\n", last_part(old), last_part(new));
  } else {
    close(journal);
  }
  errno = code;
  return result;
}

int renameat(int from, const char *old, int to, const char *new) { return renameat2(from, old, to, new, 0); }
int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }

int linkat(int from, const char *old, int to, const char *new, int flags) {
  if (!names_ours(to, new)) return true_link(from, old, to, new, flags);
  const int journal = begin(), result = true_link(from, old, to, new, flags), code = errno;
  if (result == 0)
    end(journal, "name %s is also %s\n", last_part(old), last_part(new));
  else
    close(journal);
  errno = code;
  return result;
}

int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

/* The end of a file that was never synced loses nothing and is no event. */
int unlinkat(int at, const char *path, int flags) {
  struct stat about;
  if ((flags & AT_REMOVEDIR) || !names_ours(at, path)) return true_unlink(at, path, flags);
  const int journal = begin();
  const bool there = fstatat(at, path, &about, AT_SYMLINK_NOFOLLOW) == 0 && was_synced(&about);
  const int result = true_unlink(at, path, flags), code = errno;
  if (result == 0 && there) {
    if (about.st_nlink == 1) forget(&about);
    end(journal, "gone %s\n", last_part(path));
  } else {
    close(journal);
  }
  errno = code;
  return result;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int remove(const char *path) {
  struct stat about;
  return lstat(path, &about) == 0 && S_ISDIR(about.st_mode) ? rmdir(path) : unlink(path);
}
