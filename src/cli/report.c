#include "analysis/report/report.h"

#include "cli/cli.h"
#include "store/provenance.h"
#include "train/numerics.h"

#include <stdio.h>
#include <stdlib.h>

static enum status gather_all(const struct cli_words *words, struct gather *gather) {
  for (int i = 0; i < words->operands; i++) TRY(gather_path(gather, words->operand[i]));
  gather_settle(gather);
  REQUIRE(gather->runs + gather->sweeps + gather->analyses + gather->notes > 0, STATUS_FILE,
          "%s: holds no run, sweep or analysis, of which reports are", words->operand[0]);
  return STATUS_OK;
}

/* What was asked for; texts are NULL where they are not given. */
struct request {
  const char *output, *title, *claims;
};

static enum status write_report(const struct gather *gather, const struct claims *claims, const struct request *request,
                                const char *command) {
  struct page *page;
  TRY(page_open(request->title, &page));
  enum status status = report_write(page, gather, claims, command);
  if (status == STATUS_OK) status = page_write(page, request->output);
  page_close(&page);
  if (status == STATUS_OK) printf("%s/report.html\n%s/report.md\n", request->output, request->output);
  return status;
}

static enum status read_claims(const char *path, struct claims *claims) {
  char *text = NULL;
  size_t bytes;
  if (!path) return claims_builtin(claims);
  TRY(config_read(path, &text, &bytes));
  const enum status status = claims_parse(path, text, bytes, claims);
  free(text);
  return status;
}

/* Root only. */
static enum status make_report(const struct cli_words *words, const struct request *request, const char *command) {
  struct gather gather = {.runs = 0};
  struct claims claims = {.count = 0};
  enum status status = read_claims(request->claims, &claims);
  if (status == STATUS_OK) status = gather_all(words, &gather);
  if (status == STATUS_OK) status = write_report(&gather, &claims, request, command);
  gather_close(&gather);
  claims_close(&claims);
  return status;
}

static enum status run_report(const struct comm *world, int argc, char **argv) {
  struct request request = {.title = "Report of hgn"};
  const struct cli_option options[] = {{"--output", "-o", CLI_TEXT, &request.output},
                                       {"--title", NULL, CLI_TEXT, &request.title},
                                       {"--claims", NULL, CLI_TEXT, &request.claims}};
  struct cli_words words;
  TRY(cli_parse(argc, argv, options, 3, false, &words));
  TRY(cli_operands(&words, 1, CLI_WORDS_MAX, "runs, sweeps, analyses, or folders of them"));
  REQUIRE(request.output, STATUS_USAGE, "-o DIR: where the report is to be is missing");
  TRY(numerics_agree(world));
  enum status status = STATUS_OK;
  if (world->rank == 0) {
    char *command = NULL;
    status = provenance_command(&command);
    if (status == STATUS_OK) status = make_report(&words, &request, command);
    free(command);
  }
  return comm_agree(world, status);
}

const struct cli_command cli_report = {
    "report", "runs, sweeps and analyses as one page, with what lets others repeat them",
    "Usage: hgn report PATH... -o DIR [--title TEXT] [--claims FILE]\n\n"
    "Writes DIR/report.html, one file that needs no network, and the same as DIR/report.md with its figures and data\n"
    "(CSV) beside it: results with their uncertainty over rollouts and over seeds, beside the noise floor, the\n"
    "information limit and simple predictors; learning curves; rollouts to be played; what was published, and which\n"
    "claims the runs support; what was run, with which data, program and machine; checksums; a checklist of what a\n"
    "reader needs to repeat it, and of what is missing.\n"
    "PATH is a run, a sweep's folder or file, an analysis, or a folder that holds such. What is damaged is named, in\n"
    "the report too, and left out. Pictures need a run's checkpoint and its data; figures need gnuplot.\n\n"
    "  -o, --output DIR   is made; a report that is there is replaced\n"
    "  --title TEXT       default: Report of hgn\n"
    "  --claims FILE      YAML: statements that the runs are asked about (analysis/README.md); default: "
    "data/claims.yaml\n",
    run_report};
