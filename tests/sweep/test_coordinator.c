/* The coordinator with groups that are only imagined, and that end their trials in random orders: whatever the number
 * of groups, however often trials fail once, processes die or the job is cut off, the ledger ends in the same
 * numbers. */
#define BEGUN_FILE "test_coordinator.h5"

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

static double tick_of(const struct imagined *im) { return im->tick > 0 ? im->tick : 1e-3; }

/* A trial that waits at rungs is begun when it can come to the next, by what a report took so far, or when a whole job
 * is too short for that. */
static void check_time(struct imagined *im, const struct order *order) {
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
#define CUT_FILE "test_coordinator_cut.h5"
static void copy_file(const char *from, const char *to) {
  static char bytes[1 << 16];
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  assert_true(in && out);
  for (size_t count; (count = fread(bytes, 1, sizeof bytes, in)) > 0;)
    assert_int_equal(fwrite(bytes, 1, count, out), count);
  fclose(in);
  assert_int_equal(fclose(out), 0);
}

static struct imagined *imagined_of(struct crew *crew) { return crew->self; }

static enum status imagine_order(struct crew *crew, int group, const struct order *order) {
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

static enum status imagine_control(struct crew *crew, int group, int64_t trial, enum control control) {
  struct imagined *im = imagined_of(crew);
  assert_true(im->busy[group] && im->order[group].number == trial && control != CONTROL_NONE);
  if (control == CONTROL_STOP) im->asked[group] = true;
  if (control == CONTROL_PRUNE) im->pruned[group] = true;
  return STATUS_OK;
}

/* Reports 0 to 5, again from 2 on with other numbers, and the end after report 3. */
static enum status roll_back(struct crew *crew, int group, struct message *message) {
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
static enum status speak(struct crew *crew, int group) {
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
static enum status speak_late(struct crew *crew) {
  struct imagined *im = imagined_of(crew);
  for (int g = 0; g < crew->groups && im->mute > 0; g++) {
    if (!im->busy[g] || im->order[g].number != im->mute) continue;
    if (im->begun->ledger.trial[im->mute].state == TRIAL_RUNNING) continue;
    im->asked[g] = false;
    while (im->busy[g]) TRY(speak(crew, g));
  }
  return STATUS_OK;
}

static enum status imagine_poll(struct crew *crew, int64_t *count) {
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

static void imagine_rest(struct crew *crew) { imagined_of(crew)->time += tick_of(imagined_of(crew)); }
static double imagine_clock(struct crew *crew) { return imagined_of(crew)->time; }

static const struct crew_kind imagined_kind = {imagine_order, imagine_control, imagine_poll, imagine_rest,
                                               imagine_clock};

static bool stop_now;
static bool stop_asked(void) { return stop_now; }

/* One job. Returns what the coordinator says. */
static enum status run_job(struct begun *begun, int groups, struct imagined *im, struct coordinator_outcome *outcome) {
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

static void put(struct results *results, double value) {
  results->number = realloc(results->number, (size_t)(results->count + 1) * sizeof(double));
  results->number[results->count++] = isnan(value) ? -12345 : value;
}

static void take_results(const struct begun *begun, struct results *results) {
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
    const double numbers[] = {(double)row->state,    (double)row->configuration, (double)row->repeat, (double)row->seed,
                              (double)row->confirms, (double)row->reports,       (double)row->step,   row->value};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) put(results, numbers[i]);
    put(results, ledger->test[t]);
    for (int k = 0; k < ledger->shape.rungs; k++) put(results, ledger->rung[t * ledger->shape.rungs + k]);
    for (int64_t r = 0; r < row->reports; r++) put(results, ledger->validation[t * ledger->shape.reports + r]);
    for (int64_t r = 0; r < row->reports; r++) put(results, (double)ledger->report_step[t * ledger->shape.reports + r]);
  }
}

static void check_results(const struct begun *begun, struct results *first) {
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
    {"method: pbt\npbt: {population: 12, every: 3}\nresources: {max_restarts: 20}\n", &method_pbt}};
enum { CASES = sizeof cases / sizeof *cases };
static const int group_counts[] = {1, 2, 5, 40};

static void begin_case(int i, struct begun *begun) {
  const char *head = strncmp(cases[i].more, "method", 6) == 0 ? strstr(begun_square, "seed") : begun_square;
  char text[1024];
  snprintf(text, sizeof text, "%s%s%s", cases[i].more, head == begun_square ? "" : "metric: {name: loss}\n", head);
  begun_make(text, begun);
  begun->sweep->method = cases[i].method;
}

static void test_orders(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (int k = 0; k < TESTING_ROUNDS(4, 1); k++)
      for (int failures = 0; failures < 2; failures++) {
        struct begun begun;
        struct coordinator_outcome outcome;
        struct imagined im = {.seed = 100 + (uint64_t)(10 * k + failures), .failures = failures};
        begin_case(i, &begun);
        assert_ok(run_job(&begun, group_counts[k], &im, &outcome));
        assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
        for (int g = 0; g < group_counts[k]; g++) assert_true(im.quit[g] && !im.busy[g]);
        if (!failures && !*begun.sweep->early.type) assert_int_equal(im.orders, begun.ledger.shape.trials);
        if (failures && !*begun.sweep->early.type) assert_true(im.orders > begun.ledger.shape.trials);
        check_results(&begun, &first);
        /* And so it stands in the file. */
        assert_int_equal(begun_again(&begun), 0);
        check_results(&begun, &first);
        begun_free(&begun);
      }
    free(first.number);
  }
}

/* Cut off after random times, again and again, on other numbers of groups. Trials under way are blamed for nothing. */
static void test_cut_off(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (uint64_t seed = 1; seed <= TESTING_ROUNDS(4, 1); seed++) {
      struct begun begun;
      struct coordinator_outcome outcome;
      uint64_t draws = 1000 + seed;
      int jobs = 0;
      enum status status = STATUS_MPI;
      begin_case(i, &begun);
      while (status != STATUS_OK) {
        struct imagined im = {.seed = ++draws};
        if (seed > 1) im.stops_at = jobs ? 1 + draw_below(&draws, 120) : 1; /* first before any report */
        if (jobs++ > 200) im.stops_at = 0;
        status = run_job(&begun, group_counts[draw_below(&draws, 3)], &im, &outcome);
        if (status != STATUS_OK) assert_string_equal(status_message(), "the job is cut off");
        if (status != STATUS_OK && draw_below(&draws, 3)) { /* a kill, after which nobody says a word */
          ledger_close(&begun.ledger);
          assert_int_equal(rename(CUT_FILE, BEGUN_FILE), 0);
        }
        assert_int_equal(begun_again(&begun), 0);
      }
      assert_true(seed == 1 || jobs > 2);
      for (int64_t t = 0; t < begun.ledger.shape.trials; t++) assert_int_equal(begun.ledger.trial[t].failures, 0);
      check_results(&begun, &first);
      begun_free(&begun);
    }
    free(first.number);
  }
}

/* Asked to stop, trials end where they are; going on gives what there would have been. */
static void test_drain(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (int stops = 0; stops < 2; stops++) {
      struct begun begun;
      struct coordinator_outcome outcome;
      begin_case(i, &begun);
      stop_now = stops;
      struct imagined im = {.seed = 9};
      assert_ok(run_job(&begun, 5, &im, &outcome));
      assert_int_equal(outcome.end, stops ? COORDINATOR_DRAINED : COORDINATOR_COMPLETE);
      stop_now = false;
      if (stops) {
        int64_t preempted = 0;
        for (int64_t t = 0; t < begun.ledger.shape.trials; t++) {
          preempted += begun.ledger.trial[t].state == TRIAL_PREEMPTED;
          assert_true(begun.ledger.trial[t].state != TRIAL_RUNNING && begun.ledger.trial[t].failures == 0);
        }
        assert_true(preempted > 0);
        assert_int_equal(begun_again(&begun), 0);
        im = (struct imagined){.seed = 10};
        assert_ok(run_job(&begun, 2, &im, &outcome));
        assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
      }
      check_results(&begun, &first);
      begun_free(&begun);
    }
    free(first.number);
  }
}

static int64_t count_events(const struct ledger *ledger, enum event_kind kind) {
  int64_t count = 0;
  for (int64_t e = 0; e < ledger->events; e++) count += ledger->event[e].kind == kind;
  return count;
}

/* Jobs that end, one after the other: in which order things are run follows from it, and nothing else. In some of them
 * a whole way from rung to rung fits, in others none does. */
static void test_deadlines(void **state) {
  static const double lengths[] = {10, 20};
  (void)state;
  for (int i = 0; i < CASES; i++) {
    struct results first = {.number = NULL};
    for (int k = 0; k <= (int)TESTING_ROUNDS(2, 1); k++) {
      struct begun begun;
      struct coordinator_outcome outcome = {.end = COORDINATOR_DRAINED};
      int64_t jobs = 0, held = 0;
      begin_case(i, &begun);
      while (outcome.end == COORDINATOR_DRAINED) {
        struct imagined im = {.seed = 70 + (uint64_t)jobs, .tick = .03, .left = k > 0 ? lengths[k - 1] : 0};
        assert_true(jobs++ < 400);
        assert_ok(run_job(&begun, group_counts[jobs % 3], &im, &outcome));
        held += im.held;
        assert_true(im.left == 0 || im.time < im.left - RESERVE + 2);
        for (int g = 0; g < group_counts[jobs % 3]; g++) assert_true(!im.busy[g]);
        if (outcome.end == COORDINATOR_DRAINED) assert_int_equal(count_events(&begun.ledger, EVENT_DRAIN), jobs);
        assert_int_equal(begun_again(&begun), 0);
      }
      assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
      assert_true(k == 0 ? jobs == 1 : jobs > 1 || k > 1);
      assert_int_equal(held, 0);
      for (int64_t t = 0; t < begun.ledger.shape.trials; t++) assert_int_equal(begun.ledger.trial[t].failures, 0);
      check_results(&begun, &first);
      begun_free(&begun);
    }
    free(first.number);
  }
}

/* What cannot come to its rung any more is left for the next job, although groups are free and there is time for other
 * things: nobody has to stop midway, and the job ends when there is nothing else. Where no job is long enough for a way
 * from rung to rung, trials go it bit by bit. */
static void test_rungs_wait(void **state) {
  static const double lengths[] = {14, RESERVE + 1};
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    char text[1024];
    int64_t preempted = 0, jobs = 0, early = 0;
    snprintf(text, sizeof text, "%swindow: 4\nearly_terminate: {type: asha, min_iter: 3, eta: 3}\n", begun_square);
    begun_make(text, &begun);
    do {
      struct imagined im = {.seed = 5 + (uint64_t)jobs, .tick = .1, .left = lengths[i]};
      assert_ok(run_job(&begun, 2, &im, &outcome));
      preempted += im.preempted;
      early += outcome.end == COORDINATOR_DRAINED && im.time < im.left - RESERVE - im.tick;
      assert_int_equal(begun_again(&begun), 0);
      assert_true(++jobs < 400);
    } while (outcome.end == COORDINATOR_DRAINED);
    assert_true(jobs > 2);
    assert_true(i == 0 ? preempted < jobs && early > 0 : preempted > jobs);
    begun_free(&begun);
  }
}

