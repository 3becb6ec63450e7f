/* Convolutions beside the measured peak of the core and the best that oneDNN has. */
#include "base/log.h"
#include "cli/bench.h"
#include "cli/bench_rows.h"
#include "graph/conv.h"
#include "graph/peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rounds: quartiles are values of some round. Candidates: ours is the first, oneDNN's follow. */
enum { ROUNDS = 21, BATCH = 16, CHANNELS = 64, CANDIDATES_MAX = 8 };
static const double round_seconds = 0.008; /* of each candidate in each round, at least */

/* A convolution from `large` to `small` pixels a side, of same padding. A doubling and the 3x3 convolution after it,
 * folded (graph_upsample2_conv), is the adjoint of one of stride 2: forward and input gradient change places. */
static const struct layer {
  const char *name;
  int64_t large, small, kernel, stride;
} layers[] = {{"3x3 at 8x8", 8, 8, 3, 1},
              {"3x3 at 16x16", 16, 16, 3, 1},
              {"3x3 at 32x32", 32, 32, 3, 1},
              {"doubling + 3x3, 8 to 16", 16, 8, 4, 2},
              {"doubling + 3x3, 16 to 32", 32, 16, 4, 2}};
static const char *const directions[3] = {"forward", "input gradient", "weight gradient"};

static enum graph_op find_op(const struct layer *layer, int direction) {
  if (direction == 2) return OP_conv_weight_gradient;
  return (direction == 0) == (layer->stride == 1) ? OP_conv : OP_conv_input_gradient;
}

struct candidate {
  struct conv_kernel *kernel;
  void *scratch;
  int repeat;
  double seconds[ROUNDS];
};

struct race {
  enum graph_op op;
  struct op_attributes attributes;
  struct shape in[2], out;
  void *data[2], *result;
  struct candidate candidate[CANDIDATES_MAX];
  int candidates;
  double peak[ROUNDS];
};

static struct race make_shapes(const struct layer *layer, enum graph_op op) {
  struct race race = {.op = op, .attributes = {.integer = {layer->stride, 1, 1, 1, 1}}};
  const int64_t large[] = {BATCH, layer->large, layer->large, CHANNELS};
  const int64_t small[] = {BATCH, layer->small, layer->small, CHANNELS};
  const int64_t kernel[] = {layer->kernel, layer->kernel, CHANNELS, CHANNELS};
  const struct shape x = shape_make(GRAPH_F32, 4, large), y = shape_make(GRAPH_F32, 4, small);
  const struct shape w = shape_make(GRAPH_F32, 4, kernel);
  race.in[0] = op == OP_conv_input_gradient ? y : x;
  race.in[1] = op == OP_conv_weight_gradient ? y : w;
  race.out = op == OP_conv ? y : op == OP_conv_input_gradient ? x : w;
  if (op != OP_conv)
    race.attributes.integer[CONV_EXTENT_0] = race.attributes.integer[CONV_EXTENT_1] =
        race.out.dim[op == OP_conv_input_gradient];
  return race;
}

/* STATUS_UNAVAILABLE: the method cannot. */
static enum status add_candidate(struct race *race, const struct conv_method *method) {
  struct candidate *c = &race->candidate[race->candidates];
  TRY(conv_create(race->op, &race->attributes, (const struct shape *const[]){&race->in[0], &race->in[1]}, &race->out,
                  NULL, method, &c->kernel));
  race->candidates++;
  c->scratch = bench_draw(conv_scratch(c->kernel), 3);
  REQUIRE(c->scratch, STATUS_MEMORY, "out of memory for a convolution");
  return race->op == OP_conv_weight_gradient ? STATUS_OK : conv_load_weights(c->kernel, race->data[1]);
}

static enum status open_race(struct race *race) {
  for (int i = 0; i < 2; i++) race->data[i] = bench_draw(shape_bytes(&race->in[i]), (uint64_t)i);
  race->result = bench_draw(shape_bytes(&race->out), 2);
  REQUIRE(race->data[0] && race->data[1] && race->result, STATUS_MEMORY, "out of memory for a convolution");
  TRY(add_candidate(race, CONV_AUTO));
  const struct conv_method *form;
  for (int i = 0; (form = conv_onednn_form(i)) && race->candidates < CANDIDATES_MAX; i++) {
    const enum status status = add_candidate(race, form);
    if (status == STATUS_UNAVAILABLE)
      status_clear();
    else
      TRY(status);
  }
  return STATUS_OK;
}

static void close_race(struct race *race) {
  for (int i = 0; i < race->candidates; i++) {
    conv_destroy(&race->candidate[i].kernel);
    free(race->candidate[i].scratch);
  }
  free(race->data[0]);
  free(race->data[1]);
  free(race->result);
}

