#include "base/finite.h"
#include "base/rng.h"
#include "cli/cli.h"
#include "cli/reel.h"
#include "graph/cpu.h"
#include "model/pass.h"
#include "store/output.h"
#include "store/provenance.h"
#include "train/trained.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Draws one trajectory at a time. */
struct sampler {
  const struct trained *trained;
  struct pass *pass;
  uint64_t seed;
  double interval;                /* s between frames as they are shown */
  int64_t frames, image, latents; /* frames; values of each */
  float *z, *q, *p;               /* q, p: [frames][state] */
  float *images;                  /* [frames][image] */
  double *energy;                 /* [frames] */
  const char *broken; /* what is not finite, of `broken_sample`, the first such that was drawn; NULL: nothing */
  int64_t broken_sample;
};

static enum status sampler_open(const struct trained *trained, uint64_t seed, int64_t frames, struct sampler *sampler) {
  const struct model *model = trained->model;
  const int64_t state = model_state_values(model);
  *sampler = (struct sampler){.trained = trained,
                              .seed = seed,
                              .interval = isnan(trained->interval) ? trained->dt : trained->interval,
                              .frames = frames,
                              .image = model_image_values(model),
                              .latents = model_latents(model)};
  sampler->z = malloc((size_t)sampler->latents * sizeof *sampler->z);
  sampler->q = calloc((size_t)(frames * state), sizeof *sampler->q);
  sampler->p = calloc((size_t)(frames * state), sizeof *sampler->p);
  sampler->images = malloc((size_t)(frames * sampler->image) * sizeof *sampler->images);
  sampler->energy = malloc((size_t)frames * sizeof *sampler->energy);
  REQUIRE(sampler->z && sampler->q && sampler->p && sampler->images && sampler->energy, STATUS_MEMORY,
          "out of memory for a trajectory of %lld frames", (long long)frames);
  return pass_create(model, 1, 1, trained->parameters, &sampler->pass);
}

static void sampler_close(struct sampler *sampler) {
  pass_destroy(&sampler->pass);
  free(sampler->z);
  free(sampler->q);
  free(sampler->p);
  free(sampler->images);
  free(sampler->energy);
}

static void find_broken(struct sampler *sampler, int64_t sample) {
  const int64_t states = sampler->frames * model_state_values(sampler->trained->model);
  bool energy = true;
  for (int64_t t = 0; t < sampler->frames; t++) energy = energy && isfinite(sampler->energy[t]);
  if (sampler->broken) return;
  if (!finite_all_f32(sampler->q, states) || !finite_all_f32(sampler->p, states))
    sampler->broken = "a latent state";
  else if (!finite_all_f32(sampler->images, sampler->frames * sampler->image))
    sampler->broken = "a decoded frame";
  else if (!energy)
    sampler->broken = "the learned H";
  sampler->broken_sample = sample;
}

/* z ~ N(0, 1) is a function of (seed, sample), whoever draws it. */
static enum status sampler_draw(struct sampler *sampler, int64_t sample) {
  struct rng rng = rng_stream(sampler->seed, RNG_PRIOR, (uint64_t)sample, 0);
  rng_normal_f32(&rng, sampler->z, (int)sampler->latents);
  TRY(pass_generate(sampler->pass, sampler->z, sampler->q, sampler->p));
  TRY(trained_unroll(sampler->trained, sampler->pass, sampler->trained->dt, sampler->frames, sampler->q, sampler->p,
                     sampler->images, sampler->energy));
  find_broken(sampler, sample);
  return STATUS_OK;
}

/* ---- Pictures ---- */

/* Root only. */
static enum status draw_picture(struct sampler *sampler, int64_t count, const char *output) {
  const struct model_images *images = &sampler->trained->model->images;
  struct reel reel = {.frames = sampler->frames,
                      .height = (int)images->height,
                      .width = (int)images->width,
                      .channels = (int)images->channels,
                      .dt = sampler->interval,
                      .rows = (int)count};
  for (int i = 0; i < count; i++) snprintf(reel.label[i], REEL_LABEL_MAX, "sample %d", i);
  snprintf(reel.title, sizeof reel.title, "%lld trajectories from the prior, seed %llu", (long long)count,
           (unsigned long long)sampler->seed);
  enum status status = reel_allocate(&reel);
  for (int i = 0; i < count && status == STATUS_OK; i++) {
    status = sampler_draw(sampler, i);
    memcpy(reel.image[i], sampler->images, (size_t)reel.frames * reel.values * sizeof *sampler->images);
  }
  if (status == STATUS_OK) status = reel_write(&reel, output);
  reel_free(&reel);
  return status;
}

