/* What is on a page: kept as it is added, and written at the end. */
#include "analysis/report/page.h"

#include "analysis/report/page_private.h"
#include "base/log.h"
#include "base/utf8.h"
#include "store/output.h"
#include "sweep/folder.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- Texts ---- */

/* A copy that can be shown: control characters as "\x1b", UTF-8. NULL without memory. */
static char *clean(const char *text) {
  const size_t length = strlen(text);
  char *plain = malloc(LOG_PLAIN_MOST * length + 1);
  if (!plain) return NULL;
  plain[log_plain(text, length, plain)] = '\0';
  utf8_repair(plain);
  return plain;
}

static void fail(struct page *page) {
  if (page->status == STATUS_OK) page->status = STATUS_MEMORY;
}

static char *keep(struct page *page, const char *text) {
  char *kept = clean(text);
  if (!kept) fail(page);
  return kept;
}

/* One line of text: lines and tabulators in it are spaces. */
static char *keep_line(struct page *page, const char *text) {
  char *kept = keep(page, text);
  for (char *at = kept; at && *at; at++)
    if (*at == '\n' || *at == '\t') *at = ' ';
  return kept;
}

static char *print(struct page *page, const char *format, va_list values) __attribute__((format(printf, 2, 0)));
static char *print(struct page *page, const char *format, va_list values) {
  va_list again;
  va_copy(again, values);
  const int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  char *text = length >= 0 ? malloc((size_t)length + 1) : NULL, *kept = NULL;
  if (text) {
    vsnprintf(text, (size_t)length + 1, format, values);
    kept = keep_line(page, text);
  } else {
    fail(page);
  }
  free(text);
  return kept;
}

static bool has_id(const struct page *page, const char *id) {
  for (size_t i = 0; i < page->items; i++)
    if (page->item[i].id && strcmp(page->item[i].id, id) == 0) return true;
  return false;
}

/* Letters, digits and '-'; what is there already gets a number. */
static char *keep_id(struct page *page, const char *id) {
  enum { ID_MAX = 64, NUMBER_MAX = 24 };
  char base[ID_MAX], made[ID_MAX + NUMBER_MAX];
  size_t used = 0;
  if (!isalpha((unsigned char)id[0])) used = (size_t)snprintf(base, sizeof base, "id-");
  for (; *id && used + 1 < sizeof base; id++)
    base[used++] = (char)(isalnum((unsigned char)*id) && (unsigned char)*id < 0x80 ? *id : '-');
  base[used] = '\0';
  snprintf(made, sizeof made, "%s", base);
  for (int number = 2; has_id(page, made); number++) snprintf(made, sizeof made, "%s-%d", base, number);
  return keep(page, made);
}

static struct page_bytes keep_bytes(struct page *page, const void *data, size_t size) {
  struct page_bytes bytes = {malloc(size + 1), size};
  if (!bytes.data) {
    fail(page);
    return (struct page_bytes){NULL, 0};
  }
  if (size > 0) memcpy(bytes.data, data, size);
  return bytes;
}

/* NULL of NULL. */
static double *keep_numbers(struct page *page, const double *number, int64_t count) {
  double *kept = number ? malloc((size_t)count * sizeof *kept + 1) : NULL;
  if (kept)
    memcpy(kept, number, (size_t)count * sizeof *kept);
  else if (number)
    fail(page);
  return kept;
}

/* ---- Things ---- */

/* The next thing, zeroed; NULL when nothing more can be added. */
static struct page_item *add(struct page *page, enum page_kind kind) {
  if (page->status != STATUS_OK) return NULL;
  page->in_table = false;
  if (page->items == page->room) {
    const size_t room = 2 * page->room + 64;
    struct page_item *larger = realloc(page->item, room * sizeof *larger);
    if (!larger) {
      fail(page);
      return NULL;
    }
    page->item = larger;
    page->room = room;
  }
  struct page_item *item = &page->item[page->items];
  memset(item, 0, sizeof *item);
  item->kind = kind;
  return item;
}

static void free_item(struct page_item *item) {
  for (int i = 0; i < item->table.columns && item->table.name; i++) free(item->table.name[i]);
  for (size_t i = 0; i < item->table.cells; i++) free(item->table.cell[i]);
  free(item->table.name);
  free(item->table.number);
  free(item->table.cell);
  for (int i = 0; i < PAGE_VIEWS_MAX; i++) free(item->view[i]);
  free((void *)item->film.error);
  free(item->image.data);
  free(item->strip.data);
  free(item->id);
  free(item->text);
  free(item->alt);
  free(item->csv);
  free(item->lines);
}

