/* Sweep files that are right: what they say, and what follows from it. */
#include "sample.h"
#include "sweep/early.h"

static const struct space_parameter *find(const struct sweep *sweep, const char *name) {
  for (int i = 0; i < sweep->space.count; ++i)
    if (strcmp(sweep->space.parameter[i].name, name) == 0) return &sweep->space.parameter[i];
  fail_msg("no parameter %s", name);
  return NULL;
}

/* A file that Weights & Biases takes (schema.json of wandb/sweeps), in its words alone. */
static void of_wandb(void **state) {
  (void)state;
  const char *text =
      "program: train.py\n"
      "command:\n"
      "  - ${env}\n"
      "  - python\n"
      "project: p\n"
      "entity: e\n"
      "name: pendulum\n"
      "description: of learning rates\n"
      "method: bayes\n"
      "metric: {name: val_loss, goal: minimize, target: 1e-4, impute: best, impute_while_running: false}\n"
      "early_terminate: {type: hyperband, max_iter: 27, s: 2, eta: 3}\n"
      "run_cap: 20\n"
      "parameters:\n"
      "  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-2}\n"
      "  batch: {values: [4, 8, 16], probabilities: [0.5, 0.25, 0.25]}\n"
      "  model:\n"
      "    parameters:\n"
      "      integrator:\n"
      "        parameters:\n"
      "          name: {values: [leapfrog, rk4]}\n"
      "          substeps: {min: 1, max: 3}\n"
      "  beta: {min: 0.5, max: 2}\n"
      "  data.file: {value: a b.h5}\n";
  const char *renames[] = {"val_loss=mse", "lr=optimizer.learning_rate", "batch=train.batch", "beta=objective.beta"};
  const struct sweep_options options = {.base_path = "b.yaml",
                                        .base_text = sample_hgn,
                                        .base_bytes = sizeof sample_hgn - 1,
                                        .rename = renames,
                                        .renames = 4};
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX];
  assert_ok(sweep_parse("s.yaml", text, strlen(text), &options, &sweep, notice));
  assert_string_equal(notice, "s.yaml: these keys mean nothing here: program, command, project, entity");
  assert_string_equal(sweep->name, "pendulum");
  assert_string_equal(sweep->base_path, "b.yaml");
  assert_string_equal(sweep->method_name, "bayes");
  assert_ptr_equal(sweep->method, &method_bayes);
  assert_int_equal(sweep->metrics, 1);
  assert_string_equal(sweep->metric[0].name, "mse");
  assert_string_equal(sweep->metric[0].given, "val_loss");
  assert_true(sweep->metric[0].target == 1e-4 && !sweep->metric[0].maximize);
  assert_string_equal(sweep->metric[0].impute, "best");
  assert_string_equal(sweep->early.type, "hyperband");
  assert_true(sweep->early.max_iter == 27 && sweep->early.s == 2 && sweep->early.eta == 3 && sweep->early.strict);
  assert_int_equal(sweep->run_cap, 20);
  assert_int_equal(sweep->space.count, 6);
  const struct space_parameter *rate = find(sweep, "optimizer.learning_rate");
  assert_string_equal(rate->given, "lr");
  assert_int_equal(rate->distribution.kind, DISTRIBUTION_LOG_UNIFORM_VALUES);
  assert_true(rate->distribution.least == 1e-5 && rate->distribution.most == 1e-2 && !rate->whole && !rate->choice);
  const struct space_parameter *batch = find(sweep, "train.batch");
  assert_int_equal(batch->distribution.kind, DISTRIBUTION_CATEGORICAL_W_PROBABILITIES);
  assert_true(batch->distribution.count == 3 && batch->distribution.probability[2] == .25 && batch->whole);
  assert_string_equal(batch->choice[2].text, "16");
  assert_true(batch->choice[2].number == 16);
  const struct space_parameter *name = find(sweep, "model.integrator.name");
  assert_int_equal(name->distribution.kind, DISTRIBUTION_CATEGORICAL);
  assert_string_equal(name->given, "model.integrator.name");
  assert_true(isnan(name->choice[0].number));
  assert_int_equal(find(sweep, "model.integrator.substeps")->distribution.kind, DISTRIBUTION_INT_UNIFORM);
  assert_int_equal(find(sweep, "objective.beta")->distribution.kind, DISTRIBUTION_UNIFORM);
  assert_int_equal(find(sweep, "data.file")->distribution.kind, DISTRIBUTION_CONSTANT);
  assert_string_equal(find(sweep, "data.file")->choice[0].text, "\"a b.h5\"");
  sweep_destroy(&sweep);
  assert_null(sweep);
}

