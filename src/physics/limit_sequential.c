/* The limit by particles, second part: the posterior of one rollout by sequential Monte Carlo (Del Moral, Doucet,
 * Jasra, J. R. Stat. Soc. B 68 (2006) 411). limit_private.h has the contract.
 *
 * Particles are points of the unit cube of the uniforms that an initial state is made of, on which the prior is
 * uniform. They are led from the prior to the posterior through the densities
 *   pi_(c, phi)(u) ~ prod_{k < c} p(y_k | u) p(y_c | u)^phi,   c = 0..K-1, phi from 0 to 1:
 * frames come in one after the other, so that early stages need but the beginning of a trajectory, and each of them by
 * tempering. A stage is
 *
 *   weights     exp(-dphi nll_c), the step dphi as large as lets STAGE_SHARE of the particles be effective
 *   resampling  systematic
 *   moves       passes of Metropolis steps over all particles, until they have forgotten where they were
 *
 * A Metropolis step proposes one of three: a step of a random walk, whose covariance is that of the particles and whose
 * size follows the rate of acceptance; a draw from a normal distribution, somewhat wider than the particles, wherever
 * the particle is (accepted by the ratio of weights, pi / normal); or a new value of the number of which only a
 * threshold matters, the sense of rotation. Each side of that threshold has a normal distribution of its own, so that
 * draws lead from one side to where the other is likely. Directions have period 1; whatever leaves the cube otherwise
 * is rejected, since reflecting a step of correlated coordinates would not keep the balance.
 *
 * How good the particles are is told by V, the variance of a mean over the N particles relative to that over N
 * independent draws. Weights of effective sample size N / r make r V of V, and resampling adds at most r - 1. Moves
 * after which a coordinate has correlation rho with what it was keep rho^2 of what V has above 1. So
 *   V -> 1 + rho^2 (r V + r - 2),
 * with the largest rho of all coordinates of the initial state, and the effective sample size is N / V.
 */
#include "base/elementary.h"
#include "physics/limit_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STAGE_SHARE 0.5      /* of the particles: the effective sample size of a stage's weights */
#define STAGE_RHO 0.5        /* correlation with the places before the moves that is good enough on the way */
#define WALK_ACCEPTANCE 0.25 /* the rate that the random walk's size is adapted to */
#define WALK_SMALL 0.3       /* every second step of the walk is that much smaller */
#define NORMAL_WIDTH 1.2     /* of the normal proposals, in standard deviations of the particles */
#define SHARE_STEPWISE 0.1   /* of the proposals, where there are such numbers */
#define SHARE_NORMAL 0.5     /* of the others */
#define EFFECTIVE_SHARE 0.8  /* of the particles: what the last stage moves on for */
#define LEAST_SHARE 0.25     /* of that: what it must have after PASSES_LAST passes, of a posterior with far modes */

enum { STAGES_MAX = 4000, PASSES_MAX = 40, PASSES_LAST = 400, BISECTIONS = 50, U = SYSTEM_UNIFORMS_MAX };

/* What resembles the particles on one side of the threshold of the stepwise number, low..high, or all of them: their
 * share, and the normal distribution centre + L z in the movable coordinates. */
struct fit {
  double low, high;
  double share;                   /* of the particles, never zero */
  double log_density;             /* log of the density share / (high - low) / det L, less what is the same for all */
  double centre[U], factor[U][U]; /* factor: L, lower triangular */
};

struct fits {
  int count; /* 1 or 2 */
  struct fit side[2];
};

enum move { MOVE_WALK, MOVE_NORMAL, MOVE_STEPWISE, MOVE_COUNT };

struct proposal {
  enum move move;
  bool inside;
  double log_ratio; /* what the proposal's own density adds to the log of the ratio */
  double uniform[U];
};

