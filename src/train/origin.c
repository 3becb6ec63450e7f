#include "train/origin.h"

#include <string.h>

static bool is_one_of(const char *path, const char *const *paths, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(path, paths[i]) == 0) return true;
  return false;
}

bool origin_may_differ(const struct schema_row *row) {
  static const char *const beginnings[] = {"objective.name", "objective.lambda"};
  static const char *const synthetic[] = {"synthetic.x", "synthetic.y", "synthetic.noise"};
  if (strncmp(row->path, "optimizer.", 10) == 0) return true;
  if (strncmp(row->path, "objective.", 10) == 0) return !is_one_of(row->path, beginnings, 2);
  return is_one_of(row->path, synthetic, 3);
}

bool origin_has_to_agree(const struct schema_row *row) { return !origin_may_differ(row); }
