#include "analysis/analysis_file.h"
#include "analysis/plots.h"
#include "cli/cli.h"
#include "store/output.h"
#include "train/numerics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODES_SHOWN = 4 };
#define LINEAR_GOOD 0.25 /* of the mean frame's error is left */

/* A part that is missing, in its place. */
static bool told_missing(const char *part, const struct analysis_reason *reason) {
  if (reason->text[0]) printf("%s: not available, %s\n", part, reason->text);
  return reason->text[0] != '\0';
}

static void print_head(const struct analysis *analysis) {
  const struct latent *latent = &analysis->latent;
  printf("%s, trained for %lld steps\n%s\n%lld test rollouts of %lld frames: %lld states of %lld numbers",
         analysis->run, (long long)analysis->step, analysis->data, (long long)latent->rollouts,
         (long long)latent->frames, (long long)analysis->spectrum.rows, (long long)latent->values);
  if (analysis->ranks > 1)
    printf(", on %lld ranks as a grid of %lld x %lld", (long long)analysis->ranks, (long long)analysis->grid_rows,
           (long long)analysis->grid_columns);
  printf("\n");
}

static void print_dimension(const struct analysis *analysis) {
  const struct spectrum *spectrum = &analysis->spectrum;
  if (analysis->latent.freedom)
    printf("dimensions of the latent states (%s: a phase space of %lld)\n", analysis->system,
           (long long)(2 * analysis->latent.freedom));
  else
    printf("dimensions of the latent states\n");
  printf("  %-46s %lld, %lld, %lld\n", "axes that hold 90, 99, 99.9% of the variance", (long long)spectrum->axes_90,
         (long long)spectrum->axes_99, (long long)spectrum->axes_999);
  printf("  %-46s %.2f\n", "participation ratio of the variances", spectrum->participation);
  printf("  %-46s %.3g%s\n", "variance between rollouts, over all of it", analysis->between,
         analysis->between < ANALYSIS_COLLAPSED ? ": the latent space has collapsed" : "");
  if (analysis->no_dimension.text[0])
    printf("  %-46s not available, %s\n", "of the surface they lie on", analysis->no_dimension.text);
  else
    printf("  %-46s %.2f +- %.2f\n", "of the surface they lie on (nearest neighbours)", analysis->dimension.dimension,
           analysis->dimension.error);
  if (analysis->true_dimension.dimension > 0)
    printf("  %-46s %.2f +- %.2f\n", "the same of the true states", analysis->true_dimension.dimension,
           analysis->true_dimension.error);
}

static void print_r2(double r2) {
  if (isnan(r2))
    printf(" %9s", "-");
  else
    printf(" %9.4f", r2);
}

/* names: of the outputs; NULL: only their mean. */
static void print_direction(const struct identification *found, const char *inputs,
                            const struct latent_coordinate *coordinate) {
  printf("  order %s terms      mean", inputs);
  for (int64_t i = 0; coordinate && i < found->outputs; i++) printf(" %9s", coordinate[i].name);
  printf("\n");
  for (int o = 0; o < REGRESSION_ORDERS; o++) {
    if (found->fit[o].inputs == 0) continue;
    printf("  %5d %*lld %5lld", o + 1, (int)strlen(inputs), (long long)found->fit[o].inputs,
           (long long)found->fit[o].features);
    print_r2(found->mean[o]);
    for (int64_t i = 0; coordinate && i < found->outputs; i++) print_r2(found->r2[o][i]);
    printf("%s\n", found->best == o + 1 ? "  *" : "");
  }
}

static void print_identify(const struct analysis *analysis) {
  const struct identify *identify = &analysis->identify;
  if (told_missing("latent states against the phase space", &analysis->no_identify)) return;
  printf("phase space from latent states: R2 on rollouts that were not fitted (* the best)\n");
  print_direction(&identify->to_truth, "axes", analysis->latent.coordinate);
  printf("latent states from the phase space: R2 of the leading %lld axes, weighted by their variance\n",
         (long long)identify->from_truth.outputs);
  print_direction(&identify->from_truth, "coordinates", NULL);
}

