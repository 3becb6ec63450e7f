/* What the subcommands share: the job, options, the configuration from the command line.
 *
 * Every rank is given the same words, so parsing needs no agreement: all ranks come to the same status.
 */
#ifndef HGN_CLI_CLI_H
#define HGN_CLI_CLI_H

#include "base/log.h"
#include "comm/comm.h"
#include "config/config.h"
#include "physics/points.h"
#include "store/dataset.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLI_WORDS_MAX = 256, CLI_OPTIONS_MAX = 32 };

struct cli_command {
  const char *name;
  const char *summary;                                                 /* one line of `hgn --help` */
  const char *help;                                                    /* `hgn NAME --help` */
  enum status (*run)(const struct comm *world, int argc, char **argv); /* Collective; argv[0] is the name */
};

extern const struct cli_command cli_config, cli_simulate, cli_train, cli_eval, cli_codes, cli_rollout, cli_sample,
    cli_show, cli_info, cli_limit, cli_sweep, cli_merge, cli_bench, cli_analyze, cli_report, cli_verify, cli_diff,
    cli_export;

enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_TEXTS, CLI_COUNT_VALUE };

/* Of an option that may be given several times. */
enum { CLI_TEXTS_MAX = 128 };
struct cli_texts {
  const char *text[CLI_TEXTS_MAX];
  int count;
};

struct cli_option {
  const char *name;     /* "--rollout" */
  const char *shortcut; /* "-o", or NULL */
  enum cli_kind kind;
  void *value; /* bool, const char *, struct cli_texts, int64_t (0 or more): untouched unless given */
};

struct cli_words {
  const char *operand[CLI_WORDS_MAX]; /* words that are neither options nor overrides; borrowed */
  const char *override[CLI_WORDS_MAX];
  int operands, overrides;
};

/* Not collective. Sorts words 1..argc-1. A word with '=' that does not begin with '-' is an override where `overrides`
 * allows them. "--name value" and "--name=value" both work; "--" ends the options. -q and -v set the level of the
 * log, as before the command. STATUS_USAGE names the word and the option that was meant, or lists those there are. */
enum status cli_parse(int argc, char **argv, const struct cli_option *options, int option_count, bool overrides,
                      struct cli_words *words);

/* Not collective. Whether a word is -q, --quiet, -v or --verbose, and which level it asks for. */
bool cli_level(const char *word, enum log_level *level);

/* Not collective. STATUS_USAGE unless there are `least`..`most` operands; `what` says what they are. */
enum status cli_operands(const struct cli_words *words, int least, int most, const char *what);

/* Not collective. Whether a file name ends so, with something before it. */
bool cli_has_ending(const char *path, const char *ending);

/* Not collective. For printing: NaN without its sign, which means nothing. */
double cli_plain(double value);

/* Not collective. Entropy and chains of a data set of points, a line each. */
void cli_print_points(const struct points_summary *summary);

/* Not collective. A squared error, "12.345e-4", or "nan". */
enum { CLI_ERROR_MAX = 64 };
const char *cli_error(double mse, char text[CLI_ERROR_MAX]);

/* Not collective. A whole number of at least `least`; STATUS_USAGE names the option. */
enum status cli_number(const char *option, const char *text, int64_t least, int64_t *value);

/* Not collective. The split of that name, untouched where `name` is NULL; STATUS_USAGE when there is none. And whether
 * a data set has that rollout of it. */
enum status cli_split(const char *name, enum split *split);
enum status cli_rollout_of(const struct dataset *data, enum split split, int64_t rollout);

/* Collective. A text of rank 0 to all: *text, of the others to be freed by them. And of a file that it reads; to be
 * freed by all. */
enum status cli_share(const struct comm *world, char **text);
enum status cli_read(const struct comm *world, const char *path, char **text);

/* Collective. Reads the file on rank 0, parses it with the overrides on all ranks. STATUS_CONFIG when it is not of one
 * of these uses. */
enum status cli_load(const struct comm *world, const char *path, unsigned uses, const struct cli_words *words,
                     struct config **config);

#endif
