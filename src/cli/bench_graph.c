#include "base/log.h"
#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "graph/conv.h"
#include "graph/cpu.h"
#include "graph/peak.h"
#include "graph/plan.h"
#include "train/numerics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 15, INPUTS_MAX = 8, PARAMETERS_MAX = 64 };

/* A plan under measurement with all its memory: inputs and parameters are small normal numbers. */
struct subject {
  struct graph *graph;
  struct plan *plan;
  struct value input[INPUTS_MAX], parameter[PARAMETERS_MAX];
  const char *name[INPUTS_MAX];
  void *data[INPUTS_MAX], *block;
  int inputs, parameters;
};

static struct value add_input(struct subject *subject, const char *name, int rank, const int64_t *dim) {
  subject->name[subject->inputs] = name;
  return subject->input[subject->inputs++] = graph_input(subject->graph, name, GRAPH_F32, rank, dim);
}

static struct value add_parameter(struct subject *subject, int rank, const int64_t *dim) {
  char name[16];
  snprintf(name, sizeof name, "p%d", subject->parameters);
  return subject->parameter[subject->parameters++] = graph_parameter(subject->graph, name, GRAPH_F32, rank, dim);
}

static enum status compile_subject(struct subject *subject, const struct value *outputs, int count) {
  TRY(plan_compile(outputs, count, NULL, &subject->plan));
  subject->block = bench_draw(graph_parameter_bytes(subject->graph), 100);
  REQUIRE(subject->block, STATUS_MEMORY, "out of memory for parameters");
  plan_bind_parameters(subject->plan, subject->block);
  for (int i = 0; i < subject->inputs; i++) {
    struct shape shape = value_shape(subject->input[i]);
    subject->data[i] = bench_draw(shape_elements(&shape) * (int64_t)sizeof(float), (uint64_t)i);
    REQUIRE(subject->data[i], STATUS_MEMORY, "out of memory for an input");
    TRY(plan_bind(subject->plan, subject->name[i], subject->data[i]));
  }
  return plan_run(subject->plan);
}

static void close_subject(struct subject *subject) {
  plan_destroy(&subject->plan);
  graph_destroy(&subject->graph);
  free(subject->block);
  for (int i = 0; i < subject->inputs; i++) free(subject->data[i]);
}

/* Median seconds of a run, and of its convolutions and products alone: two kinds of rounds in turn, so that both see
 * the same machine. */
static enum status time_plan(struct plan *plan, double *whole, double *kernels) {
  int steps = plan_measure(plan).steps;
  double *seconds = calloc((size_t)steps, sizeof *seconds), wholes[ROUNDS], alone[ROUNDS], began = log_clock();
  REQUIRE(seconds, STATUS_MEMORY, "out of memory for times");
  enum status status = plan_run(plan);
  int repeat = 1 + (int)(0.004 / (log_clock() - began + 1e-7));
  for (int round = 0; round < ROUNDS && status == STATUS_OK; round++) {
    began = log_clock();
    for (int i = 0; i < repeat && status == STATUS_OK; i++) status = plan_run(plan);
    wholes[round] = (log_clock() - began) / repeat;
    memset(seconds, 0, (size_t)steps * sizeof *seconds);
    for (int i = 0; i < repeat && status == STATUS_OK; i++) status = plan_run_timed(plan, seconds);
    alone[round] = 0;
    for (int i = 0; i < steps; i++)
      if (plan_step_get(plan, i).product) alone[round] += seconds[i] / repeat;
  }
  free(seconds);
  if (status != STATUS_OK) return status;
  *whole = bench_median(wholes, ROUNDS);
  *kernels = bench_median(alone, ROUNDS);
  return STATUS_OK;
}

/* ---- A decoder block: upsample, conv, leaky relu, conv, leaky relu, skip; forward and backward ---- */

static enum status make_block(int64_t size, struct subject *subject) {
  const int64_t image[] = {16, size, size, 64}, large[] = {16, 2 * size, 2 * size, 64}, kernel[] = {3, 3, 64, 64},
                bias[] = {64};
  TRY(graph_create(&subject->graph));
  struct value x = add_input(subject, "x", 4, image), seed = add_input(subject, "seed", 4, large);
  struct value up = graph_upsample2(x), y = up;
  for (int layer = 0; layer < 2; layer++) {
    struct value w = add_parameter(subject, 4, kernel), b = add_parameter(subject, 1, bias);
    y = graph_leaky_relu(graph_bias(graph_conv(y, w, conv_same(y, w, 1)), b), 0.01);
  }
  y = graph_add(y, up);
  struct value wanted[PARAMETERS_MAX + 1] = {x}, outputs[PARAMETERS_MAX + 2];
  memcpy(wanted + 1, subject->parameter, sizeof(struct value) * (size_t)subject->parameters);
  TRY(graph_vjp(&y, &seed, 1, wanted, 1 + subject->parameters, outputs + 1));
  outputs[0] = y;
  return compile_subject(subject, outputs, 2 + subject->parameters);
}

