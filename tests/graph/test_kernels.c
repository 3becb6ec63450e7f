/* Kernels of every CPU level this machine has: against the reference on awkward shapes, and the same bits on all. */
#include "base/rng.h"
#include "graph/kernels.h"
#include "testing.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, SPECIAL_COUNT = 20 };
static const unsigned char guard_byte = 0xa5;

/* An array with bytes behind it that no kernel may write; aligned to 64 bytes as kernels are promised. */
struct array {
  struct shape shape;
  size_t bytes;
  void *data;
};

static struct array array_make(struct shape shape) {
  struct array array = {shape, (size_t)shape_bytes(&shape), NULL};
  size_t size = (array.bytes + GUARD + 63) / 64 * 64;
  array.data = aligned_alloc(64, size);
  assert_non_null(array.data);
  memset(array.data, guard_byte, size);
  return array;
}

static void array_free(struct array *array) {
  const unsigned char *end = (const unsigned char *)array->data + array->bytes;
  for (int i = 0; i < GUARD; i++)
    if (end[i] != guard_byte) fail_msg("written beyond the end");
  free(array->data);
}

static double array_get(const struct array *array, int64_t i) {
  return array->shape.type == GRAPH_F32 ? (double)((const float *)array->data)[i] : ((const double *)array->data)[i];
}

static void array_set(struct array *array, int64_t i, double value) {
  if (array->shape.type == GRAPH_F32)
    ((float *)array->data)[i] = (float)value;
  else
    ((double *)array->data)[i] = value;
}

static struct array array_random(struct shape shape, uint64_t stream, double scale) {
  struct array array = array_make(shape);
  struct rng rng = rng_stream(7, RNG_TEST, stream, 0);
  for (int64_t i = 0; i < shape_elements(&shape); i++) array_set(&array, i, scale * (2.0 * rng_uniform(&rng) - 1.0));
  return array;
}

/* The same bits, except that any NaN is as good as another. */
static bool same_bits(const struct array *a, const struct array *b) {
  size_t size = (size_t)type_size(a->shape.type);
  for (int64_t i = 0; i < shape_elements(&a->shape); i++) {
    const char *left = (const char *)a->data + (size_t)i * size, *right = (const char *)b->data + (size_t)i * size;
    if (memcmp(left, right, size) != 0 && !(isnan(array_get(a, i)) && isnan(array_get(b, i)))) return false;
  }
  return true;
}

/* |got - want| <= ulps units in the last place of want, plus `absolute`. */
static bool is_near(enum graph_type type, double got, double want, double ulps, double absolute) {
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
  if (isinf(want) || isinf(got)) return got == want;
  double unit = type == GRAPH_F32 ? 0x1p-23 : 0x1p-52, least = type == GRAPH_F32 ? 0x1p-149 : 0x1p-1074;
  return fabs(got - want) <= ulps * fmax(fabs(want) * unit, least) + absolute;
}

/* ---- Elementwise ops ---- */

/* Errors of special.h and of libm together, and a rounding of the f32 reference; 0: the same bits. */
static double map_bound(enum graph_op op) {
  switch (op) {
  case OP_exp:
  case OP_log:
  case OP_sin:
  case OP_cos:
    return 2.5;
  case OP_tanh:
  case OP_sigmoid:
  case OP_softplus:
  case OP_swish:
    return 5.0;
  default:
    return 0;
  }
}

/* With the ends of clamp, and where swish is subnormal in f32. */
static const double special_values[SPECIAL_COUNT] = {0.0,      -0.0, 1.0,   -1.0, 1e-30,  -1e-30,   1e-44,
                                                     -1e-44,   1e30, -1e30, 1e-3, -87.5,  88.0,     1e7,
                                                     INFINITY, NAN,  -1.25, 2.5,  -100.0, -INFINITY};

