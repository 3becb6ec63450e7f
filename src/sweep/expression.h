/* Expressions of `constraints:`: "train.batch * model.latent.channels <= 65536 and energy_drift < 0.1".
 *
 *   or < and < not < one comparison (<, <=, >, >=, ==, !=) < + - < * / % < unary - < ^ (right) < ( ), numbers, names,
 *   min(a, b), max(a, b), abs(a), log(a), log2(a), exp(a), sqrt(a)
 *
 * Names are dotted keys. Numbers are YAML's (number.h). Functions are our own, so that the answer is the same on every
 * machine. Depth and length are bounded. Not collective.
 */
#ifndef HGN_SWEEP_EXPRESSION_H
#define HGN_SWEEP_EXPRESSION_H

#include "base/status.h"

enum { EXPRESSION_NAMES_MAX = 16, EXPRESSION_TEXT_MAX = 512 };

struct expression; /* opaque */

/* STATUS_CONFIG: "at CHARACTER: what was found, what was expected". `*expression` is owned by the caller. */
enum status expression_parse(const char *text, struct expression **expression);
void expression_destroy(struct expression **expression); /* accepts NULL inside; sets NULL */

const char *expression_text(const struct expression *expression);
/* The names in it, each once, in the order of their first place. */
int expression_names(const struct expression *expression);
const char *expression_name(const struct expression *expression, int index);

/* With value[expression_names()]; a comparison that holds is 1, one that does not or has NaN is 0. */
double expression_value(const struct expression *expression, const double *value);

#endif
