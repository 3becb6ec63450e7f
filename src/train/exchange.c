#include "train/exchange.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* The tensors of one part, whose first is `tensor`; returns the first of the next. */
static int open_part(struct exchange *exchange, int part, int tensor, int64_t lanes) {
  const struct layout *layout = exchange->layout;
  int count = 0;
  exchange->first[part] = tensor;
  while (tensor + count < layout->tensors && layout->tensor[tensor + count].part == part) count++;
  int64_t *offset = malloc((size_t)(count + 1) * sizeof *offset);
  exchange->offset[part] = offset;
  if (!offset) return tensor;
  for (int i = 0; i < count; i++) offset[i] = layout->tensor[tensor + i].offset - layout->part[part];
  offset[count] = layout->part[part + 1] - layout->part[part];
  exchange->fixed[part] = (struct fixed_layout){.tensors = count, .offset = offset, .summands = lanes};
  exchange->sum[part] = calloc((size_t)fixed_words(&exchange->fixed[part]) + 1, sizeof(int64_t));
  exchange->first[part + 1] = tensor + count;
  return tensor + count;
}

enum status exchange_open(const struct comm *comm, const struct layout *layout, int64_t lanes,
                          struct exchange *exchange) {
  *exchange = (struct exchange){.comm = comm, .layout = layout};
  bool whole = true;
  for (int part = 0, tensor = 0; part < layout->parts; part++) {
    tensor = open_part(exchange, part, tensor, lanes);
    whole = whole && exchange->sum[part];
  }
  exchange->exponent = malloc((size_t)(layout->tensors + 1) * sizeof *exchange->exponent);
  exchange->seen = malloc((size_t)(layout->tensors + 1) * sizeof *exchange->seen);
  exchange->largest = malloc((size_t)(layout->tensors + 2) * sizeof *exchange->largest);
  if (!whole || !exchange->exponent || !exchange->seen || !exchange->largest) {
    exchange_close(exchange);
    return status_raise(STATUS_MEMORY, "out of memory for the sums of gradients");
  }
  for (int i = 0; i < layout->tensors; i++) exchange->exponent[i] = FIXED_EXPONENT_ZERO;
  exchange_clear(exchange);
  return STATUS_OK;
}

void exchange_close(struct exchange *exchange) {
  for (int part = 0; part < LAYOUT_PARTS_MAX; part++) {
    free(exchange->offset[part]);
    free(exchange->sum[part]);
  }
  free(exchange->exponent);
  free(exchange->seen);
  free(exchange->largest);
  *exchange = (struct exchange){.comm = NULL};
}

void exchange_clear(struct exchange *exchange) {
  const struct layout *layout = exchange->layout;
  for (int part = 0; part < layout->parts; part++)
    memset(exchange->sum[part], 0, (size_t)fixed_words(&exchange->fixed[part]) * sizeof(int64_t));
  for (int i = 0; i < layout->tensors; i++) exchange->seen[i] = FIXED_EXPONENT_ZERO;
}

void exchange_add(struct exchange *exchange, int part, const float *gradient) {
  const float *value = gradient + exchange->layout->part[part];
  const struct fixed_layout *fixed = &exchange->fixed[part];
  fixed_exponents_f32(fixed, value, exchange->seen + exchange->first[part]);
  fixed_add_f32(fixed, exchange->exponent + exchange->first[part], value, exchange->sum[part]);
}

void exchange_start(struct exchange *exchange, int part) {
  exchange->started[part] = log_clock();
  enum status status =
      reduce_begin(exchange->comm, exchange->sum[part], fixed_words(&exchange->fixed[part]), &exchange->request[part]);
  exchange->pending[part] = status == STATUS_OK;
  if (exchange->status == STATUS_OK) exchange->status = status;
}

static void note_arrival(struct exchange *exchange, int part) {
  exchange->pending[part] = 0;
  exchange->arrived[part] = log_clock();
}

void exchange_poll(struct exchange *exchange) {
  for (int part = 0; part < exchange->layout->parts; part++) {
    int done = 0;
    if (!exchange->pending[part]) continue;
    enum status status = reduce_progress(&exchange->request[part], &done);
    if (exchange->status == STATUS_OK) exchange->status = status;
    if (done) note_arrival(exchange, part);
  }
}

static void wait_for_all(struct exchange *exchange) {
  for (int part = 0; part < exchange->layout->parts; part++) {
    const double began = log_clock();
    enum status status = reduce_finish(&exchange->request[part]);
    if (exchange->status == STATUS_OK) exchange->status = status;
    if (exchange->pending[part]) note_arrival(exchange, part);
    exchange->waited += log_clock() - began;
    exchange->total += exchange->arrived[part] - exchange->started[part];
  }
}

/* The two words that fixed.h keeps for each tensor behind the sums. */
static enum exchange_outcome judge_sums(const struct exchange *exchange, int *tensor) {
  enum exchange_outcome outcome = EXCHANGE_DONE;
  for (int part = 0; part < exchange->layout->parts; part++) {
    const struct fixed_layout *fixed = &exchange->fixed[part];
    const int64_t *counts = exchange->sum[part] + fixed->offset[fixed->tensors];
    for (int64_t i = 0; i < fixed->tensors; i++) {
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
  for (int i = 0; i < exchange->layout->tensors; i++) {
    int32_t fit = exchange->seen[i], held = exchange->exponent[i];
    if (fit == FIXED_EXPONENT_NONFINITE) continue;
    if (fit != FIXED_EXPONENT_ZERO) fit += EXCHANGE_MARGIN;
    exchange->exponent[i] = fit >= held - 1 ? fit : held - 1;
  }
}

/* Collective. The largest exponents, the caller's words and request, and whether all is well, at once. */
static enum status agree_on_step(struct exchange *exchange, struct exchange_rest *rest) {
  const int tensors = exchange->layout->tensors;
  int64_t *largest = exchange->largest;
  for (int i = 0; i < tensors; i++) largest[i] = exchange->seen[i];
  largest[tensors] = rest->request;
  const enum status local = rest->status != STATUS_OK ? rest->status : exchange->status;
  exchange->status = STATUS_OK;
  TRY(reduce_agree(exchange->comm, rest->word, rest->words, largest, tensors + 1, local));
  for (int i = 0; i < tensors; i++) exchange->seen[i] = (int32_t)largest[i];
  rest->request = largest[tensors];
  return STATUS_OK;
}

enum status exchange_finish(struct exchange *exchange, struct exchange_rest *rest, float *gradient,
                            enum exchange_outcome *outcome, int *tensor) {
  wait_for_all(exchange);
  TRY(agree_on_step(exchange, rest));
  *outcome = judge_sums(exchange, tensor);
  if (*outcome == EXCHANGE_DONE)
    for (int part = 0; part < exchange->layout->parts; part++)
      TRY(fixed_values_f32(&exchange->fixed[part], exchange->exponent + exchange->first[part], exchange->sum[part],
                           gradient + exchange->layout->part[part]));
  choose_exponents(exchange);
  return STATUS_OK;
}
