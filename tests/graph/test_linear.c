/* Convolutions by each library, in all directions, against the reference; adjoint identities; matrix products. */
#include "graph/conv.h"
#include "graph/kernels.h"
#include "graph/linear.h"
#include "harness.h"

struct conv_case {
  int64_t n, h, w, ci, kh, kw, co, stride, top, bottom, left, right;
};

/* 1 x 1 images and kernels, odd sizes, one channel, strides, uneven padding, kernels over all of the image, few
 * results (in several blocks of images), images large enough to be turned, the layers of the Hamiltonians and decoders,
 * no image at all. */
static const struct conv_case cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},    {2, 1, 1, 8, 1, 1, 16, 1, 0, 0, 0, 0},
    {3, 5, 7, 1, 3, 3, 4, 1, 1, 1, 1, 1},    {2, 7, 5, 3, 2, 3, 5, 2, 1, 0, 0, 2},
    {2, 9, 9, 4, 3, 3, 8, 3, 0, 1, 2, 0},    {4, 4, 4, 16, 3, 3, 32, 1, 1, 1, 1, 1},
    {4, 4, 4, 32, 2, 2, 64, 2, 0, 0, 0, 0},  {4, 2, 2, 64, 2, 2, 64, 1, 0, 1, 0, 1},
    {4, 2, 2, 64, 2, 2, 64, 2, 0, 0, 0, 0},  {4, 1, 1, 64, 2, 2, 1, 1, 0, 1, 0, 1},
    {2, 8, 8, 64, 3, 3, 3, 1, 1, 1, 1, 1},   {2, 9, 6, 16, 3, 2, 2, 2, 1, 0, 1, 1},
    {5, 8, 8, 15, 3, 3, 32, 1, 1, 1, 1, 1},  {3, 6, 6, 8, 1, 1, 12, 1, 0, 0, 0, 0},
    {2, 6, 6, 8, 1, 1, 12, 2, 0, 0, 0, 0},   {2, 3, 3, 8, 3, 3, 1, 1, 4, 4, 4, 4},
    {0, 8, 8, 16, 3, 3, 8, 1, 1, 1, 1, 1},   {20, 16, 16, 8, 3, 3, 24, 1, 1, 1, 1, 1},
    {20, 16, 16, 8, 3, 3, 3, 1, 1, 1, 1, 1}, {2, 9, 8, 16, 3, 2, 20, 1, 1, 0, 0, 1},
    {2, 9, 8, 16, 3, 2, 2, 1, 2, 0, 0, 1}};
enum { CASES = sizeof cases / sizeof cases[0] };

enum { CONV_ANY, CONV_ONEDNN, CONV_IM2COL };
static const char *const names[] = {"", "onednn", "im2col"};

struct problem {
  struct op_attributes attributes;
  struct shape x, w, y;
};

static struct problem make_problem(const struct conv_case *c, enum graph_op op, enum graph_type type) {
  int64_t oh = (c->h + c->top + c->bottom - c->kh) / c->stride + 1,
          ow = (c->w + c->left + c->right - c->kw) / c->stride + 1;
  struct problem problem = {.attributes = {.integer = {c->stride, c->top, c->bottom, c->left, c->right}},
                            .x = shape_make(type, 4, (const int64_t[]){c->n, c->h, c->w, c->ci}),
                            .w = shape_make(type, 4, (const int64_t[]){c->kh, c->kw, c->ci, c->co}),
                            .y = shape_make(type, 4, (const int64_t[]){c->n, oh, ow, c->co})};
  if (op != OP_conv) {
    problem.attributes.integer[CONV_EXTENT_0] = op == OP_conv_input_gradient ? c->h : c->kh;
    problem.attributes.integer[CONV_EXTENT_1] = op == OP_conv_input_gradient ? c->w : c->kw;
  }
  return problem;
}

static void *draw(const struct shape *shape, uint64_t index) {
  struct rng rng = rng_stream(11, RNG_TEST, index, 0);
  int64_t elements = shape_elements(shape);
  void *data = aligned_alloc(64, ((size_t)shape_bytes(shape) / 64 + 1) * 64);
  assert_non_null(data);
  if (shape->type == GRAPH_F32)
    rng_normal_f32(&rng, data, (int)elements);
  else
    rng_normal(&rng, data, (int)elements);
  return data;
}

