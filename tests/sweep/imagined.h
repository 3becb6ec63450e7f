/* Groups that are only imagined, for tests of the coordinator: they end their trials in random orders, and their clock
 * is a count. */
#ifndef HGN_TESTS_SWEEP_IMAGINED_H
#define HGN_TESTS_SWEEP_IMAGINED_H

#include "base/log.h"
#include "begun.h"
#include "sweep/early.h"
#include "train/deadline.h"

enum { GROUPS_MAX = 40, REPORTS = 9 };

/* Groups that speak when they are drawn. Time is a count of polls. */
struct imagined {
  const struct sweep *sweep;
  struct begun *begun;
  struct order order[GROUPS_MAX];
  bool busy[GROUPS_MAX], quit[GROUPS_MAX], asked[GROUPS_MAX], pruned[GROUPS_MAX];
  int64_t said[GROUPS_MAX];        /* reports of the order */
  int64_t orders, polls, stops_at; /* polls after which the job is cut off; 0: never */
  uint64_t seed;
  bool failures; /* one trial in eight fails at its first start */
  double time;
  bool nobody_knows; /* the metric, of trials before `knows` */
  int64_t knows;
  int64_t rolls_back, rolled;     /* a trial that does, and how often it has */
  int64_t mute;                   /* a trial whose group says nothing until it has been given up */
  double tick;                    /* s that a poll takes; 0: a thousandth */
  double left, began[GROUPS_MAX]; /* s of the job, which trials know of and go on in; 0: it has no end */
  int64_t held, preempted;        /* orders that could not come to their rungs; trials that stopped themselves */
  bool deaf;                      /* trials do not know that the job ends */
};

/* s that the least checkpoint and the margin take. */
enum { RESERVE = 2 + DEADLINE_MARGIN };

static inline double tick_of(const struct imagined *im) { return im->tick > 0 ? im->tick : 1e-3; }

/* A trial that waits at rungs is begun when it can come to the next, by what a report took so far, or when a whole job
 * is too short for that. */
static inline void check_time(struct imagined *im, const struct order *order) {
  const struct ledger *ledger = &im->begun->ledger;
  double seconds = 0, reports = 0;
  if (im->left <= 0) assert_true(order->left == 0);
  if (im->left <= 0) return;
  assert_true(order->left >= RESERVE && order->left <= im->left);
  const struct early_kind *kind = early_find(im->sweep);
  if (!kind || !kind->pausing) return;
  for (int64_t t = 0; t < ledger->shape.trials; t++) {
    seconds += ledger->trial[t].seconds;
    reports += ledger->trial[t].seconds > 0 ? (double)ledger->trial[t].reports : 0;
  }
  const struct ledger_trial *row = &ledger->trial[order->number];
  const double go = (double)((order->pause > 0 ? order->pause : REPORTS) - row->reports);
  const double each = row->seconds > 0 ? row->seconds / (double)row->reports : reports > 0 ? seconds / reports : 0;
  const double needed = .8 * go * each + RESERVE; /* the coordinator's mean is of other moments */
  if (needed > order->left && 1.7 * go * each + RESERVE < im->left) im->held += 1;
}

/* The file as a kill at this moment would leave it. */
#define CUT_FILE BEGUN_FILE ".cut"
static inline void copy_file(const char *from, const char *to) {
  static char bytes[1 << 16];
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  assert_true(in && out);
  for (size_t count; (count = fread(bytes, 1, sizeof bytes, in)) > 0;)
    assert_int_equal(fwrite(bytes, 1, count, out), count);
  fclose(in);
  assert_int_equal(fclose(out), 0);
}

static inline struct imagined *imagined_of(struct crew *crew) { return crew->self; }

