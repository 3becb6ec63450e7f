/* A page as one file of HTML that is XML, too, and needs nothing else: style, script, pictures and data are in it. */
#include "analysis/report/page_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Text ---- */

static void write_text(const char *text, FILE *out) {
  for (; *text; text++) switch (*text) {
    case '<':
      fputs("&lt;", out);
      break;
    case '>':
      fputs("&gt;", out);
      break;
    case '&':
      fputs("&amp;", out);
      break;
    case '"':
      fputs("&quot;", out);
      break;
    default:
      fputc(*text, out);
    }
}

void page_base64(const void *data, size_t size, FILE *out) {
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *at = data;
  for (size_t i = 0; i < size; i += 3) {
    const size_t left = size - i;
    const unsigned word =
        (unsigned)at[i] << 16 | (left > 1 ? (unsigned)at[i + 1] << 8 : 0) | (left > 2 ? at[i + 2] : 0u);
    const char four[4] = {digit[word >> 18], digit[word >> 12 & 63], left > 1 ? digit[word >> 6 & 63] : '=',
                          left > 2 ? digit[word & 63] : '='};
    fwrite(four, 1, sizeof four, out);
  }
}

static void write_image(const char *class, const char *alt, const char *type, const struct page_bytes *bytes,
                        FILE *out) {
  fprintf(out, "<img class=\"%s\" alt=\"", class);
  write_text(alt, out);
  fprintf(out, "\" src=\"data:image/%s;base64,", type);
  page_base64(bytes->data, bytes->size, out);
  fputs("\"/>", out);
}

static void write_csv_link(const char *id, const char *csv, size_t size, FILE *out) {
  fprintf(out, " <a class=\"csv\" download=\"%s.csv\" href=\"data:text/csv;charset=utf-8;base64,", id);
  page_base64(csv, size, out);
  fputs("\">CSV</a>", out);
}

static void write_caption(const char *kind, const struct page_item *item, FILE *out) {
  fprintf(out, "<figcaption><b>%s %d.</b> ", kind, item->number);
  write_text(item->text, out);
  if (item->csv) write_csv_link(item->id, item->csv, strlen(item->csv), out);
}

/* ---- Things ---- */

enum { LONG = 48 /* bytes of a text that has to have room to be read */ };

/* A table that is wider than the page is moved within a box of its own, with the keyboard, too. */
static void write_table(const struct page_item *item, FILE *out) {
  const struct page_table *table = &item->table;
  struct page_bytes csv = {NULL, 0};
  FILE *stream = open_memstream(&csv.data, &csv.size);
  if (stream) {
    page_csv(table, stream);
    (void)fclose(stream);
  }
  fprintf(out, "<figure class=\"table\" id=\"%s\">", item->id);
  write_caption("Table", item, out);
  if (csv.data) write_csv_link(item->id, csv.data, csv.size, out);
  free(csv.data);
  fputs("</figcaption>\n<div class=\"box\" tabindex=\"0\" role=\"region\" aria-label=\"", out);
  write_text(item->text, out);
  fputs("\"><table><thead><tr>", out);
  for (int c = 0; c < table->columns; c++) {
    fprintf(out, "<th scope=\"col\"%s>", table->number[c] ? " class=\"number\"" : "");
    write_text(table->name[c], out);
    fputs("</th>", out);
  }
  fputs("</tr></thead>\n<tbody>\n", out);
  for (size_t r = 0; r < page_rows(table); r++) {
    fputs("<tr>", out);
    for (int c = 0; c < table->columns; c++) {
      const char *text = page_cell_at(table, r, c);
      fprintf(out, "<td%s>", table->number[c] ? " class=\"number\"" : strlen(text) > LONG ? " class=\"long\"" : "");
      write_text(text, out);
      fputs("</td>", out);
    }
    fputs("</tr>\n", out);
  }
  fputs("</tbody></table></div></figure>\n", out);
}

static void write_figure(const struct page_item *item, FILE *out) {
  const bool svg = item->picture == PAGE_SVG;
  fprintf(out, "<figure class=\"%s\" id=\"%s\"><div class=\"box\">", svg ? "plot" : "picture", item->id);
  write_image(svg ? "plot" : "picture", item->alt, svg ? "svg+xml" : "png", &item->image, out);
  fputs("</div>\n", out);
  write_caption("Figure", item, out);
  fputs("</figcaption></figure>\n", out);
}

