/* The texts that a sweep is made of: from files, or from the sweep.h5 of one that has begun. */
#include "base/log.h"
#include "cli/sweep_cli.h"
#include "store/output.h"
#include "sweep/stored.h"

#include <stdlib.h>
#include <string.h>

static enum status copy(const char *text, char **to) {
  *to = strdup(text);
  REQUIRE(*to, STATUS_MEMORY, "out of memory for a text");
  return STATUS_OK;
}

/* ---- From files ---- */

/* The base experiment is looked for from the working folder, then beside the sweep. Root only. */
static enum status find_base(const char *sweep, const char *base, char path[STORE_PATH_MAX]) {
  char folder[STORE_PATH_MAX];
  bool there;
  snprintf(path, STORE_PATH_MAX, "%s", base);
  TRY(output_exists(base, &there));
  if (there || base[0] == '/') return STATUS_OK;
  (void)output_split(sweep, folder);
  char beside[2 * STORE_PATH_MAX];
  snprintf(beside, sizeof beside, "%s/%s", folder, base);
  TRY(output_exists(beside, &there));
  if (there && strlen(beside) < STORE_PATH_MAX) memcpy(path, beside, strlen(beside) + 1);
  return STATUS_OK;
}

static enum status name_base(const struct comm *world, const struct sweep_words *words, const char *file,
                             char path[STORE_PATH_MAX]) {
  char base[1024] = "";
  if (words->base)
    snprintf(base, sizeof base, "%s", words->base);
  else
    TRY(sweep_base_path(words->operand, file, strlen(file), base));
  REQUIRE(*base, STATUS_CONFIG, "%s:1:1: no base experiment: add \"base: EXPERIMENT.yaml\", or --base EXPERIMENT.yaml",
          words->operand);
  TRY(comm_agree(world, world->rank == 0 ? find_base(words->operand, base, path) : STATUS_OK));
  return comm_broadcast(world, path, STORE_PATH_MAX);
}

static enum status join_renames(const struct cli_texts *rename, char **text) {
  size_t bytes = 1, used = 0;
  for (int i = 0; i < rename->count; i++) bytes += strlen(rename->text[i]) + 1;
  *text = calloc(bytes, 1);
  REQUIRE(*text, STATUS_MEMORY, "out of memory for a text");
  for (int i = 0; i < rename->count; i++) used += (size_t)snprintf(*text + used, bytes - used, "%s\n", rename->text[i]);
  return STATUS_OK;
}

static enum status read_files(const struct comm *world, const struct sweep_words *words, struct ledger_texts *texts) {
  char base[STORE_PATH_MAX];
  TRY(cli_read(world, words->operand, &texts->file));
  TRY(name_base(world, words, texts->file, base));
  TRY(cli_read(world, base, &texts->base));
  enum status status = copy(words->operand, &texts->file_name);
  if (status == STATUS_OK) status = copy(base, &texts->base_name);
  if (status == STATUS_OK) status = join_renames(&words->rename, &texts->renames);
  texts->run_cap = words->run_cap;
  return comm_agree(world, status);
}

/* sweeps/quick.yaml -> quick, in this folder. */
static enum status name_folder(const struct sweep_words *words, char folder[STORE_PATH_MAX]) {
  const char *slash = strrchr(words->operand, '/'), *name = slash ? slash + 1 : words->operand,
             *dot = strrchr(name, '.');
  if (words->output) {
    REQUIRE(strlen(words->output) < STORE_PATH_MAX, STATUS_USAGE, "the name of the output is too long");
    snprintf(folder, STORE_PATH_MAX, "%s", words->output);
    return STATUS_OK;
  }
  const bool looks = words->status || words->watch;
  REQUIRE(looks || (dot && dot > name), STATUS_USAGE, "missing: -o DIR");
  if (dot && dot > name)
    snprintf(folder, STORE_PATH_MAX, "%.*s", (int)(dot - name), name);
  else
    snprintf(folder, STORE_PATH_MAX, "%s", words->operand);
  return STATUS_OK;
}

/* ---- From a folder ---- */

static enum status read_folder(const struct comm *world, const char *folder, struct ledger_texts *texts) {
  TRY(comm_agree(world, world->rank == 0 ? stored_texts(folder, texts) : STATUS_OK));
  char **const text[] = {&texts->file,    &texts->file_name, &texts->base,    &texts->base_name,
                         &texts->renames, &texts->effective, &texts->numerics};
  for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) TRY(cli_share(world, text[i]));
  TRY(comm_broadcast(world, &texts->run_cap, sizeof texts->run_cap));
  return comm_broadcast(world, &texts->extended, sizeof texts->extended);
}

/* ---- Both ---- */

enum status sweep_input_read(const struct comm *world, const struct sweep_words *words, struct sweep_input *input) {
  char notice[SWEEP_NOTICE_MAX] = "";
  *input = (struct sweep_input){.sweep = NULL};
  REQUIRE(strlen(words->operand) < STORE_PATH_MAX, STATUS_USAGE, "the name of the sweep is too long");
  input->from_folder = world->rank == 0 && stored_find(words->operand, input->folder);
  TRY(comm_broadcast(world, &input->from_folder, sizeof input->from_folder));
  if (!input->from_folder && (words->status || words->watch)) { /* a file may have been edited: DIR has what is run */
    TRY(name_folder(words, input->folder));
    input->from_folder = true;
  }
  if (input->from_folder) {
    TRY(comm_broadcast(world, input->folder, sizeof input->folder));
    REQUIRE(words->status || words->watch || !(words->output || words->base || words->run_cap || words->rename.count),
            STATUS_USAGE, "%s: is a sweep that has begun: -o, --base, --run-cap and --rename go with a file",
            words->operand);
    TRY(read_folder(world, input->folder, &input->texts));
  } else {
    TRY(read_files(world, words, &input->texts));
    TRY(name_folder(words, input->folder));
  }
  TRY(comm_agree(world, stored_parse(&input->texts, notice, &input->sweep)));
  for (char *line = notice, *end; *line && !input->from_folder; line = end) {
    end = line + strcspn(line, "\n");
    log_warn("%.*s", (int)(end - line), line);
    end += *end == '\n';
  }
  return STATUS_OK;
}

void sweep_input_free(struct sweep_input *input) {
  sweep_destroy(&input->sweep);
  ledger_texts_free(&input->texts);
}
