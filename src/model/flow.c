#include "model/flow.h"

/* x + factor dt rate */
static struct value advance(struct value x, struct value dt, double factor, struct value rate) {
  return graph_add(x, graph_multiply(graph_scale(dt, factor), rate));
}

static struct value kick(const struct hamiltonian *h, struct phase x, struct value dt, double factor) {
  return advance(x.p, dt, -factor, h->dq(h, x.q, x.p));
}

static struct value drift(const struct hamiltonian *h, struct phase x, struct value dt, double factor, bool unit_mass) {
  return advance(x.q, dt, factor, unit_mass ? x.p : h->dp(h, x.q, x.p));
}

static struct phase euler(const struct hamiltonian *h, struct phase x, struct value dt) {
  return (struct phase){drift(h, x, dt, 1, false), kick(h, x, dt, 1)};
}

/* For a separable H symplectic and of order 2. */
static struct phase leapfrog(const struct hamiltonian *h, struct phase x, struct value dt, double factor,
                             bool unit_mass) {
  x.p = kick(h, x, dt, 0.5 * factor);
  x.q = drift(h, x, dt, factor, unit_mass);
  x.p = kick(h, x, dt, 0.5 * factor);
  return x;
}

/* 2^(1/3), to the nearest: the C library's cbrt() is an ulp off, and some compilers take it from there. */
static const double CUBE_ROOT_OF_2 = 1.2599210498948732;

static struct phase yoshida4(const struct hamiltonian *h, struct phase x, struct value dt) {
  const double outer = 1 / (2 - CUBE_ROOT_OF_2), middle = 1 - 2 * outer;
  x = leapfrog(h, x, dt, outer, false);
  x = leapfrog(h, x, dt, middle, false);
  return leapfrog(h, x, dt, outer, false);
}

/* Position first, as the reproduction's code. */
static struct phase yoshida4_unit_mass(const struct hamiltonian *h, struct phase x, struct value dt) {
  const double outer = 1 / (2 - CUBE_ROOT_OF_2), middle = 1 - 2 * outer;
  const double drifts[4] = {outer / 2, (outer + middle) / 2, (outer + middle) / 2, outer / 2};
  const double kicks[3] = {outer, middle, outer};
  for (int stage = 0; stage < 4; stage++) {
    x.q = drift(h, x, dt, drifts[stage], true);
    if (stage < 3) x.p = kick(h, x, dt, kicks[stage]);
  }
  return x;
}

/* last: how far the fourth stage goes, 1 in the classical method. */
static struct phase rk4(const struct hamiltonian *h, struct phase x, struct value dt, double last) {
  static const double weight[4] = {1. / 6, 1. / 3, 1. / 3, 1. / 6};
  const double reach[4] = {0, 0.5, 0.5, last};
  struct phase rate = x, sum = x;
  for (int stage = 0; stage < 4; stage++) {
    struct phase at = x;
    if (stage > 0) at = (struct phase){advance(x.q, dt, reach[stage], rate.q), advance(x.p, dt, reach[stage], rate.p)};
    rate = (struct phase){h->dp(h, at.q, at.p), graph_negate(h->dq(h, at.q, at.p))};
    sum = (struct phase){advance(sum.q, dt, weight[stage], rate.q), advance(sum.p, dt, weight[stage], rate.p)};
  }
  return sum;
}

/* y = x + dt f((x + y) / 2) by fixed-point iteration from y = x. */
static struct phase implicit_midpoint(const struct hamiltonian *h, struct phase x, struct value dt,
                                      int64_t iterations) {
  struct phase y = x;
  for (int64_t i = 0; i < iterations; i++) {
    struct phase middle = {graph_scale(graph_add(x.q, y.q), 0.5), graph_scale(graph_add(x.p, y.p), 0.5)};
    y.q = advance(x.q, dt, 1, h->dp(h, middle.q, middle.p));
    y.p = advance(x.p, dt, -1, h->dq(h, middle.q, middle.p));
  }
  return y;
}

static struct phase one_step(const struct integrator_settings *settings, const struct hamiltonian *h, struct phase x,
                             struct value dt) {
  switch (settings->name) {
  case FLOW_EULER:
    return euler(h, x, dt);
  case FLOW_LEAPFROG:
    return leapfrog(h, x, dt, 1, false);
  case FLOW_YOSHIDA4:
    return yoshida4(h, x, dt);
  case FLOW_RK4:
    return rk4(h, x, dt, 1);
  case FLOW_IMPLICIT_MIDPOINT:
    return implicit_midpoint(h, x, dt, settings->iterations);
  case FLOW_LEAPFROG_UNIT_MASS:
    return leapfrog(h, x, dt, 1, true);
  case FLOW_YOSHIDA4_UNIT_MASS:
    return yoshida4_unit_mass(h, x, dt);
  case FLOW_RK4_REPORT2021:
    return rk4(h, x, dt, 0.5);
  case FLOW_COUNT:
    break;
  }
  return x;
}

struct phase flow_step(const struct integrator_settings *settings, const struct hamiltonian *hamiltonian,
                       struct phase x, struct value dt) {
  struct value part = graph_scale(dt, 1. / (double)settings->substeps);
  for (int64_t i = 0; i < settings->substeps; i++) x = one_step(settings, hamiltonian, x, part);
  return x;
}