/* The script makes the player of what stands in the attributes and the sheet; until then the strip is seen. */
static void write_film(const struct page_item *item, FILE *out) {
  const struct page_film *film = &item->film;
  fprintf(out,
          "<figure class=\"film\" id=\"%s\" data-frames=\"%lld\" data-columns=\"%d\" data-width=\"%d\" "
          "data-height=\"%d\" data-start=\"%.9g\"",
          item->id, (long long)film->frames, film->columns, film->width, film->height, film->start);
  if (!isnan(film->dt)) fprintf(out, " data-dt=\"%.9g\"", film->dt);
  fputs(" data-views=\"", out);
  for (int i = 0; i < film->views; i++) {
    if (i > 0) fputc('|', out);
    write_text(item->view[i], out);
  }
  fputs("\" data-error=\"", out);
  for (int64_t t = 0; film->error && t < film->frames; t++) {
    if (t > 0) fputc(' ', out);
    fprintf(out, "%.4g", fabs(film->error[t]));
  }
  fputs("\"><div class=\"player\"></div>\n<div class=\"sheet\">", out);
  write_image("sheet", "", "png", &item->image, out);
  fputs("</div>\n<div class=\"box strip\">", out);
  write_image("picture", item->alt, "png", &item->strip, out);
  fputs("</div>\n", out);
  write_caption("Figure", item, out);
  fputs("</figcaption></figure>\n", out);
}

static void write_verbatim(const struct page_item *item, FILE *out) {
  fputs(item->folded ? "<details><summary>" : "<p class=\"title\">", out);
  write_text(item->text, out);
  fputs(item->folded ? "</summary>" : "</p>", out);
  fputs("<pre tabindex=\"0\">", out);
  write_text(item->lines, out);
  fputs(item->folded ? "</pre></details>\n" : "</pre>\n", out);
}

static void write_note(const struct page_item *item, FILE *out) {
  static const char *const name[] = {[PAGE_REMARK] = "Note", [PAGE_MISSING] = "Missing", [PAGE_WARNING] = "Warning"};
  static const char *const class[] = {[PAGE_REMARK] = "remark", [PAGE_MISSING] = "missing", [PAGE_WARNING] = "warning"};
  fprintf(out, "<p class=\"%s\"><b>%s:</b> ", class[item->remark], name[item->remark]);
  write_text(item->text, out);
  fputs("</p>\n", out);
}

static void write_item(const struct page_item *item, FILE *out) {
  switch (item->kind) {
  case PAGE_HEADING:
    fprintf(out, "<h%d id=\"%s\">", item->level + 1, item->id);
    write_text(item->text, out);
    fprintf(out, "</h%d>\n", item->level + 1);
    break;
  case PAGE_TEXT:
    fputs("<p>", out);
    write_text(item->text, out);
    fputs("</p>\n", out);
    break;
  case PAGE_NOTE:
    write_note(item, out);
    break;
  case PAGE_VERBATIM:
    write_verbatim(item, out);
    break;
  case PAGE_TABLE:
    write_table(item, out);
    break;
  case PAGE_FIGURE:
    write_figure(item, out);
    break;
  case PAGE_FILM:
    write_film(item, out);
    break;
  }
}

/* ---- The page ---- */

enum { CONTENTS_LEVEL = 2, CONTENTS_MOST = 60 };

/* Parts, and what is in them as long as that can be overlooked. */
static void write_contents(const struct page *page, FILE *out) {
  size_t headings = 0;
  for (size_t i = 0; i < page->items; i++)
    headings += page->item[i].kind == PAGE_HEADING && page->item[i].level <= CONTENTS_LEVEL;
  const int deepest = headings <= CONTENTS_MOST ? CONTENTS_LEVEL : 1;
  fputs("<nav aria-label=\"Contents\"><p>Contents</p>\n", out);
  for (size_t i = 0; i < page->items; i++) {
    const struct page_item *item = &page->item[i];
    if (item->kind != PAGE_HEADING || item->level > deepest) continue;
    fprintf(out, "<a class=\"level-%d\" href=\"#%s\">", item->level, item->id);
    write_text(item->text, out);
    fputs("</a>\n", out);
  }
  fputs("</nav>\n", out);
}

void page_html(const struct page *page, FILE *out) {
  fputs(
      "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n<link rel=\"icon\" href=\"data:,\"/>\n<title>",
      out);
  write_text(page->title, out);
  fputs("</title>\n<style>\n", out);
  for (const char *const *line = page_style; *line; line++) fputs(*line, out);
  fputs("</style>\n</head>\n<body>\n", out);
  write_contents(page, out);
  fputs("<main>\n<h1>", out);
  write_text(page->title, out);
  fputs("</h1>\n", out);
  for (size_t i = 0; i < page->items; i++) write_item(&page->item[i], out);
  fputs("</main>\n<script>\n//<![CDATA[\n", out);
  for (const char *const *line = page_script; *line; line++) fputs(*line, out);
  fputs("//]]>\n</script>\n</body>\n</html>\n", out);
}
