#include "graph/linear.h"

#include "graph/kernels.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

void linear_use_one_thread(void) {
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

/* Of f32: with fewer columns its tiles would be empty, and with few rows it does not pay to pack a transposed b. */
enum { OWN_COLUMNS = 16, OWN_ROWS_TRANSPOSED = 32 };

static bool is_own(const struct kernel_product_size *size) {
  return size->columns >= OWN_COLUMNS && (!size->b_transposed || size->rows >= OWN_ROWS_TRANSPOSED);
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
  const struct kernel_product_size size = {rows, columns, inner, ta, tb};
  kernel_product *own = out->type == GRAPH_F32 && is_own(&size) ? kernels_get(cpu_level_get())->product_f32 : NULL;
  if (own) {
    own(&size, data[0], data[1], result);
    return;
  }
  linear_use_one_thread();
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
