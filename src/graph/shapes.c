/* The shape of every op's result, or why there is none. */
#include "graph/node.h"

#include <stdio.h>

int64_t type_size(enum graph_type type) { return type == GRAPH_F32 ? 4 : 8; }

int64_t shape_elements(const struct shape *shape) {
  int64_t elements = 1;
  for (int i = 0; i < shape->rank; i++) elements *= shape->dim[i];
  return elements;
}

int64_t shape_bytes(const struct shape *shape) { return shape_elements(shape) * type_size(shape->type); }

bool shape_equal(const struct shape *a, const struct shape *b) {
  bool equal = a->type == b->type && a->rank == b->rank;
  for (int i = 0; equal && i < a->rank; i++) equal = a->dim[i] == b->dim[i];
  return equal;
}

struct shape shape_make(enum graph_type type, int rank, const int64_t *dim) {
  struct shape shape = {.type = type, .rank = rank};
  for (int i = 0; i < rank && i < GRAPH_RANK_MAX; i++) shape.dim[i] = dim[i];
  return shape;
}

const char *shape_text(const struct shape *shape, char *text, int size) {
  static const char *const types[GRAPH_TYPE_COUNT] = {"f32", "f64", "i64"};
  int at = snprintf(text, (size_t)size, "%s", (unsigned)shape->type < GRAPH_TYPE_COUNT ? types[shape->type] : "?");
  for (int i = 0; i < shape->rank && i < GRAPH_RANK_MAX && at < size; i++)
    at += snprintf(text + at, (size_t)(size - at), "[%lld]", (long long)shape->dim[i]);
  return text;
}

static bool is_real(const struct shape *shape) { return shape->type != GRAPH_I64; }

/* Sizes stay far below what int64_t holds, so that products of a few of them do not overflow unseen. */
static const char *check_extent(const struct shape *shape) {
  const int64_t most = INT64_C(1) << 40;
  int64_t elements = 1;
  if ((unsigned)shape->type >= GRAPH_TYPE_COUNT) return "there is no such type";
  if (shape->rank < 0 || shape->rank > GRAPH_RANK_MAX) return "there are 0 to 4 dimensions";
  for (int i = 0; i < shape->rank; i++) {
    if (shape->dim[i] < 0 || shape->dim[i] > most) return "a dimension is 0 to 2^40";
    if (shape->dim[i] > 0 && elements > most / shape->dim[i]) return "an array has up to 2^40 elements";
    elements *= shape->dim[i] > 0 ? shape->dim[i] : 1;
  }
  return NULL;
}

static const char *shape_given(const struct shape *const *inputs, const struct op_attributes *attributes,
                               struct shape *out) {
  (void)inputs, (void)attributes;
  return check_extent(out);
}

static const char *shape_same(const struct shape *const *inputs, const struct op_attributes *attributes,
                              struct shape *out) {
  (void)attributes;
  *out = *inputs[0];
  if (!is_real(inputs[0])) return "the type must be f32 or f64";
  return inputs[1] && !shape_equal(inputs[0], inputs[1]) ? "the shapes must be equal" : NULL;
}

/* `out` says the target. */
static const char *shape_broadcast(const struct shape *const *inputs, const struct op_attributes *attributes,
                                   struct shape *out) {
  (void)attributes;
  const struct shape *in = inputs[0];
  out->type = in->type;
  if (!is_real(in)) return "the type must be f32 or f64";
  if (in->rank != out->rank) return "the ranks must be equal";
  for (int i = 0; i < in->rank; i++)
    if (in->dim[i] != 1 && in->dim[i] != out->dim[i]) return "a dimension must be 1 or that of the result";
  return check_extent(out);
}

static const char *shape_slice(const struct shape *const *inputs, const struct op_attributes *attributes,
                               struct shape *out) {
  int64_t axis = attributes->integer[0], start = attributes->integer[1], length = attributes->integer[2];
  *out = *inputs[0];
  if (!is_real(out)) return "the type must be f32 or f64";
  if (axis < 0 || axis >= out->rank) return "there is no such axis";
  if (start < 0 || length < 0 || start > out->dim[axis] || length > out->dim[axis] - start)
    return "the slice is not within the axis";
  out->dim[axis] = length;
  return NULL;
}

