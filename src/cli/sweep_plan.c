/* hgn sweep FILE --dry-run: what would be done, and what it would cost. */
#include "cli/sweep_forecast.h"
#include "physics/limit_file.h"
#include "store/output.h"
#include "sweep/board.h"
#include "sweep/early.h"
#include "sweep/folder.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 100, LINES_MAX = 4096, PLANNED_MAX = 1000000 };

/* ---- Lines ---- */

static const char *plural(int64_t count) { return count == 1 ? "" : "s"; }

/* "LABEL         text": what is longer than the page goes on below, between words. */
static void row(const char *label, const char *format, ...) STATUS_PRINTF(2, 3);
static void row(const char *label, const char *format, ...) {
  char text[LINES_MAX];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const char *at = text;
  do {
    size_t length = strcspn(at, "\n");
    if (length > COLUMNS - FORECAST_LABEL) {
      size_t cut = COLUMNS - FORECAST_LABEL;
      while (cut > 0 && at[cut] != ' ') cut--;
      if (cut > 0) length = cut;
    }
    printf("%-*s%.*s\n", FORECAST_LABEL, label, (int)length, at);
    at += length;
    at += *at == ' ' || *at == '\n';
    label = "";
  } while (*at);
}

/* The first line of a message, which may have several. */
static int first_line(const char *text) { return (int)strcspn(text, "\n"); }

