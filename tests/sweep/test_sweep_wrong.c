/* Wrong sweep files: each is refused with its place, what was found and what was expected. */
#include "sample.h"

/* Its parameters are in line 5. */
#define HEAD                                                                                                           \
  "method: random\n"                                                                                                   \
  "metric: {name: mse}\n"                                                                                              \
  "run_cap: 10\n"                                                                                                      \
  "parameters:\n"
#define GOOD HEAD "  train.batch: {values: [4, 8]}\n"

/* A wrong parameter, or lines behind good ones (from line 6). */
static void parameter(const char *line, const char *message) {
  char text[4096];
  snprintf(text, sizeof text, HEAD "  %s\n", line);
  sample_refuse(sample_hgn, text, message);
}

static void more(const char *lines, const char *message) {
  char text[4096];
  snprintf(text, sizeof text, GOOD "%s\n", lines);
  sample_refuse(sample_hgn, text, message);
}

static void keys(void **state) {
  (void)state;
  more("paramters: 3", "s.yaml:6:1: unknown key \"paramters\"; did you mean \"parameters\"?");
  more("scheduler: {engine: wandb}", "s.yaml:6:1: \"scheduler\" names a search program of one's own, which is not run "
                                     "here; expected a method alone");
  more("job: a", "s.yaml:6:1: \"job\" names a job of W&B Launch, which is not run here: trials are runs of the base "
                 "experiment");
  more("image_uri: a", "s.yaml:6:1: \"image_uri\" names an image of W&B Launch, which is not run here: trials are runs "
                       "of the base experiment");
  more("run_cap: 3", "s.yaml:6:1: duplicate key \"run_cap\", first at s.yaml:3:1");
  sample_refuse(sample_hgn, "", "s.yaml:1:1: nothing in this file, expected a sweep: method, metric, parameters");
  sample_refuse(sample_hgn, "[1]", "s.yaml:1:1: a sweep: found a sequence of 1, expected a mapping of its keys");
  sample_refuse(sample_hgn, "seed: 1\n",
                "s.yaml:1:1: missing key \"method\": expected one of grid, random, sobol, lhs\n"
                "s.yaml:1:1: missing key \"parameters\": expected a mapping of keys of the experiment, each with "
                "values, or min and max\n"
                "s.yaml:1:1: missing key \"metric\": expected a mapping {name: a score, goal: minimize or maximize}");
}

static void methods(void **state) {
  (void)state;
  const char *rest = "metric: {name: mse}\nrun_cap: 9\nparameters: {train.batch: {values: [4]}}\n";
  char text[512];
  snprintf(text, sizeof text, "method: sobl\n%s", rest);
  sample_refuse(sample_hgn, text,
                "s.yaml:1:9: method: found \"sobl\", expected one of grid, random, sobol, lhs, tpe, bayes, cmaes, pbt; "
                "did you mean \"sobol\"?");
  snprintf(text, sizeof text, "method: custom\n%s", rest);
  sample_refuse(sample_hgn, text,
                "s.yaml:1:9: method: \"custom\" is a search program of one's own, which is not run "
                "here; expected one of grid, random, sobol, lhs");
  sample_refuse(sample_hgn, "method: random\nmetric: {name: mse}\nparameters: {train.batch: {values: [4]}}\n",
                "s.yaml:1:1: missing key \"run_cap\": expected how many configurations are tried, since other methods "
                "than grid have no end");
}

/* How often a trial is evaluated follows from keys that may be parameters. */
static void evaluations(void **state) {
  (void)state;
  parameter("train.steps: {values: [100, 100000000]}",
            "s.yaml:5:3: a trial may be evaluated 3333334 times (train.steps "
            "/ eval.every); expected at most 1000000");
}

