#include "store/picture.h"

#include "store/output.h"
#include "store/picture_font.h"
#include "store/state.h"

#include <gif_lib.h>
#include <math.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- canvas ----------------------------------------------------------------------------------------------------- */

enum status picture_open(int width, int height, const unsigned char background[3], struct picture *picture) {
  REQUIRE(width > 0 && height > 0, STATUS_ARGUMENT, "a picture of %d x %d pixels", width, height);
  size_t pixels = (size_t)width * (size_t)height;
  unsigned char *rgb = pixels <= PTRDIFF_MAX / 3 ? malloc(3 * pixels) : NULL;
  REQUIRE(rgb, STATUS_MEMORY, "no memory for a picture of %d x %d pixels", width, height);
  for (size_t i = 0; i < pixels; i++) memcpy(rgb + 3 * i, background, 3);
  *picture = (struct picture){.width = width, .height = height, .rgb = rgb};
  return STATUS_OK;
}

void picture_close(struct picture *picture) {
  free(picture->rgb);
  *picture = (struct picture){0};
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

static void fill(struct picture *picture, int64_t x, int64_t y, int64_t side, const unsigned char color[3]) {
  int64_t x0 = clamp(x, 0, picture->width), x1 = clamp(x + side, 0, picture->width);
  int64_t y0 = clamp(y, 0, picture->height), y1 = clamp(y + side, 0, picture->height);
  for (int64_t i = y0; i < y1; i++)
    for (int64_t j = x0; j < x1; j++) memcpy(picture->rgb + 3 * (i * picture->width + j), color, 3);
}

static unsigned char to_byte(float value) {
  return value > 0 ? (unsigned char)(int)(255 * (value < 1 ? (double)value : 1.0) + 0.5) : 0;
}

/* A pixel that is not finite stands out, whatever the picture: black might be right. */
static void color_pixel(const float *pixel, int channels, unsigned char color[3]) {
  static const unsigned char broken[3] = {255, 0, 255};
  bool finite = true;
  for (int c = 0; c < 3; c++) {
    const float value = pixel[c < channels ? c : 0];
    finite = finite && isfinite(value);
    color[c] = to_byte(value);
  }
  if (!finite) memcpy(color, broken, sizeof broken);
}

void picture_image(struct picture *picture, int x, int y, int zoom, const float *image, int height, int width,
                   int channels) {
  for (int i = 0; i < height; i++)
    for (int j = 0; j < width; j++) {
      const float *pixel = image + ((size_t)i * (size_t)width + (size_t)j) * (size_t)channels;
      unsigned char color[3];
      color_pixel(pixel, channels, color);
      fill(picture, x + (int64_t)j * zoom, y + (int64_t)i * zoom, zoom, color);
    }
}

int picture_text(struct picture *picture, int x, int y, int zoom, const unsigned char color[3], const char *text) {
  int count = 0;
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if ((*at & 0xC0) == 0x80) continue; /* the rest of a UTF-8 character: one '?' for all of it */
    int letter = *at >= FONT_FIRST && *at <= FONT_LAST ? *at : '?';
    const unsigned char *rows = font[letter - FONT_FIRST];
    int64_t top = y + (int64_t)zoom * (strchr(font_descend, letter) ? FONT_DESCENT : 0);
    for (int i = 0; picture && i < FONT_HEIGHT; i++)
      for (int j = 0; j < FONT_WIDTH; j++)
        if (rows[i] >> (FONT_WIDTH - 1 - j) & 1)
          fill(picture, x + (int64_t)zoom * (FONT_ADVANCE * count + j), top + (int64_t)zoom * i, zoom, color);
    count++;
  }
  return count ? zoom * (FONT_ADVANCE * count - (FONT_ADVANCE - FONT_WIDTH)) : 0;
}

/* --- files: encoded in memory, then written at once -------------------------------------------------------------- */

struct bytes {
  unsigned char *data;
  size_t size, capacity;
};

static bool append(struct bytes *bytes, const void *data, size_t size) {
  if (size > bytes->capacity - bytes->size) {
    size_t capacity = 2 * (bytes->size + size) + 4096;
    unsigned char *larger = realloc(bytes->data, capacity);
    if (!larger) return false;
    bytes->data = larger;
    bytes->capacity = capacity;
  }
  if (size > 0) memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
  return true;
}

/* --- PNG -------------------------------------------------------------------------------------------------------- */

struct png_reason {
  char text[128];
};