static void show_bytes(double bytes, char text[32]) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  int unit = 0;
  for (; bytes >= 1000 && unit < 4; unit++) bytes /= 1000;
  snprintf(text, 32, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void show_time(double seconds, char text[32]) {
  if (seconds < 100)
    snprintf(text, 32, "%.2g s", seconds);
  else
    board_time(seconds, text);
}

/* ---- What it is ---- */

static void print_head(const struct sweep_input *input) {
  const struct sweep *sweep = input->sweep;
  const struct sweep_metric *metric = &sweep->metric[0];
  char target[64] = "";
  row("sweep", "%s%s%s, trials of %s", sweep->name, *sweep->name ? ": " : "", input->texts.file_name, sweep->base_path);
  row("method", "%s, seed %" PRIu64 "%s", sweep->method_name, sweep->seed,
      sweep->method->part     ? "; the first generation is looked at"
      : sweep->method->learns ? "; points at random are looked at in the place of its own"
                              : "");
  if (!isnan(metric->target)) snprintf(target, sizeof target, "; the sweep ends at %.6g", metric->target);
  for (int i = 0; i < sweep->metrics; i++)
    row(i == 0 ? "metric" : "", "%s on the validation split, %s is best%s", sweep->metric[i].name,
        sweep->metric[i].maximize ? "the largest" : "the smallest", i == 0 ? target : "");
}

static enum status print_space(const struct sweep *sweep) {
  enum { COUNTED = 1000000000 };
  const int64_t points = space_points(&sweep->space, COUNTED);
  char size[64] = "no end of points";
  if (points >= 0) snprintf(size, sizeof size, "%" PRId64 " point%s", points, plural(points));
  row("space", "%d parameter%s, %s", sweep->space.count, plural(sweep->space.count), size);
  return space_print(&sweep->space, stdout);
}

static int64_t count_generations(const struct sweep *sweep) {
  return sweep->method->part ? sweep->run_cap / sweep->population.size : 1;
}

static void print_window(const struct sweep *sweep) {
  const struct method_population *population = &sweep->population;
  const int64_t generations = count_generations(sweep);
  const bool reads = sweep->method->learns || early_find(sweep) || sweep_has_target(sweep);
  if (sweep->method->part)
    row("population",
        "%" PRId64 " member%s in each of %" PRId64 " generation%s of %" PRId64
        " report%s; a generation is chosen when all of the one before has ended, and begins where that has",
        population->size, plural(population->size), generations, plural(generations), population->every,
        plural(population->every));
  else if (!reads)
    row("window", "not needed: no choice looks at results, so no group waits for any");
  else
    row("window", "%" PRId64 ": a choice waits for the results of all %s but the last %" PRId64 " before it",
        sweep->window, early_find(sweep) ? "jobs" : "trials", sweep->window - 1);
}

static void print_trials(const struct sweep *sweep, const struct ledger_shape *shape) {
  const int64_t seeds = ledger_confirm_seeds(sweep);
  char repeats[64] = "", confirm[96] = "";
  if (sweep->repeats > 1) snprintf(repeats, sizeof repeats, " x %" PRId64 " seeds", sweep->repeats);
  if (sweep->confirm > 0)
    snprintf(confirm, sizeof confirm, ", and the best %" PRId64 " again on %" PRId64 " fresh seeds", sweep->confirm,
             seeds);
  row("trials", "%" PRId64 ": %" PRId64 " configuration%s%s%s", shape->trials, shape->configurations,
      plural(shape->configurations), repeats, confirm);
  if (sweep->enqueues > 0)
    row("", "enqueue gives the first %" PRId64 " configuration%s", sweep->enqueues, plural(sweep->enqueues));
  const int64_t part = sweep->method->part ? sweep->population.every : sweep->reports,
                reports = part < sweep->reports ? part : sweep->reports;
  row("", "each reports at most %" PRId64 " time%s", reports, plural(reports));
  print_window(sweep);
}

/* "3 of the first 100 configurations". */
static void print_found(const char *label, const struct forecast_found *found, int64_t count, const char *what) {
  if (found->count == 0) return;
  row(label, "%" PRId64 " of the first %" PRId64 " configurations %s, first number %" PRId64 ": %.*s", found->count,
      count, what, found->first, first_line(found->text), found->text);
}

static void print_findings(const struct sweep *sweep, const struct forecast_draws *draws) {
  char narrow[128];
  snprintf(narrow, sizeof narrow, "have fewer lanes than the %" PRId64 " ranks of a trial, and would fail on them",
           sweep->resources.ranks_per_trial);
  if (sweep->constraints > 0 && draws->infeasible.count == 0)
    row("constraints", "%d, which the first %" PRId64 " configurations do not violate", sweep->constraints,
        draws->count);
  print_found("constraints", &draws->infeasible, draws->count, "are not run");
  print_found("refused", &draws->refused, draws->count, "make no experiment, and would fail");
  print_found("lanes", &draws->narrow, draws->count, narrow);
}

/* ---- Early stopping ---- */

/* Steps between reports; 0: not the same in all. */
static int64_t find_every(const struct forecast_draws *draws) {
  int64_t every = 0;
  for (int64_t c = 0; c < draws->count; c++) {
    const struct forecast_configuration *configuration = &draws->configuration[c];
    if (configuration->infeasible || configuration->refused) continue;
    if (every > 0 && configuration->every != every) return 0;
    every = configuration->every;
  }
  return every;
}

/* Trials that come to each rung, the end among them; of configurations. */
struct reached {
  double trials[SWEEP_RUNGS_MAX + 1];
  double work; /* reports that all of them make */
};

/* Of trials that all begin the n / eta^k best go on from rung k, about. */
static struct reached reach_stopping(const struct sweep *sweep, int rungs, const int64_t *rung) {
  struct reached reached = {.work = 0};
  double left = (double)sweep->run_cap, last = 0;
  for (int k = 0; k <= rungs; k++) {
    const double at = k < rungs ? (double)rung[k] : (double)sweep->reports;
    reached.trials[k] = left;
    reached.work += left * (at - last);
    last = at;
    left /= sweep->early.eta;
  }
  return reached;
}

/* What the jobs come to when each configuration is worse than those before it: exactly so many for brackets, and for
 * asha when none goes on that should not. */
static enum status reach_pausing(const struct sweep *sweep, const struct early_pausing *pausing, int64_t configurations,
                                 int rungs, const int64_t *rung, struct reached *reached) {
  const struct early_task task = {.configurations = configurations < PLANNED_MAX ? configurations : PLANNED_MAX,
                                  .rungs = rungs,
                                  .eta = sweep->early.eta};
  double *done = calloc((size_t)task.configurations + 1, sizeof *done);
  void *memory = NULL;
  int64_t fresh = 0, configuration;
  int to;
  *reached = (struct reached){.work = 0};
  enum status status = done ? pausing->open(&task, &memory) : status_raise(STATUS_MEMORY, "out of memory for a plan");
  while (status == STATUS_OK) {
    const enum early_answer answer = pausing->next(memory, &configuration, &to);
    if (answer == EARLY_NOTHING) break;
    if (answer == EARLY_FRESH) configuration = fresh++;
    const double at = to < rungs ? (double)rung[to] : (double)sweep->reports;
    reached->trials[to] += 1;
    reached->work += at - done[configuration];
    done[configuration] = at;
    status = pausing->begun(memory, configuration, to);
    if (status == STATUS_OK) status = pausing->ended(memory, configuration, to, (double)configuration, true);
  }
  pausing->close(memory);
  free(done);
  return status;
}

/* In all parts, of which the first few may have one configuration more than the others. */
static enum status reach_in_parts(const struct sweep *sweep, const struct early_pausing *pausing, int rungs,
                                  const int64_t *rung, struct reached *all) {
  const int64_t parts = sweep_is_gathered(sweep) ? sweep->slurm.array : 1, least = sweep->run_cap / parts,
                larger = sweep->run_cap % parts;
  *all = (struct reached){.work = 0};
  for (int64_t more = 0; more < 2; more++) {
    struct reached reached;
    const double count = (double)(more ? larger : parts - larger);
    if (count == 0) continue;
    TRY(reach_pausing(sweep, pausing, least + more, rungs, rung, &reached));
    for (int k = 0; k <= rungs; k++) all->trials[k] += count * reached.trials[k];
    all->work += count * reached.work;
  }
  return STATUS_OK;
}

static enum status print_rungs(const struct sweep *sweep, const struct early_kind *kind, int64_t every) {
  int64_t rung[SWEEP_RUNGS_MAX];
  struct reached reached;
  const int rungs = early_rungs(sweep, rung);
  if (kind->pausing)
    TRY(reach_in_parts(sweep, kind->pausing, rungs, rung, &reached));
  else
    reached = reach_stopping(sweep, rungs, rung);
  printf("  %-8s%10s%12s  %s\n", "rung", "report", every > 0 ? "step" : "",
         kind->pausing == &early_brackets ? "trials that come to it" : "trials that come to it, about");
  for (int k = 0; k <= rungs; k++) {
    char step[32] = "", name[32] = "end";
    const int64_t at = k < rungs ? rung[k] : sweep->reports;
    if (k < rungs) snprintf(name, sizeof name, "%d", k);
    if (every > 0 && k < rungs) snprintf(step, sizeof step, "%" PRId64, at * every);
    printf("  %-8s%10" PRId64 "%12s  %.0f\n", name, at, step,
           fmax(0, ceil(reached.trials[k] * (double)sweep->repeats - 1e-9)));
  }
  printf("  about %.0f%% of the reports that all trials to their ends would make\n",
         100 * reached.work / ((double)sweep->run_cap * (double)sweep->reports));
  if (reached.trials[rungs] < 1) printf("  no trial gets to its end: that takes more configurations, or fewer rungs\n");
  return STATUS_OK;
}

static enum status print_brackets(const struct sweep *sweep) {
  const int rungs = early_rungs(sweep, NULL);
  int64_t all = 0;
  char text[256] = "";
  size_t used = 0;
  for (int s = rungs; s >= 0; s--) {
    const int64_t size = early_bracket(rungs, s, sweep->early.eta);
    all += size;
    if (used < sizeof text)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%" PRId64, used ? ", " : "", size);
  }
  row("brackets", "%s configurations, from rung 0, 1, ...; %" PRId64 " in all, then again", text, all);
  return STATUS_OK;
}

static enum status print_early(const struct sweep *sweep, const struct forecast_draws *draws) {
  const struct sweep_early *early = &sweep->early;
  const struct early_kind *kind = early_find(sweep);
  if (!kind) return STATUS_OK;
  if (strcmp(early->type, "median") == 0) {
    row("early stop", "median: from report %" PRId64 " on, what is worse than the median of earlier trials",
        early->min_iter > 0 ? early->min_iter : 1);
    return STATUS_OK;
  }
  row("early stop", "%s%s%s, eta %g: at each rung one trial of %g goes on", early->type, *early->mode ? ", " : "",
      early->mode, early->eta, early->eta);
  if (sweep_is_gathered(sweep))
    row("", "within each of the %" PRId64 " parts (slurm.array) by itself; one job runs them in turn",
        sweep->slurm.array);
  if (kind->pausing == &early_brackets) TRY(print_brackets(sweep));
  return print_rungs(sweep, kind, find_every(draws));
}

/* ---- Where it runs ---- */

static void print_ranks(const struct comm *world, const struct sweep *sweep, const struct ledger_shape *shape) {
  const int64_t ranks = sweep->resources.ranks_per_trial, at_once = shape->trials < 100000 ? shape->trials : 100000;
  int left;
  const int groups = crew_groups(world->size, ranks, &left);
  char over[64] = "";
  if (left > 0) snprintf(over, sizeof over, ", %d left over", left);
  if (world->size == 1)
    row("ranks", "this one alone: trials run in turn%s", ranks > 1 ? ", on one rank each" : "");
  else if (groups == 0)
    row("ranks", "%d are too few: one coordinates, and a trial takes %" PRId64, world->size, ranks);
  else
    row("ranks", "%d: one coordinates, %d group%s of %" PRId64 " work%s%s", world->size, groups, plural(groups), ranks,
        groups == 1 ? "s" : "", over);
  if (ranks == 1)
    row("", "suitable: mpirun -n 1 + G for G groups, up to %" PRId64 " with a group for each trial", 1 + at_once);
  else
    row("", "suitable: mpirun -n 1 + %" PRId64 " G for G groups, up to %" PRId64 " with a group for each trial", ranks,
        1 + at_once * ranks);
  if (groups > shape->trials)
    row("", "%" PRId64 " group%s would have nothing to do", groups - shape->trials, plural(groups - shape->trials));
}

/* The file that a command makes; "": it is not clear. */
static void name_product(const struct sweep_command *command, char path[STORE_PATH_MAX]) {
  path[0] = '\0';
  for (int i = 1; i + 1 < command->words; i++)
    if (strcmp(command->word[i], "-o") == 0 || strcmp(command->word[i], "--output") == 0)
      snprintf(path, STORE_PATH_MAX, "%s", command->word[i + 1]);
  for (int i = 1; i < command->words && !*path && strcmp(command->word[0], "limit") == 0; i++)
    if (cli_has_ending(command->word[i], ".h5")) (void)limit_file_name(command->word[i], path, STORE_PATH_MAX);
}

static bool is_made(const struct sweep_command *command) {
  char path[STORE_PATH_MAX];
  bool there = false;
  name_product(command, path);
  if (*path && output_exists(path, &there) != STATUS_OK) status_clear();
  return there;
}

static void print_prepare(const struct sweep *sweep) {
  int made = 0;
  if (sweep->prepares == 0) return;
  for (int k = 0; k < sweep->prepares; k++) made += is_made(&sweep->prepare[k]);
  row("prepare", "%d command%s before the trials that need them; files that are there: %d", sweep->prepares,
      plural(sweep->prepares), made);
  for (int k = 0; k < sweep->prepares; k++) {
    const struct sweep_command *command = &sweep->prepare[k];
    char line[2048] = "";
    size_t used = 0;
    for (int i = 0; i < command->words && used < sizeof line; i++)
      used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? " " : "", command->word[i]);
    row(is_made(command) ? "  there" : "  to do", "%s", line);
  }
}