static inline enum status imagine_order(struct crew *crew, int group, const struct order *order) {
  struct imagined *im = imagined_of(crew);
  assert_true(group >= 0 && group < crew->groups && !im->busy[group] && !im->quit[group]);
  if (order->kind == ORDER_QUIT) {
    im->quit[group] = true;
    return STATUS_OK;
  }
  /* No trial is with two groups, and none is begun that has ended; it is written that it runs. */
  for (int g = 0; g < crew->groups; g++) assert_true(!im->busy[g] || im->order[g].number != order->number);
  assert_int_equal(im->begun->ledger.trial[order->number].state, TRIAL_RUNNING);
  assert_int_equal(order->seed, ledger_seed(im->sweep, im->begun->ledger.trial[order->number].repeat));
  assert_int_equal(im->begun->ledger.changes, 0);
  im->order[group] = *order;
  im->busy[group] = true;
  im->began[group] = im->time;
  check_time(im, order);
  im->asked[group] = im->pruned[group] = false;
  im->said[group] = order->waited > order->begin ? order->waited : order->begin;
  if (im->left > 0 && im->begun->ledger.trial[order->number].reports > im->said[group])
    im->said[group] = im->begun->ledger.trial[order->number].reports; /* it has a checkpoint there */
  const struct method_population *population = &im->sweep->population;
  const int64_t generation = im->sweep->method->part ? order->number / population->size : 0;
  assert_int_equal(order->begin, generation * population->every);
  if (order->begin > 0) { /* where it begins, another has ended */
    const struct ledger_trial *origin = &im->begun->ledger.trial[order->origin.trial];
    assert_int_equal(origin->state, TRIAL_COMPLETE);
    assert_int_equal(origin->reports, order->begin);
    assert_int_equal(origin->configuration, im->begun->ledger.job[order->number].origin);
  }
  im->orders += 1;
  return STATUS_OK;
}

static inline enum status imagine_control(struct crew *crew, int group, int64_t trial, enum control control) {
  struct imagined *im = imagined_of(crew);
  assert_true(im->busy[group] && im->order[group].number == trial && control != CONTROL_NONE);
  if (control == CONTROL_STOP) im->asked[group] = true;
  if (control == CONTROL_PRUNE) im->pruned[group] = true;
  return STATUS_OK;
}

/* Reports 0 to 5, again from 2 on with other numbers, and the end after report 3. */
static inline enum status roll_back(struct crew *crew, int group, struct message *message) {
  struct imagined *im = imagined_of(crew);
  if (message->index == 6 && im->rolled == 0) {
    im->rolled = 1;
    message->index = im->said[group] = 2;
    message->step = 3;
  }
  message->score[0] = 100 * (double)im->rolled + (double)message->index;
  im->said[group] += 1;
  if (im->rolled == 0 || message->index < 4) return crew->deliver(crew->coordinator, group, message);
  message->kind = MESSAGE_ENDED;
  message->state = TRIAL_COMPLETE;
  im->busy[group] = false;
  return crew->deliver(crew->coordinator, group, message);
}

/* The next word of a group at work. */
static inline enum status speak(struct crew *crew, int group) {
  struct imagined *im = imagined_of(crew);
  const struct order *order = &im->order[group];
  const double last = begun_value(order->point, im->sweep->space.count, order->seed);
  const int64_t reports = im->sweep->window == 6 && order->number % 5 == 3 ? 3 : REPORTS; /* some are shorter */
  const bool diverges = order->number % 11 == 7, fails = im->failures && order->starts == 1 && order->number % 8 == 2;
  struct message message = {.kind = MESSAGE_REPORT, .number = order->number, .index = im->said[group]};
  for (int i = 0; i < JOB_SCORES_MAX; i++) message.score[i] = NAN;
  message.step = message.index + 1;
  message.score[0] = last + 1 / (double)message.step - 1 / (double)REPORTS;
  if (im->nobody_knows && order->number < im->knows) message.score[0] = NAN;
  if (im->rolls_back > 0 && order->number == im->rolls_back) return roll_back(crew, group, &message);
  message.last = message.step == reports;
  const bool over = message.index == reports || (message.index == 4 && (diverges || fails));
  const bool pauses = order->pause > 0 && message.index == order->pause && message.index < reports;
  const bool ends =
      order->left > 0 && !im->deaf && order->left - (im->time - im->began[group]) < RESERVE + 2 * im->tick;
  const bool pruned = im->pruned[group] && draw_below(&im->seed, 2); /* it need not have heard of it yet */
  if (!over && !pauses && !pruned && !im->asked[group] && !ends) {
    im->said[group] += 1;
    return crew->deliver(crew->coordinator, group, &message);
  }
  message.kind = MESSAGE_ENDED;
  message.state = pruned                                                  ? TRIAL_PRUNED
                  : pauses && order->part                                 ? TRIAL_COMPLETE
                  : pauses                                                ? TRIAL_PAUSED
                  : (im->asked[group] || ends) && message.index < reports ? TRIAL_PREEMPTED
                  : fails                                                 ? TRIAL_FAILED
                  : diverges                                              ? TRIAL_DIVERGED
                                                                          : TRIAL_COMPLETE;
  if (message.state != TRIAL_COMPLETE && !pauses) snprintf(message.reason, sizeof message.reason, "as imagined");
  message.score[0] = message.state == TRIAL_COMPLETE ? 2 * last : NAN;
  message.seconds = message.working = im->left > 0 ? im->time - im->began[group] : 1;
  im->preempted += message.state == TRIAL_PREEMPTED;
  im->busy[group] = false;
  return crew->deliver(crew->coordinator, group, &message);
}

