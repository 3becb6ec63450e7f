#include "train/corpus.h"

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
