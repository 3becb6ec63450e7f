/* The file of a sweep, or of a part of it, made or gone on with. Root only. */
#include "base/log.h"
#include "cli/sweep_cli.h"
#include "store/output.h"
#include "sweep/board.h"
#include "sweep/folder.h"
#include "sweep/merge.h"
#include "train/numerics.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What the command line changes ---- */

/* States that --retry names, a bit each. */
enum status sweep_parse_retry(const char *text, unsigned *states) {
  *states = 0;
  while (text && *text) {
    const size_t length = strcspn(text, ",");
    int found = -1;
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
      const char *name = trial_state_name((enum trial_state)i);
      if (strlen(name) == length && strncmp(name, text, length) == 0 && trial_ended((enum trial_state)i)) found = i;
    }
    /* What was pruned would be again. */
    REQUIRE(found == TRIAL_FAILED || found == TRIAL_TIMEOUT || found == TRIAL_DIVERGED, STATUS_USAGE,
            "--retry: \"%.*s\": expected failed, timeout or diverged, several with commas", (int)length, text);
    *states |= 1u << found;
    text += length + (text[length] == ',');
  }
  return STATUS_OK;
}

/* Trials of these states are put back; returns how many, and which. */
static int64_t put_back(struct ledger *ledger, unsigned states, int64_t *trials) {
  int64_t count = 0;
  for (int64_t t = 0; t < ledger->shape.trials; t++) {
    struct ledger_trial *trial = &ledger->trial[t];
    if (!(states >> trial->state & 1u) || trial->starts == 0) continue;
    trial->state = TRIAL_QUEUED;
    trial->failures = 0;
    memset(trial->reason, 0, sizeof trial->reason);
    trials[count++] = t;
  }
  return count;
}

/* With an event for each of the changes, at the number of jobs that had been begun. */
static enum status enlarge(const char *path, const struct sweep_input *input, const struct ledger_texts *texts,
                           const int64_t *trials, int64_t back, int64_t added, struct ledger *ledger) {
  int64_t jobs = 0;
  for (int64_t t = 0; t < ledger->shape.trials; t++) jobs += ledger->trial[t].starts;
  TRY(ledger_enlarge(path, input->sweep, texts, ledger));
  for (int64_t i = 0; i < back; i++) TRY(ledger_event_add(ledger, EVENT_RETRY, jobs, trials[i]));
  if (added > 0) TRY(ledger_event_add(ledger, EVENT_EXTEND, jobs, -1));
  log_info("%s: %lld trial%s put back, %lld configuration%s added", path, (long long)back, back == 1 ? "" : "s",
           (long long)added, added == 1 ? "" : "s");
  return STATUS_OK;
}

/* --retry and --extend: a larger file takes the place of this one before any trial begins. */
static enum status change(const struct sweep_words *words, unsigned retry, const char *path,
                          const struct sweep_input *input, struct ledger *ledger) {
  struct ledger_texts texts = input->texts;
  const struct sweep *sweep = input->sweep;
  REQUIRE(words->extend == 0 || !*sweep->early.type || sweep->slurm.array <= 1, STATUS_USAGE,
          "--extend: early stopping decides within the parts that the file says (slurm.array), for the configurations "
          "that there are");
  REQUIRE(words->extend == 0 || sweep->part.count == 1, STATUS_USAGE,
          "--extend: configurations are added to the whole sweep: hgn merge DIR, then hgn sweep DIR --extend N");
  REQUIRE(words->extend == 0 || !sweep->method->part, STATUS_USAGE,
          "--extend: a sweep by method %s has the members and generations that its file says", sweep->method_name);
  const int64_t room = SWEEP_RUNS_MAX - sweep->run_cap - texts.extended;
  REQUIRE(words->extend <= room, STATUS_USAGE,
          "--extend %lld: expected %lld at most, a sweep has %d configurations at most", (long long)words->extend,
          (long long)room, (int)SWEEP_RUNS_MAX);
  REQUIRE(words->extend == 0 || strcmp(sweep->early.type, "hyperband_brackets") != 0, STATUS_USAGE,
          "--extend: the last bracket of hyperband_brackets was made for the configurations that there are");
  texts.extended += words->extend;
  const int64_t added = ledger_shape_of(sweep, texts.extended).configurations -
                        ledger_shape_of(sweep, input->texts.extended).configurations;
  REQUIRE(words->extend == 0 || added > 0, STATUS_USAGE,
          "--extend: the space has %lld points, and the sweep has them all", (long long)ledger->shape.configurations);
  int64_t *trials = malloc((size_t)ledger->shape.trials * sizeof *trials);
  REQUIRE(trials, STATUS_MEMORY, "out of memory for trials");
  const int64_t back = put_back(ledger, retry, trials);
  enum status status = STATUS_OK;
  if (back > 0 || added > 0) status = enlarge(path, input, &texts, trials, back, added, ledger);
  free(trials);
  return status;
}

