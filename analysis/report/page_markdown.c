/* A page as Markdown (CommonMark, with GitHub's tables), and its tables as CSV (RFC 4180). */
#include "analysis/report/page_private.h"

#include <ctype.h>
#include <string.h>

/* ---- CSV ---- */

void page_csv_cell(const char *text, FILE *out) {
  if (text[strcspn(text, ",\"\n\r")] == '\0') {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"') fputc('"', out);
    fputc(*text, out);
  }
  fputc('"', out);
}

void page_csv(const struct page_table *table, FILE *out) {
  for (int c = 0; c < table->columns; c++) {
    if (c > 0) fputc(',', out);
    page_csv_cell(table->name[c], out);
  }
  fputc('\n', out);
  for (size_t r = 0; r < page_rows(table); r++) {
    for (int c = 0; c < table->columns; c++) {
      if (c > 0) fputc(',', out);
      page_csv_cell(page_cell_at(table, r, c), out);
    }
    fputc('\n', out);
  }
}

/* ---- Text ---- */

/* What would begin a heading, a list, a quotation or a rule at the start of a line. Escaped; returns what is left. */
static const char *escape_start(const char *text, FILE *out) {
  const size_t digits = strspn(text, "0123456789");
  if (digits > 0 && (text[digits] == '.' || text[digits] == ')')) {
    fprintf(out, "%.*s\\%c", (int)digits, text, text[digits]);
    return text + digits + 1;
  }
  if (*text && strchr("#+-=", *text)) {
    fprintf(out, "\\%c", *text);
    return text + 1;
  }
  return text;
}

/* "_" within a word is no emphasis. */
static bool is_plain(const char *text, const char *at) {
  if (*at == '_') return at > text && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]);
  return !strchr("\\`*[]<>|&~$", *at);
}

static void write_text(const char *text, FILE *out) {
  while (*text == ' ') text++;
  const char *at = escape_start(text, out);
  for (; *at; at++) {
    if (!is_plain(text, at)) fputc('\\', out);
    fputc(*at, out);
  }
}

/* Within HTML, which Markdown allows for what it has not. */
static void write_html(const char *text, FILE *out) {
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
    default:
      fputc(*text, out);
    }
}

/* A fence is longer than any run of its character in what it holds. */
static void write_lines(const char *lines, FILE *out) {
  size_t fence = 3;
  for (const char *at = lines; *at;) {
    const size_t run = strspn(at, "`");
    if (run >= fence) fence = run + 1;
    at += run ? run : 1;
  }
  for (size_t i = 0; i < fence; i++) fputc('`', out);
  fprintf(out, "\n%s%s", lines, *lines && lines[strlen(lines) - 1] == '\n' ? "" : "\n");
  for (size_t i = 0; i < fence; i++) fputc('`', out);
  fputs("\n\n", out);
}

static void write_verbatim(const struct page_item *item, FILE *out) {
  if (item->folded) {
    fputs("<details><summary>", out);
    write_html(item->text, out);
    fputs("</summary>\n\n", out);
  } else {
    write_text(item->text, out);
    fputs(":\n\n", out);
  }
  write_lines(item->lines, out);
  if (item->folded) fputs("</details>\n\n", out);
}

static void write_table(const struct page_item *item, FILE *out) {
  const struct page_table *table = &item->table;
  fprintf(out, "Table %d. ", item->number);
  write_text(item->text, out);
  fprintf(out, " ([CSV](data/%s.csv))\n\n|", item->id);
  for (int c = 0; c < table->columns; c++) {
    fputc(' ', out);
    write_text(table->name[c], out);
    fputs(" |", out);
  }
  fputs("\n|", out);
  for (int c = 0; c < table->columns; c++) fputs(table->number[c] ? " ---: |" : " --- |", out);
  fputc('\n', out);
  for (size_t r = 0; r < page_rows(table); r++) {
    fputc('|', out);
    for (int c = 0; c < table->columns; c++) {
      fputc(' ', out);
      write_text(page_cell_at(table, r, c), out);
      fputs(" |", out);
    }
    fputc('\n', out);
  }
  fputc('\n', out);
}

static void write_figure(const struct page_item *item, FILE *out) {
  fputs("![", out);
  write_text(item->alt, out);
  fprintf(out, "](figures/%s.%s)\n\nFigure %d. ", item->id, item->picture == PAGE_SVG ? "svg" : "png", item->number);
  write_text(item->text, out);
  if (item->csv) fprintf(out, " ([CSV](data/%s.csv))", item->id);
  fputs("\n\n", out);
}

static void write_note(const struct page_item *item, FILE *out) {
  static const char *const name[] = {[PAGE_REMARK] = "Note", [PAGE_MISSING] = "Missing", [PAGE_WARNING] = "Warning"};
  fprintf(out, "> **%s:** ", name[item->remark]);
  write_text(item->text, out);
  fputs("\n\n", out);
}

static void write_item(const struct page_item *item, FILE *out) {
  switch (item->kind) {
  case PAGE_HEADING:
    fprintf(out, "%.*s ", item->level + 1, "####");
    write_text(item->text, out);
    fputs("\n\n", out);
    break;
  case PAGE_TEXT:
    write_text(item->text, out);
    fputs("\n\n", out);
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
  case PAGE_FILM:
    write_figure(item, out);
    break;
  }
}

void page_markdown(const struct page *page, FILE *out) {
  fputs("# ", out);
  write_text(page->title, out);
  fputs("\n\n", out);
  for (size_t i = 0; i < page->items; i++) write_item(&page->item[i], out);
}
