/* hgn: a subcommand for each job (commands.h). The only file that ends the process. */
#include "base/build.h"
#include "base/log.h"
#include "cli/batch.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/process.h"
#include "config/nearest.h"
#include "graph/cpu.h"
#include "store/provenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_help(FILE *out) {
  fputs("hgn: a distributed experiment harness for Hamiltonian Generative Networks\n\n"
        "Usage: hgn [-q | -v] [--cpu LEVEL] COMMAND [WORDS]\n"
        "       mpirun -n N hgn COMMAND [WORDS]\n\n"
        "Commands:\n",
        out);
  for (int i = 0; commands[i]; i++) fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
  fputs("\nOptions, before the command or after it:\n"
        "  -q, --quiet     only warnings, errors and results\n"
        "  -v, --verbose   more about what happens\n\n"
        "Options before the command:\n"
        "  --cpu LEVEL     instruction set of all kernels: base, avx2 or avx512 (the best there is; the bits are the "
        "same)\n"
        "  --version       the version; with -v also compiler, flags, libraries and state of the source\n"
        "  --help          this page; hgn COMMAND --help for one command\n\n"
        "Exit status: 0 success, 1 what was compared differs, 2 wrong usage or configuration, 3 a file is missing, "
        "damaged or cannot be written,\n"
        "4 not available, 5 numerical failure, 6 stopped with nothing lost: start it again, 70 to 72 defect, memory, "
        "MPI.\n",
        out);
}

struct global_options {
  bool help, version;
  enum log_level level;
  const char *cpu; /* NULL: not given */
  int command;     /* index of the command's word in argv, or argc */
};

static enum status raise_unknown_option(const char *word) {
  static const char *const names[] = {"quiet", "verbose", "version", "help", "cpu"};
  const char *meant = strlen(word) > 2 ? nearest_word(word + strspn(word, "-"), names, 5) : NULL;
  REQUIRE(!meant, STATUS_USAGE, "unknown option \"%s\" before the command; did you mean \"--%s\"? (see hgn --help)",
          word, meant);
  return status_raise(STATUS_USAGE, "unknown option \"%s\" before the command (see hgn --help)", word);
}

static enum status parse_global(int argc, char **argv, struct global_options *global) {
  *global = (struct global_options){.level = LOG_NORMAL, .command = argc};
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    if (cli_level(word, &global->level)) continue;
    if (strcmp(word, "--cpu") == 0) {
      REQUIRE(i + 1 < argc, STATUS_USAGE, "--cpu needs a level: base, avx2 or avx512");
      global->cpu = argv[++i];
    } else if (strncmp(word, "--cpu=", 6) == 0) {
      global->cpu = word + 6;
    } else if (strcmp(word, "--version") == 0) {
      global->version = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
      global->help = true;
    } else {
      if (word[0] == '-') return raise_unknown_option(word);
      global->command = i;
      return STATUS_OK;
    }
  }
  return STATUS_OK;
}

static const struct cli_command *find_command(const char *name) {
  for (int i = 0; commands[i]; i++)
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  return NULL;
}

static enum status raise_unknown_command(const char *word) {
  const char *names[COMMANDS_MAX];
  int count = 0;
  for (; commands[count]; count++) names[count] = commands[count]->name;
  const char *meant = nearest_word(word, names, count);
  REQUIRE(!meant, STATUS_USAGE, "unknown command \"%s\"; did you mean \"%s\"? (see hgn --help)", word, meant);
  return status_raise(STATUS_USAGE, "unknown command \"%s\" (see hgn --help)", word);
}

static enum status force_cpu(const char *text) {
  enum cpu_level level;
  TRY(cpu_level_parse(text, &level));
  cpu_level_set(level);
  return STATUS_OK;
}

/* The one fatal exit: something is wrong with MPI itself, so ranks can no longer agree to leave together. */
static _Noreturn void die(enum status status) {
  log_any("fatal: %s: %s", status_text(status), status_message());
  fflush(NULL);
  MPI_Abort(MPI_COMM_WORLD, status_exit(status));
  abort();
}