static enum status print_output(const struct sweep_input *input, const struct ledger_shape *shape) {
  char bytes[32], path[STORE_PATH_MAX];
  bool there;
  show_bytes((double)ledger_bytes(shape), bytes);
  TRY(folder_ledger(input->folder, path));
  TRY(output_exists(path, &there));
  row("output", "%s, %s%s", path, bytes, there ? ": there is one, which would be gone on with" : "");
  return STATUS_OK;
}

/* ---- What it costs ---- */

struct total {
  double trial, evaluating; /* s, of a mean trial on one rank */
  double trials;            /* that are run */
};

static struct total add_up(const struct sweep *sweep, const struct forecast_draws *draws,
                           const struct forecast_costs *costs, const struct ledger_shape *shape) {
  struct total total = {.trials = 0};
  int64_t run = 0;
  for (int64_t c = 0; c < draws->count; c++) {
    const struct forecast_configuration *configuration = &draws->configuration[c];
    double evaluating;
    if (configuration->infeasible || configuration->refused) continue;
    total.trial += forecast_trial_seconds(costs, configuration, &evaluating);
    total.evaluating += evaluating;
    run += 1;
  }
  if (run == 0) return total;
  const double searched = (double)(shape->configurations * sweep->repeats);
  const double generations = (double)count_generations(sweep); /* of which a trial is one */
  total.trial /= (double)run * generations;
  total.evaluating /= (double)run * generations;
  total.trials = searched * (double)run / (double)draws->count + (double)shape->trials - searched;
  return total;
}

