/* Convolutions by oneDNN's primitives: channels-last images as they are, weights in the primitive's own order, scratch
 * memory from the plan, so that a run allocates nothing but what oneDNN books for a call. For benchmarks also what it
 * does best with images in an order of its own: Winograd's algorithm, which it has for AVX-512 alone, takes no other.
 */
#include "graph/conv_method.h"

#ifndef HGN_ONEDNN

const char *conv_onednn_describe(void) { return "no oneDNN"; }

static bool can(const struct conv_geometry *g, const struct conv_tail *tail) {
  (void)g, (void)tail;
  return false;
}

const struct conv_method conv_onednn = {.name = "onednn", .peer = true, .can = can};

const struct conv_method *conv_onednn_form(int index) {
  (void)index;
  return NULL;
}

#else

#include <dlfcn.h>
#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is asked of oneDNN. */
struct form {
  dnnl_alg_kind_t algorithm;
  dnnl_format_tag_t images;
  bool turned; /* where turning pays */
};

struct onednn {
  struct form form;
  struct conv_geometry geometry;       /* of what the primitive computes: the kernel's, or see turn() */
  float *turned;                       /* weights, mirrored; NULL where the primitive takes them as they are */
  dnnl_primitive_t primitive, reorder; /* reorder: NULL when the weights' order is the user's */
  dnnl_memory_t image, weights, result, bias, scratch,
      plain; /* x or dx; own order; y or dy; weights as [kh][kw][ci][co] */
  void *own; /* memory of `weights`, NULL when they are the user's */
};

/* As status, with what oneDNN said. */
static enum status check(dnnl_status_t code, const char *what) {
  if (code == dnnl_success) return STATUS_OK;
  if (code == dnnl_out_of_memory) return status_raise(STATUS_MEMORY, "oneDNN is out of memory for %s", what);
  return status_raise(STATUS_UNAVAILABLE, "oneDNN cannot make %s (error %d)", what, (int)code);
}

static dnnl_engine_t engine;
static dnnl_stream_t stream;

/* One engine and stream for the process. oneDNN runs on OpenMP, which has to be told to use one thread; its symbol is
 * looked up since not every build of oneDNN has it. */
static enum status open_engine(void) {
  if (stream) return STATUS_OK;
  void *program = dlopen(NULL, RTLD_LAZY), *symbol = program ? dlsym(program, "omp_set_num_threads") : NULL;
  if (symbol) {
    void (*set_threads)(int);
    memcpy(&set_threads, &symbol, sizeof set_threads); /* ISO C has no cast from object to function pointer */
    set_threads(1);
  }
  if (program) dlclose(program);
  if (!engine) TRY(check(dnnl_engine_create(&engine, dnnl_cpu, 0), "an engine"));
  return check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "a stream");
}

const char *conv_onednn_describe(void) {
  static char text[64];
  const dnnl_version_t *version = dnnl_version();
  snprintf(text, sizeof text, "oneDNN %d.%d.%d", version->major, version->minor, version->patch);
  return text;
}

/* Of stride 1, a convolution's input gradient is itself a convolution of dy, and its weight gradient is that of the
 * convolution from y to x, both with mirrored weights. What oneDNN does better so, us, batch 8, 3x3:
 *   input gradients on AVX-512, images that are not small: 64 -> 64 channels at 32x32 3490 and 2960, 8x8 198 and 182,
 *   4x4 39 and 42; on AVX2 the same
 *   weight gradients for few results: 32 -> 3 at 32x32 392 and 87, on AVX2 399 and 133 */
enum { TURNED_PIXELS = 64, TURNED_CHANNELS = 16, TURNED_FEW = 4 };

static bool turning_pays(const struct conv_geometry *g) {
  if (g->op == OP_conv_weight_gradient) return g->co <= TURNED_FEW && g->ci > TURNED_FEW;
  return g->op == OP_conv_input_gradient && cpu_level_get() == CPU_AVX512 && g->h * g->w >= TURNED_PIXELS &&
         g->ci >= TURNED_CHANNELS && g->co >= TURNED_CHANNELS;
}