static struct array map_operand(enum graph_type type, int64_t n, uint64_t stream) {
  struct array array = array_random(shape_make(type, 1, &n), stream, 5.0);
  for (int64_t i = 0; i < n && n > 40; i++)
    if (i % 3 == (int64_t)stream % 3) array_set(&array, i, special_values[(i * 7 + (int64_t)stream) % SPECIAL_COUNT]);
  return array;
}

static void check_map(enum graph_op op, enum graph_type type, int64_t n) {
  bool unary = op_table[op].arity == 1;
  const struct op_attributes attributes = {.number = {op == OP_clamp || op == OP_clamp_mask ? -1.25 : 0.3, 2.5}};
  struct array a = map_operand(type, n, 1), b = map_operand(type, n, 2);
  struct array want = array_make(a.shape), base = array_make(a.shape), got = array_make(a.shape);
  const struct kernel_call call = {.attributes = &attributes,
                                   .in_shape = {&a.shape, unary ? NULL : &b.shape},
                                   .out_shape = &want.shape,
                                   .in = {a.data, unary ? NULL : b.data},
                                   .out = want.data};
  assert_ok(reference_run(op, &call));
  for (int level = 0; level <= (int)cpu_level_here(); level++) {
    kernel_map *map = kernels_get((enum cpu_level)level)->map[type][op];
    assert_non_null(map);
    map(n, attributes.number, a.data, call.in[1], got.data);
    if (level == 0) memcpy(base.data, got.data, got.bytes);
    for (int64_t i = 0; i < n; i++)
      if (!is_near(type, array_get(&got, i), array_get(&want, i), map_bound(op), 0))
        fail_msg("%s of %g, %g: %.17g, not %.17g", op_table[op].name, array_get(&a, i), array_get(&b, i),
                 array_get(&got, i), array_get(&want, i));
    if (!same_bits(&base, &got)) fail_msg("%s: other bits at level %d", op_table[op].name, level);
    memcpy(got.data, a.data, a.bytes); /* in place of the first operand, then of the second */
    map(n, attributes.number, got.data, call.in[1], got.data);
    if (!same_bits(&base, &got)) fail_msg("%s: other bits in place of a", op_table[op].name);
    memcpy(got.data, b.data, b.bytes);
    if (!unary) map(n, attributes.number, a.data, got.data, got.data);
    if (!unary && !same_bits(&base, &got)) fail_msg("%s: other bits in place of b", op_table[op].name);
  }
  array_free(&a), array_free(&b), array_free(&want), array_free(&base), array_free(&got);
}

static bool is_map(int op) { return op_table[op].kind == OP_KIND_UNARY || op_table[op].kind == OP_KIND_BINARY; }

static void test_maps(void **state) {
  (void)state;
  static const int64_t sizes[] = {0, 1, 2, 7, 31, 33, 1024, 1027};
  for (int op = 0; op < OP_COUNT; op++)
    for (int type = GRAPH_F32; type <= GRAPH_F64 && is_map(op); type++)
      for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        check_map((enum graph_op)op, (enum graph_type)type, sizes[s]);
}

/* An element's result is a function of the element, not of its place or its neighbours. */
static void test_maps_one_by_one(void **state) {
  (void)state;
  const struct op_attributes attributes = {.number = {-0.4, 1.7}};
  const struct kernel_set *set = kernels_get(cpu_level_here());
  for (int op = 0; op < OP_COUNT; op++)
    for (int type = GRAPH_F32; type <= GRAPH_F64 && is_map(op); type++) {
      struct array a = map_operand((enum graph_type)type, 301, 4), b = map_operand((enum graph_type)type, 301, 5);
      struct array all = array_make(a.shape), single = array_make(a.shape);
      bool unary = op_table[op].arity == 1;
      int64_t size = type_size((enum graph_type)type);
      set->map[type][op](301, attributes.number, a.data, unary ? NULL : b.data, all.data);
      for (int64_t i = 0; i < 301; i++)
        set->map[type][op](1, attributes.number, (char *)a.data + i * size, unary ? NULL : (char *)b.data + i * size,
                           (char *)single.data + i * size);
      if (!same_bits(&all, &single)) fail_msg("%s depends on the place of an element", op_table[op].name);
      array_free(&a), array_free(&b), array_free(&all), array_free(&single);
    }
}

