#include "base/log.h"
#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "comm/reduce.h"
#include "config/config.h"
#include "physics/render.h"
#include "physics/rollout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is timed, all as in the reproduction: 30 frames of 32x32 RGB, dt .125 s. */
struct bench_case {
  const char *name, *yaml;
};

static const struct bench_case cases[] = {{"mass_spring", "system: {name: mass_spring, mass: .5, stiffness: 2}\n"
                                                          "initial: {radius: [.1, 1]}\n"
                                                          "data: {train: 1, test: 1, frames: 30, dt: .125, noise: .1}\n"
                                                          "render: {renderer: soft, world: 2, radius: .5}\n"},
                                          {"pendulum", "system: {name: pendulum, mass: .5, length: 1, gravity: 3}\n"
                                                       "initial: {radius: [1.3, 2.3]}\n"
                                                       "data: {train: 1, test: 1, frames: 30, dt: .125, noise: .1}\n"
                                                       "render: {renderer: soft, world: 2, radius: .5}\n"},
                                          {"two_body", "system: {name: two_body, mass: 1, gravity: 1}\n"
                                                       "initial: {radius: [.5, 1.5], velocity_noise: .1}\n"
                                                       "data: {train: 1, test: 1, frames: 30, dt: .125, noise: .05}\n"
                                                       "render: {renderer: soft, world: 3, radius: .55}\n"},
                                          {"three_body", "system: {name: three_body, mass: 1, gravity: 1}\n"
                                                         "initial: {radius: [.9, 1.2], velocity_noise: .1}\n"
                                                         "data: {train: 1, test: 1, frames: 30, dt: .125, noise: .2}\n"
                                                         "render: {renderer: soft, world: 3, radius: .25}\n"}};
enum {
  CASES = sizeof cases / sizeof cases[0],
  ROUNDS = 7,
  BATCHES = 25,
  BATCH = 16,
  ROLLOUTS = BATCHES * BATCH,
  SIDE = 32
};

struct bench_times {
  double states, soft, report2021; /* s a rollout: states alone; states, noise and frames */
};

static void render_batch(const struct experiment *experiment, struct renderer *renderer, uint64_t first,
                         const double *states, float *frames) {
  int coordinates = 2 * system_get(experiment->system.name)->freedom;
  for (int64_t i = 0; i < BATCH; i++) {
    for (int64_t f = 0; f < experiment->data.frames; f++) {
      int64_t frame = i * experiment->data.frames + f;
      double observed[SYSTEM_STATE_MAX];
      rollout_observe(experiment, RNG_NOISE, first + (uint64_t)i, f, states + frame * coordinates, observed);
      render_f32(renderer, observed, frames + (size_t)frame * renderer->values);
    }
  }
}

/* Simulates ROLLOUTS rollouts by batches, as training does, and with a renderer observes and renders them;
 * seconds for each. */
static enum status time_round(const struct experiment *experiment, struct renderer *renderer, double *states,
                              float *frames, double *seconds) {
  double began = log_clock();
  for (uint64_t i = 0; i < ROLLOUTS; i += BATCH) {
    TRY(rollout_simulate_many(experiment, i, BATCH, states, NULL));
    if (renderer) render_batch(experiment, renderer, i, states, frames);
  }
  *seconds = (log_clock() - began) / ROLLOUTS;
  return STATUS_OK;
}

static enum status time_kind(struct experiment *experiment, int renderer_kind, double *states, float *frames,
                             double *seconds) {
  struct renderer renderer = {0};
  if (renderer_kind >= 0) {
    experiment->render.renderer = (enum renderer_kind)renderer_kind;
    TRY(render_open(experiment, &renderer));
  }
  double round[ROUNDS];
  enum status status = STATUS_OK;
  for (int r = -1; r < ROUNDS && status == STATUS_OK; r++) { /* round -1 warms up */
    double second = 0;
    status = time_round(experiment, renderer_kind >= 0 ? &renderer : NULL, states, frames, &second);
    if (r >= 0) round[r] = second;
  }
  if (renderer_kind >= 0) render_close(&renderer);
  if (status == STATUS_OK) *seconds = bench_median(round, ROUNDS);
  return status;
}