static void print_measured(const struct forecast_draws *draws, const struct forecast_costs *costs) {
  for (int i = 0; i < costs->count; i++) {
    const struct forecast_cost *cost = &costs->cost[i];
    row(i == 0 ? "measured" : "",
        "configuration %" PRId64 ": %.3g s a step, %.3g s a rollout evaluated, %" PRId64 " parameters",
        cost->configuration, cost->step, cost->plain, cost->parameters);
  }
  print_found(costs->count == 0 ? "measured" : "", &draws->missing, draws->count,
              "have no data yet, and could not be measured");
  if (*costs->why) row("not measured", "%.*s", first_line(costs->why), costs->why);
}

/* A checkpoint is about 12 bytes a parameter; a trial keeps some, and the best model. */
static void print_checkpoints(const struct sweep *sweep, const struct forecast_costs *costs, double trials) {
  const struct train_settings *train = &config_experiment(sweep->base)->training.train;
  double parameters = 0;
  char one[32], all[32];
  if (costs->count == 0) return;
  for (int i = 0; i < costs->count; i++) parameters += (double)costs->cost[i].parameters / costs->count;
  const double trial = 12 * parameters * (double)(train->checkpoint_keep + 1);
  show_bytes(trial, one);
  show_bytes(trial * trials, all);
  row("checkpoints", "%" PRId64 " and the best model, some %s a trial, %s in all%s", train->checkpoint_keep, one, all,
      sweep->resources.checkpoint_bytes > 0 ? "; resources.checkpoint_bytes bounds them" : "");
}

