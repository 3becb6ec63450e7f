#include "physics/render.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const float render_background[3] = {81.0F / 255, 88.0F / 255, 93.0F / 255};

static const float yellow[3] = {173.0F / 255, 146.0F / 255, 0};
static const float red[3] = {173.0F / 255, 0, 0};
static const float green[3] = {0, 146.0F / 255, 0};

const float *render_color(enum system_kind system, int body) {
  static const float *const one[] = {yellow, red}, *const several[] = {red, yellow, green};
  const struct system *entry = system_get(system);
  if (!entry || body < 0 || body >= entry->bodies) return NULL;
  return system == SYSTEM_TWO_BODY || system == SYSTEM_THREE_BODY ? several[body] : one[body];
}

/* Pixels x0 <= x < x1, y0 <= y < y1. */
struct box {
  int x0, y0, x1, y1;
};

static int clamp_int(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

static float largest(const float rgb[3]) {
  float two = rgb[0] > rgb[1] ? rgb[0] : rgb[1];
  return two > rgb[2] ? two : rgb[2];
}

/* --- soft ------------------------------------------------------------------------------------------------------- */

/* Paints a disc of radius r at (x, y), all in pixels, on an RGB image; returns the pixels that it may have touched. */
static struct box paint_disc(const struct renderer *renderer, double x, double y, double r, const float color[3],
                             float *image) {
  int width = renderer->width, height = renderer->height;
  double reach = r + 0.5;
  if (!(x + reach > 0 && x - reach < width && y + reach > 0 && y - reach < height)) return (struct box){0, 0, 0, 0};
  /* Centres at j + 1/2 nearer than `reach`; the bounds are clamped as doubles, since a disc may be huge. */
  struct box box = {.x0 = (int)fmax(0, ceil(x - reach - 0.5)),
                    .y0 = (int)fmax(0, ceil(y - reach - 0.5)),
                    .x1 = (int)fmin(width - 1, floor(x + reach - 0.5)) + 1,
                    .y1 = (int)fmin(height - 1, floor(y + reach - 0.5)) + 1};
  float opacity[RENDER_SIZE_MAX];
  float outer = (float)reach, left = (float)(box.x0 + 0.5 - x);
  float c0 = color[0], c1 = color[1], c2 = color[2];
  int count = box.x1 - box.x0;
  for (int i = box.y0; i < box.y1; i++) {
    float dy = (float)(i + 0.5 - y), dy2 = dy * dy;
    for (int j = 0; j < count; j++) {
      float dx = left + (float)j, a = outer - sqrtf(dx * dx + dy2);
      a = a > 0 ? a : 0;
      opacity[j] = a < 1 ? a : 1;
    }
    float *row = image + ((size_t)i * (size_t)width + (size_t)box.x0) * 3;
    for (int j = 0; j < count; j++) {
      float a = opacity[j], rest = 1 - a;
      row[3 * j] = row[3 * j] * rest + c0 * a;
      row[3 * j + 1] = row[3 * j + 1] * rest + c1 * a;
      row[3 * j + 2] = row[3 * j + 2] * rest + c2 * a;
    }
  }
  return box;
}

/* Largest channels of the canvas within `box`, to a grey image. */
static void copy_grey(const struct renderer *renderer, struct box box, float *image) {
  for (int i = box.y0; i < box.y1; i++) {
    size_t row = (size_t)i * (size_t)renderer->width;
    for (int j = box.x0; j < box.x1; j++) image[row + (size_t)j] = largest(renderer->canvas + (row + (size_t)j) * 3);
  }
}

/* The background again, of `channels` values a pixel, within `box`. */
static void clear_box(const struct renderer *renderer, struct box box, const float *color, size_t channels,
                      float *image) {
  for (int i = box.y0; i < box.y1; i++) {
    float *pixel = image + ((size_t)i * (size_t)renderer->width + (size_t)box.x0) * channels;
    for (int j = box.x0; j < box.x1; j++, pixel += channels) memcpy(pixel, color, channels * sizeof *pixel);
  }
}

/* These two paint on the background, and report in box[bodies] where. */
static void paint_soft(const struct renderer *renderer, const double *xy, float *image, struct box *box) {
  int bodies = renderer->system->bodies;
  for (int b = 0; b < bodies; b++) {
    double x = 0.5 * renderer->width + renderer->scale * xy[2 * b];
    double y = 0.5 * renderer->height + renderer->scale * xy[2 * b + 1];
    double r = renderer->scale * renderer->settings.radius;
    box[b] = paint_disc(renderer, x, y, r, renderer->color[b], renderer->channels == 3 ? image : renderer->canvas);
  }
  if (renderer->channels == 3) return;
  for (int b = 0; b < bodies; b++) copy_grey(renderer, box[b], image);
  for (int b = 0; b < bodies; b++) clear_box(renderer, box[b], render_background, 3, renderer->canvas);
}

/* --- report2021 --------------------------------------------------------------------------------------------------
 *
 * Two 2x2 boxes are one separable filter: in each direction out(x) = (in(x-2) + 2 in(x-1) + in(x)) / 4, where at the
 * border both reflections together amount to in(-1) = in(1), in(-2) = in(0). A pixel belongs to one body or none, so
 * what the filter mixes is counts: body b covers m_b sixteenths of a pixel, 0 <= m_b <= 16, and the image is
 * min(1, background + sum_b m_b color_b / 16). Label maps hold 17^b for body b: filtered as integers they give
 * sum_b m_b 17^b, the number of the mixed pixel in a table.
 */

enum { PARTS = 16, LABEL_BASE = PARTS + 1 };
static const uint16_t label_of[] = {1, LABEL_BASE, LABEL_BASE *LABEL_BASE};
_Static_assert(sizeof label_of / sizeof *label_of == SYSTEM_BODIES_MAX, "a label for each body");

/* Centres and radii beyond this many pixels are cut to it:
 * no disc that small or that far can be told from one there. */
static const double far_away = 1e8;

struct disc {
  int x, y; /* px */
};

int render_disc_span(int radius, int dy) {
  int64_t square = (int64_t)radius * radius - (int64_t)dy * dy;
  int64_t w = (int64_t)sqrt((double)square);
  while (w * w > square) w--;
  while ((w + 1) * (w + 1) <= square) w++;
  return (int)w;
}

/* The image's part of the label map starts at its third row and column. */
static uint16_t *label_row(const struct renderer *renderer, int y) {
  return renderer->labels + (size_t)(y + 2) * ((size_t)renderer->width + 2) + 2;
}

static void draw_labels(const struct renderer *renderer, struct disc disc, uint16_t label) {
  int r = renderer->radius, width = renderer->width;
  int y0 = clamp_int(disc.y - r, 0, renderer->height), y1 = clamp_int(disc.y + r + 1, 0, renderer->height);
  for (int y = y0; y < y1; y++) {
    int w = render_disc_span(r, y - disc.y);
    int x0 = clamp_int(disc.x - w, 0, width), x1 = clamp_int(disc.x + w + 1, 0, width);
    uint16_t *row = label_row(renderer, y);
    for (int x = x0; x < x1; x++) row[x] = label;
  }
}

/* The pixels that a disc's blur reaches. A disc at the border reaches the whole corner
 * of the two first rows and columns. */
static struct box reach_box(const struct renderer *renderer, struct disc disc) {
  int r = renderer->radius, x0 = disc.x - r, y0 = disc.y - r;
  return (struct box){.x0 = x0 < 2 ? 0 : clamp_int(x0, 0, renderer->width),
                      .y0 = y0 < 2 ? 0 : clamp_int(y0, 0, renderer->height),
                      .x1 = clamp_int(disc.x + r + 3, 0, renderer->width),
                      .y1 = clamp_int(disc.y + r + 3, 0, renderer->height)};
}

static void reflect_labels(const struct renderer *renderer, const struct box *box) {
  size_t row_bytes = ((size_t)renderer->width + 2) * sizeof(uint16_t);
  if (box->x0 == 0) {
    for (int y = 0; y < box->y1; y++) {
      uint16_t *row = label_row(renderer, y);
      row[-1] = row[1];
      row[-2] = row[0];
    }
  }
  if (box->y0 == 0) {
    memcpy(label_row(renderer, -1) - 2, label_row(renderer, 1) - 2, row_bytes);
    memcpy(label_row(renderer, -2) - 2, label_row(renderer, 0) - 2, row_bytes);
  }
}

static void blur_box(const struct renderer *renderer, const struct box *box, float *image) {
  uint16_t column[RENDER_SIZE_MAX + 2]; /* filtered vertically; column[0] is that of pixel x0 - 2 */
  int count = box->x1 - box->x0;
  size_t channels = (size_t)renderer->channels;
  for (int y = box->y0; y < box->y1; y++) {
    const uint16_t *row0 = label_row(renderer, y - 2) + box->x0 - 2, *row1 = label_row(renderer, y - 1) + box->x0 - 2;
    const uint16_t *row2 = label_row(renderer, y) + box->x0 - 2;
    for (int j = 0; j < count + 2; j++) column[j] = (uint16_t)(row0[j] + 2 * row1[j] + row2[j]);
    float *pixel = image + ((size_t)y * (size_t)renderer->width + (size_t)box->x0) * channels;
    for (int j = 0; j < count; j++, pixel += channels) {
      const float *mixed = renderer->mixed + (size_t)(column[j] + 2 * column[j + 1] + column[j + 2]) * channels;
      pixel[0] = mixed[0];
      if (channels == 3) {
        pixel[1] = mixed[1];
        pixel[2] = mixed[2];
      }
    }
  }
}

static void clear_labels(const struct renderer *renderer, const struct box *box) {
  int x0 = box->x0 == 0 ? -2 : box->x0, y0 = box->y0 == 0 ? -2 : box->y0;
  for (int y = y0; y < box->y1; y++) memset(label_row(renderer, y) + x0, 0, (size_t)(box->x1 - x0) * sizeof(uint16_t));
}

/* Any discs: labels of all, then each disc's surroundings.
 * Pixels that several reach are painted more than once, alike. */
static void paint_labels(const struct renderer *renderer, const struct disc *discs, const struct box *boxes, int bodies,
                         float *image) {
  for (int b = 0; b < bodies; b++) draw_labels(renderer, discs[b], label_of[b]);
  for (int b = 0; b < bodies; b++) reflect_labels(renderer, &boxes[b]);
  for (int b = 0; b < bodies; b++) blur_box(renderer, &boxes[b], image);
  for (int b = 0; b < bodies; b++) clear_labels(renderer, &boxes[b]);
}

static void copy_stamp(const struct renderer *renderer, const struct box *box, const float *stamp, float *image) {
  size_t channels = (size_t)renderer->channels, side = (size_t)(2 * renderer->radius + 3) * channels;
  size_t bytes = (size_t)(box->x1 - box->x0) * channels * sizeof *image;
  float *to = image + ((size_t)box->y0 * (size_t)renderer->width + (size_t)box->x0) * channels;
  for (int y = box->y0; y < box->y1; y++, stamp += side, to += (size_t)renderer->width * channels)
    memcpy(to, stamp, bytes);
}

static bool is_empty(const struct box *box) { return box->x0 >= box->x1 || box->y0 >= box->y1; }

/* Stamps serve discs that touch neither each other's surroundings nor the upper and left border; the filter looks back
 * only, so at the lower and right border they are just cut. */
static bool can_stamp(const struct renderer *renderer, const struct box *boxes, int bodies) {
  for (int i = 0; i < bodies; i++) {
    if (is_empty(&boxes[i])) continue;
    if (boxes[i].x0 < 2 || boxes[i].y0 < 2 || !renderer->stamp[i]) return false;
    for (int k = 0; k < i; k++)
      if (boxes[i].x0 < boxes[k].x1 && boxes[k].x0 < boxes[i].x1 && boxes[i].y0 < boxes[k].y1 &&
          boxes[k].y0 < boxes[i].y1)
        return false;
  }
  return true;
}

/* int(size (x + W) / (2 W)), W half the extent shown along this side. False where that is no place at all. */
static bool cut_position(const struct renderer *renderer, int size, double x, int *pixel) {
  int shorter = renderer->height < renderer->width ? renderer->height : renderer->width;
  double half = renderer->settings.world * ((double)size / shorter), position = size * (x + half) / (2 * half);
  if (!(fabs(position) < far_away)) return false;
  *pixel = (int)position;
  return true;
}

static void paint_report2021(const struct renderer *renderer, const double *xy, float *image, struct box *boxes) {
  struct disc discs[SYSTEM_BODIES_MAX];
  int bodies = renderer->system->bodies, r = renderer->radius;
  for (int b = 0; b < bodies; b++) {
    struct disc *disc = &discs[b];
    bool seen = cut_position(renderer, renderer->width, xy[2 * b], &disc->x) &&
                cut_position(renderer, renderer->height, xy[2 * b + 1], &disc->y) && disc->x + r >= 0 &&
                disc->y + r >= 0 && disc->x - r < renderer->width && disc->y - r < renderer->height;
    boxes[b] = seen ? reach_box(renderer, *disc) : (struct box){0, 0, 0, 0};
    if (!seen) *disc = (struct disc){-2 * (r + 1), -2 * (r + 1)};
  }
  if (!can_stamp(renderer, boxes, bodies)) {
    paint_labels(renderer, discs, boxes, bodies, image);
    return;
  }
  for (int b = 0; b < bodies; b++)
    if (!is_empty(&boxes[b])) copy_stamp(renderer, &boxes[b], renderer->stamp[b], image);
}

static enum status make_mixed(struct renderer *renderer) {
  size_t channels = (size_t)renderer->channels, count = 1;
  for (int b = 0; b < renderer->system->bodies; b++) count *= LABEL_BASE;
  renderer->mixed = malloc(count * channels * sizeof(float));
  REQUIRE(renderer->mixed, STATUS_MEMORY, "no memory for the renderer's colours");
  for (size_t i = 0; i < count; i++) {
    float rgb[3];
    for (int c = 0; c < 3; c++) {
      float sum = 0;
      size_t rest = i;
      for (int b = 0; b < renderer->system->bodies; b++, rest /= LABEL_BASE)
        sum += (float)(rest % LABEL_BASE) * (render_color(renderer->system->kind, b)[c] / PARTS);
      sum += render_background[c];
      rgb[c] = sum < 1 ? sum : 1;
    }
    float grey = largest(rgb);
    memcpy(renderer->mixed + i * channels, channels == 3 ? rgb : &grey, channels * sizeof(float));
  }
  return STATUS_OK;
}

/* Each disc alone, two pixels from the corner of a small image, by the general path; the stamp is what it reaches. */
static enum status make_stamps(struct renderer *renderer) {
  int side = 2 * renderer->radius + 3;
  if (side > renderer->width || side > renderer->height) return STATUS_OK;
  struct renderer small = *renderer;
  small.width = small.height = side + 2;
  size_t channels = (size_t)renderer->channels, stride = (size_t)small.width * channels;
  size_t bytes = (size_t)side * (size_t)side * channels * sizeof(float);
  small.labels = calloc((size_t)(side + 4) * (size_t)(side + 4), sizeof *small.labels);
  float *image = malloc((size_t)small.height * stride * sizeof *image);
  bool whole = small.labels && image;
  const struct disc disc = {renderer->radius + 2, renderer->radius + 2};
  for (int b = 0; whole && b < renderer->system->bodies; b++) {
    float *stamp = renderer->stamp[b] = malloc(bytes);
    whole = stamp != NULL;
    if (!whole) break;
    const struct box box = reach_box(&small, disc);
    draw_labels(&small, disc, label_of[b]);
    blur_box(&small, &box, image);
    clear_labels(&small, &box);
    for (size_t y = 0; y < (size_t)side; y++)
      memcpy(stamp + y * (size_t)side * channels, image + (y + 2) * stride + 2 * channels, bytes / (size_t)side);
  }
  free(image);
  free(small.labels);
  REQUIRE(whole, STATUS_MEMORY, "no memory for the renderer's stamps");
  return STATUS_OK;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

static enum status check_settings(const struct experiment *experiment) {
  const struct render_settings *render = &experiment->render;
  REQUIRE(system_get(experiment->system.name), STATUS_ARGUMENT, "no system of kind %d", (int)experiment->system.name);
  REQUIRE((unsigned)render->renderer < RENDERER_COUNT && (unsigned)render->color < COLOR_COUNT, STATUS_ARGUMENT,
          "no renderer %d or no colours %d", (int)render->renderer, (int)render->color);
  REQUIRE(render->height >= RENDER_SIZE_MIN && render->height <= RENDER_SIZE_MAX && render->width >= RENDER_SIZE_MIN &&
              render->width <= RENDER_SIZE_MAX,
          STATUS_ARGUMENT, "images of %lld x %lld pixels: sides are %d to %d", (long long)render->width,
          (long long)render->height, RENDER_SIZE_MIN, RENDER_SIZE_MAX);
  REQUIRE(isfinite(render->world) && render->world > 0 && isfinite(render->radius) && render->radius > 0,
          STATUS_ARGUMENT, "render.world %g and render.radius %g must be positive", render->world, render->radius);
  return STATUS_OK;
}

static void choose_colors(struct renderer *renderer) {
  for (int b = 0; b < renderer->system->bodies; b++)
    for (int c = 0; c < 3; c++) {
      float sum = render_background[c] + render_color(renderer->system->kind, b)[c];
      renderer->color[b][c] = sum < 1 ? sum : 1;
    }
}

/* 255 v is exact in f64, so halves are seen. */
static unsigned char to_byte(float value) { return (unsigned char)(int)(255 * (double)value + 0.5); }

static enum status allocate_images(struct renderer *renderer) {
  int height = renderer->height, width = renderer->width;
  size_t pixels = (size_t)height * (size_t)width, channels = (size_t)renderer->channels;
  const struct box all = {0, 0, width, height};
  const float grey = largest(render_background), *color = channels == 3 ? render_background : &grey;
  renderer->values = pixels * channels;
  renderer->background = malloc(renderer->values * sizeof(float));
  renderer->bytes = malloc(renderer->values);
  renderer->frame = malloc(renderer->values * sizeof(float));
  renderer->canvas = malloc(pixels * 3 * sizeof(float));
  renderer->labels = calloc(((size_t)height + 2) * ((size_t)width + 2), sizeof *renderer->labels);
  REQUIRE(renderer->background && renderer->bytes && renderer->frame && renderer->canvas && renderer->labels,
          STATUS_MEMORY, "no memory to render images of %d x %d pixels", width, height);
  clear_box(renderer, all, color, channels, renderer->background);
  memcpy(renderer->frame, renderer->background, renderer->values * sizeof(float));
  for (size_t i = 0; i < renderer->values; i++) renderer->bytes[i] = to_byte(renderer->background[i]);
  clear_box(renderer, all, render_background, 3, renderer->canvas);
  return STATUS_OK;
}

enum status render_open(const struct experiment *experiment, struct renderer *renderer) {
  *renderer = (struct renderer){0};
  TRY(check_settings(experiment));
  const struct render_settings *settings = &experiment->render;
  int height = (int)settings->height, width = (int)settings->width, shorter = height < width ? height : width;
  /* As it is written there: int(radius / (2 W / size)). */
  double radius = settings->radius / (2 * settings->world / shorter);
  *renderer = (struct renderer){.system = system_get(experiment->system.name),
                                .parameters = experiment->system,
                                .settings = *settings,
                                .height = height,
                                .width = width,
                                .channels = settings->color == COLOR_GREY ? 1 : 3,
                                .scale = shorter / (2 * settings->world),
                                .radius = (int)(radius < far_away ? radius : far_away)};
  choose_colors(renderer);
  enum status status = allocate_images(renderer);
  if (status == STATUS_OK && settings->renderer == RENDERER_REPORT2021) status = make_mixed(renderer);
  if (status == STATUS_OK && settings->renderer == RENDERER_REPORT2021) status = make_stamps(renderer);
  if (status != STATUS_OK) render_close(renderer);
  return status;
}

void render_close(struct renderer *renderer) {
  free(renderer->background);
  free(renderer->bytes);
  free(renderer->frame);
  free(renderer->canvas);
  free(renderer->labels);
  free(renderer->mixed);
  for (int b = 0; b < SYSTEM_BODIES_MAX; b++) free(renderer->stamp[b]);
  *renderer = (struct renderer){0};
}

static void paint_bodies(const struct renderer *renderer, const double *q, float *image, struct box *boxes) {
  double xy[2 * SYSTEM_BODIES_MAX];
  renderer->system->positions(&renderer->parameters, q, xy);
  if (renderer->settings.renderer == RENDERER_SOFT)
    paint_soft(renderer, xy, image, boxes);
  else
    paint_report2021(renderer, xy, image, boxes);
}

void render_f32(struct renderer *renderer, const double *q, float *image) {
  struct box boxes[SYSTEM_BODIES_MAX];
  memcpy(image, renderer->background, renderer->values * sizeof *image);
  paint_bodies(renderer, q, image, boxes);
}

void render_u8(struct renderer *renderer, const double *q, unsigned char *image) {
  struct box boxes[SYSTEM_BODIES_MAX];
  size_t channels = (size_t)renderer->channels;
  memcpy(image, renderer->bytes, renderer->values);
  paint_bodies(renderer, q, renderer->frame, boxes);
  for (int b = 0; b < renderer->system->bodies; b++)
    for (int y = boxes[b].y0; y < boxes[b].y1; y++) {
      size_t first = ((size_t)y * (size_t)renderer->width + (size_t)boxes[b].x0) * channels;
      size_t stop = first + (size_t)(boxes[b].x1 - boxes[b].x0) * channels;
      for (size_t i = first; i < stop; i++) image[i] = to_byte(renderer->frame[i]);
    }
  for (int b = 0; b < renderer->system->bodies; b++)
    clear_box(renderer, boxes[b], renderer->background, channels, renderer->frame);
}

/* A body's pixels are the background again once they are added, so that none counts twice where boxes overlap. */
double render_add(struct renderer *renderer, const double *q, double *sum) {
  struct box boxes[SYSTEM_BODIES_MAX];
  size_t channels = (size_t)renderer->channels;
  double squares = 0;
  paint_bodies(renderer, q, renderer->frame, boxes);
  for (int b = 0; b < renderer->system->bodies; b++) {
    if (is_empty(&boxes[b])) continue;
    for (int y = boxes[b].y0; y < boxes[b].y1; y++) {
      size_t first = ((size_t)y * (size_t)renderer->width + (size_t)boxes[b].x0) * channels;
      size_t count = (size_t)(boxes[b].x1 - boxes[b].x0) * channels;
      float *restrict image = renderer->frame + first;
      const float *restrict background = renderer->background + first;
      double *restrict total = sum + first;
      for (size_t i = 0; i < count; i++) {
        double difference = (double)(image[i] - background[i]);
        total[i] += difference;
        squares += difference * difference;
        image[i] = background[i];
      }
    }
  }
  return squares;
}
