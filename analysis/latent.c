#include "analysis/latent.h"

#include "base/elementary.h"
#include "base/finite.h"
#include "base/log.h"
#include "comm/reduce.h"
#include "train/hgn.h"
#include "train/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ---- The true phase space ---- */

/* Whether an angle of this rank's rollouts leaves half a turn to either side. */
static bool leaves_half_turn(const struct source *source, const struct latent *latent, int64_t freedom) {
  for (int64_t r = 0; r < latent->count; r++) {
    const double *states = source_states(source, SPLIT_TEST, latent->first + r);
    for (int64_t t = 0; t < source->data->frames; t++)
      for (int64_t i = 0; i < freedom; i++)
        if (fabs(states[t * 2 * freedom + i]) > PI) return true;
  }
  return false;
}

static void name_coordinate(struct latent_coordinate *coordinate, const struct system *system, const char *prefix,
                            int i, const char *unit) {
  static const char axes[] = "xy";
  coordinate->unit = unit;
  if (system->translates)
    snprintf(coordinate->name, LATENT_NAME_MAX, "%s%c%d", *prefix == 'p' ? "p" : "", axes[i % 2], i / 2);
  else if (system->freedom > 1)
    snprintf(coordinate->name, LATENT_NAME_MAX, "%s%d", prefix, i);
  else
    snprintf(coordinate->name, LATENT_NAME_MAX, "%s", prefix);
}

static void name_coordinates(const struct system *system, struct latent *latent) {
  int64_t n = 0;
  const char *length = system->angular ? "rad" : "m", *momentum = system->angular ? "kg m^2/s" : "kg m/s";
  for (int i = 0; i < system->freedom; i++) {
    if (latent->turns) name_coordinate(&latent->coordinate[n++], system, "sin q", i, NULL);
    name_coordinate(&latent->coordinate[n++], system, latent->turns ? "cos q" : "q", i, latent->turns ? NULL : length);
  }
  for (int i = 0; i < system->freedom; i++) name_coordinate(&latent->coordinate[n++], system, "p", i, momentum);
  latent->coordinates = n;
}

static void take_truth(const struct source *source, const struct protocol *protocol, int64_t r, struct latent *latent) {
  const struct experiment *experiment = source->experiment;
  const struct system *system = system_get(experiment->system.name);
  const double *states = source_states(source, SPLIT_TEST, latent->first + r);
  for (int64_t t = 0; t < latent->frames; t++) {
    const double *state = states + (protocol->target_first + t) * 2 * system->freedom;
    const struct energy energy = system->energy(&experiment->system, state);
    double *to = latent->truth + r * latent->frames + t;
    latent->joules[r * latent->frames + t] = energy.kinetic + energy.potential;
    for (int64_t i = 0; i < system->freedom; i++) {
      double sine, cosine;
      elementary_sincos(state[i], &sine, &cosine);
      *to = latent->turns ? sine : state[i];
      to += latent->rows;
      if (!latent->turns) continue;
      *to = cosine;
      to += latent->rows;
    }
    for (int64_t i = 0; i < system->freedom; i++, to += latent->rows) *to = state[system->freedom + i];
  }
}

/* ---- The latent space ---- */

/* Rows of a rollout from a path: those of frames at, at + toward, ... of the targets. */
static void take_path(const struct probe_path *path, int64_t r, int64_t at, int64_t toward, struct latent *latent) {
  const int64_t half = latent->values / 2;
  for (int64_t i = 0; i < path->frames; i++) {
    const int64_t row = r * latent->frames + at + toward * i;
    latent->energy[row] = path->energy[i];
    for (int64_t k = 0; k < half; k++) {
      latent->state[k * latent->rows + row] = (double)path->q[i * half + k];
      latent->state[(half + k) * latent->rows + row] = (double)path->p[i * half + k];
    }
  }
}

