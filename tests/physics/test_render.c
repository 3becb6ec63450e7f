/* The soft renderer against geometry, report2021 against a plain transcription, and what both promise. */
#include "physics/render.h"
#include "physics/rendering.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct experiment small_experiment(enum system_kind kind, enum renderer_kind renderer, int height, int width) {
  struct experiment experiment = rendering_experiment(kind, renderer);
  experiment.render.height = height;
  experiment.render.width = width;
  return experiment;
}

/* in(-1) is in(1), twice, as the reproduction's two blurs have it. */
static void blur(const double *in, int height, int width, double *out) {
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
        int up = y ? y - 1 : 1, left = x ? x - 1 : 1;
        out[(y * width + x) * 3 + c] = (in[(y * width + x) * 3 + c] + in[(up * width + x) * 3 + c] +
                                        in[(y * width + left) * 3 + c] + in[(up * width + left) * 3 + c]) /
                                       4;
      }
}

static void draw_plainly(const struct experiment *experiment, const double *xy, int bodies, double *image) {
  int height = (int)experiment->render.height, width = (int)experiment->render.width;
  int shorter = height < width ? height : width;
  size_t values = (size_t)height * (size_t)width * 3;
  double *other = malloc(values * sizeof *other);
  assert_non_null(other);
  for (size_t i = 0; i < values; i++) image[i] = 0;
  int r = (int)(experiment->render.radius / (2 * experiment->render.world / shorter));
  for (int b = 0; b < bodies; b++) {
    double wx = experiment->render.world * width / shorter, wy = experiment->render.world * height / shorter;
    int cx = (int)trunc(width * (xy[2 * b] + wx) / (2 * wx)), cy = (int)trunc(height * (xy[2 * b + 1] + wy) / (2 * wy));
    const float *color = render_color(experiment->system.name, b);
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        if ((x - cx) * (x - cx) + (y - cy) * (y - cy) <= r * r)
          for (int c = 0; c < 3; c++) image[(y * width + x) * 3 + c] = (double)color[c];
  }
  blur(image, height, width, other);
  blur(other, height, width, image);
  for (size_t i = 0; i < values; i++) image[i] = fmin(1, image[i] + (double)render_background[i % 3]);
  free(other);
}

static double uniform(struct rng *rng, double low, double high) { return low + (high - low) * rng_uniform(rng); }

static void test_report2021_plainly(void **state) {
  (void)state;
  static const int sides[][2] = {{32, 32}, {4, 4}, {5, 9}, {48, 20}, {64, 64}};
  static const double radii[] = {0.01, 0.25, 0.55, 1.1, 2.9};
  struct rng rng = rng_stream(7, RNG_TEST, 0, 0);
  for (size_t side = 0; side < sizeof sides / sizeof *sides; side++)
    for (size_t k = 0; k < sizeof radii / sizeof *radii; k++) {
      struct experiment experiment =
          small_experiment(SYSTEM_THREE_BODY, RENDERER_REPORT2021, sides[side][0], sides[side][1]);
      experiment.render.radius = radii[k];
      struct experiment grey = experiment;
      grey.render.color = COLOR_GREY;
      struct renderer renderer, grey_renderer;
      assert_ok(render_open(&experiment, &renderer));
      assert_ok(render_open(&grey, &grey_renderer));
      float *image = malloc(renderer.values * sizeof *image),
            *grey_image = malloc(renderer.values * sizeof *grey_image);
      double *plain = malloc(renderer.values * sizeof *plain);
      assert_true(image && grey_image && plain);
      for (int n = 0; n < 60; n++) {
        /* Bodies beside each other, on each other, across every border and outside. */
        double q[6], reach = n % 3 == 0 ? 1 : n % 3 == 1 ? 3.6 : 8;
        for (int c = 0; c < 6; c++) q[c] = uniform(&rng, -reach, reach);
        draw_plainly(&experiment, q, 3, plain);
        render_f32(&renderer, q, image);
        render_f32(&grey_renderer, q, grey_image);
        for (size_t i = 0; i < renderer.values; i++)
          if (!(fabs((double)image[i] - plain[i]) < 1e-6))
            fail_msg("%dx%d, radius %g, case %d: value %zu is %g, not %g", sides[side][0], sides[side][1], radii[k], n,
                     i, (double)image[i], plain[i]);
        for (size_t i = 0; i < grey_renderer.values; i++)
          assert_true(grey_image[i] == fmaxf(fmaxf(image[3 * i], image[3 * i + 1]), image[3 * i + 2]));
      }
      free(image);
      free(grey_image);
      free(plain);
      render_close(&renderer);
      render_close(&grey_renderer);
    }
}