static enum status turn(const struct conv_geometry *g, struct onednn *one) {
  one->geometry = *g;
  if (!one->form.turned || !turning_pays(g) || !conv_turn(g, &one->geometry)) return STATUS_OK;
  one->turned = malloc((size_t)(g->kh * g->kw * g->ci * g->co) * sizeof *one->turned);
  REQUIRE(one->turned, STATUS_MEMORY, "out of memory for a convolution's weights");
  return STATUS_OK;
}

static const struct conv_geometry *geometry_of(const struct conv_kernel *kernel) {
  return &((const struct onednn *)kernel->self)->geometry;
}

static const struct form *form_of(const struct conv_kernel *kernel) {
  return &((const struct onednn *)kernel->self)->form;
}

struct descriptions {
  dnnl_memory_desc_t image, any_weights, plain, result, bias;
};

static enum status describe(const struct conv_kernel *kernel, struct descriptions *d) {
  const struct conv_geometry *g = geometry_of(kernel);
  const dnnl_dims_t image = {g->n, g->ci, g->h, g->w}, result = {g->n, g->co, g->oh, g->ow};
  const dnnl_dims_t weights = {g->co, g->ci, g->kh, g->kw}, bias = {g->co};
  const dnnl_format_tag_t images = form_of(kernel)->images;
  memset(d, 0, sizeof *d);
  TRY(check(dnnl_memory_desc_init_by_tag(&d->image, 4, image, dnnl_f32, images), "an image"));
  TRY(check(dnnl_memory_desc_init_by_tag(&d->result, 4, result, dnnl_f32, images), "an image"));
  TRY(check(dnnl_memory_desc_init_by_tag(&d->any_weights, 4, weights, dnnl_f32, dnnl_format_tag_any), "weights"));
  TRY(check(dnnl_memory_desc_init_by_tag(&d->plain, 4, weights, dnnl_f32, dnnl_hwio), "weights"));
  if (kernel->tail.bias) TRY(check(dnnl_memory_desc_init_by_tag(&d->bias, 1, bias, dnnl_f32, dnnl_a), "a bias"));
  return STATUS_OK;
}

static enum status create_attributes(const struct conv_kernel *kernel, dnnl_primitive_attr_t *attributes) {
  TRY(check(dnnl_primitive_attr_create(attributes), "attributes"));
  enum status status =
      check(dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user), "attributes");
  if (status == STATUS_OK && geometry_of(kernel)->op == OP_conv && kernel->tail.slope != 1) {
    dnnl_post_ops_t operations;
    status = check(dnnl_post_ops_create(&operations), "attributes");
    if (status != STATUS_OK) return status;
    status =
        check(dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, (float)kernel->tail.slope, 0), "a tail");
    if (status == STATUS_OK) status = check(dnnl_primitive_attr_set_post_ops(*attributes, operations), "a tail");
    dnnl_post_ops_destroy(operations);
  }
  return status;
}

/* The forward description, which the backward ones need as a hint too. */
static enum status create_forward(const struct conv_kernel *kernel, const struct descriptions *d,
                                  dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *description) {
  const struct conv_geometry *g = geometry_of(kernel);
  const dnnl_dims_t strides = {g->stride, g->stride}, before = {g->top, g->left}, after = {g->bottom, g->right};
  const dnnl_prop_kind_t kind = g->op == OP_conv ? dnnl_forward_inference : dnnl_forward_training;
  dnnl_convolution_desc_t forward;
  TRY(check(dnnl_convolution_forward_desc_init(&forward, kind, form_of(kernel)->algorithm, &d->image, &d->any_weights,
                                               kernel->tail.bias ? &d->bias : NULL, &d->result, strides, before, after),
            "a convolution"));
  return check(dnnl_primitive_desc_create(description, &forward, attributes, engine, NULL), "a convolution");
}

