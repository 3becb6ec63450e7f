#include "analysis/report/sweep_sections.h"

#include "analysis/report/sweep_view.h"
#include "sweep/board.h"

#include <inttypes.h>
#include <string.h>

enum { REASONS = 15 };

static void tell_search(struct page *page, const struct sweep_view *view) {
  const struct sweep *sweep = view->sweep;
  char states[512];
  const int64_t ended = board_states(sweep, view->ledger, states, sizeof states);
  page_text(page,
            "Method %s over %d parameter%s, %s of %s on the validation split, %" PRId64 " seed%s each, seed %" PRIu64
            " of the search.",
            sweep->method_name, view->axes.count, view->axes.count == 1 ? "" : "s",
            sweep->metric[0].maximize ? "maximum" : "minimum", sweep->metric[0].name, sweep->repeats,
            sweep->repeats == 1 ? "" : "s", sweep->seed);
  page_text(page, "%" PRId64 " of %" PRId64 " trials have ended: %s.", ended, ledger_expected(sweep, view->ledger),
            states);
  if (sweep->method_name[0] && strcmp(sweep->method_name, "pbt") == 0)
    page_remark(
        page, PAGE_REMARK,
        "Population based training: a configuration is a part of a training, and begins in the state of another; "
        "its value is not of its parameters alone.");
}

/* What is not whole. */
static void tell_gaps(struct page *page, const struct sweep_view *view) {
  const struct merge_report *parts = &view->stored.parts;
  if (view->stored.damaged > 0)
    page_remark(page, PAGE_WARNING,
                "%" PRId64 " trials are not what was written (their checksums differ) and count as not run.",
                view->stored.damaged);
  if (view->sweep->part.count > 1)
    page_remark(page, PAGE_REMARK, "This is part %" PRId64 " of %" PRId64 " of a sweep, alone.",
                view->sweep->part.index, view->sweep->part.count);
  if (parts->parts > 0 && parts->complete < parts->parts)
    page_remark(page, PAGE_WARNING,
                "Of %" PRId64 " parts %" PRId64 " are through and %" PRId64 " have begun: what stands "
                "here is of what there is.",
                parts->parts, parts->complete, parts->there);
  if (parts->parts > 0 && parts->news)
    page_remark(page, PAGE_REMARK, "The parts say more than sweep.h5; they are put together here (hgn merge %s).",
                view->stored.folder);
  if (!board_finished(view->sweep, view->ledger))
    page_remark(page, PAGE_WARNING,
                "Not all trials have ended: what is best, what matters and what it cost may yet change.");
}

/* ---- What went wrong ---- */

static bool went_wrong(const struct sweep_view *view, int64_t trial) {
  const struct ledger_trial *row = &view->ledger->trial[trial];
  return row->reason[0] && ledger_counts(view->sweep, view->ledger, trial) && row->state != TRIAL_COMPLETE &&
         row->state != TRIAL_INFEASIBLE;
}

static void add_wrong(struct page *page, const struct sweep_view *view) {
  static const struct page_column column[] = {{"trial", true}, {"state", false}, {"starts", true}, {"reason", false}};
  int64_t count = 0, shown = 0;
  for (int64_t t = 0; t < view->ledger->shape.trials; t++) count += went_wrong(view, t);
  if (count == 0) return;
  page_heading(page, 2, "sweep-wrong-part", "What went wrong");
  page_table_begin(
      page, "sweep-wrong",
      count > REASONS ? "The first trials that did not come to a result, and why; the CSV of all trials has the others."
                      : "Trials that did not come to a result, and why.",
      column, sizeof column / sizeof *column);
  for (int64_t t = 0; t < view->ledger->shape.trials && shown < REASONS; t++) {
    const struct ledger_trial *row = &view->ledger->trial[t];
    if (!went_wrong(view, t)) continue;
    shown++;
    page_cell(page, "%" PRId64, ledger_trial_number(view->ledger, t));
    page_cell(page, "%s", trial_state_name(row->state));
    page_cell(page, "%" PRId64, row->starts);
    page_cell(page, "%.*s", JOB_REASON_MAX, row->reason);
  }
  page_table_end(page);
}

static void add_events(struct page *page, const struct sweep_view *view) {
  int64_t count[EVENT_COUNT] = {0};
  char text[512] = "";
  size_t used = 0;
  for (int64_t i = 0; i < view->ledger->events; i++) count[view->ledger->event[i].kind] += 1;
  for (int kind = EVENT_STARTED; kind < EVENT_COUNT && used < sizeof text; kind++)
    if (count[kind] > (kind == EVENT_STARTED))
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %" PRId64, used > 0 ? ", " : "",
                               event_name((enum event_kind)kind), count[kind]);
  if (used > 0) page_text(page, "From outside, which results do not follow from the file alone for: %s.", text);
}

/* ---- All of it ---- */

static void add_all(struct page *page, const struct sweep_view *view) {
  page_heading(page, 1, "sweep", "Sweep %s", *view->sweep->name ? view->sweep->name : view->stored.folder);
  tell_search(page, view);
  tell_gaps(page, view);
  add_events(page, view);
  if (view->ledger->points == 0) {
    page_remark(page, PAGE_MISSING, "No trial has begun.");
    return;
  }
  sweep_best_add(page, view);
  sweep_front_add(page, view);
  sweep_trials_add(page, view);
  sweep_parameters_add(page, view);
  sweep_rungs_add(page, view);
  sweep_time_add(page, view);
  add_wrong(page, view);
  page_verbatim(page, "The sweep's file", true, view->stored.texts.file);
  page_verbatim(page, "The experiment that its trials change", true, view->stored.texts.base);
}

void sweep_sections(struct page *page, const char *path) {
  struct sweep_view view;
  if (sweep_view_open(path, &view) == STATUS_OK) {
    add_all(page, &view);
  } else {
    page_heading(page, 1, "sweep", "Sweep %s", path);
    page_remark(page, PAGE_MISSING, "%s: the sweep cannot be reported: %s", path, status_message());
    status_clear();
  }
  sweep_view_close(&view);
}

/* Whether an earlier path is of the same sweep. */
static bool is_told(char *const *path, int64_t at) {
  char folder[STORE_PATH_MAX], other[STORE_PATH_MAX];
  if (!stored_find(path[at], folder)) return false;
  for (int64_t i = 0; i < at; i++)
    if (stored_find(path[i], other) && strcmp(folder, other) == 0) return true;
  return false;
}

void sweep_sections_all(struct page *page, char *const *path, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (!is_told(path, i)) sweep_sections(page, path[i]);
}