static void leave_png(png_structp png, png_const_charp message) {
  struct png_reason *reason = png_get_error_ptr(png);
  snprintf(reason->text, sizeof reason->text, "%s", message);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void append_png(png_structp png, png_bytep data, size_t size) {
  if (!append(png_get_io_ptr(png), data, size)) png_error(png, "out of memory");
}

static void flush_nothing(png_structp png) { (void)png; }

/* Not more than calls of libpng between setjmp and its return: nothing here is to be freed, no local changes. */
static bool encode_png(const struct picture *picture, png_structp png, png_infop info, struct bytes *bytes) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_write_fn(png, bytes, append_png, flush_nothing);
  png_set_IHDR(png, info, (png_uint_32)picture->width, (png_uint_32)picture->height, 8, PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int y = 0; y < picture->height; y++) png_write_row(png, picture->rgb + 3 * (size_t)y * (size_t)picture->width);
  png_write_end(png, info);
  return true;
}

enum status picture_encode(const struct picture *picture, void **data, size_t *size) {
  REQUIRE(picture->rgb && picture->width > 0 && picture->height > 0, STATUS_ARGUMENT, "no picture");
  struct png_reason reason = {"out of memory"};
  struct bytes bytes = {0};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &reason, leave_png, ignore_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  bool whole = info && encode_png(picture, png, info, &bytes);
  png_destroy_write_struct(&png, &info);
  if (!whole) free(bytes.data);
  REQUIRE(whole, STATUS_MEMORY, "a picture: %s", reason.text);
  *data = bytes.data;
  *size = bytes.size;
  return STATUS_OK;
}

enum status picture_png(const struct picture *picture, const char *path) {
  void *data = NULL;
  size_t size = 0;
  const enum status made = picture_encode(picture, &data, &size);
  if (made != STATUS_OK) return status_context(made, "%s", path);
  const enum status status = output_put(data, size, "\x89PNG", path);
  free(data);
  return status;
}

/* --- palette of a GIF --------------------------------------------------------------------------------------------
 *
 * Up to 256 different colours are kept as they are. More are sorted into bins of 8 x 8 x 8 levels; the set of bins is
 * cut in two, 255 times, always where the squared error is largest, at the mean of the channel that varies most (Wan,
 * Prusinkiewicz, Wong, Variance-based color image quantization, 1990).
 */

enum { PALETTE_MAX = 256, PALETTE_SLOTS = 1024, PALETTE_BINS = 32768, PALETTE_EMPTY = -1 };

struct palette {
  int count;
  unsigned char rgb[PALETTE_MAX][3];
  bool exact;
  int32_t key[PALETTE_SLOTS]; /* exact: an open-addressed table from the 24-bit colour ... */
  unsigned char value[PALETTE_SLOTS];
  unsigned char bin[PALETTE_BINS]; /* not exact: the colour of each bin */
};

struct palette_bin {
  int number;
  double weight, mean[3];
};

struct palette_cut {
  int first, count, axis;
  double error, mean[3]; /* error: weighted sum of squares around the mean */
};

static int32_t pack(const unsigned char *rgb) { return (int32_t)rgb[0] << 16 | (int32_t)rgb[1] << 8 | rgb[2]; }

static int bin_number(const unsigned char *rgb) { return (rgb[0] >> 3) << 10 | (rgb[1] >> 3) << 5 | rgb[2] >> 3; }

static size_t find_slot(const struct palette *palette, int32_t key) {
  size_t slot = (uint32_t)key * UINT32_C(2654435761) >> 22;
  while (palette->key[slot] != PALETTE_EMPTY && palette->key[slot] != key) slot = (slot + 1) % PALETTE_SLOTS;
  return slot;
}

static bool collect_colors(const struct picture *frames, int count, struct palette *palette) {
  for (size_t i = 0; i < PALETTE_SLOTS; i++) palette->key[i] = PALETTE_EMPTY;
  size_t pixels = (size_t)frames[0].width * (size_t)frames[0].height;
  for (int f = 0; f < count; f++)
    for (size_t i = 0; i < pixels; i++) {
      const unsigned char *rgb = frames[f].rgb + 3 * i;
      size_t slot = find_slot(palette, pack(rgb));
      if (palette->key[slot] != PALETTE_EMPTY) continue;
      if (palette->count == PALETTE_MAX) return false;
      palette->key[slot] = pack(rgb);
      palette->value[slot] = (unsigned char)palette->count;
      memcpy(palette->rgb[palette->count++], rgb, 3);
    }
  return true;
}

