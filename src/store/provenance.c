#include "store/provenance.h"

#include "base/build.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME_BYTES = MPI_MAX_PROCESSOR_NAME, TEXT_BYTES = 1 << 16 };

static int word_count;
static char **words;
static char kernels[256];
static struct provenance_job its_job;

void provenance_setup(int argc, char **argv) {
  word_count = argc;
  words = argv;
}

/* ---- texts ---- */

void provenance_kernels(const char *text) { snprintf(kernels, sizeof kernels, "%s", text); }

void provenance_set_job(const struct provenance_job *job) { its_job = *job; }

struct provenance_job provenance_job(void) {
  return its_job;
}

/* A text that grows up to its end and is cut there. */
struct text {
  char *data;
  size_t used, size;
};

static void add(struct text *text, const char *string) {
  while (*string != '\0' && text->used + 1 < text->size) text->data[text->used++] = *string++;
  text->data[text->used] = '\0';
}

/* A word as a shell would take it: quoted when it holds anything but the usual characters. */
static void add_word(struct text *text, const char *word) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (*word != '\0' && strspn(word, plain) == strlen(word)) {
    add(text, word);
    return;
  }
  add(text, "'");
  for (; *word != '\0'; ++word) {
    char one[2] = {*word, '\0'};
    add(text, *word == '\'' ? "'\\''" : one);
  }
  add(text, "'");
}

void provenance_write_word(const char *word, FILE *out) {
  char space[2 * STORE_PATH_MAX] = "";
  struct text text = {space, 0, sizeof space};
  add_word(&text, word);
  fputs(space, out);
}

static void add_command(struct text *text) {
  for (int i = 0; i < word_count; ++i) {
    if (i > 0) add(text, " ");
    add_word(text, words[i]);
  }
}

enum status provenance_command(char **command) {
  struct text text = {calloc(TEXT_BYTES, 1), 0, TEXT_BYTES};
  REQUIRE(text.data, STATUS_MEMORY, "no memory for the command line");
  add_command(&text);
  *command = text.data;
  return STATUS_OK;
}

static void describe_libraries(struct text *text) {
  unsigned major = 0, minor = 0, release = 0;
  char line[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  add(text, build_libraries());
  if (text->used > 0 && text->data[text->used - 1] != '\n') add(text, "\n");
  if (H5get_libversion(&major, &minor, &release) >= 0) {
    char version[64];
    snprintf(version, sizeof version, "HDF5 %u.%u.%u (loaded)\n", major, minor, release);
    add(text, version);
  }
  if (MPI_Get_library_version(line, &length) == MPI_SUCCESS) {
    line[strcspn(line, "\n")] = '\0';
    add(text, line);
    add(text, " (loaded)\n");
  }
}

static void describe_created(char text[32]) {
  time_t now = time(NULL);
  struct tm utc;
  if (!gmtime_r(&now, &utc) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) text[0] = '\0';
}

/* An array's first task is number 0, so its number is told only with the array's. */
static void describe_job(char text[160]) {
  const struct provenance_job *job = &its_job;
  text[0] = '\0';
  if (job->id == 0) return;
  int used = snprintf(text, 160, "SLURM_JOB_ID=%lld", (long long)job->id);
  if (job->array > 0)
    used += snprintf(text + used, 160 - (size_t)used, " SLURM_ARRAY_JOB_ID=%lld SLURM_ARRAY_TASK_ID=%lld",
                     (long long)job->array, (long long)job->task);
  (void)snprintf(text + used, 160 - (size_t)used, " SLURM_RESTART_COUNT=%lld", (long long)job->restarts);
}

static void find_cpu(char name[NAME_BYTES]) {
  char line[1024];
  snprintf(name, NAME_BYTES, "unknown");
  FILE *in = fopen("/proc/cpuinfo", "r");
  if (!in) return;
  while (fgets(line, sizeof line, in)) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !colon) continue;
    colon += 1 + strspn(colon + 1, " \t");
    snprintf(name, NAME_BYTES, "%.*s", (int)strcspn(colon, "\n"), colon);
    break;
  }
  fclose(in);
}

/* ---- the file ---- */

/* Collective. One line for each different name of the ranks, in order of first appearance, with the number of ranks if
 * `counted`. Only the root's text is filled. */