static enum status time_case(const struct bench_case *bench, float *frames, struct bench_times *times) {
  struct config *config;
  TRY(config_parse(bench->name, bench->yaml, strlen(bench->yaml), NULL, 0, &config));
  struct experiment experiment = *config_experiment(config);
  config_destroy(&config);
  double *states = malloc((size_t)(BATCH * experiment.data.frames) * SYSTEM_STATE_MAX * sizeof *states);
  REQUIRE(states, STATUS_MEMORY, "out of memory for %d rollouts", BATCH);
  enum status status = time_kind(&experiment, -1, states, frames, &times->states);
  if (status == STATUS_OK) status = time_kind(&experiment, RENDERER_SOFT, states, frames, &times->soft);
  if (status == STATUS_OK) status = time_kind(&experiment, RENDERER_REPORT2021, states, frames, &times->report2021);
  free(states);
  return status;
}

/* Bytes a second that memset writes: the most that filling frames could reach. */
static double measure_fill(float *buffer, size_t bytes) {
  double round[ROUNDS];
  for (int r = 0; r < ROUNDS; r++) {
    double began = log_clock();
    memset(buffer, r, bytes);
    round[r] = log_clock() - began;
  }
  return (double)bytes / bench_median(round, ROUNDS);
}

/* Collective. The slowest rank's time counts. */
static enum status slowest(const struct comm *world, struct bench_times *times) {
  int64_t picoseconds[3] = {(int64_t)(1e12 * times->states), (int64_t)(1e12 * times->soft),
                            (int64_t)(1e12 * times->report2021)};
  TRY(reduce_max(world, picoseconds, 3));
  times->states = 1e-12 * (double)picoseconds[0];
  times->soft = 1e-12 * (double)picoseconds[1];
  times->report2021 = 1e-12 * (double)picoseconds[2];
  return STATUS_OK;
}

static enum status print_case(const struct bench_case *bench, const struct bench_times *times, double fill,
                              const char *peer) {
  const double bytes = 30.0 * SIDE * SIDE * 3 * sizeof(float);
  printf("%-12s %9.2f %10.0f  %9.2f %10.0f %6.2f %4.0f%%  %9.2f %10.0f", bench->name, 1e6 * times->states,
         1 / times->states, 1e6 * times->soft, 1 / times->soft, 1e-9 * bytes / times->soft,
         100 * bytes / times->soft / fill, 1e6 * times->report2021, 1 / times->report2021);
  bench_row("simulate: a rollout", "%s", bench->name);
  bench_number("states only [us]", 1e6 * times->states);
  bench_number("with soft frames [us]", 1e6 * times->soft);
  bench_number("frames [GB/s]", 1e-9 * bytes / times->soft);
  bench_number("with report2021 frames [us]", 1e6 * times->report2021);
  if (peer) {
    char arguments[64];
    double milliseconds[2]; /* states alone, and with frames */
    snprintf(arguments, sizeof arguments, "%s 30 20", bench->name);
    TRY(bench_read_peer(peer, arguments, 2, milliseconds, NULL));
    printf("  %8.2f %7.0fx %7.0fx", milliseconds[1], 1e-3 * milliseconds[0] / times->states,
           1e-3 * milliseconds[1] / times->report2021);
  }
  printf("\n");
  fflush(stdout);
  return STATUS_OK;
}

enum status bench_simulate(const struct comm *world, const struct bench_words *words) {
  const char *peer = words->peer;
  size_t bytes = (size_t)BATCH * 30 * SIDE * SIDE * 3 * sizeof(float);
  float *frames = malloc(bytes);
  enum status status = frames ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for %zu bytes", bytes);
  status = comm_agree(world, status);
  if (status == STATUS_OK) {
    memset(frames, 0, bytes);
    double fill = measure_fill(frames, bytes);
    if (world->rank == 0) {
      printf(
          "one rollout: 30 frames, 32x32 RGB f32; us and rollouts a second on one core, median of %d rounds, slowest "
          "of %d rank%s\nmemset writes %.1f GB/s here\n\n",
          ROUNDS, world->size, world->size == 1 ? "" : "s", 1e-9 * fill);
      bench_row("machine", "memset");
      bench_number("[GB/s]", 1e-9 * fill);
      printf("%-12s %20s  %33s  %20s%s\n", "", "states only", "with soft frames, GB/s, of memset", "report2021 frames",
             peer ? "   SciPy+OpenCV ms, slower by (states, frames)" : "");
    }
    for (int i = 0; i < CASES && status == STATUS_OK; i++) {
      struct bench_times times = {0};
      status = comm_agree(world, time_case(&cases[i], frames, &times));
      if (status == STATUS_OK) status = slowest(world, &times);
      if (status == STATUS_OK)
        status = comm_agree(world, world->rank == 0 ? print_case(&cases[i], &times, fill, peer) : STATUS_OK);
    }
  }
  free(frames);
  return status;
}
