#include "graph/plan_private.h"

#include <string.h>

struct plan_size plan_measure(const struct plan *plan) {
  return (struct plan_size){plan->arena_bytes, plan->live_bytes, plan->nodes, plan->step_count};
}

struct plan_step plan_step_get(const struct plan *plan, int step) {
  const struct plan_task *at = &plan->steps[step];
  bool product = at->kind == STEP_CONV || at->kind == STEP_MATMUL;
  return (struct plan_step){.label = at->label,
                            .kernel = at->kernel,
                            .nodes = at->nodes,
                            .product = product,
                            .prepared = step < plan->prepared_count,
                            .flops = at->flops,
                            .multiplications = at->multiplications,
                            .bytes = at->bytes};
}

static void print_amount(FILE *file, double amount, const char *unit) {
  static const char *const prefixes[] = {"", "k", "M", "G", "T"};
  int prefix = 0;
  for (; amount >= 1000 && prefix < 4; prefix++) amount /= 1000;
  char text[32];
  snprintf(text, sizeof text, "%.3g %s%s", amount, prefixes[prefix], unit);
  fprintf(file, "  %12s", text);
}

void plan_print(const struct plan *plan, FILE *file) {
  double flops = 0;
  fprintf(file, "step nodes  %12s  %12s  %-24s what\n", "flop", "bytes", "kernel");
  for (int i = 0; i < plan->step_count; i++) {
    const struct plan_task *step = &plan->steps[i];
    fprintf(file, "%4d %5d", i, step->nodes);
    print_amount(file, step->flops, "");
    print_amount(file, step->bytes, "B");
    const bool prepared = i < plan->prepared_count;
    fprintf(file, "  %-24s %s%s\n", step->kernel, step->label, prepared ? " (when parameters change)" : "");
    if (!prepared) flops += step->flops;
  }
  fprintf(file, "%d nodes in %d steps;", plan->nodes, plan->step_count);
  print_amount(file, flops, "flop;");
  fprintf(file, "  arena");
  print_amount(file, (double)plan->arena_bytes, "B,");
  fprintf(file, " of which alive at once");
  print_amount(file, (double)plan->live_bytes, "B");
  fprintf(file, "\n");
}
