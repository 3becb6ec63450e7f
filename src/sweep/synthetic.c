#include "sweep/synthetic.h"

#include "base/elementary.h"
#include "base/rng.h"

#define PI 3.14159265358979323846

double synthetic_value(enum synthetic_kind function, double x, double y) {
  switch (function) {
  case SYNTHETIC_SPHERE:
    return x * x + y * y;
  case SYNTHETIC_ROSENBROCK:
    return 100 * (y - x * x) * (y - x * x) + (1 - x) * (1 - x);
  case SYNTHETIC_BRANIN: {
    const double bend = y - 5.1 / (4 * PI * PI) * x * x + 5 / PI * x - 6;
    return bend * bend + 10 * (1 - 1 / (8 * PI)) * elementary_cos(x) + 10;
  }
  case SYNTHETIC_RASTRIGIN:
    return 20 + x * x - 10 * elementary_cos(2 * PI * x) + y * y - 10 * elementary_cos(2 * PI * y);
  case SYNTHETIC_COUNT:
    break;
  }
  return (double)NAN;
}

/* Each point has noise of its own. */
static uint64_t stream_of(const struct synthetic_settings *settings, int64_t step) {
  const uint64_t x = elementary_bits(settings->x), y = elementary_bits(settings->y);
  return (uint64_t)step ^ x * UINT64_C(0x9e3779b97f4a7c15) ^ y * UINT64_C(0xc2b2ae3d27d4eb4f);
}

double synthetic_loss(const struct experiment *experiment, int64_t step) {
  const struct synthetic_settings *settings = &experiment->training.synthetic;
  double loss = synthetic_value(settings->function, settings->x, settings->y) + 1 / (double)step, noise;
  if (settings->noise > 0) {
    struct rng rng = rng_stream((uint64_t)experiment->seed, RNG_SYNTHETIC, stream_of(settings, step), 0);
    rng_normal(&rng, &noise, 1);
    loss += settings->noise * noise;
  }
  return loss;
}
