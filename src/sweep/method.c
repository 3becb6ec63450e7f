#include "sweep/method.h"

#include <string.h>

static const struct method_kind *const methods[] = {&method_grid, &method_random, &method_sobol, &method_lhs,
                                                    &method_tpe,  &method_bayes,  &method_cmaes, &method_pbt};
enum { METHODS = sizeof methods / sizeof *methods };

const struct method_kind *method_find(const char *name) {
  for (int m = 0; m < METHODS; m++)
    if (strcmp(methods[m]->name, name) == 0) return methods[m];
  return NULL;
}

const char *method_name(int index) { return index >= 0 && index < METHODS ? methods[index]->name : NULL; }