static void grids(void **state) {
  (void)state;
  sample_refuse(sample_hgn, "method: grid\nmetric: {name: mse}\nparameters:\n  objective.beta: {min: 0.5, max: 1.5}\n",
                "s.yaml:4:3: objective.beta: grid goes through all values, but there is no end of those of uniform; "
                "expected values, int_uniform or a distribution with q and bounds");
  sample_refuse(sample_hgn, "method: grid\nmetric: {name: mse}\nparameters:\n  seed: {min: 1, max: 100000000}\n",
                "s.yaml:4:3: the grid has more than 10000000 points; expected run_cap, or fewer values");
}

static void metrics(void **state) {
  (void)state;
  const char *rest = "method: random\nrun_cap: 9\nparameters: {train.batch: {values: [4]}}\n";
  char text[512];
  snprintf(text, sizeof text, "metric: {name: mes}\n%s", rest);
  sample_refuse(sample_hgn, text, "s.yaml:1:16: metric: unknown score \"mes\"; did you mean \"mse\"?");
  snprintf(text, sizeof text, "metric: {name: val_loss, goal: minimise}\n%s", rest);
  sample_refuse(
      sample_hgn, text,
      "s.yaml:1:16: metric: unknown score \"val_loss\", expected one of mse, mse_error, unseen, unseen_error, "
      "excess, excess_error, kl, energy_variation, energy_drift, reversal_state, reversal_pixels, vpt, r2, "
      "over_floor, over_limit, unseen_over_limit, paired_over_limit, paired_over_limit_error, valid, coverage, "
      "coverage_floor; rename: {val_loss: mse} says which it stands for\n"
      "s.yaml:1:32: metric.goal: found \"minimise\", expected one of minimize, maximize; did you mean "
      "\"minimize\"?");
  snprintf(text, sizeof text, "metric: {goal: minimize}\n%s", rest);
  sample_refuse(sample_hgn, text, "s.yaml:1:9: missing key \"name\" of metric: expected a score");
  snprintf(text, sizeof text, "metric: {name: mse, target: .inf}\n%s", rest);
  sample_refuse(sample_hgn, text,
                "s.yaml:1:29: metric.target: found \".inf\", expected a real number; numbers are finite here");
  snprintf(text, sizeof text, "metric: {name: mse}\nmetrics: [{name: kl}]\n%s", rest);
  sample_refuse(sample_hgn, text, "s.yaml:2:10: metrics: expected either metric or metrics");
  snprintf(text, sizeof text, "metrics: [{name: mse}, {name: kl}]\nearly_terminate: {type: asha, min_iter: 1}\n%s",
           rest);
  sample_refuse(sample_hgn, text,
                "s.yaml:2:18: early_terminate judges by one metric; expected metric in the place of metrics, or no "
                "early_terminate");
  sample_refuse(sample_hgn,
                "method: lhs\nrun_cap: 9\nmetrics:\n  - {name: mse}\n  - {name: kl}\n"
                "parameters: {train.batch: {values: [4]}}\n",
                "s.yaml:4:3: metrics: method lhs takes one metric; random, sobol and tpe take several");
  snprintf(text, sizeof text, "metric: {name: mse}\n%s", rest);
  sample_refuse(sample_synthetic, text,
                "s.yaml:1:16: metric: unknown score \"mse\", expected one of loss; rename: {mse: loss} says which it "
                "stands for");
}

static void names(void **state) {
  (void)state;
  parameter("optimizer.learning_rat: {values: [1]}",
            "s.yaml:5:3: unknown parameter \"optimizer.learning_rat\"; did you mean \"optimizer.learning_rate\"?");
  parameter("lr: {values: [1]}", "s.yaml:5:3: unknown parameter \"lr\"; the nearest key is \"model.integrator.dt\"; "
                                 "rename: {NAME: KEY} says what a name "
                                 "stands for");
  parameter("optimizer: {values: [1]}",
            "s.yaml:5:3: parameter \"optimizer\" is a section of the experiment: name one of its keys, optimizer.KEY, "
            "or put them under \"parameters:\" in it");
  parameter("optimizer: {learning_rate: {values: [1]}}",
            "s.yaml:5:15: unknown key \"learning_rate\" of parameter \"optimizer\"; nested parameters are under "
            "\"parameters:\" in it");
  parameter("train.batch: 4", "s.yaml:5:16: train.batch: found 4, expected a mapping with value, values, or min and "
                              "max; one value is written {value: ...}");
  parameter("train: {parameters: {batch: {values: [4]}, stps: {values: [4]}}}",
            "s.yaml:5:46: unknown parameter \"train.stps\"; did you mean \"train.steps\"?");
  parameter("train: {parameters: {batch: {values: [4]}}, value: 4}",
            "s.yaml:5:3: train: beside \"parameters\" there may be no other key");
  parameter("train.batch: {values: [4]}\n  train: {parameters: {batch: {value: 8}}}",
            "s.yaml:6:24: parameter \"train.batch\" is \"train.batch\", which is there already as \"train.batch\"");
  parameter("system.mass: {values: [4]}",
            "s.yaml:5:3: unknown parameter \"system.mass\"; the nearest key is \"data\"; rename: {NAME: KEY} "
            "says what a name stands for");
}