/* One run: what the parts of a stage share. */
struct run {
  struct limit_sampler *sampler;
  const double *observed; /* [K][D] */
  struct rng rng;
  int64_t frame; /* c */
  double power;  /* phi */
  double scale;  /* of the random walk, adapted */
  double excess; /* V - 1 */
  double tried[MOVE_COUNT], accepted[MOVE_COUNT];
};

static bool is_periodic(const struct limit_sampler *sampler, int i) { return sampler->flow->system->periodic >> i & 1; }

/* u - centre in coordinate i; the shorter way round where it has a period. */
static double displacement(const struct limit_sampler *sampler, int i, double u, double centre) {
  double d = u - centre;
  return is_periodic(sampler, i) ? d - floor(d + 0.5) : d;
}

/* The negative log likelihoods of SYSTEM_LANES points: nll[lane][0] of frames before c together, [1] of frame c. What
 * is not a number, after a collision, is infinite. */
static void evaluate_lanes(const struct run *run, double *const uniform[SYSTEM_LANES], double nll[SYSTEM_LANES][2]) {
  const struct limit_sampler *sampler = run->sampler;
  const int freedom = sampler->flow->system->freedom;
  const double scale = 1 / sampler->flow->experiment->data.noise;
  double state[SYSTEM_STATE_MAX * SYSTEM_LANES], sum[SYSTEM_LANES] = {0};
  for (int lane = 0; lane < SYSTEM_LANES; lane++) limit_flow_start(sampler->flow, uniform[lane], lane, state);
  limit_flow_follow(sampler->flow, state, run->frame + 1, sampler->q);
  for (int64_t k = 0; k <= run->frame; k++) {
    double square[SYSTEM_LANES] = {0};
    for (int c = 0; c < freedom; c++)
      for (int lane = 0; lane < SYSTEM_LANES; lane++) {
        double z = (sampler->q[(k * freedom + c) * SYSTEM_LANES + lane] - run->observed[k * freedom + c]) * scale;
        square[lane] += z * z;
      }
    for (int lane = 0; lane < SYSTEM_LANES; lane++) {
      double value = 0.5 * square[lane];
      if (!(value < HUGE_VAL)) value = HUGE_VAL;
      if (k < run->frame) sum[lane] += value;
      nll[lane][1] = value;
    }
  }
  for (int lane = 0; lane < SYSTEM_LANES; lane++) nll[lane][0] = sum[lane];
}

/* Takes frame c in, at power 0: the particles' nll of it, from their trajectories. */
static void meet_frame(struct run *run) {
  struct limit_sampler *sampler = run->sampler;
  run->power = 0;
  for (int64_t first = 0; first < sampler->particles; first += SYSTEM_LANES) {
    double *uniform[SYSTEM_LANES], nll[SYSTEM_LANES][2];
    for (int lane = 0; lane < SYSTEM_LANES; lane++) uniform[lane] = sampler->uniform + (first + lane) * U;
    evaluate_lanes(run, uniform, nll);
    memcpy(sampler->nll + 2 * first, nll, sizeof nll);
  }
}

/* Weights exp(-step (nll_c - least)) of all particles and their effective sample size. */
static double weigh(const struct run *run, double step, double least) {
  const struct limit_sampler *sampler = run->sampler;
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < sampler->particles; i++) {
    double w = elementary_exp(-step * (sampler->nll[2 * i + 1] - least));
    sampler->weight[i] = w;
    sum += w;
    squares += w * w;
  }
  return squares > 0 ? sum * sum / squares : 0;
}

