/* Figures of a report, drawn by gnuplot as SVG in one look.
 *
 *     struct figure figure;
 *     if (figure_begin(640, 360, &figure) == STATUS_OK) {
 *       fputs("set xlabel 'step'\n$curve << EOD\n", figure.script);  ... the data, EOD, and the plot command
 *       fputs("step,error\n", figure.csv);                           ... the same numbers for readers
 *     }
 *     figure_end(&figure, page, "learning-curve", "Error while training.", "A curve that falls from ... to ...");
 *
 * All functions: Not collective; one rank alone draws.
 */
#ifndef HGN_ANALYSIS_REPORT_FIGURE_H
#define HGN_ANALYSIS_REPORT_FIGURE_H

#include "analysis/report/page.h"

#include <stdio.h>

enum { FIGURE_COLORS = 6 };

struct figure {
  FILE *script; /* commands and data for gnuplot; terminal, output and look are set before them */
  FILE *csv;    /* the numbers behind it */
  char *script_text, *csv_text;
  size_t script_size, csv_size;
  int width, height;  /* pixels */
  bool png;           /* not SVG: false after figure_begin(), and may be set until the end */
  enum status status; /* of figure_begin() */
};

/* STATUS_MEMORY; figure_end() is called after it in any case. */
enum status figure_begin(int width, int height, struct figure *figure);

/* Has it drawn and adds it to the page; where that fails, a remark says that the figure is missing and why. */
void figure_end(struct figure *figure, struct page *page, const char *id, const char *caption, const char *alt);

/* In its stead: nothing, where what it should show is not to be had. */
void figure_drop(struct figure *figure);
/* In its stead: the picture itself, which the caller frees. STATUS_UNAVAILABLE when there is no gnuplot; STATUS_FILE
 * with what gnuplot says against it; STATUS_MEMORY. */
enum status figure_draw(struct figure *figure, void **data, size_t *size);

/* '#rrggbb' of curve 0 .. FIGURE_COLORS - 1, to be told apart by the colour-blind, and on light and dark ground. */
const char *figure_color(int curve);

/* A text in a string of gnuplot's: quoted, with what gnuplot would read in it ("{", "_", "^", "'") escaped. */
void figure_quote(FILE *script, const char *text);

#endif
