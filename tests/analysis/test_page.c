/* A report's page: whatever a text holds, it stays a text in HTML, Markdown, CSV and in figures; ids are unique. What
 * was written is read by Python's parsers of XML and CSV. */
#include "analysis/report/figure.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *peer;

#define NASTY "<script>alert('1')</script> & \"a, b\" | `c` *d* _e_ [f](g) \\h ~i~ $j$ {k}^l_m@n"

static void add_table(struct page *page) {
  static const struct page_column column[] = {{"run", false}, {NASTY, true}};
  page_table_begin(page, "table", "A table: " NASTY, column, 2);
  page_cell(page, "%s", NASTY);
  page_cell(page, "%.3f", 1.25);
  page_cell(page, "%s", "two\nlines\x1b[31m, \xff");
  page_table_end(page);
  page_cell(page, "of no table");
}

static void add_figure(struct page *page) {
  struct figure figure;
  assert_ok(figure_begin(480, 300, &figure));
  fputs("set title ", figure.script);
  figure_quote(figure.script, NASTY);
  fputs("\nplot x title ", figure.script);
  figure_quote(figure.script, NASTY);
  fputc('\n', figure.script);
  fputs("x,y\n1,2\n", figure.csv);
  figure_end(&figure, page, "figure", "A figure: " NASTY, "A line. " NASTY);
}

static void add_broken_figure(struct page *page) {
  struct figure figure;
  assert_ok(figure_begin(480, 300, &figure));
  fputs("plot nonsense of\n", figure.script);
  figure_end(&figure, page, "broken", "Nothing", "nothing");
  assert_string_equal(status_message(), "");
}

static void add_film(struct page *page) {
  static const double error[] = {1e-3, 2e-3};
  const struct page_film film = {.id = "film",
                                 .caption = NASTY,
                                 .alt = NASTY,
                                 .sheet = "\x89PNG sheet",
                                 .sheet_size = 10,
                                 .view = {"truth", NASTY},
                                 .views = 2,
                                 .columns = 1,
                                 .width = 2,
                                 .height = 2,
                                 .frames = 2,
                                 .dt = .5,
                                 .error = error,
                                 .strip = "\x89PNG strip",
                                 .strip_size = 10};
  page_film(page, &film);
}

/* Every kind of thing, with the same text in all of them. */
static void add_all(struct page *page) {
  page_heading(page, 1, "part", "Part %s", NASTY);
  page_heading(page, 2, "part", "The same id");
  page_heading(page, 3, "part <b>", "An id that is none");
  page_text(page, "%s", NASTY);
  page_text(page, "%s", "1. no list");
  page_text(page, "%s", "# no heading");
  page_remark(page, PAGE_WARNING, "%s", NASTY);
  page_remark(page, PAGE_MISSING, "%s", NASTY);
  page_remark(page, PAGE_REMARK, "%s", NASTY);
  page_verbatim(page, NASTY, true, "lines\n  ```` " NASTY "\n]]>\n");
  page_verbatim(page, NASTY, false, NASTY);
  add_table(page);
  add_figure(page);
  add_broken_figure(page);
  add_film(page);
}

static void test_page(void **state) {
  struct page *page;
  char command[4096];
  (void)state;
  assert_ok(page_open(NASTY, &page));
  add_all(page);
  assert_ok(page_write(page, "page"));
  assert_ok(page_write(page, "page")); /* it replaces itself */
  page_close(&page);
  assert_null(page);
  FILE *expected = fopen("nasty.txt", "w");
  assert_non_null(expected);
  fputs(NASTY, expected);
  assert_int_equal(fclose(expected), 0);
  snprintf(command, sizeof command, "/usr/bin/python3 '%s' page nasty.txt", peer);
  assert_int_equal(system(command), 0);
}

/* What somebody else has put there stays. */
static void test_other_file(void **state) {
  struct page *page;
  (void)state;
  (void)remove("other/report.md"); /* of this test the last time */
  assert_ok(page_open("Title", &page));
  assert_ok(page_write(page, "other"));
  FILE *notes = fopen("other/report.md", "w");
  assert_non_null(notes);
  fputs("my own notes", notes);
  assert_int_equal(fclose(notes), 0);
  assert_status(STATUS_FILE, page_write(page, "other"));
  assert_non_null(strstr(status_message(), "not a file of this kind"));
  assert_status(STATUS_FILE, page_write(page, "other/report.md"));
  assert_status(STATUS_FILE, page_write(page, "no/such/place"));
  page_close(&page);
}

int main(int argc, char **argv) {
  peer = argc > 1 ? argv[1] : "";
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_page), cmocka_unit_test(test_other_file)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