/* The weights of the next stage, whose power it returns in run->power. */
static enum status temper(struct run *run) {
  const struct limit_sampler *sampler = run->sampler;
  const double wanted = STAGE_SHARE * (double)sampler->particles;
  double least = HUGE_VAL, low = 0, high = 1 - run->power;
  for (int64_t i = 0; i < sampler->particles; i++) least = fmin(least, sampler->nll[2 * i + 1]);
  REQUIRE(least < HUGE_VAL, STATUS_NUMERIC, "no particle's trajectory reaches frame %" PRId64, run->frame);
  double effective = weigh(run, high, least);
  if (effective >= wanted) {
    run->power = 1;
  } else {
    for (int i = 0; i < BISECTIONS; i++) {
      double middle = 0.5 * (low + high);
      if (weigh(run, middle, least) >= wanted)
        low = middle;
      else
        high = middle;
    }
    effective = weigh(run, high, least);
    REQUIRE(effective > 1, STATUS_NUMERIC, "the particles collapse in frame %" PRId64, run->frame);
    run->power += high;
  }
  const double ratio = (double)sampler->particles / effective;
  run->excess = ratio * (run->excess + 1) + ratio - 2;
  return STATUS_OK;
}

/* Systematic resampling: as many copies of each particle as (i + uniform) / N, i = 0..N-1, fall into its share. */
static void resample(struct run *run) {
  struct limit_sampler *sampler = run->sampler;
  const int64_t count = sampler->particles;
  double sum = 0, reached = 0, offset = rng_uniform(&run->rng);
  for (int64_t i = 0; i < count; i++) sum += sampler->weight[i];
  int64_t from = 0;
  reached = sampler->weight[0];
  for (int64_t i = 0; i < count; i++) {
    double place = ((double)i + offset) / (double)count * sum;
    while (reached < place && from + 1 < count) reached += sampler->weight[++from];
    memcpy(sampler->uniform_next + i * U, sampler->uniform + from * U, U * sizeof(double));
    memcpy(sampler->nll_next + 2 * i, sampler->nll + 2 * from, 2 * sizeof(double));
  }
  double *swap = sampler->uniform;
  sampler->uniform = sampler->uniform_next;
  sampler->uniform_next = swap;
  swap = sampler->nll;
  sampler->nll = sampler->nll_next;
  sampler->nll_next = swap;
}

static bool belongs(const struct limit_sampler *sampler, const struct fit *fit, const double *uniform) {
  double u = sampler->stepwise < 0 ? 0 : uniform[sampler->stepwise];
  return u >= fit->low && u < fit->high;
}

/* The mean of the particles that belong to the fit, and how many these are. If there are none it is left alone. */
static int64_t find_centre(const struct limit_sampler *sampler, struct fit *fit) {
  double sum[U] = {0};
  const double *origin = sampler->uniform;
  int64_t count = 0;
  for (int64_t p = 0; p < sampler->particles; p++) {
    const double *uniform = sampler->uniform + p * U;
    if (!belongs(sampler, fit, uniform)) continue;
    if (count++ == 0) origin = uniform;
    for (int a = 0; a < sampler->dimension; a++)
      sum[a] += displacement(sampler, sampler->movable[a], uniform[sampler->movable[a]], origin[sampler->movable[a]]);
  }
  for (int a = 0; a < sampler->dimension && count > 0; a++)
    fit->centre[a] = origin[sampler->movable[a]] + sum[a] / (double)count;
  return count;
}

/* The Cholesky factor of the covariance of the `count` particles that belong to the fit. */
static void find_factor(const struct limit_sampler *sampler, int64_t count, struct fit *fit) {
  const int d = sampler->dimension;
  double covariance[U][U] = {{0}}, x[U];
  for (int64_t p = 0; p < sampler->particles; p++) {
    const double *uniform = sampler->uniform + p * U;
    if (!belongs(sampler, fit, uniform)) continue;
    for (int a = 0; a < d; a++) {
      x[a] = displacement(sampler, sampler->movable[a], uniform[sampler->movable[a]], fit->centre[a]);
      for (int b = 0; b <= a; b++) covariance[a][b] += x[a] * x[b] / (double)count;
    }
  }
  for (int a = 0; a < d; a++) {
    for (int b = 0; b < a; b++) {
      double sum = covariance[a][b];
      for (int c = 0; c < b; c++) sum -= fit->factor[a][c] * fit->factor[b][c];
      fit->factor[a][b] = sum / fit->factor[b][b];
    }
    double pivot = covariance[a][a];
    for (int c = 0; c < a; c++) pivot -= fit->factor[a][c] * fit->factor[a][c];
    fit->factor[a][a] = sqrt(fmax(pivot, 1e-12 * covariance[a][a] + 1e-40)); /* never zero, if all are alike */
  }
}