/* The path starts in the state at the anchor, which unrolling leaves as it is, so it serves both ways. */
static enum status take_rollout(struct probe *probe, struct source *source, int64_t r, struct probe_path *path,
                                struct latent *latent) {
  const struct learner *learner = &probe->trained->learner;
  const int64_t anchor = protocol_anchor(&learner->protocol), rollout = latent->first + r;
  TRY(probe_infer(probe, source, SPLIT_TEST, rollout, path));
  for (int way = 0; way < 2; way++) {
    path->frames = way == 0 ? latent->frames - anchor : anchor + 1;
    TRY(probe_unroll(probe, way == 0 ? learner->dt : -learner->dt, path));
    REQUIRE(!path->broken, STATUS_NUMERIC, "%s: %s of test rollout %lld is not finite", probe->trained->path,
            path->broken, (long long)rollout);
    take_path(path, r, anchor, way == 0 ? 1 : -1, latent);
  }
  if (source->experiment) take_truth(source, &learner->protocol, r, latent);
  return STATUS_OK;
}

static enum status take_all(const struct trained *trained, struct source *source, struct latent *latent) {
  struct probe probe;
  struct probe_path path = {.frames = 0};
  struct progress progress;
  int64_t done = 0;
  enum status status = probe_open(trained, &probe);
  if (status == STATUS_OK) status = probe_path_create(&probe, latent->frames, false, &path);
  progress_begin(&progress, "latent states", "rollouts", latent->count);
  for (int64_t r = 0; r < latent->count && status == STATUS_OK; r++) {
    status = take_rollout(&probe, source, r, &path, latent);
    if (status == STATUS_OK) progress_update(&progress, ++done);
  }
  progress_end(&progress, done);
  probe_path_free(&path);
  probe_close(&probe);
  return status;
}

static enum status allocate(const struct trained *trained, const struct source *source, struct latent *latent) {
  const struct experiment *experiment = source->experiment;
  struct arena arena = {.last = NULL};
  if (experiment) {
    const struct system *system = system_get(experiment->system.name);
    latent->freedom = system->freedom;
    latent->conserved = system->conserved;
    name_coordinates(system, latent);
    latent->truth = arena_array(&arena, latent->rows * latent->coordinates, sizeof(double));
    latent->joules = arena_array(&arena, latent->rows, sizeof(double));
  }
  latent->values = 2 * model_state_values(hgn_model(&trained->learner));
  latent->state = arena_array(&arena, latent->rows * latent->values, sizeof(double));
  latent->energy = arena_array(&arena, latent->rows, sizeof(double));
  latent->arena = arena;
  return arena_check(&arena, "the latent states of a rank's rollouts");
}

/* Collective. Loads this rank's rollouts, and whether any rank's angles turn around. */
static enum status load(struct source *source, struct latent *latent) {
  const struct system *system = source->experiment ? system_get(source->experiment->system.name) : NULL;
  enum status status = source_load(source, SPLIT_TEST, latent->first, latent->count);
  int64_t turns = status == STATUS_OK && system && system->angular && leaves_half_turn(source, latent, system->freedom);
  TRY(comm_agree(latent->comm, status));
  TRY(reduce_max(latent->comm, &turns, 1));
  latent->turns = turns > 0;
  return STATUS_OK;
}

enum status latent_collect(const struct comm *comm, const struct trained *trained, struct corpus *corpus,
                           int64_t rollouts, struct latent *latent) {
  const struct protocol *protocol = &trained->learner.protocol;
  const int64_t all = corpus->data.rollouts[SPLIT_TEST];
  *latent = (struct latent){.comm = comm, .frames = protocol->target_count};
  REQUIRE(trained->learner.kind == &learner_hgn, STATUS_UNAVAILABLE,
          "%s: is a model \"%s\", which has no latent state to analyse", trained->path, trained->learner.kind->name);
  latent->rollouts = rollouts > 0 && rollouts < all ? rollouts : all;
  REQUIRE(latent->rollouts >= comm->size, STATUS_USAGE,
          "%d ranks for %lld test rollouts: each rank needs one at least, so at most %lld ranks", comm->size,
          (long long)latent->rollouts, (long long)latent->rollouts);
  comm_share(latent->rollouts, comm->size, comm->rank, &latent->first, &latent->count);
  latent->rows = latent->count * latent->frames;
  const double dt = isnan(corpus->data.dt) ? trained->learner.dt : corpus->data.dt;
  latent->start = dt * (double)protocol->target_first;
  latent->dt = dt;
  TRY(load(&corpus->source, latent));
  enum status status = allocate(trained, &corpus->source, latent);
  if (status == STATUS_OK) status = take_all(trained, &corpus->source, latent);
  return comm_agree(comm, status);
}

void latent_free(struct latent *latent) { arena_free(&latent->arena); }
