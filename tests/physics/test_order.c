/* Each integrator converges with the order it claims, on a linear and on a nonlinear system. */
#include "base/status.h"
#include "physics/integrator.h"
#include "physics/reference.h"
#include "presets.h"
#include "testing.h"

#include <math.h>

/* Steps of the finer of two runs over 1.3 s, chosen where neither rounding nor the next term shows. (For DOP853 they
 * leave little room: from this start the pendulum's order is 8.02 to 8.04 for 14 to 22 steps; from others the terms of
 * orders 8 and 9 compete.) The duration is not a whole period: there, symplectic Euler's first-order error vanishes. */
static const struct {
  enum integrator integrator;
  int steps;
} cases[] = {{INTEGRATOR_SYMPLECTIC_EULER, 2048}, {INTEGRATOR_LEAPFROG, 128}, {INTEGRATOR_YOSHIDA4, 64},
             {INTEGRATOR_IMPLICIT_MIDPOINT, 128}, {INTEGRATOR_RK4, 64},       {INTEGRATOR_DOP853, 16}};
_Static_assert(sizeof cases / sizeof *cases == INTEGRATOR_COUNT, "an integrator without a case");

static const double duration = 1.3;

static double error_of(enum integrator integrator, const struct system *system,
                       const struct system_parameters *parameters, int steps) {
  const double start[2] = {2.0, 0.5};
  double state[2] = {start[0], start[1]}, truth[2] = {start[0], start[1]}, h = 0;
  assert_ok(integrator_steps(integrator, system, parameters, duration / steps, steps, state));
  if (system->kind == SYSTEM_MASS_SPRING) {
    double w = sqrt(parameters->stiffness / parameters->mass), mw = parameters->mass * w;
    double c = cos(w * duration), s = sin(w * duration);
    truth[0] = start[0] * c + start[1] / mw * s;
    truth[1] = start[1] * c - start[0] * mw * s;
  } else {
    assert_ok(reference_advance(system, parameters, duration, 1e-15, &h, truth));
  }
  return hypot(state[0] - truth[0], state[1] - truth[1]);
}

static void orders(void **unused) {
  (void)unused;
  static const enum system_kind kinds[] = {SYSTEM_MASS_SPRING, SYSTEM_PENDULUM};
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    const struct system *system = system_get(kinds[k]);
    struct system_parameters parameters = preset(kinds[k]).system;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
      enum integrator integrator = cases[c].integrator;
      double coarse = error_of(integrator, system, &parameters, cases[c].steps / 2);
      double fine = error_of(integrator, system, &parameters, cases[c].steps), order = log2(coarse / fine);
      print_message("%-18s %-12s order %.3f (errors %.2e, %.2e)\n", integrator_name(integrator), system->name, order,
                    coarse, fine);
      assert_true(fabs(order - integrator_order(integrator)) < 0.1);
    }
  }
}

static void names(void **unused) {
  (void)unused;
  assert_string_equal(integrator_name(INTEGRATOR_YOSHIDA4), "yoshida4");
  assert_null(integrator_name(INTEGRATOR_COUNT));
  assert_int_equal(integrator_order(INTEGRATOR_COUNT), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(orders), cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