/* Fits each side of the threshold, if there is one. A side of few particles has the covariance of all. */
static void fit_particles(const struct limit_sampler *sampler, struct fits *fits) {
  const int64_t enough = 3 * (sampler->dimension + 1);
  struct fit all = {.low = -1, .high = 2};
  find_factor(sampler, find_centre(sampler, &all), &all);
  fits->count = sampler->stepwise < 0 ? 1 : 2;
  for (int side = 0; side < fits->count; side++) {
    struct fit *fit = &fits->side[side];
    *fit = all;
    if (fits->count == 2) {
      fit->low = side == 0 ? 0 : sampler->threshold;
      fit->high = side == 0 ? sampler->threshold : 1;
    }
    int64_t count = find_centre(sampler, fit);
    if (count >= enough) find_factor(sampler, count, fit);
    fit->share = ((double)count + 1) / (double)(sampler->particles + fits->count);
    fit->log_density = elementary_log(fit->share / (fit->high - fit->low));
    for (int a = 0; a < sampler->dimension; a++) fit->log_density -= elementary_log(fit->factor[a][a]);
  }
}

static const struct fit *fit_of(const struct limit_sampler *sampler, const struct fits *fits, const double *uniform) {
  return &fits->side[fits->count == 2 && !belongs(sampler, &fits->side[0], uniform)];
}

/* |L^-1 (u - centre)|^2. */
static double squared_distance(const struct limit_sampler *sampler, const struct fit *fit, const double *uniform) {
  double z[U], sum = 0;
  for (int a = 0; a < sampler->dimension; a++) {
    int i = sampler->movable[a];
    z[a] = displacement(sampler, i, uniform[i], fit->centre[a]);
    for (int b = 0; b < a; b++) z[a] -= fit->factor[a][b] * z[b];
    z[a] /= fit->factor[a][a];
    sum += z[a] * z[a];
  }
  return sum;
}

static enum move choose_move(struct run *run) {
  const struct limit_sampler *sampler = run->sampler;
  double choice = rng_uniform(&run->rng);
  if (sampler->dimension == 0) return MOVE_STEPWISE;
  if (sampler->stepwise >= 0) {
    if (choice < SHARE_STEPWISE) return MOVE_STEPWISE;
    choice = (choice - SHARE_STEPWISE) / (1 - SHARE_STEPWISE);
  }
  return choice < SHARE_NORMAL ? MOVE_NORMAL : MOVE_WALK;
}

/* Moves the movable coordinates of the proposal by L z * size, from the centre if `anew`; notes whether that is in the
 * cube. Of a normal draw a direction must not be more than half a turn from the centre: it would be somewhere else. */
static void displace(const struct limit_sampler *sampler, const struct fit *fit, const double *z, double size,
                     bool anew, struct proposal *proposal) {
  for (int a = 0; a < sampler->dimension; a++) {
    int i = sampler->movable[a];
    double step = 0;
    for (int b = 0; b <= a; b++) step += fit->factor[a][b] * z[b];
    step *= size;
    double u = (anew ? fit->centre[a] : proposal->uniform[i]) + step;
    if (is_periodic(sampler, i)) {
      proposal->inside &= !anew || fabs(step) < 0.5;
      u -= floor(u);
    } else {
      proposal->inside &= u > 0 && u < 1;
    }
    proposal->uniform[i] = u;
  }
}

/* A draw from the fits, which a side is chosen for by its share, and how much less likely that was than where the
 * particle is. */