/* Of each step how long it takes, for programs; and for people where they are told. */
static enum status note_steps(struct plan *plan, double peak, const char *table, bool told) {
  int steps = plan_measure(plan).steps, rounds = told ? 200 : 20;
  double *seconds = calloc((size_t)steps, sizeof *seconds);
  REQUIRE(seconds, STATUS_MEMORY, "out of memory for times");
  enum status status = STATUS_OK;
  for (int i = 0; i < rounds && status == STATUS_OK; i++) status = plan_run_timed(plan, seconds);
  if (told) printf("\nits steps at batch 16                    us  GFLOP/s  of peak   GB/s  what\n");
  for (int i = 0; i < steps && status == STATUS_OK; i++) {
    struct plan_step step = plan_step_get(plan, i);
    double time = seconds[i] / rounds;
    if (step.prepared) continue;
    if (told)
      printf("  %-30.30s %10.2f %8.2f %7.1f%% %6.1f  %s\n", step.kernel, 1e6 * time, 1e-9 * step.flops / time,
             100 * step.flops / time / peak, 1e-9 * step.bytes / time, step.label);
    bench_row(table, "%d %.30s %.60s", i, step.kernel, step.label);
    bench_number("[us]", 1e6 * time);
    bench_number("[GFLOP/s]", 1e-9 * step.flops / time);
    bench_number("[GB/s]", 1e-9 * step.bytes / time);
  }
  free(seconds);
  return status;
}

static enum status bench_blocks(double peak) {
  printf("\ndecoder block, 64 channels, batch 16, forward and backward      us  its convolutions alone  ratio\n");
  for (int64_t size = 4; size <= 16; size *= 2) {
    struct subject subject = {.graph = NULL};
    double whole = 0, kernels = 0;
    enum status status = make_block(size, &subject);
    if (status == STATUS_OK) status = time_plan(subject.plan, &whole, &kernels);
    if (status == STATUS_OK && size == 16)
      status = note_steps(subject.plan, peak, "graph: steps of a decoder block at 16x16", false);
    close_subject(&subject);
    TRY(status);
    bench_row("graph: decoder block", "%lldx%lld", (long long)size, (long long)size);
    bench_number("[us]", 1e6 * whole);
    bench_number("its convolutions alone [us]", 1e6 * kernels);
    printf("  %2lldx%-2lld to %2lldx%-2lld %45.1f %23.1f %6.2f\n", (long long)size, (long long)size,
           (long long)(2 * size), (long long)(2 * size), 1e6 * whole, 1e6 * kernels, whole / kernels);
    fflush(stdout);
  }
  return STATUS_OK;
}

/* ---- The gradient of a leapfrog step of the `paper` Hamiltonian ---- */

enum { LAYERS = 5 };

/* Convolutions with softplus between, summed over space (the paper's authors by e-mail; DeepMind's code). */
static struct value add_energy(struct value x, const struct value *weights, const struct value *biases) {
  static const int64_t stride[LAYERS] = {1, 2, 1, 2, 1};
  for (int i = 0; i < LAYERS; i++) {
    struct conv_options options = stride[i] == 2 ? conv_valid(2) : conv_same(x, weights[i], 1);
    x = graph_bias(graph_conv(x, weights[i], options), biases[i]);
    if (i < LAYERS - 1) x = graph_softplus(x);
  }
  return graph_sum(x, GRAPH_ALL_AXES, false);
}

static struct value add_force(struct value x, const struct value *weights, const struct value *biases) {
  struct value force;
  return graph_grad(add_energy(x, weights, biases), &x, 1, &force) == STATUS_OK ? force : GRAPH_NONE;
}

