/* Integrators of learned Hamiltonians as graphs, on a Hamiltonian whose motion is known from another method: each has
 * the order that it claims, and those that claim it undo their own steps and keep volume.
 *
 * H = p^2 / 2 + q^2 / 2 + q^4 / 4 (Duffing's oscillator), of unit mass, so that those that move q by dt p are as good
 * as those that use dH/dp.
 */
#include "graph/node.h"
#include "graph/plan.h"
#include "model/flow.h"
#include "testing.h"

#include <math.h>
#include <string.h>

static const struct claim {
  const char *name;
  double order;
  bool reversible; /* a step back undoes a step */
  bool volume;     /* dq dp is kept */
} claims[FLOW_COUNT] = {[FLOW_EULER] = {"euler", 1, false, false},
                        [FLOW_LEAPFROG] = {"leapfrog", 2, true, true},
                        [FLOW_YOSHIDA4] = {"yoshida4", 4, true, true},
                        [FLOW_RK4] = {"rk4", 4, false, false},
                        [FLOW_IMPLICIT_MIDPOINT] = {"implicit_midpoint", 2, true, true},
                        [FLOW_LEAPFROG_UNIT_MASS] = {"leapfrog_unit_mass", 2, true, true},
                        [FLOW_YOSHIDA4_UNIT_MASS] = {"yoshida4_unit_mass", 4, true, true},
                        /* What it reads is not the classical method: it loses its order. */
                        [FLOW_RK4_REPORT2021] = {"rk4_report2021", 1, false, false}};

static struct value slope(const struct hamiltonian *hamiltonian, struct value q, struct value p) {
  (void)hamiltonian, (void)p;
  return graph_add(q, graph_multiply(q, graph_square(q)));
}

static struct value velocity(const struct hamiltonian *hamiltonian, struct value q, struct value p) {
  (void)hamiltonian, (void)q;
  return p;
}

struct stepper {
  struct plan *plan;
  double q, p, dt;
};

static void open_stepper(enum flow_kind name, int64_t substeps, struct stepper *stepper) {
  const struct integrator_settings settings = {.name = name, .substeps = substeps, .iterations = 40};
  const struct hamiltonian hamiltonian = {slope, velocity, NULL};
  const int64_t one = 1;
  struct graph *graph;
  *stepper = (struct stepper){.plan = NULL};
  assert_ok(graph_create(&graph));
  const struct phase x = {graph_input(graph, "q", GRAPH_F64, 1, &one), graph_input(graph, "p", GRAPH_F64, 1, &one)};
  const struct phase y = flow_step(&settings, &hamiltonian, x, graph_input(graph, "dt", GRAPH_F64, 0, NULL));
  const struct value outputs[] = {y.q, y.p};
  assert_ok(graph_status(graph));
  assert_ok(plan_compile(outputs, 2, NULL, &stepper->plan));
  graph_destroy(&graph);
}

static void take_step(struct stepper *stepper, double dt) {
  static _Alignas(64) double q, p, h;
  q = stepper->q, p = stepper->p, h = dt;
  assert_ok(plan_bind(stepper->plan, "q", &q));
  assert_ok(plan_bind(stepper->plan, "p", &p));
  assert_ok(plan_bind(stepper->plan, "dt", &h));
  assert_ok(plan_run(stepper->plan));
  stepper->q = *(const double *)plan_output(stepper->plan, 0);
  stepper->p = *(const double *)plan_output(stepper->plan, 1);
}

/* Leapfrog in plain C at steps so small, and extrapolated (Richardson), that its error is nothing here. */
static void follow(double time, int64_t steps, double *q, double *p) {
  const double dt = time / (double)steps;
  for (int64_t i = 0; i < steps; i++) {
    *p -= 0.5 * dt * (*q + *q * *q * *q);
    *q += dt * *p;
    *p -= 0.5 * dt * (*q + *q * *q * *q);
  }
}

