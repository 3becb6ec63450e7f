/* Runs of elementwise nodes, block by block: a block of every intermediate result fits in the first-level cache.
 *
 * Scratch: the registers, one block each; then for each operand that is not a whole array a tile, which holds its
 * repeating pattern often enough for a block to start anywhere in it. Patterns longer than a block are laid out anew
 * for each block.
 */
#include "graph/plan_private.h"

#include <string.h>

enum { BLOCK_BYTES = 4096 };

static bool is_array(const struct program *program, const struct operand *operand) {
  return operand->place.slot >= 0 && operand->repeat == 1 && operand->period == program->elements;
}

/* Elements after which the operand repeats. */
static int64_t cycle(const struct operand *operand) {
  return operand->place.slot < 0 ? 1 : operand->period * operand->repeat;
}

static bool is_short(const struct program *program, const struct operand *operand) {
  return cycle(operand) <= program->block;
}

static int64_t tile_elements(const struct program *program, const struct operand *operand) {
  if (is_array(program, operand)) return 0;
  if (cycle(operand) == 1 || !is_short(program, operand)) return program->block;
  return program->block + cycle(operand);
}

void program_size(struct program *program) {
  int64_t size = type_size(program->type);
  program->block = BLOCK_BYTES / size;
  if (program->elements < program->block) program->block = program->elements > 0 ? program->elements : 1;
  int64_t elements = program->registers * program->block;
  for (int i = 0; i < program->operand_count; i++) elements += tile_elements(program, &program->operands[i]);
  program->scratch = elements * size;
}

/* Elements start .. start + count - 1 of the operand's pattern. */
#define LAY_OUT(name, real)                                                                                            \
  static void name(const struct operand *operand, const real *array, int64_t start, int64_t count, real *tile) {       \
    int64_t repeat = operand->repeat, period = operand->period, done = 0;                                              \
    if (repeat == 1) {                                                                                                 \
      for (int64_t at = start % period; done < count; at = 0) {                                                        \
        int64_t length = period - at < count - done ? period - at : count - done;                                      \
        memcpy(tile + done, array + at, (size_t)length * sizeof *tile);                                                \
        done += length;                                                                                                \
      }                                                                                                                \
      return;                                                                                                          \
    }                                                                                                                  \
    for (int64_t at = start / repeat % period, left = repeat - start % repeat; done < count; left = repeat) {          \
      int64_t length = left < count - done ? left : count - done;                                                      \
      for (int64_t i = 0; i < length; i++) tile[done + i] = array[at];                                                 \
      done += length;                                                                                                  \
      at = at + 1 == period ? 0 : at + 1;                                                                              \
    }                                                                                                                  \
  }
LAY_OUT(lay_out_f32, float)
LAY_OUT(lay_out_f64, double)

static void lay_out(const struct plan *plan, const struct program *program, const struct operand *operand,
                    int64_t start, int64_t count, unsigned char *tile) {
  if (operand->place.slot < 0) {
    const struct operand fill = {.period = 1, .repeat = count};
    float f32 = (float)operand->number;
    if (program->type == GRAPH_F32)
      lay_out_f32(&fill, &f32, 0, count, (float *)(void *)tile);
    else
      lay_out_f64(&fill, &operand->number, 0, count, (double *)(void *)tile);
  } else if (program->type == GRAPH_F32) {
    lay_out_f32(operand, plan_address(plan, operand->place), start, count, (float *)(void *)tile);
  } else {
    lay_out_f64(operand, plan_address(plan, operand->place), start, count, (double *)(void *)tile);
  }
}

/* Points source[i] at element `start` of operand i. */
static void point_operands(const struct plan *plan, const struct program *program, int64_t start, int64_t count,
                           unsigned char *tile, const unsigned char **source) {
  int64_t size = type_size(program->type);
  for (int i = 0; i < program->operand_count; i++) {
    const struct operand *operand = &program->operands[i];
    if (is_array(program, operand)) {
      source[i] = (unsigned char *)plan_address(plan, operand->place) + start * size;
      continue;
    }
    int64_t elements = tile_elements(program, operand);
    if (!is_short(program, operand))
      lay_out(plan, program, operand, start, count, tile);
    else if (start == 0)
      lay_out(plan, program, operand, 0, elements, tile);
    source[i] = tile + (is_short(program, operand) ? start % cycle(operand) * size : 0);
    tile += elements * size;
  }
}

void program_run(const struct plan *plan, const struct program *program, unsigned char *scratch) {
  const unsigned char *source[PROGRAM_OPERANDS_MAX];
  int64_t size = type_size(program->type), span = program->block * size;
  for (int64_t start = 0; start < program->elements; start += program->block) {
    int64_t left = program->elements - start, count = left < program->block ? left : program->block;
    point_operands(plan, program, start, count, scratch + program->registers * span, source);
    for (int i = 0; i < program->instruction_count; i++) {
      const struct instruction *at = &program->instructions[i];
      const void *a = at->a >= 0 ? source[at->a] : scratch + (-1 - at->a) * span;
      const void *b = at->b >= 0 ? source[at->b] : scratch + (-1 - at->b) * span;
      void *y = at->store.slot < 0 ? scratch + at->target * span
                                   : (unsigned char *)plan_address(plan, at->store) + start * size;
      at->map(count, at->number, a, b, y);
    }
  }
}
