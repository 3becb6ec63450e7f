/* A coordinator with more groups than there are ranks. The groups are events: a trial that is ordered ends so many
 * seconds later. What the coordinator itself does takes the time that it takes, its file and syncs included; only when
 * it rests the clock goes on without anyone waiting. So it is as busy, and its groups wait for it as long, as in a job
 * of that size. Messages pass through MPI, and it does both ends of each itself: more than it has to do there. */
#include "base/log.h"
#include "base/stop.h"
#include "cli/bench_rows.h"
#include "cli/bench_sweep.h"

#include <stdio.h>
#include <stdlib.h>

/* s: a coordinator's longest nap, whatever it would be here. What comes meanwhile is heard at its end. */
static const double rest_seconds = 2e-3;

/* The group's trial, and when it ends; of a free group when it has ended. */
struct imagined_group {
  int64_t trial;
  double ends;
};

struct imagined {
  struct crew *crew;
  const struct comm *self;      /* MPI_COMM_SELF */
  double duration;              /* s, of a trial on average */
  double rested;                /* s that nobody has waited for */
  double waited;                /* group-seconds: between the end of a trial and the order of the next */
  int64_t orders;               /* that came after a trial */
  struct imagined_group *group; /* [groups] */
  int *heap, working; /* [working] of [groups]: those that work, the one that ends first before its children */
};

/* From 0.8 to 1.2 times the duration, scattered by a multiplicative hash. */
static double duration_of(const struct imagined *imagined, int64_t trial) {
  const uint32_t hash = (uint32_t)trial * UINT32_C(2654435761);
  return imagined->duration * (0.8 + 0.4 * hash / 4294967296.0);
}

static double clock_imagined(struct crew *crew) {
  const struct imagined *imagined = crew->self;
  return log_clock() + imagined->rested;
}

/* ---- Which ends first ---- */

static bool before(const struct imagined *imagined, int a, int b) {
  return imagined->group[imagined->heap[a]].ends < imagined->group[imagined->heap[b]].ends;
}

static void swap(struct imagined *imagined, int a, int b) {
  const int group = imagined->heap[a];
  imagined->heap[a] = imagined->heap[b];
  imagined->heap[b] = group;
}

static void push(struct imagined *imagined, int group) {
  int at = imagined->working++;
  imagined->heap[at] = group;
  for (; at > 0 && before(imagined, at, (at - 1) / 2); at = (at - 1) / 2) swap(imagined, at, (at - 1) / 2);
}

static int pop(struct imagined *imagined) {
  const int first = imagined->heap[0];
  imagined->heap[0] = imagined->heap[--imagined->working];
  for (int at = 0, child; (child = 2 * at + 1) < imagined->working; at = child) {
    if (child + 1 < imagined->working && before(imagined, child + 1, child)) child += 1;
    if (!before(imagined, child, at)) break;
    swap(imagined, at, child);
  }
  return first;
}

/* ---- The crew ---- */

