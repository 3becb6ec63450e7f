#include "cli/bench_all.h"

#include "analysis/report/figure.h"
#include "base/build.h"
#include "cli/cli.h"
#include "cli/process.h"
#include "store/file.h"
#include "store/output.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *const kinds[] = {"simulate", "graph", "train", "sweep", "analyze"};
enum { KINDS = sizeof kinds / sizeof *kinds, CELL = 128, COLUMNS = 12 };

/* A number as bench_rows.h writes it. */
struct number {
  char table[CELL], row[CELL], column[CELL];
  double value;
};

struct numbers {
  struct number *number; /* [count], as they were written */
  int64_t count, room;
};

/* ---- Running ---- */

static enum status run_kind(const char *kind, const char *csv) {
  char path[STORE_PATH_MAX], program[] = "hgn", bench[] = "bench", option[] = "--csv";
  char *words[] = {program, bench, (char[16]){0}, option, (char[STORE_PATH_MAX]){0}, NULL};
  pid_t process;
  int ended = 0;
  TRY(process_beside("hgn", path, sizeof path));
  snprintf(words[2], 16, "%s", kind);
  snprintf(words[4], STORE_PATH_MAX, "%s", csv);
  printf("\n---- hgn bench %s ----\n", kind);
  TRY(process_flush());
  const int code = posix_spawn(&process, path, NULL, NULL, words, environ);
  REQUIRE(code == 0, STATUS_UNAVAILABLE, "%s cannot be started: %s", path, strerror(code));
  while (waitpid(process, &ended, 0) < 0) REQUIRE(errno == EINTR, STATUS_FILE, "bench %s: %s", kind, strerror(errno));
  REQUIRE(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, STATUS_FILE, "bench %s has failed", kind);
  return STATUS_OK;
}

static enum status read_numbers(const char *csv, struct numbers *numbers) {
  char line[4 * CELL];
  FILE *file = fopen(csv, "r");
  enum status status = file ? STATUS_OK : status_raise(STATUS_FILE, "%s: %s", csv, strerror(errno));
  while (status == STATUS_OK && fgets(line, sizeof line, file)) {
    if (numbers->count == numbers->room) {
      const int64_t room = 2 * numbers->room + 256;
      struct number *larger = realloc(numbers->number, (size_t)room * sizeof *larger);
      if (!larger) status = status_raise(STATUS_MEMORY, "out of memory for numbers");
      if (!larger) break;
      numbers->number = larger;
      numbers->room = room;
    }
    struct number *number = &numbers->number[numbers->count];
    if (sscanf(line, "%127[^,],%127[^,],%127[^,],%lf", number->table, number->row, number->column, &number->value) == 4)
      numbers->count += 1;
  }
  if (file) (void)fclose(file);
  return status;
}

/* ---- The page ---- */

static double find(const struct numbers *numbers, const char *table, const char *row, const char *column) {
  for (int64_t i = 0; i < numbers->count; i++) {
    const struct number *number = &numbers->number[i];
    if (strcmp(number->table, table) == 0 && strcmp(number->row, row) == 0 && strcmp(number->column, column) == 0)
      return number->value;
  }
  return (double)NAN;
}

/* A row's numbers stand behind each other. */
static int64_t end_of_row(const struct numbers *numbers, int64_t at) {
  int64_t end = at;
  while (end < numbers->count && strcmp(numbers->number[end].table, numbers->number[at].table) == 0 &&
         strcmp(numbers->number[end].row, numbers->number[at].row) == 0)
    end++;
  return end;
}

static bool is_new(const struct numbers *numbers, int64_t at) {
  for (int64_t i = 0; i < at; i++)
    if (strcmp(numbers->number[i].table, numbers->number[at].table) == 0) return false;
  return true;
}

