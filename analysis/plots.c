#include "analysis/plots.h"

#include "store/picture.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AXES_SHOWN = 64, LINE_COLORS = 6 };

/* A figure on its way to gnuplot, which draws it into a file of no name that anybody looks at. */
struct figure {
  FILE *pipe;
  bool png;
  char path[STORE_PATH_MAX];
  char drawn[STORE_PATH_MAX];
};

/* A path in a string of gnuplot's, in which '' stands for '. */
static void write_quoted(FILE *out, const char *text) {
  fputc('\'', out);
  for (; *text; text++) fputs(*text == '\'' ? "''" : (char[]){*text, '\0'}, out);
  fputc('\'', out);
}

static enum status begin(struct figure *figure, const char *folder, const char *name, bool png, int width, int height) {
  const char *place = getenv("TMPDIR");
  const int length = snprintf(figure->path, sizeof figure->path, "%s/%s.%s", folder, name, png ? "png" : "svg"),
            other = snprintf(figure->drawn, sizeof figure->drawn, "%s/hgn-figure-XXXXXX", place ? place : "/tmp");
  REQUIRE(length < (int)sizeof figure->path && other < (int)sizeof figure->drawn, STATUS_USAGE,
          "the path \"%s\" is too long", folder);
  const int descriptor = mkstemp(figure->drawn);
  REQUIRE(descriptor >= 0, STATUS_FILE, "%s: cannot be created: %s", figure->drawn, strerror(errno));
  close(descriptor);
  figure->png = png;
  figure->pipe = popen("gnuplot 2>&1", "w");
  REQUIRE(figure->pipe, STATUS_UNAVAILABLE, "gnuplot cannot be started: %s", strerror(errno));
  if (png)
    fprintf(figure->pipe, "set terminal pngcairo size %d,%d font 'sans,11'\n", width, height);
  else
    fprintf(figure->pipe, "set terminal svg size %d,%d font 'sans,13' background 'white'\n", width, height);
  fputs("set output ", figure->pipe);
  write_quoted(figure->pipe, figure->drawn);
  fputs("\nset border 3 lc rgb '#555555'\nset tics nomirror\nset grid lc rgb '#dddddd' lt 1 lw 0.5\n", figure->pipe);
  return STATUS_OK;
}

/* What gnuplot has drawn gets its name. */
static enum status publish(const struct figure *figure) {
  FILE *file = fopen(figure->drawn, "rb");
  struct stat about;
  REQUIRE(file, STATUS_FILE, "%s: %s", figure->drawn, strerror(errno));
  char *data = fstat(fileno(file), &about) == 0 && about.st_size > 0 ? malloc((size_t)about.st_size) : NULL;
  const bool read = data && fread(data, 1, (size_t)about.st_size, file) == (size_t)about.st_size;
  (void)fclose(file);
  const enum status status =
      read ? picture_put(data, (size_t)about.st_size, figure->png ? "\x89PNG" : "<?xml", figure->path)
           : status_raise(STATUS_FILE, "%s: gnuplot has drawn nothing", figure->path);
  free(data);
  return status;
}

static enum status end(struct figure *figure) {
  const bool written = !ferror(figure->pipe);
  const int code = pclose(figure->pipe);
  const enum status status =
      written && code == 0 ? publish(figure) : status_raise(STATUS_FILE, "%s: gnuplot cannot draw it", figure->path);
  (void)unlink(figure->drawn);
  if (status == STATUS_OK) printf("%s\n", figure->path);
  return status;
}

/* ---- The figures ---- */

static enum status draw_spectrum(const struct analysis *analysis, const char *folder, bool png) {
  const struct spectrum *spectrum = &analysis->spectrum;
  const int64_t shown = spectrum->rank < AXES_SHOWN ? spectrum->rank : AXES_SHOWN;
  struct figure figure = {.pipe = NULL};
  double all = 0;
  for (int64_t i = 0; i < spectrum->columns; i++) all += spectrum->variance[i];
  TRY(begin(&figure, folder, "spectrum", png, 720, 420));
  fprintf(figure.pipe,
          "set title 'Variance of latent states along their principal axes'\nset xlabel 'principal axis'\n"
          "set ylabel 'share of the variance'\nset logscale y\nset format y '10^{%%L}'\nset xrange [0:%lld]\n"
          "$data << EOD\n",
          (long long)shown + 1);
  for (int64_t i = 0; i < shown; i++)
    fprintf(figure.pipe, "%lld %.6g\n", (long long)i + 1, spectrum->variance[i] / all);
  fputs("EOD\n", figure.pipe);
  if (analysis->latent.freedom)
    fprintf(figure.pipe,
            "set arrow from %lld.5, graph 0 to %lld.5, graph 1 nohead dt 2 lc rgb '#d55e00'\n"
            "set label 'phase space: %lld' at %lld.8, graph 0.93 tc rgb '#d55e00'\n",
            (long long)(2 * analysis->latent.freedom), (long long)(2 * analysis->latent.freedom),
            (long long)(2 * analysis->latent.freedom), (long long)(2 * analysis->latent.freedom));
  fputs("plot $data using 1:2 with linespoints pt 7 ps 0.5 lc rgb '#0072b2' notitle\n", figure.pipe);
  return end(&figure);
}

