#include "physics/expected.h"

#include "base/elementary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AXES_MAX = 2, AXIS_NODES_MAX = 129, PLANE_WHOLE = 15, PLANE_SOFT = 9, OPACITY_STEPS = 32 };
static const double golden = 0.61803398874989484820;
static const double reach = 4; /* sigma: noise beyond has a probability of 6e-5 */

/* Pixels x0 <= x < x1, y0 <= y < y1. */
struct window {
  int x0, y0, x1, y1;
};

static bool window_is_empty(const struct window *w) { return w->x0 >= w->x1 || w->y0 >= w->y1; }

static void window_add(struct window *window, int x0, int y0, int x1, int y1) {
  if (x0 >= x1 || y0 >= y1) return;
  if (window_is_empty(window)) *window = (struct window){x0, y0, x1, y1};
  window->x0 = x0 < window->x0 ? x0 : window->x0;
  window->y0 = y0 < window->y0 ? y0 : window->y0;
  window->x1 = x1 > window->x1 ? x1 : window->x1;
  window->y1 = y1 > window->y1 ? y1 : window->y1;
}

static int clamp(double value, int low, int high) {
  return value > low ? value < high ? (int)value : high : low; /* what is no number is low */
}

double expected_pixel(const struct experiment *experiment) {
  const struct render_settings *render = &experiment->render;
  const int64_t shorter = render->height < render->width ? render->height : render->width;
  const double metre = 2 * render->world / (double)shorter;
  return system_get(experiment->system.name)->angular ? metre / experiment->system.length : metre;
}

/* ---- The grid of noise ---- */

/* P(a < N(0, 1) < b). */
static double normal_between(double a, double b) {
  const double root_half = 0.70710678118654752440;
  return 0.5 * (elementary_erfc(a * root_half) - elementary_erfc(b * root_half));
}

/* How many nodes an axis needs: a whole pixel's edge is found to a fraction of one, a soft edge is smooth. */
static int choose_side(const struct expected *expected, double pixels) {
  const bool whole = expected->renderer.settings.renderer == RENDERER_REPORT2021;
  if (!(pixels > 0)) return 1;
  if (expected->axes == 2) return whole ? PLANE_WHOLE : PLANE_SOFT;
  const double step = fmin(0.5, (whole ? 0.06 : 0.4) / pixels); /* sigma */
  return clamp(2 * ceil(reach / step) + 1, 3, AXIS_NODES_MAX);
}

/* Each node stands for its cell of the grid. In the plane the grid is sheared, so that no two nodes have the same place
 * along the first axis, and few along any direction: an edge that moves over it meets them one by one. */
static enum status make_nodes(struct expected *expected, double pixels) {
  const int side = choose_side(expected, pixels), axes = expected->axes;
  const double step = side > 1 ? 2 * reach / (side - 1) : 0;
  expected->nodes = axes == 1 ? side : side * side;
  expected->offset = malloc((size_t)(expected->nodes * axes) * sizeof(double));
  expected->weight = malloc((size_t)expected->nodes * sizeof(double));
  REQUIRE(expected->offset && expected->weight, STATUS_MEMORY, "no memory for %d nodes", expected->nodes);
  double sum = 0;
  for (int m = 0; m < expected->nodes; m++) {
    const double turned = golden * (m / side + 0.5), shear = axes == 2 ? turned - floor(turned) - 0.5 : 0;
    double weight = 1;
    for (int a = 0, rest = m; a < axes; a++, rest /= side) {
      const double n = step * (rest % side - (side - 1) / 2 + (a == 0 ? shear : 0));
      expected->offset[m * axes + a] = n * expected->noise;
      if (side > 1) weight *= normal_between(n - step / 2, n + step / 2);
    }
    expected->weight[m] = weight;
    sum += weight;
  }
  for (int m = 0; m < expected->nodes; m++) expected->weight[m] /= sum;
  return STATUS_OK;
}

/* The opacity of a soft disc at some distance from its centre, in pixels; with `blurred` expected over noise in the
 * plane. */
