/* Matrix products, compiled once for each level.
 *
 * Each result adds its terms in their order, from the first to the last, each by one fused multiply-add, in one lane of
 * a register: so its bits are the same at every width of registers, and whatever rows and columns stand beside it.
 * Sizes of tiles and panels below decide the speed alone: a sum that is put down in memory goes on from where it was.
 *
 * A tile of results stays in registers while its terms go by. Rows of b are read as they lie; those of a transposed b,
 * and the last columns, from a panel that is packed once for all rows. (128 x 128 x 128, f32, one core of a Zen 5,
 * AVX-512: 254 GFLOP/s, OpenBLAS 0.3.21's Haswell kernels 123; AVX2: 127.)
 */
#include "graph/lanes.h"
#include "graph/levels.h"

/* Rows by registers of a tile: as many sums as leave registers for a row of b and a number of a. X(rows) for each
 * number of rows, for the compiler keeps sums in registers where it knows how many there are. */
enum { TILE_VECTORS = 2, TILE_ROWS = LANES_REGISTERS == 32 ? 12 : 6 };
#define FEW_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#if LANES_MANY
#define ALL_ROWS(X) FEW_ROWS(X) X(7) X(8) X(9) X(10) X(11) X(12)
#else
#define ALL_ROWS(X) FEW_ROWS(X)
#endif
/* Of a panel: a quarter of the first-level cache, or half of it. */
enum { PANEL_TERMS = 256, EDGE_ROWS = 60 };

#define REAL float
#define NAME(name) name##_f32
#include "graph/product.inc"
#undef REAL
#undef NAME

#define REAL double
#define NAME(name) name##_f64
#include "graph/product.inc"
#undef REAL
#undef NAME

kernel_product *const LEVEL_NAME(kernel_products)[2] = {product_f32, product_f64};
