/* The nearest true trajectory: of films of true rollouts it is the rollout, of what is none it is far; and the expected
 * image that films are compared with is the mean of images under noise. With arguments "survey N": how often it is
 * found, for all systems. */
#include "base/log.h"
#include "base/rng.h"
#include "physics/match.h"
#include "rendering.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST = 4, FRAMES = 30, U = SYSTEM_UNIFORMS_MAX };

static struct rng stream(uint64_t index) { return rng_stream(7, RNG_TEST, index, 0); }

static void draw_uniform(struct rng *rng, double uniform[U]) {
  for (int i = 0; i < U; i++) uniform[i] = rng_uniform(rng);
}

/* ---- The expected image ---- */

/* The largest difference from the mean of many images under drawn noise, in standard errors of that mean. */
static double worst_of_mean(struct expected *expected, const double *q, int draws) {
  struct renderer *renderer = &expected->renderer;
  const size_t values = renderer->values;
  const int freedom = renderer->system->freedom;
  double *sum = calloc(2 * values, sizeof *sum), *square = sum + values, worst = 0;
  float *image = malloc(2 * values * sizeof *image), *one = image + values;
  struct rng rng = stream(99);
  for (int i = 0; i < draws; i++) {
    double normal[SYSTEM_FREEDOM_MAX + 1], seen[SYSTEM_FREEDOM_MAX];
    rng_normal(&rng, normal, freedom);
    for (int c = 0; c < freedom; c++) seen[c] = q[c] + expected->noise * normal[c];
    render_f32(renderer, seen, one);
    for (size_t k = 0; k < values; k++) {
      const double d = (double)(one[k] - renderer->background[k]);
      sum[k] += d / draws;
      square[k] += d * d / draws;
    }
  }
  expected_image(expected, q, image);
  for (size_t k = 0; k < values; k++) {
    const double error = sqrt((square[k] - sum[k] * sum[k]) / draws) + 2e-4;
    worst = fmax(worst, fabs((double)image[k] - sum[k]) / error);
  }
  free(sum);
  free(image);
  return worst;
}

static void test_expected_image(void **state) {
  (void)state;
  static const double place[][SYSTEM_FREEDOM_MAX] = {
      {0.31, 0.72, -0.4, 0.9, 1.3, -1.2}, {-1.9, 2.6, 2.2, 2.3, 2.5, 2.4}, {0.1, 0.1, 0.2, 0.35, -0.1, 0.3}};
  for (int kind = 0; kind < SYSTEM_COUNT; kind++)
    for (int renderer = 0; renderer < RENDERER_COUNT; renderer++)
      for (int i = 0; i < 3; i++) {
        struct experiment experiment = rendering_experiment((enum system_kind)kind, (enum renderer_kind)renderer);
        struct expected expected;
        assert_ok(expected_open(&experiment, experiment.data.noise, &expected));
        const double worst = worst_of_mean(&expected, place[i], 3000);
        if (!(worst < (kind == SYSTEM_DOUBLE_PENDULUM && i == 2 ? 12 : 5.5)))
          fail_msg("%s, renderer %d, place %d: off by %g", system_get((enum system_kind)kind)->name, renderer, i,
                   worst);
        expected_close(&expected);
      }
}

/* Without noise it is the image. */
static void test_without_noise(void **state) {
  (void)state;
  const double q[SYSTEM_FREEDOM_MAX] = {-2.97, 0.62, 2.4, -2.95, 0.3, 0.3};
  for (int kind = 0; kind < SYSTEM_COUNT; kind++)
    for (int renderer = 0; renderer < RENDERER_COUNT; renderer++) {
      struct experiment experiment = rendering_experiment((enum system_kind)kind, (enum renderer_kind)renderer);
      struct expected expected;
      assert_ok(expected_open(&experiment, 0, &expected));
      const size_t values = expected.renderer.values;
      float *image = malloc(2 * values * sizeof *image), *one = image + values;
      render_f32(&expected.renderer, q, one);
      for (int again = 0; again < 2; again++) { /* nothing of the last one is left */
        expected_image(&expected, q, image);
        for (size_t i = 0; i < values; i++)
          if (!(fabsf(image[i] + expected.renderer.background[i] - one[i]) <
                (renderer == RENDERER_SOFT ? 0.02F : 1e-6F)))
            fail_msg("%s: %g, not %g", system_get((enum system_kind)kind)->name, (double)image[i],
                     (double)(one[i] - expected.renderer.background[i]));
      }
      free(image);
      expected_close(&expected);
    }
}

/* ---- Films ---- */

struct scene {
  struct experiment experiment;
  struct match *match;
  size_t values;
  float *film, *other;
  double floor; /* noise floor, as a mean over some rollouts */
};

