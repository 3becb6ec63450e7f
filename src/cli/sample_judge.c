#include "cli/sample_judge.h"

#include "cli/cli.h"
#include "store/output.h"
#include "store/reel.h"
#include "train/density.h"
#include "train/prior_judge_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MEANINGLESS 0.2 /* reconstruction error over that of the mean image */

enum { PICTURE_FRAMES = 12 };

enum status sample_judge_check(const struct sample_judge_words *words) {
  REQUIRE(words->count >= PRIOR_JUDGE_LEAST && words->count <= PRIOR_JUDGE_MOST, STATUS_USAGE,
          "-n %lld: %d to %d samples are judged", (long long)words->count, PRIOR_JUDGE_LEAST, PRIOR_JUDGE_MOST);
  REQUIRE(!words->picture || cli_has_ending(words->picture, ".png"), STATUS_USAGE,
          "%s: with --judge the picture is a .png; all numbers and films go to RUN.samples.h5", words->picture);
  return STATUS_OK;
}

/* ---- What it says ---- */

static void print_validity(const struct prior_judgement *judgement) {
  printf(
      "  %-18s %9.1f%%   within %g times the model's reconstruction error of a true trajectory; 95%%: %.1f to %.1f%%\n",
      "valid", 100 * judgement->valid, PRIOR_JUDGE_VALID, 100 * judgement->valid_low, 100 * judgement->valid_high);
  printf("  %-18s %9.1f%%   the same of %lld test rollouts that the model encodes and decodes\n", "  reconstructions",
         100 * judgement->rollouts_valid, (long long)judgement->rollouts);
  printf("  %-18s %10.3f   distance over reconstruction error, median; 90%% are below %.3f\n", "ratio",
         cli_plain(judgement->ratio_median), cli_plain(judgement->ratio_high));
  printf("  %-18s %10.3f   reconstruction error x1e-4: pixel MSE from the nearest true trajectory, median\n", "error",
         1e4 * cli_plain(judgement->error));
}

/* A model that draws the mean image is as far from a true trajectory as its samples are, and these are all "valid". */
static void print_meaning(const struct prior_judgement *judgement, const struct yardstick *known) {
  if (!(judgement->error > MEANINGLESS * (known->mean_image - known->floor))) return;
  printf("  %-18s %10.3f   reconstruction error over that of the mean image: what draws nothing is valid, too\n",
         "of no meaning:", judgement->error / (known->mean_image - known->floor));
}

static void print_judgement(const struct prior_judgement *judgement, const struct yardstick *known) {
  if (judgement->known)
    print_validity(judgement);
  else
    printf("  the system is not known, so nobody can say which samples are valid; coverage, of single frames and\n"
           "  their changes in %d principal components each, is the weaker measure\n",
           PRIOR_JUDGE_COMPONENTS);
  printf("  %-18s %10.4f   energy distance from %lld test rollouts; two sets of test rollouts: %.4f\n", "coverage",
         cli_plain(judgement->coverage), (long long)judgement->compared, cli_plain(judgement->coverage_floor));
  if (judgement->known)
    printf("  %-18s %9.1f%%   begin outside the data's support; of the reconstructions %.1f%%\n", "outside",
           100 * judgement->outside, 100 * judgement->rollouts_outside);
  if (judgement->known) print_meaning(judgement, known);
}

/* ---- The picture ---- */

/* Some frames of a film, evenly spaced from the first on. */
static void copy_frames(const float *film, int64_t stride, const struct reel *reel, int row) {
  for (int64_t t = 0; t < reel->frames; t++)
    memcpy(reel->image[row] + (size_t)t * reel->values, film + (size_t)(t * stride) * reel->values,
           reel->values * sizeof *film);
}

static void label_pair(const struct prior_judgement *judgement, int index, struct reel *reel) {
  static const char *const words[] = {"best", "median", "worst"};
  const int64_t sample = judgement->shown[index];
  snprintf(reel->label[2 * index], REEL_LABEL_MAX, "%s: ratio %.3g", words[index / 3],
           cli_plain(judgement->sample[sample].mse / judgement->error));
  snprintf(reel->label[2 * index + 1], REEL_LABEL_MAX, "  nearest true");
}

static enum status fill_reel(const struct prior_judge_task *task, const struct prior_judgement *judgement,
                             int64_t stride, struct reel *reel) {
  struct arena arena = {.last = NULL};
  const int64_t values = task->frames * (int64_t)reel->values;
  float *film = arena_array(&arena, 2 * values, sizeof *film);
  enum status status = arena_check(&arena, "two films");
  for (int i = 0; i < PRIOR_JUDGE_SHOWN && status == STATUS_OK; i++) {
    status = prior_judge_show(task, judgement, i, film, film + values);
    copy_frames(film, stride, reel, 2 * i);
    copy_frames(film + values, stride, reel, 2 * i + 1);
    label_pair(judgement, i, reel);
  }
  arena_free(&arena);
  return status;
}