static int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_symplectic(const struct analysis *analysis) {
  const struct symplectic *symplectic = &analysis->symplectic;
  double r2[SYMPLECTIC_BATCHES], deviation[SYMPLECTIC_BATCHES];
  if (told_missing("symplectic map", &analysis->no_symplectic)) return;
  for (int64_t i = 0; i < symplectic->batches; i++) {
    r2[i] = symplectic->outcome[i].r2;
    deviation[i] = symplectic->outcome[i].symplecticity;
  }
  qsort(r2, (size_t)symplectic->batches, sizeof *r2, compare_doubles);
  qsort(deviation, (size_t)symplectic->batches, sizeof *deviation, compare_doubles);
  printf("map to the phase space symplectic up to scale (SyMetric%s): %.2f of %lld batches\n",
         symplectic->masked ? "" : ", unmasked", symplectic->share, (long long)symplectic->batches);
  printf("  in the median R2 %.3f (above .9 is asked), deviation %.3g (below .05)\n", r2[symplectic->batches / 2],
         deviation[symplectic->batches / 2]);
  if (analysis->latent.freedom == 1)
    printf("  of one degree of freedom any linear map is symplectic up to scale: only R2 tells something\n");
}

static void print_energy(const struct analysis *analysis) {
  const struct relation *energy = &analysis->energy;
  if (told_missing("learned against true energy", &analysis->no_energy)) return;
  printf("learned H against the true energy, of rollouts\n");
  printf("  %-46s %.4f, %.4f\n", "correlation: of ranks, linear", energy->spearman, energy->pearson);
  printf("  %-46s %.3g, %.3g%s\n", "std along a rollout / between them: H, true", energy->learned_drift,
         energy->true_drift, analysis->latent.conserved ? "" : " (not conserved)");
}

static void print_linear(const struct analysis *analysis) {
  const struct linear_model *linear = &analysis->linear;
  char text[3][CLI_ERROR_MAX];
  if (told_missing("linear model", &analysis->no_linear)) return;
  printf("linear model: %lld components of frames (%.1f%% of their variance), %lld frames seen, the others predicted\n",
         (long long)linear->components, 1e2 * linear->share, (long long)linear->seen);
  printf("  %-46s MSE %s, R2 %.3f%s\n", "dynamic mode decomposition", cli_error(linear->mse, text[0]),
         1 - linear->mse / linear->mean_image,
         linear->mse < LINEAR_GOOD * linear->mean_image ? ": it predicts this system well" : "");
  if (!isnan(analysis->model_mse))
    printf("  %-46s MSE %s, R2 %.3f%s\n", "the model analysed, on the same frames",
           cli_error(analysis->model_mse, text[1]), 1 - analysis->model_mse / linear->mean_image,
           analysis->model_mse < linear->mse ? "" : ": no better than linear");
  printf("  %-46s MSE %s\n", "the components alone, all frames seen", cli_error(linear->reconstruction, text[2]));
  printf("  %-46s", "least damped modes: rad/s (growth 1/s)");
  for (int64_t i = 0, shown = 0; i < linear->modes && shown < MODES_SHOWN; i++) {
    const double frequency = linear_model_frequency(linear, i, analysis->latent.dt);
    if (frequency < 0) continue; /* the other of a pair */
    printf(" %.3g (%.2g)", frequency, linear_model_growth(linear, i, analysis->latent.dt));
    shown++;
  }
  printf("\n");
}

static void print_analysis(const struct analysis *analysis) {
  print_head(analysis);
  print_dimension(analysis);
  print_identify(analysis);
  print_symplectic(analysis);
  print_energy(analysis);
  print_linear(analysis);
}

struct analyze_request {
  struct analysis_options options;
  const char *output, *plots;
  bool png;
};

static enum status analyze_data(const struct comm *world, struct trained *trained, const char *path, bool named,
                                const struct analyze_request *request) {
  struct corpus corpus;
  struct analysis analysis;
  TRY(trained_open_data(world, trained, path, named, &corpus));
  enum status status = analysis_measure(world, trained, &corpus, named, &request->options, &analysis);
  if (status == STATUS_OK && world->rank == 0) print_analysis(&analysis);
  if (status == STATUS_OK) status = analysis_file_write(world, request->output, &analysis);
  if (status == STATUS_OK && world->rank == 0) printf("%s\n", request->output);
  if (status == STATUS_OK && request->plots)
    status = comm_agree(world, world->rank == 0 ? plots_draw(&analysis, request->plots, request->png) : STATUS_OK);
  analysis_free(&analysis);
  corpus_close(&corpus);
  return status;
}

