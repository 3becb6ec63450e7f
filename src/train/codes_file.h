/* The file of codes (codes.h), as codes_make() writes it. Failures: STATUS_FILE, STATUS_MEMORY, STATUS_MPI. */
#ifndef HGN_TRAIN_CODES_FILE_H
#define HGN_TRAIN_CODES_FILE_H

#include "train/codes.h"

struct codes_file {
  struct store_file store;
  const struct codes_about *about; /* borrowed */
};

/* Collective. With all but the points. Closed with codes_file_close(), after a failure too. */
enum status codes_file_create(const struct comm *comm, const char *path, const struct trained *trained,
                              const struct dataset *data, const struct codes_about *about, struct codes_file *file);
void codes_file_close(struct codes_file *file);

/* Not collective. The leading components of this rank's codes of a split. */
enum status codes_file_write(struct codes_file *file, const struct codes *codes);

#endif