/* The mean squared difference of observed images and the expected ones. */
static double measure_floor(struct scene *scene, struct rng *rng) {
  double sum = 0, uniform[U], state[SYSTEM_STATE_MAX], n = 0;
  const int freedom = system_get(scene->experiment.system.name)->freedom;
  for (int i = 0; i < 10; i++) {
    draw_uniform(rng, uniform);
    match_state(scene->match, uniform, state);
    match_render(scene->match, uniform, scene->film);
    double normal[SYSTEM_FREEDOM_MAX + 1];
    rng_normal(rng, normal, freedom);
    for (int c = 0; c < freedom; c++) state[c] += scene->experiment.data.noise * normal[c];
    struct renderer renderer;
    assert_ok(render_open(&scene->experiment, &renderer));
    render_f32(&renderer, state, scene->other);
    for (size_t k = 0; k < scene->values; k++, n++)
      sum += (double)((scene->other[k] - scene->film[k]) * (scene->other[k] - scene->film[k]));
    render_close(&renderer);
  }
  return sum / n;
}

static void open_scene(enum system_kind kind, enum renderer_kind renderer, int64_t first, struct scene *scene) {
  scene->experiment = rendering_experiment(kind, renderer);
  scene->values = 32 * 32 * 3;
  assert_ok(match_open(&scene->experiment, first, FRAMES, &scene->match));
  scene->film = malloc(FRAMES * scene->values * sizeof(float));
  scene->other = malloc(FRAMES * scene->values * sizeof(float));
  struct rng rng = stream(1);
  scene->floor = measure_floor(scene, &rng);
}

static void close_scene(struct scene *scene) {
  match_close(&scene->match);
  free(scene->film);
  free(scene->other);
}

/* Of `count` films of true rollouts, those whose nearest one is within a hundredth of the noise floor. */
static int count_found(struct scene *scene, int count, int *outside) {
  struct rng rng = stream(2);
  int found = 0;
  for (int i = 0; i < count; i++) {
    double uniform[U];
    struct match_fit fit;
    draw_uniform(&rng, uniform);
    match_render(scene->match, uniform, scene->film);
    assert_ok(match_find(scene->match, scene->film, &fit));
    found += fit.mse < 0.01 * scene->floor;
    *outside += fit.outside;
  }
  return found;
}

static void test_true_rollouts(void **state) {
  (void)state;
  static const struct {
    enum system_kind kind;
    enum renderer_kind renderer;
    int count;
  } trial[] = {{SYSTEM_MASS_SPRING, RENDERER_SOFT, 15},
               {SYSTEM_DAMPED_SPRING, RENDERER_REPORT2021, 15},
               {SYSTEM_PENDULUM, RENDERER_REPORT2021, 30},
               {SYSTEM_TWO_BODY, RENDERER_REPORT2021, 20},
               {SYSTEM_THREE_BODY, RENDERER_SOFT, 8}};
  for (size_t i = 0; i < sizeof trial / sizeof *trial; i++) {
    struct scene scene;
    int outside = 0;
    open_scene(trial[i].kind, trial[i].renderer, FIRST, &scene);
    assert_int_equal(count_found(&scene, trial[i].count, &outside), trial[i].count);
    assert_true(outside <= 1);
    close_scene(&scene);
  }
}

/* The state is that of the rollout, at the film's first frame; the cube's sides can be told. */
static void test_states(void **state) {
  (void)state;
  struct scene scene;
  open_scene(SYSTEM_PENDULUM, RENDERER_SOFT, FIRST, &scene);
  for (int i = 0; i < 2; i++) {
    const double uniform[U] = {0.34, i ? 1.25 : 0.6};
    double truth[SYSTEM_STATE_MAX];
    struct match_fit fit;
    match_render(scene.match, uniform, scene.film);
    match_state(scene.match, uniform, truth);
    assert_ok(match_find(scene.match, scene.film, &fit));
    if (!(fit.mse < 0.01 * scene.floor))
      fail_msg("%g of the floor at %g, %g", fit.mse / scene.floor, fit.uniform[0], fit.uniform[1]);
    assert_int_equal(fit.outside, i == 1);
    for (int c = 0; c < 2; c++) assert_true(fabs(fit.state[c] - truth[c]) < 0.02);
    assert_true(fabs(match_distance(scene.match, scene.film, fit.uniform) - fit.mse) == 0);
    assert_true(match_distance(scene.match, scene.film, uniform) < 1e-10);
  }
  close_scene(&scene);
}

static double nearest(struct scene *scene) {
  struct match_fit fit;
  assert_ok(match_find(scene->match, scene->film, &fit));
  return fit.mse / scene->floor;
}

static float *frame_of(const struct scene *scene, float *film, int frame) {
  return film + (size_t)frame * scene->values;
}