enum status page_open(const char *title, struct page **page) {
  struct page *made = calloc(1, sizeof *made);
  REQUIRE(made, STATUS_MEMORY, "out of memory for a report");
  made->title = keep_line(made, title);
  if (!made->title) {
    free(made);
    return status_raise(STATUS_MEMORY, "out of memory for a report");
  }
  *page = made;
  return STATUS_OK;
}

void page_close(struct page **page) {
  if (!*page) return;
  for (size_t i = 0; i < (*page)->items; i++) free_item(&(*page)->item[i]);
  free((*page)->item);
  free((*page)->title);
  free(*page);
  *page = NULL;
}

void page_heading(struct page *page, int level, const char *id, const char *format, ...) {
  struct page_item *item = add(page, PAGE_HEADING);
  va_list values;
  if (!item) return;
  item->level = level < 1 ? 1 : level > 3 ? 3 : level;
  item->id = keep_id(page, id);
  va_start(values, format);
  item->text = print(page, format, values);
  va_end(values);
  page->items++;
}

void page_text(struct page *page, const char *format, ...) {
  struct page_item *item = add(page, PAGE_TEXT);
  va_list values;
  if (!item) return;
  va_start(values, format);
  item->text = print(page, format, values);
  va_end(values);
  page->items++;
}

void page_remark(struct page *page, enum page_remark kind, const char *format, ...) {
  struct page_item *item = add(page, PAGE_NOTE);
  va_list values;
  if (!item) return;
  item->remark = kind;
  va_start(values, format);
  item->text = print(page, format, values);
  va_end(values);
  page->items++;
}

void page_verbatim(struct page *page, const char *title, bool folded, const char *text) {
  struct page_item *item = add(page, PAGE_VERBATIM);
  if (!item) return;
  item->folded = folded;
  item->text = keep_line(page, title);
  item->lines = keep(page, text);
  page->items++;
}

void page_table_begin(struct page *page, const char *id, const char *caption, const struct page_column *column,
                      int columns) {
  struct page_item *item = add(page, PAGE_TABLE);
  if (!item || columns < 1) return;
  item->id = keep_id(page, id);
  item->text = keep_line(page, caption);
  item->number = ++page->tables;
  page->items++;
  page->in_table = true;
  struct page_table *table = &item->table;
  table->columns = columns;
  table->name = calloc((size_t)columns, sizeof *table->name);
  table->number = calloc((size_t)columns, sizeof *table->number);
  if (!table->name || !table->number) {
    fail(page);
    return;
  }
  for (int i = 0; i < columns; i++) {
    table->name[i] = keep_line(page, column[i].name);
    table->number[i] = column[i].number;
  }
}

void page_cell(struct page *page, const char *format, ...) {
  va_list values;
  if (page->status != STATUS_OK || !page->in_table) return;
  struct page_table *table = &page->item[page->items - 1].table;
  if (table->cells == table->room) {
    const size_t room = 2 * table->room + 64;
    char **larger = realloc(table->cell, room * sizeof *larger);
    if (!larger) {
      fail(page);
      return;
    }
    table->cell = larger;
    table->room = room;
  }
  va_start(values, format);
  table->cell[table->cells] = print(page, format, values);
  va_end(values);
  if (table->cell[table->cells]) table->cells++;
}

void page_table_end(struct page *page) { page->in_table = false; }

size_t page_rows(const struct page_table *table) {
  return (table->cells + (size_t)table->columns - 1) / (size_t)table->columns;
}

const char *page_cell_at(const struct page_table *table, size_t row, int column) {
  const size_t index = row * (size_t)table->columns + (size_t)column;
  return index < table->cells ? table->cell[index] : "";
}

void page_figure(struct page *page, const struct page_figure *figure) {
  struct page_item *item = add(page, PAGE_FIGURE);
  if (!item) return;
  item->id = keep_id(page, figure->id);
  item->text = keep_line(page, figure->caption);
  item->alt = keep_line(page, figure->alt);
  item->csv = figure->csv ? keep(page, figure->csv) : NULL;
  item->picture = figure->kind;
  item->image = keep_bytes(page, figure->data, figure->size);
  item->number = ++page->figures;
  page->items++;
}

