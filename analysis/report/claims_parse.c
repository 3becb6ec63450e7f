/* Claims from YAML. Values are read, and refused, as those of sweep files are (sweep_private.h). */
#include "analysis/report/claims.h"
#include "config/nearest.h"
#include "sweep/sweep_private.h"
#include "train/published.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024, NAMES_MAX = 128 };

/* The reader of sweep files, which is first, with the claim that is being read. */
struct claims_reader {
  struct sweep_reader sweep;
  struct sweep unused; /* that the reader would fill */
  struct claims *claims;
  struct claim *claim;
  struct document_mark test_mark;
};

static struct claims_reader *of(struct sweep_reader *reader) { return (struct claims_reader *)reader; }

static const char *keep(struct claims *claims, const char *text) {
  char *copy = arena_array(&claims->arena, (int64_t)strlen(text) + 1, 1);
  return copy ? strcpy(copy, text) : "";
}

static void keep_text(struct sweep_reader *reader, int node, const char *what, const char **kept) {
  const char *text;
  if (sweep_read_text(reader, node, what, TEXT_MAX, &text)) *kept = keep(of(reader)->claims, text);
}

/* ---- Keys of the experiment ---- */

/* Where a key stands in the schema: of trainings, else of data sets. */
static bool find_key(struct sweep_reader *reader, const struct document_entry *entry, struct claim_filter *filter) {
  const char *key = document_text(reader->document, entry->key);
  char meant[SCHEMA_PATH_MAX] = "", shown[64];
  filter->row = schema_find(key, SCHEMA_TRAINING);
  filter->of_data = filter->row < 0;
  if (filter->row < 0) filter->row = schema_find(key, SCHEMA_DATA);
  if (filter->row < 0) filter->row = schema_find(key, SCHEMA_POINTS);
  filter->key = filter->row >= 0 ? schema_rows[filter->row].path : "";
  problems_show(key, shown, sizeof shown);
  if (filter->row < 0) {
    const bool close = schema_nearest(key, SCHEMA_TRAINING, meant) || schema_nearest(key, SCHEMA_DATA, meant);
    sweep_problem(reader, entry->mark, "unknown key \"%s\"%s%s%s; hgn config --schema lists them", shown,
                  close ? "; did you mean \"" : "", close ? meant : "", close ? "\"?" : "");
  } else if (strcmp(key, "seed") == 0) {
    sweep_problem(reader, entry->mark, "\"seed\" is what runs of a group differ in: it cannot be asked for");
  }
  return filter->row >= 0 && strcmp(key, "seed") != 0;
}

static void read_value(struct sweep_reader *reader, int node, struct claim_filter *filter) {
  char text[VALUE_TEXT_MAX];
  double number;
  if (filter->values == CLAIM_VALUES_MAX) {
    sweep_problem(reader, sweep_mark(reader, node), "%s: expected at most %d values", filter->key,
                  (int)CLAIM_VALUES_MAX);
    return;
  }
  if (sweep_read_value(reader, filter->row, node, text, &number))
    filter->value[filter->values++] = keep(of(reader)->claims, text);
}

static void read_values(struct sweep_reader *reader, int node, struct claim_filter *filter) {
  const bool list = sweep_kind(reader, node) == DOCUMENT_SEQUENCE;
  if (!list || schema_rows[filter->row].type == SCHEMA_PAIR || schema_rows[filter->row].type == SCHEMA_LIST)
    read_value(reader, node, filter);
  else
    for (int i = 0; i < sweep_count(reader, node); i++) read_value(reader, sweep_item(reader, node, i), filter);
}

/* A mapping of 1 to `most` keys. */
static int read_filters(struct sweep_reader *reader, int node, const char *what, int most,
                        struct claim_filter *filter) {
  int count = 0;
  const bool mapping = sweep_kind(reader, node) == DOCUMENT_MAPPING;
  if (!mapping || sweep_count(reader, node) < 1 || sweep_count(reader, node) > most) {
    sweep_refuse(reader, node, what,
                 most == 1 ? "a mapping of one key with its two values" : "a mapping of 1 to 8 keys with their values");
    return 0;
  }
  for (int i = 0; i < sweep_count(reader, node); i++) {
    const struct document_entry *entry = document_entry(reader->document, node, i);
    if (!find_key(reader, entry, &filter[count])) continue;
    read_values(reader, entry->value, &filter[count++]);
  }
  return count;
}

/* ---- Keys of a claim ---- */

static void read_claim_text(struct sweep_reader *reader, int node) {
  keep_text(reader, node, "claim", &of(reader)->claim->text);
}

static void read_note(struct sweep_reader *reader, int node) {
  keep_text(reader, node, "note", &of(reader)->claim->note);
}

static void read_quantity(struct sweep_reader *reader, int node) {
  keep_text(reader, node, "quantity", &of(reader)->claim->quantity);
}

