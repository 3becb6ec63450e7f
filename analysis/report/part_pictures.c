/* Pictures of what models do: a film of a rollout, filmstrips both ways and at other speeds, H, draws from the prior,
 * the latent plane; of densities the density that was learned. */
#include "analysis/report/analysis_facts.h"
#include "analysis/report/figure.h"
#include "analysis/report/report_private.h"
#include "train/density.h"
#include "train/density_board.h"
#include "train/film.h"
#include "train/hgn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHEET_COLUMNS = 10, ENERGY_ROLLOUTS = 6, PRIOR_SAMPLES = 8, PRIOR_FRAMES = 12, WIDTH = 680, HEIGHT = 360 };

/* A model that is looked at, with its data. */
struct look {
  const struct report_work *report;
  const struct run_facts *run;
  struct comm self;
  struct trained trained;
  struct corpus corpus;
  struct probe probe;
};

/* What could not be shown, with the present message, which is then forgotten. */
static void tell_missing(const struct look *look, const char *what) {
  page_remark(look->report->page, PAGE_MISSING, "%s of %s: %s", what, look->run->name, status_message());
  status_clear();
}

static void add_picture(const struct look *look, const char *id, const struct picture *picture, const char *caption,
                        const char *alt, const char *csv) {
  void *data = NULL;
  struct page_figure figure = {.id = id, .caption = caption, .alt = alt, .kind = PAGE_PNG, .csv = csv};
  if (picture_encode(picture, &data, &figure.size) == STATUS_OK) {
    figure.data = data;
    page_figure(look->report->page, &figure);
  } else {
    tell_missing(look, caption);
  }
  free(data);
}

/* ---- Rollouts ---- */

/* Numbers behind a film; owned by the caller. */
static char *write_csv(const struct probe_rollout *rollout) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  fputs("frame,time_s,squared_error,learned_H\n", out);
  for (int64_t t = 0; t < rollout->path.frames; t++)
    fprintf(out, "%lld,%.9g,%.9g,%.9g\n", (long long)t, rollout->start + rollout->dt * (double)t, rollout->error[t],
            rollout->path.energy[t]);
  if (fclose(out) == 0) return text;
  free(text);
  return NULL;
}

/* All frames, row by row; of a frame its rows side by side. */
static enum status draw_sheet(const struct reel *reel, struct picture *picture) {
  static const unsigned char paper[3] = {255, 255, 255};
  const int rows = (int)((reel->frames + SHEET_COLUMNS - 1) / SHEET_COLUMNS);
  TRY(picture_open(SHEET_COLUMNS * reel->rows * reel->width, rows * reel->height, paper, picture));
  for (int64_t f = 0; f < reel->frames; f++)
    for (int row = 0; row < reel->rows; row++)
      picture_image(picture, ((int)(f % SHEET_COLUMNS) * reel->rows + row) * reel->width,
                    (int)(f / SHEET_COLUMNS) * reel->height, 1, reel->image[row] + (size_t)f * reel->values,
                    reel->height, reel->width, reel->channels);
  return STATUS_OK;
}

static enum status add_film(const struct look *look, const struct probe_rollout *rollout, const struct reel *reel,
                            const struct picture *strip) {
  struct picture sheet;
  void *sheet_data = NULL, *strip_data = NULL;
  char caption[700];
  snprintf(caption, sizeof caption,
           "%.200s: test rollout 0 (the first, not chosen), from the last frame that the encoder has seen onward: the "
           "truth without noise where it is known, the prediction, and their difference (grey: none).",
           look->run->name);
  struct page_film film = {.id = "film",
                           .caption = caption,
                           .alt = "Frames of a rollout in rows: the truth, the prediction, their difference.",
                           .views = reel->rows,
                           .columns = SHEET_COLUMNS,
                           .width = reel->width,
                           .height = reel->height,
                           .frames = reel->frames,
                           .start = reel->start,
                           .dt = reel->dt,
                           .error = rollout->error};
  for (int i = 0; i < reel->rows && i < PAGE_VIEWS_MAX; i++) film.view[i] = reel->label[i];
  TRY(draw_sheet(reel, &sheet));
  enum status status = picture_encode(&sheet, &sheet_data, &film.sheet_size);
  if (status == STATUS_OK) status = picture_encode(strip, &strip_data, &film.strip_size);
  char *csv = write_csv(rollout);
  film.sheet = sheet_data;
  film.strip = strip_data;
  film.csv = csv;
  if (status == STATUS_OK) page_film(look->report->page, &film);
  free(csv);
  free(sheet_data);
  free(strip_data);
  picture_close(&sheet);
  return status;
}