/* ---- Kernels of whole nodes ---- */

/* Runs op at every level into an array of shape `out`, against the reference: `ulps` and `absolute` as is_near(). */
static void check_node(enum graph_op op, const struct op_attributes *attributes, const struct array *a,
                       const struct array *b, struct shape out, double ulps, double absolute) {
  char text[96];
  struct array want = array_make(out), base = array_make(out), got = array_make(out);
  struct kernel_call call = {.attributes = attributes,
                             .in_shape = {&a->shape, b ? &b->shape : NULL},
                             .out_shape = &out,
                             .in = {a->data, b ? b->data : NULL},
                             .out = want.data};
  assert_ok(reference_run(op, &call));
  for (int level = 0; level <= (int)cpu_level_here(); level++) {
    kernel_node *node = kernels_get((enum cpu_level)level)->node[out.type][op];
    assert_non_null(node);
    memset(got.data, 0x7f, got.bytes);
    call.out = got.data;
    assert_ok(node(&call));
    if (level == 0) memcpy(base.data, got.data, got.bytes);
    for (int64_t i = 0; i < shape_elements(&out); i++)
      if (!is_near(out.type, array_get(&got, i), array_get(&want, i), ulps, absolute))
        fail_msg("%s of %s, attribute %lld, element %lld: %.17g, not %.17g", op_table[op].name,
                 shape_text(&a->shape, text, sizeof text), (long long)attributes->integer[0], (long long)i,
                 array_get(&got, i), array_get(&want, i));
    if (!same_bits(&base, &got))
      fail_msg("%s of %s: other bits at level %d", op_table[op].name, shape_text(&a->shape, text, sizeof text), level);
  }
  array_free(&want), array_free(&base), array_free(&got);
}

static const int64_t shapes[][5] = {/* rank, dimensions */
                                    {0, 0, 0, 0, 0}, {1, 1, 0, 0, 0},  {1, 0, 0, 0, 0},  {1, 37, 0, 0, 0},
                                    {2, 1, 1, 0, 0}, {2, 3, 5, 0, 0},  {2, 0, 4, 0, 0},  {2, 70, 33, 0, 0},
                                    {3, 2, 1, 7, 0}, {3, 5, 9, 1, 0},  {3, 33, 2, 3, 0}, {4, 1, 1, 1, 1},
                                    {4, 2, 5, 3, 1}, {4, 3, 1, 7, 4},  {4, 2, 3, 5, 7},  {4, 0, 4, 4, 3},
                                    {4, 2, 4, 4, 0}, {4, 1, 9, 11, 3}, {4, 2, 1, 1, 65}, {4, 5, 4, 1, 33},
                                    {4, 1, 3, 70, 2}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Sums of up to 1000 terms, each up to 3: a few roundings each of partial sums of at most 64 terms. */
static double sum_error(enum graph_type type, int64_t terms) {
  return (type == GRAPH_F32 ? 0x1p-24 : 0x1p-53) * 3.0 * (double)terms * 8.0;
}

static void check_reductions(enum graph_type type, const int64_t *entry) {
  struct shape in = shape_make(type, (int)entry[0], entry + 1);
  struct array a = array_random(in, 11, 3.0);
  for (int64_t axes = 0; axes < (int64_t)1 << in.rank; axes++) {
    struct op_attributes attributes = {.integer = {axes}};
    struct shape out = in;
    int64_t terms = 1;
    for (int i = 0; i < in.rank; i++) {
      if (!(axes >> i & 1)) continue;
      terms *= in.dim[i];
      out.dim[i] = 1;
    }
    check_node(OP_sum, &attributes, &a, NULL, out, 1, sum_error(type, terms));
    check_node(OP_logsumexp, &attributes, &a, NULL, out, 8, sum_error(type, 4));
    if (terms > 0) { /* broadcast is its adjoint, with the same shapes the other way round */
      struct array small = array_random(out, 12, 1.0);
      const struct op_attributes none = {.integer = {0}};
      check_node(OP_broadcast, &none, &small, NULL, in, 0, 0);
      array_free(&small);
    }
  }
  array_free(&a);
}

static void test_reductions_and_broadcasts(void **state) {
  (void)state;
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++)
    for (int s = 0; s < SHAPES; s++) check_reductions((enum graph_type)type, shapes[s]);
}