static void true_state(double time, double *q, double *p) {
  double coarse[2] = {0.9, 0.4}, fine[2] = {0.9, 0.4};
  follow(time, 20000, &coarse[0], &coarse[1]);
  follow(time, 40000, &fine[0], &fine[1]);
  *q = fine[0] + (fine[0] - coarse[0]) / 3;
  *p = fine[1] + (fine[1] - coarse[1]) / 3;
}

static double error_of(struct stepper *stepper, int steps) {
  double q, p;
  true_state(2, &q, &p);
  stepper->q = 0.9;
  stepper->p = 0.4;
  for (int i = 0; i < steps; i++) take_step(stepper, 2. / steps);
  return hypot(stepper->q - q, stepper->p - p);
}

static void test_order(void **state) {
  (void)state;
  for (int name = 0; name < FLOW_COUNT; name++) {
    struct stepper stepper;
    if (!claims[name].name) fail_msg("integrator %d has no line in this test: what order does it claim?", name);
    open_stepper((enum flow_kind)name, 1, &stepper);
    const double coarse = error_of(&stepper, 32), fine = error_of(&stepper, 64), order = log2(coarse / fine);
    if (!(fabs(order - claims[name].order) < 0.25))
      fail_msg("%s: errors %.3g and %.3g: order %.2f, not %g", claims[name].name, coarse, fine, order,
               claims[name].order);
    plan_destroy(&stepper.plan);
  }
}

/* A step of two substeps is two steps. */
static void test_substeps(void **state) {
  (void)state;
  for (int name = 0; name < FLOW_COUNT; name++) {
    struct stepper once, twice;
    open_stepper((enum flow_kind)name, 2, &once);
    open_stepper((enum flow_kind)name, 1, &twice);
    once.q = twice.q = 0.9;
    once.p = twice.p = 0.4;
    take_step(&once, 0.25);
    take_step(&twice, 0.125);
    take_step(&twice, 0.125);
    assert_true(fabs(once.q - twice.q) < 1e-14 && fabs(once.p - twice.p) < 1e-14);
    plan_destroy(&once.plan);
    plan_destroy(&twice.plan);
  }
}

static void test_reversal(void **state) {
  (void)state;
  for (int name = 0; name < FLOW_COUNT; name++) {
    struct stepper stepper;
    open_stepper((enum flow_kind)name, 1, &stepper);
    stepper.q = 0.9;
    stepper.p = 0.4;
    for (int i = 0; i < 8; i++) take_step(&stepper, 0.25);
    for (int i = 0; i < 8; i++) take_step(&stepper, -0.25);
    const double off = hypot(stepper.q - 0.9, stepper.p - 0.4);
    if ((off < 1e-12) != claims[name].reversible)
      fail_msg("%s: %.2g off after going there and back", claims[name].name, off);
    plan_destroy(&stepper.plan);
  }
}

/* The determinant of a step's Jacobian, by central differences. */
static double determinant(struct stepper *stepper) {
  const double d = 1e-5;
  double column[2][2];
  for (int along = 0; along < 2; along++) {
    double end[2][2];
    for (int side = 0; side < 2; side++) {
      stepper->q = 0.9 + (along == 0 ? (side ? d : -d) : 0);
      stepper->p = 0.4 + (along == 1 ? (side ? d : -d) : 0);
      take_step(stepper, 0.25);
      end[side][0] = stepper->q;
      end[side][1] = stepper->p;
    }
    for (int i = 0; i < 2; i++) column[along][i] = (end[1][i] - end[0][i]) / (2 * d);
  }
  return column[0][0] * column[1][1] - column[0][1] * column[1][0];
}

static void test_volume(void **state) {
  (void)state;
  for (int name = 0; name < FLOW_COUNT; name++) {
    struct stepper stepper;
    open_stepper((enum flow_kind)name, 1, &stepper);
    const double off = fabs(determinant(&stepper) - 1);
    if ((off < 1e-8) != claims[name].volume) fail_msg("%s: a step's volume is %.2g off", claims[name].name, off);
    plan_destroy(&stepper.plan);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_substeps),
                                     cmocka_unit_test(test_reversal), cmocka_unit_test(test_volume)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
