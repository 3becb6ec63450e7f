#include "cli/cli.h"
#include "cli/density_sample.h"
#include "cli/prior_choice.h"
#include "cli/sample_judge.h"
#include "config/number.h"
#include "store/output.h"
#include "store/provenance.h"
#include "store/reel.h"
#include "train/density.h"
#include "train/hgn.h"
#include "train/numerics.h"
#include "train/probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PICTURE_SAMPLES = 16, NOT_GIVEN = -1 };

/* Draws one trajectory at a time. */
struct sampler {
  const struct trained *trained;
  struct probe probe;
  const char *prior;      /* what it draws from, in words; borrowed */
  struct probe_path path; /* the one that was drawn last */
  uint64_t seed;
  double interval;           /* s between frames as they are shown */
  struct model_images image; /* sizes */
  const char *broken;        /* what is not finite, of `broken_sample`, the first such that was drawn; NULL: nothing */
  int64_t broken_sample;
};

static enum status sampler_open(const struct trained *trained, uint64_t seed, int64_t frames, struct sampler *sampler) {
  const struct learner *learner = &trained->learner;
  *sampler = (struct sampler){
      .trained = trained, .seed = seed, .interval = isnan(learner->interval) ? learner->dt : learner->interval};
  TRY(probe_open(trained, &sampler->probe));
  sampler->image = sampler->probe.model->images;
  return probe_path_create(&sampler->probe, frames, true, &sampler->path);
}

static void sampler_close(struct sampler *sampler) {
  probe_path_free(&sampler->path);
  probe_close(&sampler->probe);
}

static enum status sampler_draw(struct sampler *sampler, int64_t sample) {
  struct probe_path *path = &sampler->path;
  TRY(probe_draw(&sampler->probe, sampler->seed, sample, path));
  TRY(probe_unroll(&sampler->probe, sampler->trained->learner.dt, path));
  if (sampler->broken || !path->broken) return STATUS_OK;
  sampler->broken = path->broken;
  sampler->broken_sample = sample;
  return STATUS_OK;
}

/* ---- Pictures ---- */

/* Root only. */
static enum status draw_picture(struct sampler *sampler, int64_t count, const char *output) {
  const struct model_images *images = &sampler->image;
  struct reel reel = {.frames = sampler->path.frames,
                      .height = (int)images->height,
                      .width = (int)images->width,
                      .channels = (int)images->channels,
                      .dt = sampler->interval,
                      .rows = (int)count};
  for (int i = 0; i < count; i++) snprintf(reel.label[i], REEL_LABEL_MAX, "sample %d", i);
  snprintf(reel.title, sizeof reel.title, "%lld trajectories from %s, seed %llu", (long long)count,
           sampler->probe.prior ? "the learned prior" : "the prior", (unsigned long long)sampler->seed);
  if (sampler->probe.temperature != 1)
    snprintf(reel.title + strlen(reel.title), sizeof reel.title - strlen(reel.title), ", temperature %g",
             sampler->probe.temperature);
  enum status status = reel_allocate(&reel);
  for (int i = 0; i < count && status == STATUS_OK; i++) {
    status = sampler_draw(sampler, i);
    memcpy(reel.image[i], sampler->path.images, (size_t)reel.frames * reel.values * sizeof(float));
  }
  if (status == STATUS_OK) status = reel_write(&reel, output);
  reel_free(&reel);
  return status;
}

/* ---- Arrays ---- */

static enum status make_arrays(struct store_file *file, const struct sampler *sampler, int64_t count) {
  const struct model_images *images = &sampler->image;
  const int64_t frames[] = {count, sampler->path.frames, images->height, images->width, images->channels};
  char temperature[NUMBER_TEXT_MAX];
  TRY(store_attribute_text(file, "format", "hgn-sample"));
  TRY(store_attribute_text(file, "model", sampler->trained->path));
  TRY(store_attribute_i64(file, "seed", (int64_t)sampler->seed));
  number_print(sampler->probe.temperature, temperature);
  TRY(store_attribute_text(file, "prior", sampler->prior));
  TRY(store_attribute_text(file, "temperature", temperature));
  TRY(provenance_write(file));
  TRY(store_dataset(file, "/time", STORE_F64, 1, &sampler->path.frames, "s", "time since the state that was drawn"));
  TRY(store_dataset(file, "/frames", STORE_F32, 5, frames, NULL, "decoded frames of each trajectory"));
  TRY(store_dataset(file, "/energy", STORE_F64, 2, frames, NULL, "the learned H of each trajectory"));
  return store_seal(file);
}

