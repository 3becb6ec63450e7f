#include "train/replay_chain.h"

#include "base/log.h"
#include "store/output.h"
#include "train/checkpoint.h"
#include "train/origin.h"
#include "train/record_private.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 4096 };

/* ---- Files that a run names ---- */

/* The last `components` components of a path. */
static const char *tail_of(const char *path, int components) {
  const char *at = path + strlen(path);
  while (at > path && (at[-1] != '/' || --components > 0)) at--;
  return at;
}

static bool try_name(const struct replay_link *link, const char *folder, const char *between, const char *name,
                     char path[STORE_PATH_MAX]) {
  bool there = false;
  const int length = snprintf(path, STORE_PATH_MAX, "%s%s%s", folder, between, name);
  if (length >= STORE_PATH_MAX || strcmp(path, link->path) == 0) return false;
  if (output_exists(path, &there) != STATUS_OK) status_clear();
  return there;
}

/* Root only. As it is named; in a folder beside the run's, as trials of a sweep lie; beside the run; from the folder in
 * which the run was made. False where it is in none of these: then path is the name. */
static bool find_file(const struct replay_link *link, const char *name, char path[STORE_PATH_MAX]) {
  char folder[STORE_PATH_MAX];
  (void)output_split(link->path, folder);
  if (try_name(link, "", "", name, path)) return true;
  if (try_name(link, folder, "/../", tail_of(name, 2), path)) return true;
  if (try_name(link, folder, "/", tail_of(name, 1), path)) return true;
  if (name[0] != '/' && try_name(link, link->folder, "/", name, path)) return true;
  snprintf(path, STORE_PATH_MAX, "%s", name);
  return false;
}

enum status replay_find_data(const struct comm *comm, const struct replay_link *link, const char *given,
                             char path[STORE_PATH_MAX]) {
  const char *name = given ? given : config_experiment(link->config)->training.data.file;
  REQUIRE(strlen(name) < STORE_PATH_MAX, STATUS_USAGE, "%.64s...: the name is too long", name);
  snprintf(path, STORE_PATH_MAX, "%s", name);
  if (comm->rank == 0 && !given) (void)find_file(link, name, path);
  return comm_broadcast(comm, path, STORE_PATH_MAX);
}

/* ---- Links ---- */

static void free_link(struct replay_link *link) {
  config_destroy(&link->config);
  free(link->folder);
}

void replay_chain_free(struct replay_chain *chain) {
  for (int i = 0; i < chain->count; i++) free_link(&chain->link[i]);
  free(chain->link);
  *chain = (struct replay_chain){.count = 0};
}

static enum status read_link(const struct store_file *file, struct replay_link *link) {
  struct record_head_read head;
  TRY(record_head_open(file, &head));
  link->kappa = head.kappa;
  snprintf(link->numerics, sizeof link->numerics, "%s", head.numerics);
  snprintf(link->data_checksum, sizeof link->data_checksum, "%s", head.data_checksum);
  enum status status = store_parse_config(file, head.config, SCHEMA_USE(SCHEMA_TRAINING), &link->config);
  record_head_free(&head);
  TRY(status);
  if (learner_require(config_experiment(link->config)) != STATUS_OK)
    return status_context(STATUS_FILE, "%s", file->path);
  TRY(store_read_text(file, "/provenance/working_folder", &link->folder));
  TRY(record_find_start(file, "/origin", &link->origin, &link->has_origin));
  TRY(record_find_start(file, "/start", &link->start, &link->has_start));
  link->begin = link->has_origin ? link->origin.step : 0;
  return STATUS_OK;
}

/* Collective. Owned by the chain, also after a failure that is STATUS_FILE. */
static enum status add_link(const struct comm *comm, const char *path, int64_t end, struct replay_chain *chain) {
  struct replay_link *grown = realloc(chain->link, (size_t)(chain->count + 1) * sizeof *grown);
  if (grown) chain->link = grown;
  TRY(comm_agree(comm, grown ? STATUS_OK : status_raise(STATUS_MEMORY, "out of memory for a run")));
  struct replay_link *link = &chain->link[chain->count];
  struct store_file file;
  *link = (struct replay_link){.end = end};
  snprintf(link->path, sizeof link->path, "%s", path);
  TRY(record_open_run(comm, path, &file));
  const enum status status = comm_agree(comm, read_link(&file, link));
  store_close(&file);
  if (status == STATUS_OK)
    chain->count += 1;
  else
    free_link(link);
  return status;
}

/* The run in whose state another began learned of the same, by the same rules, and was at least as far. */
static enum status check_link(const struct replay_link *link, const struct replay_link *next) {
  char differences[512];
  REQUIRE(config_differences_of(link->config, next->config, origin_has_to_agree, differences, sizeof differences) == 0,
          STATUS_FILE, "%s: is another run now (%s)", link->path, differences);
  REQUIRE(strcmp(link->data_checksum, next->data_checksum) == 0 && strcmp(link->numerics, next->numerics) == 0 &&
              link->begin < next->begin,
          STATUS_FILE, "%s: is another run now", link->path);
  return STATUS_OK;
}

static enum status add_origin(const struct comm *comm, struct replay_chain *chain) {
  char path[STORE_PATH_MAX];
  const struct replay_link *last = &chain->link[chain->count - 1];
  const int64_t end = last->begin;
  if (comm->rank == 0) (void)find_file(last, last->origin.run, path);
  TRY(comm_broadcast(comm, path, STORE_PATH_MAX));
  REQUIRE(chain->count < CHAIN_MAX, STATUS_FILE, "%s: began from more than %d runs", chain->link[0].path,
          (int)CHAIN_MAX);
  TRY(add_link(comm, path, end, chain));
  const enum status status = check_link(&chain->link[chain->count - 1], &chain->link[chain->count - 2]);
  if (status != STATUS_OK) free_link(&chain->link[--chain->count]);
  return status;
}

