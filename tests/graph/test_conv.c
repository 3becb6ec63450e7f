/* Convolutions by every method of the table, in all directions, on awkward shapes, against the reference; what a new
 * method takes; which one is chosen; adjoint identities.
 */
#include "graph/conv_method.h"
#include "graph/kernels.h"
#include "harness.h"

struct conv_case {
  int64_t n, h, w, ci, kh, kw, co, stride, top, bottom, left, right;
};

static const struct conv_case cases[] = {
    /* images and kernels of one pixel, one channel */
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},
    {2, 1, 1, 8, 1, 1, 16, 1, 0, 0, 0, 0},
    {3, 6, 6, 8, 1, 1, 12, 1, 0, 0, 0, 0},
    {2, 6, 6, 8, 1, 1, 12, 2, 0, 0, 0, 0},
    {3, 5, 7, 1, 3, 3, 4, 1, 1, 1, 1, 1},
    {1, 5, 5, 9, 3, 3, 1, 1, 1, 1, 1, 1},
    /* kernels larger than the image, or all of it; padding as wide as the kernel and wider */
    {3, 1, 1, 4, 3, 3, 6, 1, 1, 1, 1, 1},
    {1, 3, 2, 12, 5, 4, 3, 1, 2, 2, 2, 1},
    {5, 2, 3, 3, 5, 5, 7, 2, 2, 2, 2, 2},
    {4, 1, 1, 64, 2, 2, 1, 1, 0, 1, 0, 1},
    {2, 4, 4, 10, 4, 4, 5, 1, 0, 0, 0, 0},
    {2, 3, 3, 8, 3, 3, 1, 1, 4, 4, 4, 4},
    /* strides, uneven padding, rows and columns that no result meets, odd channels */
    {2, 7, 5, 3, 2, 3, 5, 2, 1, 0, 0, 2},
    {2, 9, 9, 4, 3, 3, 8, 3, 0, 1, 2, 0},
    {1, 8, 7, 13, 2, 2, 3, 3, 0, 0, 0, 0},
    {3, 4, 4, 20, 3, 3, 4, 2, 1, 1, 1, 1},
    {2, 9, 6, 16, 3, 2, 2, 2, 1, 0, 1, 1},
    {2, 9, 8, 16, 3, 2, 20, 1, 1, 0, 0, 1},
    {2, 9, 8, 16, 3, 2, 2, 1, 2, 0, 0, 1},
    {1, 7, 7, 33, 3, 3, 17, 1, 1, 1, 1, 1},
    {7, 5, 5, 31, 3, 3, 2, 1, 0, 2, 2, 0},
    /* layers of encoders, Hamiltonians and decoders; few results, in several blocks of images; images to be turned */
    {4, 4, 4, 16, 3, 3, 32, 1, 1, 1, 1, 1},
    {4, 4, 4, 32, 2, 2, 64, 2, 0, 0, 0, 0},
    {4, 2, 2, 64, 2, 2, 64, 1, 0, 1, 0, 1},
    {4, 2, 2, 64, 2, 2, 64, 2, 0, 0, 0, 0},
    {2, 8, 8, 64, 3, 3, 3, 1, 1, 1, 1, 1},
    {5, 8, 8, 15, 3, 3, 32, 1, 1, 1, 1, 1},
    {20, 16, 16, 8, 3, 3, 24, 1, 1, 1, 1, 1},
    {20, 16, 16, 8, 3, 3, 3, 1, 1, 1, 1, 1},
    /* rows long enough to be read as they lie */
    {2, 17, 16, 5, 3, 3, 7, 1, 1, 1, 1, 1},
    {3, 19, 40, 3, 4, 5, 33, 2, 2, 1, 1, 3},
    {2, 16, 18, 20, 3, 2, 3, 1, 0, 1, 2, 0},
    {1, 20, 16, 90, 3, 3, 12, 1, 1, 1, 1, 1},
    /* for Winograd's tiles: maps that they do not fit, blocks of several images, channels that fill no register */
    {3, 8, 8, 16, 3, 3, 16, 1, 1, 1, 1, 1},
    {2, 9, 13, 17, 3, 3, 40, 1, 1, 1, 1, 1},
    {1, 11, 8, 33, 3, 3, 16, 1, 0, 2, 2, 0},
    {2, 14, 10, 16, 3, 3, 18, 1, 0, 0, 0, 0},
    {9, 12, 8, 32, 3, 3, 48, 1, 1, 1, 1, 1},
    {2, 16, 16, 16, 4, 4, 17, 2, 1, 1, 1, 1},
    {3, 18, 22, 21, 4, 4, 33, 2, 1, 1, 1, 1},
    {5, 16, 16, 32, 4, 4, 48, 2, 1, 1, 1, 1},
    /* nothing */
    {0, 8, 8, 16, 3, 3, 8, 1, 1, 1, 1, 1},
    {2, 4, 4, 0, 3, 3, 3, 1, 1, 1, 1, 1},
    {2, 4, 4, 3, 3, 3, 0, 1, 1, 1, 1, 1}};
