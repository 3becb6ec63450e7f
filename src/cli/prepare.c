/* Commands that a sweep's `prepare:` may have: those that make a file, each once. */
#include "base/log.h"
#include "cli/sweep_cli.h"

#include <string.h>

static const struct cli_command *find(const char *name) {
  static const struct cli_command *const commands[] = {&cli_simulate, &cli_limit};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  return NULL;
}

enum status cli_prepare(const struct comm *comm, int words, char **word) {
  static char once[] = "--once";
  char *with[CLI_WORDS_MAX];
  const struct cli_command *command = find(word[0]);
  REQUIRE(command, STATUS_USAGE, "prepare: \"%s\": expected simulate or limit", word[0]);
  REQUIRE(words + 1 < CLI_WORDS_MAX, STATUS_USAGE, "prepare: more than %d words", CLI_WORDS_MAX);
  with[0] = word[0];
  with[1] = once;
  memcpy(with + 2, word + 1, (size_t)(words - 1) * sizeof *word);
  const enum log_level level = log_level_now();
  const enum status status = command->run(comm, words + 1, with);
  log_set_level(level); /* its -q and -v are its own */
  return status;
}