static void add_table(struct page *page, const struct numbers *numbers, const char *table, int number) {
  struct page_column column[COLUMNS + 1] = {{"", false}};
  int columns = 1;
  char id[32];
  for (int64_t i = 0; i < numbers->count; i++) {
    bool there = strcmp(numbers->number[i].table, table) != 0;
    for (int c = 1; c < columns && !there; c++) there = strcmp(column[c].name, numbers->number[i].column) == 0;
    if (!there && columns <= COLUMNS) column[columns++] = (struct page_column){numbers->number[i].column, true};
  }
  snprintf(id, sizeof id, "bench-%d", number);
  page_table_begin(page, id, table, column, columns);
  for (int64_t i = 0; i < numbers->count; i = end_of_row(numbers, i)) {
    if (strcmp(numbers->number[i].table, table) != 0) continue;
    page_cell(page, "%s", numbers->number[i].row);
    for (int c = 1; c < columns; c++) {
      const double value = find(numbers, table, numbers->number[i].row, column[c].name);
      char text[32] = "";
      if (isfinite(value)) snprintf(text, sizeof text, "%.5g", value);
      page_cell(page, "%s", text);
    }
  }
  page_table_end(page);
}

/* The step's name without its number. */
static const char *name_of(const char *row) {
  const char *space = strchr(row, ' ');
  return space ? space + 1 : row;
}

static int64_t write_points(const struct numbers *numbers, const char *table, int number, struct figure *figure) {
  int64_t points = 0;
  fprintf(figure->script, "$points%d << EOD\n", number);
  for (int64_t i = 0; i < numbers->count; i = end_of_row(numbers, i)) {
    const char *row = numbers->number[i].row;
    if (strcmp(numbers->number[i].table, table) != 0) continue;
    const double flops = find(numbers, table, row, "[GFLOP/s]"), bytes = find(numbers, table, row, "[GB/s]");
    if (!(flops > 0.01 && bytes > 0.01)) continue;
    fprintf(figure->script, "%.6g %.6g\n", flops / bytes, flops);
    page_csv_cell(name_of(row), figure->csv);
    fprintf(figure->csv, ",%.6g,%.6g,%.6g\n", flops / bytes, flops, bytes);
    points++;
  }
  fputs("EOD\n", figure->script);
  return points;
}

/* Williams, Waterman and Patterson, Comm. ACM 52(4), 65-76, 2009: at most peak, and bandwidth times intensity. */
static void add_roofline(struct page *page, const struct numbers *numbers) {
  static const char *const table[] = {"graph: steps of a leapfrog step's gradient",
                                      "graph: steps of a decoder block at 16x16"};
  static const char *const title[] = {"gradient of a leapfrog step", "decoder block"};
  struct figure figure;
  const double peak = find(numbers, "machine", "f32 multiply-adds; one core", "[GFLOP/s]"),
               fill = find(numbers, "machine", "memset", "[GB/s]");
  if (!(peak > 0)) return;
  if (figure_begin(760, 460, &figure) == STATUS_OK) {
    int64_t points[2];
    fputs("step,flop_per_byte,gflop_per_s,gb_per_s\n", figure.csv);
    for (int k = 0; k < 2; k++) points[k] = write_points(numbers, table[k], k, &figure);
    fprintf(
        figure.script,
        "set logscale xy\nset xrange [0.02:500]\nset yrange [0.1:%g]\nset xlabel 'flop per byte that a step moves'\n"
        "set ylabel 'GFLOP/s'\nset format '%%g'\nset key outside top horizontal left samplen 1 width -2\nplot %g with "
        "lines lw 2 lc rgb '#444444' title 'peak'",
        2 * peak, peak);
    if (fill > 0)
      fprintf(figure.script, ", (x * %g < %g ? x * %g : 1/0) with lines lw 2 dt 2 lc rgb '#444444' title 'memset'",
              fill, peak, fill);
    for (int k = 0; k < 2; k++)
      if (points[k] > 0)
        fprintf(figure.script, ", $points%d with points pt 7 ps 0.5 lt %d title '%s'", k, k + 1, title[k]);
    fputc('\n', figure.script);
  }
  figure_end(&figure, page, "roofline",
             "Roofline of one core: steps of plans by what they compute for a byte. The flat roof is the peak of f32 "
             "multiply-adds, the steep one what memset writes; steps whose data lie in caches are above that, and "
             "convolutions by Winograd's "
             "transforms, which count as direct ones, may be above the other.",
             "Points under a roof that rises and then is flat.");
}