/* What is no rollout, of the same frames. In units of the noise floor, a tenth of which is a good model's error. */
static void test_no_rollouts(void **state) {
  (void)state;
  static const enum system_kind kinds[] = {SYSTEM_MASS_SPRING, SYSTEM_PENDULUM, SYSTEM_TWO_BODY};
  for (int k = 0; k < 3; k++) {
    struct scene scene;
    double a[U], b[U];
    struct rng rng = stream(3);
    open_scene(kinds[k], RENDERER_REPORT2021, FIRST, &scene);
    const size_t bytes = scene.values * sizeof(float);
    const float *background = scene.other;
    draw_uniform(&rng, a);
    draw_uniform(&rng, b);
    b[0] = a[0] + 0.4;
    match_render(scene.match, a, scene.other);
    for (int t = 0; t < FRAMES; t++) /* in another order */
      memcpy(frame_of(&scene, scene.film, t), frame_of(&scene, scene.other, 7 * t % FRAMES), bytes);
    const double shuffled = nearest(&scene);
    match_render(scene.match, b, scene.film);
    memcpy(scene.film, scene.other, FRAMES / 2 * bytes); /* the beginning of another */
    const double spliced = nearest(&scene);
    for (size_t i = 0; i < scene.values; i++) { /* the mean of its frames, all along */
      float sum = 0;
      for (int t = 0; t < FRAMES; t++) sum += scene.other[(size_t)t * scene.values + i] / FRAMES;
      for (int t = 0; t < FRAMES; t++) scene.film[(size_t)t * scene.values + i] = sum;
    }
    const double mean = nearest(&scene);
    for (size_t i = 0; i < FRAMES * scene.values; i++) scene.film[i] = background[0];
    const double blank = nearest(&scene);
    print_message("%s, in noise floors: shuffled %.1f, spliced %.1f, mean image %.1f, blank %.1f\n",
                  system_get(kinds[k])->name, shuffled, spliced, mean, blank);
    assert_true(shuffled > 2 && spliced > 2 && mean > 2 && blank > 2);
    scene.film[5] = NAN;
    assert_true(isnan(nearest(&scene)));
    close_scene(&scene);
  }
}

/* Little noise, none, grey, few pixels, and a film of one frame: the search ends near. */
static void test_other_data(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct experiment experiment = rendering_experiment(SYSTEM_MASS_SPRING, i ? RENDERER_SOFT : RENDERER_REPORT2021);
    const double uniform[U] = {0.3, 0.7};
    struct match *match;
    struct match_fit fit;
    experiment.data.noise = i == 2 ? 0.1 : 0;
    experiment.render.color = i ? COLOR_GREY : COLOR_RGB;
    if (i == 2) experiment.render.height = 12, experiment.render.width = 9;
    const int64_t frames = i == 2 ? 1 : 12, values = experiment.render.height * experiment.render.width * (i ? 1 : 3);
    float *film = malloc((size_t)(frames * values) * sizeof *film);
    assert_ok(match_open(&experiment, 0, frames, &match));
    match_render(match, uniform, film);
    assert_ok(match_find(match, film, &fit));
    if (!(fit.mse < (i == 0 ? 1e-3 : 1e-5))) fail_msg("data %d: %g", i, fit.mse);
    match_close(&match);
    free(film);
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Fails where less than nineteen in twenty are found. */
static int survey(int count) {
  int failed = 0;
  for (int kind = 0; kind < SYSTEM_COUNT; kind++)
    for (int renderer = 0; renderer < RENDERER_COUNT; renderer++) {
      struct scene scene;
      int outside = 0;
      const double begun = now();
      open_scene((enum system_kind)kind, (enum renderer_kind)renderer, FIRST, &scene);
      const double opened = now();
      const int found = count_found(&scene, count, &outside);
      printf("%-16s %-10s floor %.2fe-4  found %d of %d  outside %d  bank %.2f s  a film %.1f ms\n",
             system_get((enum system_kind)kind)->name, experiment_renderer_name((enum renderer_kind)renderer),
             1e4 * scene.floor, found, count, outside, opened - begun, 1e3 * (now() - opened) / count);
      fflush(stdout);
      close_scene(&scene);
      failed |= 20 * found < 19 * count;
    }
  return failed;
}

int main(int argc, char **argv) {
  log_setup(LOG_QUIET, 0, true);
  if (argc > 2 && strcmp(argv[1], "survey") == 0) return survey(atoi(argv[2]));
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_expected_image), cmocka_unit_test(test_without_noise),
                                     cmocka_unit_test(test_true_rollouts),  cmocka_unit_test(test_states),
                                     cmocka_unit_test(test_no_rollouts),    cmocka_unit_test(test_other_data)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
