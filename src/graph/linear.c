#include "graph/conv_private.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One thread a rank; OpenBLAS would take all. */
static void use_one_thread(void) {
  static bool told;
  if (!told) openblas_set_num_threads(1);
  told = true;
}

/* OpenBLAS has quick kernels for small products, but takes others for a b' with more than SMALL_RESULTS results: 8 rows
 * by 256 columns of 128 terms, AVX-512, 15.1 us; in pieces of 64 columns 6.0 us. */
enum { SMALL_RESULTS = 1200, SMALL_PIECE = 64, SMALL_TERMS = 32 }; /* with fewer terms they are not taken at all */

static void multiply_small(blasint rows, blasint columns, blasint inner, const float *a, const float *b, float *out) {
  for (blasint first = 0; first < columns; first += SMALL_PIECE)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows,
                columns - first < SMALL_PIECE ? columns - first : SMALL_PIECE, inner, 1, a, inner, b + first * inner,
                inner, 0, out + first, columns);
}

void matmul_run(const struct op_attributes *attributes, const struct shape *const *in, const struct shape *out,
                const void *const *data, void *result) {
  bool ta = attributes->integer[0] != 0, tb = attributes->integer[1] != 0;
  int64_t rows = out->dim[0], columns = out->dim[1], inner = in[0]->dim[ta ? 0 : 1];
  if (rows == 0 || columns == 0) return;
  if (inner == 0) {
    memset(result, 0, (size_t)shape_bytes(out));
    return;
  }
  use_one_thread();
  enum CBLAS_TRANSPOSE a = ta ? CblasTrans : CblasNoTrans, b = tb ? CblasTrans : CblasNoTrans;
  blasint m = (blasint)rows, n = (blasint)columns, k = (blasint)inner;
  blasint lda = (blasint)in[0]->dim[1], ldb = (blasint)in[1]->dim[1];
  if (out->type == GRAPH_F32 && !ta && tb && rows * SMALL_PIECE <= SMALL_RESULTS && rows * columns > SMALL_RESULTS &&
      inner >= SMALL_TERMS)
    multiply_small(m, n, k, data[0], data[1], result);
  else if (out->type == GRAPH_F32)
    cblas_sgemm(CblasRowMajor, a, b, m, n, k, 1, data[0], lda, data[1], ldb, 0, result, n);
  else
    cblas_dgemm(CblasRowMajor, a, b, m, n, k, 1, data[0], lda, data[1], ldb, 0, result, n);
}

const char *linear_core(void) { return openblas_get_corename(); }

const char *linear_openblas(void) {
  static char text[96];
  const char *config = openblas_get_config(); /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
  const size_t name = strcspn(config, " "), version = config[name] ? strcspn(config + name + 1, " ") : 0;
  snprintf(text, sizeof text, "%.*s %s", (int)(name + (version ? 1 + version : 0)), config, linear_core());
  return text;
}

/* ---- Convolutions ---- */

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

/* Measured on AVX2 with 32 and 64 channels, batches of 2 to 16, us by oneDNN and by im2col: results of 1 x 1 and 2 x 2,
 * forward 44 and 29, weight gradient 84 and 32; larger ones 910 and 1060, 1090 and 1120. Input gradients gain at stride
 * 2 only, 23 and 19 against 23 and 34. */
static bool onednn_pays(const struct conv_geometry *g) {
  bool tiny = g->oh * g->ow <= 4 && (g->op != OP_conv_input_gradient || g->stride > 1);
  return g->type == GRAPH_F32 && !tiny;
}

/* By oneDNN if that is wanted and can be, else as im2col. */
static enum status open_wide(struct conv_kernel *kernel, bool onednn) {
  enum status status = onednn ? onednn_create(kernel) : STATUS_UNAVAILABLE;
  if (status != STATUS_UNAVAILABLE) return status;
  status_clear();
  im2col_create(kernel);
  return STATUS_OK;
}

static enum status allocate(const struct conv_geometry *geometry, const struct conv_tail *tail,
                            struct conv_kernel **kernel) {
  *kernel = calloc(1, sizeof **kernel);
  REQUIRE(*kernel, STATUS_MEMORY, "out of memory for a convolution");
  (*kernel)->geometry = *geometry;
  (*kernel)->tail = tail ? *tail : (struct conv_tail){.slope = 1};
  return STATUS_OK;
}

enum status conv_create_wide(const struct conv_geometry *geometry, struct conv_kernel **kernel) {
  TRY(allocate(geometry, NULL, kernel));
  enum status status = open_wide(*kernel, onednn_pays(geometry));
  if (status != STATUS_OK) conv_destroy(kernel);
  return status;
}

enum status conv_create(enum graph_op op, const struct op_attributes *attributes, const struct shape *const *in,
                        const struct shape *out, const struct conv_tail *tail, enum conv_library library,
                        struct conv_kernel **kernel) {
  use_one_thread();
  const struct conv_geometry geometry = find_geometry(op, attributes, in, out), *g = &geometry;
  TRY(allocate(g, tail, kernel));
  struct conv_kernel *made = *kernel;
  made->empty = g->n * g->h * g->w * g->ci * g->co * g->oh * g->ow == 0;
  const bool choose = library == CONV_AUTO && !made->empty;
  enum status status = library == CONV_ONEDNN     ? onednn_create(made)
                       : choose && narrow_pays(g) ? narrow_create(made)
                                                  : open_wide(made, choose && onednn_pays(g));
  if (status != STATUS_OK) conv_destroy(kernel);
  return status;
}

void conv_destroy(struct conv_kernel **kernel) {
  if (!*kernel) return;
  onednn_destroy(*kernel);
  narrow_destroy(*kernel);
  free(*kernel);
  *kernel = NULL;
}

int64_t conv_scratch(const struct conv_kernel *kernel) { return kernel->scratch; }
const char *conv_name(const struct conv_kernel *kernel) { return kernel->name; }

double conv_flops(const struct conv_kernel *kernel) {
  const struct conv_geometry *g = &kernel->geometry;
  return 2.0 * (double)(g->n * g->oh * g->ow) * (double)(g->kh * g->kw * g->ci * g->co);
}

enum status conv_load_weights(struct conv_kernel *kernel, const void *weights) {
  kernel->weights = weights;
  if (kernel->narrow) return narrow_load_weights(kernel, weights);
  return kernel->onednn ? onednn_load_weights(kernel, weights) : STATUS_OK;
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
  if (kernel->onednn) return onednn_run(kernel, in, bias, out, scratch);
  if (kernel->narrow) return narrow_run(kernel, in, bias, out, scratch);
  im2col_run(kernel, in, bias, out, scratch);
  return STATUS_OK;
}

enum status conv_run_primitive(struct conv_kernel *kernel, const void *const *in, void *out, void *scratch) {
  REQUIRE(kernel->onednn, STATUS_UNAVAILABLE, "this convolution does not run through oneDNN");
  return onednn_run_primitive(kernel, in, NULL, out, scratch);
}
