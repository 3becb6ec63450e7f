#define _XOPEN_SOURCE 700 /* realpath() */
#include "sweep/coordinator.h"

#include "base/log.h"
#include "store/output.h"
#include "sweep/coordinator_private.h"
#include "sweep/folder.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- What is to be prepared ---- */

/* Whether two names are of one file, however they are spelt: it need not be there, but its folder. */
static bool same_file(const char *a, const char *b) {
  char folder[2][STORE_PATH_MAX], real[2][PATH_MAX];
  if (strcmp(a, b) == 0) return true;
  if (strcmp(output_split(a, folder[0]), output_split(b, folder[1])) != 0) return false;
  return realpath(folder[0], real[0]) && realpath(folder[1], real[1]) && strcmp(real[0], real[1]) == 0;
}

/* A name of a file in a word: the word, or what stands behind --output=. */
static const char *file_in(const char *word) {
  const char *option = "--output=";
  return strncmp(word, option, strlen(option)) == 0 ? word + strlen(option) : word;
}

static bool mentions(const struct sweep_command *command, const char *file) {
  for (int i = 1; i < command->words; i++)
    if (same_file(file_in(command->word[i]), file)) return true;
  return false;
}

/* The file that a command makes: behind -o or --output. NULL: it does not say. */
static const char *product(const struct sweep_command *command) {
  for (int i = 1; i < command->words; i++) {
    const char *word = command->word[i];
    if (file_in(word) != word) return file_in(word);
    if ((strcmp(word, "-o") == 0 || strcmp(word, "--output") == 0) && i + 1 < command->words)
      return command->word[i + 1];
  }
  return NULL;
}

/* A command waits for those before it whose product it names. */
static int next_command(const struct coordinator *c) {
  for (int k = 0; k < c->sweep->prepares; k++) {
    bool ready = c->prepared[k] == PREPARE_WAITING;
    for (int i = 0; i < k && ready; i++) {
      const char *file = product(&c->sweep->prepare[i]);
      ready = c->prepared[i] == PREPARE_DONE || !file || !mentions(&c->sweep->prepare[k], file);
    }
    if (ready) return k;
  }
  return -1;
}

/* A trial waits for all commands that name its data set. One whose experiment cannot be is given out, to say so. */
static enum status is_prepared(struct coordinator *c, int64_t trial, bool *ready) {
  bool done = true;
  for (int k = 0; k < c->sweep->prepares; k++) done = done && c->prepared[k] == PREPARE_DONE;
  *ready = true;
  if (done) return STATUS_OK;
  const struct ledger_trial *row = &c->ledger->trial[trial];
  struct config *config;
  const enum status status = sweep_trial_config(
      c->sweep, c->ledger->point + row->configuration * c->ledger->shape.parameters, row->seed, &config);
  if (status == STATUS_MEMORY) return status;
  if (status != STATUS_OK) {
    status_clear();
    return STATUS_OK;
  }
  const char *file = config_experiment(config)->training.data.file;
  for (int k = 0; k < c->sweep->prepares; k++)
    if (c->prepared[k] != PREPARE_DONE && mentions(&c->sweep->prepare[k], file)) *ready = false;
  config_destroy(&config);
  return STATUS_OK;
}

/* ---- Which trial is next ---- */

/* Trials that wait for their data, beyond which none is looked for whose data are ready. */
enum { LOOKAHEAD = 256 };

