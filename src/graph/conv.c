/* Convolutions: which method a convolution takes, and what is the same for all methods. */
#include "graph/conv_method.h"
#include "graph/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The table ---- */

#define CONV_METHOD_ROW(name) &conv_##name,
static const struct conv_method *const table[] = {CONV_METHOD_LIST(CONV_METHOD_ROW)};
#undef CONV_METHOD_ROW
enum { METHODS = sizeof table / sizeof table[0] };

int conv_method_count(void) { return METHODS; }
const struct conv_method *conv_method_get(int index) { return table[index]; }

const struct conv_method *conv_method_find(const char *name) {
  for (int i = 0; i < METHODS; i++)
    if (strcmp(table[i]->name, name) == 0) return table[i];
  return NULL;
}

/* ---- The choice ---- */

/* The method of least cost of those not yet `tried`; -1: none is left. */
static int cheapest(const struct conv_kernel *kernel, const bool *tried) {
  int best = -1;
  double least = 0;
  for (int i = 0; i < METHODS; i++) {
    if (tried[i] || table[i]->peer || !table[i]->can(&kernel->geometry, &kernel->tail)) continue;
    const double cost = table[i]->cost(&kernel->geometry);
    if (best >= 0 && !(cost < least)) continue;
    best = i;
    least = cost;
  }
  return best;
}

/* What the method has made so far goes away when it fails. */
static enum status try_method(struct conv_kernel *kernel, const struct conv_method *method) {
  REQUIRE(method->can(&kernel->geometry, &kernel->tail), STATUS_UNAVAILABLE, "%s cannot compute this convolution",
          method->name);
  snprintf(kernel->name, sizeof kernel->name, "%s", method->name);
  kernel->multiplications = conv_flops(kernel) / 2;
  const enum status status = method->create ? method->create(kernel) : STATUS_OK;
  if (status == STATUS_OK) {
    kernel->method = method;
    return STATUS_OK;
  }
  if (method->destroy) method->destroy(kernel);
  kernel->self = NULL;
  kernel->scratch = 0;
  return status;
}

static enum status choose(struct conv_kernel *kernel) {
  bool tried[METHODS] = {false};
  for (int best; (best = cheapest(kernel, tried)) >= 0;) {
    const enum status status = try_method(kernel, table[best]);
    if (status != STATUS_UNAVAILABLE) return status;
    status_clear();
    tried[best] = true;
  }
  return status_raise(STATUS_UNAVAILABLE, "no method can compute this convolution");
}

/* ---- Making kernels ---- */

static struct conv_geometry find_geometry(enum graph_op op, const struct op_attributes *attributes,
                                          const struct shape *const *in, const struct shape *out) {
  const int64_t *integer = attributes->integer;
  const struct shape *x = op == OP_conv_input_gradient ? out : in[0];
  const struct shape *w = op == OP_conv_weight_gradient ? out : in[1];
  const struct shape *y = op == OP_conv ? out : op == OP_conv_input_gradient ? in[0] : in[1];
  return (struct conv_geometry){op,
                                out->type,
                                x->dim[0],
                                x->dim[1],
                                x->dim[2],
                                x->dim[3],
                                w->dim[0],
                                w->dim[1],
                                w->dim[3],
                                y->dim[1],
                                y->dim[2],
                                integer[CONV_STRIDE],
                                integer[CONV_TOP],
                                integer[CONV_BOTTOM],
                                integer[CONV_LEFT],
                                integer[CONV_RIGHT]};
}

enum status conv_create(enum graph_op op, const struct op_attributes *attributes, const struct shape *const *in,
                        const struct shape *out, const struct conv_tail *tail, const struct conv_method *method,
                        struct conv_kernel **kernel) {
  struct conv_kernel *made = *kernel = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a convolution");
  made->geometry = find_geometry(op, attributes, in, out);
  made->tail = tail ? *tail : (struct conv_tail){.slope = 1};
  const struct conv_geometry *g = &made->geometry;
  made->empty = g->n * g->h * g->w * g->ci * g->co * g->oh * g->ow == 0;
  if (made->empty) method = table[METHODS - 1]; /* for its name */
  const enum status status = method ? try_method(made, method) : choose(made);
  if (status != STATUS_OK) conv_destroy(kernel);
  return status;
}

void conv_destroy(struct conv_kernel **kernel) {
  if (!*kernel) return;
  if ((*kernel)->method && (*kernel)->method->destroy) (*kernel)->method->destroy(*kernel);
  free(*kernel);
  *kernel = NULL;
}

int64_t conv_scratch(const struct conv_kernel *kernel) { return kernel->scratch; }
const char *conv_name(const struct conv_kernel *kernel) { return kernel->name; }