static enum status gather(const struct comm *comm, const char mine[NAME_BYTES], bool counted, struct text *text) {
  char *all = NULL;
  enum status status = STATUS_OK;
  if (comm->rank == 0 && !(all = malloc((size_t)comm->size * NAME_BYTES)))
    status = status_raise(STATUS_MEMORY, "no memory for the names of %d hosts", comm->size);
  status = comm_agree(comm, status);
  if (status == STATUS_OK)
    status =
        comm_agree(comm, comm_check(MPI_Gather(mine, NAME_BYTES, MPI_CHAR, all, NAME_BYTES, MPI_CHAR, 0, comm->mpi),
                                    "MPI_Gather"));
  for (int i = 0; status == STATUS_OK && comm->rank == 0 && i < comm->size; ++i) {
    char *name = all + (size_t)i * NAME_BYTES, count[32];
    if (name[0] == '\0') continue; /* counted with an earlier rank */
    int ranks = 1;
    for (int j = i + 1; j < comm->size; ++j) {
      char *other = all + (size_t)j * NAME_BYTES;
      if (strcmp(name, other) != 0) continue;
      ++ranks;
      other[0] = '\0';
    }
    add(text, name);
    snprintf(count, sizeof count, counted ? " %d\n" : "\n", ranks);
    add(text, count);
  }
  free(all);
  return status;
}

static enum status write_run(struct store_file *file, struct text *text) {
  const struct comm *comm = file->comm;
  char name[NAME_BYTES] = "", folder[STORE_PATH_MAX] = "unknown", created[32], job[160];
  int length = 0;
  add_command(text);
  utf8_repair(text->data); /* words and folders may hold any bytes; the file says that its texts are UTF-8 */
  TRY(store_text(file, "/provenance/command", text->data, 0));

  text->data[text->used = 0] = '\0';
  if (MPI_Get_processor_name(name, &length) != MPI_SUCCESS) snprintf(name, sizeof name, "unknown");
  TRY(gather(comm, name, true, text));
  TRY(store_text(file, "/provenance/hosts", text->data, 0));

  text->data[text->used = 0] = '\0';
  find_cpu(name);
  TRY(gather(comm, name, false, text));
  TRY(store_text(file, "/provenance/cpu", text->data, 0));

  int64_t ranks = comm->size;
  TRY(store_dataset(file, "/provenance/ranks", STORE_I64, 0, NULL, NULL, "MPI ranks that wrote the file"));
  TRY(store_write(file, "/provenance/ranks", 0, comm->rank == 0, &ranks));
  TRY(store_text(file, "/provenance/kernels", kernels, 0));
  describe_created(created);
  TRY(store_text(file, "/provenance/created", created, 0));
  if (!getcwd(folder, sizeof folder)) snprintf(folder, sizeof folder, "unknown");
  utf8_repair(folder);
  TRY(store_text(file, "/provenance/working_folder", folder, 0));
  describe_job(job);
  return store_text(file, "/provenance/job", job, 0);
}

static enum status write_build(struct store_file *file, struct text *text) {
  add(text, build_version());
  add(text, " ");
  add(text, build_git());
  TRY(store_text(file, "/provenance/hgn", text->data, 0));
  TRY(store_text(file, "/provenance/git_diff", build_git_diff(), 0));
  text->data[text->used = 0] = '\0';
  add(text, build_compiler());
  add(text, "; ");
  add(text, build_flags());
  add(text, "; ");
  add(text, build_type());
  add(text, "; ");
  add(text, build_system());
  TRY(store_text(file, "/provenance/build", text->data, 0));
  text->data[text->used = 0] = '\0';
  describe_libraries(text);
  TRY(store_text(file, "/provenance/libraries", text->data, 0));
  text->data[text->used = 0] = '\0';
  return STATUS_OK;
}

enum status provenance_write(struct store_file *file) {
  struct text text = {calloc(TEXT_BYTES, 1), 0, TEXT_BYTES};
  enum status status = text.data ? STATUS_OK : status_raise(STATUS_MEMORY, "%s: no memory for provenance", file->path);
  status = comm_agree(file->comm, status);
  if (status == STATUS_OK) status = store_group(file, "/provenance");
  if (status == STATUS_OK) status = write_build(file, &text);
  if (status == STATUS_OK) status = write_run(file, &text);
  free(text.data);
  return status;
}

void provenance_print(FILE *out) {
  char space[4096];
  struct text text = {space, 0, sizeof space};
  space[0] = '\0';
  describe_libraries(&text);
  fprintf(out, "git         %s\ncompiler    %s\nflags       %s\nbuild type  %s\nsystem      %s\n", build_git(),
          build_compiler(), build_flags(), build_type(), build_system());
  for (const char *line = space; *line != '\0';) {
    size_t length = strcspn(line, "\n");
    fprintf(out, "%s  %.*s\n", line == space ? "libraries " : "          ", (int)length, line);
    line += length + (line[length] == '\n');
  }
  if (*build_git_diff() != '\0') fprintf(out, "changes since that commit:\n%s", build_git_diff());
}