static void distributions(void **state) {
  (void)state;
  parameter("train.batch: {vals: [4]}",
            "s.yaml:5:17: unknown key \"vals\" of parameter \"train.batch\"; did you mean \"value\"?");
  parameter("train.batch: {distribution: unifrom, min: 1, max: 3}",
            "s.yaml:5:31: train.batch.distribution: found \"unifrom\", expected one of constant, categorical, "
            "categorical_w_probabilities, int_uniform, uniform, q_uniform, log_uniform, log_uniform_values, "
            "q_log_uniform, q_log_uniform_values, inv_log_uniform, inv_log_uniform_values, normal, q_normal, "
            "log_normal, q_log_normal, beta, q_beta; did you mean \"uniform\"?");
  parameter("objective.beta: {min: 0.5}", "s.yaml:5:19: objective.beta: missing key \"max\" of distribution uniform");
  parameter("objective.beta: {mu: 1}",
            "s.yaml:5:19: objective.beta: expected distribution: normal or log_normal beside mu and sigma");
  parameter("objective.beta: {}",
            "s.yaml:5:19: objective.beta: expected value, values, min and max, or a distribution");
  parameter("objective.beta: {min: 0.5, max: 1.5, sigma: 2}",
            "s.yaml:5:40: objective.beta: \"sigma\" does not go with distribution uniform");
  parameter("objective.beta: {values: [1], value: 1}",
            "s.yaml:5:20: objective.beta: \"values\" does not go with distribution constant");
  parameter("objective.beta: {min: 1.5, max: 0.5}",
            "s.yaml:5:25: objective.beta: min is 1.5 and max 0.5, expected min < max; for one value write value");
  parameter("objective.beta: {distribution: normal, sigma: 0}",
            "s.yaml:5:49: objective.beta.sigma: found 0, expected a real number > 0");
  parameter("objective.beta: {distribution: beta, a: 1e5}",
            "s.yaml:5:43: objective.beta.a: found 1e5, expected a real number, 0.01 to 10000");
  parameter("objective.beta: {distribution: log_uniform_values, min: 0, max: 1}",
            "s.yaml:5:59: objective.beta.min: found 0, expected a number > 0, which has a logarithm");
  parameter("optimizer.beta1: {distribution: q_uniform, min: 0.1, max: 0.9, q: 0}",
            "s.yaml:5:69: optimizer.beta1.q: found 0, expected a real number > 0");
}