/* All that were searched have ended: the best are run again on fresh seeds. */
static enum status queue_confirmations(struct coordinator *c) {
  struct ledger *ledger = c->ledger;
  const struct sweep *sweep = c->sweep;
  const int64_t seeds = ledger_confirm_seeds(sweep), first = ledger->shape.configurations * sweep->repeats;
  c->confirming = true;
  if (sweep->confirm == 0) return ledger_set_chosen(ledger, ledger->points);
  int64_t *best = malloc((size_t)sweep->confirm * sizeof *best);
  REQUIRE(best, STATUS_MEMORY, "out of memory for the best of a sweep");
  int64_t count, front;
  enum status status = STATUS_OK;
  if (sweep->metrics > 1)
    status = search_front(sweep, ledger, sweep->confirm, best, &count, &front);
  else
    count = search_best(sweep, ledger, sweep->confirm, best);
  for (int64_t k = 0; k < sweep->confirm && status == STATUS_OK; k++)
    for (int64_t s = 0; s < seeds; s++)
      ledger_confirm(sweep, ledger, first + k * seeds + s, k < count ? best[k] : -1, sweep->repeats + s);
  free(best);
  TRY(status);
  TRY(ledger_flush(ledger)); /* a reader counts them as soon as the search has ended */
  return ledger_set_chosen(ledger, ledger->points);
}

/* What may be done, in order: items. First the trials of job after job; when these are done, those that confirm the
 * best. */
static int64_t known_items(const struct coordinator *c) {
  const struct ledger_shape *shape = &c->ledger->shape;
  const int64_t confirming = shape->trials - shape->configurations * c->sweep->repeats;
  return c->ledger->jobs * c->sweep->repeats + (c->confirming ? confirming : 0);
}

static bool is_of_job(const struct coordinator *c, int64_t item) { return item < c->ledger->jobs * c->sweep->repeats; }

static int64_t item_trial(const struct coordinator *c, int64_t item) {
  const int64_t repeats = c->sweep->repeats, jobs = c->ledger->jobs;
  if (is_of_job(c, item)) return c->ledger->job[item / repeats].configuration * repeats + item % repeats;
  return c->ledger->shape.configurations * repeats + item - jobs * repeats;
}

static bool runnable(const struct coordinator *c, int64_t item) {
  const int64_t repeats = c->sweep->repeats, trial = item_trial(c, item);
  const struct ledger_trial *row = &c->ledger->trial[trial];
  if (c->assigned[trial]) return false;
  if (!is_of_job(c, item)) return row->confirms && !trial_ended(row->state);
  const bool waits = c->search.pausing && row->state == TRIAL_PRUNED; /* the sweep has been made larger */
  return (waits || !trial_ended(row->state)) && !search_is_done(&c->search, item / repeats, item % repeats);
}

void coordinator_requeue(struct coordinator *c, int64_t trial) {
  if (c->item[trial] < c->cursor) c->cursor = c->item[trial];
}

/* Reports that a trial will have made when the job of an item is done, at most. */
static int64_t item_reports(const struct coordinator *c, int64_t item) {
  const struct ledger *ledger = c->ledger;
  const int64_t rung = is_of_job(c, item) ? ledger->job[item / c->sweep->repeats].rung : ledger->shape.rungs;
  return rung < ledger->shape.rungs ? ledger->rung_report[rung] : ledger->shape.reports;
}

/* The first item from *from on that can be begun now; -1: none, and then all of them have been looked at. */
static enum status find_ready(struct coordinator *c, int64_t *from, int64_t *item) {
  const int64_t known = known_items(c);
  for (; *from < known; *from += 1) {
    bool ready = runnable(c, *from);
    if (ready) TRY(is_prepared(c, item_trial(c, *from), &ready));
    if (ready && !coordinator_has_time(c, item_trial(c, *from), item_reports(c, *from))) {
      c->late = true;
      ready = false;
    }
    if (!ready) continue;
    *item = *from;
    break;
  }
  return STATUS_OK;
}

/* The search is over: trials that wait at rungs are given up. */
static enum status end_search(struct coordinator *c) {
  struct ledger *ledger = c->ledger;
  c->searching = false;
  for (int64_t t = 0; t < ledger->points * c->sweep->repeats && c->search.pausing; t++) {
    struct ledger_trial *row = &ledger->trial[t];
    if (trial_ended(row->state)) continue;
    row->state = TRIAL_PRUNED; /* also one that was lost or preempted when it had come to its rung */
    memset(row->reason, 0, sizeof row->reason);
    ledger_touch_reports(ledger, t);
    c->trials_ended += 1;
  }
  return STATUS_OK;
}

