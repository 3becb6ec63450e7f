/* The numbers that a data set's file has under /parameters.
 */
#ifndef HGN_PHYSICS_PARAMETERS_H
#define HGN_PHYSICS_PARAMETERS_H

#include "config/config.h"
#include "store/dataset.h"

enum { PARAMETERS_MAX = 24, PARAMETERS_UNIT_MAX = 32 };

/* Units that had to be put together: a list may point into it. */
struct parameters_text {
  char unit[PARAMETERS_MAX][PARAMETERS_UNIT_MAX];
};

/* Not collective. Every real and whole number of a section ("system.") that the table of keys has for the configured
 * kind of system or density, by the last part of its name: list[PARAMETERS_MAX]. Returns how many; text is borrowed by
 * the list. */
int parameters_list(const struct config *config, const char *section, struct parameters_text *text,
                    struct dataset_parameter *list);

#endif