/* Values are those of the key. */
static void values(void **state) {
  (void)state;
  parameter("optimizer.learning_rate: {min: 0.0, max: 1.0}",
            "s.yaml:5:34: optimizer.learning_rate: found 0.0, expected a real number > 0, <= 1000000");
  parameter("train.batch: {min: 1, max: 100000}",
            "s.yaml:5:30: train.batch: found 100000, expected a whole number in plain decimal digits, 1 to 65536 "
            "[rollouts]");
  parameter("model.integrator.name: {values: [leapfrog, lepfrog]}",
            "s.yaml:5:46: model.integrator.name: found \"lepfrog\", expected one of euler, leapfrog, yoshida4, rk4, "
            "implicit_midpoint, leapfrog_unit_mass, yoshida4_unit_mass, rk4_report2021; did you mean \"leapfrog\"?");
  parameter(
      "model.integrator.name: {min: 1, max: 2}",
      "s.yaml:5:3: model.integrator.name: found distribution int_uniform, expected value or values, each one of "
      "euler, leapfrog, yoshida4, rk4, implicit_midpoint, leapfrog_unit_mass, yoshida4_unit_mass, rk4_report2021");
  parameter("train.batch: {distribution: uniform, min: 1, max: 8}",
            "s.yaml:5:31: train.batch: found distribution uniform, but it is a whole number; expected int_uniform or "
            "q_uniform, with whole numbers as min, max and q");
  parameter("train.batch: {distribution: log_uniform_values, min: 1, max: 8}",
            "s.yaml:5:31: train.batch: found distribution log_uniform_values, but it is a whole number; expected "
            "q_log_uniform_values or int_uniform, with whole numbers as min, max and q");
  parameter("train.batch: {distribution: q_uniform, min: 1, max: 8, q: 0.5}",
            "s.yaml:5:61: train.batch.q: found 0.5, expected a whole number, as the key is a whole number");
  parameter("train.batch: {distribution: q_uniform, min: 1, max: 64, q: 8}",
            "s.yaml:5:47: train.batch: q_uniform has values from 0, expected 1 to 65536");
  parameter("optimizer.learning_rate: {distribution: log_uniform, min: 0.5, max: 40}",
            "s.yaml:5:71: optimizer.learning_rate: log_uniform has values up to 2.354e+17, expected > 0, <= "
            "1000000; min and max are natural exponents: did you mean log_uniform_values?");
  parameter("train.batch: {values: []}", "s.yaml:5:25: train.batch.values: found a sequence of 0, expected 1 to 10000 "
                                         "values");
  parameter("train.batch: {values: [4, 8, 4]}", "s.yaml:5:32: train.batch.values: 4 is there twice");
  parameter("optimizer.learning_rate: {values: [0.1, 1e-1]}",
            "s.yaml:5:43: optimizer.learning_rate.values: 0.1 is there twice");
  parameter("train.batch: {values: 4, probabilities: [1]}",
            "s.yaml:5:25: train.batch.values: found 4, expected a sequence of values");
  parameter("train.batch: {values: 4}", "s.yaml:5:25: train.batch.values: found 4, expected a sequence of values");
  parameter("train.batch: {values: [1, 2], probabilities: [0.5]}",
            "s.yaml:5:48: train.batch.probabilities: found a sequence of 1, expected a sequence of 2, one for each of "
            "values");
  parameter("train.batch: {values: [1, 2], probabilities: [0.5, 0.25]}",
            "s.yaml:5:48: train.batch.probabilities: they add up to 0.75, expected 1");
  parameter("train.batch: {values: [1, 2], probabilities: [1.5, -0.5]}",
            "s.yaml:5:49: train.batch.probabilities: found 1.5, expected a real number, 0 to 1");
}

