#include "analysis/report/run_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The configuration without the line of the seed, then the data's checksum. */
static enum status make_key(const struct run_facts *facts, char **key) {
  const size_t room = strlen(facts->config_text) + strlen(facts->data.checksum) + 2;
  char *made = malloc(room), *end = made;
  REQUIRE(made, STATUS_MEMORY, "out of memory for groups of runs");
  for (const char *line = facts->config_text; *line;) {
    const size_t length = strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
    if (strncmp(line, "seed:", 5) != 0) {
      memcpy(end, line, length);
      end += length;
    }
    line += length;
  }
  snprintf(end, room - (size_t)(end - made), "%s", facts->data.checksum);
  *key = made;
  return STATUS_OK;
}

static enum status add_run(struct run_groups *groups, const struct run_facts *facts, int64_t count) {
  char *key = NULL;
  int64_t at = 0;
  TRY(make_key(facts, &key));
  while (at < groups->groups && strcmp(groups->group[at].key, key) != 0) at++;
  struct run_group *group = &groups->group[at];
  if (at == groups->groups) {
    *group = (struct run_group){.key = key, .run = calloc((size_t)count, sizeof *group->run)};
    groups->groups++;
    REQUIRE(group->run, STATUS_MEMORY, "out of memory for groups of runs");
  } else {
    free(key);
  }
  int64_t place = group->runs++;
  for (; place > 0 && group->run[place - 1]->seed > facts->seed; place--) group->run[place] = group->run[place - 1];
  group->run[place] = facts;
  return STATUS_OK;
}

static double chosen(const struct run_group *group) {
  const struct learner_kind *kind = group->run[0]->kind;
  return run_group_score(group, SPLIT_VALIDATION, kind->score[kind->chosen_by].name).mean;
}

/* Of groups of one kind the smaller is better; one that has no score is the last. */
static bool is_better(const struct run_group *a, const struct run_group *b) {
  const double x = chosen(a), y = chosen(b);
  if (isnan(x) || isnan(y)) return !isnan(x) && isnan(y);
  return x < y;
}

static void order(struct run_groups *groups) {
  for (int64_t i = 0; i < groups->groups; i++) {
    int64_t place = i;
    for (; place > 0 && is_better(&groups->group[i], &groups->group[groups->best[place - 1]]); place--)
      groups->best[place] = groups->best[place - 1];
    groups->best[place] = i;
  }
}

enum status run_groups_make(const struct run_facts *runs, int64_t count, struct run_groups *groups) {
  *groups = (struct run_groups){.group = calloc((size_t)count + 1, sizeof *groups->group),
                                .best = calloc((size_t)count + 1, sizeof *groups->best)};
  REQUIRE(groups->group && groups->best, STATUS_MEMORY, "out of memory for groups of runs");
  for (int64_t i = 0; i < count; i++) TRY(add_run(groups, &runs[i], count));
  order(groups);
  return STATUS_OK;
}

void run_groups_close(struct run_groups *groups) {
  for (int64_t i = 0; i < groups->groups; i++) {
    free(groups->group[i].run);
    free(groups->group[i].key);
  }
  free(groups->group);
  free(groups->best);
  *groups = (struct run_groups){.groups = 0};
}

struct run_spread run_group_score(const struct run_group *group, enum split split, const char *name) {
  struct run_spread spread = {NAN, NAN, 0};
  double sum = 0, square = 0;
  for (int64_t i = 0; i < group->runs; i++) {
    const double value = run_facts_score(group->run[i], split, name);
    if (isnan(value)) continue;
    sum += value;
    spread.count++;
  }
  if (spread.count == 0) return spread;
  spread.mean = sum / (double)spread.count;
  for (int64_t i = 0; i < group->runs; i++) {
    const double off = run_facts_score(group->run[i], split, name) - spread.mean;
    if (!isnan(off)) square += off * off;
  }
  if (spread.count > 1) spread.deviation = sqrt(square / (double)(spread.count - 1));
  return spread;
}
