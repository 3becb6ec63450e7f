/* A report as it grows: headings, paragraphs, tables and figures in the order in which they are added, of which
 * report.html (one file that needs nothing else) and report.md with its figures beside it are written at the end.
 *
 * All that is added is text: what would mean something in HTML, Markdown or CSV is escaped where it is written, so a
 * run that is called "<script>" stays a name. What is added is copied. An error while adding (STATUS_MEMORY) is kept,
 * and page_write() returns it, so callers add one thing after another without looking.
 *
 * All functions: Not collective; one rank alone has a page.
 */
#ifndef HGN_ANALYSIS_REPORT_PAGE_H
#define HGN_ANALYSIS_REPORT_PAGE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct page;

enum status page_open(const char *title, struct page **page);
void page_close(struct page **page); /* accepts NULL */

/* Writes DIR/report.html, DIR/report.md, DIR/figures/ID.{svg,png} and DIR/data/ID.csv, each aside and renamed; makes
 * the folder. What is in it and no part of a report stays. STATUS_FILE; STATUS_MEMORY. */
enum status page_write(const struct page *page, const char *folder);

/* Level 1 (a part of the report, in the table of contents) to 3. id: of letters, digits and '-', the anchor; made
 * unique where it is not. */
void page_heading(struct page *page, int level, const char *id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A paragraph. */
void page_text(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A paragraph that is to be seen: a remark, what is missing and why, and what speaks against a number. */
enum page_remark { PAGE_REMARK, PAGE_MISSING, PAGE_WARNING };
void page_remark(struct page *page, enum page_remark kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Lines as they are: commands, YAML. Folded: only the title is seen until it is asked for. */
void page_verbatim(struct page *page, const char *title, bool folded, const char *text);

/* A table: begun, filled cell by cell from left to right, row by row, and ended; the last row is filled up with empty
 * cells. Its contents are to be had as CSV, too. */
struct page_column {
  const char *name;
  bool number; /* set to the right */
};
void page_table_begin(struct page *page, const char *id, const char *caption, const struct page_column *column,
                      int columns);
void page_cell(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_table_end(struct page *page);

/* A picture with what it shows in words, for those who cannot see it (alt), and the numbers behind it. */
enum page_picture { PAGE_SVG, PAGE_PNG };
struct page_figure {
  const char *id, *caption, *alt;
  enum page_picture kind;
  const void *data;
  size_t size;
  const char *csv; /* with a line of names first; NULL: none */
};
void page_figure(struct page *page, const struct page_figure *figure);
/* A text as a cell of such CSV: quoted where it has to be. */
void page_csv_cell(const char *text, FILE *out);

/* A film that one plays: forward and backward, step by step, at several speeds. Where that cannot be, on paper, in
 * Markdown, without scripts, stands a picture of its frames. All pictures are PNG. */
enum { PAGE_VIEWS_MAX = 4 };
struct page_film {
  const char *id, *caption, *alt;
  const void *sheet; /* all frames, row by row, `columns` in each row; of a frame its views, from left to right */
  size_t sheet_size;
  const char *view[PAGE_VIEWS_MAX];  /* what they show */
  int views, columns, width, height; /* pixels of a view */
  int64_t frames;
  double start, dt;    /* s: time of frame 0, between frames; dt NaN: unknown */
  const double *error; /* [frames]: NaN: unknown; NULL: there is none */
  const void *strip;   /* what stands in its place */
  size_t strip_size;
  const char *csv;
};
void page_film(struct page *page, const struct page_film *film);

#endif