/* A job without time for anything begins nothing; one that has none left does not begin again what it has stopped. */
static void test_too_short(void **state) {
  struct begun begun;
  struct coordinator_outcome outcome;
  struct imagined im = {.seed = 4, .tick = .1, .left = RESERVE - 1};
  (void)state;
  begun_make(begun_square, &begun);
  assert_ok(run_job(&begun, 5, &im, &outcome));
  assert_int_equal(outcome.end, COORDINATOR_DRAINED);
  assert_int_equal(im.orders, 0);
  assert_int_equal(count_events(&begun.ledger, EVENT_STARTED), 0);
  assert_int_equal(count_events(&begun.ledger, EVENT_DRAIN), 1);
  im = (struct imagined){.seed = 4, .tick = .1, .left = RESERVE + .15}; /* trials stop themselves at once */
  assert_ok(run_job(&begun, 2, &im, &outcome));
  assert_int_equal(outcome.end, COORDINATOR_DRAINED);
  for (int64_t t = 0; t < 60; t++)
    assert_true(begun.ledger.trial[t].starts <= 1 && begun.ledger.trial[t].failures == 0);
  begun_free(&begun);
}

/* Trials that know nothing of the end are told. */
static void test_told(void **state) {
  struct begun begun;
  struct coordinator_outcome outcome;
  struct imagined im = {.seed = 4, .tick = .1, .left = RESERVE + 1, .deaf = true};
  (void)state;
  begun_make(begun_square, &begun);
  assert_ok(run_job(&begun, 5, &im, &outcome));
  assert_int_equal(outcome.end, COORDINATOR_DRAINED);
  assert_true(im.preempted > 0);
  begun_free(&begun);
}