static enum status make_leapfrog(int64_t batch, struct subject *subject) {
  static const int64_t channels[LAYERS + 1] = {16, 32, 64, 64, 64, 1}, kernel[LAYERS] = {3, 2, 2, 2, 2};
  const int64_t state[] = {batch, 4, 4, 16};
  struct value w[2][LAYERS], b[2][LAYERS];
  TRY(graph_create(&subject->graph));
  struct value q = add_input(subject, "q", 4, state), p = add_input(subject, "p", 4, state);
  struct value dt = add_input(subject, "dt", 0, NULL), half = graph_scale(dt, 0.5);
  struct value seed[2] = {add_input(subject, "seed_q", 4, state), add_input(subject, "seed_p", 4, state)}, end[2];
  for (int net = 0; net < 2; net++)
    for (int i = 0; i < LAYERS; i++) {
      const int64_t shape[] = {kernel[i], kernel[i], channels[i], channels[i + 1]};
      w[net][i] = add_parameter(subject, 4, shape);
      b[net][i] = add_parameter(subject, 1, &channels[i + 1]);
    }
  struct value middle = graph_subtract(p, graph_multiply(half, add_force(q, w[0], b[0])));
  end[0] = graph_add(q, graph_multiply(dt, add_force(middle, w[1], b[1])));
  end[1] = graph_subtract(middle, graph_multiply(half, add_force(end[0], w[0], b[0])));
  struct value wanted[PARAMETERS_MAX + 2] = {q, p}, outputs[PARAMETERS_MAX + 2];
  memcpy(wanted + 2, subject->parameter, sizeof(struct value) * (size_t)subject->parameters);
  TRY(graph_vjp(end, seed, 2, wanted, 2 + subject->parameters, outputs));
  return compile_subject(subject, outputs, 2 + subject->parameters);
}

static enum status bench_leapfrog(const char *peer, double peak) {
  static const int64_t batches[] = {2, 4, 16};
  double torch[3] = {0};
  if (peer) TRY(bench_read_peer(peer, "2 4 16", 3, torch, NULL));
  printf("\nvector-Jacobian product of a leapfrog step     us  its kernels alone  ratio%s\n",
         peer ? "  PyTorch us  slower by" : "");
  for (int i = 0; i < 3; i++) {
    struct subject subject = {.graph = NULL};
    double whole = 0, kernels = 0;
    enum status status = make_leapfrog(batches[i], &subject);
    if (status == STATUS_OK) status = time_plan(subject.plan, &whole, &kernels);
    if (status == STATUS_OK) {
      printf("  batch %-2lld %38.1f %18.1f %6.2f", (long long)batches[i], 1e6 * whole, 1e6 * kernels, whole / kernels);
      bench_row("graph: gradient of a leapfrog step", "batch %lld", (long long)batches[i]);
      bench_number("[us]", 1e6 * whole);
      bench_number("its kernels alone [us]", 1e6 * kernels);
      if (peer) printf(" %11.1f %9.1fx", 1e3 * torch[i], 1e-3 * torch[i] / whole);
      printf("\n");
      if (i == 2) status = note_steps(subject.plan, peak, "graph: steps of a leapfrog step's gradient", true);
    }
    close_subject(&subject);
    TRY(status);
  }
  return STATUS_OK;
}

/* ---- What a node costs beside its kernel: a long chain over one element that cannot fuse ---- */

static enum status bench_overhead(void) {
  enum { NODES = 1000 };
  struct subject subject = {.graph = NULL};
  const int64_t one[] = {1, 1};
  TRY(graph_create(&subject.graph));
  struct value x = add_input(&subject, "x", 2, one), y = x;
  for (int i = 0; i < NODES / 2; i++) y = graph_pad(graph_slice(graph_tanh(y), 0, 0, 1), 1, 0, 1);
  for (int i = 0; i < NODES; i++) y = graph_logsumexp(graph_broadcast(y, 2, (const int64_t[]){1, 2}), 2, true);
  double whole = 0, kernels = 0;
  enum status status = compile_subject(&subject, &y, 1);
  if (status == STATUS_OK) status = time_plan(subject.plan, &whole, &kernels);
  if (status == STATUS_OK)
    printf("\na node on one element, kernel included: %.0f ns\n", 1e9 * whole / plan_measure(subject.plan).nodes);
  close_subject(&subject);
  return status;
}

static enum status bench_all(const char *peer) {
  double peak = peak_flops();
  printf("%s, %s: %.1f GFLOP/s of f32 multiply-adds at most; one thread, medians of %d rounds\n\n",
         cpu_level_name(cpu_level_get()), conv_onednn_describe(), 1e-9 * peak, ROUNDS);
  bench_row("machine", "f32 multiply-adds, one core");
  bench_number("[GFLOP/s]", 1e-9 * peak);
  TRY(bench_convolutions());
  TRY(bench_blocks(peak));
  TRY(bench_leapfrog(peer, peak));
  return bench_overhead();
}

enum status bench_graph(const struct comm *world, const struct bench_words *words) {
  const char *peer = words->peer;
  TRY(numerics_agree(world));
  return comm_agree(world, world->rank == 0 ? bench_all(peer) : STATUS_OK);
}