enum { CASES = sizeof cases / sizeof cases[0], EMPTY = 3, TAILS = 5 };
static const enum graph_op ops[3] = {OP_conv, OP_conv_input_gradient, OP_conv_weight_gradient};
static const struct conv_tail tails[TAILS] = {{false, 1}, {true, 1}, {false, 0.2}, {true, 0.01}, {true, 0}};

struct problem {
  enum graph_op op;
  struct op_attributes attributes;
  struct shape x, w, y, out;
  struct shape in[2];
};

static struct problem make_problem(const struct conv_case *c, enum graph_op op, enum graph_type type) {
  int64_t oh = (c->h + c->top + c->bottom - c->kh) / c->stride + 1,
          ow = (c->w + c->left + c->right - c->kw) / c->stride + 1;
  struct problem problem = {.op = op,
                            .attributes = {.integer = {c->stride, c->top, c->bottom, c->left, c->right}},
                            .x = shape_make(type, 4, (const int64_t[]){c->n, c->h, c->w, c->ci}),
                            .w = shape_make(type, 4, (const int64_t[]){c->kh, c->kw, c->ci, c->co}),
                            .y = shape_make(type, 4, (const int64_t[]){c->n, oh, ow, c->co})};
  if (op != OP_conv) {
    problem.attributes.integer[CONV_EXTENT_0] = op == OP_conv_input_gradient ? c->h : c->kh;
    problem.attributes.integer[CONV_EXTENT_1] = op == OP_conv_input_gradient ? c->w : c->kw;
  }
  problem.in[0] = op == OP_conv_input_gradient ? problem.y : problem.x;
  problem.in[1] = op == OP_conv_weight_gradient ? problem.y : problem.w;
  problem.out = op == OP_conv ? problem.y : op == OP_conv_input_gradient ? problem.x : problem.w;
  return problem;
}

static enum status make_kernel(const struct problem *problem, const struct conv_tail *tail,
                               const struct conv_method *method, struct conv_kernel **kernel) {
  return conv_create(problem->op, &problem->attributes, (const struct shape *const[]){&problem->in[0], &problem->in[1]},
                     &problem->out, tail, method, kernel);
}

/* The tail on top of the reference's result. */
static double with_tail(const struct conv_tail *tail, const struct shape *shape, const void *bias, int64_t i,
                        double value) {
  if (tail->bias) value += harness_element(shape, bias, i % shape->dim[3]);
  return value > 0 ? value : value * tail->slope;
}

/* How far each kind of kernel was from f64 in f32, over all cases: errors over the root of the mean square of what is
 * right. */
static struct {
  char name[64];
  double rms, largest;
} accuracy[32];
static int accuracies;