static void measure_cut(const struct palette_bin *bins, struct palette_cut *cut) {
  double weight = 0, sum[3] = {0}, spread[3] = {0};
  for (int i = cut->first; i < cut->first + cut->count; i++) {
    weight += bins[i].weight;
    for (int c = 0; c < 3; c++) sum[c] += bins[i].weight * bins[i].mean[c];
  }
  for (int c = 0; c < 3; c++) cut->mean[c] = sum[c] / weight;
  for (int i = cut->first; i < cut->first + cut->count; i++)
    for (int c = 0; c < 3; c++) {
      double d = bins[i].mean[c] - cut->mean[c];
      spread[c] += bins[i].weight * d * d;
    }
  cut->axis = spread[1] > spread[0] ? 1 : 0;
  if (spread[2] > spread[cut->axis]) cut->axis = 2;
  cut->error = cut->count > 1 ? spread[0] + spread[1] + spread[2] : 0;
}

/* False when rounding leaves nothing on one side. */
static bool split_cut(struct palette_bin *bins, struct palette_cut *low, struct palette_cut *high) {
  int end = low->first + low->count, middle = low->first;
  for (int i = low->first; i < end; i++)
    if (bins[i].mean[low->axis] <= low->mean[low->axis]) {
      struct palette_bin swap = bins[i];
      bins[i] = bins[middle];
      bins[middle++] = swap;
    }
  if (middle == low->first || middle == end) return false;
  *high = (struct palette_cut){.first = middle, .count = end - middle};
  low->count = middle - low->first;
  measure_cut(bins, low);
  measure_cut(bins, high);
  return true;
}

static int fill_bins(const struct picture *frames, int count, struct palette_bin *bins) {
  size_t pixels = (size_t)frames[0].width * (size_t)frames[0].height;
  for (int f = 0; f < count; f++)
    for (size_t i = 0; i < pixels; i++) {
      const unsigned char *rgb = frames[f].rgb + 3 * i;
      struct palette_bin *bin = &bins[bin_number(rgb)];
      bin->weight += 1;
      for (int c = 0; c < 3; c++) bin->mean[c] += rgb[c];
    }
  int used = 0;
  for (int n = 0; n < PALETTE_BINS; n++) {
    if (bins[n].weight == 0) continue;
    bins[used] = bins[n];
    bins[used].number = n;
    for (int c = 0; c < 3; c++) bins[used].mean[c] /= bins[used].weight;
    used++;
  }
  return used;
}

static void cut_colors(const struct picture *frames, int count, struct palette_bin *bins, struct palette *palette) {
  struct palette_cut cuts[PALETTE_MAX] = {{.first = 0, .count = fill_bins(frames, count, bins)}};
  int made = 1;
  measure_cut(bins, &cuts[0]);
  while (made < PALETTE_MAX) {
    int worst = 0;
    for (int i = 1; i < made; i++)
      if (cuts[i].error > cuts[worst].error) worst = i;
    if (!(cuts[worst].error > 0)) break;
    if (split_cut(bins, &cuts[worst], &cuts[made]))
      made++;
    else
      cuts[worst].error = 0;
  }
  palette->count = made;
  for (int k = 0; k < made; k++) {
    for (int c = 0; c < 3; c++) palette->rgb[k][c] = (unsigned char)(int)(cuts[k].mean[c] + 0.5);
    for (int i = cuts[k].first; i < cuts[k].first + cuts[k].count; i++) palette->bin[bins[i].number] = (unsigned char)k;
  }
}

static bool make_palette(const struct picture *frames, int count, struct palette *palette) {
  palette->exact = collect_colors(frames, count, palette);
  if (palette->exact) return true;
  struct palette_bin *bins = calloc(PALETTE_BINS, sizeof *bins);
  if (bins) cut_colors(frames, count, bins, palette);
  free(bins);
  return bins != NULL;
}

static unsigned char color_index(const struct palette *palette, const unsigned char *rgb) {
  return palette->exact ? palette->value[find_slot(palette, pack(rgb))] : palette->bin[bin_number(rgb)];
}

/* --- GIF -------------------------------------------------------------------------------------------------------- */

static int append_gif(GifFileType *gif, const GifByteType *data, int size) {
  return append(gif->UserData, data, (size_t)size) ? size : 0;
}