static void add_all(struct page *page, const struct numbers *numbers) {
  int tables = 0;
  page_text(page, "Made by hgn %s (%s), each benchmark on one rank, on this machine as busy as it was.",
            build_version(), build_git());
  page_heading(page, 1, "roofline-part", "Roofline");
  if (find(numbers, "machine", "f32 multiply-adds; one core", "[GFLOP/s]") > 0)
    add_roofline(page, numbers);
  else
    page_remark(page, PAGE_MISSING, "The roofline is of bench graph, which was not run.");
  page_heading(page, 1, "numbers", "Numbers");
  for (int64_t i = 0; i < numbers->count; i++)
    if (is_new(numbers, i)) add_table(page, numbers, numbers->number[i].table, tables++);
}

static enum status write_page(const struct numbers *numbers, const char *output) {
  struct page *page;
  TRY(page_open("Benchmarks of hgn", &page));
  add_all(page, numbers);
  const enum status status = page_write_html(page, output);
  page_close(&page);
  if (status == STATUS_OK) printf("\n%s\n", output);
  return status;
}

/* ---- The command ---- */

static bool is_wanted(const struct cli_words *words, const char *kind) {
  bool wanted = words->operands == 0;
  for (int i = 0; i < words->operands; i++) wanted = wanted || strcmp(words->operand[i], kind) == 0;
  return wanted;
}

static enum status check_kinds(const struct cli_words *words) {
  for (int i = 0; i < words->operands; i++) {
    bool known = false;
    for (int k = 0; k < KINDS; k++) known = known || strcmp(words->operand[i], kinds[k]) == 0;
    REQUIRE(known, STATUS_USAGE, "bench all has no \"%s\"; it has simulate, graph, train, sweep, analyze",
            words->operand[i]);
  }
  return STATUS_OK;
}

static enum status run_all(const struct cli_words *words, struct numbers *numbers) {
  char csv[STORE_PATH_MAX];
  const int length = snprintf(csv, sizeof csv, "%s/hgn-bench-XXXXXX", output_temporary());
  REQUIRE(length < (int)sizeof csv, STATUS_USAGE, "TMPDIR: the path is too long");
  const int made = mkstemp(csv);
  REQUIRE(made >= 0, STATUS_FILE, "%s: %s", csv, strerror(errno));
  (void)close(made);
  enum status status = STATUS_OK;
  for (int k = 0; k < KINDS && status == STATUS_OK; k++) {
    if (!is_wanted(words, kinds[k])) continue;
    status = run_kind(kinds[k], csv);
    if (status == STATUS_OK) status = read_numbers(csv, numbers);
  }
  (void)unlink(csv);
  return status;
}

enum status bench_all(const struct comm *world, int argc, char **argv) {
  const char *output = NULL;
  const struct cli_option options[] = {{"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  struct numbers numbers = {.count = 0};
  TRY(cli_parse(argc, argv, options, 1, false, &words));
  REQUIRE(output && cli_has_ending(output, ".html"), STATUS_USAGE, "-o FILE.html: where the page is to be is missing");
  REQUIRE(world->size == 1, STATUS_USAGE, "bench all runs on one rank");
  TRY(check_kinds(&words));
  enum status status = run_all(&words, &numbers);
  if (status == STATUS_OK) status = write_page(&numbers, output);
  free(numbers.number);
  return status;
}
