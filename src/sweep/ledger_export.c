#include "sweep/ledger_export.h"

#include "store/csv.h"

#include <math.h>

static bool has_begun(const struct ledger_trial *trial) { return trial->state != TRIAL_QUEUED || trial->starts > 0; }

static void name_trial(const struct sweep *sweep, const struct ledger *ledger, struct csv *csv) {
  static const char *const names[] = {"trial", "state", "configuration", "repeat", "seed", "confirms"};
  char name[128];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) csv_name(csv, names[i], NULL);
  for (int i = 0; i < sweep->space.count; i++) csv_name(csv, sweep->space.parameter[i].name, NULL);
  csv_name(csv, "step", NULL);
  csv_name(csv, "metric", NULL);
  for (int i = 0; i < ledger->shape.scores; i++) {
    snprintf(name, sizeof name, "test %.100s", ledger->score[i]);
    csv_name(csv, name, NULL);
  }
  csv_name(csv, "starts", NULL);
  csv_name(csv, "failures", NULL);
  csv_name(csv, "ranks", NULL);
  csv_name(csv, "seconds", "s");
  csv_name(csv, "working", "s");
  csv_name(csv, "began", "s since 1970");
  csv_name(csv, "ended", "s since 1970");
  csv_name(csv, "reason", NULL);
  csv_end(csv);
}

/* A choice as it stands in an experiment. */
static void put_parameter(const struct space_parameter *parameter, double value, struct csv *csv) {
  if (parameter->choice && value >= 0 && value < (double)parameter->distribution.count)
    csv_text(csv, parameter->choice[(int64_t)value].text);
  else
    csv_number(csv, value);
}

static void put_trial(const struct sweep *sweep, const struct ledger *ledger, int64_t row, struct csv *csv) {
  const struct ledger_trial *trial = &ledger->trial[row];
  csv_integer(csv, ledger_trial_number(ledger, row));
  csv_text(csv, trial_state_name(trial->state));
  csv_integer(csv, ledger_configuration_number(ledger, trial->configuration));
  csv_integer(csv, trial->repeat);
  csv_integer(csv, trial->seed);
  csv_integer(csv, trial->confirms);
  const double *point = ledger->point + trial->configuration * ledger->shape.parameters;
  for (int i = 0; i < sweep->space.count; i++) put_parameter(&sweep->space.parameter[i], point[i], csv);
  csv_integer(csv, trial->step);
  csv_number(csv, trial->value);
  for (int i = 0; i < ledger->shape.scores; i++) csv_number(csv, ledger->test[row * ledger->shape.scores + i]);
  csv_integer(csv, trial->starts);
  csv_integer(csv, trial->failures);
  csv_integer(csv, trial->ranks);
  csv_number(csv, trial->seconds);
  csv_number(csv, trial->working);
  csv_number(csv, trial->began);
  csv_number(csv, trial->ended);
  csv_text(csv, trial->reason);
  csv_end(csv);
}

static enum status export_trials(const struct sweep *sweep, const struct ledger *ledger, const char *folder) {
  struct csv csv;
  TRY(csv_open(&csv));
  name_trial(sweep, ledger, &csv);
  for (int64_t row = 0; row < ledger->shape.trials; row++)
    if (has_begun(&ledger->trial[row])) put_trial(sweep, ledger, row, &csv);
  return csv_put(&csv, folder, "trials.csv", "trial,");
}

static enum status export_reports(const struct ledger *ledger, const char *folder) {
  const int64_t reports = ledger->shape.reports, scores = ledger->shape.scores;
  struct csv csv;
  TRY(csv_open(&csv));
  csv_name(&csv, "trial", NULL);
  csv_name(&csv, "step", NULL);
  for (int64_t i = 0; i < scores; i++) csv_name(&csv, ledger->score[i], NULL);
  csv_end(&csv);
  for (int64_t row = 0; row < ledger->shape.trials * reports; row++) {
    if (ledger->report_step[row] == 0) continue;
    csv_integer(&csv, ledger_trial_number(ledger, row / reports));
    csv_integer(&csv, ledger->report_step[row]);
    for (int64_t i = 0; i < scores; i++) csv_number(&csv, ledger->validation[row * scores + i]);
    csv_end(&csv);
  }
  return csv_put(&csv, folder, "reports.csv", "trial,");
}

static enum status export_jobs(const struct ledger *ledger, const char *folder) {
  struct csv csv;
  TRY(csv_open(&csv));
#define NAME(name, help) csv_name(&csv, #name, NULL);
  LEDGER_JOB_LIST(NAME)
#undef NAME
  csv_end(&csv);
  for (int64_t row = 0; row < ledger->jobs; row++) {
#define VALUE(name, help) csv_integer(&csv, ledger->job[row].name);
    LEDGER_JOB_LIST(VALUE)
#undef VALUE
    csv_end(&csv);
  }
  return csv_put(&csv, folder, "jobs.csv", "number,");
}

static enum status export_events(const struct ledger *ledger, const char *folder) {
  struct csv csv;
  TRY(csv_open(&csv));
  csv_name(&csv, "kind", NULL);
  csv_name(&csv, "job", NULL);
  csv_name(&csv, "trial", NULL);
  csv_name(&csv, "time", "s since 1970");
  csv_end(&csv);
  for (int64_t row = 0; row < ledger->events; row++) {
    const struct ledger_event *event = &ledger->event[row];
    csv_text(&csv, event_name(event->kind));
    csv_integer(&csv, event->job);
    csv_integer(&csv, event->trial);
    csv_number(&csv, event->time);
    csv_end(&csv);
  }
  return csv_put(&csv, folder, "events.csv", "kind,");
}

enum status ledger_export_csv(const struct sweep *sweep, const struct ledger *ledger, const char *folder) {
  TRY(export_trials(sweep, ledger, folder));
  TRY(export_reports(ledger, folder));
  TRY(export_jobs(ledger, folder));
  return export_events(ledger, folder);
}