static bool put_head(GifFileType *gif, const struct picture *frame, const struct palette *palette) {
  int size = 4; /* a power of two */
  while (size < palette->count) size *= 2;
  ColorMapObject *map = GifMakeMapObject(size, NULL);
  if (!map) return false;
  for (int i = 0; i < palette->count; i++)
    map->Colors[i] = (GifColorType){palette->rgb[i][0], palette->rgb[i][1], palette->rgb[i][2]};
  EGifSetGifVersion(gif, true);
  static const unsigned char for_ever[] = {1, 0, 0};
  bool whole = EGifPutScreenDesc(gif, frame->width, frame->height, map->BitsPerPixel, 0, map) == GIF_OK &&
               EGifPutExtensionLeader(gif, APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
               EGifPutExtensionBlock(gif, 11, "NETSCAPE2.0") == GIF_OK &&
               EGifPutExtensionBlock(gif, sizeof for_ever, for_ever) == GIF_OK &&
               EGifPutExtensionTrailer(gif) == GIF_OK;
  GifFreeMapObject(map);
  return whole;
}

static bool put_frame(GifFileType *gif, const struct picture *frame, const struct palette *palette, int delay,
                      GifPixelType *line) {
  const GraphicsControlBlock control = {
      .DisposalMode = DISPOSE_DO_NOT, .DelayTime = delay, .TransparentColor = NO_TRANSPARENT_COLOR};
  GifByteType extension[4];
  size_t size = EGifGCBToExtension(&control, extension);
  if (EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, (int)size, extension) != GIF_OK ||
      EGifPutImageDesc(gif, 0, 0, frame->width, frame->height, false, NULL) != GIF_OK)
    return false;
  const unsigned char *rgb = frame->rgb;
  for (int y = 0; y < frame->height; y++) {
    for (int x = 0; x < frame->width; x++, rgb += 3) line[x] = color_index(palette, rgb);
    if (EGifPutLine(gif, line, frame->width) != GIF_OK) return false;
  }
  return true;
}

static const char *gif_reason(int code) {
  const char *text = code == 0 || code == E_GIF_ERR_WRITE_FAILED ? NULL : GifErrorString(code);
  return text ? text : "out of memory";
}

/* Hundredths of a second that frame f stays: the difference of two rounded times, so that an animation of a length that
 * is no whole number of hundredths plays at its true speed. */
static int frame_delay(double delay, int f) {
  return (int)(floor(100 * delay * (f + 1) + 0.5) - floor(100 * delay * f + 0.5));
}

static enum status encode_gif(const struct picture *frames, int count, double delay, const struct palette *palette,
                              GifPixelType *line, const char *path, struct bytes *bytes) {
  int code = 0;
  GifFileType *gif = EGifOpen(bytes, append_gif, &code);
  REQUIRE(gif, STATUS_FILE, "%s: %s", path, gif_reason(code));
  bool whole = put_head(gif, &frames[0], palette);
  for (int f = 0; whole && f < count; f++) whole = put_frame(gif, &frames[f], palette, frame_delay(delay, f), line);
  code = gif->Error;
  size_t before = bytes->size; /* closing does not say when it could not write the last byte */
  int close_code = 0;
  if (EGifCloseFile(gif, &close_code) != GIF_OK || bytes->size == before) {
    if (whole) code = close_code;
    whole = false;
  }
  REQUIRE(whole, STATUS_FILE, "%s: %s", path, gif_reason(code));
  return STATUS_OK;
}

enum status picture_gif(const struct picture *frames, int count, double delay, const char *path) {
  REQUIRE(count > 0 && delay >= 0.02 && delay <= PICTURE_DELAY_MAX, STATUS_ARGUMENT,
          "%s: %d frames with a delay of %g s", path, count, delay);
  int width = frames[0].width, height = frames[0].height;
  REQUIRE(width > 0 && height > 0 && width <= 65535 && height <= 65535, STATUS_ARGUMENT,
          "%s: a GIF of %d x %d pixels: sides are 1 to 65535", path, width, height);
  for (int f = 0; f < count; f++)
    REQUIRE(frames[f].rgb && frames[f].width == width && frames[f].height == height, STATUS_ARGUMENT,
            "%s: frame %d is of another size than frame 0", path, f);
  struct palette *palette = calloc(1, sizeof *palette);
  GifPixelType *line = malloc((size_t)width * sizeof *line);
  struct bytes bytes = {0};
  enum status status = STATUS_OK;
  if (!palette || !line || !make_palette(frames, count, palette))
    status = status_raise(STATUS_MEMORY, "%s: out of memory", path);
  if (status == STATUS_OK) status = encode_gif(frames, count, delay, palette, line, path, &bytes);
  if (status == STATUS_OK) status = output_put(bytes.data, bytes.size, "GIF8", path);
  free(bytes.data);
  free(line);
  free(palette);
  return status;
}