static void propose_anew(struct run *run, const struct fits *fits, const double *uniform, const double *z,
                         struct proposal *proposal) {
  const struct limit_sampler *sampler = run->sampler;
  const struct fit *from = fit_of(sampler, fits, uniform), *to = &fits->side[0];
  double square = 0;
  if (fits->count == 2) {
    to = &fits->side[rng_uniform(&run->rng) >= fits->side[0].share];
    proposal->uniform[sampler->stepwise] = to->low + rng_uniform(&run->rng) * (to->high - to->low);
    proposal->inside &= belongs(sampler, to, proposal->uniform); /* rounding */
  }
  for (int a = 0; a < sampler->dimension; a++) square += z[a] * z[a];
  displace(sampler, to, z, NORMAL_WIDTH, true, proposal);
  proposal->log_ratio =
      from->log_density - 0.5 * squared_distance(sampler, from, uniform) / (NORMAL_WIDTH * NORMAL_WIDTH);
  proposal->log_ratio -= to->log_density - 0.5 * square;
}

static void propose(struct run *run, const struct fits *fits, const double *uniform, struct proposal *proposal) {
  const struct limit_sampler *sampler = run->sampler;
  double z[U + 1];
  memcpy(proposal->uniform, uniform, sizeof proposal->uniform);
  proposal->inside = true;
  proposal->log_ratio = 0;
  proposal->move = choose_move(run);
  if (proposal->move == MOVE_STEPWISE) {
    proposal->uniform[sampler->stepwise] = rng_uniform(&run->rng);
    return;
  }
  rng_normal(&run->rng, z, sampler->dimension);
  if (proposal->move == MOVE_NORMAL) {
    propose_anew(run, fits, uniform, z, proposal);
  } else {
    double size = run->scale * (rng_u32(&run->rng) & 1 ? 1 : WALK_SMALL);
    displace(sampler, fit_of(sampler, fits, uniform), z, size, false, proposal);
  }
}

/* One Metropolis step of every particle. */
static void move_particles(struct run *run, const struct fits *fits) {
  struct limit_sampler *sampler = run->sampler;
  double tried = 0, accepted = 0;
  for (int64_t first = 0; first < sampler->particles; first += SYSTEM_LANES) {
    struct proposal proposal[SYSTEM_LANES];
    double *point[SYSTEM_LANES], nll[SYSTEM_LANES][2];
    for (int lane = 0; lane < SYSTEM_LANES; lane++) {
      double *uniform = sampler->uniform + (first + lane) * U;
      propose(run, fits, uniform, &proposal[lane]);
      point[lane] = proposal[lane].inside ? proposal[lane].uniform : uniform;
    }
    evaluate_lanes(run, point, nll);
    for (int lane = 0; lane < SYSTEM_LANES; lane++) {
      const struct proposal *to = &proposal[lane];
      double *now = sampler->nll + 2 * (first + lane);
      double gain = now[0] + run->power * now[1] - nll[lane][0] - run->power * nll[lane][1] + to->log_ratio;
      bool accept = elementary_log(rng_uniform(&run->rng)) < gain && to->inside;
      run->tried[to->move] += 1;
      run->accepted[to->move] += accept;
      if (to->move == MOVE_WALK) {
        tried += 1;
        accepted += accept;
      }
      if (!accept) continue;
      memcpy(sampler->uniform + (first + lane) * U, to->uniform, sizeof to->uniform);
      memcpy(now, nll[lane], sizeof nll[lane]);
    }
  }
  if (tried > 0) run->scale = fmin(4, fmax(1e-3, run->scale * elementary_exp(accepted / tried - WALK_ACCEPTANCE)));
}

/* The initial states of all particles, [particles][2 D]. */
static void note_states(const struct limit_sampler *sampler, double *states) {
  const struct experiment *experiment = sampler->flow->experiment;
  const struct system *system = sampler->flow->system;
  for (int64_t p = 0; p < sampler->particles; p++)
    system->initial(&experiment->system, &experiment->initial, sampler->uniform + p * U,
                    states + p * 2 * system->freedom);
}

/* The largest squared correlation, over the coordinates of the initial state, of the particles before and after. One
 * that does not vary is left out. */