static const char *shape_pad(const struct shape *const *inputs, const struct op_attributes *attributes,
                             struct shape *out) {
  int64_t axis = attributes->integer[0], start = attributes->integer[1], total = attributes->integer[2];
  *out = *inputs[0];
  if (!is_real(out)) return "the type must be f32 or f64";
  if (axis < 0 || axis >= out->rank) return "there is no such axis";
  if (start < 0 || total < out->dim[axis] || start > total - out->dim[axis]) return "the array is not within the total";
  out->dim[axis] = total;
  return check_extent(out);
}

static const char *shape_concatenate(const struct shape *const *inputs, const struct op_attributes *attributes,
                                     struct shape *out) {
  int64_t axis = attributes->integer[0];
  *out = *inputs[0];
  if (!is_real(out)) return "the type must be f32 or f64";
  if (inputs[1]->type != out->type || inputs[1]->rank != out->rank) return "types and ranks must be equal";
  if (axis < 0 || axis >= out->rank) return "there is no such axis";
  for (int i = 0; i < out->rank; i++)
    if (i != axis && inputs[1]->dim[i] != out->dim[i]) return "all dimensions but that of the axis must be equal";
  out->dim[axis] += inputs[1]->dim[axis];
  return check_extent(out);
}

static const char *check_index(const struct shape *const *inputs) {
  if (!is_real(inputs[0])) return "the type must be f32 or f64";
  if (inputs[0]->rank < 1) return "there is no axis to index";
  return inputs[1]->type != GRAPH_I64 || inputs[1]->rank != 1 ? "the index must be i64 of one dimension" : NULL;
}

static const char *shape_gather(const struct shape *const *inputs, const struct op_attributes *attributes,
                                struct shape *out) {
  (void)attributes;
  *out = *inputs[0];
  const char *why = check_index(inputs);
  if (!why) out->dim[0] = inputs[1]->dim[0];
  return why ? why : check_extent(out);
}

static const char *shape_scatter(const struct shape *const *inputs, const struct op_attributes *attributes,
                                 struct shape *out) {
  *out = *inputs[0];
  const char *why = check_index(inputs);
  if (!why && inputs[0]->dim[0] != inputs[1]->dim[0]) why = "there must be one index for each row";
  if (!why) out->dim[0] = attributes->integer[0];
  return why ? why : check_extent(out);
}

static const char *shape_reduce(const struct shape *const *inputs, const struct op_attributes *attributes,
                                struct shape *out) {
  *out = *inputs[0];
  if (!is_real(out)) return "the type must be f32 or f64";
  if (attributes->integer[0] >> out->rank) return "there is no such axis";
  for (int i = 0; i < out->rank; i++)
    if (attributes->integer[0] >> i & 1) out->dim[i] = 1;
  return NULL;
}

static const char *shape_matmul(const struct shape *const *inputs, const struct op_attributes *attributes,
                                struct shape *out) {
  const struct shape *a = inputs[0], *b = inputs[1];
  if (!is_real(a) || a->type != b->type) return "both must be f32, or both f64";
  if (a->rank != 2 || b->rank != 2) return "both must be matrices";
  bool ta = attributes->integer[0] != 0, tb = attributes->integer[1] != 0;
  if (a->dim[ta ? 0 : 1] != b->dim[tb ? 1 : 0]) return "the inner dimensions differ";
  *out = shape_make(a->type, 2, (const int64_t[]){a->dim[ta ? 1 : 0], b->dim[tb ? 0 : 1]});
  return check_extent(out);
}

static const char *check_conv(const struct shape *a, const struct shape *b, const struct op_attributes *attributes) {
  const int64_t *integer = attributes->integer;
  if (!is_real(a) || a->type != b->type) return "both must be f32, or both f64";
  if (a->rank != 4 || b->rank != 4) return "both must have four dimensions";
  if (integer[CONV_STRIDE] < 1 || integer[CONV_STRIDE] > 1 << 20) return "the stride is 1 to 2^20";
  for (int i = CONV_TOP; i <= CONV_RIGHT; i++)
    if (integer[i] < 0 || integer[i] > 1 << 20) return "padding is 0 to 2^20";
  return NULL;
}

/* Positions of a kernel of extent `kernel` on a padded axis; -1 for none. */
static int64_t conv_extent(int64_t size, int64_t kernel, int64_t before, int64_t after, int64_t stride) {
  int64_t room = size + before + after - kernel;
  return kernel < 1 || room < 0 ? -1 : room / stride + 1;
}

