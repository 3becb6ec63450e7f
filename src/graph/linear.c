#include "graph/linear.h"

#include <string.h>

void linear_product(enum graph_type type, const struct kernel_product_size *size, const void *a, const void *b,
                    void *c) {
  if (size->rows == 0 || size->columns == 0) return;
  if (size->terms > 0) {
    kernels_get(cpu_level_get())->product[type](size, a, b, c);
    return;
  }
  for (int64_t i = 0; i < size->rows && !size->add; i++)
    memset((unsigned char *)c + i * size->c_row * type_size(type), 0, (size_t)(size->columns * type_size(type)));
}

#define TRANSPOSE(suffix, real)                                                                                        \
  static void transpose##suffix(const real *restrict from, int64_t rows, int64_t columns, real *restrict to) {         \
    for (int64_t j = 0; j < columns; j++)                                                                              \
      for (int64_t i = 0; i < rows; i++) to[j * rows + i] = from[i * columns + j];                                     \
  }
TRANSPOSE(_f32, float)
TRANSPOSE(_f64, double)

void linear_transpose(enum graph_type type, int64_t rows, int64_t columns, const void *from, void *to) {
  if (type == GRAPH_F32)
    transpose_f32(from, rows, columns, to);
  else
    transpose_f64(from, rows, columns, to);
}

void linear_matmul(const struct op_attributes *attributes, const struct shape *const *in, const struct shape *out,
                   const void *const *data, void *result) {
  const bool ta = attributes->integer[0] != 0, tb = attributes->integer[1] != 0;
  const int64_t rows = out->dim[0], columns = out->dim[1], terms = in[0]->dim[ta ? 0 : 1];
  struct kernel_product_size size =
      ta ? kernel_product_turned(rows, columns, terms) : kernel_product_dense(rows, columns, terms);
  if (tb) {
    size.b_term = 1;
    size.b_column = terms;
  }
  linear_product(out->type, &size, data[0], data[1], result);
}
