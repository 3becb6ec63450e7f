#include "base/matrix.h"

#include <math.h>
#include <string.h>

enum { PARTIAL = 8, SWEEPS = 60 };

double matrix_dot(int64_t count, const double *a, const double *b) {
  double sum[PARTIAL] = {0.0};
  int64_t i = 0;
  for (; i + PARTIAL <= count; i += PARTIAL)
    for (int k = 0; k < PARTIAL; k++) sum[k] += a[i + k] * b[i + k];
  for (int k = 0; i + k < count; k++) sum[k] += a[i + k] * b[i + k];
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

bool matrix_factor_row(double *factor, int64_t row, const double *a, double least) {
  double *out = factor + matrix_triangle(row);
  for (int64_t j = 0; j < row; j++) {
    const double *above = factor + matrix_triangle(j);
    out[j] = (a[j] - matrix_dot(j, out, above)) / above[j];
  }
  const double square = fmax(a[row] - matrix_dot(row, out, out), least);
  out[row] = sqrt(square);
  return square > 0.0 && isfinite(square);
}

void matrix_forward(const double *factor, int64_t rows, double *x) {
  for (int64_t i = 0; i < rows; i++) {
    const double *row = factor + matrix_triangle(i);
    x[i] = (x[i] - matrix_dot(i, row, x)) / row[i];
  }
}

void matrix_backward(const double *factor, int64_t rows, double *x) {
  for (int64_t i = rows - 1; i >= 0; i--) {
    const double *row = factor + matrix_triangle(i);
    const double known = x[i] / row[i];
    x[i] = known;
    for (int64_t j = 0; j < i; j++) x[j] -= row[j] * known;
  }
}

void matrix_panel(const double *factor, int64_t first, int64_t rows, double *panel) {
  for (int64_t i = first; i < rows; i++) {
    const double *row = factor + matrix_triangle(i);
    double *out = panel + i * MATRIX_PANEL, sum[MATRIX_PANEL];
    for (int k = 0; k < MATRIX_PANEL; k++) sum[k] = out[k];
    for (int64_t j = 0; j < i; j++) {
      const double *solved = panel + j * MATRIX_PANEL, weight = row[j];
      for (int k = 0; k < MATRIX_PANEL; k++) sum[k] -= weight * solved[k];
    }
    for (int k = 0; k < MATRIX_PANEL; k++) out[k] = sum[k] / row[i];
  }
}

void matrix_inverse(const double *factor, int64_t rows, double *inverse, double *work) {
  for (int64_t a = 0; a < rows; a++) {
    double *column = work + a * rows; /* of L^-1; above the diagonal it is 0 */
    column[a] = 1.0 / factor[matrix_triangle(a) + a];
    for (int64_t i = a + 1; i < rows; i++) {
      const double *row = factor + matrix_triangle(i);
      column[i] = -matrix_dot(i - a, row + a, column + a) / row[i];
    }
    for (int64_t b = 0; b <= a; b++) {
      const double entry = matrix_dot(rows - a, column + a, work + b * rows + a);
      inverse[a * rows + b] = entry;
      inverse[b * rows + a] = entry;
    }
  }
}

/* The rotation in the plane of p and q that makes a_pq zero, applied to rows and columns of a, and to the vectors. */
static void rotate(int size, double *a, double *vector, int p, int q) {
  const double off = a[p * size + q];
  if (off == 0.0) return;
  const double theta = (a[q * size + q] - a[p * size + p]) / (2.0 * off);
  /* Of a huge theta the square may be infinite: t is 0 then, and off as good as. */
  const double t = (theta >= 0.0 ? 1.0 : -1.0) / (fabs(theta) + sqrt(theta * theta + 1.0));
  const double c = 1.0 / sqrt(t * t + 1.0), s = t * c;
  const double pp = a[p * size + p] - t * off, qq = a[q * size + q] + t * off;
  double *rp = a + p * size, *rq = a + q * size, *vp = vector + p * size, *vq = vector + q * size;
  for (int k = 0; k < size; k++) {
    const double x = rp[k], y = rq[k], v = vp[k], w = vq[k];
    rp[k] = c * x - s * y;
    rq[k] = s * x + c * y;
    vp[k] = c * v - s * w;
    vq[k] = s * v + c * w;
  }
  for (int k = 0; k < size; k++) {
    a[k * size + p] = rp[k];
    a[k * size + q] = rq[k];
  }
  rp[p] = pp;
  rq[q] = qq;
  rp[q] = 0.0;
  rq[p] = 0.0;
}

static bool is_diagonal(int size, const double *a) {
  double on = 0.0, off = 0.0;
  for (int i = 0; i < size; i++) {
    on += a[i * size + i] * a[i * size + i];
    for (int j = i + 1; j < size; j++) off += a[i * size + j] * a[i * size + j];
  }
  return !(off > on * 0x1p-104);
}

static void swap_rows(int size, double *a, double *b) {
  for (int k = 0; k < size; k++) {
    const double kept = a[k];
    a[k] = b[k];
    b[k] = kept;
  }
}

static void fix_sign(int size, double *vector) {
  int largest = 0;
  for (int k = 1; k < size; k++)
    if (fabs(vector[k]) > fabs(vector[largest])) largest = k;
  if (vector[largest] < 0.0)
    for (int k = 0; k < size; k++) vector[k] = 0.0 - vector[k];
}

void matrix_jacobi(int size, double *a, double *value, double *vector) {
  memset(vector, 0, (size_t)(size * size) * sizeof *vector);
  for (int i = 0; i < size; i++) vector[i * size + i] = 1.0;
  for (int sweep = 0; sweep < SWEEPS && !is_diagonal(size, a); sweep++)
    for (int p = 0; p < size; p++)
      for (int q = p + 1; q < size; q++) rotate(size, a, vector, p, q);
  for (int i = 0; i < size; i++) {
    value[i] = a[i * size + i];
    /* Insertion, which keeps the order of equal ones. */
    for (int at = i; at > 0 && value[at] < value[at - 1]; at--) {
      swap_rows(1, value + at, value + at - 1);
      swap_rows(size, vector + at * size, vector + (at - 1) * size);
    }
  }
  for (int i = 0; i < size; i++) fix_sign(size, vector + i * size);
}
