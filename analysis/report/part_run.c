/* "What was run": who, with what, on what, and the commands that do it again. */
#include "analysis/report/report_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOULE_PER_KWH 3.6e6

/* ---- Runs ---- */

static int64_t count_lines(const char *text) {
  int64_t lines = 0;
  for (; *text; text++) lines += *text == '\n';
  return lines;
}

static void write_run(struct page *page, const struct run_facts *run) {
  const int64_t hosts = count_lines(run->provenance.hosts);
  page_cell(page, "%s", run->name);
  page_cell(page, "%s%s%s", run->model, run->preset[0] ? ", " : "", run->preset);
  page_cell(page, "%s", run->integrator);
  page_cell(page, "%s", run->data.system);
  page_cell(page, "%lld", (long long)run->seed);
  page_cell(page, "%lld of %lld", (long long)run->steps_done, (long long)run->steps);
  page_cell(page, "%s", run->complete ? "yes" : "no");
  page_cell(page, "%lld", (long long)run->provenance.ranks);
  page_cell(page, "%lld", (long long)hosts);
  report_number(page, "%.2f", run->seconds / 3600);
  report_number(page, "%.3f", run->core_hours);
  report_number(page, "%.4f", run->energy_joule / JOULE_PER_KWH);
  report_number(page, "%.0f", run->memory_bytes / (1 << 20));
  page_cell(page, "%s", run->provenance.created);
}

static void write_runs(const struct report_work *report) {
  static const struct page_column column[] = {{"run", false},
                                              {"model, preset", false},
                                              {"integrator", false},
                                              {"data", false},
                                              {"seed", true},
                                              {"steps done", true},
                                              {"complete", false},
                                              {"ranks", true},
                                              {"hosts", true},
                                              {"wall time, h", true},
                                              {"core hours", true},
                                              {"energy (RAPL), kWh", true},
                                              {"memory of a rank, MiB", true},
                                              {"begun", false}};
  struct page *page = report->page;
  bool energy = false;
  page_table_begin(page, "runs",
                   "The runs, and what they took. Energy is that of the processor packages, where the "
                   "machine tells it.",
                   column, sizeof column / sizeof *column);
  for (int64_t i = 0; i < report->gather->runs; i++) {
    write_run(page, &report->gather->run[i]);
    energy = energy || !isnan(report->gather->run[i].energy_joule);
  }
  page_table_end(page);
  if (!energy) page_remark(page, PAGE_MISSING, "No machine told the energy that it used (RAPL).");
  for (int64_t i = 0; i < report->gather->runs; i++) {
    const struct run_facts *run = &report->gather->run[i];
    if (run->has_start)
      page_text(page, "%s began with the parameters of %s after step %lld (checksum %s).", run->name, run->start.run,
                (long long)run->start.step, run->start.parameters);
    if (run->has_origin)
      page_text(page, "%s goes on from step %lld of %s.", run->name, (long long)run->origin.step, run->origin.run);
  }
}

/* As a shell takes it, in the folder that it was given in. */
static void print_command(const struct run_facts *run, FILE *out) {
  const struct run_provenance *provenance = &run->provenance;
  fprintf(out, "# %s\n(cd ", run->name);
  provenance_write_word(provenance->working_folder[0] ? provenance->working_folder : ".", out);
  fputs(" && ", out);
  if (provenance->ranks > 1) fprintf(out, "mpirun -n %lld ", (long long)provenance->ranks);
  fprintf(out, "%s)\n", provenance->command[0] ? provenance->command : "true  # the command is not known");
}

static void write_commands(const struct report_work *report) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out) return;
  for (int64_t i = 0; i < report->gather->runs; i++) print_command(&report->gather->run[i], out);
  if (fclose(out) == 0)
    page_verbatim(report->page, "The commands that made these runs: each makes one row of each table",
                  report->gather->runs > 8, text);
  free(text);
}

static void write_sessions(const struct report_work *report) {
  static const struct page_column column[] = {{"run", false},  {"began", false}, {"steps done then", true},
                                              {"ranks", true}, {"job", false},   {"restarts", true}};
  int64_t several = 0;
  for (int64_t i = 0; i < report->gather->runs; i++) several += report->gather->run[i].sessions > 1;
  if (several == 0) return;
  page_table_begin(report->page, "sessions", "Runs that were gone on with, and the processes that did.", column,
                   sizeof column / sizeof *column);
  for (int64_t i = 0; i < report->gather->runs; i++) {
    const struct run_facts *run = &report->gather->run[i];
    for (int64_t s = 0; s < run->sessions && run->sessions > 1; s++) {
      const struct record_worker *session = &run->session[s];
      page_cell(report->page, "%s", run->name);
      report_time(report->page, session->began);
      report_number(report->page, "%.0f", session->step);
      report_number(report->page, "%.0f", session->ranks);
      report_number(report->page, "%.0f", session->id > 0 ? session->id : (double)NAN);
      report_number(report->page, "%.0f", session->restarts);
    }
  }
  page_table_end(report->page);
}

/* ---- Data ---- */

/* Whether an earlier run has the same data. */
static bool is_first_of_data(const struct gather *gather, int64_t index) {
  for (int64_t i = 0; i < index; i++)
    if (strcmp(gather->run[i].data.checksum, gather->run[index].data.checksum) == 0) return false;
  return true;
}

