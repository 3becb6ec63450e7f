/* Private to src/cli: published errors beside ours. */
#ifndef HGN_CLI_PUBLISHED_PRINT_H
#define HGN_CLI_PUBLISHED_PRINT_H

#include "train/published.h"

/* Root only. Prints what was published of the system of these data, three lines at most, and why it cannot be compared
 * where it cannot. floor: the data's noise floor, NaN: not known. Nothing of systems without published numbers. */
void published_print(const struct config *data, enum protocol_kind kind, const struct protocol *protocol, double floor);

#endif