static const char *shape_conv(const struct shape *const *inputs, const struct op_attributes *attributes,
                              struct shape *out) {
  const struct shape *x = inputs[0], *w = inputs[1];
  const int64_t *integer = attributes->integer;
  const char *why = check_conv(x, w, attributes);
  if (why) return why;
  if (x->dim[3] != w->dim[2]) return "the image's channels are not the weights' input channels";
  int64_t stride = integer[CONV_STRIDE];
  int64_t height = conv_extent(x->dim[1], w->dim[0], integer[CONV_TOP], integer[CONV_BOTTOM], stride);
  int64_t width = conv_extent(x->dim[2], w->dim[1], integer[CONV_LEFT], integer[CONV_RIGHT], stride);
  if (height < 0 || width < 0) return "the kernel is larger than the padded image, or empty";
  *out = shape_make(x->type, 4, (const int64_t[]){x->dim[0], height, width, w->dim[3]});
  return check_extent(out);
}

/* Whether conv of x and w is of the shape of dy. */
static const char *check_conv_result(const struct shape *x, const struct shape *w, const struct shape *dy,
                                     const struct op_attributes *attributes) {
  struct shape forward;
  const char *why = check_extent(x);
  if (!why) why = check_extent(w);
  if (!why) why = shape_conv((const struct shape *const[]){x, w}, attributes, &forward);
  if (!why && !shape_equal(&forward, dy)) why = "the forward convolution has another shape";
  return why;
}

static const char *shape_conv_input_gradient(const struct shape *const *inputs, const struct op_attributes *attributes,
                                             struct shape *out) {
  const struct shape *dy = inputs[0], *w = inputs[1];
  const char *why = check_conv(dy, w, attributes);
  if (why) return why;
  *out = shape_make(
      dy->type, 4,
      (const int64_t[]){dy->dim[0], attributes->integer[CONV_EXTENT_0], attributes->integer[CONV_EXTENT_1], w->dim[2]});
  return check_conv_result(out, w, dy, attributes);
}

static const char *shape_conv_weight_gradient(const struct shape *const *inputs, const struct op_attributes *attributes,
                                              struct shape *out) {
  const struct shape *x = inputs[0], *dy = inputs[1];
  const char *why = check_conv(x, dy, attributes);
  if (why) return why;
  *out = shape_make(
      dy->type, 4,
      (const int64_t[]){attributes->integer[CONV_EXTENT_0], attributes->integer[CONV_EXTENT_1], x->dim[3], dy->dim[3]});
  return check_conv_result(x, out, dy, attributes);
}

static const char *shape_upsample2(const struct shape *const *inputs, const struct op_attributes *attributes,
                                   struct shape *out) {
  (void)attributes;
  *out = *inputs[0];
  if (!is_real(out)) return "the type must be f32 or f64";
  if (out->rank != 4) return "there must be four dimensions";
  out->dim[1] *= 2;
  out->dim[2] *= 2;
  return check_extent(out);
}

static const char *shape_upsample2_adjoint(const struct shape *const *inputs, const struct op_attributes *attributes,
                                           struct shape *out) {
  (void)attributes;
  *out = *inputs[0];
  if (!is_real(out)) return "the type must be f32 or f64";
  if (out->rank != 4) return "there must be four dimensions";
  if (out->dim[1] % 2 != 0 || out->dim[2] % 2 != 0) return "height and width must be even";
  out->dim[1] /= 2;
  out->dim[2] /= 2;
  return NULL;
}

static const char *shape_mirror(const struct shape *const *inputs, const struct op_attributes *attributes,
                                struct shape *out) {
  (void)attributes;
  *out = *inputs[0];
  if (!is_real(out)) return "the type must be f32 or f64";
  if (out->rank != 4) return "there must be four dimensions";
  out->dim[2] = inputs[0]->dim[3];
  out->dim[3] = inputs[0]->dim[2];
  return NULL;
}

#define DECLARE_DERIVE(name, arity, shape, kind)                                                                       \
  void derive_##name(struct value node, struct value cotangent, struct value *contribution);
GRAPH_OP_LIST(DECLARE_DERIVE)
#undef DECLARE_DERIVE

const struct op_info op_table[OP_COUNT] = {
#define OP_ROW(name, arity, shape, kind) [OP_##name] = {#name, arity, OP_KIND_##kind, shape_##shape, derive_##name},
    GRAPH_OP_LIST(OP_ROW)
#undef OP_ROW
};