/* Not collective. Trajectories first..first+count-1. */
static enum status fill_arrays(struct store_file *file, struct sampler *sampler, int64_t first, int64_t count) {
  for (int64_t i = first; i < first + count; i++) {
    TRY(sampler_draw(sampler, i));
    TRY(store_write_independent(file, "/frames", i, 1, sampler->path.images));
    TRY(store_write_independent(file, "/energy", i, 1, sampler->path.energy));
  }
  for (int64_t t = 0; t < sampler->path.frames && first == 0; t++) {
    const double time = (double)t * sampler->interval;
    TRY(store_write_independent(file, "/time", t, 1, &time));
  }
  return STATUS_OK;
}

/* Collective. Every rank draws its share. */
static enum status write_arrays(const struct comm *world, struct sampler *sampler, int64_t count, const char *output) {
  struct store_file file;
  int64_t first, share;
  comm_share(count, world->size, world->rank, &first, &share);
  const struct store_place place = {.replaces = "hgn-sample"};
  TRY(store_create_at(world, output, &place, &file));
  enum status status = make_arrays(&file, sampler, count);
  if (status == STATUS_OK) status = comm_agree(world, fill_arrays(&file, sampler, first, share));
  if (status == STATUS_OK) status = store_commit(&file);
  store_close(&file);
  return status;
}

/* ---- The command ---- */

/* Collective. Each rank knows of its own samples. */
static enum status require_finite(const struct comm *world, const struct sampler *sampler) {
  enum status status = STATUS_OK;
  if (sampler->broken)
    status = status_raise(STATUS_NUMERIC, "%s: %s of sample %lld is not finite", sampler->trained->path,
                          sampler->broken, (long long)sampler->broken_sample);
  return comm_agree(world, status);
}

static enum status draw(const struct comm *world, const struct trained *trained, uint64_t seed, int64_t count,
                        int64_t steps, const struct prior_words *prior, const char *output) {
  struct sampler sampler;
  struct prior_choice choice = {.learned = false};
  enum status status = comm_agree(world, sampler_open(trained, seed, steps + 1, &sampler));
  if (status == STATUS_OK) status = prior_choice_use(world, prior, &sampler.probe, &choice);
  sampler.prior = choice.name;
  if (status == STATUS_OK && cli_has_ending(output, ".h5"))
    status = write_arrays(world, &sampler, count, output);
  else if (status == STATUS_OK)
    status = comm_agree(world, world->rank == 0 ? draw_picture(&sampler, count, output) : STATUS_OK);
  if (status == STATUS_OK && world->rank == 0) printf("%s\n", output);
  if (status == STATUS_OK) status = require_finite(world, &sampler);
  sampler_close(&sampler);
  prior_choice_close(&choice);
  return status;
}

/* Collective. Points have no trajectory. */
static enum status draw_points(const struct comm *world, const struct trained *trained, uint64_t seed, int64_t count,
                               const char *output) {
  enum status status = STATUS_OK;
  if (cli_has_ending(output, ".h5"))
    status = density_sample(world, trained, seed, count, output);
  else if (world->rank == 0)
    status = density_sample_picture(trained, seed, count, output);
  status = comm_agree(world, status);
  if (status == STATUS_OK && world->rank == 0) printf("%s\n", output);
  return status;
}

/* Collective. How many samples, of how many steps, go where. */
static enum status check_words(const struct trained *trained, int64_t count, int64_t steps, const char *output) {
  const bool points = density_is(&trained->learner), arrays = cli_has_ending(output, ".h5");
  const int64_t most = arrays || points ? 10000000 : PICTURE_SAMPLES;
  REQUIRE(count >= 1 && count <= most, STATUS_USAGE, "-n %lld: 1 to %lld samples in a %s", (long long)count,
          (long long)most, arrays ? "file" : "picture");
  REQUIRE(!points || steps < 0, STATUS_USAGE, "--steps: %s is a density of points, which have none", trained->path);
  REQUIRE(!points || !cli_has_ending(output, ".gif"), STATUS_USAGE, "%s: points do not move: use .png or .h5", output);
  return STATUS_OK;
}