static void print_budgets(const struct sweep *sweep, double trial, double hours, double wall) {
  const struct sweep_resources *resources = &sweep->resources;
  if (resources->trial_timeout > 0 && trial > resources->trial_timeout)
    row("", "resources.trial_timeout is %g s: a trial on such a group would not come to its end",
        resources->trial_timeout);
  if (resources->core_hours > 0 && hours > resources->core_hours)
    row("", "resources.core_hours is %g: it would end after about %.0f%% of that", resources->core_hours,
        100 * resources->core_hours / hours);
  if (resources->wall_time > 0 && wall > resources->wall_time)
    row("", "resources.wall_time is %g s: about %.0f starts", resources->wall_time, ceil(wall / resources->wall_time));
}

/* Of a task of an array, or of the one job where there is none. Its groups take trials in turn; one that is under way
 * when the time is over goes on from its checkpoint in the next start. */
static void print_starts(const struct sweep *sweep, int groups, double trial, double trials, double usable) {
  const struct sweep_slurm *slurm = &sweep->slurm;
  const double tasks = slurm->array > 0 ? (double)slurm->array : 1, share = ceil(trials / tasks),
               starts = ceil(ceil(share / groups) * trial / usable);
  char what[96] = "no slurm.array: one job", often[64] = ": it suffices";
  if (slurm->array > 0)
    snprintf(what, sizeof what, "slurm.array is %" PRId64 ": up to %.0f trial%s a task", slurm->array, share,
             share == 1 ? "" : "s");
  if (starts > 1) snprintf(often, sizeof often, ", in some %.0f starts%s", starts, tasks > 1 ? " each" : "");
  row("", "%s%s", what, often);
  if (starts > 1 && !slurm->requeue)
    row("", "slurm.requeue is false: all starts but the first are yours to submit");
  else if (starts > 1 + (double)slurm->max_num_timeout)
    row("", "slurm.max_num_timeout is %" PRId64 ": after as many starts more it would be left unfinished",
        slurm->max_num_timeout);
}