static void note_accuracy(const char *name, double rms, double largest) {
  int i = 0;
  while (i < accuracies && strcmp(accuracy[i].name, name) != 0) i++;
  if (i == accuracies) {
    assert_true(accuracies < (int)(sizeof accuracy / sizeof *accuracy));
    snprintf(accuracy[accuracies++].name, sizeof accuracy->name, "%s", name);
  }
  accuracy[i].rms = fmax(accuracy[i].rms, rms);
  accuracy[i].largest = fmax(accuracy[i].largest, largest);
}

/* The same numbers in f64. */
static double *widened(const struct shape *shape, const void *data) {
  double *wide = malloc((size_t)shape_elements(shape) * sizeof *wide + 1);
  assert_non_null(wide);
  for (int64_t i = 0; i < shape_elements(shape); i++) wide[i] = harness_element(shape, data, i);
  return wide;
}

/* What f64 has for a and b, by the reference's loops; to be freed. */
static double *expected_of(const struct problem *problem, const void *a, const void *b) {
  struct shape in[2] = {problem->in[0], problem->in[1]}, out = problem->out;
  in[0].type = in[1].type = out.type = GRAPH_F64;
  double *wide[2] = {widened(&problem->in[0], a), widened(&problem->in[1], b)};
  double *expected = malloc((size_t)shape_bytes(&out) + 1);
  struct kernel_call call = {&problem->attributes, {&in[0], &in[1]}, &out, {wide[0], wide[1]}, expected};
  assert_non_null(expected);
  assert_ok(reference_run(problem->op, &call));
  free(wide[0]), free(wide[1]);
  return expected;
}

/* Fails where `got` is not what the reference has for a and b, or, in f32, is further from it than a root of the mean
 * square of 5e-6 of the result's. */
static void check_result(const struct conv_kernel *kernel, const struct problem *problem, const struct conv_tail *tail,
                         const void *a, const void *b, const void *bias, const void *got, const char *what) {
  const struct shape *out = &problem->out;
  const int64_t elements = shape_elements(out);
  double *expected = expected_of(problem, a, b), largest = 0, squares = 0, errors = 0, furthest = 0;
  const double tolerance = out->type == GRAPH_F32 ? 3e-6 : 1e-14;
  for (int64_t i = 0; i < elements; i++) {
    largest = fmax(largest, fabs(expected[i]));
    expected[i] = with_tail(tail, out, bias, i, expected[i]);
    squares += expected[i] * expected[i];
  }
  for (int64_t i = 0; i < elements; i++) {
    const double error = harness_element(out, got, i) - expected[i];
    if (!(fabs(error) <= tolerance * (100 + largest)))
      fail_msg("%s, %s: element %d is %.9g, not %.9g", conv_name(kernel), what, (int)i, harness_element(out, got, i),
               expected[i]);
    errors += error * error;
    furthest = fmax(furthest, fabs(error));
  }
  free(expected);
  if (out->type != GRAPH_F32 || !(squares > 0)) return;
  const double scale = sqrt(squares / (double)elements), rms = sqrt(errors / squares);
  if (!(rms < 5e-6)) fail_msg("%s, %s: an error of %.2g (rms)", conv_name(kernel), what, rms);
  note_accuracy(conv_name(kernel), rms, furthest / scale);
}

/* With weights given to each run, loaded, and loaded again; results and scratch memory hold NaN before, and nothing is
 * written behind a result. False: the method says that it cannot; one that says so only when it is made has a mistake
 * in what it asks for, which the choice, going on to the next method, would hide. */
