#include "analysis/plots.h"

#include "analysis/report/figure.h"
#include "store/output.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { AXES_SHOWN = 64 };

static enum status begin(int width, int height, bool png, struct figure *figure) {
  const enum status status = figure_begin(width, height, figure);
  figure->png = png;
  return status;
}

/* Draws it into DIR/NAME.svg, or .png. */
static enum status end(struct figure *figure, const char *folder, const char *name) {
  char path[STORE_PATH_MAX];
  void *data = NULL;
  size_t size = 0;
  const bool png = figure->png;
  const int length = snprintf(path, sizeof path, "%s/%s.%s", folder, name, png ? "png" : "svg");
  enum status status = figure_draw(figure, &data, &size);
  if (status != STATUS_OK) return status_context(status, "%s/%s", folder, name);
  status = length < (int)sizeof path ? output_put(data, size, png ? "\x89PNG" : "<?xml", path)
                                     : status_raise(STATUS_USAGE, "the path \"%s\" is too long", folder);
  free(data);
  if (status == STATUS_OK) printf("%s\n", path);
  return status;
}

/* ---- The figures ---- */

static enum status draw_spectrum(const struct analysis *analysis, const char *folder, bool png) {
  const struct spectrum *spectrum = &analysis->spectrum;
  const int64_t shown = spectrum->rank < AXES_SHOWN ? spectrum->rank : AXES_SHOWN;
  struct figure figure;
  double all = 0;
  for (int64_t i = 0; i < spectrum->columns; i++) all += spectrum->variance[i];
  TRY(begin(720, 420, png, &figure));
  fprintf(figure.script,
          "set title 'Variance of latent states along their principal axes'\nset xlabel 'principal axis'\n"
          "set ylabel 'share of the variance'\nset logscale y\nset format y '10^{%%L}'\nset xrange [0:%lld]\n"
          "$data << EOD\n",
          (long long)shown + 1);
  for (int64_t i = 0; i < shown; i++)
    fprintf(figure.script, "%lld %.6g\n", (long long)i + 1, spectrum->variance[i] / all);
  fputs("EOD\n", figure.script);
  if (analysis->latent.freedom)
    fprintf(figure.script,
            "set arrow from %lld.5, graph 0 to %lld.5, graph 1 nohead dt 2 lc rgb '#d55e00'\n"
            "set label 'phase space: %lld' at %lld.8, graph 0.93 tc rgb '#d55e00'\n",
            (long long)(2 * analysis->latent.freedom), (long long)(2 * analysis->latent.freedom),
            (long long)(2 * analysis->latent.freedom), (long long)(2 * analysis->latent.freedom));
  fputs("plot $data using 1:2 with linespoints pt 7 ps 0.5 lc rgb '#0072b2' notitle\n", figure.script);
  return end(&figure, folder, "spectrum");
}

/* One plane: columns `first` and first + 1 of the portraits, a curve a rollout. */
static void draw_plane(const struct analysis *analysis, int first, FILE *out) {
  for (int64_t r = 0; r < analysis->portraits; r++)
    fprintf(out, "%s $portrait index %lld using %d:%d with linespoints pt 7 ps 0.25 lw 1.2 lc rgb '%s' notitle",
            r ? "," : "plot", (long long)r, first, first + 1, figure_color((int)(r % FIGURE_COLORS)));
  fputc('\n', out);
}

static enum status draw_phase(const struct analysis *analysis, const char *folder, bool png) {
  const struct latent *latent = &analysis->latent;
  const bool known = latent->truth != NULL;
  struct figure figure;
  TRY(begin(known ? 980 : 520, 480, png, &figure));
  fputs("$portrait << EOD\n", figure.script);
  for (int64_t r = 0; r < analysis->portraits; r++) {
    for (int64_t t = 0; t < latent->frames; t++) {
      const double *at = analysis->portrait + (r * latent->frames + t) * 4;
      fprintf(figure.script, "%.6g %.6g %.6g %.6g\n", at[0], at[1], at[2], at[3]);
    }
    fputs("\n\n", figure.script);
  }
  fprintf(figure.script, "EOD\nset multiplot layout 1,%d\n", known ? 2 : 1);
  fputs("set title 'latent states'\nset xlabel 'principal axis 1'\nset ylabel 'principal axis 2'\n", figure.script);
  draw_plane(analysis, 1, figure.script);
  if (known) {
    const struct latent_coordinate *q = &latent->coordinate[0],
                                   *p = &latent->coordinate[latent->coordinates - latent->freedom];
    fprintf(figure.script, "set title 'true phase space'\nset xlabel '%s%s%s'\nset ylabel '%s%s%s'\n", q->name,
            q->unit ? ", " : "", q->unit ? q->unit : "", p->name, p->unit ? ", " : "", p->unit ? p->unit : "");
    draw_plane(analysis, 3, figure.script);
  }
  fputs("unset multiplot\n", figure.script);
  return end(&figure, folder, "phase");
}

/* A curve for each coordinate; what is below zero is worse than the mean, and drawn at its edge. */
static enum status draw_r2(const struct analysis *analysis, const char *folder, bool png) {
  const struct identification *found = &analysis->identify.to_truth, *back = &analysis->identify.from_truth;
  struct figure figure;
  TRY(begin(720, 420, png, &figure));
  fputs("set title 'Polynomials of latent states that give the phase space, and back'\n"
        "set xlabel 'order of the polynomial'\nset ylabel 'R^2 on rollouts not fitted'\nset yrange [-0.05:1.02]\n"
        "set xrange [0.8:5.2]\nset xtics 1\nset key below\n$data << EOD\n",
        figure.script);
  for (int o = 0; o < REGRESSION_ORDERS; o++) {
    fprintf(figure.script, "%d", o + 1);
    for (int64_t i = 0; i < found->outputs; i++)
      fprintf(figure.script, " %.6g", found->fit[o].inputs ? fmax(found->r2[o][i], -0.05) : (double)NAN);
    fprintf(figure.script, " %.6g\n", back->fit[o].inputs ? fmax(back->mean[o], -0.05) : (double)NAN);
  }
  fputs("EOD\nplot", figure.script);
  for (int64_t i = 0; i < found->outputs; i++)
    fprintf(figure.script, " $data using 1:%lld with linespoints pt 7 ps 0.7 title '%s',", (long long)i + 2,
            analysis->latent.coordinate[i].name);
  fprintf(figure.script,
          " $data using 1:%lld with linespoints dt 2 pt 6 lc rgb '#555555' title 'latent states, from the truth'\n",
          (long long)found->outputs + 2);
  return end(&figure, folder, "r2");
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

enum status plots_draw(const struct analysis *analysis, const char *folder, bool png) {
  TRY(plots_check(folder));
  return draw_all(analysis, folder, png);
}
