#include "train/optimizer.h"

#include "base/elementary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status optimizer_open(const struct optimizer_settings *settings, const struct layout *layout, const double *ratio,
                           int64_t steps, struct optimizer *optimizer) {
  const size_t count = (size_t)layout_values(layout);
  *optimizer = (struct optimizer){.settings = *settings, .layout = layout, .steps = steps, .scale = 1};
  memcpy(optimizer->ratio, ratio, (size_t)layout->networks * sizeof *ratio);
  optimizer->first = calloc(count + 1, sizeof *optimizer->first);
  optimizer->second = calloc(count + 1, sizeof *optimizer->second);
  if (optimizer->first && optimizer->second) return STATUS_OK;
  optimizer_close(optimizer);
  return status_raise(STATUS_MEMORY, "out of memory for the moments of %zu parameters", count);
}

void optimizer_close(struct optimizer *optimizer) {
  free(optimizer->first);
  free(optimizer->second);
  *optimizer = (struct optimizer){.layout = NULL};
}

double optimizer_rate(const struct optimizer_settings *settings, int64_t steps, int64_t step) {
  const double pi = 3.14159265358979323846;
  double rate = settings->learning_rate;
  if (settings->schedule == SCHEDULE_STEP)
    rate *= elementary_pow(settings->step_factor, (double)(step / settings->step_every));
  if (settings->schedule == SCHEDULE_COSINE) {
    const double rest = settings->final_ratio, done = (double)step / (double)(steps > 1 ? steps - 1 : 1);
    rate *= rest + (1 - rest) * 0.5 * (1 + elementary_cos(pi * fmin(done, 1)));
  }
  if (step < settings->warmup) rate *= (double)(step + 1) / (double)settings->warmup;
  return rate;
}

/* In as many sums side by side as keep the adders busy, in an order that is written here. */
static double global_norm(const struct layout *layout, const float *gradient) {
  enum { SUMS = 16 };
  const int64_t count = layout_values(layout), whole = count / SUMS * SUMS;
  double sum[SUMS] = {0}, all = 0;
  for (int64_t i = 0; i < whole; i += SUMS)
    for (int k = 0; k < SUMS; k++) sum[k] += (double)gradient[i + k] * (double)gradient[i + k];
  for (int k = 0; k < SUMS; k++) all += sum[k];
  for (int64_t i = whole; i < count; i++) all += (double)gradient[i] * (double)gradient[i];
  return sqrt(all);
}

/* Bias corrections are folded into the rate and into epsilon: rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps). */
void optimizer_step(struct optimizer *optimizer, int64_t step, float *gradient, float *parameters, double *norm) {
  const struct optimizer_settings *settings = &optimizer->settings;
  const struct layout *layout = optimizer->layout;
  *norm = global_norm(layout, gradient);
  const float shrink = settings->clip > 0 && *norm > settings->clip ? (float)(settings->clip / *norm) : 1.f;
  const double correct1 = 1 - elementary_pow(settings->beta1, (double)(step + 1));
  const double correct2 = sqrt(1 - elementary_pow(settings->beta2, (double)(step + 1)));
  const double rate = optimizer->scale * optimizer_rate(settings, optimizer->steps, step) * correct2 / correct1;
  const float epsilon = (float)(settings->epsilon * correct2), beta1 = (float)settings->beta1,
              beta2 = (float)settings->beta2, rest1 = (float)(1 - settings->beta1),
              rest2 = (float)(1 - settings->beta2);
  for (int t = 0; t < layout->tensors; t++) {
    const struct layout_tensor *tensor = &layout->tensor[t];
    const float tensor_rate = (float)(rate * optimizer->ratio[tensor->network]);
    float *restrict g = gradient + tensor->offset, *restrict x = parameters + tensor->offset;
    float *restrict m = optimizer->first + tensor->offset, *restrict v = optimizer->second + tensor->offset;
    for (int64_t i = 0; i < tensor->count; i++) {
      g[i] *= shrink;
      m[i] = beta1 * m[i] + rest1 * g[i];
      v[i] = beta2 * v[i] + rest2 * g[i] * g[i];
      x[i] -= tensor_rate * m[i] / (sqrtf(v[i]) + epsilon);
    }
  }
}