/* All eighteen distributions, each with what W&B says where nothing is given. */
static void distributions(void **state) {
  (void)state;
  const char *const lines[] = {"{value: 2}",
                               "{values: [1, 2]}",
                               "{values: [1, 2], probabilities: [0.5, 0.5]}",
                               "{min: 1, max: 9}",
                               "{min: 1, max: 9.5}",
                               "{distribution: q_uniform, min: 1, max: 9}",
                               "{distribution: log_uniform, min: -2, max: 2}",
                               "{distribution: log_uniform_values, min: 1, max: 9}",
                               "{distribution: q_log_uniform, min: -2, max: 2}",
                               "{distribution: q_log_uniform_values, min: 1, max: 9, q: 2}",
                               "{distribution: inv_log_uniform, min: -2, max: 2}",
                               "{distribution: inv_log_uniform_values, min: 1, max: 9}",
                               "{distribution: normal}",
                               "{distribution: q_normal, mu: 3, sigma: 2}",
                               "{distribution: log_normal}",
                               "{distribution: q_log_normal}",
                               "{distribution: beta}",
                               "{distribution: q_beta, a: 2, b: 3, q: 0.25}"};
  for (int kind = 0; kind < DISTRIBUTION_COUNT; ++kind) {
    char text[256];
    snprintf(text, sizeof text, "method: random\nrun_cap: 9\nmetric: {name: loss}\nparameters: {synthetic.x: %s}\n",
             lines[kind]);
    struct sweep *sweep = sample_load(sample_synthetic, text);
    const struct distribution *d = &sweep->space.parameter[0].distribution;
    assert_int_equal(d->kind, kind);
    if (!distribution_is_choice(d->kind)) {
      assert_true(d->q == (kind == DISTRIBUTION_Q_LOG_UNIFORM_VALUES ? 2 : kind == DISTRIBUTION_Q_BETA ? .25 : 1));
      assert_true(d->mu == (kind == DISTRIBUTION_Q_NORMAL ? 3 : 0));
      assert_true(d->sigma == (kind == DISTRIBUTION_Q_NORMAL ? 2 : 1));
      assert_true(d->a == (kind == DISTRIBUTION_Q_BETA ? 2 : 1) && d->b == (kind == DISTRIBUTION_Q_BETA ? 3 : 1));
    }
    sweep_destroy(&sweep);
  }
}

/* sample_full, with names as they are in it. */
static struct sweep *load_full(char notice[SWEEP_NOTICE_MAX]) {
  const char *renames[] = {"substeps=model.integrator.substeps", "batch=train.batch"};
  struct sweep_options options = {.base_path = "b.yaml",
                                  .base_text = sample_hgn,
                                  .base_bytes = sizeof sample_hgn - 1,
                                  .rename = renames,
                                  .renames = 2};
  struct sweep *sweep;
  assert_ok(sweep_parse("s.yaml", sample_full, sizeof sample_full - 1, &options, &sweep, notice));
  return sweep;
}