static bool check_conv(int index, enum graph_op op, enum graph_type type, const struct conv_method *method,
                       const struct conv_tail *tail) {
  enum { GUARD = 64 };
  const struct problem problem = make_problem(&cases[index], op, type);
  struct conv_kernel *kernel;
  enum status status = make_kernel(&problem, tail, method, &kernel);
  if (status == STATUS_UNAVAILABLE && method && strstr(status_message(), "cannot compute this convolution")) {
    status_clear();
    return false;
  }
  assert_ok(status);
  const size_t bytes = (size_t)shape_bytes(&problem.out), room = (bytes + GUARD + 63) / 64 * 64;
  const size_t need = ((size_t)conv_scratch(kernel) / 64 + 1) * 64;
  void *a = harness_draw(&problem.in[0], 1), *b = harness_draw(&problem.in[1], 2), *c = harness_draw(&problem.in[1], 3);
  const struct shape channels = shape_make(type, 1, &problem.w.dim[3]);
  void *bias = harness_draw(&channels, 5), *scratch = aligned_alloc(64, need);
  unsigned char *out = aligned_alloc(64, room);
  assert_true(scratch && out);
  for (int turn = 0; turn < 5; turn++) { /* b; c; b loaded; c loaded; b */
    const bool loaded = turn == 2 || turn == 3;
    const void *second = turn % 2 ? c : b;
    char what[96];
    if (loaded && op == OP_conv_weight_gradient) break;
    snprintf(what, sizeof what, "case %d, %s, type %d, bias %d, slope %g, turn %d", index, op_table[op].name, (int)type,
             tail->bias, tail->slope, turn);
    memset(out, 0xff, room);
    memset(scratch, 0xff, need);
    if (loaded) assert_ok(conv_load_weights(kernel, second));
    assert_ok(
        conv_run(kernel, (const void *const[]){a, loaded ? NULL : second}, tail->bias ? bias : NULL, out, scratch));
    check_result(kernel, &problem, tail, a, second, bias, out, what);
    for (size_t i = bytes; i < room; i++)
      if (out[i] != 0xff) fail_msg("%s, %s: written behind the result", conv_name(kernel), what);
  }
  free(a), free(b), free(c), free(bias), free(out), free(scratch);
  conv_destroy(&kernel);
  return true;
}

/* How many kernels there were. */
static int check_method(const struct conv_method *method) {
  int kernels = 0;
  for (int i = 0; i < CASES; i++)
    for (int op = 0; op < 3; op++)
      for (int type = GRAPH_F32; type <= GRAPH_F64; type++)
        for (int t = 0; t < (ops[op] == OP_conv ? TAILS : 1); t++)
          kernels += check_conv(i, ops[op], (enum graph_type)type, method, &tails[t]);
  return kernels;
}

static void every_method_agrees_with_the_reference(void **unused) {
  (void)unused;
  const bool onednn = strcmp(conv_onednn_describe(), "no oneDNN") != 0;
  const int all = check_method(CONV_AUTO), empty = EMPTY * 2 * (TAILS + 2);
  assert_int_equal(CASES * 2 * (TAILS + 2), all);
  for (int i = 0; i < conv_method_count(); i++) {
    const struct conv_method *method = conv_method_get(i);
    const int kernels = check_method(method);
    printf("  %-10s %d of %d\n", method->name, kernels, all);
    assert_ptr_equal(method, conv_method_find(method->name));
    if (onednn || strcmp(method->name, "onednn") != 0) assert_true(kernels > empty);
  }
  assert_int_equal(all, check_method(conv_method_get(conv_method_count() - 1))); /* the last can everything */
  for (int i = 0; i < accuracies; i++)
    printf("  %-28s %.1e rms, %.1e at most\n", accuracy[i].name, accuracy[i].rms, accuracy[i].largest);
  assert_null(conv_method_find("no such method"));
}