/* A process that ran trials itself has died with one, and the job has been requeued, or not. */
static void test_requeued(void **state) {
  static const struct {
    struct provenance_job before, now;
    bool blamed;
  } ways[] = {{{.id = 5}, {.id = 5, .restarts = 1}, false},
              {{.id = 5, .restarts = 2}, {.id = 5, .restarts = 7}, false},
              {{.id = 5}, {.id = 5}, true},
              {{.id = 5}, {.id = 6, .restarts = 1}, true},
              {{.id = 5}, {.id = 0}, true},
              {{.id = 0}, {.id = 0, .restarts = 1}, true}};
  (void)state;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    struct imagined im = {.seed = 4, .stops_at = 30};
    begun_make(begun_square, &begun);
    provenance_set_job(&ways[i].before);
    assert_int_equal(run_job(&begun, 1, &im, &outcome), STATUS_MPI);
    status_clear();
    ledger_close(&begun.ledger);
    assert_int_equal(rename(CUT_FILE, BEGUN_FILE), 0);
    assert_int_equal(begun_again(&begun), 0);
    int64_t lost = 0;
    while (begun.ledger.trial[lost].state != TRIAL_RUNNING) lost++;
    begun.ledger.trial[lost].group = -1;
    provenance_set_job(&ways[i].now);
    im = (struct imagined){.seed = 5};
    assert_ok(run_job(&begun, 1, &im, &outcome));
    assert_int_equal(begun.ledger.trial[lost].failures, ways[i].blamed);
    assert_int_equal(count_events(&begun.ledger, EVENT_DEATH), ways[i].blamed);
    assert_int_equal(begun_again(&begun), 0);
    assert_int_equal(begun.ledger.event[0].by.id, ways[i].before.id);
    assert_int_equal(begun.ledger.event[begun.ledger.events - 1].by.restarts, ways[i].now.restarts);
    begun_free(&begun);
  }
  provenance_set_job(&(struct provenance_job){.id = 0});
}