/* MiB. */
static enum status parse_memory(const char *text, int64_t *bytes) {
  int64_t mib;
  if (!text) return STATUS_OK;
  TRY(cli_number("--memory", text, 1, &mib));
  REQUIRE(mib <= INT64_MAX >> 20, STATUS_USAGE, "--memory %s: too much", text);
  *bytes = mib << 20;
  return STATUS_OK;
}

static enum status run_analyze(const struct comm *world, int argc, char **argv) {
  struct analyze_request request = {.output = NULL};
  bool best = false;
  const char *data = NULL, *memory = NULL;
  const struct cli_option options[] = {{"--rollouts", NULL, CLI_COUNT_VALUE, &request.options.rollouts},
                                       {"--best", NULL, CLI_FLAG, &best},
                                       {"--data", NULL, CLI_TEXT, &data},
                                       {"--memory", NULL, CLI_TEXT, &memory},
                                       {"--plot", NULL, CLI_TEXT, &request.plots},
                                       {"--png", NULL, CLI_FLAG, &request.png},
                                       {"--output", "-o", CLI_TEXT, &request.output}};
  struct cli_words words;
  char path[STORE_PATH_MAX], output[STORE_PATH_MAX];
  TRY(cli_parse(argc, argv, options, sizeof options / sizeof *options, false, &words));
  TRY(cli_operands(&words, 1, 1, "one RUN.h5"));
  TRY(parse_memory(memory, &request.options.memory));
  REQUIRE(!request.png || request.plots, STATUS_USAGE, "--png is of --plot DIR");
  if (request.output && !cli_has_ending(request.output, ".analysis.h5")) TRY(output_check_name(request.output));
  REQUIRE(!data || request.output, STATUS_USAGE,
          "--data: RUN.analysis.h5 is of the run's own data; choose another file with -o");
  if (!request.output) TRY(analysis_file_name(words.operand[0], best, output));
  if (!request.output) request.output = output;
  TRY(numerics_agree(world));
  TRY(analysis_file_check(world, request.output));
  if (request.plots) TRY(comm_agree(world, world->rank == 0 ? plots_check(request.plots) : STATUS_OK));
  struct trained trained;
  TRY(trained_open(world, words.operand[0], best, &trained));
  enum status status = trained_data_path(world, &trained, data, path);
  if (status == STATUS_OK) status = analyze_data(world, &trained, path, data != NULL, &request);
  trained_close(&trained);
  return status;
}

const struct cli_command cli_analyze = {
    "analyze", "what the latent space of a trained model has learned",
    "Usage: [mpirun -n N] hgn analyze RUN.h5 [--rollouts N] [--plot DIR [--png]] [-o FILE.analysis.h5]\n\n"
    "Unrolls the latent states of test rollouts and asks whether they are the phase space: how many dimensions they\n"
    "fill, how well polynomials of them give the true positions and momenta and the other way round, whether the map\n"
    "is symplectic, whether the learned H is the energy. Beside it stands what a linear model of frames predicts.\n"
    "analysis/README.md says what each number means. Results go to RUN.analysis.h5 and, in short, to the terminal;\n"
    "on other numbers of ranks they are the same but for rounding. RUN may also be a checkpoint.\n\n"
    "  --rollouts N       the first N test rollouts; default: all\n"
    "  --best             the model of the smallest validation error; default: the latest checkpoint\n"
    "  --data DATA.h5     other data than in training; with -o\n"
    "  --memory MIB       that the matrices of a rank may take; default: no limit\n"
    "  --plot DIR         spectrum, phase portraits and R2 by order, as SVG, by gnuplot\n"
    "  --png              as PNG\n"
    "  -o, --output FILE  default: RUN.analysis.h5, with --best RUN.best.analysis.h5\n",
    run_analyze};