static enum status create_backward(const struct conv_kernel *kernel, const struct descriptions *d,
                                   dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t hint,
                                   dnnl_primitive_desc_t *description) {
  const struct conv_geometry *g = geometry_of(kernel);
  const dnnl_dims_t strides = {g->stride, g->stride}, before = {g->top, g->left}, after = {g->bottom, g->right};
  const dnnl_alg_kind_t algorithm = form_of(kernel)->algorithm;
  dnnl_convolution_desc_t backward;
  dnnl_status_t code =
      g->op == OP_conv_input_gradient
          ? dnnl_convolution_backward_data_desc_init(&backward, algorithm, &d->image, &d->any_weights, &d->result,
                                                     strides, before, after)
          : dnnl_convolution_backward_weights_desc_init(&backward, algorithm, &d->image, &d->any_weights, NULL,
                                                        &d->result, strides, before, after);
  TRY(check(code, "a convolution's gradient"));
  return check(dnnl_primitive_desc_create(description, &backward, attributes, engine, hint),
               "a convolution's gradient");
}

static enum status create_memory(dnnl_memory_t *memory, const dnnl_memory_desc_t *description, void *handle) {
  return check(dnnl_memory_create(memory, description, engine, handle), "memory");
}

/* Weights in the primitive's own order, with the reorder from the user's (to it, for a weight gradient). */
static enum status create_reorder(struct conv_kernel *kernel, const struct descriptions *d,
                                  const dnnl_memory_desc_t *own) {
  struct onednn *one = kernel->self;
  bool gradient = kernel->geometry.op == OP_conv_weight_gradient;
  TRY(create_memory(&one->plain, &d->plain, DNNL_MEMORY_NONE));
  if (dnnl_memory_desc_equal(own, &d->plain)) return create_memory(&one->weights, own, DNNL_MEMORY_NONE);
  size_t bytes = (dnnl_memory_desc_get_size(own) + 63) / 64 * 64;
  one->own = aligned_alloc(64, bytes);
  REQUIRE(one->own, STATUS_MEMORY, "out of memory for a convolution's weights");
  memset(one->own, 0, bytes);
  TRY(create_memory(&one->weights, own, one->own));
  dnnl_primitive_desc_t description;
  TRY(check(dnnl_reorder_primitive_desc_create(&description, gradient ? own : &d->plain, engine,
                                               gradient ? &d->plain : own, engine, NULL),
            "a reorder"));
  enum status status = check(dnnl_primitive_create(&one->reorder, description), "a reorder");
  dnnl_primitive_desc_destroy(description);
  return status;
}

/* In the primitive's order, which may be any of as many numbers. */
static enum status create_image(dnnl_memory_t *memory, const_dnnl_primitive_desc_t description,
                                const dnnl_memory_desc_t *wanted, dnnl_query_t query) {
  const dnnl_memory_desc_t *own = dnnl_primitive_desc_query_md(description, query, 0);
  size_t bytes = sizeof(float);
  for (int i = 0; i < wanted->ndims; i++) bytes *= (size_t)wanted->dims[i];
  REQUIRE(dnnl_memory_desc_get_size(own) == bytes, STATUS_UNAVAILABLE, "oneDNN pads images of this convolution");
  return create_memory(memory, own, DNNL_MEMORY_NONE);
}

static enum status create_from(struct conv_kernel *kernel, const struct descriptions *d,
                               dnnl_primitive_desc_t description) {
  struct onednn *one = kernel->self;
  bool gradient = kernel->geometry.op == OP_conv_weight_gradient;
  const char *name = "?";
  const dnnl_memory_desc_t *scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
  const dnnl_memory_desc_t *own =
      dnnl_primitive_desc_query_md(description, gradient ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
  TRY(check(dnnl_primitive_create(&one->primitive, description), "a convolution"));
  TRY(create_image(&one->image, description, &d->image,
                   one->geometry.op == OP_conv_input_gradient ? dnnl_query_diff_src_md : dnnl_query_src_md));
  TRY(create_image(&one->result, description, &d->result,
                   one->geometry.op == OP_conv ? dnnl_query_dst_md : dnnl_query_diff_dst_md));
  if (kernel->tail.bias) TRY(create_memory(&one->bias, &d->bias, DNNL_MEMORY_NONE));
  TRY(create_memory(&one->scratch, scratch, DNNL_MEMORY_NONE));
  kernel->scratch = (int64_t)dnnl_memory_desc_get_size(scratch);
  TRY(create_reorder(kernel, d, own));
  dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, (void *)&name);
  snprintf(kernel->name, sizeof kernel->name, "onednn %.40s", name);
  return STATUS_OK;
}

