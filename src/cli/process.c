#define _GNU_SOURCE /* fopencookie() */
#include "cli/process.h"

#include "base/litter.h"
#include "base/log.h"
#include "base/stop.h"
#include "store/file.h"
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
  ROOM = 64 << 20,        /* bytes of address space that MPI and HDF5 take to begin */
  ROOM_LINEAR = 256 << 20 /* and OpenBLAS, by thread */
};

/* open() gives out the smallest number that is free, so one after the other they get their own. */
static enum status fill_descriptors(void) {
  for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
    REQUIRE(fcntl(i, F_GETFD) >= 0 || errno != EBADF || open("/dev/null", O_RDWR) == i, STATUS_FILE,
            "/dev/null cannot be opened in the place of a closed standard descriptor: %s", strerror(errno));
  return STATUS_OK;
}

/* Open MPI's component sharedfp/lockedfile writes the file's whole name into 256 bytes, whatever its length. Shared
 * file pointers are what it is for, which HDF5 does not use. */
static enum status advise_mpi(void) {
  REQUIRE(setenv("OMPI_MCA_sharedfp", "^lockedfile", 0) == 0, STATUS_MEMORY, "no memory for the environment");
  return STATUS_OK;
}

/* Libraries that meet a limit crash, each in its own way; here it can still be said. */
static enum status check_room(size_t bytes, const char *takers) {
  void *room = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(room != MAP_FAILED, STATUS_MEMORY,
          "less than %zu MiB of address space are left to begin with (ulimit -v): %s take as much", bytes >> 20,
          takers);
  munmap(room, bytes);
  return STATUS_OK;
}

enum status process_beside(const char *program, char *path, size_t size) {
  const ssize_t length = readlink("/proc/self/exe", path, size - 1);
  REQUIRE(length > 0, STATUS_UNAVAILABLE, "where this program is cannot be found out: %s", strerror(errno));
  path[length] = '\0';
  char *name = strrchr(path, '/') + 1;
  REQUIRE((size_t)(name - path) + strlen(program) < size, STATUS_UNAVAILABLE, "the path of %s is too long", program);
  memcpy(name, program, strlen(program) + 1);
  return STATUS_OK;
}

enum status process_become(const char *program, char **argv) {
  char path[STORE_PATH_MAX];
  TRY(process_beside(program, path, sizeof path));
  TRY(check_room(ROOM_LINEAR, "MPI, HDF5 and OpenBLAS"));
  REQUIRE(setenv("OPENBLAS_NUM_THREADS", "1", 1) == 0, STATUS_MEMORY, "no memory for the environment");
  (void)execv(path, argv);
  return status_raise(STATUS_UNAVAILABLE, "%s, which runs this command, cannot be started: %s", path, strerror(errno));
}

/* ---- Crashes ---- */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
enum { CRASHES = sizeof crashes / sizeof *crashes };
static struct sigaction others[CRASHES]; /* MPI's, which print where it was */

static void say(const char *text) {
  char plain[LOG_PLAIN_MOST * STORE_PATH_MAX];
  const size_t bytes = strlen(text), most = sizeof plain / LOG_PLAIN_MOST;
  const ssize_t done = write(STDERR_FILENO, plain, log_plain(text, bytes < most ? bytes : most, plain));
  (void)done;
}

/* HDF5 1.10 crashes on some files that somebody has made for it. Nothing can go on from there. Elsewhere a fault comes
 * again when this returns, to whom it belonged; a signal that was sent does not. */
static void tell_crash(int number, siginfo_t *about, void *context) {
  (void)context;
  const char *path = reader_busy();
  for (int i = 0; i < CRASHES; i++)
    if (crashes[i] == number) sigaction(number, &others[i], NULL);
  litter_remove();
  if (path) {
    say("hgn: error: ");
    say(path);
    say(": HDF5 crashes when it reads this file: it is damaged, or made to do that\n");
    _exit(status_exit(STATUS_FILE));
  }
  if (about->si_code <= 0) (void)raise(number);
}

void process_guard_reading(void) {
  static char stack[1 << 16];
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_sigaction = tell_crash, .sa_flags = SA_ONSTACK | SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  (void)sigaltstack(&alternate, NULL);
  for (int i = 0; i < CRASHES; i++) sigaction(crashes[i], &action, &others[i]);
}

/* ---- Standard output ---- */

enum { PIECE = 4096, HIGH = 0xc2 /* the first byte of a control character of two, log.c */ };

static bool high_waits;

static bool write_all(const char *bytes, size_t count) {
  while (count > 0) {
    const ssize_t done = write(STDOUT_FILENO, bytes, count);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return false;
    bytes += done;
    count -= (size_t)done;
  }
  return true;
}

/* The first byte of two waits for the next call when it comes last. */
static ssize_t write_plain(void *cookie, const char *bytes, size_t count) {
  char text[PIECE + 1], plain[LOG_PLAIN_MOST * sizeof text];
  (void)cookie;
  for (size_t i = 0; i < count; i += PIECE) {
    size_t used = 0;
    if (high_waits) text[used++] = (char)HIGH;
    const size_t now = count - i < PIECE ? count - i : PIECE;
    memcpy(text + used, bytes + i, now);
    used += now;
    high_waits = (unsigned char)text[used - 1] == HIGH;
    if (!write_all(plain, log_plain(text, high_waits ? used - 1 : used, plain))) return 0;
  }
  return (ssize_t)count;
}

/* Names, configurations and provenance come out of files that others may have made: nothing of them reaches a terminal
 * as a command, whoever prints it. Where the C library cannot replace the stream, texts are printed as they are. */
static enum status open_output(void) {
#ifdef __GLIBC__
  FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_plain});
  REQUIRE(stream, STATUS_MEMORY, "no memory for standard output");
  if (isatty(STDOUT_FILENO)) (void)setvbuf(stream, NULL, _IOLBF, BUFSIZ);
  stdout = stream;
#endif
  return STATUS_OK;
}

enum status process_flush(void) {
  REQUIRE(fflush(stdout) == 0 && !ferror(stdout), STATUS_FILE, "standard output cannot be written");
  return STATUS_OK;
}

enum status process_begin(void) {
  TRY(fill_descriptors());
  TRY(open_output());
  TRY(check_room(ROOM, "MPI and HDF5"));
  stop_tidy();
  return advise_mpi();
}
