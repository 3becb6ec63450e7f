#include "train/exchange.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

enum status exchange_open(const struct comm *comm, const struct model *model, int64_t lanes,
                          struct exchange *exchange) {
  *exchange = (struct exchange){.comm = comm, .model = model, .tensors = model->tensor_count};
  bool whole = true;
  for (int part = 0, tensor = 0; part < MODEL_PARTS; part++) {
    int count = 0;
    exchange->first[part] = tensor;
    while (tensor + count < model->tensor_count && (int)model->tensors[tensor + count].part == part) count++;
    int64_t *offset = malloc((size_t)(count + 1) * sizeof *offset);
    exchange->offset[part] = offset;
    if (!offset) {
      whole = false;
      break;
    }
    for (int i = 0; i < count; i++) offset[i] = model->tensors[tensor + i].offset - model->part[part];
    offset[count] = model->part[part + 1] - model->part[part];
    exchange->layout[part] = (struct fixed_layout){.tensors = count, .offset = offset, .summands = lanes};
    exchange->sum[part] = calloc((size_t)fixed_words(&exchange->layout[part]) + 1, sizeof(int64_t));
    if (!exchange->sum[part]) whole = false;
    tensor += count;
    exchange->first[part + 1] = tensor;
  }
  exchange->exponent = malloc((size_t)model->tensor_count * sizeof *exchange->exponent);
  exchange->seen = malloc((size_t)model->tensor_count * sizeof *exchange->seen);
  if (!whole || !exchange->exponent || !exchange->seen) {
    exchange_close(exchange);
    return status_raise(STATUS_MEMORY, "out of memory for the sums of gradients");
  }
  for (int i = 0; i < model->tensor_count; i++) exchange->exponent[i] = FIXED_EXPONENT_ZERO;
  exchange_clear(exchange);
  return STATUS_OK;
}

void exchange_close(struct exchange *exchange) {
  for (int part = 0; part < MODEL_PARTS; part++) {
    free(exchange->offset[part]);
    free(exchange->sum[part]);
  }
  free(exchange->exponent);
  free(exchange->seen);
  *exchange = (struct exchange){.comm = NULL};
}

void exchange_clear(struct exchange *exchange) {
  for (int part = 0; part < MODEL_PARTS; part++)
    memset(exchange->sum[part], 0, (size_t)fixed_words(&exchange->layout[part]) * sizeof(int64_t));
  for (int i = 0; i < exchange->tensors; i++) exchange->seen[i] = FIXED_EXPONENT_ZERO;
}

void exchange_add(struct exchange *exchange, enum model_part part, const float *gradient) {
  const float *value = gradient + exchange->model->part[part];
  const struct fixed_layout *layout = &exchange->layout[part];
  fixed_exponents_f32(layout, value, exchange->seen + exchange->first[part]);
  fixed_add_f32(layout, exchange->exponent + exchange->first[part], value, exchange->sum[part]);
}

void exchange_start(struct exchange *exchange, enum model_part part) {
  exchange->started[part] = log_clock();
  enum status status =
      reduce_begin(exchange->comm, exchange->sum[part], fixed_words(&exchange->layout[part]), &exchange->request[part]);
  exchange->pending[part] = status == STATUS_OK;
  if (exchange->status == STATUS_OK) exchange->status = status;
}

static void note_arrival(struct exchange *exchange, int part) {
  exchange->pending[part] = 0;
  exchange->arrived[part] = log_clock();
}

void exchange_poll(struct exchange *exchange) {
  for (int part = 0; part < MODEL_PARTS; part++) {
    int done = 0;
    if (!exchange->pending[part]) continue;
    enum status status = reduce_progress(&exchange->request[part], &done);
    if (exchange->status == STATUS_OK) exchange->status = status;
    if (done) note_arrival(exchange, part);
  }
}

static void wait_for_all(struct exchange *exchange) {
  for (int part = 0; part < MODEL_PARTS; part++) {
    const double began = log_clock();
    enum status status = reduce_finish(&exchange->request[part]);
    if (exchange->status == STATUS_OK) exchange->status = status;
    if (exchange->pending[part]) note_arrival(exchange, part);
    exchange->waited += log_clock() - began;
    exchange->total += exchange->arrived[part] - exchange->started[part];
  }
}

/* The two words that fixed.h keeps for each tensor behind the sums. */
static enum exchange_outcome judge(const struct exchange *exchange, int *tensor) {
  enum exchange_outcome outcome = EXCHANGE_DONE;
  for (int part = 0; part < MODEL_PARTS; part++) {
    const struct fixed_layout *layout = &exchange->layout[part];
    const int64_t *counts = exchange->sum[part] + layout->offset[layout->tensors];
    for (int64_t i = 0; i < layout->tensors; i++) {
      if (counts[2 * i] != 0) {
        *tensor = exchange->first[part] + (int)i;
        return EXCHANGE_DIVERGED;
      }
      if (counts[2 * i + 1] != 0) outcome = EXCHANGE_AGAIN;
    }
  }
  return outcome;
}

/* Scales shrink by one bit a step at most, so that a gradient that comes and goes is not computed twice each time. */
static void choose_exponents(struct exchange *exchange) {
  for (int i = 0; i < exchange->tensors; i++) {
    int32_t fit = exchange->seen[i], held = exchange->exponent[i];
    if (fit == FIXED_EXPONENT_NONFINITE) continue;
    if (fit != FIXED_EXPONENT_ZERO) fit += EXCHANGE_MARGIN;
    exchange->exponent[i] = fit >= held - 1 ? fit : held - 1;
  }
}

/* Collective. */
static enum status agree_exponents(struct exchange *exchange) {
  int64_t *wide = malloc((size_t)(exchange->tensors + 1) * sizeof *wide);
  TRY(comm_agree(exchange->comm, wide ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for exponents")));
  for (int i = 0; i < exchange->tensors; i++) wide[i] = exchange->seen[i];
  enum status status = reduce_max(exchange->comm, wide, exchange->tensors);
  for (int i = 0; i < exchange->tensors; i++) exchange->seen[i] = (int32_t)wide[i];
  free(wide);
  return status;
}

enum status exchange_finish(struct exchange *exchange, float *gradient, enum exchange_outcome *outcome, int *tensor) {
  wait_for_all(exchange);
  enum status status = comm_agree(exchange->comm, exchange->status);
  exchange->status = STATUS_OK;
  if (status == STATUS_OK) status = agree_exponents(exchange);
  if (status != STATUS_OK) return status;
  *outcome = judge(exchange, tensor);
  if (*outcome == EXCHANGE_DONE)
    for (int part = 0; part < MODEL_PARTS; part++)
      TRY(fixed_values_f32(&exchange->layout[part], exchange->exponent + exchange->first[part], exchange->sum[part],
                           gradient + exchange->model->part[part]));
  choose_exponents(exchange);
  return STATUS_OK;
}