static enum status make_opacity(struct expected *expected, double pixels, bool blurred) {
  const double radius = expected->renderer.scale * expected->renderer.settings.radius,
               far = radius + 1 + (blurred ? reach * pixels : 0), to_pixels = pixels / expected->noise;
  expected->opacities = (int)ceil(far * OPACITY_STEPS) + 2;
  expected->opacity = malloc((size_t)expected->opacities * sizeof *expected->opacity);
  REQUIRE(expected->opacity, STATUS_MEMORY, "no memory for a disc");
  for (int i = 0; i < expected->opacities; i++) {
    const double d = (double)i / OPACITY_STEPS;
    double sum = 0;
    for (int m = 0; m < (blurred ? expected->nodes : 1); m++) {
      const double dx = blurred ? d + to_pixels * expected->offset[2 * m] : d,
                   dy = blurred ? to_pixels * expected->offset[2 * m + 1] : 0;
      sum += fmin(1, fmax(0, radius + 0.5 - sqrt(dx * dx + dy * dy))) * (blurred ? expected->weight[m] : 1);
    }
    expected->opacity[i] = (float)sum;
  }
  return STATUS_OK;
}

enum status expected_open(const struct experiment *experiment, double noise, struct expected *expected) {
  *expected = (struct expected){.noise = noise};
  TRY(render_open(experiment, &expected->renderer));
  struct renderer *renderer = &expected->renderer;
  const struct system *system = renderer->system;
  const double pixels = noise / expected_pixel(experiment);
  const size_t width = (size_t)renderer->width, height = (size_t)renderer->height;
  const bool whole = renderer->settings.renderer == RENDERER_REPORT2021, blurred = system->translates && noise > 0;
  expected->axes = system->translates ? 2 : system->freedom;
  enum status status = STATUS_OK;
  if (!(renderer->scale * renderer->settings.radius <= RENDER_SIZE_MAX) || expected->axes > AXES_MAX)
    status = status_raise(STATUS_UNAVAILABLE, "discs of more than %d pixels have no expected image", RENDER_SIZE_MAX);
  expected->margin = renderer->radius + 1;
  if (status == STATUS_OK) status = make_nodes(expected, pixels);
  if (status == STATUS_OK && !whole) status = make_opacity(expected, pixels, blurred);
  if (status == STATUS_OK) {
    const size_t margin = 2 * (size_t)expected->margin;
    expected->place = calloc((width + margin) * (height + margin), sizeof *expected->place);
    expected->cover = calloc((size_t)system->bodies * height * (width + 1), sizeof *expected->cover);
    expected->visible = calloc((width + 2) * (height + 2), sizeof *expected->visible);
    expected->color = calloc(width * height * 3, sizeof *expected->color);
    if (!expected->place || !expected->cover || !expected->visible || !expected->color)
      status = status_raise(STATUS_MEMORY, "no memory for an expected image");
  }
  if (status != STATUS_OK) expected_close(expected);
  return status;
}

void expected_close(struct expected *expected) {
  render_close(&expected->renderer);
  free(expected->offset);
  free(expected->weight);
  free(expected->opacity);
  free(expected->place);
  free(expected->cover);
  free(expected->visible);
  free(expected->color);
  *expected = (struct expected){.noise = 0};
}

/* ---- Cover ---- */

static float *cover_row(const struct expected *expected, int body, int y) {
  return expected->cover +
         ((size_t)body * (size_t)expected->renderer.height + (size_t)y) * ((size_t)expected->renderer.width + 1);
}

static double *place_row(const struct expected *expected, int y) {
  return expected->place + (size_t)(y + expected->margin) * (size_t)(expected->renderer.width + 2 * expected->margin) +
         expected->margin;
}

/* A centre's whole pixel, cut towards zero, if its disc may be seen. */
static bool whole_pixel(const struct expected *expected, double x, int size, int *pixel) {
  const int margin = expected->margin;
  if (!(x > -margin && x < size + margin)) return false;
  *pixel = (int)x;
  return true;
}

/* The probabilities of the whole pixels that a coordinate falls in, from *first on; returns how many.
 * Pixel 0 reaches from -1 to 1. */