static void everything(void **state) {
  (void)state;
  char notice[SWEEP_NOTICE_MAX];
  struct sweep *sweep = load_full(notice);
  assert_string_equal(notice, "");
  assert_ptr_equal(sweep->method, &method_sobol);
  assert_string_equal(sweep->metric[0].name, "energy_drift");
  assert_true(sweep->metric[0].maximize && isnan(sweep->metric[0].target));
  assert_true(sweep->run_cap == 12 && sweep->repeats == 3 && sweep->confirm == 2 && sweep->seed == 7);
  assert_true(sweep->arrival && sweep->window == 5);
  const struct sweep_resources *r = &sweep->resources;
  assert_true(r->ranks_per_trial == 2 && r->trial_timeout == 1800 && r->grace == 9 && r->max_restarts == 4);
  assert_true(r->nan_fails && r->core_hours == 1.5 && r->wall_time == 7200 && r->checkpoint_bytes == 2147483648);
  const struct sweep_slurm *s = &sweep->slurm;
  assert_true(s->array == 8 && s->parallelism == 4 && s->timeout_min == 120 && s->signal_delay_s == 60);
  assert_true(!s->requeue && s->max_num_timeout == 9);
  assert_int_equal(sweep->prepares, 2);
  const char *const words[] = {"simulate", "data/pendulum.yaml", "-o", "a b.h5", "--set", "x=1"};
  assert_int_equal(sweep->prepare[0].words, 6);
  for (int i = 0; i < 6; ++i) assert_string_equal(sweep->prepare[0].word[i], words[i]);
  assert_int_equal(sweep->prepare[1].words, 2);
  assert_string_equal(sweep->prepare[1].word[1], "a b.h5");
  sweep_destroy(&sweep);
}

/* All members of all generations, and what is not given; constants may be of any key. */
static void populations(void **state) {
  (void)state;
  const char *const head = "method: pbt\nmetric: {name: mse}\nparameters:\n  train.batch: {value: 8}\n"
                           "  optimizer.learning_rate: {min: 0.1, max: 0.5}\n  objective.beta: {values: [1, 2]}\n";
  char with[1024], *text;
  struct sweep *sweep = sample_load(sample_hgn, head);
  assert_int_equal(sweep->reports, 4);
  assert_int_equal(sweep->run_cap, 8 * 4);
  assert_ok(sweep_text(sweep, &text));
  assert_non_null(
      strstr(text, "method: pbt\npbt: {population: 8, every: 1, quantile: 0.25, factor: 1.2, resample: 0.25}\n"));
  assert_non_null(strstr(text, "\nrun_cap: 32\n"));
  free(text);
  sweep_destroy(&sweep);
  snprintf(with, sizeof with,
           "%srun_cap: 10\npbt: {population: 5, every: 2, quantile: 0.5, factor: 1, resample: 0}\nenqueue:\n"
           "  - {train.batch: 8, optimizer.learning_rate: 0.2, objective.beta: 2}\n",
           head);
  sweep = sample_load(sample_hgn, with);
  const struct method_population *p = &sweep->population;
  assert_true(p->size == 5 && p->every == 2 && p->quantile == 0.5 && p->factor == 1 && p->resample == 0);
  assert_int_equal(sweep->run_cap, 10);
  sweep_destroy(&sweep);
}

static void conditions(void **state) {
  (void)state;
  char notice[SWEEP_NOTICE_MAX];
  struct sweep *sweep = load_full(notice);
  const struct space *space = &sweep->space;
  const int order[] = {1, 2, 3, 0, 4}; /* substeps wait for what they look at */
  for (int i = 0; i < 5; ++i) assert_int_equal(space->order[i], order[i]);
  assert_int_equal(space->parameter[0].conditions, 2);
  assert_int_equal(space->parameter[0].condition[0].parameter, 2);
  assert_int_equal(space->parameter[0].condition[0].count, 2);
  assert_true(space->parameter[0].condition[0].value[0] == 1 && space->parameter[0].condition[0].value[1] == 0);
  assert_true(space->parameter[0].condition[1].parameter == 3 && space->parameter[0].condition[1].value[0] == 1);
  assert_int_equal(sweep->enqueues, 2);
  const double first[] = {(double)NAN, 1e-3, 2, 0, 0}, second[] = {1, 1e-3, 1, 1, 0};
  assert_true(space_equal(space, sweep->enqueued, first));
  assert_true(space_equal(space, sweep->enqueued + 5, second));
  sweep_destroy(&sweep);
}