struct strip_kind {
  const char *id, *name;
  bool backward;
  double speed;
};
static const struct strip_kind strips[] = {{"film", "forward", false, 1},
                                           {"backward", "backward in time", true, 1},
                                           {"faster", "twice as fast", false, 2},
                                           {"slower", "half as fast", false, 0.5}};

static enum status add_rollout(const struct look *look, const struct strip_kind *kind,
                               const struct probe_request *request, const struct probe_rollout *rollout) {
  struct reel reel;
  struct picture strip = {.rgb = NULL};
  char caption[500];
  enum status status = film_reel(request, &look->corpus.data, rollout, &reel);
  if (status == STATUS_OK) status = reel_strip(&reel, &strip);
  if (status == STATUS_OK && kind == strips) {
    status = add_film(look, rollout, &reel, &strip);
  } else if (status == STATUS_OK) {
    char *csv = write_csv(rollout);
    snprintf(caption, sizeof caption, "%.200s: the same rollout %s%s.", look->run->name, kind->name,
             rollout->known < rollout->path.frames ? "; the truth is not known of all frames" : "");
    add_picture(look, kind->id, &strip, caption, "Frames in rows: the truth, the prediction, their difference.", csv);
    free(csv);
  }
  picture_close(&strip);
  reel_free(&reel);
  return status;
}

static void show_rollouts(struct look *look) {
  for (size_t i = 0; i < sizeof strips / sizeof *strips; i++) {
    const struct probe_request request = {
        .split = SPLIT_TEST, .backward = strips[i].backward, .speed = strips[i].speed};
    struct probe_rollout rollout;
    enum status status = probe_rollout(&look->probe, &look->corpus, &request, &rollout);
    if (status == STATUS_OK) status = add_rollout(look, &strips[i], &request, &rollout);
    probe_rollout_free(&rollout);
    if (status != STATUS_OK) tell_missing(look, strips[i].name);
  }
}

/* ---- H along rollouts ---- */

static enum status plot_energy(struct look *look, struct figure *figure, int64_t index) {
  const struct probe_request request = {.split = SPLIT_TEST, .rollout = index, .speed = 1, .states_only = true};
  struct probe_rollout rollout;
  enum status status = probe_rollout(&look->probe, &look->corpus, &request, &rollout);
  fprintf(figure->script, "$c%lld << EOD\n", (long long)index);
  for (int64_t t = 0; t < rollout.path.frames && status == STATUS_OK; t++) {
    const double time = rollout.start + rollout.dt * (double)t;
    fprintf(figure->script, "%.9g %.9g\n", time, rollout.path.energy[t]);
    fprintf(figure->csv, "%lld,%.9g,%.9g\n", (long long)index, time, rollout.path.energy[t]);
  }
  fputs("EOD\n", figure->script);
  probe_rollout_free(&rollout);
  return status;
}

static void show_energy(struct look *look) {
  const int64_t all = look->corpus.data.rollouts[SPLIT_TEST], count = all < ENERGY_ROLLOUTS ? all : ENERGY_ROLLOUTS;
  struct figure figure;
  char caption[500];
  enum status status = figure_begin(WIDTH, HEIGHT, &figure);
  if (status == STATUS_OK) fputs("rollout,time_s,learned_H\n", figure.csv);
  for (int64_t i = 0; i < count && status == STATUS_OK; i++) status = plot_energy(look, &figure, i);
  if (status != STATUS_OK) {
    tell_missing(look, "The learned H along rollouts");
    figure_drop(&figure);
    return;
  }
  fputs("set xlabel 'time, s'\nset ylabel 'learned H'\nset key outside right top\n", figure.script);
  for (int64_t i = 0; i < count; i++)
    fprintf(figure.script, "%s $c%lld using 1:2 with linespoints ps 0.4 lc rgb '%s' title '%lld'", i ? "," : "plot",
            (long long)i, figure_color((int)i), (long long)i);
  fputc('\n', figure.script);
  snprintf(
      caption, sizeof caption,
      "%.200s: the learned H along the first %lld test rollouts. Where lines are level, H is conserved; where they "
      "are apart, it tells rollouts from each other.",
      look->run->name, (long long)count);
  figure_end(&figure, look->report->page, "energy", caption, "A line for each rollout: the learned H over time.");
}