/* The first item that can be begun now; -1: none. Chooses jobs as they are needed. */
static enum status next_item(struct coordinator *c, int64_t *item) {
  *item = -1;
  c->waiting = c->late = false;
  if (c->unprepared) return STATUS_OK;
  while (c->cursor < known_items(c) && !runnable(c, c->cursor)) c->cursor += 1;
  for (int64_t from = c->cursor;;) {
    enum search_answer answer = SEARCH_END;
    TRY(find_ready(c, &from, item));
    if (*item >= 0) return STATUS_OK;
    const bool blocked = c->cursor < from && runnable(c, c->cursor);
    const bool far = blocked && from - c->cursor > LOOKAHEAD;
    c->unprepared = far && !c->late; /* time may yet be found to be enough: no command changes that */
    if (far) return STATUS_OK;
    if (c->searching) TRY(search_next(&c->search, &answer));
    if (answer == SEARCH_CHOSEN) continue;
    c->waiting = answer == SEARCH_WAIT;
    c->unprepared = blocked && !c->late;
    if (c->waiting || blocked) return STATUS_OK;
    if (c->confirming || c->busy > 0) return STATUS_OK; /* some have not ended yet */
    if (c->searching) TRY(end_search(c));
    TRY(queue_confirmations(c));
  }
}

/* ---- Orders ---- */

/* From where, and how far. */
static void set_part(const struct coordinator *c, int64_t item, struct order *order) {
  if (!is_of_job(c, item)) return;
  const struct ledger *ledger = c->ledger;
  const struct ledger_job *job = &ledger->job[item / c->sweep->repeats];
  const struct method_part part = search_part(&c->search, job->configuration);
  if (c->search.pausing && job->rung < ledger->shape.rungs) order->pause = ledger->rung_report[job->rung];
  if (part.end > 0) {
    order->pause = part.end;
    order->part = true;
  }
  if (job->origin < 0) return;
  order->begin = part.begin;
  order->origin = ledger_place(ledger, job->origin * c->sweep->repeats + item % c->sweep->repeats);
}

static void prepare_order(const struct coordinator *c, int64_t item, struct order *order) {
  const int64_t trial = item_trial(c, item);
  const struct ledger_trial *row = &c->ledger->trial[trial];
  *order = (struct order){.kind = ORDER_TRIAL,
                          .number = trial,
                          .starts = row->starts,
                          .seed = row->seed,
                          .place = ledger_place(c->ledger, trial),
                          .deadline = c->sweep->resources.trial_timeout,
                          .left = coordinator_time_left(c)};
  memcpy(order->point, c->ledger->point + row->configuration * c->ledger->shape.parameters,
         (size_t)c->ledger->shape.parameters * sizeof(double));
  set_part(c, item, order);
}

/* What is written before the group hears of it. */
static enum status assign_item(struct coordinator *c, int g, int64_t item, struct order *order) {
  const int64_t trial = item_trial(c, item);
  struct ledger_trial *row = &c->ledger->trial[trial];
  struct coordinator_group *group = &c->group[g];
  const bool waited = row->state == TRIAL_PAUSED || row->state == TRIAL_PRUNED;
  row->state = TRIAL_RUNNING;
  row->starts += 1;
  row->group = c->setup->process ? g : -1;
  row->ranks = c->crew->ranks;
  row->began = ledger_clock();
  c->assigned[trial] = 1;
  c->item[trial] = item;
  c->jobs += 1;
  ledger_touch(c->ledger, trial);
  prepare_order(c, item, order);
  order->waited = waited ? row->reports : 0;
  group->limit = order->deadline > 0 ? c->crew->kind->clock(c->crew) + order->deadline + c->sweep->resources.grace : 0;
  group->trial = trial;
  group->reports = row->reports;
  if (c->started) return STATUS_OK;
  c->started = true;
  return coordinator_note(c, EVENT_STARTED, -1);
}