/* What other programs read as numbers or truth values. */
static void spellings(void **state) {
  (void)state;
  const char *whole = "expected a whole number in plain decimal digits, 1 to 65536 [rollouts]";
  const char *const cases[][2] = {{"1_000", "1000"}, {"0x10", "16"}, {"0o17", "15"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char line[128], message[256];
    snprintf(line, sizeof line, "train.batch: {value: %s}", cases[i][0]);
    snprintf(message, sizeof message, "s.yaml:5:24: train.batch: found \"%s\", %s; write %s", cases[i][0], whole,
             cases[i][1]);
    parameter(line, message);
  }
  parameter("train.batch: {value: 1e3}",
            "s.yaml:5:24: train.batch: found 1e3, expected a whole number in plain decimal "
            "digits, 1 to 65536 [rollouts]; write 1000");
  parameter("train.batch: {value: \"4\"}",
            "s.yaml:5:24: train.batch: found \"4\" in quotes, which is text, expected a whole number in plain decimal "
            "digits, 1 to 65536 [rollouts]; write it without quotes");
  parameter("model.latent.sampled: {values: [true, no]}",
            "s.yaml:5:41: model.latent.sampled: found \"no\", expected true or false; write false");
  parameter("objective.beta: {values: [.nan]}",
            "s.yaml:5:29: objective.beta: found \".nan\", expected a real number >= 0, <= 1000000; numbers are finite "
            "here");
  more("repeats: 0x2", "s.yaml:6:10: repeats: found \"0x2\", expected a whole number, 1 to 1000; write 2");
  more("slurm: {requeue: \"True\"}", "s.yaml:6:18: slurm.requeue: found \"True\", expected true or false");
  more("slurm: {requeue: NULL}", "s.yaml:6:18: slurm.requeue: found nothing, expected true or false");
  more("repeats: ${n}", "s.yaml:6:10: repeats: found \"${n}\" (variables are not expanded here), expected a whole "
                        "number, 1 to 1000");
  more("prepare: [\"simulate a.yaml -o ~/d.h5\"]",
       "s.yaml:6:11: prepare: found \"simulate a.yaml -o ~/d.h5\", expected words as they are meant (~/d.h5: ~ is the "
       "shell's, and not expanded here)");
  more("slurm: {requeue: on}", "s.yaml:6:18: slurm.requeue: found \"on\", expected true or false; write true");
}

static void populations(void **state) {
  (void)state;
  static const struct {
    const char *more, *message;
  } cases[] = {
      {"pbt: {population: 0}", "s.yaml:4:19: pbt.population: found 0, expected a whole number, 1 to 1000"},
      {"pbt: {every: 0}", "s.yaml:4:14: pbt.every: found 0, expected a whole number, 1 to 1000000"},
      {"pbt: {quantile: 0.6}", "s.yaml:4:17: pbt.quantile: found 0.6, expected a real number > 0, <= 0.5"},
      {"pbt: {factor: 0.5}", "s.yaml:4:15: pbt.factor: found 0.5, expected a real number >= 1, <= 1000"},
      {"pbt: {resample: 2}", "s.yaml:4:17: pbt.resample: found 2, expected a real number >= 0, <= 1"},
      {"pbt: {popluation: 2}", "s.yaml:4:7: unknown key \"popluation\" of pbt; did you mean \"population\"?"},
      {"early_terminate: {type: median, min_iter: 1}",
       "s.yaml:4:18: early_terminate does not go with method pbt, which gives up the worst of each generation itself"},
      {"repeats: 2", "s.yaml:4:10: repeats: 2 do not go with method pbt: a member is one training, on one seed"},
      {"confirm: 1", "s.yaml:4:10: confirm does not go with method pbt: what the best has come to is not of its "
                     "parameters alone"},
      {"order: arrival", "s.yaml:4:8: order: arrival does not go with method pbt, which chooses by all results of a "
                         "generation"},
      {"run_cap: 9", "s.yaml:4:10: run_cap is 9, and 8 members in each of 4 generations are 32 configurations: leave "
                     "it out"},
      {"pbt: {population: 1}\nenqueue: [{optimizer.clip: 0.2}, {optimizer.clip: 0.3}]",
       "s.yaml:5:10: enqueue has 2 configurations and pbt.population is 1: expected no more than the first generation "
       "has"},
  };
  static const char *const refused[] = {
      "train.batch",      "train.steps", "eval.every",           "model.integrator.substeps",
      "objective.lambda", "seed",        "protocol.input_frames"};
  char text[1024], message[512];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(text, sizeof text,
             "method: pbt\nmetric: {name: mse}\nparameters: {optimizer.clip: {min: 0.1, max: 0.5}}\n%s\n",
             cases[i].more);
    sample_refuse(sample_hgn, text, cases[i].message);
  }
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    snprintf(text, sizeof text, "method: pbt\nmetric: {name: mse}\nparameters:\n  %s: {values: [4, 8]}\n", refused[i]);
    snprintf(message, sizeof message,
             "s.yaml:4:3: %s: pbt changes parameters in the middle of a training, which this one does not allow; "
             "expected one value of it, or keys that say how a model learns: optimizer.*, objective.* but name and "
             "lambda",
             refused[i]);
    sample_refuse(sample_hgn, text, message);
  }
  more("pbt: {population: 3}", "s.yaml:6:6: pbt: is for method pbt alone, and the method is random");
}

