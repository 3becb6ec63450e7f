/* Adam against itself in double precision; the schedules' closed forms; clipping by the norm of the whole gradient;
 * learning rates by network. */
#include "scene.h"
#include "train/optimizer.h"

#include <math.h>

enum { STEPS = 12 };

static const struct optimizer_settings plain = {
    .learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3, .step_every = 1};
enum { NETWORKS = 4 };
static const double even[NETWORKS] = {1, 1, 1, 1};

/* Tensors from 1e-4 to 1e2 in size, so that epsilon matters for some. */
static void draw_gradient(const struct layout *layout, int step, float *gradient) {
  struct rng rng = rng_stream(2, RNG_TEST, (uint64_t)step, 0);
  memset(gradient, 0, SCENE_VALUES * sizeof *gradient);
  for (int t = 0; t < SCENE_TENSORS; t++) {
    rng_normal_f32(&rng, gradient + layout->tensor[t].offset, (int)layout->tensor[t].count);
    for (int64_t i = 0; i < layout->tensor[t].count; i++)
      gradient[layout->tensor[t].offset + i] *= (float)pow(10, t - 4);
  }
}

/* Parameters after `STEPS` steps from 0.5 everywhere. */
static void run(const struct optimizer_settings *settings, const double *ratio, double scale, float *x) {
  const struct layout layout = scene_layout();
  struct optimizer optimizer;
  float gradient[SCENE_VALUES];
  double norm;
  assert_ok(optimizer_open(settings, &layout, ratio, STEPS, &optimizer));
  optimizer.scale = scale;
  for (int i = 0; i < SCENE_VALUES; i++) x[i] = 0.5F;
  for (int step = 0; step < STEPS; step++) {
    draw_gradient(&layout, step, gradient);
    optimizer_step(&optimizer, step, gradient, x, &norm);
  }
  optimizer_close(&optimizer);
}

/* Algorithm 1 of Kingma and Ba, with the rate and the length of each step's gradient given. */
static void run_reference(const struct optimizer_settings *settings, double *x) {
  const struct layout layout = scene_layout();
  double m[SCENE_VALUES] = {0}, v[SCENE_VALUES] = {0};
  float gradient[SCENE_VALUES];
  for (int i = 0; i < SCENE_VALUES; i++) x[i] = 0.5;
  for (int step = 0; step < STEPS; step++) {
    double norm = 0;
    draw_gradient(&layout, step, gradient);
    for (int i = 0; i < SCENE_VALUES; i++) norm += (double)gradient[i] * (double)gradient[i];
    const double shrink = settings->clip > 0 ? fmin(1, settings->clip / sqrt(norm)) : 1;
    for (int i = 0; i < SCENE_VALUES; i++) {
      const double g = (double)gradient[i] * shrink;
      m[i] = settings->beta1 * m[i] + (1 - settings->beta1) * g;
      v[i] = settings->beta2 * v[i] + (1 - settings->beta2) * g * g;
      const double first = m[i] / (1 - pow(settings->beta1, step + 1)),
                   second = v[i] / (1 - pow(settings->beta2, step + 1));
      x[i] -= optimizer_rate(settings, STEPS, step) * first / (sqrt(second) + settings->epsilon);
    }
  }
}

static void test_reference(void **state) {
  (void)state;
  struct optimizer_settings settings[3] = {plain, plain, plain};
  settings[1].clip = 3;
  settings[2].schedule = SCHEDULE_COSINE;
  settings[2].warmup = 4;
  for (int k = 0; k < 3; k++) {
    float x[SCENE_VALUES];
    double expected[SCENE_VALUES];
    run(&settings[k], even, 1, x);
    run_reference(&settings[k], expected);
    for (int i = 0; i < SCENE_VALUES; i++) assert_true(fabs((double)x[i] - expected[i]) < 1e-6);
    assert_true(fabs((double)x[0] - 0.5) > 1e-4 && x[25] == 0.5F); /* a parameter; a gap */
  }
}

static void assert_close(double expected, double got) {
  if (!(fabs(got - expected) <= 1e-14 * fabs(expected))) fail_msg("expected %.17g, got %.17g", expected, got);
}

static void test_constant_and_step(void **state) {
  (void)state;
  struct optimizer_settings settings = plain;
  assert_close(0.02, optimizer_rate(&settings, 100, 0));
  assert_close(0.02, optimizer_rate(&settings, 100, 99));
  settings.schedule = SCHEDULE_STEP;
  settings.step_every = 10;
  settings.step_factor = 0.5;
  assert_close(0.02, optimizer_rate(&settings, 100, 9));
  assert_close(0.01, optimizer_rate(&settings, 100, 10));
  assert_close(0.01, optimizer_rate(&settings, 100, 19));
  assert_close(0.02 / 512, optimizer_rate(&settings, 100, 99));
}