enum status replay_chain_open(const struct comm *comm, const char *run, struct replay_chain *chain,
                              char note[REPLAY_TEXT_MAX]) {
  *chain = (struct replay_chain){.count = 0};
  note[0] = '\0';
  TRY(add_link(comm, run, -1, chain));
  while (chain->link[chain->count - 1].has_origin) {
    const struct replay_link *last = &chain->link[chain->count - 1];
    const long long step = (long long)last->origin.step;
    char name[256];
    snprintf(name, sizeof name, "%.255s", last->path);
    const enum status status = add_origin(comm, chain);
    if (status != STATUS_OK && status != STATUS_FILE) return status;
    if (status == STATUS_OK) continue;
    snprintf(note, REPLAY_TEXT_MAX, "%s began after step %lld of a run that cannot be replayed: %.512s", name, step,
             status_message());
    status_clear();
    break;
  }
  return STATUS_OK;
}

/* ---- Where it begins ---- */

/* Root only. Of the checkpoints of a link's own steps, at least `least` and at most `most`, the earliest or the
 * latest that is whole and its own. */
static bool find_checkpoint(const struct replay_link *link, int64_t least, int64_t most, bool latest,
                            char path[STORE_PATH_MAX]) {
  const struct checkpoint_owner owner = {
      .config = link->config, .data_checksum = link->data_checksum, .numerics = link->numerics};
  int64_t *steps = NULL;
  int count = 0;
  bool found = false;
  enum status status = checkpoint_list(link->path, &steps, &count);
  for (int i = 0; i < count && !found && status == STATUS_OK; i++) {
    const int64_t step = steps[latest ? count - 1 - i : i];
    if (step < least || step > most || checkpoint_name(link->path, step, path) != STATUS_OK) continue;
    found = checkpoint_check_owner(path, &owner) == STATUS_OK;
    if (!found) log_warn("%s: left out", status_message());
  }
  status_clear();
  free(steps);
  return found;
}

/* Collective. What the root has found. */
static enum status share(const struct comm *comm, struct replay_begin *begin, bool *found) {
  TRY(comm_broadcast(comm, found, sizeof *found));
  return comm_broadcast(comm, begin, sizeof *begin);
}

enum status replay_begin_at_first(const struct comm *comm, const struct replay_chain *chain, struct replay_begin *begin,
                                  const char *note) {
  bool found = false;
  *begin = (struct replay_begin){.link = chain->count};
  while (comm->rank == 0 && !found && begin->link > 0) {
    const struct replay_link *link = &chain->link[--begin->link];
    found = find_checkpoint(link, link->begin, link->end < 0 ? INT64_MAX : link->end - 1, false, begin->checkpoint);
  }
  TRY(share(comm, begin, &found));
  REQUIRE(found, STATUS_FILE, "%s; and no checkpoint is left after it from which %s could be replayed", note,
          chain->link[0].path);
  return STATUS_OK;
}

/* Root only. Parameters that another run had: its own checkpoint of its start has them, or that of the other one. */
static bool find_start(const struct replay_link *link, char path[STORE_PATH_MAX]) {
  char run[STORE_PATH_MAX];
  bool there = false;
  if (find_checkpoint(link, 0, 0, false, path)) return true;
  if (!find_file(link, link->start.run, run)) return false;
  if (checkpoint_name(run, link->start.step, path) == STATUS_OK && output_exists(path, &there) == STATUS_OK && there)
    return true;
  snprintf(path, STORE_PATH_MAX, "%s", run);
  return true;
}

enum status replay_begin_at_start(const struct comm *comm, const struct replay_chain *chain, struct replay_begin *begin,
                                  char note[REPLAY_TEXT_MAX]) {
  const struct replay_link *last = &chain->link[chain->count - 1];
  bool found = true;
  if (last->has_origin) return replay_begin_at_first(comm, chain, begin, note);
  *begin = (struct replay_begin){.link = chain->count - 1};
  if (!last->has_start) return STATUS_OK;
  if (comm->rank == 0) found = find_start(last, begin->start);
  TRY(share(comm, begin, &found));
  if (found) return STATUS_OK;
  snprintf(note, REPLAY_TEXT_MAX, "%.256s began with the parameters of %.512s, which is gone", last->path,
           last->start.run);
  return replay_begin_at_first(comm, chain, begin, note);
}

/* Root only. Which there are, for a message. */
static void list_checkpoints(const struct replay_link *link, char text[128]) {
  int64_t *steps = NULL;
  int count = 0, used = 0;
  if (checkpoint_list(link->path, &steps, &count) != STATUS_OK) status_clear();
  snprintf(text, 128, "there are none");
  for (int i = 0; i < count && used < 100; i++)
    used += snprintf(text + used, 128 - (size_t)used, "%s%lld", i ? ", " : "there are those of ", (long long)steps[i]);
  free(steps);
}

/* Root only. */
static enum status find_before(const struct replay_link *link, int64_t step, struct replay_begin *begin) {
  char text[128];
  if (find_checkpoint(link, 0, step, true, begin->checkpoint)) return STATUS_OK;
  list_checkpoints(link, text);
  return status_raise(STATUS_FILE, "%s: has no checkpoint beside it of step %lld or before: %s", link->path,
                      (long long)step, text);
}

enum status replay_begin_at(const struct comm *comm, const struct replay_chain *chain, int64_t step,
                            struct replay_begin *begin) {
  *begin = (struct replay_begin){.link = 0};
  TRY(comm_agree(comm, comm->rank == 0 ? find_before(&chain->link[0], step, begin) : STATUS_OK));
  return comm_broadcast(comm, begin, sizeof *begin);
}