/* Against the time limit of a job. trial: s on one of the groups. */
static void print_slurm(const struct comm *world, const struct sweep *sweep, int groups, double trial, double trials) {
  const struct sweep_slurm *slurm = &sweep->slurm;
  const double usable = 60 * (double)slurm->timeout_min - (double)slurm->signal_delay_s,
               fit = floor(usable / trial) * groups;
  if (slurm->timeout_min == 0 || groups == 0) return;
  if (usable <= 0) {
    row("slurm", "slurm.signal_delay_s leaves nothing of the %" PRId64 " min of a job", slurm->timeout_min);
    return;
  }
  if (fit < 1)
    row("slurm", "%" PRId64 " min a job, %" PRId64 " s of them for checkpoints: a trial is %.1f times as long",
        slurm->timeout_min, slurm->signal_delay_s, trial / usable);
  else
    row("slurm",
        "%" PRId64 " min a job, %" PRId64 " s of them for checkpoints: %.0f trial%s on %d group%s; "
        "the whole sweep needs %.0f array task%s of one start",
        slurm->timeout_min, slurm->signal_delay_s, fit, fit == 1 ? "" : "s", groups, plural(groups), ceil(trials / fit),
        trials <= fit ? "" : "s");
  print_starts(sweep, groups, trial, trials, usable);
  if (world->size == 1) row("", "on more ranks a task: mpirun -n RANKS hgn sweep FILE --dry-run");
}

static void print_cost(const struct comm *world, const struct sweep *sweep, const struct total *total) {
  int left;
  const int64_t ranks = world->size == 1 ? 1 : sweep->resources.ranks_per_trial;
  const int groups = crew_groups(world->size, ranks, &left);
  char one[32], all[32], part[64] = "";
  const double trial = total->trial / (double)ranks, hours = total->trials * total->trial / 3600,
               wall = groups > 0 ? ceil(total->trials / groups) * trial : NAN;
  show_time(trial, one);
  show_time(wall, all);
  if (total->evaluating > 0)
    snprintf(part, sizeof part, ", %.0f%% of it in evaluations", 100 * total->evaluating / total->trial);
  row("a trial", "%s on %" PRId64 " rank%s%s", one, ranks, plural(ranks), part);
  row("in all", "%.0f trials, %.3g core-hours, %s%s on %d group%s%s", total->trials, hours,
      *sweep->early.type ? "without early stopping; " : "", groups > 0 ? all : "no end", groups, plural(groups),
      ranks > 1 ? ", if ranks share a trial without loss" : "");
  print_budgets(sweep, trial, hours, wall);
  print_slurm(world, sweep, groups, trial, total->trials);
}

