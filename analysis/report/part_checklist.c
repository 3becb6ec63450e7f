/* What lets others check and repeat it: the certificate, and the machine learning reproducibility checklist (Pineau et
 * al., Journal of Machine Learning Research 22:164, 2021) as far as files can answer it. */
#include "analysis/report/report_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Certificate ---- */

enum { CERTIFIED_MOST = 40 };

static void write_sums(struct page *page, const struct run_facts *run, int which) {
  for (int n = 0; n < run->networks; n++) {
    char parameters[CHECKSUM_TEXT], gradient[CHECKSUM_TEXT];
    const struct checksum *sum = &run->parameter_sum[which][n];
    if (sum->word[0] == 0 && sum->word[1] == 0) continue; /* a network that this model has not */
    checksum_text(sum, parameters);
    checksum_text(&run->gradient_sum[which][n], gradient);
    page_cell(page, "%s", run->name);
    page_cell(page, "%lld", (long long)run->sum_step[which]);
    page_cell(page, "%s", run->network[n]);
    page_cell(page, "%s", parameters);
    page_cell(page, "%s", gradient);
  }
}

static void write_commands(const struct report_work *report) {
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  if (!out) return;
  for (int64_t i = 0; i < report->gather->runs; i++)
    if (report->gather->run[i].parameter_sum[0]) {
      fputs("hgn verify ", out);
      provenance_write_word(report->gather->run[i].path, out);
      fputc('\n', out);
    }
  if (fclose(out) == 0)
    page_verbatim(report->page, "To be given from where this report was made", report->gather->runs > 12, text);
  free(text);
}

void report_certificate(const struct report_work *report) {
  static const struct page_column column[] = {{"run", false},
                                              {"step", true},
                                              {"network", false},
                                              {"checksum of its parameters", false},
                                              {"of its gradient", false}};
  const struct gather *gather = report->gather;
  struct page *page = report->page;
  page_heading(page, 1, "certificate", "Certificate");
  page_text(page,
            "At every report a training records checksums of each network's parameters and gradient. They are the "
            "same on any number of ranks and any processor, so whoever trains again can tell at which step, and in "
            "which network, a difference began. \"hgn verify\" does that:");
  write_commands(report);
  page_table_begin(page, "checksums", "Checksums of the first and of the last report.", column,
                   sizeof column / sizeof *column);
  for (int64_t i = 0; i < gather->runs && i < CERTIFIED_MOST; i++) {
    const struct run_facts *run = &gather->run[i];
    if (run->parameter_sum[0]) write_sums(page, run, 0);
    if (run->parameter_sum[1] && run->reports > 1) write_sums(page, run, 1);
  }
  page_table_end(page);
  if (gather->runs > CERTIFIED_MOST)
    page_remark(page, PAGE_REMARK, "Those of the first %d runs are shown; all are in the runs' files (/report).",
                CERTIFIED_MOST);
}

/* ---- Checklist ---- */

/* How many runs have something. */
static int64_t count_runs(const struct gather *gather, bool (*has)(const struct run_facts *run)) {
  int64_t count = 0;
  for (int64_t i = 0; i < gather->runs; i++) count += has(&gather->run[i]);
  return count;
}

static bool has_data(const struct run_facts *run) { return run->data.problem[0] == '\0'; }
static bool has_commit(const struct run_facts *run) {
  return strstr(run->provenance.hgn, "unknown") == NULL && strchr(run->provenance.hgn, ' ') != NULL;
}
static bool is_clean(const struct run_facts *run) { return has_commit(run) && run->provenance.git_diff[0] == '\0'; }
static bool has_command(const struct run_facts *run) { return run->provenance.command[0] != '\0'; }
static bool is_complete(const struct run_facts *run) { return run->complete; }
static bool has_energy(const struct run_facts *run) { return !isnan(run->energy_joule); }
static bool has_time(const struct run_facts *run) { return !isnan(run->core_hours); }
static bool has_machine(const struct run_facts *run) {
  return run->provenance.cpu[0] != '\0' && run->provenance.hosts[0] != '\0';
}
static bool has_split(const struct run_facts *run) { return run->data.rollouts[SPLIT_VALIDATION] > 0; }
static bool has_limit(const struct run_facts *run) { return !isnan(run->data.limit); }
static bool is_of_frames(const struct run_facts *run) { return run->kind->data == LEARNER_FRAMES; }
static bool has_sums(const struct run_facts *run) { return run->parameter_sum[0] != NULL; }

