#include "cli/cli.h"

#include "config/nearest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option *find_option(const struct cli_option *options, int count, const char *word,
                                            size_t length) {
  for (int i = 0; i < count; i++) {
    if (strlen(options[i].name) == length && strncmp(options[i].name, word, length) == 0) return &options[i];
    if (options[i].shortcut && strlen(options[i].shortcut) == length && strncmp(options[i].shortcut, word, length) == 0)
      return &options[i];
  }
  return NULL;
}

/* The option that was meant, by its name without dashes and value; NULL when none is near. */
static const char *nearest_option(const struct cli_option *options, int count, const char *word) {
  const char *names[CLI_OPTIONS_MAX + 2] = {"quiet", "verbose"};
  char given[64];
  int known = 2;
  for (int i = 0; i < count && i < CLI_OPTIONS_MAX; i++) names[known++] = options[i].name + 2;
  word += strspn(word, "-");
  snprintf(given, sizeof given, "%.*s", (int)strcspn(word, "="), word);
  return strlen(given) < 2 ? NULL : nearest_word(given, names, known);
}

static enum status raise_unknown(const struct cli_option *options, int count, const char *command, const char *word) {
  char known[512] = "";
  REQUIRE(strcmp(word, "--version") != 0 && strncmp(word, "--cpu", 5) != 0, STATUS_USAGE,
          "%s: option \"%s\" stands before the command: hgn %s %s", command, word, word, command);
  const char *meant = nearest_option(options, count, word);
  for (int i = 0; i < count; i++) {
    if (strlen(known) + strlen(options[i].name) + 3 > sizeof known) break;
    if (i > 0) strcat(known, ", ");
    strcat(known, options[i].name);
  }
  return status_raise(STATUS_USAGE, "%s: unknown option \"%s\"%s%s%s%s%s (see hgn %s --help)", command, word,
                      meant ? "; did you mean \"--" : "", meant ? meant : "", meant ? "\"?" : "",
                      count > 0 ? "; it takes " : "", known, command);
}

bool cli_level(const char *word, enum log_level *level) {
  const bool quiet = strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0;
  if (!quiet && strcmp(word, "-v") != 0 && strcmp(word, "--verbose") != 0) return false;
  *level = quiet ? LOG_QUIET : LOG_VERBOSE;
  return true;
}

enum status cli_number(const char *option, const char *text, int64_t least, int64_t *value) {
  char *end;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  REQUIRE(*text != '\0' && *end == '\0' && errno == 0 && number >= least, STATUS_USAGE,
          "option %s takes a whole number of %lld or more, not \"%s\"", option, (long long)least, text);
  *value = number;
  return STATUS_OK;
}

enum status cli_split(const char *name, enum split *split) {
  if (!name) return STATUS_OK;
  for (unsigned s = 0; s < SPLIT_COUNT; s++)
    if (strcmp(name, split_name[s]) == 0) {
      *split = (enum split)s;
      return STATUS_OK;
    }
  return status_raise(STATUS_USAGE, "--split \"%s\": expected train, test or validation", name);
}

enum status cli_rollout_of(const struct dataset *data, enum split split, int64_t rollout) {
  const long long rollouts = data->rollouts[split];
  REQUIRE(rollouts > 0, STATUS_USAGE, "%s: has no %s split", data->file.path, split_name[split]);
  REQUIRE(rollout < rollouts, STATUS_USAGE, "%s: the %s split has rollouts 0 to %lld; there is no rollout %lld",
          data->file.path, split_name[split], rollouts - 1, (long long)rollout);
  return STATUS_OK;
}

static enum status set_option(const struct cli_option *option, const char *text) {
  if (option->kind == CLI_TEXT) {
    *(const char **)option->value = text;
    return STATUS_OK;
  }
  if (option->kind == CLI_TEXTS) {
    struct cli_texts *texts = option->value;
    REQUIRE(texts->count < CLI_TEXTS_MAX, STATUS_USAGE, "option %s more than %d times", option->name,
            (int)CLI_TEXTS_MAX);
    texts->text[texts->count++] = text;
    return STATUS_OK;
  }
  return cli_number(option->name, text, 0, option->value);
}