/* Opacities add up to the disc's area and their centroid is the body, at sub-pixel positions and any size. */
static void test_soft_geometry(void **state) {
  (void)state;
  static const int sides[][2] = {{32, 32}, {24, 64}, {200, 128}};
  struct rng rng = rng_stream(8, RNG_TEST, 0, 0);
  for (size_t side = 0; side < sizeof sides / sizeof *sides; side++) {
    int height = sides[side][0], width = sides[side][1];
    struct experiment experiment = small_experiment(SYSTEM_TWO_BODY, RENDERER_SOFT, height, width);
    struct renderer renderer;
    assert_ok(render_open(&experiment, &renderer));
    float *image = malloc(renderer.values * sizeof *image);
    assert_non_null(image);
    for (int n = 0; n < 50; n++) {
      double q[4] = {uniform(&rng, -2, 2), uniform(&rng, -2, 2), 99, 99}; /* the second is out of sight */
      render_f32(&renderer, q, image);
      double area = 0, sum_x = 0, sum_y = 0;
      for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
          double red = (double)image[(y * width + x) * 3], from = (double)render_background[0];
          double a = (red - from) / (double)render_color(SYSTEM_TWO_BODY, 0)[0];
          area += a;
          sum_x += a * (x + 0.5);
          sum_y += a * (y + 0.5);
        }
      double r = experiment.render.radius * renderer.scale;
      assert_true(fabs(area / (3.14159265358979 * r * r) - 1) < 0.03);
      assert_true(fabs(sum_x / area - (0.5 * width + renderer.scale * q[0])) < 0.04);
      assert_true(fabs(sum_y / area - (0.5 * height + renderer.scale * q[1])) < 0.04);
    }
    free(image);
    render_close(&renderer);
  }
}

/* Later bodies hide earlier ones; colours are those documented. */
static void test_colors(void **state) {
  (void)state;
  static const float inside[SYSTEM_COUNT][3] = {
      [SYSTEM_MASS_SPRING] = {254.0F / 255, 234.0F / 255, 93.0F / 255},
      [SYSTEM_DAMPED_SPRING] = {254.0F / 255, 234.0F / 255, 93.0F / 255},
      [SYSTEM_PENDULUM] = {254.0F / 255, 234.0F / 255, 93.0F / 255},
      [SYSTEM_DOUBLE_PENDULUM] = {254.0F / 255, 88.0F / 255, 93.0F / 255},
      [SYSTEM_TWO_BODY] = {254.0F / 255, 234.0F / 255, 93.0F / 255},
      [SYSTEM_THREE_BODY] = {81.0F / 255, 234.0F / 255, 93.0F / 255},
  };
  for (int kind = 0; kind < SYSTEM_COUNT; kind++)
    for (int drawn = 0; drawn < RENDERER_COUNT; drawn++) {
      struct experiment experiment = small_experiment((enum system_kind)kind, (enum renderer_kind)drawn, 64, 64);
      experiment.render.radius = 0.8;
      experiment.system.length = 0.1; /* both bobs near the middle */
      struct renderer renderer;
      assert_ok(render_open(&experiment, &renderer));
      double q[SYSTEM_FREEDOM_MAX] = {0};
      float *image = malloc(renderer.values * sizeof *image);
      assert_non_null(image);
      render_f32(&renderer, q, image);
      if (inside[kind][0] == 0) fail_msg("%s has no row of colours here", system_get((enum system_kind)kind)->name);
      for (int c = 0; c < 3; c++) {
        assert_float_equal(image[(33 * 64 + 33) * 3 + c], inside[kind][c], 1e-6F);
        assert_true(image[c] == render_background[c]);
      }
      free(image);
      render_close(&renderer);
    }
  assert_null(render_color(SYSTEM_PENDULUM, 1));
  assert_null(render_color(SYSTEM_THREE_BODY, -1));
}

/* An image depends on its arguments only: not on what was drawn before, and bad positions leave the background. */
static void test_no_memory(void **state) {
  (void)state;
  static const double odd[][6] = {{NAN, 0, INFINITY, 0, 0, -INFINITY}, {1e300, 0, 0, -1e300, 1e9, 1e9}};
  for (int drawn = 0; drawn < RENDERER_COUNT; drawn++)
    for (int color = 0; color < COLOR_COUNT; color++) {
      struct experiment experiment = small_experiment(SYSTEM_THREE_BODY, (enum renderer_kind)drawn, 12, 16);
      experiment.render.color = (enum color_kind)color;
      experiment.render.radius = 0.9;
      struct rng rng = rng_stream(9, RNG_TEST, 0, 0);
      struct renderer used;
      assert_ok(render_open(&experiment, &used));
      size_t bytes = used.values * sizeof(float);
      float *image = malloc(bytes), *fresh_image = malloc(bytes);
      unsigned char *narrow = malloc(used.values);
      assert_true(image && fresh_image && narrow);
      for (int n = 0; n < 300; n++) {
        double q[6];
        for (int c = 0; c < 6; c++) q[c] = uniform(&rng, -4, 4);
        struct renderer fresh;
        assert_ok(render_open(&experiment, &fresh));
        render_f32(&fresh, q, fresh_image);
        render_f32(&used, q, image);
        assert_memory_equal(image, fresh_image, bytes);
        render_u8(&used, q, narrow);
        for (size_t i = 0; i < used.values; i++) assert_int_equal(narrow[i], (int)round(255 * (double)image[i]));
        render_close(&fresh);
      }
      for (size_t n = 0; n < sizeof odd / sizeof *odd; n++) {
        render_f32(&used, odd[n], image);
        assert_memory_equal(image, used.background, bytes);
      }
      free(image);
      free(fresh_image);
      free(narrow);
      render_close(&used);
    }
}