/* As soon as it has been given up, the mute group has run its trial after all. */
static inline enum status speak_late(struct crew *crew) {
  struct imagined *im = imagined_of(crew);
  for (int g = 0; g < crew->groups && im->mute > 0; g++) {
    if (!im->busy[g] || im->order[g].number != im->mute) continue;
    if (im->begun->ledger.trial[im->mute].state == TRIAL_RUNNING) continue;
    im->asked[g] = false;
    while (im->busy[g]) TRY(speak(crew, g));
  }
  return STATUS_OK;
}

static inline enum status imagine_poll(struct crew *crew, int64_t *count) {
  struct imagined *im = imagined_of(crew);
  *count = 0;
  im->time += tick_of(im);
  if (im->stops_at > 0 && ++im->polls >= im->stops_at) {
    if (im->polls == im->stops_at) copy_file(BEGUN_FILE, CUT_FILE);
    return status_raise(STATUS_MPI, "the job is cut off");
  }
  TRY(speak_late(crew));
  for (uint32_t words = draw_below(&im->seed, 4); words > 0; words--) {
    const int group = (int)draw_below(&im->seed, (uint32_t)crew->groups);
    if (!im->busy[group] || (im->mute > 0 && im->order[group].number == im->mute)) continue;
    *count += 1;
    TRY(speak(crew, group));
  }
  return STATUS_OK;
}

static inline void imagine_rest(struct crew *crew) { imagined_of(crew)->time += tick_of(imagined_of(crew)); }
static inline double imagine_clock(struct crew *crew) { return imagined_of(crew)->time; }

static const struct crew_kind imagined_kind = {imagine_order, imagine_control, imagine_poll, imagine_rest,
                                               imagine_clock};

static bool stop_now;
static inline bool stop_asked(void) { return stop_now; }

/* One job. Returns what the coordinator says. */
static inline enum status run_job(struct begun *begun, int groups, struct imagined *im,
                                  struct coordinator_outcome *outcome) {
  static const int64_t nobody[GROUPS_MAX]; /* processes of other hosts */
  struct inject inject;
  struct crew crew = {.kind = &imagined_kind, .groups = groups, .ranks = 1, .first = 1, .self = im};
  assert_ok(inject_parse(NULL, 0, &inject));
  im->sweep = begun->sweep;
  im->begun = begun;
  const struct coordinator_setup setup = {.sweep = begun->sweep,
                                          .ledger = &begun->ledger,
                                          .crew = &crew,
                                          .folder = ".",
                                          .inject = &inject,
                                          .process = nobody,
                                          .stopped = stop_asked,
                                          .left = im->left,
                                          .quiet = true};
  return coordinator_run(&setup, outcome);
}

/* What two ledgers have in common: all that follows from the sweep's file. */
struct results {
  int64_t trials, points;
  double *number; /* of each trial state, configuration, repeat, seed, confirms, reports, step, then all scores */
  int64_t count;
};

static inline void put(struct results *results, double value) {
  results->number = realloc(results->number, (size_t)(results->count + 1) * sizeof(double));
  results->number[results->count++] = isnan(value) ? -12345 : value;
}