enum status cli_parse(int argc, char **argv, const struct cli_option *options, int option_count, bool overrides,
                      struct cli_words *words) {
  *words = (struct cli_words){0};
  REQUIRE(argc <= CLI_WORDS_MAX, STATUS_USAGE, "more than %d words on the command line", CLI_WORDS_MAX);
  bool only_operands = false;
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    const char *equals = strchr(word, '=');
    if (!only_operands && strcmp(word, "--") == 0) {
      only_operands = true;
    } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
      bool joined = word[1] == '-' && equals;
      size_t length = joined ? (size_t)(equals - word) : strlen(word);
      const struct cli_option *option = find_option(options, option_count, word, length);
      enum log_level level;
      if (!option && cli_level(word, &level)) {
        log_set_level(level);
        continue;
      }
      if (!option) return raise_unknown(options, option_count, argv[0], word);
      if (option->kind == CLI_FLAG) {
        REQUIRE(!joined, STATUS_USAGE, "option %s takes no value", option->name);
        *(bool *)option->value = true;
        continue;
      }
      REQUIRE(joined || i + 1 < argc, STATUS_USAGE, "option %s needs a value", option->name);
      TRY(set_option(option, joined ? equals + 1 : argv[++i]));
    } else if (overrides && equals && !only_operands) {
      words->override[words->overrides++] = word;
    } else {
      words->operand[words->operands++] = word;
    }
  }
  return STATUS_OK;
}

enum status cli_operands(const struct cli_words *words, int least, int most, const char *what) {
  REQUIRE(words->operands >= least, STATUS_USAGE, "missing: %s", what);
  REQUIRE(words->operands <= most, STATUS_USAGE, "unexpected word \"%s\"; expected %s", words->operand[most], what);
  return STATUS_OK;
}

enum status cli_share(const struct comm *world, char **text) {
  int64_t length = world->rank == 0 ? (int64_t)strlen(*text) : 0;
  TRY(comm_broadcast(world, &length, sizeof length));
  enum status status = STATUS_OK;
  if (world->rank != 0) {
    *text = malloc((size_t)length + 1);
    if (!*text) status = status_raise(STATUS_MEMORY, "%lld bytes for a text", (long long)length);
  }
  status = comm_agree(world, status);
  if (status == STATUS_OK) status = comm_broadcast(world, *text, length);
  if (status == STATUS_OK)
    (*text)[length] = '\0';
  else if (world->rank != 0)
    free(*text);
  return status;
}

enum status cli_read(const struct comm *world, const char *path, char **text) {
  size_t bytes = 0;
  *text = NULL;
  TRY(comm_agree(world, world->rank == 0 ? config_read(path, text, &bytes) : STATUS_OK));
  enum status status = cli_share(world, text); /* config_read() has seen that it has no NUL inside */
  if (status != STATUS_OK && world->rank == 0) free(*text);
  if (status != STATUS_OK) *text = NULL;
  return status;
}

enum status cli_load(const struct comm *world, const char *path, unsigned uses, const struct cli_words *words,
                     struct config **config) {
  char *text;
  *config = NULL;
  TRY(cli_read(world, path, &text));
  enum status status = config_recognize(path, text, strlen(text), uses);
  if (status == STATUS_OK) status = config_parse(path, text, strlen(text), words->override, words->overrides, config);
  if (status == STATUS_OK) status = config_require(*config, uses);
  status = comm_agree(world, status);
  if (status != STATUS_OK) config_destroy(config);
  free(text);
  return status;
}

bool cli_has_ending(const char *path, const char *ending) {
  size_t length = strlen(path), tail = strlen(ending);
  return length > tail && strcmp(path + length - tail, ending) == 0;
}

void cli_print_points(const struct points_summary *summary) {
  printf("entropy      %.4f +- %.4f nat, minus the mean log density of the test points\n", summary->entropy,
         summary->entropy_error);
  if (!summary->chained) return;
  printf("normaliser   log known to +- %.4f nat\n", summary->normaliser_error);
  printf("chains       acceptance %.3f, effective sample size %.0f, R-hat %.4f, step %.3f, %.0f divergences%s\n",
         summary->acceptance, summary->ess, summary->rhat, summary->step, summary->divergences,
         points_good(summary) ? "" : ": not to be believed");
}

double cli_plain(double value) { return isnan(value) ? (double)NAN : value; }

const char *cli_error(double mse, char text[CLI_ERROR_MAX]) {
  snprintf(text, CLI_ERROR_MAX, isfinite(mse) ? "%.3fe-4" : "%.0f", 1e4 * cli_plain(mse));
  return text;
}