/* A trial that fails every time is failed after max_restarts; the others are what they are. */
static void test_failing(void **state) {
  struct begun begun;
  struct coordinator_outcome outcome;
  char text[1024];
  (void)state;
  snprintf(text, sizeof text, "%sresources: {max_restarts: 0}\n", begun_square);
  begun_make(text, &begun);
  struct imagined im = {.seed = 4, .failures = true};
  assert_ok(run_job(&begun, 5, &im, &outcome));
  assert_int_equal(im.orders, 60);
  for (int64_t t = 0; t < 60; t++) {
    const struct ledger_trial *row = &begun.ledger.trial[t];
    assert_int_equal(row->state, t % 8 == 2 ? TRIAL_FAILED : t % 11 == 7 ? TRIAL_DIVERGED : TRIAL_COMPLETE);
    assert_string_equal(row->reason, row->state == TRIAL_COMPLETE ? "" : "as imagined");
  }
  begun_free(&begun);
}

/* Budgets end a job that can go on with more. */
static void test_budgets(void **state) {
  static const char *const more[] = {"resources: {wall_time: 0.05}\n", "resources: {core_hours: 0.00001}\n"};
  static const enum coordinator_end ends[] = {COORDINATOR_DRAINED, COORDINATOR_BUDGET};
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    char text[1024];
    snprintf(text, sizeof text, "%s%s", begun_square, more[i]);
    begun_make(text, &begun);
    struct imagined im = {.seed = 4};
    assert_ok(run_job(&begun, 2, &im, &outcome));
    assert_int_equal(outcome.end, ends[i]);
    assert_true(im.orders > 2 && im.orders < 60);
    for (int64_t t = 0; t < 60; t++) assert_true(begun.ledger.trial[t].state != TRIAL_RUNNING);
    struct imagined later = {.seed = 5}; /* core-hours that are used up start nothing more */
    assert_ok(run_job(&begun, 2, &later, &outcome));
    assert_true(ends[i] == COORDINATOR_BUDGET ? later.orders == 0 : later.orders > 0);
    begun_free(&begun);
  }
}

/* Reports sit at their indices. One that comes again after a roll back takes the place of the first, and those behind
 * it, which are of a past that is not, go. */
