#include "physics/system.h"

#include "physics/initial.h"
#include "physics/systems.h"

#include <stddef.h>
#include <stdio.h>

/* What SYSTEM_LIST does not say; a system without its line here does not compile. */
#define ENTRY_MASS_SPRING                                                                                              \
  .freedom = 1, .bodies = 1, .separable = true, .conserved = true, .energy = spring_energy,                            \
  .field = mass_spring_field, .field_lanes = mass_spring_field_lanes, .positions = spring_positions, .uniforms = 2,    \
  .periodic = 1, .initial = initial_one_degree
#define ENTRY_DAMPED_SPRING                                                                                            \
  .freedom = 1, .bodies = 1, .separable = true, .conserved = false, .energy = spring_energy,                           \
  .field = damped_spring_field, .field_lanes = damped_spring_field_lanes, .positions = spring_positions,               \
  .uniforms = 2, .periodic = 1, .initial = initial_one_degree
#define ENTRY_PENDULUM                                                                                                 \
  .freedom = 1, .bodies = 1, .separable = true, .conserved = true, .angular = true, .energy = pendulum_energy,         \
  .field = pendulum_field, .field_lanes = pendulum_field_lanes, .positions = pendulum_positions, .uniforms = 2,        \
  .periodic = 1, .initial = initial_one_degree
#define ENTRY_DOUBLE_PENDULUM                                                                                          \
  .freedom = 2, .bodies = 2, .separable = false, .conserved = true, .angular = true, .energy = double_pendulum_energy, \
  .field = double_pendulum_field, .field_lanes = double_pendulum_field_lanes, .positions = double_pendulum_positions,  \
  .uniforms = 4, .periodic = 5, .initial = initial_double_pendulum
#define ENTRY_TWO_BODY                                                                                                 \
  .freedom = 4, .bodies = 2, .separable = true, .conserved = true, .translates = true, .energy = two_body_energy,      \
  .field = two_body_field, .field_lanes = two_body_field_lanes, .positions = two_body_positions, .uniforms = 7,        \
  .periodic = 1, .stepwise = 2, .initial = initial_two_body
#define ENTRY_THREE_BODY                                                                                               \
  .freedom = 6, .bodies = 3, .separable = true, .conserved = true, .translates = true, .energy = three_body_energy,    \
  .field = three_body_field, .field_lanes = three_body_field_lanes, .positions = three_body_positions, .uniforms = 9,  \
  .periodic = 1, .stepwise = 2, .initial = initial_three_body

static const struct system systems[SYSTEM_COUNT] = {
#define SYSTEM_ROW(id, text) [SYSTEM_##id] = {.kind = SYSTEM_##id, .name = text, ENTRY_##id},
    SYSTEM_LIST(SYSTEM_ROW)
#undef SYSTEM_ROW
};

const struct system *system_get(enum system_kind kind) { return (unsigned)kind < SYSTEM_COUNT ? &systems[kind] : NULL; }

void system_coordinates(const struct system *system, struct system_coordinates *text) {
  const bool angular = system->angular;
  for (int i = 0; i < 2 * system->freedom; i++) {
    bool momentum = i >= system->freedom;
    snprintf(text->name[i], sizeof text->name[i], "%c%d", momentum ? 'p' : 'q', momentum ? i - system->freedom : i);
    text->names[i] = text->name[i];
    text->units[i] = momentum ? (angular ? "kg m^2/s" : "kg m/s") : (angular ? "rad" : "m");
  }
}