static int spread(const struct expected *expected, double x, double pixels, int size, double *share, int *first) {
  const int margin = expected->margin;
  const int low = clamp(floor(x - reach * pixels), -margin, size + margin),
            high = clamp(ceil(x + reach * pixels), -margin, size + margin), last = high > 0 ? high - 1 : high;
  *first = low < 0 ? low + 1 : low; /* pixel k < 0 reaches from k - 1 to k */
  int count = 0;
  for (int k = *first; k <= last; k++) {
    const double a = k > 0 ? k : k - 1, b = k >= 0 ? k + 1 : k;
    share[count++] = normal_between((a - x) / pixels, (b - x) / pixels);
  }
  return count;
}

/* Where the centre of a body that moves in the plane falls. */
static struct window place_in_plane(struct expected *expected, double x, double y) {
  const struct renderer *renderer = &expected->renderer;
  const double pixels = expected->noise * renderer->scale;
  double across[RENDER_SIZE_MAX * 4], down[RENDER_SIZE_MAX * 4];
  int x0, y0;
  const int columns = spread(expected, x, pixels, renderer->width, across, &x0),
            rows = spread(expected, y, pixels, renderer->height, down, &y0);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) place_row(expected, y0 + i)[x0 + j] = across[j] * down[i];
  return (struct window){x0, y0, x0 + columns, y0 + rows};
}

/* Of any body, by the grid of noise; bodies that move in the plane have it on their own coordinates. */
static struct window place_by_nodes(struct expected *expected, const double *q, int body) {
  const struct renderer *renderer = &expected->renderer;
  const struct system *system = renderer->system;
  struct window window = {0, 0, 0, 0};
  double moved[SYSTEM_FREEDOM_MAX], xy[2 * SYSTEM_BODIES_MAX];
  memcpy(moved, q, (size_t)system->freedom * sizeof *q);
  const int first = system->translates ? 2 * body : 0;
  for (int m = 0; m < expected->nodes; m++) {
    int column, row;
    for (int a = 0; a < expected->axes; a++) moved[first + a] = q[first + a] + expected->offset[m * expected->axes + a];
    system->positions(&renderer->parameters, moved, xy);
    if (!whole_pixel(expected, 0.5 * renderer->width + renderer->scale * xy[2 * body], renderer->width, &column) ||
        !whole_pixel(expected, 0.5 * renderer->height + renderer->scale * xy[2 * body + 1], renderer->height, &row))
      continue;
    place_row(expected, row)[column] += expected->weight[m];
    window_add(&window, column, row, column + 1, row + 1);
  }
  return window;
}

/* Each place's disc begins and ends in each of its rows; what has begun and not ended covers. Clears the places. */
static struct window cover_discs(struct expected *expected, int body, const struct window *places) {
  const int radius = expected->renderer.radius, width = expected->renderer.width, height = expected->renderer.height;
  const struct window seen = {clamp(places->x0 - radius, 0, width), clamp(places->y0 - radius, 0, height),
                              clamp(places->x1 + radius, 0, width), clamp(places->y1 + radius, 0, height)};
  if (window_is_empty(places)) return (struct window){0, 0, 0, 0};
  for (int dy = -radius; dy <= radius; dy++) {
    const int span = render_disc_span(radius, dy);
    for (int y = places->y0; y < places->y1; y++) {
      if (y + dy < 0 || y + dy >= height) continue;
      const double *place = place_row(expected, y);
      float *row = cover_row(expected, body, y + dy);
      for (int x = places->x0; x < places->x1; x++) {
        if (place[x] == 0) continue;
        row[clamp(x - span, 0, width)] += (float)place[x];
        row[clamp(x + span + 1, 0, width)] -= (float)place[x];
      }
    }
  }
  for (int y = seen.y0; y < seen.y1; y++) {
    float *row = cover_row(expected, body, y);
    for (int x = seen.x0 + 1; x < seen.x1; x++) row[x] += row[x - 1];
    row[width] = 0;
    if (seen.x1 < width) row[seen.x1] = 0;
  }
  for (int y = places->y0; y < places->y1; y++)
    memset(place_row(expected, y) + places->x0, 0, (size_t)(places->x1 - places->x0) * sizeof(double));
  return seen;
}

