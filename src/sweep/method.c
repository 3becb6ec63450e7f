#include "sweep/method.h"

#include <string.h>

static const struct method_kind *const methods[] = {&method_grid, &method_random, &method_sobol, &method_lhs,
                                                    &method_tpe,  &method_bayes,  &method_cmaes};

/* Methods of the sweep file that a later version will have. */
static const char *const later[] = {"pbt"};

const struct method_kind *method_find(const char *name) {
  for (size_t m = 0; m < sizeof methods / sizeof *methods; m++)
    if (strcmp(methods[m]->name, name) == 0) return methods[m];
  return NULL;
}

bool method_known(const char *name) {
  for (size_t m = 0; m < sizeof later / sizeof *later; m++)
    if (strcmp(later[m], name) == 0) return true;
  return method_find(name) != NULL;
}
