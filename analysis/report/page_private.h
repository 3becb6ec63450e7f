/* What the source files of a page share. */
#ifndef HGN_ANALYSIS_REPORT_PAGE_PRIVATE_H
#define HGN_ANALYSIS_REPORT_PAGE_PRIVATE_H

#include "analysis/report/page.h"

#include <stdio.h>

enum page_kind { PAGE_HEADING, PAGE_TEXT, PAGE_NOTE, PAGE_VERBATIM, PAGE_TABLE, PAGE_FIGURE, PAGE_FILM };

struct page_bytes {
  char *data; /* owned */
  size_t size;
};

/* A table: names of columns, then cells, row by row. */
struct page_table {
  int columns;
  char **name;
  bool *number;
  char **cell;
  size_t cells, room;
};

/* One thing on a page. All texts are owned and valid UTF-8 without control characters; what it has not is NULL. */
struct page_item {
  enum page_kind kind;
  int level;               /* of a heading */
  enum page_remark remark; /* of a note */
  bool folded;             /* of lines as they are */
  char *id, *text;         /* text: a title or a caption, too */
  char *alt, *csv;
  char *lines; /* as they are */
  struct page_table table;
  enum page_picture picture;
  struct page_bytes image; /* a figure's; a film's sheet */
  struct page_bytes strip;
  struct page_film film; /* its numbers; pointers but `error` (owned) and views' names (in `view`) are not kept */
  char *view[PAGE_VIEWS_MAX];
  int number; /* of figures and films, of tables: 1, 2, ... */
};

struct page {
  char *title;
  struct page_item *item;
  size_t items, room;
  bool in_table;
  int figures, tables;
  enum status status; /* the first error while adding */
};

/* The rows of a table; the last may be short: a cell that is not there is "". */
size_t page_rows(const struct page_table *table);
const char *page_cell_at(const struct page_table *table, size_t row, int column);

/* Writes the whole page. Errors are those of the stream. */
void page_html(const struct page *page, FILE *out);
void page_markdown(const struct page *page, FILE *out);
/* A table's contents. */
void page_csv(const struct page_table *table, FILE *out);

/* Base64 (RFC 4648). */
void page_base64(const void *data, size_t size, FILE *out);

/* report.css and player.js, line by line, each with its newline; end with NULL. */
extern const char *const page_style[], *const page_script[];

#endif
