#include "analysis/report/figure.h"

#include "base/log.h"
#include "base/utf8.h"
#include "store/file.h"
#include "store/output.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The colours of Okabe and Ito that are seen on white as well; yellow is not. */
const char *figure_color(int curve) {
  static const char *const color[FIGURE_COLORS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
  return color[(curve % FIGURE_COLORS + FIGURE_COLORS) % FIGURE_COLORS];
}

/* '' stands for ' in its strings; what its enhanced text reads is said with a backslash before it. */
void figure_quote(FILE *script, const char *text) {
  const size_t length = strlen(text);
  char *plain = malloc(LOG_PLAIN_MOST * length + 1);
  fputc('\'', script);
  if (plain) {
    plain[log_plain(text, length, plain)] = '\0';
    utf8_repair(plain);
  }
  for (const char *at = plain ? plain : ""; *at; at++) {
    if (*at == '\'') fputc('\'', script);
    if (strchr("{}_^@&~\\", *at)) fputc('\\', script);
    fputc(*at == '\n' || *at == '\t' ? ' ' : *at, script);
  }
  free(plain);
  fputc('\'', script);
}

void figure_drop(struct figure *figure) {
  if (figure->script) (void)fclose(figure->script);
  if (figure->csv) (void)fclose(figure->csv);
  free(figure->script_text);
  free(figure->csv_text);
  *figure = (struct figure){.status = figure->status};
}

enum status figure_begin(int width, int height, struct figure *figure) {
  *figure = (struct figure){.width = width, .height = height};
  figure->script = open_memstream(&figure->script_text, &figure->script_size);
  figure->csv = open_memstream(&figure->csv_text, &figure->csv_size);
  if (figure->script && figure->csv) return STATUS_OK;
  figure->status = status_raise(STATUS_MEMORY, "out of memory for a figure");
  figure_drop(figure);
  return figure->status;
}

/* ---- gnuplot ---- */

/* Files of one drawing, in a folder of its own. */
struct place {
  char folder[STORE_PATH_MAX - 32];
  char script[STORE_PATH_MAX], drawn[STORE_PATH_MAX], said[STORE_PATH_MAX];
};

static enum status make_place(struct place *place) {
  const int length = snprintf(place->folder, sizeof place->folder, "%s/hgn-figure-XXXXXX", output_temporary());
  REQUIRE(length < (int)sizeof place->folder, STATUS_USAGE, "TMPDIR: the path is too long");
  REQUIRE(mkdtemp(place->folder), STATUS_FILE, "%s: cannot be made: %s", place->folder, strerror(errno));
  snprintf(place->script, sizeof place->script, "%s/script", place->folder);
  snprintf(place->drawn, sizeof place->drawn, "%s/drawn", place->folder);
  snprintf(place->said, sizeof place->said, "%s/said", place->folder);
  return STATUS_OK;
}

static void remove_place(const struct place *place) {
  (void)unlink(place->script);
  (void)unlink(place->drawn);
  (void)unlink(place->said);
  (void)rmdir(place->folder);
}

static enum status write_script(const struct figure *figure, const struct place *place) {
  FILE *out = fopen(place->script, "w");
  REQUIRE(out, STATUS_FILE, "%s: %s", place->script, strerror(errno));
  if (figure->png)
    fprintf(out, "set terminal pngcairo size %d,%d font 'sans,11'\n", figure->width, figure->height);
  else
    fprintf(out, "set terminal svg size %d,%d font 'sans,14' background 'white'\n", figure->width, figure->height);
  fputs("set encoding utf8\nset border 3 lc rgb '#555555'\nset tics nomirror\nset grid lc rgb '#dddddd' lt 1 lw 0.5\n",
        out);
  for (int i = 0; i < FIGURE_COLORS; i++)
    fprintf(out, "set linetype %d lc rgb '%s' lw 1.5 pt 7\n", i + 1, figure_color(i));
  fwrite(figure->script_text, 1, figure->script_size, out);
  const bool whole = !ferror(out);
  REQUIRE(fclose(out) == 0 && whole, STATUS_FILE, "%s: cannot be written", place->script);
  return STATUS_OK;
}

static enum status run_gnuplot(struct place *place) {
  static char name[] = "gnuplot";
  char *words[] = {name, place->script, NULL};
  posix_spawn_file_actions_t actions;
  pid_t process;
  int code = posix_spawn_file_actions_init(&actions), ended = 0;
  REQUIRE(code == 0, STATUS_MEMORY, "out of memory for a figure");
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (code == 0) code = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, place->drawn, flags, 0600);
  if (code == 0) code = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, place->said, flags, 0600);
  if (code == 0) code = posix_spawnp(&process, name, &actions, NULL, words, environ);
  (void)posix_spawn_file_actions_destroy(&actions);
  REQUIRE(code == 0, STATUS_UNAVAILABLE, "gnuplot cannot be started (Debian: gnuplot-nox): %s", strerror(code));
  while (waitpid(process, &ended, 0) < 0) REQUIRE(errno == EINTR, STATUS_FILE, "gnuplot: %s", strerror(errno));
  REQUIRE(WIFEXITED(ended) && WEXITSTATUS(ended) == 0, STATUS_FILE, "gnuplot has failed");
  return STATUS_OK;
}