static void conditions(void **state) {
  (void)state;
  parameter("train.batch: {values: [4, 8], when: {integrator: leapfrog}}",
            "s.yaml:5:40: train.batch.when: \"integrator\" is no parameter of this sweep");
  parameter(
      "train.batch: {values: [4, 8], when: 3}",
      "s.yaml:5:39: train.batch.when: found 3, expected a mapping from 1 to 8 parameters to a value or a sequence "
      "of values");
  parameter("train.batch: {values: [4, 8], when: {seed: 9}}\n  seed: {values: [1, 2]}",
            "s.yaml:5:46: seed: found 9, expected one of its values");
  parameter("train.batch: {values: [4, 8], when: {seed: [1, 9]}}\n  seed: {min: 1, max: 8}",
            "s.yaml:5:50: seed: found 9, expected a number of its distribution, 1 to 8");
  parameter(
      "train.batch: {values: [4, 8], when: {seed: 1}}\n  seed: {values: [1, 2], when: {train.batch: 4}}",
      "s.yaml:5:39: train.batch.when: the conditions go round in a circle; expected parameters that do not depend "
      "on it");
  parameter(
      "train.batch: {values: [4, 8], when: {train.batch: 4}}",
      "s.yaml:5:39: train.batch.when: the conditions go round in a circle; expected parameters that do not depend "
      "on it");
}

static void constraints(void **state) {
  (void)state;
  more("constraints: [\"train.batch <\"]",
       "s.yaml:6:15: constraints: at 14: found the end, expected a number, a name or \"(\"");
  more("constraints: [\"train.bach < 3\"]",
       "s.yaml:6:15: constraints: \"train.bach\" is no parameter of this sweep, and no score; did you mean "
       "\"train.batch\"?");
  more("constraints: train.batch < 3",
       "s.yaml:6:14: constraints: found \"train.batch < 3\", expected a sequence of at most 16 expressions");
  parameter("model.integrator.name: {values: [leapfrog, rk4]}\nconstraints: [model.integrator.name < 3]",
            "s.yaml:6:15: constraints: \"model.integrator.name\" has the value leapfrog, which is no number");
}

static void enqueued(void **state) {
  (void)state;
  more("enqueue: [{train.batch: 5}]", "s.yaml:6:25: train.batch: found 5, expected one of its values");
  more("enqueue: [{}]", "s.yaml:6:11: enqueue: missing parameter \"train.batch\"");
  more("enqueue: [{train.batch: 4}, {train.batch: 4}]", "s.yaml:6:29: enqueue: the same configuration as number 1");
  more("enqueue: [{batch: 4}]", "s.yaml:6:12: enqueue: \"batch\" is no parameter of this sweep");
  more("enqueue: [4]", "s.yaml:6:11: enqueue: found 4, expected a mapping from parameters to values");
  parameter("objective.beta: {min: 0.5, max: 1.5}\nenqueue: [{objective.beta: 2}]",
            "s.yaml:6:28: objective.beta: found 2, expected a number of its distribution, 0.5 to 1.5");
  parameter("objective.beta: {distribution: q_uniform, min: 0.5, max: 1.5, q: 0.25}\nenqueue: [{objective.beta: 0.6}]",
            "s.yaml:6:28: objective.beta: found 0.6, expected a multiple of q, 0.25");
  sample_refuse(sample_hgn,
                "method: random\nmetric: {name: mse}\nrun_cap: 1\nparameters: {seed: {values: [1, 2]}}\n"
                "enqueue: [{seed: 1}, {seed: 2}]\n",
                "s.yaml:3:10: run_cap is 1 and enqueue has 2 configurations: expected run_cap of at least that");
}