/* An order for a free group, if there is work. */
static enum status choose_order(struct coordinator *c, int g, struct order *order, bool *work) {
  const int command = next_command(c);
  *work = true;
  c->group[g].limit = 0;
  if (command >= 0) {
    c->prepared[command] = PREPARE_RUNNING;
    c->group[g].trial = -1 - command;
    *order = (struct order){.kind = ORDER_PREPARE, .number = command};
  } else {
    int64_t item;
    TRY(next_item(c, &item));
    *work = item >= 0;
    if (*work) TRY(assign_item(c, g, item, order));
  }
  if (!*work) return STATUS_OK;
  c->group[g].busy = true;
  c->group[g].began = c->crew->kind->clock(c->crew);
  c->busy += 1;
  return STATUS_OK;
}

/* Orders for groups that are free, so many at a time; written, then sent. */
static enum status give_orders(struct coordinator *c, int64_t *given) {
  enum { BATCH = 64 };
  struct order order[BATCH];
  int to[BATCH], count = 0;
  bool work = true;
  for (int g = 0; g < c->crew->groups && work && !c->draining && count < BATCH; g++) {
    if (c->group[g].busy || c->group[g].dead) continue;
    TRY(choose_order(c, g, &order[count], &work));
    if (work) to[count++] = g;
  }
  if (c->ledger->changes > 0) c->dirty = true;
  TRY(ledger_flush(c->ledger));
  for (int i = 0; i < count; i++) TRY(c->crew->kind->order(c->crew, to[i], &order[i]));
  *given = count;
  return STATUS_OK;
}

/* ---- The whole ---- */

static bool finished(const struct coordinator *c) {
  if (c->busy > 0) return false;
  return c->draining || (!c->searching && c->confirming && c->cursor >= known_items(c));
}

static enum status work(struct coordinator *c) {
  int64_t given;
  if (!board_finished(c->sweep, c->ledger)) TRY(coordinator_watch_budgets(c, c->began)); /* used up already? */
  TRY(give_orders(c, &given));
  while (!finished(c) && c->broken == STATUS_OK && c->end != COORDINATOR_STUCK) {
    const double before = c->crew->kind->clock(c->crew);
    const bool waiting = c->waiting;
    const int idle = c->crew->groups - c->busy;
    int64_t count;
    TRY(c->crew->kind->poll(c->crew, &count));
    TRY(give_orders(c, &given));
    TRY(coordinator_end_early(c));
    TRY(coordinator_tick(c));
    if (count == 0 && given == 0) c->crew->kind->rest(c->crew);
    if (waiting) c->waited += idle * (c->crew->kind->clock(c->crew) - before);
  }
  return c->broken;
}

/* After a failure: groups write their checkpoints; nothing is recorded any more, but, if that can be, that it was not
 * the fault of the trials which were under way. */
static void abandon(struct coordinator *c) {
  const double until = c->crew->kind->clock(c->crew) + c->sweep->resources.grace;
  for (int g = 0; g < c->crew->groups; g++)
    if (c->group[g].busy) (void)c->crew->kind->control(c->crew, g, c->group[g].trial, CONTROL_STOP);
  while (c->busy > 0 && c->crew->kind->clock(c->crew) < until) {
    int64_t count = 0;
    if (c->crew->kind->poll(c->crew, &count) == STATUS_MPI) break;
    if (count == 0) c->crew->kind->rest(c->crew);
  }
  for (int64_t t = 0; t < c->ledger->shape.trials; t++) {
    if (c->ledger->trial[t].state != TRIAL_RUNNING) continue;
    c->ledger->trial[t].state = TRIAL_LOST;
    ledger_touch(c->ledger, t);
  }
  (void)ledger_flush(c->ledger);
  if (c->busy > 0) c->end = COORDINATOR_STUCK;
}

