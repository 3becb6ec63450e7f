/* Pictures for people: PNG strips and GIF animations of f32 images in [0, 1], with labels.
 *
 * Canvases are RGB bytes. Files are written aside and renamed. All functions: Not collective.
 */
#ifndef HGN_STORE_PICTURE_H
#define HGN_STORE_PICTURE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct picture {
  int width, height;
  unsigned char *rgb; /* [height][width][3]; owned */
};

enum status picture_open(int width, int height, const unsigned char background[3], struct picture *picture);
void picture_close(struct picture *picture);

/* Paints an image[height][width][channels] enlarged `zoom` times by repetition, its corner at (x, y); clipped to the
 * canvas. Values in [0, 1]; beyond they are cut, and a pixel that is not finite is magenta. */
void picture_image(struct picture *picture, int x, int y, int zoom, const float *image, int height, int width,
                   int channels);

/* Text in the built-in 5x7 font, enlarged `zoom` times; descenders reach two pixels lower. Returns the width in pixels;
 * with a NULL picture only measures. Characters outside printable ASCII become '?'. */
int picture_text(struct picture *picture, int x, int y, int zoom, const unsigned char color[3], const char *text);

/* The bytes of a PNG; the caller frees. STATUS_MEMORY. */
enum status picture_encode(const struct picture *picture, void **data, size_t *size);

/* STATUS_FILE naming `path`; then what had that name before is still there. */
enum status picture_png(const struct picture *picture, const char *path);

#define PICTURE_DELAY_MAX 655.0 /* s: the format has 16 bits for hundredths */

/* An animation that repeats for ever; all frames of one size; `delay` in seconds, 0.02 or more. The format
 * counts hundredths: delays are rounded so that frame f + 1 comes within 0.005 s of (f + 1) delay. One palette
 * of up to 256 colours for all frames: exact where they have no more. Errors as above; STATUS_ARGUMENT for sizes or
 * delays above PICTURE_DELAY_MAX. */
enum status picture_gif(const struct picture *frames, int count, double delay, const char *path);

#endif