double conv_flops(const struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  return 2.0 * (double)(g->n * g->oh * g->ow) * (double)(g->kh * g->kw * g->ci * g->co);
}

double conv_multiplications(const struct conv_kernel *kernel) { return kernel->multiplications; }

/* ---- Running ---- */

enum status conv_load_weights(struct conv_kernel *kernel, const void *weights) {
  kernel->weights = weights;
  if (kernel->empty || !kernel->method->load_weights) return STATUS_OK;
  return kernel->method->load_weights(kernel, weights);
}

static int64_t result_elements(const struct conv_geometry *g) {
  if (g->op == OP_conv) return g->n * g->oh * g->ow * g->co;
  return g->op == OP_conv_input_gradient ? g->n * g->h * g->w * g->ci : g->kh * g->kw * g->ci * g->co;
}

enum status conv_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  if (kernel->empty) {
    memset(out, 0, (size_t)(result_elements(g) * type_size(g->type)));
    if (g->op == OP_conv) conv_apply_tail(kernel, bias, g->n * g->oh * g->ow, out);
    return STATUS_OK;
  }
  const bool gradient = g->op == OP_conv_weight_gradient;
  if (!gradient && in[1]) TRY(conv_load_weights(kernel, in[1]));
  const void *const both[OP_INPUTS_MAX] = {in[0], gradient ? in[1] : kernel->weights};
  return kernel->method->run(kernel, both, bias, out, scratch);
}

enum status conv_run_primitive(struct conv_kernel *kernel, const void *const *in, void *out, void *scratch) {
  REQUIRE(kernel->method->run_primitive && !kernel->empty, STATUS_UNAVAILABLE, "%s has no primitive to be run alone",
          kernel->method->name);
  return kernel->method->run_primitive(kernel, in, out, scratch);
}

/* ---- What methods share ---- */

void conv_range(int64_t outputs, int64_t size, int64_t stride, int64_t shift, int64_t *first, int64_t *end) {
  *first = shift < 0 ? (-shift + stride - 1) / stride : 0;
  *end = size - shift > 0 ? (size - shift + stride - 1) / stride : 0;
  if (*end > outputs) *end = outputs;
  if (*first > *end) *first = *end;
}

bool conv_turn(const struct conv_geometry *g, struct conv_geometry *turned) {
  if (g->stride != 1 || g->top >= g->kh || g->bottom >= g->kh || g->left >= g->kw || g->right >= g->kw) return false;
  *turned = (struct conv_geometry){.op = g->op == OP_conv_input_gradient ? OP_conv : g->op,
                                   .type = g->type,
                                   .n = g->n,
                                   .h = g->oh,
                                   .w = g->ow,
                                   .ci = g->co,
                                   .kh = g->kh,
                                   .kw = g->kw,
                                   .co = g->ci,
                                   .oh = g->h,
                                   .ow = g->w,
                                   .stride = 1,
                                   .top = g->kh - 1 - g->top,
                                   .bottom = g->kh - 1 - g->bottom,
                                   .left = g->kw - 1 - g->left,
                                   .right = g->kw - 1 - g->right};
  return true;
}

void conv_mirror(const struct conv_geometry *g, const void *weights, void *to) {
  const struct shape in = shape_make(g->type, 4, (const int64_t[]){g->kh, g->kw, g->ci, g->co});
  const struct shape out = shape_make(g->type, 4, (const int64_t[]){g->kh, g->kw, g->co, g->ci});
  const struct kernel_call call = {.in_shape = {&in}, .out_shape = &out, .in = {weights}, .out = to};
  kernels_get(cpu_level_get())->node[g->type][OP_mirror](&call);
}

#define APPLY_TAIL(suffix, real)                                                                                       \
  static void apply_tail##suffix(const real *restrict bias, real slope, int64_t pixels, int64_t channels,              \
                                 real *restrict y) {                                                                   \
    for (int64_t i = 0; i < pixels; i++, y += channels)                                                                \
      for (int64_t c = 0; c < channels; c++) {                                                                         \
        real value = bias ? y[c] + bias[c] : y[c];                                                                     \
        y[c] = value > 0 ? value : value * slope;                                                                      \
      }                                                                                                                \
  }
APPLY_TAIL(_f32, float)
APPLY_TAIL(_f64, double)

void conv_apply_tail(const struct conv_kernel *kernel, const void *bias, int64_t pixels, void *y) {
  if (!bias && kernel->tail.slope == 1) return;
  if (kernel->geometry.type == GRAPH_F32)
    apply_tail_f32(bias, (float)kernel->tail.slope, pixels, kernel->geometry.co, y);
  else
    apply_tail_f64(bias, kernel->tail.slope, pixels, kernel->geometry.co, y);
}
