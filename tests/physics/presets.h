/* The parameters of the reproduction's data sets, as constants: these tests are of the physics, not of the YAML. */
#ifndef HGN_TESTS_PHYSICS_PRESETS_H
#define HGN_TESTS_PHYSICS_PRESETS_H

#include "config/schema.h"
#include "physics/system.h"

#include <string.h>

static inline struct experiment preset(enum system_kind kind) {
  struct experiment e = {.seed = 1,
                         .system = {.name = kind, .mass = 1},
                         .initial = {.direction = DIRECTION_SQUARE},
                         .data = {.frames = 30, .dt = 0.125, .noise = 0.1}};
  double lower = 0, upper = 0;
  switch (kind) {
  case SYSTEM_MASS_SPRING:
    e.system.mass = 0.5, e.system.stiffness = 2;
    lower = 0.1, upper = 1;
    break;
  case SYSTEM_DAMPED_SPRING:
    e.system.mass = 0.5, e.system.stiffness = 2, e.system.damping = 0.3;
    lower = 0.75, upper = 1.4;
    break;
  case SYSTEM_PENDULUM:
    e.system.mass = 0.5, e.system.length = 1, e.system.gravity = 3;
    lower = 1.3, upper = 2.3;
    break;
  case SYSTEM_DOUBLE_PENDULUM:
    e.system.length = 1, e.system.gravity = 3;
    lower = 0.5, upper = 1.3;
    break;
  case SYSTEM_TWO_BODY:
    e.system.gravity = 1, e.initial.flip_probability = 0.6915, e.initial.velocity_noise = 0.1;
    lower = 0.5, upper = 1.5;
    break;
  case SYSTEM_THREE_BODY:
    e.system.gravity = 1, e.initial.flip_probability = 0.6915, e.initial.velocity_noise = 0.1;
    lower = 0.9, upper = 1.2;
    break;
  case SYSTEM_COUNT:
    break;
  }
  e.initial.radius[0] = lower, e.initial.radius[1] = upper;
  return e;
}

/* Every parameter that the table of keys has, each with a value that differs from 1 and from the others', so that none
 * can be left out unseen: a new one need not be told here. */
static inline struct system_parameters odd_parameters(enum system_kind kind) {
  struct experiment e = {.system = {.name = kind}};
  double value = 0.45;
  for (int row = 0; row < schema_count; row++) {
    if (strncmp(schema_rows[row].path, "system.", 7) != 0 || schema_rows[row].type != SCHEMA_REAL) continue;
    memcpy((char *)&e + schema_rows[row].offset, &value, sizeof value);
    value += 0.31;
  }
  return e.system;
}

/* Weight k of the central difference over 2 m + 1 points:
 * f'(x) = sum_k w_k (f(x + k d) - f(x - k d)) / d + O(d^(2 m)). */
static inline double difference_weight(int m, int k) {
  double weight = k % 2 ? 1.0 / k : -1.0 / k;
  for (int i = 1; i <= k; i++) weight *= (double)(m - k + i) / (m + i); /* (m!)^2 / ((m - k)! (m + k)!) */
  return weight;
}

#endif
