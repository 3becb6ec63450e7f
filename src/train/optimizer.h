/* Adam (Kingma and Ba, ICLR 2015) with schedules, clipping by the global norm, and a learning rate for each network.
 *
 * The same bits on every rank: each holds the whole gradient and works through it in one order.
 * All functions: Not collective.
 */
#ifndef HGN_TRAIN_OPTIMIZER_H
#define HGN_TRAIN_OPTIMIZER_H

#include "config/training.h"
#include "model/layout.h"

struct optimizer {
  struct optimizer_settings settings;
  const struct layout *layout;       /* borrowed */
  double ratio[LAYOUT_NETWORKS_MAX]; /* of the learning rate, by network */
  int64_t steps;                     /* of the whole training: cosine ends there */
  float *first, *second;             /* moments, as the block; owned */
  double scale;                      /* of the learning rate: smaller after divergence */
};

/* ratio[networks]: of the learning rate. STATUS_MEMORY. */
enum status optimizer_open(const struct optimizer_settings *settings, const struct layout *layout, const double *ratio,
                           int64_t steps, struct optimizer *optimizer);
void optimizer_close(struct optimizer *optimizer);

/* The learning rate of step 0, 1, ..., without `scale`. */
double optimizer_rate(const struct optimizer_settings *settings, int64_t steps, int64_t step);

/* Updates the parameters by step `step`; gradient is scaled in place when it is clipped. *norm: before clipping. */
void optimizer_step(struct optimizer *optimizer, int64_t step, float *gradient, float *parameters, double *norm);

#endif
