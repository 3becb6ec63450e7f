/* A writer to be killed, watched or starved by the scripts of this folder.
 *
 *   writer slow FILE RECORDS MILLISECONDS [KILL]   records of 4 numbers, record r by rank r % size, one at a time;
 *                                                  with KILL the last rank kills itself instead of writing its record
 *                                                  number KILL, half-way
 *   writer large FILE ROWS[:IMAGES[:KIB]]...       for each word, ROWS rows of 1000 numbers; with IMAGES also so many
 *                                                  images of noise, compressed; with KIB on a disk filled up to these
 *   writer time FILE RECORDS                       prints the microseconds of one independent write
 *
 * Each rank prints "WORD rank R exit S" and its message. The exit status is 0:
 * mpirun takes a second to end a job otherwise.
 */
#include "store/dataset.h"
#include "store/provenance.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { COLUMNS = 4, IMAGE = 4096 };

static struct comm world;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static enum status start(const char *path, int64_t rows, int64_t columns, struct store_file *file) {
  const int64_t extent[2] = {rows, columns};
  TRY(store_create(&world, path, file));
  TRY(store_attribute_text(file, "format", "hgn-test"));
  TRY(store_dataset(file, "/metric/loss", STORE_F64, 2, extent, "1", "records"));
  TRY(store_dataset(file, "/metric/step", STORE_I64, 1, extent, NULL, NULL));
  TRY(store_text(file, "/metric/note", NULL, 16));
  return provenance_write(file);
}

static enum status write_record(struct store_file *file, int64_t record) {
  double values[COLUMNS];
  for (int i = 0; i < COLUMNS; ++i) values[i] = (double)(record * COLUMNS + i);
  TRY(store_write_independent(file, "/metric/loss", record, 1, values));
  return store_write_independent(file, "/metric/step", record, 1, &record);
}

static enum status run_slow(const char *path, int64_t records, long milliseconds, int64_t kill_at, bool quiet) {
  struct store_file file = {.id = 0};
  const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  enum status status = start(path, records, COLUMNS, &file);
  if (status == STATUS_OK) status = store_seal(&file);
  if (status == STATUS_OK && world.rank == 0 && !quiet) {
    printf("sealed %s\n", file.partial);
    fflush(stdout);
  }
  int64_t mine = 0;
  double begin = seconds();
  for (int64_t r = world.rank; r < records && status == STATUS_OK; r += world.size, ++mine) {
    if (world.rank == world.size - 1 && mine == kill_at) {
      const double half[COLUMNS] = {-1, -1, -1, -1};
      status = store_write_independent(&file, "/metric/loss", r, 1, half);
      raise(SIGKILL);
    }
    status = write_record(&file, r);
    if (milliseconds > 0) nanosleep(&pause, NULL);
  }
  double end = seconds();
  status = comm_agree(&world, status);
  if (status == STATUS_OK) status = store_write_text(&file, "/metric/note", "complete");
  if (status == STATUS_OK) status = store_commit(&file);
  if (quiet && world.rank == 0)
    printf("%.2f us for one record\n", 1e6 * (end - begin) / (2 * (double)(mine > 0 ? mine : 1)));
  store_close(&file);
  return status;
}

static enum status run_large(const char *path, int64_t rows, int64_t images) {
  struct store_file file = {.id = 0};
  const int64_t extent[2] = {images, IMAGE}, chunk[2] = {1, IMAGE};
  enum status status = start(path, rows, 1000, &file);
  if (status == STATUS_OK && images > 0)
    status = store_dataset_compressed(&file, "/frames", STORE_U8, 2, extent, chunk, NULL, NULL);
  if (status == STATUS_OK) status = store_seal(&file);
  int64_t first, count;
  comm_share(images, world.size, world.rank, &first, &count);
  unsigned char *noise = status == STATUS_OK ? calloc((size_t)count + 1, IMAGE) : NULL;
  uint64_t state = 1;
  for (int64_t i = 0; noise && i < count * IMAGE; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise[i] = (unsigned char)(state >> 56);
  }
  if (status == STATUS_OK && images > 0) {
    if (world.rank == 0) printf("structure made\n");
    status = store_write(&file, "/frames", first, count, noise);
  }
  free(noise);
  if (status == STATUS_OK) status = store_commit(&file);
  store_close(&file);
  return status;
}

/* Root only. Fills the file system of `path` up to `left` KiB. */
static void load(const char *path, long left) {
  char name[4096];
  struct statvfs disk;
  snprintf(name, sizeof name, "%s.ballast", path);
  FILE *out = fopen(name, "wb");
  if (!out || fstatvfs(fileno(out), &disk) != 0) return;
  long bytes = (long)(disk.f_bavail * disk.f_frsize) - left * 1024;
  if (bytes > 0 && posix_fallocate(fileno(out), 0, bytes) != 0) fprintf(stderr, "no ballast\n");
  fclose(out);
}

static enum status run_word(const char *path, const char *word) {
  char name[4096], *end;
  int64_t rows = strtoll(word, &end, 10), images = *end == ':' ? strtoll(end + 1, &end, 10) : 0;
  snprintf(name, sizeof name, "%s.ballast", path);
  if (*end == ':' && world.rank == 0) load(path, strtol(end + 1, NULL, 10));
  MPI_Barrier(world.mpi);
  enum status status = run_large(path, rows, images);
  if (*end == ':' && world.rank == 0) unlink(name);
  MPI_Barrier(world.mpi);
  return status;
}

static void report(const char *word, enum status status) {
  printf("%s rank %d exit %d %s\n", word, world.rank, status_exit(status), status ? status_message() : "");
  fflush(stdout);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  if (argc < 4 || comm_open(MPI_COMM_WORLD, &world) != STATUS_OK) return 1;
  provenance_setup(argc, argv);
  int64_t number = atoll(argv[3]);
  if (strcmp(argv[1], "slow") == 0)
    report("slow", run_slow(argv[2], number, argc > 4 ? atol(argv[4]) : 0, argc > 5 ? atoll(argv[5]) : -1, false));
  else if (strcmp(argv[1], "time") == 0)
    report("time", run_slow(argv[2], number, 0, -1, true));
  else
    for (int i = 3; i < argc; ++i) report(argv[i], run_word(argv[2], argv[i]));
  comm_close(&world);
  MPI_Finalize();
  return 0;
}