static void test_cosine(void **state) {
  (void)state;
  struct optimizer_settings settings = plain;
  settings.schedule = SCHEDULE_COSINE;
  settings.final_ratio = 0.1;
  assert_close(0.02, optimizer_rate(&settings, 101, 0));
  assert_close(0.02 * (0.1 + 0.9 * (0.5 + sqrt(0.125))), optimizer_rate(&settings, 101, 25));
  assert_close(0.02 * 0.55, optimizer_rate(&settings, 101, 50));
  assert_close(0.002, optimizer_rate(&settings, 101, 100));
  assert_close(0.002, optimizer_rate(&settings, 101, 150));
  assert_close(0.02, optimizer_rate(&settings, 1, 0));
  for (int step = 1; step <= 100; step++)
    assert_true(optimizer_rate(&settings, 101, step) < optimizer_rate(&settings, 101, step - 1));
}

/* The first step moves already; the last of the warm-up has the whole rate of its schedule. */
static void test_warmup(void **state) {
  (void)state;
  struct optimizer_settings settings = plain, cold = plain;
  settings.warmup = 4;
  assert_close(0.005, optimizer_rate(&settings, 100, 0));
  assert_close(0.015, optimizer_rate(&settings, 100, 2));
  assert_close(0.02, optimizer_rate(&settings, 100, 3));
  assert_close(0.02, optimizer_rate(&settings, 100, 4));
  settings.schedule = cold.schedule = SCHEDULE_COSINE;
  assert_close(0.5 * optimizer_rate(&cold, 100, 1), optimizer_rate(&settings, 100, 1));
  assert_close(optimizer_rate(&cold, 100, 50), optimizer_rate(&settings, 100, 50));
}

/* 3, 4 and 12 in three networks: the norm of all is 13. */
static double clip_once(double clip, float *gradient, float *first) {
  const struct layout layout = scene_layout();
  struct optimizer_settings settings = plain;
  struct optimizer optimizer;
  float x[SCENE_VALUES] = {0};
  double norm;
  settings.clip = clip;
  memset(gradient, 0, SCENE_VALUES * sizeof *gradient);
  gradient[0] = 3;
  gradient[layout.part[1]] = -4;
  gradient[layout.part[2]] = 12;
  assert_ok(optimizer_open(&settings, &layout, even, 1, &optimizer));
  optimizer_step(&optimizer, 0, gradient, x, &norm);
  *first = optimizer.first[0];
  optimizer_close(&optimizer);
  return norm;
}

static void test_clipping(void **state) {
  (void)state;
  const double clips[] = {0, 13, 100, 6.5, 1e-3};
  for (int i = 0; i < 5; i++) {
    float gradient[SCENE_VALUES], first;
    const double norm = clip_once(clips[i], gradient, &first), shrink = i < 3 ? 1 : clips[i] / 13;
    assert_close(13, norm);
    assert_true(fabs((double)gradient[0] - 3 * shrink) <= 1e-6 * shrink);
    assert_true(fabs((double)gradient[64] + 4 * shrink) <= 1e-6 * shrink);
    assert_true(fabs((double)gradient[96] - 12 * shrink) <= 1e-6 * shrink);
    assert_true(fabs((double)first - 0.6 * shrink) <= 1e-6 * shrink);
  }
}

/* The distance that a network goes is proportional to its ratio; those of the others keep their bits. */
static void test_ratios(void **state) {
  (void)state;
  const struct layout layout = scene_layout();
  float before[SCENE_VALUES];
  run(&plain, even, 1, before);
  for (int network = 0; network < NETWORKS; network++) {
    for (double ratio = 0; ratio <= 2; ratio += 2) {
      double ratios[NETWORKS] = {1, 1, 1, 1};
      float x[SCENE_VALUES];
      ratios[network] = ratio;
      run(&plain, ratios, 1, x);
      for (int t = 0; t < SCENE_TENSORS; t++)
        for (int64_t i = layout.tensor[t].offset; i < layout.tensor[t].offset + layout.tensor[t].count; i++) {
          const double times = layout.tensor[t].network == network ? ratio : 1;
          if (times == 2)
            assert_true(fabs((double)x[i] - 0.5 - 2 * ((double)before[i] - 0.5)) < 1e-6);
          else
            assert_true(x[i] == (times == 0 ? 0.5F : before[i]));
        }
    }
  }
}

static void test_scale(void **state) {
  (void)state;
  struct optimizer_settings half = plain;
  float scaled[SCENE_VALUES], slower[SCENE_VALUES];
  half.learning_rate = plain.learning_rate / 2;
  run(&plain, even, 0.5, scaled);
  run(&half, even, 1, slower);
  assert_memory_equal(slower, scaled, sizeof scaled);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reference), cmocka_unit_test(test_constant_and_step), cmocka_unit_test(test_cosine),
      cmocka_unit_test(test_warmup),    cmocka_unit_test(test_clipping),          cmocka_unit_test(test_ratios),
      cmocka_unit_test(test_scale),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
