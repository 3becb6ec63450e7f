/* Groups in this MPI job, and this process as the only group. */
#include "sweep/crew.h"

#include "base/log.h"
#include "comm/nap.h"

#include <stdlib.h>
#include <string.h>

enum { TAG_ORDER = 1, TAG_MESSAGE, TAG_CONTROL };

struct request {
  int64_t trial;
  enum control control;
};

int crew_groups(int size, int64_t ranks, int *left) {
  if (size == 1) {
    *left = 0;
    return 1;
  }
  const int groups = (int)((size - 1) / ranks);
  *left = size - 1 - groups * (int)ranks;
  return groups;
}

void crew_close(struct crew *crew) {
  free(crew->self);
  *crew = (struct crew){.kind = NULL};
}

static double real_clock(struct crew *crew) {
  (void)crew;
  return log_clock();
}

/* ---- Groups of the job ---- */

struct distant {
  const struct comm *channel;
  struct nap nap;
};

static int root_of(const struct crew *crew, int group) { return crew->first + group * crew->ranks; }

static enum status send(const struct comm *channel, int to, int tag, const void *data, size_t bytes) {
  return comm_check(MPI_Send(data, (int)bytes, MPI_BYTE, to, tag, channel->mpi), "MPI_Send");
}

static enum status order_distant(struct crew *crew, int group, const struct order *order) {
  const struct distant *distant = crew->self;
  return send(distant->channel, root_of(crew, group), TAG_ORDER, order, sizeof *order);
}

static enum status control_distant(struct crew *crew, int group, int64_t trial, enum control control) {
  const struct distant *distant = crew->self;
  const struct request request = {trial, control};
  return send(distant->channel, root_of(crew, group), TAG_CONTROL, &request, sizeof request);
}

static enum status poll_distant(struct crew *crew, int64_t *count) {
  struct distant *distant = crew->self;
  MPI_Comm mpi = distant->channel->mpi;
  for (*count = 0;; ++*count) {
    struct message message;
    MPI_Status about;
    int there = 0;
    TRY(comm_check(MPI_Iprobe(MPI_ANY_SOURCE, TAG_MESSAGE, mpi, &there, &about), "MPI_Iprobe"));
    if (!there) break;
    TRY(comm_check(
        MPI_Recv(&message, (int)sizeof message, MPI_BYTE, about.MPI_SOURCE, TAG_MESSAGE, mpi, MPI_STATUS_IGNORE),
        "MPI_Recv"));
    TRY(crew->deliver(crew->coordinator, (about.MPI_SOURCE - crew->first) / crew->ranks, &message));
  }
  if (*count > 0) nap_end(&distant->nap);
  return STATUS_OK;
}

static void rest_distant(struct crew *crew) {
  struct distant *distant = crew->self;
  nap_take(&distant->nap);
}

enum status crew_split(const struct comm *world, int64_t ranks, struct comm *group, struct comm *channel) {
  int left;
  const int groups = crew_groups(world->size, ranks, &left), place = world->rank - 1;
  *group = *channel = (struct comm){.mpi = MPI_COMM_NULL};
  TRY(comm_agree(world, comm_open(world->mpi, channel)));
  const bool works = place >= 0 && place < groups * ranks;
  return comm_split(world, works ? place / (int)ranks : -1, group);
}

enum status crew_open_mpi(const struct comm *channel, int64_t ranks, struct crew *crew) {
  static const struct crew_kind kind = {order_distant, control_distant, poll_distant, rest_distant, real_clock};
  struct distant *distant = calloc(1, sizeof *distant);
  int left;
  REQUIRE(distant, STATUS_MEMORY, "out of memory for groups");
  distant->channel = channel;
  *crew = (struct crew){.kind = &kind, .ranks = (int)ranks, .first = 1, .self = distant};
  crew->groups = crew_groups(channel->size, ranks, &left);
  return STATUS_OK;
}

/* ---- The other side ---- */

static enum status emit_distant(void *context, const struct message *message) {
  const struct comm *channel = context;
  return send(channel, 0, TAG_MESSAGE, message, sizeof *message);
}

