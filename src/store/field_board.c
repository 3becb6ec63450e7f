#include "store/field_board.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ZOOM = 3, PANEL = FIELD_SIDE * ZOOM, TEXT_ZOOM = 1, LINE = 11, MARGIN = 14, GAP = 14, BANDS = 24 };

static const unsigned char paper[3] = {255, 255, 255}, ink[3] = {34, 40, 49}, faint[3] = {120, 128, 138};

enum status field_open(struct field_board *board, int row, int column, const char *label, enum field_ink kind,
                       const double lower[2], const double upper[2], struct field **field) {
  struct field *made = &board->field[row][column];
  snprintf(made->label, sizeof made->label, "%s", label);
  made->ink = kind;
  for (int k = 0; k < 2; k++) {
    made->lower[k] = lower[k];
    made->upper[k] = upper[k];
  }
  made->value = calloc(FIELD_VALUES, sizeof *made->value);
  REQUIRE(made->value, STATUS_MEMORY, "out of memory for a picture");
  *field = made;
  return STATUS_OK;
}

void field_board_free(struct field_board *board) {
  for (int row = 0; row < BOARD_ROWS_MAX; row++)
    for (int column = 0; column < BOARD_COLUMNS_MAX; column++) free(board->field[row][column].value);
}

void field_point(const struct field *field, int64_t index, double point[2]) {
  const double across = ((double)(index % FIELD_SIDE) + 0.5) / FIELD_SIDE,
               down = ((double)(index / FIELD_SIDE) + 0.5) / FIELD_SIDE;
  point[0] = field->lower[0] + across * (field->upper[0] - field->lower[0]);
  point[1] = field->upper[1] - down * (field->upper[1] - field->lower[1]);
}

void field_count(struct field *field, const double point[2]) {
  const double across = (point[0] - field->lower[0]) / (field->upper[0] - field->lower[0]) * FIELD_SIDE,
               down = (field->upper[1] - point[1]) / (field->upper[1] - field->lower[1]) * FIELD_SIDE;
  if (!(across >= 0 && across < FIELD_SIDE && down >= 0 && down < FIELD_SIDE)) return;
  field->value[(int64_t)down * FIELD_SIDE + (int64_t)across] += 1;
}

void field_line(struct field *field, const double from[2], const double to[2]) {
  const double width = field->upper[0] - field->lower[0], height = field->upper[1] - field->lower[1];
  const double cells = FIELD_SIDE * hypot((to[0] - from[0]) / width, (to[1] - from[1]) / height);
  const int steps = cells < 4 * FIELD_SIDE ? 1 + (int)(2 * cells) : 0; /* one that leaves the picture far is left out */
  for (int i = 0; i < steps; i++) {
    const double part = ((double)i + 0.5) / steps;
    field_count(field, (const double[2]){from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])});
  }
}

/* ---- Colours ---- */

enum { STOPS = 5 };
/* From paper to dark blue; and viridis (van der Walt and Smith), at quarters. */
static const float density_stops[STOPS][3] = {
    {1, 1, 1}, {.74F, .85F, .93F}, {.35F, .63F, .82F}, {.10F, .36F, .65F}, {.03F, .15F, .36F}};
static const float energy_stops[STOPS][3] = {
    {.27F, .00F, .33F}, {.23F, .32F, .55F}, {.13F, .57F, .55F}, {.37F, .79F, .38F}, {.99F, .91F, .14F}};

static void color_of(const float stops[STOPS][3], double share, float color[3]) {
  const double at = share * (STOPS - 1);
  const int low = at >= STOPS - 1 ? STOPS - 2 : (int)at;
  const float part = (float)(at - low);
  for (int c = 0; c < 3; c++) color[c] = stops[low][c] + part * (stops[low + 1][c] - stops[low][c]);
}

static void find_range(const struct field *field, double *low, double *high) {
  *low = INFINITY;
  *high = -INFINITY;
  for (int i = 0; i < FIELD_VALUES; i++) {
    if (!isfinite(field->value[i])) continue;
    *low = fmin(*low, field->value[i]);
    *high = fmax(*high, field->value[i]);
  }
  if (field->ink == FIELD_DENSITY) *low = 0;
  if (field->darkest > 0) *high = field->darkest;
}

static void paint(const struct field *field, float image[FIELD_VALUES][3]) {
  double low, high;
  find_range(field, &low, &high);
  for (int i = 0; i < FIELD_VALUES; i++) {
    double share = high > low ? (field->value[i] - low) / (high - low) : 0;
    image[i][0] = image[i][1] = image[i][2] = 1;
    if (!isfinite(share)) continue;
    share = fmin(share, 1);
    if (field->ink == FIELD_ENERGY) share = fmin(floor(share * BANDS), BANDS - 1) / (BANDS - 1);
    color_of(field->ink == FIELD_ENERGY ? energy_stops : density_stops, share, image[i]);
  }
}

/* ---- The board ---- */

static void print_range(const struct field *field, char text[64]) {
  double low, high;
  find_range(field, &low, &high);
  if (field->ink == FIELD_ENERGY)
    snprintf(text, 64, "%.3g to %.3g", low, high);
  else
    snprintf(text, 64, "x %.3g to %.3g, y %.3g to %.3g", field->lower[0], field->upper[0], field->lower[1],
             field->upper[1]);
}

static void draw_frame(struct picture *picture, int x, int y) {
  float grey[PANEL + 2][3];
  for (int i = 0; i < PANEL + 2; i++) grey[i][0] = grey[i][1] = grey[i][2] = .8F;
  picture_image(picture, x - 1, y - 1, 1, &grey[0][0], 1, PANEL + 2, 3);
  picture_image(picture, x - 1, y + PANEL, 1, &grey[0][0], 1, PANEL + 2, 3);
  picture_image(picture, x - 1, y - 1, 1, &grey[0][0], PANEL + 2, 1, 3);
  picture_image(picture, x + PANEL, y - 1, 1, &grey[0][0], PANEL + 2, 1, 3);
}

enum status field_board_draw(const struct field_board *board, struct picture *picture) {
  const int cell = PANEL + GAP, line = PANEL + 2 * LINE + GAP;
  static float image[FIELD_VALUES][3];
  TRY(picture_open(2 * MARGIN + board->columns * cell - GAP, 2 * MARGIN + LINE + board->rows * line - GAP + 4, paper,
                   picture));
  picture_text(picture, MARGIN, MARGIN, TEXT_ZOOM, ink, board->title);
  for (int row = 0; row < board->rows; row++)
    for (int column = 0; column < board->columns; column++) {
      const struct field *field = &board->field[row][column];
      const int x = MARGIN + column * cell, y = MARGIN + LINE + 6 + row * line;
      char range[64];
      if (!field->value) continue;
      paint(field, image);
      print_range(field, range);
      picture_text(picture, x, y, TEXT_ZOOM, ink, field->label);
      picture_image(picture, x, y + LINE, ZOOM, &image[0][0], FIELD_SIDE, FIELD_SIDE, 3);
      draw_frame(picture, x, y + LINE);
      picture_text(picture, x, y + LINE + PANEL + 4, TEXT_ZOOM, faint, range);
    }
  return STATUS_OK;
}

enum status field_board_write(const struct field_board *board, const char *path) {
  struct picture picture;
  TRY(field_board_draw(board, &picture));
  const enum status status = picture_png(&picture, path);
  picture_close(&picture);
  return status;
}
