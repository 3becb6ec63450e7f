/* Parts of a sweep, which jobs of an array run without knowing of each other. */
#include "sweep/sweep.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

const char *sweep_undivided(const struct sweep *sweep) {
  if (sweep->method->part) return "a generation of method pbt follows from all members of the one before";
  if (sweep->method->learns) return "the method chooses by the results of all trials";
  if (strcmp(sweep->early.type, "median") == 0) return "early stopping by the median takes that of all trials";
  return sweep_has_target(sweep) ? "a target ends the sweep by the results of all trials" : NULL;
}

bool sweep_is_gathered(const struct sweep *sweep) {
  return *sweep->early.type && sweep->slurm.array > 1 && sweep->part.count == 1;
}

int64_t sweep_configurations(const struct sweep *sweep, int64_t extended) {
  const int64_t wanted = sweep->run_cap + extended;
  if (sweep->method->part) return wanted; /* points may come again */
  const int64_t points = space_points(&sweep->space, wanted);
  return points >= 0 && points < wanted ? points : wanted;
}

int64_t sweep_part_size(const struct sweep_part *part, int64_t whole) {
  return whole > part->index ? (whole - part->index + part->count - 1) / part->count : 0;
}

int64_t sweep_part_configurations(const struct sweep *sweep, int64_t extended) {
  return sweep_part_size(&sweep->part, sweep_configurations(sweep, extended));
}

enum status sweep_take_part(struct sweep *sweep, int64_t index, int64_t count) {
  const char *why = sweep_undivided(sweep);
  const int64_t parts = sweep->slurm.array, whole = sweep_configurations(sweep, 0);
  if (count == 1 && index == 0 && parts <= 1) return STATUS_OK; /* all of it */
  REQUIRE(!why, STATUS_CONFIG, "--part: %s: run it in one job, with slurm/sweep.sbatch", why);
  REQUIRE(parts == 0 || count == parts, STATUS_USAGE,
          "--part %" PRId64 "/%" PRId64 ": the sweep has %" PRId64 " parts (slurm.array)", index, count, parts);
  REQUIRE(parts > 0 || !*sweep->early.type, STATUS_USAGE,
          "--part %" PRId64 "/%" PRId64
          ": early stopping decides within parts, so how many there are has to stand in the file: slurm: {array: "
          "%" PRId64 "}",
          index, count, count);
  REQUIRE(index >= 0 && index < count, STATUS_USAGE,
          "--part %" PRId64 ": expected 0 to %" PRId64 ", the sweep has %" PRId64 " parts", index, count - 1, count);
  REQUIRE(count <= whole, STATUS_USAGE,
          "--part %" PRId64 "/%" PRId64 ": the sweep has %" PRId64 " configurations, and cannot have more parts", index,
          count, whole);
  sweep->part = (struct sweep_part){index, count};
  sweep->confirm = 0;
  sweep->resources.core_hours /= (double)count;
  if (sweep->resources.checkpoint_bytes > 0) /* 0 would be no bound */
    sweep->resources.checkpoint_bytes = 1 + (sweep->resources.checkpoint_bytes - 1) / count;
  return STATUS_OK;
}
