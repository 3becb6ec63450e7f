/* PNG and GIF files read back by the libraries' own readers, and what happens where they cannot be written. */
#include "store/picture.h"
#include "testing.h"

#include <dirent.h>
#include <gif_lib.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned char black[3] = {0, 0, 0}, paper[3] = {250, 248, 240}, ink[3] = {30, 60, 200};

/* A scratch folder of this test's own. */
static char folder[] = "test_picture_XXXXXX";

static int count_files(void) {
  DIR *stream = opendir(folder);
  assert_non_null(stream);
  int count = -2; /* . and .. */
  while (readdir(stream)) count++;
  closedir(stream);
  return count;
}

static const char *place(const char *name) {
  static char path[64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void read_png(const char *path, int width, int height, unsigned char *rgb) {
  png_image image = {.version = PNG_IMAGE_VERSION};
  assert_true(png_image_begin_read_from_file(&image, path));
  assert_int_equal(image.width, width);
  assert_int_equal(image.height, height);
  assert_int_equal(image.format, PNG_FORMAT_RGB);
  assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
}

static void test_png_round_trip(void **state) {
  (void)state;
  static const int sides[][2] = {{1, 1}, {37, 23}, {300, 2}};
  for (size_t n = 0; n < sizeof sides / sizeof *sides; n++) {
    struct picture picture;
    assert_ok(picture_open(sides[n][0], sides[n][1], paper, &picture));
    size_t size = 3 * (size_t)sides[n][0] * (size_t)sides[n][1];
    assert_memory_equal(picture.rgb, paper, 3);
    assert_memory_equal(picture.rgb + size - 3, paper, 3);
    for (size_t i = 0; i < size; i++) picture.rgb[i] = (unsigned char)(i * 89 ^ i >> 3);
    assert_ok(picture_png(&picture, place("a.png"))); /* from the second on over an older file */
    assert_int_equal(count_files(), 1);
    unsigned char *back = malloc(size);
    assert_non_null(back);
    read_png(place("a.png"), sides[n][0], sides[n][1], back);
    assert_memory_equal(back, picture.rgb, size);
    free(back);
    picture_close(&picture);
  }
  unlink(place("a.png"));
}

static void test_image(void **state) {
  (void)state;
  static const float rgb[] = {0, 0.5F, 1, -1, 2, 0.25F}, grey[] = {1, 0.5F};
  struct picture picture;
  assert_ok(picture_open(8, 5, black, &picture));
  picture_image(&picture, 1, 1, 2, rgb, 1, 2, 3);
  static const unsigned char first[3] = {0, 128, 255}, second[3] = {0, 255, 64};
  for (int y = 0; y < 5; y++)
    for (int x = 0; x < 8; x++) {
      const unsigned char *expected = y < 1 || y > 2 || x < 1 || x > 4 ? black : x < 3 ? first : second;
      assert_memory_equal(picture.rgb + 3 * (y * 8 + x), expected, 3);
    }
  picture_image(&picture, -1, -1, 3, grey, 2, 1, 1); /* clipped above and to the left */
  assert_int_equal(picture.rgb[0], 255);
  assert_int_equal(picture.rgb[2], 255);
  assert_int_equal(picture.rgb[3 * (2 * 8)], 128);
  picture_image(&picture, 7, 4, 1000000, rgb, 1, 2, 3); /* and below and to the right */
  assert_memory_equal(picture.rgb + 3 * (4 * 8 + 7), first, 3);
  picture_image(&picture, INT32_MAX, INT32_MIN, INT32_MAX, rgb, 1, 2, 3);
  picture_close(&picture);
}

/* A pixel with a channel that is not finite looks like none that is. */
static void test_broken_pixels(void **state) {
  (void)state;
  const float rgb[] = {0, NAN, 0, 0, 0, -INFINITY, INFINITY, 1, 1, 0, 0, 0}, grey[] = {NAN, 0};
  static const unsigned char magenta[3] = {255, 0, 255};
  struct picture picture;
  assert_ok(picture_open(4, 2, paper, &picture));
  picture_image(&picture, 0, 0, 1, rgb, 1, 4, 3);
  picture_image(&picture, 0, 1, 1, grey, 1, 2, 1);
  for (int x = 0; x < 3; x++) assert_memory_equal(picture.rgb + 3 * x, magenta, 3);
  assert_memory_equal(picture.rgb + 3 * 3, black, 3);
  assert_memory_equal(picture.rgb + 3 * 4, magenta, 3);
  assert_memory_equal(picture.rgb + 3 * 5, black, 3);
  picture_close(&picture);
}

static void test_text(void **state) {
  (void)state;
  assert_int_equal(picture_text(NULL, 0, 0, 1, ink, ""), 0);
  assert_int_equal(picture_text(NULL, 0, 0, 1, ink, "T"), 5);
  assert_int_equal(picture_text(NULL, 0, 0, 3, ink, "ab"), 33);
  assert_int_equal(picture_text(NULL, 0, 0, 1, ink, "\xc3\xa9"), 5); /* one letter in UTF-8 */
  struct picture picture, other;
  assert_ok(picture_open(20, 16, paper, &picture));
  assert_ok(picture_open(20, 16, paper, &other));
  assert_int_equal(picture_text(&picture, 2, 1, 2, ink, "T"), 10);
  for (int y = 0; y < 16; y++)
    for (int x = 0; x < 20; x++) {
      int inside = (y >= 1 && y < 3 && x >= 2 && x < 12) || (y >= 3 && y < 15 && x >= 6 && x < 8);
      assert_memory_equal(picture.rgb + 3 * (y * 20 + x), inside ? ink : paper, 3);
    }
  picture_text(&other, 2, 1, 2, ink, "?");
  picture_text(&picture, 2, 1, 2, paper, "T");
  picture_text(&picture, 2, 1, 2, ink, "\x07");
  assert_memory_equal(picture.rgb, other.rgb, 3 * 20 * 16);
  picture_text(&picture, -3, -3, 2, ink, "across every border, and beyond");
  picture_close(&picture);
  picture_close(&other);
}

/* No two printable characters look alike, and all but the space show. */
static void test_font(void **state) {
  (void)state;
  struct picture all[95];
  for (int i = 0; i < 95; i++) {
    assert_ok(picture_open(6, 10, black, &all[i]));
    assert_int_equal(picture_text(&all[i], 0, 0, 1, ink, (char[2]){(char)(' ' + i), '\0'}), 5);
    for (int y = 0; y < 10; y++) assert_memory_equal(all[i].rgb + 3 * (y * 6 + 5), black, 3);
    for (int k = 0; k < i; k++) assert_memory_not_equal(all[i].rgb, all[k].rgb, 3 * 6 * 10);
  }
  for (int i = 0; i < 95; i++) picture_close(&all[i]);
}

/* delay: s */
static void check_gif(const struct picture *frames, int count, double delay, int tolerance) {
  assert_ok(picture_gif(frames, count, delay, place("a.gif")));
  assert_int_equal(count_files(), 1);
  int code = 0;
  GifFileType *gif = DGifOpenFileName(place("a.gif"), &code);
  assert_non_null(gif);
  assert_int_equal(DGifSlurp(gif), GIF_OK);
  assert_int_equal(gif->ImageCount, count);
  assert_int_equal(gif->SWidth, frames[0].width);
  assert_int_equal(gif->SHeight, frames[0].height);
  /* The extension that repeats stands before the first image. */
  const SavedImage *first = &gif->SavedImages[0];
  assert_true(first->ExtensionBlockCount >= 2);
  assert_int_equal(first->ExtensionBlocks[0].Function, APPLICATION_EXT_FUNC_CODE);
  assert_memory_equal(first->ExtensionBlocks[0].Bytes, "NETSCAPE2.0", 11);
  int shown = 0; /* hundredths of a second */
  for (int f = 0; f < count; f++) {
    const SavedImage *image = &gif->SavedImages[f];
    GraphicsControlBlock control;
    assert_int_equal(DGifSavedExtensionToGCB(gif, f, &control), GIF_OK);
    shown += control.DelayTime;
    assert_true(control.DelayTime >= 2 && fabs(shown - 100 * delay * (f + 1)) < 0.501);
    assert_int_equal(image->ImageDesc.Width, frames[f].width);
    assert_int_equal(image->ImageDesc.Height, frames[f].height);
    assert_null(image->ImageDesc.ColorMap);
    for (int i = 0; i < frames[f].width * frames[f].height; i++) {
      GifColorType color = gif->SColorMap->Colors[image->RasterBits[i]];
      const unsigned char *rgb = frames[f].rgb + 3 * i;
      if (abs(color.Red - rgb[0]) > tolerance || abs(color.Green - rgb[1]) > tolerance ||
          abs(color.Blue - rgb[2]) > tolerance)
        fail_msg("frame %d, pixel %d: %d %d %d became %d %d %d", f, i, rgb[0], rgb[1], rgb[2], color.Red, color.Green,
                 color.Blue);
    }
  }
  assert_int_equal(DGifCloseFile(gif, &code), GIF_OK);
  unlink(place("a.gif"));
}

static void test_gif_round_trip(void **state) {
  (void)state;
  struct picture frames[5];
  for (int f = 0; f < 5; f++) {
    assert_ok(picture_open(61, 33, paper, &frames[f]));
    picture_text(&frames[f], 3 * f, 2, 2, ink, "hgn");
  }
  check_gif(frames, 1, 0.02, 0);
  check_gif(frames, 5, 0.07, 0);
  check_gif(frames, 5, 0.125, 0); /* 13, 12, 13, 12 and 13 hundredths */
  check_gif(frames, 5, 0.0333, 0);
  /* Exactly 256 colours are kept exactly. */
  for (int i = 0; i < 256; i++) {
    unsigned char *rgb = frames[i % 5].rgb + 3 * i;
    rgb[0] = (unsigned char)i;
    rgb[1] = (unsigned char)(255 - i);
    rgb[2] = 7;
  }
  for (int f = 0; f < 5; f++)
    for (int i = 256; i < 61 * 33; i++) memcpy(frames[f].rgb + 3 * i, frames[0].rgb, 3);
  for (int f = 0; f < 5; f++)
    for (int i = 0; i < 256; i++)
      if (i % 5 != f) memcpy(frames[f].rgb + 3 * i, frames[0].rgb, 3);
  check_gif(frames, 5, 0.03, 0);
  /* A blend of two colours, as at the edges of discs, needs more than 256 but stays close. */
  for (int f = 0; f < 5; f++)
    for (int i = 0; i < 61 * 33; i++) {
      unsigned char *rgb = frames[f].rgb + 3 * i;
      int a = (i * 7 + f * 51) % 1021;
      rgb[0] = (unsigned char)(81 + a * 173 / 1021);
      rgb[1] = (unsigned char)(88 + a * 146 / 1021);
      rgb[2] = (unsigned char)(a % 3 + 93);
    }
  check_gif(frames, 5, 0.03, 5);
  /* The same for each channel alone. */
  for (int channel = 0; channel < 3; channel++) {
    for (int f = 0; f < 5; f++)
      for (int i = 0; i < 61 * 33; i++) {
        unsigned char *rgb = frames[f].rgb + 3 * i;
        rgb[(channel + 1) % 3] = (unsigned char)(100 + i % 2);
        rgb[(channel + 2) % 3] = 50;
        rgb[channel] = (unsigned char)(i / 2);
      }
    check_gif(frames, 5, 0.03, 7);
  }
  /* Noise in all of the cube: only the mean can be close. */
  for (int f = 0; f < 5; f++)
    for (size_t i = 0; i < 3 * 61 * 33; i++) frames[f].rgb[i] = (unsigned char)((i * 2654435761U + (unsigned)f) >> 11);
  check_gif(frames, 5, 0.03, 80);
  for (int f = 0; f < 5; f++) picture_close(&frames[f]);
}

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void assert_refused(const struct picture *picture, const char *path) {
  assert_status(STATUS_FILE, picture_png(picture, path));
  assert_non_null(strstr(status_message(), path));
  assert_status(STATUS_FILE, picture_gif(picture, 1, 0.05, path));
  assert_non_null(strstr(status_message(), path));
}

static void test_refused(void **state) {
  (void)state;
  struct picture picture, other;
  assert_ok(picture_open(64, 64, paper, &picture));
  assert_ok(picture_open(64, 63, paper, &other));
  for (size_t i = 0; i < 3 * 64 * 64; i++) picture.rgb[i] = (unsigned char)(i * i * 31 >> 5);
  assert_refused(&picture, place("no/such/folder"));
  assert_refused(&picture, folder);
  assert_refused(&picture, "");
  assert_int_equal(mkfifo(place("pipe"), 0600), 0); /* never a device: a defect would replace it for everyone */
  assert_refused(&picture, place("pipe"));
  unlink(place("pipe"));
  if (geteuid() != 0) { /* root may write anywhere */
    assert_int_equal(chmod(folder, 0500), 0);
    assert_refused(&picture, place("a.png"));
    assert_int_equal(chmod(folder, 0700), 0);
  }
  assert_int_equal(count_files(), 0);

  /* No room: an older file stays, nothing else does, and the process lives. */
  write_text(place("old"), "old");
  struct rlimit before, small;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 1000;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  enum status png = picture_png(&picture, place("old")), gif = picture_gif(&picture, 1, 0.05, place("old"));
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(png, STATUS_FILE);
  assert_int_equal(gif, STATUS_FILE);
  assert_int_equal(count_files(), 1);
  struct stat about;
  assert_int_equal(stat(place("old"), &about), 0);
  assert_int_equal(about.st_size, 3);
  unlink(place("old"));

  struct picture pair[2] = {picture, other};
  assert_status(STATUS_ARGUMENT, picture_gif(pair, 2, 0.05, place("a.gif")));
  assert_status(STATUS_ARGUMENT, picture_gif(pair, 0, 0.05, place("a.gif")));
  assert_status(STATUS_ARGUMENT, picture_gif(pair, 1, 0.01, place("a.gif")));
  assert_status(STATUS_ARGUMENT, picture_open(0, 5, paper, &pair[0]));
  assert_status(STATUS_ARGUMENT, picture_png(&(struct picture){0}, place("a.png")));
  picture_close(&picture);
  picture_close(&other);
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_png_round_trip), cmocka_unit_test(test_image), cmocka_unit_test(test_broken_pixels),
      cmocka_unit_test(test_text),           cmocka_unit_test(test_font),  cmocka_unit_test(test_gif_round_trip),
      cmocka_unit_test(test_refused),
  };
  int failed = cmocka_run_group_tests_name("store.picture", tests, NULL, NULL);
  rmdir(folder);
  return failed;
}