static enum status open(struct coordinator *c, const struct coordinator_setup *setup) {
  struct ledger *ledger = setup->ledger;
  c->group = arena_array(&c->arena, setup->crew->groups, sizeof *c->group);
  c->assigned = arena_array(&c->arena, ledger->shape.trials, 1);
  c->item = arena_array(&c->arena, ledger->shape.trials, sizeof *c->item);
  c->postponed = arena_array(&c->arena, ledger->shape.trials, 1);
  c->weight =
      arena_array(&c->arena, c->sweep->resources.checkpoint_bytes > 0 ? ledger->shape.trials : 0, sizeof *c->weight);
  c->refused = arena_array(&c->arena, ledger->shape.trials, sizeof *c->refused);
  TRY(arena_check(&c->arena, "a coordinator"));
  c->metric = ledger_metric(c->sweep, ledger, 0);
  REQUIRE(c->metric >= 0, STATUS_CONFIG, "metric \"%s\" is no score of this model", c->sweep->metric[0].name);
  TRY(search_open(c->sweep, ledger, &c->search));
  TRY(coordinator_recover(c));
  TRY(coordinator_stop_trials(c));
  board_open(&c->board, c->sweep, ledger, setup->crew->groups, setup->quiet);
  return ledger_sync(ledger);
}

static void report(const struct coordinator *c, struct coordinator_outcome *outcome) {
  *outcome = (struct coordinator_outcome){.end = c->abandoned ? COORDINATOR_STUCK : c->end,
                                          .why = c->search.why,
                                          .wall = c->crew->kind->clock(c->crew) - c->began,
                                          .waited = c->waited,
                                          .working = c->working,
                                          .trials_ended = (double)c->trials_ended};
  for (int g = 0; g < c->crew->groups; g++) {
    outcome->busy += c->group[g].busy_seconds;
    if (c->group[g].busy_seconds <= 0) outcome->idle_groups += 1;
  }
}

static enum status run(struct coordinator *c, const struct coordinator_setup *setup) {
  enum status status = open(c, setup);
  if (status == STATUS_OK) {
    status = work(c);
    if (status == STATUS_OK) status = ledger_sync(setup->ledger);
    if (status == STATUS_OK && c->end == COORDINATOR_COMPLETE) status = coordinator_check_metric(c);
    if (status != STATUS_OK) {
      (void)coordinator_break(c, status);
      abandon(c);
      status = status_raise(c->broken, "%s", c->message);
    }
    board_close(&c->board);
  }
  return status;
}

enum status coordinator_run(const struct coordinator_setup *setup, struct coordinator_outcome *outcome) {
  struct coordinator *c = calloc(1, sizeof *c);
  REQUIRE(c, STATUS_MEMORY, "out of memory for a coordinator");
  *c = (struct coordinator){.setup = setup,
                            .sweep = setup->sweep,
                            .ledger = setup->ledger,
                            .crew = setup->crew,
                            .searching = true,
                            .began = setup->crew->kind->clock(setup->crew)};
  coordinator_set_deadline(c, setup->left);
  setup->crew->coordinator = c;
  setup->crew->deliver = coordinator_hear;
  setup->crew->tick = coordinator_tick;
  const enum status status = run(c, setup);
  report(c, outcome);
  /* A job that is to be ended from outside is told nothing: to send could mean to wait for a group that is dead. */
  for (int g = 0; g < setup->crew->groups && status != STATUS_MPI && outcome->end != COORDINATOR_STUCK; g++)
    if (!c->group || !c->group[g].busy)
      (void)setup->crew->kind->order(setup->crew, g, &(struct order){.kind = ORDER_QUIT});
  search_close(&c->search);
  arena_free(&c->arena);
  free(c);
  return status;
}
