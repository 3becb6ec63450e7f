#include "cli/batch.h"

#include "base/log.h"
#include "base/stop.h"
#include "config/number.h"
#include "store/provenance.h"
#include "sweep/ledger.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sooner than this nobody's job ends: a number that small was meant to be from now. */
static const double long_ago = 1e9;

/* A whole number of the environment; `otherwise` where it is none. */
static int64_t number_of(const char *name, int64_t otherwise) {
  const char *text = getenv(name);
  char *end;
  if (!text || *text < '0' || *text > '9') return otherwise;
  errno = 0;
  const long long value = strtoll(text, &end, 10);
  return errno == 0 && *end == '\0' ? value : otherwise;
}

void batch_identify(void) {
  provenance_set_job(&(struct provenance_job){.id = number_of("SLURM_JOB_ID", 0),
                                              .array = number_of("SLURM_ARRAY_JOB_ID", 0),
                                              .task = number_of("SLURM_ARRAY_TASK_ID", 0),
                                              .restarts = number_of("SLURM_RESTART_COUNT", 0)});
}

/* A launcher inside of another counts, so that the words of mpirun come before those of SLURM. Of SLURM only the count
 * of the step: a batch script has SLURM_NTASKS too, and one process in it is right. */
void batch_find_launch(struct batch_launch *launch) {
  static const struct {
    const char *processes, *rank, *only_with;
  } launchers[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", NULL},
                   {"PMI_SIZE", "PMI_RANK", NULL},
                   {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_STEP_ID"}};
  *launch = (struct batch_launch){.name = NULL};
  for (size_t i = 0; i < sizeof launchers / sizeof launchers[0] && !launch->name; i++) {
    const int64_t processes = number_of(launchers[i].processes, 0), rank = number_of(launchers[i].rank, -1);
    if (processes < 1 || rank < 0 || (launchers[i].only_with && !getenv(launchers[i].only_with))) continue;
    *launch = (struct batch_launch){launchers[i].processes, processes, rank};
  }
}

bool batch_is_cut_off(const struct batch_launch *launch) {
#ifdef OPEN_MPI
  return launch->name && strcmp(launch->name, "SLURM_STEP_NUM_TASKS") == 0 && launch->processes > 1 &&
         !getenv("PMIX_NAMESPACE");
#else
  (void)launch;
  return false; /* SLURM's own libpmi needs no word in the environment */
#endif
}

enum status batch_check_launch(const struct batch_launch *launch, int64_t ranks) {
#ifdef OPEN_MPI
  static const char flag[] = "pmix";
#else
  static const char flag[] = "pmi2";
#endif
  if (!launch->name || launch->processes <= ranks) return STATUS_OK;
  return status_raise(
      STATUS_USAGE,
      "%lld processes were started (%s), but MPI has %lld rank%s: they do not find each other. Use srun "
      "--mpi=%s (srun --mpi=list shows what there is), or the mpirun of the MPI that hgn was built with. "
      "Processes that are meant to be alone: env -u %s hgn ...",
      (long long)launch->processes, launch->name, (long long)ranks, ranks == 1 ? "" : "s", flag, launch->name);
}

static enum status parse_deadline(const char *text, double *end) {
  const bool relative = text[0] == '+';
  double seconds = 0;
  *end = INFINITY;
  if (strcmp(text, "none") == 0) return STATUS_OK;
  const bool known = relative ? sweep_seconds(text + 1, &seconds)
                              : number_real(text, &seconds) == NUMBER_OK && seconds >= long_ago && seconds <= 1e12;
  REQUIRE(known, STATUS_USAGE,
          "--deadline \"%s\": expected a time from now, +90m, +2h or +300s, seconds since 1970, or none", text);
  *end = relative ? ledger_clock() + seconds : seconds;
  return STATUS_OK;
}

/* Root only. A scheduler's word that cannot be right is not taken for one. */
static double read_environment(void) {
  const char *text = getenv("SLURM_JOB_END_TIME");
  if (!text) return INFINITY;
  const int64_t end = number_of("SLURM_JOB_END_TIME", 0);
  if ((double)end >= long_ago && (double)end > ledger_clock()) return (double)end;
  if ((double)end >= long_ago) {
    log_warn("SLURM_JOB_END_TIME is past, so it is of another job, and is ignored: --deadline says when this one ends");
    return INFINITY;
  }
  log_warn("SLURM_JOB_END_TIME \"%.64s\" is no time, and is ignored: --deadline says when the job ends", text);
  return INFINITY;
}

enum status batch_read(const struct comm *world, struct batch *batch) {
  batch->end = INFINITY;
  TRY(stop_signal(batch->signal ? batch->signal : "USR1", &batch->number));
  if (batch->deadline)
    TRY(parse_deadline(batch->deadline, &batch->end));
  else if (world->rank == 0)
    batch->end = read_environment();
  return comm_broadcast(world, &batch->end, sizeof batch->end);
}

double batch_left(const struct batch *batch) { return batch->end - ledger_clock(); }