static void settings(void **state) {
  (void)state;
  more("repeats: 0", "s.yaml:6:10: repeats: found 0, expected a whole number, 1 to 1000");
  more("window: 2000000", "s.yaml:6:9: window: found 2000000, expected a whole number, 1 to 1000000");
  more("order: random", "s.yaml:6:8: order: found \"random\", expected one of logical, arrival");
  more("confirm: 11", "s.yaml:6:10: confirm is 11 and run_cap 10: expected confirm <= run_cap");
  more("name: [a]", "s.yaml:6:7: name: found a sequence of 1, expected a text of 1 to 127 bytes");
  parameter("seed: {values: [1, 2]}\nrepeats: 2",
            "s.yaml:5:3: the parameter \"seed\" does not go with repeats: 2, which give each repeat a seed of its own");
  parameter("seed: {values: [1, 2]}\nconfirm: 1",
            "s.yaml:5:3: the parameter \"seed\" does not go with confirm, which runs the best again on fresh seeds");
  more("resources: {ranks_per_trail: 2}", "s.yaml:6:13: unknown key \"ranks_per_trail\" of resources; did you mean "
                                          "\"ranks_per_trial\"?");
  more("resources: {trial_timeout: 5w}",
       "s.yaml:6:28: resources.trial_timeout: found \"5w\", expected a time: seconds, or 90s, 30m, 2h, 1d");
  more("resources: {checkpoint_bytes: 2G}",
       "s.yaml:6:31: resources.checkpoint_bytes: found \"2G\", expected a size: bytes, or 500MB, 2GiB");
  more("resources: {on_nan: best}", "s.yaml:6:21: resources.on_nan: found \"best\", expected one of worst, fail");
  more("resources: {core_hours: -1}", "s.yaml:6:25: resources.core_hours: found -1, expected a real number >= 0");
  more("slurm: {array: 1-7}", "s.yaml:6:16: slurm.array: found \"1-7\", expected a whole number, 1 to 100000");
  more("prepare: [\"train a.yaml\"]", "s.yaml:6:11: prepare: found \"train a.yaml\", expected a command line "
                                      "\"simulate ...\" or \"limit ...\" of hgn");
  more("prepare: [\"simulate 'a.yaml\"]",
       "s.yaml:6:11: prepare: found \"simulate 'a.yaml\", expected each quote to be closed");
  more("rename: {a: mze_error}", "s.yaml:6:13: rename: \"mze_error\" is no key of the experiment and no score; the "
                                 "nearest is \"mse_error\"");
}

static void early(void **state) {
  (void)state;
  more("early_terminate: {type: hyperbnd, min_iter: 1}",
       "s.yaml:6:25: early_terminate.type: found \"hyperbnd\", expected one of hyperband, hyperband_brackets, asha, "
       "median; did you mean \"hyperband\"?");
  more("early_terminate: {min_iter: 1}", "s.yaml:6:18: missing key \"type\" of early_terminate: expected one of "
                                         "hyperband, hyperband_brackets, asha, median");
  more("early_terminate: {type: hyperband}", "s.yaml:6:18: early_terminate: expected min_iter, or max_iter and s");
  more("early_terminate: {type: hyperband, max_iter: 27}",
       "s.yaml:6:18: early_terminate: max_iter without min_iter; expected s beside it: how often trials are compared");
  more("early_terminate: {type: hyperband, min_iter: 0}",
       "s.yaml:6:46: early_terminate.min_iter: found 0, expected a whole number, 1 to 1000000");
  more("early_terminate: {type: asha, min_iter: 9, max_iter: 3}",
       "s.yaml:6:18: early_terminate: min_iter is 9 and max_iter 3: expected min_iter <= max_iter");
  more("early_terminate: {type: hyperband, min_iter: 1, eta: 1}",
       "s.yaml:6:54: early_terminate.eta: found 1, expected a real number > 1, <= 1000");
  more("early_terminate: {type: hyperband, min_iter: 1, mode: stop}",
       "s.yaml:6:55: early_terminate.mode is for type asha alone");
}