static bool can(const struct conv_geometry *g, const struct conv_tail *tail) {
  (void)tail;
  return g->type == GRAPH_F32;
}

/* Measured on AVX2 with 32 and 64 channels, batches of 2 to 16, us by oneDNN and by im2col: results of 1 x 1 and 2 x 2,
 * forward 44 and 29, weight gradient 84 and 32; larger ones 910 and 1060, 1090 and 1120. Input gradients gain at stride
 * 2 only, 23 and 19 against 23 and 34. */
static double cost(const struct conv_geometry *g) {
  const bool tiny = g->oh * g->ow <= 4 && (g->op != OP_conv_input_gradient || g->stride > 1);
  return tiny ? 2 : 0.9;
}

static enum status create_as(struct conv_kernel *kernel, const struct form *form) {
  struct descriptions d;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t hint = NULL, description = NULL;
  TRY(open_engine());
  struct onednn *one = kernel->self = calloc(1, sizeof *one);
  REQUIRE(one, STATUS_MEMORY, "out of memory for a convolution");
  one->form = *form;
  enum status status = turn(&kernel->geometry, one);
  const bool forward = one->geometry.op == OP_conv;
  if (status == STATUS_OK) status = describe(kernel, &d);
  if (status == STATUS_OK) status = create_attributes(kernel, &attributes);
  if (status == STATUS_OK) status = create_forward(kernel, &d, forward ? attributes : NULL, &hint);
  if (status == STATUS_OK && !forward) status = create_backward(kernel, &d, attributes, hint, &description);
  if (status == STATUS_OK) status = create_from(kernel, &d, forward ? hint : description);
  if (description) dnnl_primitive_desc_destroy(description);
  if (hint) dnnl_primitive_desc_destroy(hint);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status;
}

static void drop(dnnl_memory_t memory) {
  if (memory) dnnl_memory_destroy(memory);
}

static void destroy(struct conv_kernel *kernel) {
  struct onednn *one = kernel->self;
  if (!one) return;
  if (one->primitive) dnnl_primitive_destroy(one->primitive);
  if (one->reorder) dnnl_primitive_destroy(one->reorder);
  drop(one->image);
  drop(one->weights);
  drop(one->result);
  drop(one->bias);
  drop(one->scratch);
  drop(one->plain);
  free(one->own);
  free(one->turned);
  free(one);
}

static enum status run_check(dnnl_status_t code) {
  REQUIRE(code == dnnl_success, STATUS_NUMERIC, "oneDNN failed to run a convolution (error %d)", (int)code);
  return STATUS_OK;
}

/* Points a memory at data; oneDNN does not write what it only reads. */
static void point(dnnl_memory_t memory, const void *data) {
  if (memory) dnnl_memory_set_data_handle(memory, (void *)(uintptr_t)data);
}

static enum status reorder(const struct onednn *one, dnnl_memory_t from, dnnl_memory_t to) {
  const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  return run_check(dnnl_primitive_execute(one->reorder, stream, 2, arguments));
}

static enum status load_weights(struct conv_kernel *kernel, const void *weights) {
  struct onednn *one = kernel->self;
  const struct conv_geometry *g = &kernel->geometry;
  if (one->turned) {
    conv_mirror(g, weights, one->turned);
    weights = one->turned;
  }
  if (!one->reorder) {
    point(one->weights, weights);
    return STATUS_OK;
  }
  point(one->plain, weights);
  return reorder(one, one->plain, one->weights);
}