/* What a message costs on its way to the coordinator or from it. */
static enum status pass(const struct imagined *imagined, const void *data, void *copy, int bytes) {
  MPI_Comm mpi = imagined->self->mpi;
  MPI_Request request;
  int there = 0;
  TRY(comm_check(MPI_Isend(data, bytes, MPI_BYTE, 0, 1, mpi, &request), "MPI_Isend"));
  while (!there) TRY(comm_check(MPI_Iprobe(MPI_ANY_SOURCE, 1, mpi, &there, MPI_STATUS_IGNORE), "MPI_Iprobe"));
  TRY(comm_check(MPI_Recv(copy, bytes, MPI_BYTE, 0, 1, mpi, MPI_STATUS_IGNORE), "MPI_Recv"));
  return comm_check(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
}

static enum status say(struct imagined *imagined, int group, const struct message *message) {
  struct message heard;
  TRY(pass(imagined, message, &heard, sizeof heard));
  return imagined->crew->deliver(imagined->crew->coordinator, group, &heard);
}

static enum status order_imagined(struct crew *crew, int group, const struct order *order) {
  struct imagined *imagined = crew->self;
  struct imagined_group *g = &imagined->group[group];
  struct order heard;
  if (order->kind != ORDER_TRIAL) return STATUS_OK;
  TRY(pass(imagined, order, &heard, sizeof heard));
  const double now = clock_imagined(crew);
  if (g->ends > 0) {
    imagined->waited += now - g->ends;
    imagined->orders += 1;
  }
  *g = (struct imagined_group){heard.number, now + duration_of(imagined, heard.number)};
  push(imagined, group);
  return STATUS_OK;
}

/* A signal is not worth waiting for trials that nobody runs: they have ended, unfinished. */
static enum status control_imagined(struct crew *crew, int group, int64_t trial, enum control control) {
  (void)crew, (void)group, (void)trial, (void)control;
  return status_raise(STATUS_INTERRUPTED, "the benchmark was stopped");
}

static enum status end(struct imagined *imagined, int group) {
  const int64_t trial = imagined->group[group].trial;
  const double seconds = duration_of(imagined, trial);
  const struct message report = {.kind = MESSAGE_REPORT,
                                 .number = trial,
                                 .step = 1,
                                 .score = {1 / (1.0 + (double)trial)}},
                       ended = {.kind = MESSAGE_ENDED,
                                .number = trial,
                                .state = TRIAL_COMPLETE,
                                .step = 1,
                                .score = {report.score[0]},
                                .seconds = seconds,
                                .working = seconds};
  TRY(say(imagined, group, &report));
  return say(imagined, group, &ended);
}

static enum status poll_imagined(struct crew *crew, int64_t *count) {
  struct imagined *imagined = crew->self;
  const double now = clock_imagined(crew);
  for (*count = 0; imagined->working > 0 && imagined->group[imagined->heap[0]].ends <= now; *count += 2)
    TRY(end(imagined, pop(imagined)));
  return STATUS_OK;
}

static void rest_imagined(struct crew *crew) {
  struct imagined *imagined = crew->self;
  imagined->rested += rest_seconds;
}

/* ---- Measurements ---- */

struct measured {
  double wall, busy; /* s simulated; real, that the coordinator was at work */
  double wait;       /* s between a group's trials, on average */
  int64_t syncs;
};

static enum status run(struct bench_sweep *sweep, struct crew *crew, struct measured *measured) {
  const struct imagined *imagined = crew->self;
  struct coordinator_outcome outcome;
  const struct coordinator_setup setup = {.sweep = sweep->input.sweep,
                                          .ledger = &sweep->ledger,
                                          .crew = crew,
                                          .folder = sweep->input.folder,
                                          .inject = &(struct inject){.faults = 0},
                                          .stopped = stop_requested,
                                          .quiet = true};
  const int64_t syncs = sweep->ledger.syncs;
  const double began = log_clock();
  TRY(coordinator_run(&setup, &outcome));
  measured->busy = log_clock() - began;
  measured->wall = outcome.wall;
  measured->wait = imagined->orders > 0 ? imagined->waited / (double)imagined->orders : 0;
  measured->syncs = sweep->ledger.syncs - syncs;
  return bench_sweep_whole(&outcome);
}

static enum status measure(const char *folder, int groups, int64_t trials, double duration, struct measured *measured) {
  static const struct crew_kind kind = {order_imagined, control_imagined, poll_imagined, rest_imagined, clock_imagined};
  struct comm self;
  struct bench_sweep sweep;
  struct imagined imagined = {.self = &self, .duration = duration};
  struct crew crew = {.kind = &kind, .groups = groups, .ranks = 1, .first = 1, .self = &imagined};
  char name[64];
  imagined.crew = &crew;
  snprintf(name, sizeof name, "virtual-%d-%g", groups, duration);
  TRY(comm_open(MPI_COMM_SELF, &self));
  enum status status = bench_sweep_open_synthetic(&self, folder, name, trials, 0, &sweep);
  if (status == STATUS_OK) {
    imagined.group = calloc((size_t)groups, sizeof *imagined.group);
    imagined.heap = calloc((size_t)groups, sizeof *imagined.heap);
    status = imagined.group && imagined.heap ? run(&sweep, &crew, measured)
                                             : status_raise(STATUS_MEMORY, "out of memory for groups");
    bench_sweep_close(&sweep);
  }
  free(imagined.group);
  free(imagined.heap);
  comm_close(&self);
  return status;
}

static void print_row(int groups, int64_t trials, double duration, const struct measured *measured) {
  printf("%7d %8.3f s %8lld %9.0f/s %9.0f/s %8.1f us %9.1f%% %9.2f ms %8.2f%% %7lld\n", groups, duration,
         (long long)trials, groups / duration, (double)trials / measured->wall, 1e6 * measured->busy / (double)trials,
         100 * measured->busy / measured->wall, 1e3 * measured->wait, 100 * duration / (duration + measured->wait),
         (long long)measured->syncs);
  bench_row("sweep: imagined groups", "%d groups, trials of %.3g s", groups, duration);
  bench_number("[trials/s]", (double)trials / measured->wall);
  bench_number("each [us]", 1e6 * measured->busy / (double)trials);
  bench_number("groups busy [%]", 100 * duration / (duration + measured->wait));
  fflush(stdout);
}

/* What it can do at most: trials so short that groups always wait. Then trials that leave it time. */
static enum status measure_groups(const char *folder, int groups, double share) {
  static const double long_trial = 10, offered = 5e6 /* trials a second, more than it can give */;
  enum { ROUNDS = 10 };
  struct measured most, usual;
  const int64_t trials = (int64_t)(share * 100e3) > groups ? (int64_t)(share * 100e3) : groups,
                rounds = share * ROUNDS > 1 ? (int64_t)(share * ROUNDS) : 1;
  TRY(measure(folder, groups, trials, groups / offered, &most));
  print_row(groups, trials, groups / offered, &most);
  TRY(measure(folder, groups, groups * rounds, long_trial, &usual));
  print_row(groups, groups * rounds, long_trial, &usual);
  const double second = (double)trials / most.wall;
  printf(
      "        it saturates at %.0f trials/s: with trials of 60 s it keeps %.0f groups busy, with trials of 1 s %.0f\n",
      second, 60 * second, second);
  fflush(stdout);
  return STATUS_OK;
}

enum status bench_sweep_virtual(const char *folder, double share) {
  printf("\ngroups in simulated time, what the coordinator does in real time; trials of +-20%%; waits: of a group for "
         "its next trial\n%7s %10s %8s %11s %11s %11s %10s %12s %9s %7s\n",
         "groups", "trial", "trials", "asked for", "given", "each", "at work", "waits", "busy", "syncs");
  TRY(measure_groups(folder, 1000, share));
  return measure_groups(folder, 10000, share);
}