static double squared_memory(const struct limit_sampler *sampler) {
  const int n = 2 * sampler->flow->system->freedom;
  const double share = 1 / (double)sampler->particles;
  double largest = 0;
  for (int c = 0; c < n; c++) {
    double mean[2] = {0}, xx = 0, yy = 0, xy = 0, origin = sampler->before[c];
    for (int64_t p = 0; p < sampler->particles; p++) {
      mean[0] += share * (sampler->before[p * n + c] - origin);
      mean[1] += share * (sampler->after[p * n + c] - origin);
    }
    for (int64_t p = 0; p < sampler->particles; p++) {
      double x = sampler->before[p * n + c] - origin - mean[0], y = sampler->after[p * n + c] - origin - mean[1];
      xx += x * x;
      yy += y * y;
      xy += x * y;
    }
    if (xx > 0 && yy > 0) largest = fmax(largest, fmin(1, xy * xy / (xx * yy)));
  }
  return largest;
}

/* Passes of moves until the particles have forgotten enough; `last`: until so many are effective. */
static enum status forget(struct run *run, double effective, bool last, struct limit_sampling *sampling) {
  struct limit_sampler *sampler = run->sampler;
  const double particles = (double)sampler->particles;
  struct fits fits;
  if (sampler->dimension == 0 && sampler->stepwise < 0) {
    run->excess = 0; /* there is but one state */
    return STATUS_OK;
  }
  double memory = 1;
  note_states(sampler, sampler->before);
  for (int pass = 0; pass < (last ? PASSES_LAST : PASSES_MAX); pass++) {
    fit_particles(sampler, &fits);
    move_particles(run, &fits);
    sampling->passes++;
    sampling->trajectories += sampler->particles;
    note_states(sampler, sampler->after);
    memory = squared_memory(sampler);
    if (last ? particles >= effective * (1 + memory * run->excess) : memory <= STAGE_RHO * STAGE_RHO) break;
  }
  run->excess *= memory;
  const double reached = particles / (1 + run->excess);
  REQUIRE(!last || reached >= LEAST_SHARE * effective, STATUS_NUMERIC,
          "%.3g effective samples of %.3g after %d passes of moves", reached, effective, PASSES_LAST);
  return STATUS_OK;
}

/* All stages through which one frame comes in. */
static enum status take_frame(struct run *run, double effective, bool last, struct limit_sampling *sampling) {
  meet_frame(run);
  sampling->trajectories += run->sampler->particles;
  while (run->power < 1) {
    REQUIRE(++sampling->stages <= STAGES_MAX, STATUS_NUMERIC, "the likelihood of frame %" PRId64 " takes %d stages",
            run->frame, STAGES_MAX);
    TRY(temper(run));
    resample(run);
    TRY(forget(run, effective, last && run->power == 1, sampling));
  }
  return STATUS_OK;
}

enum status limit_sampler_run(struct limit_sampler *sampler, const double *observed, int64_t input_frames,
                              uint64_t rollout, int set, struct limit_sampling *sampling) {
  struct run run = {.sampler = sampler, .observed = observed};
  const double d = sampler->dimension;
  run.scale = d > 0 ? 2.38 / sqrt(d) : 1;
  run.rng = rng_stream((uint64_t)sampler->flow->experiment->seed, RNG_LIMIT_PARTICLES, rollout, (uint32_t)set);
  for (int64_t p = 0; p < sampler->particles; p++)
    for (int i = 0; i < U; i++) sampler->uniform[p * U + i] = rng_uniform(&run.rng);
  *sampling = (struct limit_sampling){0};
  for (run.frame = 0; run.frame < input_frames; run.frame++)
    TRY(take_frame(&run, EFFECTIVE_SHARE * (double)sampler->particles, run.frame == input_frames - 1, sampling));
  sampling->effective_samples = (double)sampler->particles / (1 + run.excess);
  sampling->walk_acceptance = run.accepted[MOVE_WALK] / fmax(1, run.tried[MOVE_WALK]);
  sampling->normal_acceptance = run.accepted[MOVE_NORMAL] / fmax(1, run.tried[MOVE_NORMAL]);
  return STATUS_OK;
}