void page_film(struct page *page, const struct page_film *film) {
  struct page_item *item = add(page, PAGE_FILM);
  if (!item) return;
  item->id = keep_id(page, film->id);
  item->text = keep_line(page, film->caption);
  item->alt = keep_line(page, film->alt);
  item->csv = film->csv ? keep(page, film->csv) : NULL;
  item->picture = PAGE_PNG;
  item->image = keep_bytes(page, film->sheet, film->sheet_size);
  item->strip = keep_bytes(page, film->strip, film->strip_size);
  item->film = *film;
  item->film.views = film->views < PAGE_VIEWS_MAX ? film->views : PAGE_VIEWS_MAX;
  for (int i = 0; i < item->film.views; i++) {
    item->view[i] = keep_line(page, film->view[i]);
    for (char *at = item->view[i]; at && *at; at++)
      if (*at == '|') *at = '/'; /* which stands between them */
  }
  item->film.error = keep_numbers(page, film->error, film->frames);
  item->number = ++page->figures;
  page->items++;
}

/* ---- Files ---- */

static enum status put(const char *folder, const char *name, const char *ending, const char *magic,
                       const struct page_bytes *bytes) {
  char path[STORE_PATH_MAX];
  const int length = snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
  REQUIRE(length < (int)sizeof path, STATUS_USAGE, "the path \"%s\" is too long", folder);
  return output_put(bytes->data, bytes->size, magic, path);
}

/* What a writer makes of the page, as one file. */
static enum status put_page(const struct page *page, void (*write)(const struct page *page, FILE *out),
                            const char *folder, const char *name, const char *magic) {
  struct page_bytes bytes = {NULL, 0};
  FILE *out = open_memstream(&bytes.data, &bytes.size);
  REQUIRE(out, STATUS_MEMORY, "out of memory for a report");
  write(page, out);
  const bool whole = !ferror(out);
  enum status status =
      fclose(out) == 0 && whole ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a report");
  if (status == STATUS_OK) status = put(folder, name, "", magic, &bytes);
  free(bytes.data);
  return status;
}

static enum status put_table(const struct page_item *item, const char *folder) {
  struct page_bytes bytes = {NULL, 0};
  FILE *out = open_memstream(&bytes.data, &bytes.size);
  REQUIRE(out, STATUS_MEMORY, "out of memory for a table");
  page_csv(&item->table, out);
  const bool whole = !ferror(out);
  enum status status = fclose(out) == 0 && whole ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a table");
  if (status == STATUS_OK) status = put(folder, item->id, ".csv", "", &bytes);
  free(bytes.data);
  return status;
}

static enum status put_item(const struct page_item *item, const char *figures, const char *data) {
  const struct page_bytes csv = {item->csv, item->csv ? strlen(item->csv) : 0};
  const bool svg = item->picture == PAGE_SVG;
  if (item->kind == PAGE_TABLE) TRY(put_table(item, data));
  if (item->kind == PAGE_FIGURE)
    TRY(put(figures, item->id, svg ? ".svg" : ".png", svg ? "<?xml" : "\x89PNG", &item->image));
  if (item->kind == PAGE_FILM) TRY(put(figures, item->id, ".png", "\x89PNG", &item->strip));
  return item->csv ? put(data, item->id, ".csv", "", &csv) : STATUS_OK;
}

enum status page_write(const struct page *page, const char *folder) {
  char figures[STORE_PATH_MAX], data[STORE_PATH_MAX];
  REQUIRE(page->status == STATUS_OK, page->status, "out of memory for a report");
  const int length = snprintf(figures, sizeof figures, "%s/figures", folder),
            other = snprintf(data, sizeof data, "%s/data", folder);
  REQUIRE(length < (int)sizeof figures && other < (int)sizeof data, STATUS_USAGE, "the path \"%s\" is too long",
          folder);
  TRY(folder_make(folder));
  TRY(folder_make(figures));
  TRY(folder_make(data));
  for (size_t i = 0; i < page->items; i++) TRY(put_item(&page->item[i], figures, data));
  TRY(put_page(page, page_markdown, folder, "report.md", "# "));
  return put_page(page, page_html, folder, "report.html", "<!DOCTYPE html>");
}