/* Where processes do not find each other, each is rank 0 of its own: the launcher's first speaks for all. */
static enum status check_launch(const struct batch_launch *launch, struct comm *world) {
  const enum status status = batch_check_launch(launch, world->size);
  if (status != STATUS_OK && launch->rank > 0) log_setup(LOG_QUIET, world->rank, false);
  return status;
}

static enum status run_command(const struct cli_command *command, const struct batch_launch *launch,
                               enum log_level level, int argc, char **argv) {
  struct comm world;
  enum status status = comm_open(MPI_COMM_WORLD, &world);
  if (status != STATUS_OK) die(status);
  log_setup(level, world.rank, world.rank == 0);
  status = comm_agree(&world, check_launch(launch, &world));
  if (status == STATUS_OK) status = comm_agree(&world, command->run(&world, argc, argv));
  if (status == STATUS_MPI) die(status);
  if (status == STATUS_OK) status = process_flush();
  (void)fflush(stdout); /* before what went wrong */
  const char *message = status_message()[0] ? status_message() : status_text(status);
  if (status == STATUS_INTERRUPTED)
    log_warn("%s", message);
  else if (status != STATUS_OK && status != STATUS_DIFFERENT) /* which the command has told */
    log_error("%s", message);
  comm_close(&world);
  return status;
}

/* Before MPI is there: whether this is the rank that speaks, as launchers tell. */
static bool speaks(void) {
  static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
  for (size_t i = 0; i < sizeof ranks / sizeof ranks[0]; i++) {
    const char *rank = getenv(ranks[i]);
    if (rank) return strcmp(rank, "0") == 0;
  }
  struct batch_launch launch;
  batch_find_launch(&launch);
  return !launch.name || launch.rank == 0;
}

static int leave_early(enum status status) {
  if (status == STATUS_OK) status = process_flush();
  if (status != STATUS_OK && speaks() && status_message()[0]) log_error("%s", status_message());
  return status_exit(status);
}

int main(int argc, char **argv) {
  struct global_options global;
  const enum status begun = process_begin();
  if (begun != STATUS_OK) return leave_early(begun);
  provenance_setup(argc, argv);
  batch_identify();
  if (parse_global(argc, argv, &global) != STATUS_OK) return leave_early(STATUS_USAGE);
  if (global.version) {
    if (speaks()) printf("hgn %s (%s)\n", build_version(), build_git());
    if (speaks() && global.level == LOG_VERBOSE) provenance_print(stdout);
    return leave_early(STATUS_OK);
  }
  if (global.help || global.command == argc) {
    if (speaks()) print_help(global.help ? stdout : stderr);
    return leave_early(global.help ? STATUS_OK : STATUS_USAGE);
  }

  int words = argc - global.command;
  char **word = argv + global.command;
  const char *program = commands_program(words, word);
  if (program) return leave_early(process_become(program, argv));
  const struct cli_command *command = find_command(word[0]);
  if (!command) return leave_early(raise_unknown_command(word[0]));
  for (int i = 1; i < words; i++) {
    if (strcmp(word[i], "--help") == 0 || strcmp(word[i], "-h") == 0) {
      if (speaks()) fputs(command->help, stdout);
      return leave_early(STATUS_OK);
    }
  }

  enum status forced = global.cpu ? force_cpu(global.cpu) : STATUS_OK;
  if (forced != STATUS_OK) return leave_early(forced);
  struct batch_launch launch;
  batch_find_launch(&launch);
  if (batch_is_cut_off(&launch)) return leave_early(batch_check_launch(&launch, 1));
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS) {
    fprintf(stderr, "hgn: error: MPI_Init failed\n");
    return status_exit(STATUS_MPI);
  }
  process_guard_reading();
  enum status status = run_command(command, &launch, global.level, words, word);
  MPI_Finalize();
  return status_exit(status);
}