/* Shapes of the field: sums of many terms keep the digits of f32. */
static void test_long_sums(void **state) {
  (void)state;
  static const struct {
    int64_t dim[4], axes;
  } cases[] = {{{16, 16, 16, 64}, 7}, {{8, 32, 32, 3}, 7},  {{4, 32, 32, 16}, 15}, {{8, 32, 32, 3}, 14},
               {{8, 16, 16, 12}, 9},  {{3, 50, 21, 35}, 5}, {{128, 300, 1, 1}, 3}};
  for (unsigned c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    struct array a = array_make(shape_make(GRAPH_F32, 4, cases[c].dim));
    struct rng rng = rng_stream(7, RNG_TEST, 20 + c, 0);
    struct op_attributes attributes = {.integer = {cases[c].axes}};
    struct shape out = a.shape;
    int64_t elements = shape_elements(&a.shape);
    for (int64_t i = 0; i < elements; i++) array_set(&a, i, rng_uniform(&rng)); /* one sign: nothing cancels */
    for (int i = 0; i < 4; i++)
      if (cases[c].axes >> i & 1) out.dim[i] = 1;
    struct array got = array_make(out), base = array_make(out);
    double *sum = calloc((size_t)shape_elements(&out), sizeof *sum);
    assert_non_null(sum);
    for (int64_t i = 0; i < elements; i++) {
      int64_t rest = i, at = 0, stride = 1;
      for (int d = 3; d >= 0; d--) {
        if (out.dim[d] > 1) at += rest % a.shape.dim[d] * stride;
        rest /= a.shape.dim[d];
        stride *= out.dim[d];
      }
      sum[at] += array_get(&a, i);
    }
    struct kernel_call call = {&attributes, {&a.shape, NULL}, &out, {a.data, NULL}, got.data};
    for (int level = 0; level <= (int)cpu_level_here(); level++) {
      assert_ok(kernels_get((enum cpu_level)level)->node[GRAPH_F32][OP_sum](&call));
      if (level == 0) memcpy(base.data, got.data, got.bytes);
      assert_true(same_bits(&base, &got));
    }
    for (int64_t i = 0; i < shape_elements(&out); i++)
      if (!is_near(GRAPH_F32, array_get(&got, i), sum[i], 8, 0))
        fail_msg("case %u: %.9g, not %.9g", c, array_get(&got, i), sum[i]);
    free(sum);
    array_free(&a), array_free(&got), array_free(&base);
  }
}

static void test_logsumexp_limits(void **state) {
  (void)state;
  const double inf = (double)INFINITY;
  const double rows[][3] = {{-inf, -inf, -inf},  {inf, 1, -inf},        {1000, 1000, 1000}, {-1000, -1000, -1001},
                            {(double)NAN, 1, 2}, {1, (double)NAN, inf}, {-inf, 0, -inf},    {3e38, 3e38, -3e38}};
  const struct op_attributes attributes = {.integer = {2}};
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++) {
    struct array a = array_make(shape_make((enum graph_type)type, 2, (const int64_t[]){8, 3}));
    for (int i = 0; i < 24; i++) array_set(&a, i, rows[i / 3][i % 3]);
    check_node(OP_logsumexp, &attributes, &a, NULL, shape_make((enum graph_type)type, 2, (const int64_t[]){8, 1}), 2,
               0);
    array_free(&a);
  }
}