static void test_limits(void **state) {
  (void)state;
  static const int sides[][2] = {{4, 4}, {4, 1024}, {1024, 5}, {1024, 1024}};
  for (int drawn = 0; drawn < RENDERER_COUNT; drawn++)
    for (size_t side = 0; side < sizeof sides / sizeof *sides; side++)
      for (int huge = 0; huge < 2; huge++) {
        struct experiment experiment =
            small_experiment(SYSTEM_TWO_BODY, (enum renderer_kind)drawn, sides[side][0], sides[side][1]);
        if (huge) experiment.render.radius = 1e200; /* covers everything */
        struct renderer renderer;
        assert_ok(render_open(&experiment, &renderer));
        float *image = malloc(renderer.values * sizeof *image);
        assert_non_null(image);
        static const double q[][4] = {{0, 0, 1, 1}, {-3, -3, 2.99, 2.99}};
        for (int n = 0; n < 2; n++) {
          render_f32(&renderer, q[n], image);
          for (size_t i = 0; i < renderer.values; i++) assert_true(image[i] >= 0 && image[i] <= 1);
          if (huge) assert_float_equal(image[0], 254.0F / 255, 1e-6F);
        }
        free(image);
        render_close(&renderer);
      }
  struct renderer renderer;
  struct experiment experiment = small_experiment(SYSTEM_PENDULUM, RENDERER_SOFT, 3, 32);
  assert_status(STATUS_ARGUMENT, render_open(&experiment, &renderer));
  experiment = small_experiment(SYSTEM_PENDULUM, RENDERER_SOFT, 32, 1025);
  assert_status(STATUS_ARGUMENT, render_open(&experiment, &renderer));
  experiment = small_experiment(SYSTEM_PENDULUM, RENDERER_SOFT, 32, 32);
  experiment.render.world = 0;
  assert_status(STATUS_ARGUMENT, render_open(&experiment, &renderer));
}

/* test_physics_render PYTHON SCRIPT: the reproduction's own calls to OpenCV, at deterministic places. */
static const char *python, *script;

static void test_report2021_opencv(void **state) {
  (void)state;
  if (!python) skip();
  static const int sides[][2] = {{32, 32}, {64, 64}, {5, 9}, {48, 20}};
  FILE *cases = fopen("render_cases.txt", "w"), *images = fopen("render_images.f32", "wb");
  assert_true(cases && images);
  struct rng rng = rng_stream(10, RNG_TEST, 0, 0);
  static const enum system_kind kinds[] = {SYSTEM_TWO_BODY, SYSTEM_THREE_BODY};
  static const char *const names[] = {"red", "yellow", "green"};
  for (int n = 0; n < 1200; n++) {
    const int *side = sides[n % 4];
    struct experiment experiment = small_experiment(kinds[n % 2], RENDERER_REPORT2021, side[0], side[1]);
    experiment.render.color = n % 5 == 0 ? COLOR_GREY : COLOR_RGB;
    if (n % 7 > 1) experiment.render.radius = uniform(&rng, 0, 1.5);
    struct renderer renderer;
    assert_ok(render_open(&experiment, &renderer));
    double q[6], reach = n % 3 ? 2 : 3.5;
    for (int c = 0; c < 6; c++) q[c] = uniform(&rng, -reach, reach);
    float *image = malloc(renderer.values * sizeof *image);
    assert_non_null(image);
    render_f32(&renderer, q, image);
    assert_int_equal(fwrite(image, sizeof *image, renderer.values, images), renderer.values);
    fprintf(cases, "%d %d %d %.17g %.17g", side[0], side[1], renderer.channels, experiment.render.world,
            experiment.render.radius);
    for (int b = 0; b < renderer.system->bodies; b++)
      fprintf(cases, " %.17g %.17g %s", q[2 * b], q[2 * b + 1], names[b]);
    fprintf(cases, "\n");
    free(image);
    render_close(&renderer);
  }
  assert_int_equal(fclose(cases), 0);
  assert_int_equal(fclose(images), 0);
  char command[4096];
  snprintf(command, sizeof command, "'%s' '%s' render_cases.txt render_images.f32", python, script);
  int exit_status = system(command);
  remove("render_cases.txt");
  remove("render_images.f32");
  if (exit_status == 77 * 256) skip();
  assert_int_equal(exit_status, 0);
}

int main(int argc, char **argv) {
  if (argc == 3) {
    python = argv[1];
    script = argv[2];
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_report2021_plainly),
      cmocka_unit_test(test_soft_geometry),
      cmocka_unit_test(test_colors),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_report2021_opencv),
  };
  return cmocka_run_group_tests_name("physics.render", tests, NULL, NULL);
}