/* All of them, some, or none. */
static void write_item(struct page *page, const char *item, int64_t count, int64_t all, const char *where) {
  page_cell(page, "%s", item);
  if (all == 0)
    page_cell(page, "does not apply");
  else if (count == all)
    page_cell(page, "yes");
  else if (count > 0)
    page_cell(page, "in part");
  else
    page_cell(page, "missing");
  page_cell(page, "%lld of %lld", (long long)count, (long long)all);
  page_cell(page, "%s", where);
}

static int64_t count_seeded(const struct report_work *report) {
  int64_t several = 0;
  for (int64_t i = 0; i < report->groups.groups; i++) several += report->groups.group[i].runs >= 3;
  return several;
}

static void write_items(const struct report_work *report) {
  const struct gather *gather = report->gather;
  struct page *page = report->page;
  const int64_t runs = gather->runs, frames = count_runs(gather, is_of_frames);
  write_item(page, "Model and algorithm: every hyper-parameter", runs, runs, "Effective configurations");
  write_item(page, "Frames in and out, loss weights, integrator", runs, runs,
             "protocol, objective and model of the effective configurations");
  write_item(page, "Data: how they were generated, sizes of the splits", count_runs(gather, has_data), runs, "Data");
  write_item(page, "Data: checksums of their contents", runs, runs, "Data");
  write_item(page, "Models chosen on a validation split, not on the test split", count_runs(gather, has_split), runs,
             "Data; Results");
  write_item(page, "Ranges of hyper-parameters, and how the best were chosen", gather->sweeps, gather->sweeps,
             "the sweeps; a single run has no ranges");
  write_item(page, "Groups of at least three seeds", count_seeded(report), report->groups.groups, "Results");
  write_item(page, "Metrics: definition, central tendency and variation", runs, runs, "Results, all scores");
  write_item(page, "Results beside what is possible: the information limit", count_runs(gather, has_limit), frames,
             "In figures; \"hgn limit\" computes it");
  write_item(page, "Trainings that ended as they were meant to", count_runs(gather, is_complete), runs, "The runs");
  write_item(page, "Run time", count_runs(gather, has_time), runs, "The runs");
  write_item(page, "Energy", count_runs(gather, has_energy), runs, "The runs");
  write_item(page, "Computing infrastructure", count_runs(gather, has_machine), runs, "Software and machines");
  write_item(page, "Code: version and git state", count_runs(gather, has_commit), runs, "Software and machines");
  write_item(page, "Code: nothing that was not committed", count_runs(gather, is_clean), runs, "Software and machines");
  write_item(page, "Dependencies with their versions", runs, runs, "Software and machines");
  write_item(page, "The exact command of each row", count_runs(gather, has_command), runs, "What was run");
  write_item(page, "Checksums by which a repetition is compared", count_runs(gather, has_sums), runs, "Certificate");
}

void report_checklist(const struct report_work *report) {
  static const struct page_column column[] = {
      {"item", false}, {"there", false}, {"of how many", true}, {"where", false}};
  page_heading(report->page, 1, "checklist", "Checklist");
  page_text(report->page,
            "In the sense of the machine learning reproducibility checklist (Pineau et al., Journal of "
            "Machine Learning Research 22:164, 2021), filled in from the files: how many of the runs have "
            "what it asks for. What is missing is missing from the files.");
  page_table_begin(report->page, "checklist-items", "What is there.", column, sizeof column / sizeof *column);
  write_items(report);
  page_table_end(report->page);
  page_text(report->page,
            "What no file can say, and authors have to: assumptions behind statements, why these systems "
            "and metrics, limits of the method, societal impact, licence of data that were made elsewhere.");
}