static void trials(void **state) {
  (void)state;
  char notice[SWEEP_NOTICE_MAX];
  struct sweep *sweep = load_full(notice);
  struct config *config;
  assert_ok(sweep_trial_config(sweep, sweep->enqueued + 5, 77, &config));
  const struct experiment *e = config_experiment(config);
  assert_true(e->seed == 77 && e->training.train.batch == 8 && e->training.optimizer.learning_rate == 1e-3);
  assert_true(e->training.model.integrator.substeps == 2 && e->training.model.integrator.name == FLOW_RK4);
  assert_true(e->training.model.decoder.channels.count == 2 && e->training.train.steps == 100);
  config_destroy(&config);
  assert_ok(sweep_trial_config(sweep, sweep->enqueued, 78, &config));
  assert_int_equal(config_experiment(config)->training.model.integrator.substeps, /* the base's */
                   config_experiment(sweep->base)->training.model.integrator.substeps);
  config_destroy(&config);
  sweep_destroy(&sweep);

  const char *text = "method: random\nrun_cap: 3\nmetric: {name: mse}\nparameters: {seed: {min: 5, max: 5},\n"
                     "  model.integrator.name: {values: [rk4, implicit_midpoint]}}\n";
  sweep = sample_load(sample_hgn, text);
  const double good[] = {5, 0}, bad[] = {5, 1};
  assert_ok(sweep_trial_config(sweep, good, 77, &config));
  assert_int_equal(config_experiment(config)->seed, 5); /* searched, so it is not the harness's */
  config_destroy(&config);
  assert_status(STATUS_CONFIG, sweep_trial_config(sweep, bad, 77, &config)); /* for a joint H alone */
  assert_null(config);
  sweep_destroy(&sweep);
}

static void constraints(void **state) {
  (void)state;
  char notice[SWEEP_NOTICE_MAX];
  struct sweep *sweep = load_full(notice);
  const double good[] = {0, 1e-3, 0, 1, 0}, fast[] = {0, 1e-2, 0, 2, 0}, absent[] = {0, (double)NAN, 0, 1, 0};
  const char *const names[] = {"mse", "energy_drift"};
  const double calm[] = {1, .4}, wild[] = {1, .6}, none[] = {1, (double)NAN};
  assert_null(sweep_violates(sweep, good));
  assert_string_equal(sweep_violates(sweep, fast), "train.batch * lr < 0.1");
  assert_null(sweep_violates(sweep, absent)); /* what does not take part breaks nothing */
  assert_null(sweep_violates_score(sweep, good, names, calm, 2));
  assert_string_equal(sweep_violates_score(sweep, good, names, wild, 2), "drift < 0.5 or train.batch == 16");
  assert_string_equal(sweep_violates_score(sweep, good, names, none, 2), "drift < 0.5 or train.batch == 16");
  assert_non_null(sweep_violates_score(sweep, good, names, calm, 1));
  assert_null(sweep_violates_score(sweep, fast, names, wild, 2));
  sweep_destroy(&sweep);
}

/* What is given though it does not take part is not part of the point; what has no finite value does not hold. */
static void not_there(void **state) {
  (void)state;
  struct sweep *sweep =
      sample_load(sample_hgn, "method: random\nrun_cap: 3\nmetric: {name: mse}\nparameters:\n"
                              "  train.batch: {values: [4, 8]}\n"
                              "  model.integrator.substeps: {min: 1, max: 3, when: {train.batch: 8}}\n"
                              "enqueue: [{train.batch: 4, model.integrator.substeps: 2}]\n"
                              "constraints: [\"1 / (train.batch - 4)\"]\n");
  const double expected[] = {0, (double)NAN}, good[] = {1, 2};
  assert_true(space_equal(&sweep->space, sweep->enqueued, expected));
  assert_non_null(sweep_violates(sweep, expected));
  assert_null(sweep_violates(sweep, good));
  sweep_destroy(&sweep);
}