static void read_runs(struct sweep_reader *reader, int node) {
  struct claim *claim = of(reader)->claim;
  claim->filters = read_filters(reader, node, "runs", CLAIM_FILTERS_MAX, claim->filter);
}

static void read_compare(struct sweep_reader *reader, int node) {
  struct claim *claim = of(reader)->claim;
  const int before = reader->problems.count;
  const int count = read_filters(reader, node, "compare", 1, &claim->compare);
  if (count == 0 || reader->problems.count > before) return;
  if (claim->compare.values != 2 || strcmp(claim->compare.value[0], claim->compare.value[1]) == 0)
    sweep_problem(reader, sweep_mark(reader, node), "compare: expected two different values of %s", claim->compare.key);
  else if (claim->compare.of_data)
    sweep_problem(reader, sweep_mark(reader, node),
                  "compare: \"%s\" is of data sets: runs on different data are not compared", claim->compare.key);
}

static const char *const tests[CLAIM_TESTS] = {"below", "above", "smaller", "larger", "differs"};

const char *claim_test_name(enum claim_test test) { return tests[test]; }

static void read_test(struct sweep_reader *reader, int node) {
  int test = 0;
  of(reader)->test_mark = sweep_mark(reader, node);
  if (sweep_read_choice(reader, node, "test", tests, CLAIM_TESTS, &test))
    of(reader)->claim->test = (enum claim_test)test;
}

static void read_bound(struct sweep_reader *reader, int node) {
  sweep_read_real(reader, node, "bound", &of(reader)->claim->bound);
}

static void read_seeds(struct sweep_reader *reader, int node) {
  sweep_read_integer(reader, node, "seeds", 1, 1000, &of(reader)->claim->seeds);
}

static void read_least_r2(struct sweep_reader *reader, int node) {
  sweep_read_real(reader, node, "least_r2", &of(reader)->claim->least_r2);
}

static void read_model(struct sweep_reader *reader, int node) {
  keep_text(reader, node, "published.model", &of(reader)->claim->model);
}

static void read_system(struct sweep_reader *reader, int node) {
  keep_text(reader, node, "published.system", &of(reader)->claim->system);
}

static void read_against(struct sweep_reader *reader, int node) {
  keep_text(reader, node, "published.against", &of(reader)->claim->against);
}

static void read_noise(struct sweep_reader *reader, int node) {
  sweep_read_positive(reader, node, "published.noise", &of(reader)->claim->noise);
}

static void read_published(struct sweep_reader *reader, int node) {
  static const struct sweep_key keys[] = {{.name = "model", .read = read_model},
                                          {.name = "system", .read = read_system},
                                          {.name = "against", .read = read_against},
                                          {.name = "noise", .read = read_noise}};
  const struct claim *claim = of(reader)->claim;
  const int before = reader->problems.count;
  int systems;
  sweep_read_keys(reader, node, "published", keys, sizeof keys / sizeof *keys);
  if (reader->problems.count > before) return;
  const char *expected = NULL;
  if (!claim->model)
    expected = "model, as in data/published_results.csv";
  else if (claim->system && claim->against)
    expected = "system, or against, not both";
  else if (claim->system && !published_find(PUBLISHED_REPRODUCTION, claim->model, claim->system, "test"))
    expected = "a model and system of Table 1 of rescience_report in data/published_results.csv";
  else if (!claim->system &&
           (!claim->against || isnan(published_relative_error(claim->model, claim->against, &systems))))
    expected = "system, or against: a model of the paper that has figures of the same systems";
  if (expected) sweep_problem(reader, sweep_mark(reader, node), "published: expected %s", expected);
}

/* ---- A claim ---- */

/* Names of scores of all kinds of models that learn, each once. */
static int score_names(const char *names[NAMES_MAX]) {
  int count = 0;
  for (int model = 0; model < MODEL_COUNT; model++) {
    const struct learner_kind *kind = learner_find((enum model_kind)model);
    for (int i = 0; kind && i < kind->scores && count < NAMES_MAX; i++) {
      bool known = false;
      for (int k = 0; k < count; k++) known = known || strcmp(names[k], kind->score[i].name) == 0;
      if (!known) names[count++] = kind->score[i].name;
    }
  }
  return count;
}

static void check_quantity(struct claims_reader *reader, struct document_mark mark) {
  static const char *const published[] = {"over_limit", "over_floor", "r2"}, *const relative[] = {"relative_error"};
  const struct claim *claim = reader->claim;
  const char *scores[NAMES_MAX];
  const char *const *names = claim->model && claim->system ? published : claim->model ? relative : scores;
  const int count = claim->model && claim->system ? 3 : claim->model ? 1 : score_names(scores);
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], claim->quantity) == 0) return;
  const char *meant = nearest_word(claim->quantity, names, count);
  char shown[64];
  problems_show(claim->quantity, shown, sizeof shown);
  sweep_problem(&reader->sweep, mark, "quantity: there is no \"%s\"%s%s%s", shown,
                meant          ? "; did you mean \""
                : claim->model ? "; of published figures there are over_limit, over_floor, r2, relative_error"
                               : "; scores are listed by hgn info -v RUN.h5",
                meant ? meant : "", meant ? "\"?" : "");
}

