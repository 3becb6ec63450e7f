/* A training that is computed again: it begins as it did then, compares where it would write, and remembers where it
 * would save. */
#include "train/record_compare.h"
#include "train/trained.h"
#include "train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- States in memory ---- */

struct trainer_state {
  struct checkpoint checkpoint; /* its arrays are those below */
  float *values;                /* [3][values]: parameters and moments */
  int32_t *exponent;            /* [tensors] */
};

void trainer_state_free(struct trainer_state **state) {
  if (!*state) return;
  free((*state)->values);
  free((*state)->exponent);
  free(*state);
  *state = NULL;
}

static void copy_arrays(const struct trainer *trainer, const struct checkpoint *from, struct checkpoint *to) {
  const struct layout *layout = trainer->learner.layout;
  const size_t bytes = (size_t)layout_values(layout) * sizeof(float);
  memcpy(to->parameters, from->parameters, bytes);
  memcpy(to->first, from->first, bytes);
  memcpy(to->second, from->second, bytes);
  memcpy(to->exponent, from->exponent, (size_t)layout->tensors * sizeof *to->exponent);
}

enum status trainer_state_of(struct trainer *trainer, struct trainer_state **state) {
  const size_t values = (size_t)layout_values(trainer->learner.layout);
  const struct checkpoint now = trainer_checkpoint(trainer);
  struct trainer_state *made = calloc(1, sizeof *made);
  *state = NULL;
  REQUIRE(made, STATUS_MEMORY, "out of memory for the state of a training");
  made->values = calloc(3 * values, sizeof *made->values);
  made->exponent = calloc((size_t)trainer->learner.layout->tensors, sizeof *made->exponent);
  if (!made->values || !made->exponent) {
    trainer_state_free(&made);
    return status_raise(STATUS_MEMORY, "out of memory for the state of a training");
  }
  made->checkpoint = now;
  made->checkpoint.parameters = made->values;
  made->checkpoint.first = made->values + values;
  made->checkpoint.second = made->values + 2 * values;
  made->checkpoint.exponent = made->exponent;
  copy_arrays(trainer, &now, &made->checkpoint);
  *state = made;
  return STATUS_OK;
}

/* Into the trainer's own arrays. */
static void take_state(struct trainer *trainer, const struct trainer_state *state, struct checkpoint *checkpoint) {
  const struct checkpoint own = trainer_checkpoint(trainer);
  *checkpoint = state->checkpoint;
  checkpoint->parameters = own.parameters;
  checkpoint->first = own.first;
  checkpoint->second = own.second;
  checkpoint->exponent = own.exponent;
  copy_arrays(trainer, &state->checkpoint, checkpoint);
}

/* ---- What it may go back to ---- */

static void forget_at(struct trainer_memory *memory, int64_t at) {
  trainer_state_free(&memory->state[at]);
  memory->count -= 1;
  memmove(memory->state + at, memory->state + at + 1, (size_t)(memory->count - at) * sizeof(struct trainer_state *));
}

void trainer_forget(struct trainer *trainer, int64_t step) {
  for (int64_t i = trainer->memory.count - 1; i >= 0; i--)
    if (trainer->memory.state[i]->checkpoint.step == step) forget_at(&trainer->memory, i);
}

void trainer_forget_all(struct trainer *trainer) {
  while (trainer->memory.count > 0) forget_at(&trainer->memory, trainer->memory.count - 1);
  free(trainer->memory.state);
  trainer->memory = (struct trainer_memory){.count = 0};
}

/* As many as the training has kept (checkpoint_prune()). */
enum status trainer_remember(struct trainer *trainer, int64_t step) {
  const struct train_settings *train = &trainer->training->train;
  struct trainer_memory *memory = &trainer->memory;
  const bool due =
      step >= 0 && train->divergence.response == DIVERGENCE_ROLL_BACK && step % train->checkpoint_every == 0;
  if (!due) return STATUS_OK;
  trainer_forget(trainer, step);
  if (memory->count == memory->capacity) {
    const int64_t capacity = 2 * memory->capacity + 4;
    struct trainer_state **grown = realloc(memory->state, (size_t)capacity * sizeof *grown);
    REQUIRE(grown, STATUS_MEMORY, "out of memory for the states of a training");
    memory->state = grown;
    memory->capacity = capacity;
  }
  TRY(trainer_state_of(trainer, &memory->state[memory->count]));
  memory->count += 1;
  while (memory->count > train->checkpoint_keep && memory->count > 1) forget_at(memory, 0);
  return STATUS_OK;
}

