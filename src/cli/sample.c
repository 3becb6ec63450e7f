#include "base/rng.h"
#include "cli/cli.h"
#include "cli/reel.h"
#include "graph/cpu.h"
#include "model/pass.h"
#include "train/trained.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One trajectory from z ~ N(0, 1), z being a function of (seed, sample). */
static enum status draw_one(struct pass *pass, const struct trained *trained, uint64_t seed, int64_t sample,
                            int64_t frames, float *images) {
  const struct model *model = trained->model;
  const int64_t state = model_state_values(model), image = model_image_values(model), latents = model_latents(model);
  float *z = malloc((size_t)latents * sizeof *z), *q = calloc((size_t)(2 * state), sizeof *q),
        *p = calloc((size_t)(2 * state), sizeof *p);
  struct rng rng = rng_stream(seed, RNG_PRIOR, (uint64_t)sample, 0);
  enum status status = z && q && p ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a sample");
  if (status == STATUS_OK) {
    rng_normal_f32(&rng, z, (int)latents);
    status = pass_generate(pass, z, q, p);
  }
  for (int64_t t = 0; t < frames && status == STATUS_OK; t++) {
    status = pass_draw(pass, q, images + t * image);
    if (status == STATUS_OK && t + 1 < frames) status = pass_step(pass, trained->dt, q, p, q + state, p + state);
    memcpy(q, q + state, (size_t)state * sizeof *q);
    memcpy(p, p + state, (size_t)state * sizeof *p);
  }
  free(z);
  free(q);
  free(p);
  return status;
}

/* Root only. */
static enum status draw_all(const struct trained *trained, uint64_t seed, int64_t count, int64_t steps,
                            const char *output) {
  const struct model_images *images = &trained->model->images;
  struct reel reel = {.frames = steps + 1,
                      .height = (int)images->height,
                      .width = (int)images->width,
                      .channels = (int)images->channels,
                      .dt = trained->dt,
                      .rows = (int)count};
  struct pass *pass = NULL;
  for (int i = 0; i < count; i++) snprintf(reel.label[i], REEL_LABEL_MAX, "sample %d", i);
  snprintf(reel.title, sizeof reel.title, "%lld trajectories from the prior, seed %llu", (long long)count,
           (unsigned long long)seed);
  enum status status = reel_allocate(&reel);
  if (status == STATUS_OK) status = pass_create(trained->model, 1, 1, trained->parameters, &pass);
  for (int i = 0; i < count && status == STATUS_OK; i++)
    status = draw_one(pass, trained, seed, i, reel.frames, reel.image[i]);
  if (status == STATUS_OK) status = reel_write(&reel, output);
  if (status == STATUS_OK) printf("%s\n", output);
  pass_destroy(&pass);
  reel_free(&reel);
  return status;
}

static enum status run(const struct comm *world, int argc, char **argv) {
  int64_t count = 4, steps = 29, seed = 1;
  bool last = false;
  const char *output = NULL;
  const struct cli_option options[] = {{"--number", "-n", CLI_COUNT_VALUE, &count},
                                       {"--steps", NULL, CLI_COUNT_VALUE, &steps},
                                       {"--seed", NULL, CLI_COUNT_VALUE, &seed},
                                       {"--last", NULL, CLI_FLAG, &last},
                                       {"--output", "-o", CLI_TEXT, &output}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5"));
  REQUIRE(count >= 1 && count <= REEL_ROWS_MAX, STATUS_USAGE, "-n %lld: 1 to %d samples", (long long)count,
          (int)REEL_ROWS_MAX);
  REQUIRE(steps <= 100000, STATUS_USAGE, "--steps %lld: at most 100000", (long long)steps);
  REQUIRE(output && (cli_has_ending(output, ".png") || cli_has_ending(output, ".gif")), STATUS_USAGE,
          "missing: -o FILE.png or FILE.gif");
  TRY(cpu_agree(world));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], last, &trained));
  enum status status = STATUS_OK;
  if (!trained.training->model.sampled)
    status = status_raise(STATUS_UNAVAILABLE,
                          "%s: the model has no prior: it was trained with model.latent.sampled=false", trained.path);
  else if (world->rank == 0)
    status = draw_all(&trained, (uint64_t)seed, count, steps, output);
  status = comm_agree(world, status);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_sample = {"sample", "new trajectories from the prior of a trained model",
                                       "Usage: hgn sample RUN.h5 [-n N] [--steps S] [--seed K] -o FILE.png|FILE.gif\n\n"
                                       "Draws z from the prior, and unrolls. Only for models that sample.\n\n"
                                       "  -n, --number N     how many; default 4\n"
                                       "  --steps S          of each; default 29\n"
                                       "  --seed K           default 1\n"
                                       "  --last             the latest checkpoint; default: the best\n"
                                       "  -o, --output FILE  .png: a filmstrip; .gif: an animation\n",
                                       run};