static void write_data_row(struct page *page, const struct run_data *data) {
  page_cell(page, "%s", data->file);
  page_cell(page, "%s", data->checksum);
  page_cell(page, "%s", data->system);
  report_number(page, "%g", data->sigma);
  report_number(page, "%g", data->dt);
  report_number(page, "%.0f", data->frames ? (double)data->frames : (double)NAN);
  for (int split = 0; split < SPLIT_COUNT; split++)
    report_number(page, "%.0f", data->rollouts[split] ? (double)data->rollouts[split] : (double)NAN);
  report_number(page, "%.3f", 1e4 * data->floor);
  report_number(page, "%.3f", 1e4 * data->mean_image);
}

static void write_data(const struct report_work *report) {
  static const struct page_column column[] = {{"data set", false},       {"checksum of its contents", false},
                                              {"system", false},         {"noise sigma", true},
                                              {"interval, s", true},     {"frames", true},
                                              {"training", true},        {"test", true},
                                              {"validation", true},      {"noise floor x1e-4", true},
                                              {"mean image x1e-4", true}};
  const struct gather *gather = report->gather;
  page_heading(report->page, 2, "data-sets", "Data");
  page_table_begin(report->page, "data-sets-table",
                   "The data sets, with the checksums that the runs recorded; floor and mean image are mean squared "
                   "errors of a pixel.",
                   column, sizeof column / sizeof *column);
  for (int64_t i = 0; i < gather->runs; i++)
    if (is_first_of_data(gather, i)) write_data_row(report->page, &gather->run[i].data);
  page_table_end(report->page);
  for (int64_t i = 0; i < gather->runs; i++) {
    const struct run_data *data = &gather->run[i].data;
    char *text = NULL;
    if (!is_first_of_data(gather, i)) continue;
    if (data->problem[0])
      page_remark(report->page, PAGE_MISSING,
                  "The data set could not be looked at, so what only it says is missing: %s", data->problem);
    if (data->config && config_text(data->config, &text) == STATUS_OK) {
      char title[600];
      snprintf(title, sizeof title, "Effective configuration of %.500s", data->file);
      page_verbatim(report->page, title, true, text);
    }
    free(text);
  }
}

/* ---- Software and machines ---- */

static bool same_build(const struct run_provenance *a, const struct run_provenance *b) {
  return strcmp(a->hgn, b->hgn) == 0 && strcmp(a->git_diff, b->git_diff) == 0 && strcmp(a->build, b->build) == 0 &&
         strcmp(a->libraries, b->libraries) == 0 && strcmp(a->cpu, b->cpu) == 0 &&
         strcmp(a->kernels, b->kernels) == 0 && strcmp(a->hosts, b->hosts) == 0;
}

static void write_build(struct page *page, const struct run_facts *run, int64_t runs) {
  static const struct page_column column[] = {{"what", false}, {"as recorded", false}};
  const struct run_provenance *of = &run->provenance;
  char caption[400];
  snprintf(caption, sizeof caption, "Program and machine of %s%s.", run->name,
           runs > 1 ? " and the runs that were made alike" : "");
  page_table_begin(page, "build", caption, column, 2);
  report_line(page, "version and git state", "%s", of->hgn);
  report_line(page, "changes since that commit", "%s", of->git_diff[0] ? "yes, see below" : "none");
  report_line(page, "compiler, flags, build, system", "%s", of->build);
  report_line(page, "libraries", "%s", of->libraries);
  report_line(page, "processors", "%s", of->cpu);
  report_line(page, "instruction sets of the kernels", "%s", of->kernels);
  report_line(page, "hosts, with their ranks", "%s", of->hosts);
  report_line(page, "rules of arithmetic", "%s", run->numerics);
  report_line(page, "runs", "%lld", (long long)runs);
  page_table_end(page);
  if (of->git_diff[0]) page_verbatim(page, "The changes since that commit", true, of->git_diff);
}

enum { BUILDS_SHOWN = 12 };

static void write_builds(const struct report_work *report) {
  const struct gather *gather = report->gather;
  int64_t shown = 0, left = 0;
  page_heading(report->page, 2, "software", "Software and machines");
  for (int64_t i = 0; i < gather->runs; i++) {
    int64_t first = 0, alike = 0;
    while (!same_build(&gather->run[first].provenance, &gather->run[i].provenance)) first++;
    if (first < i) continue;
    for (int64_t j = i; j < gather->runs; j++)
      alike += same_build(&gather->run[i].provenance, &gather->run[j].provenance);
    if (shown == BUILDS_SHOWN) {
      left++;
      continue;
    }
    write_build(report->page, &gather->run[i], alike);
    shown++;
  }
  if (left > 0)
    page_remark(report->page, PAGE_REMARK, "%lld more programs or machines are in the runs' own files (/provenance).",
                (long long)left);
}

/* ---- Configurations ---- */

static void write_configurations(const struct report_work *report) {
  const struct run_groups *groups = &report->groups;
  page_heading(report->page, 2, "configurations", "Effective configurations");
  page_text(report->page,
            "Every key that applies, also those that were left at their defaults. Runs of one group differ "
            "in \"seed\" alone.");
  for (int64_t i = 0; i < groups->groups && i < REPORT_FOLDED; i++) {
    char name[REPORT_NAME_MAX];
    page_verbatim(report->page, report_group_name(&groups->group[i], name), true, groups->group[i].run[0]->config_text);
  }
  if (groups->groups > REPORT_FOLDED)
    page_remark(report->page, PAGE_REMARK,
                "Those of the first %d groups are shown; \"hgn info RUN\" shows that of any other run.", REPORT_FOLDED);
}

void report_what_was_run(const struct report_work *report) {
  page_heading(report->page, 1, "what-was-run", "What was run");
  write_runs(report);
  write_commands(report);
  write_sessions(report);
  write_data(report);
  write_builds(report);
  write_configurations(report);
}
