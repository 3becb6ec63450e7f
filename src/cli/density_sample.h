/* Private to src/cli: draws of models of densities. */
#ifndef HGN_CLI_DENSITY_SAMPLE_H
#define HGN_CLI_DENSITY_SAMPLE_H

#include "train/trained.h"

/* Collective. As a file: /points [N][D], and /log_density [N], the model's own, by importance sampling with as many
 * samples as their mean takes (attribute `samples`). STATUS_NUMERIC where one is not finite; those of density_judge.h
 * and store_create_at(). */
enum status density_sample(const struct comm *world, const struct trained *trained, uint64_t seed, int64_t count,
                           const char *output);
/* Root only. As a picture: of the first two numbers. Failures: the same, and those of picture.h. */
enum status density_sample_picture(const struct trained *trained, uint64_t seed, int64_t count, const char *output);

#endif