/* What the engine is for: the same bits at every level that there is, of every kernel that is chosen. */
static void every_level_has_the_same_bits(void **unused) {
  (void)unused;
  for (int index = 0; index < CASES; index++)
    for (int op = 0; op < 3; op++)
      for (int type = GRAPH_F32; type <= GRAPH_F64; type++) {
        const struct problem problem = make_problem(&cases[index], ops[op], (enum graph_type)type);
        void *a = harness_draw(&problem.in[0], 1), *b = harness_draw(&problem.in[1], 2), *out[2];
        const size_t bytes = (size_t)shape_bytes(&problem.out);
        for (int level = 0; level <= (int)cpu_level_here(); level++) {
          struct conv_kernel *kernel;
          cpu_level_set((enum cpu_level)level);
          assert_ok(make_kernel(&problem, NULL, CONV_AUTO, &kernel));
          void *scratch = aligned_alloc(64, ((size_t)conv_scratch(kernel) / 64 + 1) * 64);
          out[level > 0] = harness_draw(&problem.out, 3);
          assert_ok(conv_run(kernel, (const void *const[]){a, b}, NULL, out[level > 0], scratch));
          if (level > 0 && bytes > 0 && memcmp(out[0], out[1], bytes) != 0)
            fail_msg("%s, case %d, %s: not the same bits at levels base and %s", conv_name(kernel), index,
                     op_table[ops[op]].name, cpu_level_name((enum cpu_level)level));
          if (level > 0) free(out[1]);
          free(scratch);
          conv_destroy(&kernel);
        }
        free(a), free(b), free(out[0]);
      }
  cpu_level_set(cpu_level_here());
}

/* ---- What a method is, at least: one that computes by plain loops, forward in f32 ---- */

static bool plain_can(const struct conv_geometry *g, const struct conv_tail *tail) {
  (void)tail;
  return g->op == OP_conv && g->type == GRAPH_F32;
}

static enum status plain_run(struct conv_kernel *kernel, const void *const *in, const void *bias, void *out,
                             void *scratch) {
  const struct conv_geometry *g = &kernel->geometry;
  const float *x = in[0], *w = in[1];
  float *y = out;
  (void)scratch;
  for (int64_t n = 0; n < g->n; n++)
    for (int64_t i = 0; i < g->oh; i++)
      for (int64_t j = 0; j < g->ow; j++, y += g->co) {
        memset(y, 0, (size_t)g->co * sizeof *y);
        for (int64_t a = 0; a < g->kh; a++)
          for (int64_t b = 0; b < g->kw; b++) {
            const int64_t row = i * g->stride + a - g->top, column = j * g->stride + b - g->left;
            if (row < 0 || row >= g->h || column < 0 || column >= g->w) continue;
            const float *pixel = x + ((n * g->h + row) * g->w + column) * g->ci;
            for (int64_t c = 0; c < g->ci; c++)
              for (int64_t o = 0; o < g->co; o++) y[o] += pixel[c] * w[((a * g->kw + b) * g->ci + c) * g->co + o];
          }
      }
  conv_apply_tail(kernel, bias, g->n * g->oh * g->ow, out);
  return STATUS_OK;
}

static const struct conv_method plain = {.name = "plain", .can = plain_can, .run = plain_run};

static void a_method_can_be_brought_along(void **unused) {
  (void)unused;
  struct conv_kernel *kernel;
  const struct problem problem = make_problem(&cases[CASES - EMPTY - 1], OP_conv, GRAPH_F32);
  assert_ok(make_kernel(&problem, NULL, &plain, &kernel));
  assert_string_equal("plain", conv_name(kernel));
  assert_int_equal(0, conv_scratch(kernel));
  assert_status(STATUS_UNAVAILABLE, conv_run_primitive(kernel, NULL, NULL, NULL));
  conv_destroy(&kernel);
  assert_int_equal((CASES - EMPTY) * TAILS + EMPTY * 2 * (TAILS + 2), check_method(&plain));
}

/* ---- oneDNN's other forms, for benchmarks: images of ones and sums of results are the same in any order ---- */

static double sum_of(const struct shape *shape, const void *data) {
  double sum = 0;
  for (int64_t i = 0; i < shape_elements(shape); i++) sum += harness_element(shape, data, i);
  return sum;
}