/* Into the primitive's own order; without one, into the caller's or, when turned, into `turned`. */
static enum status run_weight_gradient(struct onednn *one, const void *const *in, void *out, void *scratch) {
  point(one->scratch, scratch);
  point(one->image, in[one->turned ? 1 : 0]);
  point(one->result, in[one->turned ? 0 : 1]);
  point(one->reorder ? one->plain : one->weights, one->turned ? one->turned : out);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, one->image},
                                       {DNNL_ARG_DIFF_DST, one->result},
                                       {DNNL_ARG_DIFF_WEIGHTS, one->weights},
                                       {DNNL_ARG_SCRATCHPAD, one->scratch}};
  return run_check(dnnl_primitive_execute(one->primitive, stream, 4, arguments));
}

static enum status execute(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out,
                           void *scratch) {
  struct onednn *one = kernel->self;
  if (kernel->geometry.op == OP_conv_weight_gradient) return run_weight_gradient(one, in, out, scratch);
  bool forward = one->geometry.op == OP_conv;
  point(one->scratch, scratch);
  point(one->image, forward ? in[0] : out);
  point(one->result, forward ? out : in[0]);
  point(one->bias, bias);
  const dnnl_exec_arg_t arguments[] = {{forward ? DNNL_ARG_SRC : DNNL_ARG_DIFF_SRC, one->image},
                                       {forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, one->result},
                                       {DNNL_ARG_WEIGHTS, one->weights},
                                       {DNNL_ARG_SCRATCHPAD, one->scratch},
                                       {DNNL_ARG_BIAS, one->bias}};
  return run_check(dnnl_primitive_execute(one->primitive, stream, kernel->tail.bias ? 5 : 4, arguments));
}

static enum status run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out, void *scratch) {
  const struct onednn *one = kernel->self;
  const struct conv_geometry *g = &kernel->geometry;
  TRY(execute(kernel, in, bias, out, scratch));
  if (g->op != OP_conv_weight_gradient) return STATUS_OK;
  if (one->reorder) TRY(reorder(one, one->weights, one->plain));
  if (one->turned) conv_mirror(&one->geometry, one->turned, out);
  return STATUS_OK;
}

static enum status run_primitive(struct conv_kernel *kernel, const void *const *in, void *out, void *scratch) {
  return execute(kernel, in, NULL, out, scratch);
}

/* Winograd's input gradient as it is, and turned: a forward convolution's weights are transformed when they are loaded,
 * those of a gradient in each run. */
#define FORM(NAME, ...)                                                                                                \
  static enum status create_##NAME(struct conv_kernel *kernel) {                                                       \
    return create_as(kernel, &(const struct form){__VA_ARGS__});                                                       \
  }
FORM(direct, dnnl_convolution_direct, dnnl_nhwc, true)
FORM(any_direct, dnnl_convolution_direct, dnnl_format_tag_any, true)
FORM(winograd, dnnl_convolution_winograd, dnnl_format_tag_any, false)
FORM(turned_winograd, dnnl_convolution_winograd, dnnl_format_tag_any, true)

#define METHOD(NAME, ITS_CREATE)                                                                                       \
  {                                                                                                                    \
    .name = NAME, .peer = true, .can = can, .cost = cost, .create = ITS_CREATE, .destroy = destroy,                    \
    .load_weights = load_weights, .run = run, .run_primitive = run_primitive                                           \
  }
const struct conv_method conv_onednn = METHOD("onednn", create_direct);

const struct conv_method *conv_onednn_form(int index) {
  static const struct conv_method others[] = {METHOD("onednn any direct", create_any_direct),
                                              METHOD("onednn winograd", create_winograd),
                                              METHOD("onednn turned winograd", create_turned_winograd)};
  if (index == 0) return &conv_onednn;
  return index <= (int)(sizeof others / sizeof others[0]) ? &others[index - 1] : NULL;
}

#endif