/* One plane: columns `first` and first + 1 of the portraits, a curve a rollout. */
static void draw_plane(const struct analysis *analysis, int first, FILE *out) {
  static const char *const color[LINE_COLORS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};
  for (int64_t r = 0; r < analysis->portraits; r++)
    fprintf(out, "%s $portrait index %lld using %d:%d with linespoints pt 7 ps 0.25 lw 1.2 lc rgb '%s' notitle",
            r ? "," : "plot", (long long)r, first, first + 1, color[r % LINE_COLORS]);
  fputc('\n', out);
}

static enum status draw_phase(const struct analysis *analysis, const char *folder, bool png) {
  const struct latent *latent = &analysis->latent;
  const bool known = latent->truth != NULL;
  struct figure figure = {.pipe = NULL};
  TRY(begin(&figure, folder, "phase", png, known ? 980 : 520, 480));
  fputs("$portrait << EOD\n", figure.pipe);
  for (int64_t r = 0; r < analysis->portraits; r++) {
    for (int64_t t = 0; t < latent->frames; t++) {
      const double *at = analysis->portrait + (r * latent->frames + t) * 4;
      fprintf(figure.pipe, "%.6g %.6g %.6g %.6g\n", at[0], at[1], at[2], at[3]);
    }
    fputs("\n\n", figure.pipe);
  }
  fprintf(figure.pipe, "EOD\nset multiplot layout 1,%d\n", known ? 2 : 1);
  fputs("set title 'latent states'\nset xlabel 'principal axis 1'\nset ylabel 'principal axis 2'\n", figure.pipe);
  draw_plane(analysis, 1, figure.pipe);
  if (known) {
    const struct latent_coordinate *q = &latent->coordinate[0],
                                   *p = &latent->coordinate[latent->coordinates - latent->freedom];
    fprintf(figure.pipe, "set title 'true phase space'\nset xlabel '%s%s%s'\nset ylabel '%s%s%s'\n", q->name,
            q->unit ? ", " : "", q->unit ? q->unit : "", p->name, p->unit ? ", " : "", p->unit ? p->unit : "");
    draw_plane(analysis, 3, figure.pipe);
  }
  fputs("unset multiplot\n", figure.pipe);
  return end(&figure);
}

/* A curve for each coordinate; what is below zero is worse than the mean, and drawn at its edge. */
static enum status draw_r2(const struct analysis *analysis, const char *folder, bool png) {
  const struct identification *found = &analysis->identify.to_truth, *back = &analysis->identify.from_truth;
  struct figure figure = {.pipe = NULL};
  TRY(begin(&figure, folder, "r2", png, 720, 420));
  fputs("set title 'Polynomials of latent states that give the phase space, and back'\n"
        "set xlabel 'order of the polynomial'\nset ylabel 'R^2 on rollouts not fitted'\nset yrange [-0.05:1.02]\n"
        "set xrange [0.8:5.2]\nset xtics 1\nset key below\n$data << EOD\n",
        figure.pipe);
  for (int o = 0; o < REGRESSION_ORDERS; o++) {
    fprintf(figure.pipe, "%d", o + 1);
    for (int64_t i = 0; i < found->outputs; i++)
      fprintf(figure.pipe, " %.6g", found->fit[o].inputs ? fmax(found->r2[o][i], -0.05) : (double)NAN);
    fprintf(figure.pipe, " %.6g\n", back->fit[o].inputs ? fmax(back->mean[o], -0.05) : (double)NAN);
  }
  fputs("EOD\nplot", figure.pipe);
  for (int64_t i = 0; i < found->outputs; i++)
    fprintf(figure.pipe, " $data using 1:%lld with linespoints pt 7 ps 0.7 title '%s',", (long long)i + 2,
            analysis->latent.coordinate[i].name);
  fprintf(figure.pipe,
          " $data using 1:%lld with linespoints dt 2 pt 6 lc rgb '#555555' title 'latent states, from the truth'\n",
          (long long)found->outputs + 2);
  return end(&figure);
}

enum status plots_check(const char *folder) {
  struct stat about;
  REQUIRE(system("gnuplot --version >/dev/null 2>&1") == 0, STATUS_UNAVAILABLE,
          "no gnuplot to draw figures with (Debian: gnuplot-nox)");
  REQUIRE(mkdir(folder, 0777) == 0 || errno == EEXIST, STATUS_FILE, "%s: the folder cannot be made: %s", folder,
          strerror(errno));
  REQUIRE(stat(folder, &about) == 0 && S_ISDIR(about.st_mode), STATUS_FILE, "%s: is not a folder", folder);
  return STATUS_OK;
}

static enum status draw_all(const struct analysis *analysis, const char *folder, bool png) {
  if (analysis->spectrum.rank > 0) TRY(draw_spectrum(analysis, folder, png));
  if (analysis->portraits > 0) TRY(draw_phase(analysis, folder, png));
  if (!analysis->no_identify.text[0]) TRY(draw_r2(analysis, folder, png));
  return STATUS_OK;
}

/* A gnuplot that ends early is an error of its figure, and no signal. */
enum status plots_draw(const struct analysis *analysis, const char *folder, bool png) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
  TRY(plots_check(folder));
  sigaction(SIGPIPE, &ignore, &before);
  const enum status status = draw_all(analysis, folder, png);
  sigaction(SIGPIPE, &before, NULL);
  return status;
}