static void forms_of_onednn_agree_in_sums(void **unused) {
  (void)unused;
  const struct conv_case layer = {4, 16, 16, 32, 3, 3, 64, 1, 1, 1, 1, 1};
  const struct conv_method *form;
  for (int i = 0; (form = conv_onednn_form(i)); i++)
    for (int op = 0; op < 2; op++) {
      struct conv_kernel *kernel;
      const struct problem p = make_problem(&layer, ops[op], GRAPH_F32);
      const enum status status = make_kernel(&p, NULL, form, &kernel);
      if (status == STATUS_UNAVAILABLE) {
        status_clear();
        continue;
      }
      assert_ok(status);
      float *ones = harness_draw(&p.in[0], 1);
      for (int64_t k = 0; k < shape_elements(&p.in[0]); k++) ones[k] = 1;
      void *weights = harness_draw(&p.in[1], 2), *expected = harness_draw(&p.out, 3), *got = harness_draw(&p.out, 4);
      void *scratch = aligned_alloc(64, ((size_t)conv_scratch(kernel) / 64 + 1) * 64);
      struct kernel_call call = {&p.attributes, {&p.in[0], &p.in[1]}, &p.out, {ones, weights}, expected};
      assert_ok(reference_run(ops[op], &call));
      assert_ok(conv_load_weights(kernel, weights));
      assert_ok(conv_run_primitive(kernel, (const void *const[]){ones, NULL}, got, scratch));
      const double right = sum_of(&p.out, expected);
      if (!(fabs(sum_of(&p.out, got) - right) <= 1e-4 * fabs(right)))
        fail_msg("%s, %s: a sum of %g, not %g", form->name, op_table[ops[op]].name, sum_of(&p.out, got), right);
      conv_destroy(&kernel);
      free(ones), free(weights), free(expected), free(got), free(scratch);
    }
}

/* ---- The choice ---- */

/* The name of what is chosen begins with `name`: the measured rules (conv_*.c), fixed. */
static void check_choice(struct conv_case c, enum graph_op op, enum graph_type type, const char *name) {
  const struct problem problem = make_problem(&c, op, type);
  struct conv_kernel *kernel;
  assert_ok(make_kernel(&problem, NULL, CONV_AUTO, &kernel));
  if (strncmp(conv_name(kernel), name, strlen(name)) != 0)
    fail_msg("%lld x %lld x %lld: %s, not %s", (long long)c.h, (long long)c.w, (long long)c.ci, conv_name(kernel),
             name);
  conv_destroy(&kernel);
}

