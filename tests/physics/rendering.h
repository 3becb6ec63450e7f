/* Experiments for tests of rendered data, as the reproduction of 2021 has them: dt 0.125 s, 34 frames, 32 x 32 RGB. */
#ifndef HGN_TESTS_PHYSICS_RENDERING_H
#define HGN_TESTS_PHYSICS_RENDERING_H

#include "config/experiment.h"
#include "testing.h"

static inline struct experiment rendering_experiment(enum system_kind kind, enum renderer_kind renderer) {
  struct experiment experiment = {.seed = 1,
                                  .system = {.name = kind, .mass = 1, .gravity = 1},
                                  .initial = {.direction = DIRECTION_SQUARE, .flip_probability = 0.5},
                                  .data = {.train = 800, .test = 1500, .frames = 34, .dt = 0.125},
                                  .render = {.renderer = renderer, .color = COLOR_RGB, .height = 32, .width = 32},
                                  .ladder = {.input_frames = 5}};
  static const struct {
    double mass, stiffness, damping, length, gravity, low, high, noise, world, radius;
  } value[SYSTEM_COUNT] = {
      [SYSTEM_MASS_SPRING] = {0.5, 2, 0, 0, 0, 0.1, 1, 0.1, 2, 0.5},
      [SYSTEM_DAMPED_SPRING] = {0.5, 2, 0.3, 0, 0, 0.75, 1.4, 0.1, 2, 0.5},
      [SYSTEM_PENDULUM] = {0.5, 0, 0, 1, 3, 1.3, 2.3, 0.1, 2, 0.5},
      [SYSTEM_DOUBLE_PENDULUM] = {1, 0, 0, 1, 3, 0.5, 1.3, 0.05, 2.5, 1.0 / 3},
      [SYSTEM_TWO_BODY] = {1, 0, 0, 0, 1, 0.5, 1.5, 0.05, 3, 0.55},
      [SYSTEM_THREE_BODY] = {1, 0, 0, 0, 1, 0.9, 1.2, 0.2, 3, 0.25},
  };
  if (value[kind].mass == 0) fail_msg("system %d has no row in rendering.h", (int)kind);
  experiment.system.mass = value[kind].mass;
  experiment.system.stiffness = value[kind].stiffness;
  experiment.system.damping = value[kind].damping;
  experiment.system.length = value[kind].length;
  experiment.system.gravity = value[kind].gravity;
  experiment.initial.radius[0] = value[kind].low;
  experiment.initial.radius[1] = value[kind].high;
  experiment.initial.velocity_noise = kind == SYSTEM_TWO_BODY || kind == SYSTEM_THREE_BODY ? 0.1 : 0;
  experiment.data.noise = value[kind].noise;
  experiment.render.world = value[kind].world;
  experiment.render.radius = value[kind].radius;
  return experiment;
}

#endif
