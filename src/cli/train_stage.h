/* The second stage of a training: a density of the codes of a model that has been trained (hgn train --stage prior).
 *
 * Failures: those of codes.h and cli_load(); STATUS_USAGE and STATUS_CONFIG where the words do not fit.
 */
#ifndef HGN_CLI_TRAIN_STAGE_H
#define HGN_CLI_TRAIN_STAGE_H

#include "cli/cli.h"
#include "train/codes.h"

/* Collective. words: RUN.h5 and, perhaps, EXPERIMENT.yaml, with overrides. Makes RUN.codes.h5 unless it is there and of
 * RUN's latest checkpoint; the experiment on it; and, in `output`, RUN.prior.h5. */
enum status train_stage_prior(const struct comm *world, const struct cli_words *words, char output[STORE_PATH_MAX],
                              struct config **config);

/* Collective. hgn codes: makes the file, and says what is in it. data: NULL: what the model was trained on. */
enum status codes_command(const struct comm *world, struct trained *trained, const char *data,
                          const struct codes_settings *settings, const char *output);

#endif