/* Root only. */
static enum status draw_pairs(const struct prior_judge_task *task, const struct prior_judgement *judgement,
                              const char *path) {
  const struct model_images *images = &task->probe->model->images;
  const struct learner *learner = &task->probe->trained->learner;
  const int64_t stride = (task->frames + PICTURE_FRAMES - 1) / PICTURE_FRAMES;
  struct reel reel = {.frames = (task->frames + stride - 1) / stride,
                      .height = (int)images->height,
                      .width = (int)images->width,
                      .channels = (int)images->channels,
                      .dt = (double)stride * (isnan(learner->interval) ? learner->dt : learner->interval),
                      .rows = 2 * PRIOR_JUDGE_SHOWN};
  snprintf(reel.title, sizeof reel.title, "%lld samples of the prior, seed %llu: %.1f%% valid, ratio up to %g",
           (long long)judgement->samples, (unsigned long long)task->seed, 100 * judgement->valid, PRIOR_JUDGE_VALID);
  enum status status = reel_allocate(&reel);
  if (status == STATUS_OK) status = fill_reel(task, judgement, stride, &reel);
  if (status == STATUS_OK) status = reel_write(&reel, path);
  reel_free(&reel);
  return status;
}

/* ---- The command ---- */

static enum status write_all(const struct comm *world, const struct prior_judge_task *task,
                             const struct prior_judgement *judgement, const struct yardstick *known, const char *path,
                             const char *picture) {
  const struct trained *trained = task->probe->trained;
  const char *data = task->source->data->file.path;
  if (world->rank == 0) {
    printf("%s, trained for %lld steps\n%lld samples of the prior %s, seed %llu, of %lld frames, beside %s\n",
           trained->path, (long long)trained->step, (long long)judgement->samples, task->prior,
           (unsigned long long)task->seed, (long long)task->frames, data);
    print_judgement(judgement, known);
  }
  TRY(prior_judge_file_write(world, path, task, judgement));
  if (world->rank == 0) printf("%s\n", path);
  if (!picture) return STATUS_OK;
  REQUIRE(judgement->known, STATUS_UNAVAILABLE, "%s: no picture: of frames made elsewhere no sample is the best",
          picture);
  TRY(comm_agree(world, world->rank == 0 ? draw_pairs(task, judgement, picture) : STATUS_OK));
  if (world->rank == 0) printf("%s\n", picture);
  return STATUS_OK;
}

static enum status judge_data(const struct comm *world, struct trained *trained, struct corpus *corpus,
                              const struct sample_judge_words *words, const char *path) {
  struct probe probe;
  struct prior_choice choice = {.learned = false};
  struct prior_judgement judgement = {.samples = 0};
  TRY(comm_agree(world, probe_open(trained, &probe)));
  enum status status = prior_choice_use(world, &words->prior, &probe, &choice);
  const struct prior_judge_task task = {.probe = &probe,
                                        .prior = choice.name,
                                        .source = &corpus->source,
                                        .split = SPLIT_TEST,
                                        .samples = words->count,
                                        .frames = words->steps < 0 ? prior_judge_frames(&trained->learner.protocol)
                                                                   : words->steps + 1,
                                        .seed = words->seed,
                                        .telling = true};
  if (status == STATUS_OK) status = prior_judge(world, &task, &judgement);
  if (status == STATUS_OK) status = write_all(world, &task, &judgement, &corpus->known, path, words->picture);
  prior_judgement_free(&judgement);
  prior_choice_close(&choice);
  probe_close(&probe);
  return status;
}

enum status sample_judge(const struct comm *world, struct trained *trained, const struct sample_judge_words *words) {
  char path[STORE_PATH_MAX], data[STORE_PATH_MAX];
  struct corpus corpus;
  REQUIRE(!density_is(&trained->learner), STATUS_UNAVAILABLE,
          "--judge: %s is a density of points, which have no trajectory: hgn eval compares its draws with the data",
          trained->path);
  TRY(prior_judge_file_name(words->prior.run, words->best, path));
  TRY(prior_judge_file_check(world, path));
  TRY(trained_data_path(world, trained, NULL, data));
  TRY(trained_open_data(world, trained, data, false, &corpus));
  const enum status status = judge_data(world, trained, &corpus, words, path);
  corpus_close(&corpus);
  return status;
}