/* ---- The prior ---- */

static enum status draw_prior(struct look *look, struct reel *reel) {
  const struct learner *learner = &look->trained.learner;
  const struct model_images *images = &look->probe.model->images;
  struct probe_path path;
  *reel = (struct reel){.frames = PRIOR_FRAMES,
                        .height = (int)images->height,
                        .width = (int)images->width,
                        .channels = (int)images->channels,
                        .dt = isnan(learner->interval) ? learner->dt : learner->interval,
                        .rows = PRIOR_SAMPLES};
  snprintf(reel->title, sizeof reel->title, "the first %d samples of the prior, seed 1", PRIOR_SAMPLES);
  TRY(reel_allocate(reel));
  enum status status = probe_path_create(&look->probe, PRIOR_FRAMES, true, &path);
  for (int i = 0; i < PRIOR_SAMPLES && status == STATUS_OK; i++) {
    snprintf(reel->label[i], REEL_LABEL_MAX, "sample %d", i);
    status = probe_draw(&look->probe, 1, i, &path);
    if (status == STATUS_OK) status = probe_unroll(&look->probe, learner->dt, &path);
    if (status == STATUS_OK) memcpy(reel->image[i], path.images, (size_t)reel->frames * reel->values * sizeof(float));
  }
  probe_path_free(&path);
  return status;
}

static void show_prior(struct look *look) {
  struct reel reel;
  struct picture strip = {.rgb = NULL};
  char caption[400];
  if (!look->run->training->model.latent.sampled) {
    page_remark(look->report->page, PAGE_REMARK,
                "%s has no prior to draw from: it was trained with model.latent.sampled=false.", look->run->name);
    return;
  }
  enum status status = draw_prior(look, &reel);
  if (status == STATUS_OK) status = reel_strip(&reel, &strip);
  snprintf(caption, sizeof caption, "%.200s: trajectories from the prior, the first %d that are drawn, not chosen.",
           look->run->name, PRIOR_SAMPLES);
  if (status == STATUS_OK)
    add_picture(look, "prior", &strip, caption, "A row of frames for each sample.", NULL);
  else
    tell_missing(look, "Samples from the prior");
  picture_close(&strip);
  reel_free(&reel);
}

/* ---- The latent plane ---- */

static void plot_plane(struct figure *figure, const struct analysis_facts *analysis, int first) {
  for (int64_t r = 0; r < analysis->rollouts; r++)
    fprintf(figure->script, "%s $portrait index %lld using %d:%d with linespoints ps 0.25 lw 1.2 lc rgb '%s' notitle",
            r ? "," : "plot", (long long)r, first, first + 1, figure_color((int)(r % FIGURE_COLORS)));
  fputc('\n', figure->script);
}

static void draw_portrait(const struct look *look, const struct analysis_facts *analysis) {
  const bool known = !isnan(analysis->plane[2]);
  struct figure figure;
  if (figure_begin(known ? 860 : 460, 420, &figure) == STATUS_OK) {
    fputs("rollout,frame,axis_1,axis_2,true_position,true_momentum\n", figure.csv);
    fputs("$portrait << EOD\n", figure.script);
    for (int64_t i = 0; i < analysis->rollouts * analysis->frames; i++) {
      const double *at = analysis->plane + 4 * i;
      fprintf(figure.script, "%.6g %.6g %.6g %.6g\n%s", at[0], at[1], at[2], at[3],
              (i + 1) % analysis->frames == 0 ? "\n\n" : "");
      fprintf(figure.csv, "%lld,%lld,%.9g,%.9g,%.9g,%.9g\n", (long long)(i / analysis->frames),
              (long long)(i % analysis->frames), at[0], at[1], at[2], at[3]);
    }
    fprintf(figure.script,
            "EOD\nset xtics rotate by -40 font ',12'\nset multiplot layout 1,%d\nset title 'latent states'\nset xlabel "
            "'principal axis 1'\n"
            "set ylabel 'principal axis 2'\n",
            known ? 2 : 1);
    plot_plane(&figure, analysis, 1);
    if (known) {
      fputs("set title 'true phase space'\nset xlabel ", figure.script);
      figure_quote(figure.script, analysis->coordinate[0]);
      fputs("\nset ylabel ", figure.script);
      figure_quote(figure.script, analysis->coordinate[1]);
      fputc('\n', figure.script);
      plot_plane(&figure, analysis, 3);
    }
    fputs("unset multiplot\n", figure.script);
  }
  char caption[500];
  snprintf(caption, sizeof caption,
           "%.200s: rollouts in the plane of the two leading principal axes of the latent space%s. From its analysis.",
           look->run->name, known ? ", beside the first true coordinate and its momentum" : "");
  figure_end(&figure, look->report->page, "portrait", caption, "A curve for each rollout.");
}