/* Adds one soft disc, times a weight. */
static struct window cover_soft(struct expected *expected, int body, double x, double y, float weight) {
  const struct renderer *renderer = &expected->renderer;
  const double far = (double)(expected->opacities - 2) / OPACITY_STEPS;
  const struct window seen = {
      clamp(ceil(x - far - 0.5), 0, renderer->width), clamp(ceil(y - far - 0.5), 0, renderer->height),
      clamp(floor(x + far + 0.5), 0, renderer->width), clamp(floor(y + far + 0.5), 0, renderer->height)};
  for (int i = seen.y0; i < seen.y1; i++) {
    float *row = cover_row(expected, body, i);
    const float dy = (float)(i + 0.5 - y);
    for (int j = seen.x0; j < seen.x1; j++) {
      const float dx = (float)(j + 0.5 - x), at = sqrtf(dx * dx + dy * dy) * OPACITY_STEPS;
      const int k = (int)at;
      if (k + 1 >= expected->opacities) continue;
      const float *opacity = expected->opacity + k;
      row[j] += weight * (opacity[0] + (at - (float)k) * (opacity[1] - opacity[0]));
    }
  }
  return seen;
}

static struct window cover_soft_by_nodes(struct expected *expected, const double *q, int body) {
  const struct renderer *renderer = &expected->renderer;
  const struct system *system = renderer->system;
  struct window window = {0, 0, 0, 0};
  double moved[SYSTEM_FREEDOM_MAX], xy[2 * SYSTEM_BODIES_MAX];
  memcpy(moved, q, (size_t)system->freedom * sizeof *q);
  for (int m = 0; m < (system->translates ? 1 : expected->nodes); m++) {
    for (int a = 0; a < expected->axes && !system->translates; a++)
      moved[a] = q[a] + expected->offset[m * expected->axes + a];
    system->positions(&renderer->parameters, moved, xy);
    const double x = 0.5 * renderer->width + renderer->scale * xy[2 * body],
                 y = 0.5 * renderer->height + renderer->scale * xy[2 * body + 1];
    const struct window seen = cover_soft(expected, body, x, y, system->translates ? 1 : (float)expected->weight[m]);
    window_add(&window, seen.x0, seen.y0, seen.x1, seen.y1);
  }
  return window;
}

static struct window cover_body(struct expected *expected, const double *q, int body) {
  const struct renderer *renderer = &expected->renderer;
  if (renderer->settings.renderer == RENDERER_SOFT) return cover_soft_by_nodes(expected, q, body);
  struct window places;
  if (renderer->system->translates && expected->noise > 0)
    places = place_in_plane(expected, 0.5 * renderer->width + renderer->scale * q[2 * body],
                            0.5 * renderer->height + renderer->scale * q[2 * body + 1]);
  else
    places = place_by_nodes(expected, q, body);
  return cover_discs(expected, body, &places);
}

/* ---- The image ---- */

static float *visible_row(const struct expected *expected, int y) {
  return expected->visible + (size_t)(y + 2) * ((size_t)expected->renderer.width + 2) + 2;
}

/* V_b of body b, whose window it is. */
static void find_visible(struct expected *expected, int body, const struct window *window) {
  const int bodies = expected->renderer.system->bodies;
  for (int y = window->y0; y < window->y1; y++) {
    float *visible = visible_row(expected, y);
    memcpy(visible + window->x0, cover_row(expected, body, y) + window->x0,
           (size_t)(window->x1 - window->x0) * sizeof *visible);
    for (int above = body + 1; above < bodies; above++) {
      const float *cover = cover_row(expected, above, y);
      for (int x = window->x0; x < window->x1; x++) visible[x] *= 1 - cover[x];
    }
  }
}

static void paint_soft(struct expected *expected, int body, const struct window *window, float *rgb) {
  const struct renderer *renderer = &expected->renderer;
  for (int y = window->y0; y < window->y1; y++) {
    const float *visible = visible_row(expected, y);
    float *pixel = rgb + ((size_t)y * (size_t)renderer->width + (size_t)window->x0) * 3;
    for (int x = window->x0; x < window->x1; x++, pixel += 3)
      for (int c = 0; c < 3; c++) pixel[c] += visible[x] * (renderer->color[body][c] - render_background[c]);
  }
}