/* Mean seconds of `repeat` runs, weights as they were loaded; of oneDNN's primitives alone. */
static enum status time_candidate(struct race *race, int index, int repeat, double *seconds) {
  struct candidate *c = &race->candidate[index];
  const bool gradient = race->op == OP_conv_weight_gradient;
  const void *const in[2] = {race->data[0], gradient ? race->data[1] : NULL};
  const double began = log_clock();
  for (int i = 0; i < repeat; i++)
    TRY(index == 0 ? conv_run(c->kernel, in, NULL, race->result, c->scratch)
                   : conv_run_primitive(c->kernel, in, race->result, c->scratch));
  *seconds = (log_clock() - began) / repeat;
  return STATUS_OK;
}

/* Every round has all candidates and the peak, forwards or backwards and each time with another at its beginning. The
 * peak is the best of a few short loops: where others disturb this core, ours looks slower by it, never faster. */
static enum status run_race(struct race *race) {
  for (int i = 0; i < race->candidates; i++) {
    double first;
    TRY(time_candidate(race, i, 1, &first));
    TRY(time_candidate(race, i, 1, &first));
    race->candidate[i].repeat = 1 + (int)(round_seconds / (first + 1e-7));
  }
  const int members = race->candidates + 1;
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < members; i++) {
      const int turn = (round / 2 + (round % 2 ? members - i : i)) % members;
      if (turn == race->candidates)
        race->peak[round] = peak_flops();
      else
        TRY(time_candidate(race, turn, race->candidate[turn].repeat, &race->candidate[turn].seconds[round]));
    }
  return STATUS_OK;
}

static double middle_of(const double *values) {
  double sorted[ROUNDS];
  memcpy(sorted, values, sizeof sorted);
  return bench_median(sorted, ROUNDS);
}

/* "2.31 (2.25 to 2.38)": median and quartiles. */
static const char *describe(const double *values, char text[32]) {
  double sorted[ROUNDS];
  memcpy(sorted, values, sizeof sorted);
  const double middle = bench_median(sorted, ROUNDS);
  snprintf(text, 32, "%.2f (%.2f to %.2f)", middle, sorted[ROUNDS / 4], sorted[ROUNDS - 1 - ROUNDS / 4]);
  return text;
}

static void print_race(const struct race *race, const char *layer, const char *direction) {
  const struct candidate *ours = &race->candidate[0], *best = NULL;
  const double flops = conv_flops(ours->kernel), seconds = middle_of(ours->seconds);
  double of_peak[ROUNDS], faster[ROUNDS];
  char text[32];
  for (int i = 0; i < ROUNDS; i++) of_peak[i] = flops / ours->seconds[i] / race->peak[i];
  printf("  %-22s %8.1f %8.1f  %-20s", direction, 1e6 * seconds, 1e-9 * flops / seconds, describe(of_peak, text));
  bench_row("graph: convolutions", "%s, %s", layer, direction);
  bench_number("[us]", 1e6 * seconds);
  bench_number("[GFLOP/s]", 1e-9 * flops / seconds);
  bench_number("of the peak", middle_of(of_peak));
  for (int i = 1; i < race->candidates; i++)
    if (!best || middle_of(race->candidate[i].seconds) < middle_of(best->seconds)) best = &race->candidate[i];
  if (best) {
    for (int i = 0; i < ROUNDS; i++) faster[i] = best->seconds[i] / ours->seconds[i];
    printf(" %10.1f  %-20s  %s", 1e6 * middle_of(best->seconds), describe(faster, text), conv_name(best->kernel));
    bench_number("oneDNN [us]", 1e6 * middle_of(best->seconds));
  }
  printf("\n");
  fflush(stdout);
}

enum status bench_convolutions(void) {
  printf(
      "convolutions, %d -> %d channels, batch %d: medians (and quartiles) of %d rounds, each of which measures the "
      "peak\n"
      "and oneDNN too: the fastest of its primitives, in the order of pixels that suits it, reordering not counted.\n"
      "Flop by the direct count; a doubling and the 3x3 convolution after it by that of the folded form.\n",
      CHANNELS, CHANNELS, BATCH, ROUNDS);
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
    printf("%-24s %8s %8s  %-20s %10s  %-20s  %s\n", layers[i].name, "us", "GFLOP/s", "times the peak", "oneDNN us",
           "times ours", "which");
    for (int direction = 0; direction < 3; direction++) {
      struct race race = make_shapes(&layers[i], find_op(&layers[i], direction));
      enum status status = open_race(&race);
      if (status == STATUS_OK) status = run_race(&race);
      if (status == STATUS_OK) print_race(&race, layers[i].name, directions[direction]);
      close_race(&race);
      TRY(status);
    }
  }
  return STATUS_OK;
}
