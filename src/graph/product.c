/* Matrix products of f32 for tens to hundreds of rows, columns and terms, as dense layers have them. Compiled once for
 * each level that has fused multiply-add.
 *
 * Each result adds its terms in their order, from the first to the last, each by one fused multiply-add, in one lane of
 * a register: so its bits are the same at every width of registers, and whatever rows and columns stand beside it.
 *
 * A tile of results stays in registers while its terms go by. Rows of b are read as they lie; those of a transposed b,
 * and the last columns, from a panel that is packed once for all rows. (128 x 128 x 128, one core of a Zen 5, AVX-512:
 * 254 GFLOP/s, OpenBLAS 0.3.21's Haswell kernels 123; AVX2: 127.)
 */
#include "graph/levels.h"

#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512 lanes;
enum { LANES = 16, TILE_ROWS = 12 };
#define LANES_LOAD _mm512_loadu_ps
#define LANES_STORE _mm512_storeu_ps
#define LANES_ALL _mm512_set1_ps
#define LANES_FMA _mm512_fmadd_ps
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
typedef __m256 lanes;
enum { LANES = 8, TILE_ROWS = 6 };
#define LANES_LOAD _mm256_loadu_ps
#define LANES_STORE _mm256_storeu_ps
#define LANES_ALL _mm256_set1_ps
#define LANES_FMA _mm256_fmadd_ps
#endif

#if defined(LANES_FMA)

/* Of a panel: 64 kB at most, which the second-level cache holds beside what it is multiplied with. */
enum { TILE_VECTORS = 2, TILE_COLUMNS = TILE_VECTORS * LANES, PANEL_TERMS = 512, FEW_ROWS = 4, EDGE_ROWS = 60 };

/* Some rows of results, TILE_COLUMNS wide, and some of their terms. */
struct tile {
  const float *a, *b; /* at the first row and term; at the first term and column */
  float *c;
  int64_t row_step, term_step, b_step, c_step, terms; /* steps: of a by row and by term, of b by term, of c by row */
  bool first;                                         /* these are the first terms: c is not read */
};

static inline __attribute__((always_inline)) void run_tile(const struct tile *tile, const int rows) {
  lanes sum[TILE_ROWS][TILE_VECTORS];
  const float *a = tile->a, *b = tile->b;
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < TILE_VECTORS; v++)
      sum[i][v] = tile->first ? LANES_ALL(0) : LANES_LOAD(tile->c + i * tile->c_step + v * LANES);
  for (int64_t k = 0; k < tile->terms; k++, a += tile->term_step, b += tile->b_step) {
    lanes row[TILE_VECTORS];
    for (int v = 0; v < TILE_VECTORS; v++) row[v] = LANES_LOAD(b + v * LANES);
    for (int i = 0; i < rows; i++) {
      const lanes factor = LANES_ALL(a[i * tile->row_step]);
      for (int v = 0; v < TILE_VECTORS; v++) sum[i][v] = LANES_FMA(factor, row[v], sum[i][v]);
    }
  }
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < TILE_VECTORS; v++) LANES_STORE(tile->c + i * tile->c_step + v * LANES, sum[i][v]);
}

/* The compiler keeps sums in registers where it knows their number. */
static void run_whole(const struct tile *tile) { run_tile(tile, TILE_ROWS); }
static void run_few(const struct tile *tile) { run_tile(tile, FEW_ROWS); }
static void run_one(const struct tile *tile) { run_tile(tile, 1); }

static void run_rows(struct tile tile, int64_t rows) {
  while (rows > 0) {
    const int64_t now = rows >= TILE_ROWS ? TILE_ROWS : rows >= FEW_ROWS ? FEW_ROWS : 1;
    if (now == TILE_ROWS)
      run_whole(&tile);
    else if (now == FEW_ROWS)
      run_few(&tile);
    else
      run_one(&tile);
    tile.a += now * tile.row_step;
    tile.c += now * tile.c_step;
    rows -= now;
  }
}

/* panel[terms][TILE_COLUMNS], zeros beyond the last column. */
static void pack(const float *b, bool transposed, int64_t step, int64_t terms, int64_t columns, float *panel) {
  if (columns < TILE_COLUMNS) memset(panel, 0, (size_t)(terms * TILE_COLUMNS) * sizeof *panel);
  if (!transposed) {
    for (int64_t k = 0; k < terms; k++) memcpy(panel + k * TILE_COLUMNS, b + k * step, (size_t)columns * sizeof *panel);
    return;
  }
  for (int64_t j = 0; j < columns; j++)
    for (int64_t k = 0; k < terms; k++) panel[k * TILE_COLUMNS + j] = b[j * step + k];
}

static void copy_rows(const float *from, int64_t from_step, int64_t rows, int64_t columns, float *to, int64_t to_step) {
  for (int64_t i = 0; i < rows; i++) memcpy(to + i * to_step, from + i * from_step, (size_t)columns * sizeof *to);
}

/* Fewer columns than a tile has: through a copy. */
static void run_edge(struct tile tile, int64_t rows, int64_t columns) {
  float edge[EDGE_ROWS * TILE_COLUMNS] = {0};
  for (int64_t done = 0; done < rows; done += EDGE_ROWS) {
    const int64_t now = rows - done < EDGE_ROWS ? rows - done : EDGE_ROWS;
    struct tile part = tile;
    part.a += done * tile.row_step;
    part.c = edge;
    part.c_step = TILE_COLUMNS;
    float *c = tile.c + done * tile.c_step;
    if (!tile.first) copy_rows(c, tile.c_step, now, columns, edge, TILE_COLUMNS);
    run_rows(part, now);
    copy_rows(edge, TILE_COLUMNS, now, columns, c, tile.c_step);
  }
}

static void run_product(const struct kernel_product_size *size, const float *a, const float *b, float *c) {
  float panel[PANEL_TERMS * TILE_COLUMNS] __attribute__((aligned(64)));
  const int64_t a_step = size->a_transposed ? size->rows : size->terms,
                b_step = size->b_transposed ? size->terms : size->columns;
  for (int64_t k = 0; k < size->terms; k += PANEL_TERMS)
    for (int64_t j = 0; j < size->columns; j += TILE_COLUMNS) {
      const int64_t terms = size->terms - k < PANEL_TERMS ? size->terms - k : PANEL_TERMS, left = size->columns - j;
      const bool whole = left >= TILE_COLUMNS, packed = size->b_transposed || !whole;
      const float *from = size->b_transposed ? b + j * b_step + k : b + k * b_step + j;
      const struct tile tile = {.a = size->a_transposed ? a + k * a_step : a + k,
                                .b = packed ? panel : from,
                                .c = c + j,
                                .row_step = size->a_transposed ? 1 : a_step,
                                .term_step = size->a_transposed ? a_step : 1,
                                .b_step = packed ? TILE_COLUMNS : b_step,
                                .c_step = size->columns,
                                .terms = terms,
                                .first = k == 0};
      if (packed) pack(from, size->b_transposed, b_step, terms, whole ? TILE_COLUMNS : left, panel);
      if (whole)
        run_rows(tile, size->rows);
      else
        run_edge(tile, size->rows, left);
    }
}

kernel_product *const LEVEL_NAME(kernel_product_f32) = run_product;

#else

kernel_product *const LEVEL_NAME(kernel_product_f32) = NULL;

#endif