static double element(const struct shape *shape, const void *data, int64_t i) {
  return shape->type == GRAPH_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

/* The tail on top of the reference's result. */
static double with_tail(const struct conv_tail *tail, const struct shape *shape, const void *bias, int64_t i,
                        double value) {
  int64_t channels = shape->dim[3];
  if (tail->bias) value += element(shape, bias, i % channels);
  return value > 0 ? value : value * tail->slope;
}

static void check_conv(int index, enum graph_op op, enum graph_type type, int library, struct conv_tail tail,
                       bool loaded) {
  struct problem problem = make_problem(&cases[index], op, type);
  const struct shape *in[2] = {op == OP_conv_input_gradient ? &problem.y : &problem.x,
                               op == OP_conv_weight_gradient ? &problem.y : &problem.w};
  const struct shape *out = op == OP_conv ? &problem.y : op == OP_conv_input_gradient ? &problem.x : &problem.w;
  const struct conv_method *method = library == CONV_ANY ? CONV_AUTO : conv_method_find(names[library]);
  struct conv_kernel *kernel;
  enum status status = conv_create(op, &problem.attributes, in, out, &tail, method, &kernel);
  if (status == STATUS_UNAVAILABLE && library == CONV_ONEDNN) {
    status_clear();
    return;
  }
  assert_ok(status);
  void *a = draw(in[0], 1), *b = draw(in[1], 2), *result = draw(out, 3), *expected = draw(out, 4),
       *bias = draw(&problem.w, 5);
  void *scratch = aligned_alloc(64, ((size_t)conv_scratch(kernel) / 64 + 1) * 64);
  struct kernel_call call = {&problem.attributes, {in[0], in[1]}, out, {a, b}, expected};
  assert_ok(reference_run(op, &call));
  if (loaded) assert_ok(conv_load_weights(kernel, b));
  assert_ok(conv_run(kernel, (const void *const[]){a, loaded ? NULL : b}, tail.bias ? bias : NULL, result, scratch));
  double tolerance = type == GRAPH_F32 ? 3e-6 : 1e-14;
  for (int64_t i = 0; i < shape_elements(out); i++) {
    double right = with_tail(&tail, out, bias, i, element(out, expected, i)), got = element(out, result, i);
    if (!(fabs(got - right) <= tolerance * (100 + fabs(right))))
      fail_msg("case %d, %s, library %d (%s), type %d: element %d is %.9g, not %.9g", index, op_table[op].name, library,
               conv_name(kernel), (int)type, (int)i, got, right);
  }
  free(a);
  free(b);
  free(result);
  free(expected);
  free(bias);
  free(scratch);
  conv_destroy(&kernel);
}

static void all_directions_agree_with_the_reference(void **unused) {
  (void)unused;
  static const enum graph_op ops[3] = {OP_conv, OP_conv_input_gradient, OP_conv_weight_gradient};
  const struct conv_tail none = {.slope = 1};
  for (int i = 0; i < CASES; i++)
    for (int op = 0; op < 3; op++) {
      for (int library = CONV_ANY; library <= CONV_IM2COL; library++)
        check_conv(i, ops[op], GRAPH_F32, library, none, false);
      check_conv(i, ops[op], GRAPH_F64, CONV_ANY, none, false);
      check_conv(i, ops[op], GRAPH_F64, CONV_IM2COL, none, false);
      if (ops[op] != OP_conv_weight_gradient) check_conv(i, ops[op], GRAPH_F32, CONV_ANY, none, true);
    }
}

static void tails_agree_with_the_reference(void **unused) {
  (void)unused;
  static const struct conv_tail tails[] = {{true, 1}, {false, 0.2}, {true, 0.01}, {true, 0}};
  for (int i = 0; i < CASES; i++)
    for (int t = 0; t < 4; t++)
      for (int library = CONV_ANY; library <= CONV_IM2COL; library++) {
        check_conv(i, OP_conv, GRAPH_F32, library, tails[t], true);
        if (library != CONV_ONEDNN) check_conv(i, OP_conv, GRAPH_F64, library, tails[t], true);
      }
}

/* <conv(x, w), y> = <x, input gradient(y, w)> = <w, weight gradient(x, y)>. */
static void the_three_directions_are_adjoint(void **unused) {
  (void)unused;
  for (int i = 0; i < CASES; i++) {
    const struct conv_case *c = &cases[i];
    struct harness h;
    harness_open(&h);
    struct problem p = make_problem(c, OP_conv, GRAPH_F64);
    struct value x = harness_input(&h, 1, 1, 0, 4, p.x.dim), w = harness_input(&h, 2, 1, 0, 4, p.w.dim);
    struct value y = harness_input(&h, 3, 1, 0, 4, p.y.dim), outputs[3];
    struct conv_options options = {c->stride, c->top, c->bottom, c->left, c->right};
    outputs[0] = graph_sum(graph_multiply(graph_conv(x, w, options), y), GRAPH_ALL_AXES, false);
    outputs[1] =
        graph_sum(graph_multiply(graph_conv_input_gradient(y, w, c->h, c->w, options), x), GRAPH_ALL_AXES, false);
    outputs[2] =
        graph_sum(graph_multiply(graph_conv_weight_gradient(x, y, c->kh, c->kw, options), w), GRAPH_ALL_AXES, false);
    assert_ok(graph_status(h.graph));
    struct plan *plan = harness_compile(&h, outputs, 3, false);
    assert_ok(plan_run(plan));
    double one = *(const double *)plan_output(plan, 0);
    for (int k = 1; k < 3; k++)
      if (!(fabs(*(const double *)plan_output(plan, k) - one) <= 1e-12 * (1000 + fabs(one))))
        fail_msg("case %d, %d", i, k);
    plan_destroy(&plan);
    harness_close(&h);
  }
}

static void products_agree_with_the_reference(void **unused) {
  (void)unused;
  static const int64_t sizes[][3] = {{1, 1, 1}, {3, 4, 5}, {17, 1, 9},    {1, 33, 1},    {64, 64, 64}, {0, 3, 4},
                                     {3, 0, 4}, {3, 4, 0}, {8, 128, 256}, {18, 40, 130}, {19, 40, 130}};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (int mode = 0; mode < 8; mode++) {
      bool ta = mode & 1, tb = mode & 2;
      enum graph_type type = mode & 4 ? GRAPH_F64 : GRAPH_F32;
      int64_t m = sizes[s][0], k = sizes[s][1], n = sizes[s][2];
      struct shape a = shape_make(type, 2, (const int64_t[]){ta ? k : m, ta ? m : k});
      struct shape b = shape_make(type, 2, (const int64_t[]){tb ? n : k, tb ? k : n});
      struct shape out = shape_make(type, 2, (const int64_t[]){m, n});
      struct op_attributes attributes = {.integer = {ta, tb}};
      void *data[2] = {draw(&a, 1), draw(&b, 2)}, *result = draw(&out, 3), *expected = draw(&out, 4);
      struct kernel_call call = {&attributes, {&a, &b}, &out, {data[0], data[1]}, expected};
      assert_ok(reference_run(OP_matmul, &call));
      matmul_run(&attributes, (const struct shape *const[]){&a, &b}, &out, (const void *const *)data, result);
      for (int64_t i = 0; i < m * n; i++)
        assert_true(fabs(element(&out, result, i) - element(&out, expected, i)) < (type == GRAPH_F32 ? 1e-4 : 1e-12));
      free(data[0]);
      free(data[1]);
      free(result);
      free(expected);
    }
}

/* What the folding of an upsampling and a convolution promises. */
static void doubled_convolutions_are_those_of_doubled_images(void **unused) {
  (void)unused;
  for (int type = GRAPH_F32; type <= GRAPH_F64; type++) {
    struct graph *g;
    assert_ok(graph_create(&g));
    const struct shape image = shape_make((enum graph_type)type, 4, (const int64_t[]){2, 5, 4, 6});
    const struct shape kernel = shape_make((enum graph_type)type, 4, (const int64_t[]){3, 3, 6, 7});
    struct value x = graph_input(g, "x", image.type, 4, image.dim), w = graph_input(g, "w", image.type, 4, kernel.dim);
    struct value doubled = graph_upsample2(x);
    struct value both[2] = {graph_conv(doubled, w, conv_same(doubled, w, 1)), graph_upsample2_conv(x, w)};
    struct plan *plan;
    void *data[2] = {draw(&image, 1), draw(&kernel, 2)};
    assert_ok(plan_compile(both, 2, NULL, &plan));
    assert_ok(plan_bind(plan, "x", data[0]));
    assert_ok(plan_bind(plan, "w", data[1]));
    assert_ok(plan_run(plan));
    const struct shape out = plan_output_shape(plan, 0);
    assert_int_equal(2 * 10 * 8 * 7, shape_elements(&out));
    for (int64_t i = 0; i < shape_elements(&out); i++)
      assert_true(fabs(element(&out, plan_output(plan, 0), i) - element(&out, plan_output(plan, 1), i)) <
                  (type == GRAPH_F32 ? 2e-4 : 1e-12));
    assert_false(value_valid(graph_upsample2_conv(x, graph_slice(w, 0, 0, 2))));
    assert_int_equal(STATUS_ARGUMENT, graph_status(g));
    status_clear();
    plan_destroy(&plan);
    graph_destroy(&g);
    free(data[0]);
    free(data[1]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_directions_agree_with_the_reference), cmocka_unit_test(tails_agree_with_the_reference),
      cmocka_unit_test(the_three_directions_are_adjoint), cmocka_unit_test(products_agree_with_the_reference),
      cmocka_unit_test(doubled_convolutions_are_those_of_doubled_images)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