static void texts(void **state) {
  (void)state;
  char notice[SWEEP_NOTICE_MAX], differences[512];
  char *text, *other;
  struct sweep *sweep = load_full(notice);
  assert_ok(sweep_text(sweep, &text));
  assert_string_equal(
      text,
      "method: sobol\n"
      "metric: {name: energy_drift, goal: maximize, impute: worst}\n"
      "parameters: [model.integrator.substeps, optimizer.learning_rate, model.integrator.name, train.batch, "
      "model.decoder.channels]\n"
      "parameters.model.integrator.substeps: {distribution: categorical, values: [1, 2], when: "
      "{model.integrator.name: [rk4, leapfrog], train.batch: [8]}}\n"
      "parameters.optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-05, max: 0.01}\n"
      "parameters.model.integrator.name: {distribution: categorical, values: [leapfrog, rk4, yoshida4]}\n"
      "parameters.train.batch: {distribution: categorical, values: [4, 8, 16]}\n"
      "parameters.model.decoder.channels: {distribution: constant, values: [[8, 8]]}\n"
      "constraints.1: train.batch * lr < 0.1; where lr is optimizer.learning_rate\n"
      "constraints.2: drift < 0.5 or train.batch == 16; where drift is energy_drift\n"
      "run_cap: 12\n"
      "repeats: 3\n"
      "confirm: 2\n"
      "seed: 7\n"
      "order: arrival\n"
      "window: 5\n"
      "on_nan: fail\n"
      "prepare.1: [\"simulate\", \"data/pendulum.yaml\", \"-o\", \"a b.h5\", \"--set\", \"x=1\"]\n"
      "prepare.2: [\"limit\", \"a b.h5\"]\n"
      "enqueue.1: {model.integrator.substeps: -, optimizer.learning_rate: 0.001, model.integrator.name: yoshida4, "
      "train.batch: 4, model.decoder.channels: [8, 8]}\n"
      "enqueue.2: {model.integrator.substeps: 2, optimizer.learning_rate: 0.001, model.integrator.name: rk4, "
      "train.batch: 8, model.decoder.channels: [8, 8]}\n");
  assert_int_equal(sweep_differences(text, text, differences, sizeof differences), 0);
  assert_string_equal(differences, "");
  sweep->run_cap = 24;
  sweep->resources.ranks_per_trial = 4; /* what is paid for it is not what it is */
  sweep->constraints = 1;
  assert_ok(sweep_text(sweep, &other));
  sweep->constraints = 2;
  assert_int_equal(sweep_differences(text, other, differences, sizeof differences), 2);
  assert_string_equal(differences, "constraints.2: drift < 0.5 or train.batch == 16; where drift is energy_drift, now "
                                   "not given; run_cap: 12, now 24");
  assert_int_equal(sweep_differences(other, text, differences, sizeof differences), 2);
  assert_string_equal(differences, "run_cap: 24, now 12; constraints.2: not given, now drift < 0.5 or train.batch == "
                                   "16; where drift is energy_drift");
  assert_int_equal(sweep_differences(other, text, differences, 9), 2);
  assert_string_equal(differences, "run_cap:");
  free(text);
  free(other);
  sweep_destroy(&sweep);
}

/* Without run_cap grid knows its end; of any method --run-cap wins. */
static void caps(void **state) {
  (void)state;
  const char *text = "method: grid\nmetric: {name: mse}\nparameters:\n"
                     "  train.batch: {values: [4, 8, 16]}\n"
                     "  model.integrator.substeps: {min: 1, max: 4, when: {train.batch: [4, 8]}}\n"
                     "  objective.beta: {distribution: q_uniform, min: 1, max: 2, q: 0.5}\n";
  struct sweep *sweep = sample_load(sample_hgn, text);
  assert_int_equal(sweep->run_cap, (4 + 4 + 1) * 3);
  sweep_destroy(&sweep);
  struct sweep_options options = {
      .base_path = "b.yaml", .base_text = sample_hgn, .base_bytes = sizeof sample_hgn - 1, .run_cap = 5};
  char notice[SWEEP_NOTICE_MAX];
  assert_ok(sweep_parse("s.yaml", text, strlen(text), &options, &sweep, notice));
  assert_int_equal(sweep->run_cap, 5);
  sweep_destroy(&sweep);
}

static int64_t reports_of(const char *parameters) {
  char text[512];
  snprintf(text, sizeof text, "method: random\nrun_cap: 9\nmetric: {name: mse}\nparameters: {%s}\n", parameters);
  struct sweep *sweep = sample_load(sample_hgn, text);
  const int64_t reports = sweep->reports;
  sweep_destroy(&sweep);
  return reports;
}