/* ---- A file that is there ---- */

/* What is there is this sweep, in other words or not, and can be gone on with here. */
static enum status open_same(const char *path, struct sweep_input *input, const struct ledger_texts *there,
                             struct ledger *ledger) {
  char here[STORE_PATH_MAX];
  int64_t damaged;
  const bool same = strcmp(input->texts.numerics, there->numerics) == 0;
  const struct sweep_part *part = &input->sweep->part;
  REQUIRE(there->part.index == part->index && there->part.count == part->count, STATUS_CONFIG,
          "%s: was begun as part %lld of %lld, now it is part %lld of %lld", path, (long long)there->part.index,
          (long long)there->part.count, (long long)part->index, (long long)part->count);
  if (!input->from_folder) TRY(ledger_compare(input->sweep, input->texts.effective, path, there));
  input->texts.extended = there->extended;
  if (getcwd(here, sizeof here) && strcmp(here, there->working_folder) != 0)
    log_warn("%s: was begun in %s, and names of data in it may be relative to that; here is %s", path,
             there->working_folder, here);
  TRY(ledger_open(path, input->sweep, input->texts.extended, true, ledger, &damaged));
  REQUIRE(same || board_finished(input->sweep, ledger), STATUS_UNAVAILABLE,
          "%.512s: was begun with what gives other bits: %s; here it is %s. Go on with the program of then, or choose "
          "another -o",
          path, there->numerics, input->texts.numerics);
  if (damaged > 0)
    log_warn("%s: %lld trial%s not what was written: run again", path, (long long)damaged,
             damaged == 1 ? " is" : "s are");
  log_info("%s: goes on", path);
  return STATUS_OK;
}

static enum status open_there(const struct sweep_words *words, unsigned retry, const char *path,
                              struct sweep_input *input, struct ledger *ledger) {
  struct ledger_texts there;
  TRY(ledger_read_texts(path, &there));
  const enum status status = open_same(path, input, &there, ledger);
  ledger_texts_free(&there);
  return status == STATUS_OK ? change(words, retry, path, input, ledger) : status;
}

/* ---- What stands beside it ---- */

/* Not written by another job, for so long that one which only puts parts together is through. */
static enum status check_idle(const char *path) {
  static const double patience = 10;
  char resolved[STORE_PATH_MAX];
  struct store_lock lock;
  bool there;
  TRY(output_exists(path, &there));
  if (!there) return STATUS_OK;
  TRY(output_resolve(path, true, resolved));
  TRY(store_lock_take(resolved, patience, &lock));
  store_lock_release(&lock);
  return STATUS_OK;
}

/* A part that begins is of the sweep that others in the folder are of: a file may have been edited while it was queued.
 */