/* ---- Arrays ---- */

static enum status make_arrays(struct store_file *file, const struct sampler *sampler, int64_t count) {
  const struct model_images *images = &sampler->trained->model->images;
  const int64_t frames[] = {count, sampler->frames, images->height, images->width, images->channels};
  TRY(store_attribute_text(file, "format", "hgn-sample"));
  TRY(store_attribute_text(file, "model", sampler->trained->path));
  TRY(store_attribute_i64(file, "seed", (int64_t)sampler->seed));
  TRY(provenance_write(file));
  TRY(store_dataset(file, "/time", STORE_F64, 1, &sampler->frames, "s", "from the state that was drawn"));
  TRY(store_dataset(file, "/frames", STORE_F32, 5, frames, NULL, "decoded frames of each trajectory"));
  TRY(store_dataset(file, "/energy", STORE_F64, 2, frames, NULL, "the learned H of each trajectory"));
  return store_seal(file);
}

/* Not collective. Trajectories first..first+count-1. */
static enum status fill_arrays(struct store_file *file, struct sampler *sampler, int64_t first, int64_t count) {
  for (int64_t i = first; i < first + count; i++) {
    TRY(sampler_draw(sampler, i));
    TRY(store_write_independent(file, "/frames", i, 1, sampler->images));
    TRY(store_write_independent(file, "/energy", i, 1, sampler->energy));
  }
  for (int64_t t = 0; t < sampler->frames && first == 0; t++) {
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
                        int64_t steps, const char *output) {
  REQUIRE(trained->training->model.latent.sampled, STATUS_UNAVAILABLE,
          "%s: the model has no prior: it was trained with model.latent.sampled=false", trained->path);
  struct sampler sampler;
  enum status status = comm_agree(world, sampler_open(trained, seed, steps + 1, &sampler));
  if (status == STATUS_OK && cli_has_ending(output, ".h5"))
    status = write_arrays(world, &sampler, count, output);
  else if (status == STATUS_OK)
    status = comm_agree(world, world->rank == 0 ? draw_picture(&sampler, count, output) : STATUS_OK);
  if (status == STATUS_OK && world->rank == 0) printf("%s\n", output);
  if (status == STATUS_OK) status = require_finite(world, &sampler);
  sampler_close(&sampler);
  return status;
}

static enum status run(const struct comm *world, int argc, char **argv) {
  int64_t count = 4, steps = 29, seed = 1;
  bool best = false;
  const char *output = NULL;
  const struct cli_option options[] = {{"--number", "-n", CLI_COUNT_VALUE, &count},
                                       {"--steps", NULL, CLI_COUNT_VALUE, &steps},
                                       {"--seed", NULL, CLI_COUNT_VALUE, &seed},
                                       {"--best", NULL, CLI_FLAG, &best},
                                       {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5"));
  REQUIRE(steps <= 100000, STATUS_USAGE, "--steps %lld: at most 100000", (long long)steps);
  const bool arrays = output && cli_has_ending(output, ".h5");
  REQUIRE(arrays || (output && (cli_has_ending(output, ".png") || cli_has_ending(output, ".gif"))), STATUS_USAGE,
          "missing: -o FILE.png, .gif or .h5");
  TRY(output_check_name(output));
  const int64_t most = arrays ? 10000000 : REEL_ROWS_MAX;
  REQUIRE(count >= 1 && count <= most, STATUS_USAGE, "-n %lld: 1 to %lld samples in a %s", (long long)count,
          (long long)most, arrays ? "file" : "picture");
  TRY(cpu_agree(world));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], best, &trained));
  enum status status = draw(world, &trained, (uint64_t)seed, count, steps, output);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_sample = {
    "sample", "new trajectories from the prior of a trained model",
    "Usage: [mpirun -n N] hgn sample RUN.h5 [-n N] [--steps S] [--seed K] -o FILE.png|FILE.gif|FILE.h5\n\n"
    "Draws z from the prior, and unrolls. Only for models that sample. Same trajectories on any number of ranks.\n\n"
    "  -n, --number N     how many; default 4; in a picture at most 16\n"
    "  --steps S          of each; default 29\n"
    "  --seed K           default 1\n"
    "  --best             the model of the smallest test error; default: the latest checkpoint\n"
    "  -o, --output FILE  .png: a filmstrip; .gif: an animation; .h5: frames and the learned H of any number\n",
    run};