static void reports(void **state) {
  (void)state;
  assert_int_equal(reports_of("train.batch: {value: 4}"), 4); /* 100 steps, each 30 */
  assert_int_equal(reports_of("train.steps: {values: [50, 200, 100]}"), 7);
  assert_int_equal(reports_of("train.steps: {min: 10, max: 61}"), 3);
  assert_int_equal(reports_of("eval.every: {values: [0, 50, 20]}"), 5);
  assert_int_equal(reports_of("eval.every: {value: 0}"), 1);
  assert_int_equal(reports_of("eval.every: {min: 0, max: 50}"), 100);
  assert_int_equal(reports_of("eval.every: {values: [7, 9]}, train.steps: {value: 28}"), 4);
}

static void check_rungs(const char *early, int count, const int64_t *expected) {
  char text[512];
  int64_t rung[300];
  snprintf(text, sizeof text,
           "method: random\nrun_cap: 9\nmetric: {name: mse}\nparameters:\n"
           "  train.steps: {value: 300}\n  eval.every: {value: 1}\n%s\n",
           early);
  struct sweep *sweep = sample_load(sample_hgn, text);
  assert_int_equal(early_rungs(sweep, NULL), count);
  assert_int_equal(early_rungs(sweep, rung), count);
  for (int i = 0; i < count; ++i) assert_int_equal(rung[i], expected[i]);
  sweep_destroy(&sweep);
}

static void rungs(void **state) {
  (void)state;
  check_rungs("", 0, NULL);
  check_rungs("early_terminate: {type: hyperband, min_iter: 3}", 5, (int64_t[]){3, 9, 27, 81, 243});
  check_rungs("early_terminate: {type: hyperband, max_iter: 27, s: 2}", 2, (int64_t[]){3, 9});
  check_rungs("early_terminate: {type: hyperband, max_iter: 100, s: 9}", 4, (int64_t[]){1, 3, 11, 33});
  check_rungs("early_terminate: {type: asha, min_iter: 4, max_iter: 256, eta: 4}", 3, (int64_t[]){4, 16, 64});
  check_rungs("early_terminate: {type: asha, min_iter: 1, max_iter: 5, eta: 1.5}", 3, (int64_t[]){1, 2, 3});
  check_rungs("early_terminate: {type: asha, min_iter: 100, max_iter: 2000, eta: 3}", 1, (int64_t[]){100});
  int64_t every[299];
  for (int k = 0; k < 299; k++) every[k] = k + 1;
  check_rungs("early_terminate: {type: median, min_iter: 4}", 299, every);
}

/* What is right, and surely not meant. */
static void warnings(void **state) {
  (void)state;
  const char *head = "method: random\nrun_cap: 9\nmetric: {name: mse}\n";
  char text[512];
  snprintf(text, sizeof text,
           "%sparameters:\n  optimizer.learning_rate: {distribution: log_uniform, min: 1e-5, max: "
           "0.01}\nrename: {lr: optimizer.learning_rate}\nkind: sweep\n",
           head);
  struct sweep *sweep =
      sample_notice(sample_hgn, text,
                    "s.yaml:5:61: optimizer.learning_rate: min and max of log_uniform are natural exponents, so values "
                    "are between 1 and 1.01; did you mean log_uniform_values?\n"
                    "s.yaml:6:10: rename: there is no parameter or metric \"lr\" in this file\n"
                    "s.yaml: these keys mean nothing here: kind");
  sweep_destroy(&sweep);
  snprintf(text, sizeof text,
           "%sparameters:\n  optimizer.learning_rate: {distribution: log_uniform, min: -11, max: "
           "-4.6}\n",
           head);
  sweep = sample_load(sample_hgn, text);
  sweep_destroy(&sweep);
}