/* Whether the initial state is the same with two values of number i. */
static bool is_same_state(const struct limit_flow *flow, int i, double a, double b) {
  const struct experiment *experiment = flow->experiment;
  double uniform[U], state[2][SYSTEM_STATE_MAX];
  for (int j = 0; j < U; j++) uniform[j] = 0.3;
  for (int k = 0; k < 2; k++) {
    uniform[i] = k ? b : a;
    flow->system->initial(&experiment->system, &experiment->initial, uniform, state[k]);
  }
  for (int c = 0; c < 2 * flow->system->freedom; c++)
    if (state[0][c] != state[1][c]) return false;
  return true;
}

/* Finds the numbers that the initial state depends on: those that change it somewhere on a coarse scan; and of the
 * stepwise one the threshold, by bisection. */
static void find_dependence(struct limit_sampler *sampler) {
  static const double value[5] = {0x1p-53, 0.25, 0.5, 0.75, 1 - 0x1p-53};
  const struct limit_flow *flow = sampler->flow;
  sampler->stepwise = -1;
  for (int i = 0; i < flow->system->uniforms; i++) {
    bool same = true;
    for (int v = 1; v < 5; v++) same &= is_same_state(flow, i, value[0], value[v]);
    if (same) continue;
    if (i == 0 || i != flow->system->stepwise) {
      sampler->movable[sampler->dimension++] = i;
      continue;
    }
    double low = value[0], high = value[4];
    for (int k = 0; k < 60; k++) {
      double middle = 0.5 * (low + high);
      *(is_same_state(flow, i, value[0], middle) ? &low : &high) = middle;
    }
    sampler->stepwise = i;
    sampler->threshold = high;
  }
}

enum status limit_sampler_open(const struct limit_flow *flow, double effective_samples, struct limit_sampler *sampler) {
  *sampler = (struct limit_sampler){.flow = flow};
  const double least = fmax(effective_samples / EFFECTIVE_SHARE, LIMIT_PARTICLES_LEAST);
  REQUIRE(least <= LIMIT_PARTICLES_MAX, STATUS_USAGE, "%g effective samples: at most %g are possible here",
          effective_samples, EFFECTIVE_SHARE * LIMIT_PARTICLES_MAX);
  sampler->particles = SYSTEM_LANES * (int64_t)ceil(least / SYSTEM_LANES);
  find_dependence(sampler);
  const size_t count = (size_t)sampler->particles, row = 2 * (size_t)flow->system->freedom;
  sampler->uniform = malloc(count * U * sizeof(double));
  sampler->uniform_next = malloc(count * U * sizeof(double));
  sampler->nll = malloc(count * 2 * sizeof(double));
  sampler->nll_next = malloc(count * 2 * sizeof(double));
  sampler->weight = malloc(count * sizeof(double));
  sampler->before = malloc(count * row * sizeof(double));
  sampler->after = malloc(count * row * sizeof(double));
  sampler->q = malloc((size_t)flow->experiment->data.frames * row / 2 * SYSTEM_LANES * sizeof(double));
  if (sampler->uniform && sampler->uniform_next && sampler->nll && sampler->nll_next && sampler->weight &&
      sampler->before && sampler->after && sampler->q)
    return STATUS_OK;
  limit_sampler_close(sampler);
  return status_raise(STATUS_MEMORY, "no memory for %zu particles", count);
}

void limit_sampler_close(struct limit_sampler *sampler) {
  free(sampler->uniform);
  free(sampler->uniform_next);
  free(sampler->nll);
  free(sampler->nll_next);
  free(sampler->weight);
  free(sampler->before);
  free(sampler->after);
  free(sampler->q);
  *sampler = (struct limit_sampler){0};
}