/* Collective. */
static enum status judge(const struct comm *world, struct sample_judge_words *words) {
  struct trained trained;
  if (words->count == NOT_GIVEN) words->count = 1000;
  TRY(sample_judge_check(words));
  if (words->picture) TRY(output_check_name(words->picture));
  TRY(numerics_agree(world));
  TRY(trained_open(world, words->prior.run, words->best, &trained));
  const enum status status = sample_judge(world, &trained, words);
  trained_close(&trained);
  return status;
}

static enum status run_sample(const struct comm *world, int argc, char **argv) {
  int64_t count = NOT_GIVEN, steps = NOT_GIVEN, seed = 1;
  bool best = false, judging = false;
  const char *output = NULL, *temperature = NULL;
  struct prior_words prior = {.given = NULL};
  const struct cli_option options[] = {
      {"--number", "-n", CLI_COUNT_VALUE, &count},     {"--steps", NULL, CLI_COUNT_VALUE, &steps},
      {"--seed", NULL, CLI_COUNT_VALUE, &seed},        {"--prior", NULL, CLI_TEXT, &prior.given},
      {"--temperature", NULL, CLI_TEXT, &temperature}, {"--best", NULL, CLI_FLAG, &best},
      {"--judge", NULL, CLI_FLAG, &judging},           {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5"));
  REQUIRE(steps <= 100000, STATUS_USAGE, "--steps %lld: at most 100000", (long long)steps);
  TRY(prior_choice_temperature(temperature, &prior.temperature));
  prior.run = words.operand[0];
  if (judging) return judge(world, &(struct sample_judge_words){prior, best, count, steps, (uint64_t)seed, output});
  const bool arrays = output && cli_has_ending(output, ".h5");
  REQUIRE(arrays || (output && (cli_has_ending(output, ".png") || cli_has_ending(output, ".gif"))), STATUS_USAGE,
          "missing: -o FILE.png, .gif or .h5");
  TRY(output_check_name(output));
  TRY(numerics_agree(world));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], best, &trained));
  const bool points = density_is(&trained.learner);
  if (count == NOT_GIVEN) count = points ? 10000 : 4;
  enum status status = check_words(&trained, count, steps, output);
  if (status == STATUS_OK && points) status = draw_points(world, &trained, (uint64_t)seed, count, output);
  if (status == STATUS_OK && !points)
    status = draw(world, &trained, (uint64_t)seed, count, steps < 0 ? 29 : steps, &prior, output);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_sample = {
    "sample", "new trajectories, or points, from a trained model",
    "Usage: [mpirun -n N] hgn sample RUN.h5 [-n N] [--steps S] [--seed K] [--prior FILE.h5|none]\n"
    "                             [--temperature T] -o FILE.png|FILE.gif|FILE.h5\n"
    "       [mpirun -n N] hgn sample RUN.h5 --judge [-n N] [--steps S] [--seed K] [--prior FILE.h5|none]\n"
    "                             [--temperature T] [-o FILE.png]\n\n"
    "Draws z from the prior, and unrolls. Same trajectories on any number of ranks. A model that does not sample needs "
    "a\n"
    "learned prior (hgn train --stage prior).\n"
    "Of a density (nhf, rnvp): draws points, and in a .h5 says their log-likelihood under the model.\n\n"
    "With --judge: says which share of samples is physics, that is, near a true trajectory of the data's system, and\n"
    "whether they cover what the data cover (data/README.md). Numbers and the three best, median and worst samples go\n"
    "to RUN.samples.h5, and as a picture to FILE.png.\n\n"
    "  -n, --number N     how many; default 4, in a picture at most 16; of points 10000, judged 1000\n"
    "  --steps S          of each; default 29, judged to the last target\n"
    "  --seed K           default 1\n"
    "  --prior FILE.h5    a learned prior of this very model; none: N(0, 1). Default: RUN.prior.h5 if it is there, "
    "else\n"
    "                     N(0, 1)\n"
    "  --temperature T    factor on the standard deviations of what is drawn, 0 to 100; 0: one and the same; default "
    "1\n"
    "  --judge            measure samples instead of showing them\n"
    "  --best             the model of the smallest validation error; default: the latest checkpoint\n"
    "  -o, --output FILE  .png: a filmstrip; .gif: an animation; .h5: frames and the learned H of any number;\n"
    "                     points: .png or .h5\n",
    run_sample};