/* The command line's names win over the file's. */
static void renames(void **state) {
  (void)state;
  const char *text = "method: random\nrun_cap: 9\nmetric: {name: loss}\nrename: {loss: kl, x: train.batch}\n"
                     "parameters: {x: {values: [1, 2]}}\n";
  const char *words[] = {"x=model.integrator.substeps"};
  struct sweep_options options = {.base_path = "b.yaml",
                                  .base_text = sample_hgn,
                                  .base_bytes = sizeof sample_hgn - 1,
                                  .rename = words,
                                  .renames = 1};
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX];
  assert_ok(sweep_parse("s.yaml", text, strlen(text), &options, &sweep, notice));
  assert_string_equal(sweep->metric[0].name, "kl");
  assert_string_equal(sweep->space.parameter[0].name, "model.integrator.substeps");
  sweep_destroy(&sweep);
}

/* YAML 1.1 takes 1e-4 for a text. */
static void numbers(void **state) {
  (void)state;
  struct sweep *sweep = sample_load(sample_hgn, "method: random\nrun_cap: 9\nmetric: {name: mse}\nparameters:\n"
                                                "  optimizer.learning_rate: {values: [1e-4, .5, 3e3]}\n");
  const double expected[] = {1e-4, .5, 3000};
  for (int i = 0; i < 3; ++i) assert_true(sweep->space.parameter[0].choice[i].number == expected[i]);
  sweep_destroy(&sweep);
}

static void several_metrics(void **state) {
  (void)state;
  struct sweep *sweep = sample_load(sample_hgn, "method: random\nrun_cap: 9\nparameters: {train.batch: {value: 4}}\n"
                                                "metrics: [{name: mse}, {name: vpt, goal: maximize}]\n");
  assert_int_equal(sweep->metrics, 2);
  assert_true(!sweep->metric[0].maximize && sweep->metric[1].maximize);
  sweep_destroy(&sweep);
}

static void base_path(void **state) {
  (void)state;
  char base[1024];
  assert_ok(sweep_base_path("s.yaml", sample_full, sizeof sample_full - 1, base));
  assert_string_equal(base, "sub/b.yaml");
  assert_ok(sweep_base_path("s.yaml", "method: x\n", 10, base));
  assert_string_equal(base, "");
  assert_status(STATUS_CONFIG, sweep_base_path("s.yaml", "a: [", 4, base));
  assert_status(STATUS_CONFIG, sweep_base_path("s.yaml", "base: ~/b.yaml\n", 15, base));
  assert_string_equal(status_message(),
                      "s.yaml:1:7: base: found \"~/b.yaml\" (~ is the shell's, and not expanded here), "
                      "expected the name of a file");
  struct sweep_options options = {.base_text = sample_hgn, .base_bytes = sizeof sample_hgn - 1};
  const char *text = "base: c.yaml\nmethod: random\nrun_cap: 9\nmetric: {name: mse}\nparameters: {seed: {value: 1}}\n";
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX];
  assert_ok(sweep_parse("s.yaml", text, strlen(text), &options, &sweep, notice));
  assert_string_equal(sweep->base_path, "c.yaml");
  sweep_destroy(&sweep);
}

/* A sweep as an editor on Windows and a Python program write it. */
static void foreign_spelling(void **state) {
  (void)state;
  struct sweep *sweep = sample_load(sample_hgn, "\xef\xbb\xbfmethod: grid\r\nmetric: {name: mse}\r\n"
                                                "parameters:\r\n  model.latent.sampled: {values: [True, FALSE]}\r\n"
                                                "slurm: {requeue: False}\r\n");
  assert_int_equal(sweep_configurations(sweep, 0), 2);
  assert_false(sweep->slurm.requeue);
  sweep_destroy(&sweep);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_wandb),    cmocka_unit_test(distributions),
      cmocka_unit_test(everything),  cmocka_unit_test(conditions),
      cmocka_unit_test(populations), cmocka_unit_test(trials),
      cmocka_unit_test(constraints), cmocka_unit_test(texts),
      cmocka_unit_test(not_there),   cmocka_unit_test(caps),
      cmocka_unit_test(reports),     cmocka_unit_test(rungs),
      cmocka_unit_test(warnings),    cmocka_unit_test(renames),
      cmocka_unit_test(numbers),     cmocka_unit_test(several_metrics),
      cmocka_unit_test(base_path),   cmocka_unit_test(foreign_spelling),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