static void test_roll_back(void **state) {
  enum { TRIAL = 5 };
  static const double expected[REPORTS] = {0, 1, 102, 103, NAN, NAN, NAN, NAN, NAN};
  struct begun begun;
  struct coordinator_outcome outcome;
  struct imagined im = {.seed = 4, .rolls_back = TRIAL};
  (void)state;
  begun_make(begun_square, &begun);
  assert_int_equal(begun.ledger.shape.reports, REPORTS);
  assert_ok(run_job(&begun, 3, &im, &outcome));
  for (int again = 0; again < 2; again++) { /* in memory, and in the file */
    const struct ledger *ledger = &begun.ledger;
    assert_int_equal(ledger->trial[TRIAL].state, TRIAL_COMPLETE);
    assert_int_equal(ledger->trial[TRIAL].reports, 4);
    assert_int_equal(ledger->trial[TRIAL].step, 4);
    assert_true(ledger->trial[TRIAL].value == 103);
    for (int64_t r = 0; r < REPORTS; r++) {
      const double found = ledger->validation[TRIAL * REPORTS + r];
      assert_true(found == expected[r] || (isnan(found) && isnan(expected[r])));
      assert_int_equal(ledger->report_step[TRIAL * REPORTS + r], r < 4 ? r + 1 : 0);
    }
    if (!again) assert_int_equal(begun_again(&begun), 0);
  }
  begun_free(&begun);
}

/* What a group says that has been given up is passed over: its trial is put back, to be run in a later job. */
static void test_given_up(void **state) {
  enum { TRIAL = 9 };
  struct results first = {.number = NULL};
  char text[1024];
  (void)state;
  snprintf(text, sizeof text, "%sresources: {trial_timeout: 0.3, grace: 0.2, max_restarts: 1}\n", begun_square);
  for (uint64_t seed = 1; seed <= TESTING_ROUNDS(6, 2); seed++) {
    struct begun begun;
    struct coordinator_outcome outcome;
    begun_make(text, &begun);
    struct imagined im = {.seed = seed, .mute = seed > 1 ? TRIAL : 0};
    assert_ok(run_job(&begun, 5, &im, &outcome));
    if (seed > 1) {
      const struct ledger_trial *row = &begun.ledger.trial[TRIAL];
      assert_int_equal(outcome.end, COORDINATOR_STUCK);
      for (int g = 0; g < 5; g++) assert_false(im.busy[g]); /* it has spoken */
      assert_int_equal(row->state, TRIAL_LOST);
      assert_int_equal(row->reports, 0);
      assert_int_equal(row->failures, 1);
      assert_non_null(strstr(row->reason, "reached no step boundary"));
      assert_int_equal(begun_again(&begun), 0);
      im = (struct imagined){.seed = 10 + seed};
      assert_ok(run_job(&begun, 2, &im, &outcome));
    }
    assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
    check_results(&begun, &first);
    begun_free(&begun);
  }
  free(first.number);
}

/* A metric that none of the first three trials knows ends the sweep, and one that any of them knows does not, whichever
 * trials happen to end first. */
static void test_unknown_metric(void **state) {
  static const int64_t knows[] = {1, 2, 3, 60};
  (void)state;
  for (size_t i = 0; i < sizeof knows / sizeof *knows; i++)
    for (uint64_t seed = 1; seed <= TESTING_ROUNDS(8, 2); seed++) {
      struct begun begun;
      struct coordinator_outcome outcome;
      struct imagined im = {.seed = seed, .nobody_knows = true, .knows = knows[i]};
      begun_make(begun_square, &begun);
      const enum status status = run_job(&begun, seed % 2 ? 8 : 3, &im, &outcome);
      if (knows[i] < 3) {
        assert_ok(status);
        assert_int_equal(outcome.end, COORDINATOR_COMPLETE);
      } else {
        assert_int_equal(status, STATUS_CONFIG);
        assert_non_null(strstr(status_message(), "no trial reports the metric loss"));
        status_clear();
      }
      begun_free(&begun);
    }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orders),     cmocka_unit_test(test_cut_off),        cmocka_unit_test(test_drain),
      cmocka_unit_test(test_failing),    cmocka_unit_test(test_budgets),        cmocka_unit_test(test_roll_back),
      cmocka_unit_test(test_given_up),   cmocka_unit_test(test_unknown_metric), cmocka_unit_test(test_deadlines),
      cmocka_unit_test(test_rungs_wait), cmocka_unit_test(test_too_short),      cmocka_unit_test(test_told),
      cmocka_unit_test(test_requeued)};
  if (ranks_begin(argc, argv)) return 1;
  log_scope("", false); /* what coordinators say */
  return ranks_end(cmocka_run_group_tests_name("sweep.coordinator", tests, NULL, NULL));
}