static inline void take_results(const struct begun *begun, struct results *results) {
  const struct ledger *ledger = &begun->ledger;
  *results = (struct results){.trials = ledger->shape.trials, .points = ledger->points};
  for (int64_t i = 0; i < ledger->points * ledger->shape.parameters; i++) put(results, ledger->point[i]);
  for (int64_t j = 0; j < ledger->jobs; j++) {
    put(results, (double)ledger->job[j].configuration);
    put(results, (double)ledger->job[j].rung);
    put(results, (double)ledger->job[j].known);
    put(results, (double)ledger->job[j].origin);
  }
  for (int64_t t = 0; t < results->trials; t++) {
    const struct ledger_trial *row = &ledger->trial[t];
    /* What stands in rows of configurations that never come is nobody's business. */
    if (t >= ledger->points * begun->sweep->repeats && t < ledger->shape.configurations * begun->sweep->repeats)
      continue;
    const double numbers[] = {(double)row->state,    (double)row->configuration, (double)row->repeat, (double)row->seed,
                              (double)row->confirms, (double)row->reports,       (double)row->step,   row->value};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) put(results, numbers[i]);
    put(results, ledger->test[t]);
    for (int k = 0; k < ledger->shape.rungs; k++) put(results, ledger->rung[t * ledger->shape.rungs + k]);
    for (int64_t r = 0; r < row->reports; r++) put(results, ledger->validation[t * ledger->shape.reports + r]);
    for (int64_t r = 0; r < row->reports; r++) put(results, (double)ledger->report_step[t * ledger->shape.reports + r]);
  }
}

static inline void check_results(const struct begun *begun, struct results *first) {
  struct results now;
  take_results(begun, &now);
  if (!first->number) {
    *first = now;
    return;
  }
  assert_int_equal(now.trials, first->trials);
  assert_int_equal(now.points, first->points);
  assert_int_equal(now.count, first->count);
  assert_memory_equal(now.number, first->number, (size_t)now.count * sizeof(double));
  free(now.number);
}

static const struct {
  const char *more;
  const struct method_kind *method;
} cases[] = {
    {"repeats: 2\nconfirm: 3\nresources: {max_restarts: 20}\n", &method_random},
    {"window: 4\nconfirm: 2\nresources: {max_restarts: 20}\n", &learning_method},
    {"window: 4\nrepeats: 3\nresources: {max_restarts: 20}\n", &learning_method},
    {"window: 4\nearly_terminate: {type: asha, min_iter: 1}\nresources: {max_restarts: 20}\n", &method_random},
    {"window: 9\nrepeats: 2\nconfirm: 2\nearly_terminate: {type: asha, min_iter: 1, eta: 2}\n"
     "resources: {max_restarts: 20}\n",
     &method_tpe},
    {"window: 6\nearly_terminate: {type: hyperband_brackets, min_iter: 1}\nresources: {max_restarts: 20}\n",
     &method_tpe},
    {"window: 6\nearly_terminate: {type: asha, mode: stop, min_iter: 1}\nresources: {max_restarts: 20}\n",
     &learning_method},
    {"window: 3\nrepeats: 2\nearly_terminate: {type: hyperband, min_iter: 1, eta: 2, strict: false}\n"
     "resources: {max_restarts: 20}\n",
     &method_random},
    {"window: 6\nconfirm: 1\nearly_terminate: {type: asha, min_iter: 3, eta: 2}\nresources: {max_restarts: 20}\n",
     &method_tpe},
    {"window: 1\nearly_terminate: {type: median, min_iter: 2}\nresources: {max_restarts: 20}\n", &method_tpe},
    {"window: 5\nconfirm: 1\nearly_terminate: {type: median, min_iter: 2}\nresources: {max_restarts: 20}\n",
     &method_random},
    {"window: 1\nearly_terminate: {type: hyperband_brackets, min_iter: 1}\nresources: {max_restarts: 20}\n",
     &scarce_method},
    {"window: 7\nearly_terminate: {type: asha, min_iter: 1}\nresources: {max_restarts: 20}\n", &scarce_method},
    {"method: pbt\npbt: {population: 12, every: 3}\nresources: {max_restarts: 20}\n", &method_pbt}};
enum { CASES = sizeof cases / sizeof *cases };
static const int group_counts[] = {1, 2, 5, 40};

static inline void begin_case(int i, struct begun *begun) {
  const char *head = strncmp(cases[i].more, "method", 6) == 0 ? strstr(begun_square, "seed") : begun_square;
  char text[1024];
  snprintf(text, sizeof text, "%s%s%s", cases[i].more, head == begun_square ? "" : "metric: {name: loss}\n", head);
  begun_make(text, begun);
  begun->sweep->method = cases[i].method;
}

#endif