static enum status read_whole(const char *path, void **data, size_t *size) {
  struct stat about;
  FILE *file = fopen(path, "rb");
  REQUIRE(file, STATUS_FILE, "%s: %s", path, strerror(errno));
  const size_t bytes = fstat(fileno(file), &about) == 0 && about.st_size > 0 ? (size_t)about.st_size : 0;
  char *made = malloc(bytes + 1);
  const bool read = made && fread(made, 1, bytes, file) == bytes;
  (void)fclose(file);
  if (!read) free(made);
  REQUIRE(read, STATUS_FILE, "%s: cannot be read", path);
  made[bytes] = '\0';
  *data = made;
  *size = bytes;
  return STATUS_OK;
}

/* What gnuplot has to say about its failure: the last line that is more than a mark. */
static void add_reason(const struct place *place) {
  void *said;
  size_t size;
  char reason[256] = "", before[STATUS_MESSAGE_MAX / 2];
  snprintf(before, sizeof before, "%s", status_message());
  if (read_whole(place->said, &said, &size) != STATUS_OK) {
    (void)status_raise(STATUS_FILE, "%s", before);
    return;
  }
  for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
    if (strlen(line) > 2 && strspn(line, " ^") < strlen(line)) snprintf(reason, sizeof reason, "%s", line);
  free(said);
  (void)status_raise(STATUS_FILE, "%s%s%s", before, reason[0] ? ": " : "", reason);
}

static enum status draw_at(const struct figure *figure, struct place *place, void **data, size_t *size) {
  TRY(write_script(figure, place));
  const enum status status = run_gnuplot(place);
  if (status == STATUS_FILE) add_reason(place);
  TRY(status);
  TRY(read_whole(place->drawn, data, size));
  if (*size > 0) return STATUS_OK;
  free(*data);
  return status_raise(STATUS_FILE, "gnuplot has drawn nothing");
}

static enum status draw(struct figure *figure, void **data, size_t *size) {
  struct place place;
  TRY(figure->status);
  const bool whole =
      !ferror(figure->script) && !ferror(figure->csv) && fflush(figure->script) == 0 && fflush(figure->csv) == 0;
  REQUIRE(whole, STATUS_MEMORY, "out of memory for a figure");
  TRY(make_place(&place));
  const enum status status = draw_at(figure, &place, data, size);
  remove_place(&place);
  return status;
}

enum status figure_draw(struct figure *figure, void **data, size_t *size) {
  const enum status status = draw(figure, data, size);
  figure_drop(figure);
  return status;
}

void figure_end(struct figure *figure, struct page *page, const char *id, const char *caption, const char *alt) {
  struct page_figure made = {
      .id = id, .caption = caption, .alt = alt, .kind = figure->png ? PAGE_PNG : PAGE_SVG, .data = NULL};
  void *data = NULL;
  if (draw(figure, &data, &made.size) == STATUS_OK) {
    made.data = data;
    made.csv = figure->csv_size > 0 ? figure->csv_text : NULL;
    page_figure(page, &made);
  } else {
    page_remark(page, PAGE_MISSING, "The figure \"%s\" could not be drawn: %s", caption, status_message());
    status_clear();
  }
  free(data);
  figure_drop(figure);
}