static void check_axis(struct shape in, int axis, const struct array *a) {
  for (int64_t start = 0; start <= in.dim[axis]; start += 1 + in.dim[axis] / 3) {
    struct shape out = in;
    out.dim[axis] = in.dim[axis] - start > 2 ? in.dim[axis] - start - 1 : in.dim[axis] - start;
    const struct op_attributes slice = {.integer = {axis, start, out.dim[axis]}};
    check_node(OP_slice, &slice, a, NULL, out, 0, 0);
    out.dim[axis] = in.dim[axis] + start + 2;
    const struct op_attributes pad = {.integer = {axis, start, out.dim[axis]}};
    check_node(OP_pad, &pad, a, NULL, out, 0, 0);
  }
  for (int64_t more = 0; more < 10; more += 3) {
    struct shape other = in, out = in;
    other.dim[axis] = more;
    out.dim[axis] += more;
    struct array b = array_random(other, 31, 1.0);
    const struct op_attributes attributes = {.integer = {axis}};
    check_node(OP_concatenate, &attributes, a, &b, out, 0, 0);
    array_free(&b);
  }
}

static void test_slices_pads_concatenations(void **state) {
  (void)state;
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++)
    for (int s = 0; s < SHAPES; s++) {
      struct shape in = shape_make((enum graph_type)type, (int)shapes[s][0], shapes[s] + 1);
      struct array a = array_random(in, 30, 1.0);
      for (int axis = 0; axis < in.rank; axis++) check_axis(in, axis, &a);
      array_free(&a);
    }
}

static struct array index_array(int64_t count, int64_t rows, uint64_t stream) {
  struct array index = array_make(shape_make(GRAPH_I64, 1, &count));
  struct rng rng = rng_stream(7, RNG_TEST, stream, 0);
  for (int64_t i = 0; i < count; i++) ((int64_t *)index.data)[i] = (int64_t)rng_below(&rng, (uint64_t)rows);
  return index;
}

static void test_gather_and_scatter(void **state) {
  (void)state;
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++)
    for (int s = 1; s < SHAPES; s++)
      for (int64_t count = 0; count < 12; count += 4) {
        struct shape in = shape_make((enum graph_type)type, (int)shapes[s][0], shapes[s] + 1), picked = in;
        if (in.dim[0] == 0 && count > 0) continue;
        picked.dim[0] = count;
        struct array index = index_array(count, in.dim[0] + (in.dim[0] == 0), (uint64_t)s);
        struct array a = array_random(in, 40, 1.0), rows = array_random(picked, 41, 1.0);
        const struct op_attributes none = {.integer = {0}}, total = {.integer = {in.dim[0]}};
        check_node(OP_gather, &none, &a, &index, picked, 0, 0);
        check_node(OP_scatter, &total, &rows, &index, in, 0, type == GRAPH_F32 ? 1e-6 : 1e-15);
        array_free(&index), array_free(&a), array_free(&rows);
      }
}

static void test_index_out_of_range(void **state) {
  (void)state;
  static const int64_t wrong[] = {-1, 4, INT64_MAX, INT64_MIN};
  const struct op_attributes attributes = {.integer = {4}};
  struct shape shape = shape_make(GRAPH_F32, 2, (const int64_t[]){4, 3}), three = shape;
  three.dim[0] = 3;
  struct array a = array_random(shape, 50, 1.0), rows = array_random(three, 51, 1.0), index = index_array(3, 4, 52);
  struct array few = array_make(three), all = array_make(shape);
  for (int w = 0; w < 4; w++) {
    ((int64_t *)index.data)[1] = wrong[w];
    struct kernel_call gather = {&attributes, {&a.shape, &index.shape}, &few.shape, {a.data, index.data}, few.data};
    struct kernel_call scatter = {
        &attributes, {&rows.shape, &index.shape}, &all.shape, {rows.data, index.data}, all.data};
    for (int level = 0; level <= (int)cpu_level_here(); level++) {
      const struct kernel_set *set = kernels_get((enum cpu_level)level);
      assert_status(STATUS_NUMERIC, set->node[GRAPH_F32][OP_gather](&gather));
      assert_status(STATUS_NUMERIC, set->node[GRAPH_F32][OP_scatter](&scatter));
    }
    assert_status(STATUS_NUMERIC, reference_run(OP_gather, &gather));
    assert_status(STATUS_NUMERIC, reference_run(OP_scatter, &scatter));
  }
  array_free(&a), array_free(&rows), array_free(&index), array_free(&few), array_free(&all);
}