/* Twice blurred, as render.c has it: out(x) = (in(x - 2) + 2 in(x - 1) + in(x)) / 4 in each direction, with in(-1) =
 * in(1), in(-2) = in(0). */
static void paint_blurred(struct expected *expected, int body, const struct window *window, float *rgb) {
  const struct renderer *renderer = &expected->renderer;
  const float *color = render_color(renderer->system->kind, body);
  const size_t row_bytes = ((size_t)renderer->width + 2) * sizeof(float);
  const int x0 = window->x0 < 2 ? 0 : window->x0, y0 = window->y0 < 2 ? 0 : window->y0,
            x1 = clamp(window->x1 + 2, 0, renderer->width), y1 = clamp(window->y1 + 2, 0, renderer->height);
  for (int y = 0; y < y1 && x0 == 0; y++) {
    float *row = visible_row(expected, y);
    row[-1] = row[1];
    row[-2] = row[0];
  }
  if (y0 == 0) {
    memcpy(visible_row(expected, -1) - 2, visible_row(expected, 1) - 2, row_bytes);
    memcpy(visible_row(expected, -2) - 2, visible_row(expected, 0) - 2, row_bytes);
  }
  for (int y = y0; y < y1; y++) {
    float column[RENDER_SIZE_MAX + 2];
    const float *top = visible_row(expected, y - 2), *middle = visible_row(expected, y - 1),
                *bottom = visible_row(expected, y);
    for (int x = x0 - 2; x < x1; x++) column[x + 2] = top[x] + 2 * middle[x] + bottom[x];
    float *pixel = rgb + ((size_t)y * (size_t)renderer->width + (size_t)x0) * 3;
    for (int x = x0; x < x1; x++, pixel += 3) {
      /* cppcheck-suppress uninitvar */
      const float part = (column[x] + 2 * column[x + 1] + column[x + 2]) / 16;
      for (int c = 0; c < 3; c++) pixel[c] += part * color[c];
    }
  }
}

static void clear_visible(struct expected *expected, const struct window *window) {
  const int x0 = window->x0 < 2 ? -2 : window->x0, y0 = window->y0 < 2 ? -2 : window->y0;
  for (int y = y0; y < window->y1; y++)
    memset(visible_row(expected, y) + x0, 0, (size_t)(window->x1 - x0) * sizeof(float));
  if (x0 == -2)
    for (int y = -2; y < expected->renderer.height; y++) memset(visible_row(expected, y) - 2, 0, 2 * sizeof(float));
}

/* The largest channel, less that of the background; leaves the colours zero. */
static void make_grey(struct expected *expected, float *image) {
  const float *back = render_background;
  const float grey = fmaxf(back[0], fmaxf(back[1], back[2]));
  float *rgb = expected->color;
  for (size_t i = 0; i < expected->renderer.values; i++, rgb += 3)
    image[i] = fmaxf(rgb[0] + back[0], fmaxf(rgb[1] + back[1], rgb[2] + back[2])) - grey;
  memset(expected->color, 0, expected->renderer.values * 3 * sizeof *rgb);
}

void expected_image(struct expected *expected, const double *q, float *image) {
  const struct renderer *renderer = &expected->renderer;
  const int bodies = renderer->system->bodies;
  struct window window[SYSTEM_BODIES_MAX];
  float *rgb = renderer->channels == 3 ? image : expected->color;
  if (renderer->channels == 3) memset(image, 0, renderer->values * sizeof *image);
  for (int b = 0; b < bodies; b++) window[b] = cover_body(expected, q, b);
  for (int b = 0; b < bodies; b++) {
    if (window_is_empty(&window[b])) continue;
    find_visible(expected, b, &window[b]);
    if (renderer->settings.renderer == RENDERER_SOFT)
      paint_soft(expected, b, &window[b], rgb);
    else
      paint_blurred(expected, b, &window[b], rgb);
    clear_visible(expected, &window[b]);
  }
  for (int b = 0; b < bodies; b++)
    for (int y = window[b].y0; y < window[b].y1; y++)
      memset(cover_row(expected, b, y) + window[b].x0, 0, (size_t)(window[b].x1 - window[b].x0) * sizeof(float));
  if (renderer->channels != 3) make_grey(expected, image);
}