/* What was asked of an earlier trial, which had ended meanwhile, is passed over. */
static enum control asked_distant(void *context, int64_t trial) {
  const struct comm *channel = context;
  enum control control = CONTROL_NONE;
  for (int there = 1; there;) {
    struct request request;
    if (MPI_Iprobe(0, TAG_CONTROL, channel->mpi, &there, MPI_STATUS_IGNORE) != MPI_SUCCESS || !there) break;
    if (MPI_Recv(&request, (int)sizeof request, MPI_BYTE, 0, TAG_CONTROL, channel->mpi, MPI_STATUS_IGNORE) !=
        MPI_SUCCESS)
      break;
    if (request.trial == trial) control = request.control;
  }
  return control;
}

static enum status wait_order(const struct comm *channel, struct order *order) {
  struct nap nap = {.since = 0};
  int there = 0;
  while (!there) {
    TRY(comm_check(MPI_Iprobe(0, TAG_ORDER, channel->mpi, &there, MPI_STATUS_IGNORE), "MPI_Iprobe"));
    if (!there) nap_take(&nap);
  }
  return comm_check(MPI_Recv(order, (int)sizeof *order, MPI_BYTE, 0, TAG_ORDER, channel->mpi, MPI_STATUS_IGNORE),
                    "MPI_Recv");
}

enum status crew_serve(const struct comm *channel, struct worker *worker) {
  worker->link = (struct worker_link){(void *)(uintptr_t)channel, emit_distant, asked_distant};
  for (;;) {
    struct order order = {.kind = ORDER_QUIT};
    if (worker->group->rank == 0) TRY(wait_order(channel, &order));
    TRY(comm_broadcast_late(worker->group, &order, (int)sizeof order));
    if (order.kind == ORDER_QUIT) break;
    TRY(worker_run(worker, &order));
  }
  if (worker->group->rank == 0) (void)asked_distant((void *)(uintptr_t)channel, -1);
  return STATUS_OK;
}

/* ---- This process ---- */

struct local {
  struct crew *crew;
  struct worker *worker;
  struct order order;
  bool waiting; /* there is an order */
  struct request request;
};

static enum status order_local(struct crew *crew, int group, const struct order *order) {
  struct local *local = crew->self;
  (void)group;
  local->order = *order;
  local->waiting = true;
  return STATUS_OK;
}

static enum status control_local(struct crew *crew, int group, int64_t trial, enum control control) {
  struct local *local = crew->self;
  (void)group;
  local->request = (struct request){trial, control};
  return STATUS_OK;
}

/* The coordinator's lines are not the trial's. */
static void speak_as_trial(const struct local *local) {
  char prefix[LOG_PREFIX_MAX];
  snprintf(prefix, sizeof prefix, "trial %lld: ", (long long)local->order.place.trial);
  log_scope(prefix, log_shows(LOG_VERBOSE));
}

static enum status emit_local(void *context, const struct message *message) {
  struct local *local = context;
  struct crew *crew = local->crew;
  log_scope(NULL, true);
  const enum status status = crew->deliver(crew->coordinator, 0, message);
  if (message->kind == MESSAGE_BEGAN || message->kind == MESSAGE_REPORT) speak_as_trial(local);
  return status;
}

static enum control asked_local(void *context, int64_t trial) {
  struct local *local = context;
  struct crew *crew = local->crew;
  log_scope(NULL, true);
  (void)crew->tick(crew->coordinator); /* keeps its failure, which the next message meets */
  speak_as_trial(local);
  return local->request.trial == trial ? local->request.control : CONTROL_NONE;
}

static enum status poll_local(struct crew *crew, int64_t *count) {
  struct local *local = crew->self;
  *count = local->waiting ? 1 : 0;
  if (!local->waiting) return STATUS_OK;
  local->waiting = false;
  return worker_run(local->worker, &local->order);
}

static void rest_local(struct crew *crew) {
  struct nap nap = {.since = log_clock() - 1e-3};
  (void)crew;
  nap_take(&nap);
}

enum status crew_open_local(struct worker *worker, struct crew *crew) {
  static const struct crew_kind kind = {order_local, control_local, poll_local, rest_local, real_clock};
  struct local *local = calloc(1, sizeof *local);
  REQUIRE(local, STATUS_MEMORY, "out of memory for a group");
  *crew = (struct crew){.kind = &kind, .groups = 1, .ranks = 1, .self = local};
  *local = (struct local){.crew = crew, .worker = worker, .request = {-1, CONTROL_NONE}};
  worker->link = (struct worker_link){local, emit_local, asked_local};
  return STATUS_OK;
}
