#include "train/corpus.h"

#include "base/exact.h"
#include "comm/reduce.h"

#include <stdlib.h>
#include <string.h>

enum status corpus_open(const struct comm *comm, const char *path, struct corpus *corpus) {
  *corpus = (struct corpus){.comm = comm};
  TRY(dataset_open(comm, path, &corpus->data));
  enum status status = comm_agree(comm, source_open(&corpus->data, &corpus->source));
  if (status == STATUS_OK) status = yardstick_read(comm, &corpus->data, &corpus->known);
  if (status != STATUS_OK) corpus_close(corpus);
  return status;
}

void corpus_close(struct corpus *corpus) {
  if (!corpus->comm) return;
  source_close(&corpus->source);
  dataset_close(&corpus->data);
  *corpus = (struct corpus){.comm = NULL};
}

enum status corpus_yardstick(const struct corpus *corpus, const struct protocol *protocol,
                             struct yardstick *yardstick) {
  *yardstick = corpus->known;
  return yardstick_read_limit(corpus->comm, &corpus->data, protocol, yardstick);
}

enum status corpus_measure(struct corpus *corpus, struct yardstick *yardstick) {
  if (!corpus->measured) TRY(yardstick_measure(corpus->comm, &corpus->data, &corpus->known));
  corpus->measured = true;
  yardstick->mean_image = corpus->known.mean_image;
  memcpy(yardstick->checksum, corpus->known.checksum, sizeof yardstick->checksum);
  return STATUS_OK;
}

/* ---- Color ---- */

static void add_frame(const struct dataset *data, const float *image, struct exact *sum) {
  const int64_t pixels = data->height * data->width;
  for (int64_t c = 0; c < data->channels; c++) {
    double total = 0;
    for (int64_t k = 0; k < pixels; k++) total += image[k * data->channels + c];
    exact_add(&sum[c], total / (double)pixels);
  }
}

/* Not collective. This rank's share of the rollouts. */
static enum status add_rollouts(const struct corpus *corpus, int64_t rollouts, struct exact *sum) {
  const struct dataset *data = &corpus->data;
  const int64_t values = data->height * data->width * data->channels;
  struct source source;
  int64_t first, count;
  comm_share(rollouts, corpus->comm->size, corpus->comm->rank, &first, &count);
  if (count == 0) return STATUS_OK;
  TRY(source_open(data, &source));
  float *images = malloc((size_t)(data->frames * values) * sizeof *images);
  enum status status = images ? source_load(&source, SPLIT_TRAIN, first, count)
                              : status_raise(STATUS_MEMORY, "out of memory for the frames of a rollout");
  for (int64_t i = first; i < first + count && status == STATUS_OK; i++) {
    status = source_frames(&source, SPLIT_TRAIN, i, 0, data->frames, images);
    for (int64_t t = 0; t < data->frames && status == STATUS_OK; t++) add_frame(data, images + t * values, sum);
  }
  free(images);
  source_close(&source);
  return status;
}

enum status corpus_color(struct corpus *corpus, double color[DATASET_CHANNELS_MAX]) {
  const struct dataset *data = &corpus->data;
  const int64_t there = data->rollouts[SPLIT_TRAIN];
  const int64_t rollouts = there < CORPUS_COLOR_ROLLOUTS ? there : CORPUS_COLOR_ROLLOUTS;
  struct exact sum[DATASET_CHANNELS_MAX];
  if (!corpus->has_color) {
    for (int c = 0; c < DATASET_CHANNELS_MAX; c++) exact_clear(&sum[c]);
    TRY(comm_agree(corpus->comm, add_rollouts(corpus, rollouts, sum)));
    TRY(reduce_exact(corpus->comm, sum, DATASET_CHANNELS_MAX));
    for (int c = 0; c < DATASET_CHANNELS_MAX; c++)
      corpus->color[c] = exact_value(&sum[c]) / (double)(rollouts * data->frames);
    corpus->has_color = true;
  }
  memcpy(color, corpus->color, sizeof corpus->color);
  return STATUS_OK;
}