static enum status check_sibling(const struct sweep_input *input, const char *path) {
  struct ledger_texts texts;
  bool there;
  TRY(output_exists(path, &there));
  if (!there) return STATUS_OK;
  enum status status = ledger_read_texts(path, &texts);
  if (status == STATUS_FILE) { /* it is not this part's to mend */
    log_warn("%s", status_message());
    status_clear();
    return STATUS_OK;
  }
  TRY(status);
  const struct sweep_part *part = &input->sweep->part;
  status = ledger_compare(input->sweep, input->texts.effective, path, &texts);
  if (status == STATUS_OK && texts.part.count > 1 && texts.part.count != part->count)
    status = status_raise(STATUS_CONFIG, "%s: is one of %lld parts, this is one of %lld", path,
                          (long long)texts.part.count, (long long)part->count);
  if (status == STATUS_OK && strcmp(texts.numerics, input->texts.numerics) != 0)
    status = status_raise(STATUS_UNAVAILABLE, "%s: is computed with what gives other bits: %s; here it is %s", path,
                          texts.numerics, input->texts.numerics);
  ledger_texts_free(&texts);
  return status;
}

static enum status check_beside_part(const struct sweep_input *input) {
  char path[STORE_PATH_MAX];
  int64_t *index, count;
  TRY(folder_ledger(input->folder, path));
  TRY(check_idle(path));
  TRY(check_sibling(input, path));
  TRY(merge_find(input->folder, &index, &count));
  enum status status = STATUS_OK;
  if (count > 0) status = folder_part(input->folder, index[0], path);
  if (status == STATUS_OK && count > 0) status = check_sibling(input, path);
  free(index);
  return status;
}

/* One job takes over what parts have done, unless one of them is under way. */
static enum status take_parts(const struct sweep_input *input) {
  struct merge_report report;
  struct ledger whole;
  char path[STORE_PATH_MAX];
  int64_t *index, count;
  TRY(merge_find(input->folder, &index, &count));
  enum status status = STATUS_OK;
  for (int64_t i = 0; i < count && status == STATUS_OK; i++) {
    status = folder_part(input->folder, index[i], path);
    if (status == STATUS_OK) status = check_idle(path);
  }
  free(index);
  if (status != STATUS_OK || count == 0) return status;
  TRY(merge_write(input->sweep, input->folder, &input->texts, &whole, &report));
  ledger_close(&whole);
  if (report.taken > 0)
    log_info("%s: %lld trial%s taken over from %lld part%s", input->folder, (long long)report.taken,
             report.taken == 1 ? "" : "s", (long long)report.there, report.there == 1 ? "" : "s");
  merge_report_free(&report);
  return STATUS_OK;
}

/* ---- Any ---- */

enum status sweep_file(const struct sweep_input *input, char path[STORE_PATH_MAX]) {
  const struct sweep_part *part = &input->sweep->part;
  return part->count > 1 ? folder_part(input->folder, part->index, path) : folder_ledger(input->folder, path);
}

enum status sweep_open(const struct sweep_words *words, unsigned retry, struct sweep_input *input,
                       struct ledger *ledger) {
  char path[STORE_PATH_MAX], numerics[NUMERICS_TEXT_MAX];
  bool there;
  numerics_describe(numerics);
  free(input->texts.numerics);
  input->texts.numerics = strdup(numerics);
  REQUIRE(input->texts.numerics, STATUS_MEMORY, "out of memory for a text");
  if (input->sweep->part.count > 1) input->texts.extended = 0; /* that is the whole's */
  TRY(sweep_file(input, path));
  TRY(input->sweep->part.count > 1 ? check_beside_part(input) : take_parts(input));
  TRY(output_exists(path, &there));
  REQUIRE(there || !(words->resume || words->retry || words->extend) || input->from_folder, STATUS_USAGE,
          "%s: there is no sweep to go on with", path);
  if (there) return open_there(words, retry, path, input, ledger);
  TRY(folder_make(input->folder));
  return ledger_create(path, input->sweep, &input->texts, ledger);
}