bool trainer_recall(struct trainer *trainer, int64_t most, int64_t every, struct checkpoint *checkpoint) {
  const struct trainer_memory *memory = &trainer->memory;
  int64_t at = memory->count - 1;
  while (at >= 0 && (memory->state[at]->checkpoint.step > most || memory->state[at]->checkpoint.step % every != 0))
    at--;
  if (at >= 0) take_state(trainer, memory->state[at], checkpoint);
  return at >= 0;
}

/* ---- How it begins ---- */

/* Collective. With the parameters that another run had, or that the run itself has kept. */
static enum status begin_with_parameters(struct trainer *trainer) {
  const struct trainer_replay *replay = trainer->replay;
  struct trained from;
  char found[CHECKSUM_TEXT];
  TRY(trained_open(trainer->comm, replay->start, false, &from));
  enum status status = trainer_take_parameters(trainer, &from);
  trained_close(&from);
  TRY(comm_agree(trainer->comm, status));
  const struct checksum sum = trainer_sum_parameters(&trainer->learner);
  checksum_text(&sum, found);
  REQUIRE(strcmp(found, replay->parameters) == 0, STATUS_FILE, "%s: has not the parameters that %s began with",
          replay->start, trainer->output);
  return STATUS_OK;
}

/* Collective. */
static enum status begin_from_checkpoint(struct trainer *trainer) {
  const char *path = trainer->replay->checkpoint;
  const struct checkpoint_owner owner = trainer_owner(trainer);
  struct checkpoint checkpoint = trainer_checkpoint(trainer);
  enum status status = trainer->comm->rank == 0 ? checkpoint_check_owner(path, &owner) : STATUS_OK;
  TRY(comm_agree(trainer->comm, status == STATUS_CONFIG ? STATUS_FILE : status)); /* nobody has asked for it */
  TRY(checkpoint_read(trainer->comm, path, &trainer->learner, &checkpoint));
  trainer_go_on_from(trainer, &checkpoint);
  return STATUS_OK;
}

static enum status begin_in_state(struct trainer *trainer) {
  const struct trainer_replay *replay = trainer->replay;
  struct checkpoint checkpoint;
  if (replay->checkpoint) return begin_from_checkpoint(trainer);
  if (replay->start) return begin_with_parameters(trainer);
  if (!replay->state) return STATUS_OK;
  take_state(trainer, replay->state, &checkpoint);
  trainer_go_on_from(trainer, &checkpoint);
  return STATUS_OK;
}

static bool same_limit(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

enum status trainer_replay_begin(struct trainer *trainer) {
  struct record_replay *record = trainer->replay->record;
  const struct record_run run = trainer_describe(trainer);
  TRY(corpus_measure(trainer->corpus, &trainer->yardstick));
  if (trainer->begins) trainer->begins();
  record->network = trainer->learner.layout->network;
  TRY(record_compare_open(trainer->comm, trainer->output, &run, &trainer->yardstick, record, &trainer->record));
  trainer->recording = true;
  trainer->yardstick.kappa = trainer->learner.kappa = trainer->replay->kappa;
  snprintf(trainer->yardstick.kappa_from, sizeof trainer->yardstick.kappa_from, "as the run began with");
  record->limited = same_limit(record->limits[0], trainer->yardstick.limit) &&
                    same_limit(record->limits[1], trainer->yardstick.limit_unseen);
  TRY(begin_in_state(trainer));
  trainer->replay_from = trainer->done;
  record->went_back = (double)trainer->roll_backs;
  return trainer_save_as(trainer, trainer->done);
}