static void show_portrait(const struct look *look) {
  struct analysis_facts analysis;
  if (analysis_facts_find(look->report->gather, look->run, &analysis) != STATUS_OK)
    tell_missing(look, "The phase portrait");
  else if (analysis.plane)
    draw_portrait(look, &analysis);
  else
    page_remark(look->report->page, PAGE_MISSING,
                "No analysis of %s: \"hgn analyze %s\" makes one, with the phase portrait and the linear model.",
                look->run->name, look->run->path);
  analysis_facts_close(&analysis);
}

/* ---- A model ---- */

static void show_frames(struct look *look) {
  if (probe_open(&look->trained, &look->probe) != STATUS_OK) {
    tell_missing(look, "Pictures");
    return;
  }
  show_rollouts(look);
  show_energy(look);
  show_prior(look);
  probe_close(&look->probe);
}

static void show_density(struct look *look) {
  struct picture picture = {.rgb = NULL};
  char caption[500];
  snprintf(caption, sizeof caption,
           "%.200s: the density, where it is known, or test points; draws of the model; the learned density%s.",
           look->run->name,
           strcmp(look->run->model, "nhf") == 0 ? "; V and K of the Hamiltonians, and how draws flow along them" : "");
  if (density_board_draw(&look->trained, &look->corpus.data, &picture) == STATUS_OK)
    add_picture(look, "density", &picture, caption,
                "Fields of the plane: darker is denser, of V and K brighter is higher.", NULL);
  else
    tell_missing(look, "Pictures");
  picture_close(&picture);
}

static void show_model(struct look *look) {
  char path[STORE_PATH_MAX];
  enum status status = trained_open(&look->self, look->run->path, false, &look->trained);
  if (status != STATUS_OK) {
    tell_missing(look, "Pictures");
    return;
  }
  status = trained_data_path(&look->self, &look->trained, NULL, path);
  if (status == STATUS_OK) status = trained_open_data(&look->self, &look->trained, path, false, &look->corpus);
  if (status != STATUS_OK)
    tell_missing(look, "Pictures");
  else if (density_is(&look->trained.learner))
    show_density(look);
  else
    show_frames(look);
  corpus_close(&look->corpus);
  trained_close(&look->trained);
}

static void show_group(const struct report_work *report, const struct run_group *group) {
  struct look look = {.report = report, .run = group->run[0]};
  page_heading(report->page, 2, "pictures", "%s in pictures", group->run[0]->name);
  if (group->runs > 1) page_text(report->page, "Of the %lld seeds the first is shown.", (long long)group->runs);
  if (comm_open(MPI_COMM_SELF, &look.self) != STATUS_OK) {
    tell_missing(&look, "Pictures");
    return;
  }
  show_model(&look);
  if (look.run->kind->data == LEARNER_FRAMES) show_portrait(&look);
  comm_close(&look.self);
}

void report_pictures(const struct report_work *report) {
  static const enum learner_data kinds[] = {LEARNER_FRAMES, LEARNER_POINTS};
  for (int i = 0; i < 2; i++) {
    int64_t chosen[REPORT_PICTURED];
    const int64_t count = report_best(report, kinds[i], REPORT_PICTURED, chosen);
    for (int64_t j = 0; j < count; j++) show_group(report, &report->groups.group[chosen[j]]);
  }
}