/* What does not go together. */
static void check_claim(struct claims_reader *reader, struct document_mark mark) {
  const struct claim *claim = reader->claim;
  struct sweep_reader *sweep = &reader->sweep;
  const bool pairs = claim->test != CLAIM_BELOW && claim->test != CLAIM_ABOVE;
  if (claim->model && (claim->filters > 0 || claim->compare.values > 0))
    sweep_problem(sweep, mark, "published does not go with runs and compare, which are about runs");
  if (pairs && claim->compare.values == 0)
    sweep_problem(sweep, reader->test_mark, "test: %s is of pairs of runs: expected compare beside it",
                  tests[claim->test]);
  if (!pairs && claim->compare.values > 0)
    sweep_problem(sweep, reader->test_mark,
                  "test: %s is of single runs; with compare expected smaller, larger or differs", tests[claim->test]);
  if (!pairs && isnan(claim->bound))
    sweep_problem(sweep, reader->test_mark, "test: %s: expected bound: a number beside it", tests[claim->test]);
  if (claim->compare.values > 0 && claim->seeds < 2)
    sweep_problem(sweep, mark, "seeds: expected 2 or more where pairs are compared");
  if (claim->quantity) check_quantity(reader, mark);
}

static bool has_key(const struct sweep_reader *reader, int node, const char *key) {
  for (int i = 0; i < sweep_count(reader, node); i++)
    if (strcmp(document_text(reader->document, document_entry(reader->document, node, i)->key), key) == 0) return true;
  return false;
}

static void read_claim(struct claims_reader *reader, int node) {
  static const struct sweep_key keys[] = {
      {.name = "claim", .read = read_claim_text},  {.name = "note", .read = read_note},
      {.name = "runs", .read = read_runs},         {.name = "published", .read = read_published},
      {.name = "quantity", .read = read_quantity}, {.name = "compare", .read = read_compare},
      {.name = "test", .read = read_test},         {.name = "bound", .read = read_bound},
      {.name = "seeds", .read = read_seeds},       {.name = "least_r2", .read = read_least_r2}};
  static const char *const needed[] = {"claim", "quantity", "test"};
  struct sweep_reader *sweep = &reader->sweep;
  const int before = sweep->problems.count;
  *reader->claim = (struct claim){.note = "", .bound = NAN, .seeds = CLAIM_SEEDS, .least_r2 = VERDICT_R2, .noise = NAN};
  sweep_read_keys(sweep, node, "a claim", keys, sizeof keys / sizeof *keys);
  if (sweep_kind(sweep, node) != DOCUMENT_MAPPING) return;
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!has_key(sweep, node, needed[i]))
      sweep_problem(sweep, sweep_mark(sweep, node), "\"%s\" is missing in this claim", needed[i]);
  if (sweep->problems.count == before) check_claim(reader, sweep_mark(sweep, node));
}

static enum status read_all(struct claims_reader *reader) {
  struct sweep_reader *sweep = &reader->sweep;
  const int root = sweep->document->root;
  const bool list = root >= 0 && sweep_kind(sweep, root) == DOCUMENT_SEQUENCE;
  const int count = list ? sweep_count(sweep, root) : 0;
  REQUIRE(list && count <= CLAIMS_MAX, STATUS_CONFIG,
          "%s:1:1: expected a sequence of at most %d claims: \"- claim: ...\"", sweep->path, (int)CLAIMS_MAX);
  reader->claims->claim = arena_array(&reader->claims->arena, count, sizeof *reader->claims->claim);
  TRY(arena_check(&reader->claims->arena, "claims"));
  reader->claims->count = count;
  for (int i = 0; i < count; i++) {
    reader->claim = &reader->claims->claim[i];
    read_claim(reader, sweep_item(sweep, root, i));
  }
  TRY(arena_check(&reader->claims->arena, "claims"));
  return problems_raise(&sweep->problems);
}

enum status claims_parse(const char *path, const char *text, size_t bytes, struct claims *claims) {
  struct document *document;
  *claims = (struct claims){.count = 0};
  TRY(document_parse(path, true, text, bytes, &document));
  struct claims_reader *reader = calloc(1, sizeof *reader);
  enum status status = STATUS_OK;
  if (!reader) {
    status = status_raise(STATUS_MEMORY, "out of memory reading %s", path);
  } else {
    reader->sweep.document = document;
    reader->sweep.sweep = &reader->unused;
    reader->claims = claims;
    problems_show(path, reader->sweep.path, sizeof reader->sweep.path);
    status = read_all(reader);
  }
  document_destroy(&document);
  free(reader);
  return status;
}

void claims_close(struct claims *claims) {
  arena_free(&claims->arena);
  *claims = (struct claims){.count = 0};
}