static void the_choice_follows_rules(void **unused) {
  (void)unused;
  const struct conv_case layer = {4, 8, 8, 32, 3, 3, 32, 1, 1, 1, 1, 1}, last = {4, 8, 8, 32, 3, 3, 3, 1, 1, 1, 1, 1};
  const struct conv_case doubling = {4, 16, 16, 32, 4, 4, 32, 2, 1, 1, 1, 1},
                         odd = {4, 8, 8, 15, 3, 3, 64, 1, 1, 1, 1, 1};
  const struct conv_case tiny = {4, 2, 2, 64, 2, 2, 64, 1, 0, 1, 0, 1},
                         strided = {4, 4, 4, 64, 2, 2, 64, 2, 0, 0, 0, 0};
  const struct conv_case point = {4, 8, 8, 7, 1, 1, 3, 1, 0, 0, 0, 0}, small = {4, 2, 2, 32, 3, 3, 3, 1, 1, 1, 1, 1};
  for (int op = 0; op < 3; op++) {
    check_choice(layer, ops[op], GRAPH_F32, "winograd 4x4 3x3");
    check_choice(doubling, ops[op], GRAPH_F32, "winograd 4x4 2x2");
    check_choice(layer, ops[op], GRAPH_F64, "im2col+product");
    check_choice(odd, ops[op], GRAPH_F32, "im2col+product");
    check_choice(last, ops[op], GRAPH_F32, ops[op] == OP_conv ? "taps+" : "im2col+product");
    check_choice(strided, ops[op], GRAPH_F32, "im2col+product");
    check_choice(tiny, ops[op], GRAPH_F32, "im2col+product");
    check_choice(small, ops[op], GRAPH_F32, "im2col+product");
    check_choice(point, ops[op], GRAPH_F64, "product");
  }
  check_choice(last, OP_conv, GRAPH_F64, "taps+product");
  struct conv_kernel *kernel;
  const struct problem gradient = make_problem(&last, OP_conv_input_gradient, GRAPH_F32);
  assert_status(STATUS_UNAVAILABLE, make_kernel(&gradient, NULL, conv_method_find("narrow"), &kernel));
  assert_non_null(strstr(status_message(), "narrow cannot"));
  assert_null(kernel);
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

/* Sizes of results as PyTorch has them, and one convolution by hand: at stride 2 the first result is centred on the
 * first pixel, where TensorFlow's padding has it on the second. */
static void paddings_are_what_they_are_named_after(void **unused) {
  (void)unused;
  struct graph *g;
  assert_ok(graph_create(&g));
  for (int64_t size = 1; size <= 9; size++)
    for (int64_t kernel = 1; kernel <= 5; kernel++)
      for (int64_t stride = 1; stride <= 3; stride++) {
        struct value x = graph_fill(g, 1, GRAPH_F64, 4, (const int64_t[]){1, size, size + 1, 2});
        struct value w = graph_fill(g, 1, GRAPH_F64, 4, (const int64_t[]){kernel, 1, 2, 3});
        const struct shape y = value_shape(graph_conv(x, w, conv_symmetric(w, stride)));
        assert_int_equal((size + 2 * (kernel / 2) - kernel) / stride + 1, y.dim[1]);
        assert_int_equal(size / stride + 1, y.dim[2]); /* floor((size + 1 - 1) / stride) + 1 */
        const struct shape same = value_shape(graph_conv(x, w, conv_same(x, w, stride)));
        assert_int_equal((size + stride - 1) / stride, same.dim[1]);
      }
  struct value x = graph_input(g, "x", GRAPH_F64, 4, (const int64_t[]){1, 1, 4, 1});
  struct value w = graph_input(g, "w", GRAPH_F64, 4, (const int64_t[]){1, 3, 1, 1});
  const struct value both[2] = {graph_conv(x, w, conv_symmetric(w, 2)), graph_conv(x, w, conv_same(x, w, 2))};
  const double image[4] = {1, 2, 3, 4}, weights[3] = {100, 10, 1};
  struct plan *plan;
  assert_ok(plan_compile(both, 2, NULL, &plan));
  assert_ok(plan_bind(plan, "x", image));
  assert_ok(plan_bind(plan, "w", weights));
  assert_ok(plan_run(plan));
  const double *symmetric = plan_output(plan, 0), *same = plan_output(plan, 1);
  assert_true(symmetric[0] == 12 && symmetric[1] == 234);
  assert_true(same[0] == 123 && same[1] == 340);
  plan_destroy(&plan);
  graph_destroy(&g);
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
    void *data[2] = {harness_draw(&image, 1), harness_draw(&kernel, 2)};
    assert_ok(plan_compile(both, 2, NULL, &plan));
    assert_ok(plan_bind(plan, "x", data[0]));
    assert_ok(plan_bind(plan, "w", data[1]));
    assert_ok(plan_run(plan));
    const struct shape out = plan_output_shape(plan, 0);
    assert_int_equal(2 * 10 * 8 * 7, shape_elements(&out));
    for (int64_t i = 0; i < shape_elements(&out); i++)
      assert_true(fabs(harness_element(&out, plan_output(plan, 0), i) -
                       harness_element(&out, plan_output(plan, 1), i)) < (type == GRAPH_F32 ? 2e-4 : 1e-12));
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_method_agrees_with_the_reference),
                                     cmocka_unit_test(every_level_has_the_same_bits),
                                     cmocka_unit_test(a_method_can_be_brought_along),
                                     cmocka_unit_test(forms_of_onednn_agree_in_sums),
                                     cmocka_unit_test(the_choice_follows_rules),
                                     cmocka_unit_test(the_three_directions_are_adjoint),
                                     cmocka_unit_test(paddings_are_what_they_are_named_after),
                                     cmocka_unit_test(doubled_convolutions_are_those_of_doubled_images)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