/* The base: its own messages name its own file. */
static void bases(void **state) {
  (void)state;
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX];
  struct sweep_options none = {.base_path = NULL};
  assert_status(STATUS_CONFIG, sweep_parse("s.yaml", GOOD, strlen(GOOD), &none, &sweep, notice));
  assert_string_equal(status_message(), "s.yaml:1:1: no base experiment, whose keys the parameters are: expected "
                                        "\"base: FILE\", or the option --base FILE");
  sample_refuse(
      "model: {preset: quik}\n", GOOD,
      "b.yaml:1:17: model.preset: found \"quik\", expected one of none, paper, report2021, hgnpp, quick; did "
      "you mean \"quick\"?\n"
      "b.yaml:1:1: missing key \"data.file\": expected a text of 1 to 1023 bytes\n"
      "b.yaml:1:1: missing key \"model.encoder.channels\": expected a sequence of at most 16 whole numbers, each 1 to "
      "4096\n"
      "b.yaml:1:1: missing key \"model.hamiltonian.channels\": expected a sequence of at most 16 whole numbers, "
      "each 1 to 4096\n"
      "b.yaml:1:1: missing key \"train.steps\": expected a whole number in plain decimal digits, 1 to "
      "1000000000 [steps]");
}

static void options(void **state) {
  (void)state;
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX];
  const char *renames[] = {"lr", "a=optimizer.lerning_rate"};
  const struct sweep_options wrong = {.base_path = "b.yaml",
                                      .base_text = sample_hgn,
                                      .base_bytes = sizeof sample_hgn - 1,
                                      .run_cap = -1,
                                      .rename = renames,
                                      .renames = 2};
  assert_status(STATUS_CONFIG, sweep_parse("s.yaml", GOOD, strlen(GOOD), &wrong, &sweep, notice));
  assert_string_equal(
      status_message(),
      "option --run-cap: expected 1 to 10000000\n"
      "option --rename \"lr\": expected NAME=KEY\n"
      "option --rename \"a=optimizer.lerning_rate\": expected a key of the experiment or a score behind "
      "\"=\"; the nearest is \"optimizer.learning_rate\"");
}

/* In the order of the file, ten at most. */
static void together(void **state) {
  (void)state;
  sample_refuse(sample_hgn, "metod: grid\nmetric: {name: mze}\nparameters:\n  train.bach: {values: [1]}\nrepeats: x\n",
                "s.yaml:1:1: unknown key \"metod\"; did you mean \"method\"?\n"
                "s.yaml:2:16: metric: unknown score \"mze\"; did you mean \"mse\"?\n"
                "s.yaml:4:3: unknown parameter \"train.bach\"; did you mean \"train.batch\"?\n"
                "s.yaml:5:10: repeats: found \"x\", expected a whole number, 1 to 1000\n"
                "s.yaml:1:1: missing key \"method\": expected one of grid, random, sobol, lhs");
  struct sweep *sweep;
  char notice[SWEEP_NOTICE_MAX], text[1024] = HEAD "  train.batch: {values: [";
  for (int i = 0; i < 20; ++i) strcat(text, "a, ");
  strcat(text, "a]}\n");
  assert_status(STATUS_CONFIG, sample_parse(sample_hgn, text, &sweep, notice));
  assert_non_null(strstr(status_message(), "\nand 11 more"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys),          cmocka_unit_test(methods),     cmocka_unit_test(evaluations),
      cmocka_unit_test(grids),         cmocka_unit_test(metrics),     cmocka_unit_test(names),
      cmocka_unit_test(distributions), cmocka_unit_test(values),      cmocka_unit_test(spellings),
      cmocka_unit_test(conditions),    cmocka_unit_test(constraints), cmocka_unit_test(enqueued),
      cmocka_unit_test(settings),      cmocka_unit_test(early),       cmocka_unit_test(bases),
      cmocka_unit_test(options),       cmocka_unit_test(together),    cmocka_unit_test(populations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