static void test_upsampling(void **state) {
  (void)state;
  const struct op_attributes none = {.integer = {0}};
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++)
    for (int s = 0; s < SHAPES; s++) {
      if (shapes[s][0] != 4) continue;
      struct shape low = shape_make((enum graph_type)type, 4, shapes[s] + 1), high = low;
      high.dim[1] *= 2;
      high.dim[2] *= 2;
      struct array a = array_random(low, 60, 1.0), b = array_random(high, 61, 1.0);
      check_node(OP_upsample2, &none, &a, NULL, high, 0, 0);
      check_node(OP_upsample2_adjoint, &none, &b, NULL, low, 0, 0);
      struct shape turned = low;
      turned.dim[2] = low.dim[3];
      turned.dim[3] = low.dim[2];
      check_node(OP_mirror, &none, &a, NULL, turned, 0, 0);
      array_free(&a), array_free(&b);
    }
}

static void test_normal(void **state) {
  (void)state;
  const struct op_attributes none = {.integer = {0}};
  int64_t three = 3, counts[] = {0, 1, 7, 1000};
  struct array key = array_make(shape_make(GRAPH_I64, 1, &three));
  const int64_t keys[] = {-5, RNG_TEST, INT64_C(1) << 40};
  memcpy(key.data, keys, sizeof keys);
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++)
    for (int c = 0; c < 4; c++) {
      struct shape out = shape_make((enum graph_type)type, 1, &counts[c]);
      check_node(OP_normal, &none, &key, NULL, out, 0, 0);
    }
  struct shape out = shape_make(GRAPH_F64, 1, &counts[2]);
  struct array got = array_make(out);
  struct kernel_call call = {&none, {&key.shape, NULL}, &out, {key.data, NULL}, got.data};
  assert_ok(kernels_get(CPU_BASE)->node[GRAPH_F64][OP_normal](&call));
  struct rng rng = rng_stream((uint64_t)keys[0], RNG_TEST, (uint64_t)keys[2], 0);
  double want[7];
  rng_normal(&rng, want, 7);
  assert_memory_equal(want, got.data, sizeof want);
  array_free(&key), array_free(&got);
}

/* Every op has the kernels that its kind asks for, at every level, whether or not this machine can run them. */
static void test_tables(void **state) {
  (void)state;
  for (int level = 0; level < CPU_LEVEL_COUNT; level++) {
    const struct kernel_set *set = kernels_get((enum cpu_level)level);
    assert_true(set->level <= (enum cpu_level)level || cpu_level_here() == CPU_BASE);
    for (int op = 0; op < OP_COUNT; op++)
      for (int type = GRAPH_F32; type <= GRAPH_F64; type++) {
        bool linear = op == OP_matmul || op == OP_conv || op == OP_conv_input_gradient || op == OP_conv_weight_gradient;
        assert_true((set->map[type][op] != NULL) == is_map(op));
        assert_true((set->node[type][op] != NULL) == (op_table[op].kind == OP_KIND_OTHER && !linear));
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_maps),
                                     cmocka_unit_test(test_maps_one_by_one),
                                     cmocka_unit_test(test_reductions_and_broadcasts),
                                     cmocka_unit_test(test_long_sums),
                                     cmocka_unit_test(test_logsumexp_limits),
                                     cmocka_unit_test(test_slices_pads_concatenations),
                                     cmocka_unit_test(test_gather_and_scatter),
                                     cmocka_unit_test(test_index_out_of_range),
                                     cmocka_unit_test(test_upsampling),
                                     cmocka_unit_test(test_normal),
                                     cmocka_unit_test(test_tables)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