static enum status print_estimate(const struct comm *world, const struct sweep *sweep,
                                  const struct forecast_draws *draws, const struct ledger_shape *shape) {
  struct forecast_costs costs;
  fflush(stdout); /* it takes some seconds */
  TRY(forecast_measure(sweep, draws, &costs));
  print_measured(draws, &costs);
  if (costs.synthetic) row("measured", "nothing: a synthetic step takes synthetic.sleep");
  const struct total total = add_up(sweep, draws, &costs, shape);
  print_checkpoints(sweep, &costs, total.trials);
  if ((costs.count > 0 || costs.synthetic) && total.trials > 0)
    print_cost(world, sweep, &total);
  else {
    row("in all", "not known: run what prepare lists first, then this again");
    if (sweep->slurm.timeout_min > 0) row("slurm", "nor how much of it fits into the time of a job");
  }
  return STATUS_OK;
}

/* What the command line said beside the file. */
static void print_options(const struct sweep_input *input) {
  const struct ledger_texts *texts = &input->texts;
  char base[1024] = "";
  if (sweep_base_path(texts->file_name, texts->file, strlen(texts->file), base) != STATUS_OK) status_clear();
  if (!*base) printf(" --base %s", texts->base_name);
  if (texts->run_cap > 0) printf(" --run-cap %" PRId64, texts->run_cap);
  for (const char *line = texts->renames; *line; line += strcspn(line, "\n") + 1)
    printf(" --rename %.*s", (int)strcspn(line, "\n"), line);
}

/* The command that hands it to SLURM as `slurm` has it. */
static void print_submission(const struct sweep_input *input) {
  const struct sweep_slurm *slurm = &input->sweep->slurm;
  char text[512];
  size_t used = 0;
  if (slurm->array == 0 && slurm->timeout_min == 0) return;
  used += (size_t)snprintf(text, sizeof text, "sbatch");
  if (slurm->array > 0)
    used += (size_t)snprintf(text + used, sizeof text - used, " --array=0-%" PRId64, slurm->array - 1);
  if (slurm->array > 0 && slurm->parallelism > 0)
    used += (size_t)snprintf(text + used, sizeof text - used, "%%%" PRId64, slurm->parallelism);
  if (slurm->timeout_min > 0)
    used += (size_t)snprintf(text + used, sizeof text - used, " --time=%" PRId64, slurm->timeout_min);
  used += (size_t)snprintf(text + used, sizeof text - used, " --signal=B:USR1@%" PRId64, slurm->signal_delay_s);
  (void)snprintf(text + used, sizeof text - used, " --export=ALL,HGN_RESTARTS=%" PRId64,
                 slurm->requeue ? slurm->max_num_timeout : 0);
  printf("submit\n  %s slurm/%s.sbatch %s %s", text, slurm->array > 0 ? "sweep-array" : "sweep", input->texts.file_name,
         input->folder); /* on one line, to be copied */
  print_options(input);
  printf("\n");
  if (slurm->array > 0) printf("  hgn merge %s\n", input->folder);
}

static enum status print_plan(const struct comm *world, const struct sweep_input *input) {
  const struct sweep *sweep = input->sweep;
  const struct ledger_shape shape = ledger_shape_of(sweep, input->texts.extended);
  struct forecast_draws draws;
  print_head(input);
  TRY(print_space(sweep));
  print_trials(sweep, &shape);
  enum status status = forecast_draw(sweep, shape.configurations, &draws);
  if (status == STATUS_OK) {
    print_findings(sweep, &draws);
    status = print_early(sweep, &draws);
  }
  if (status == STATUS_OK) {
    print_ranks(world, sweep, &shape);
    print_prepare(sweep);
    status = print_output(input, &shape);
  }
  if (status == STATUS_OK) status = print_estimate(world, sweep, &draws, &shape);
  if (status == STATUS_OK) print_submission(input);
  forecast_draws_free(&draws);
  REQUIRE(status != STATUS_OK || !ferror(stdout), STATUS_FILE, "the plan of the sweep could not be written");
  return status;
}

enum status sweep_plan(const struct comm *world, const struct sweep_input *input) {
  const enum status status = world->rank == 0 ? print_plan(world, input) : STATUS_OK;
  const enum status waited = comm_wait(world);
  return status != STATUS_OK ? status : waited;
}
