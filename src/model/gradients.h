/* Private to src/model: what passes of all models have in common: numbers of a model's type, and gradients of the
 * parameters of one graph, which a plan leaves in a block of the parameters' layout. Not collective.
 */
#ifndef HGN_MODEL_GRADIENTS_H
#define HGN_MODEL_GRADIENTS_H

#include "graph/plan.h"
#include "model/layout.h"

/* Number `index` of an array of that type; and `count` of them as f64. */
void number_put(enum graph_type type, void *values, int64_t index, double number);
void numbers_get(enum graph_type type, const void *values, int64_t count, double *out);
size_t number_bytes(enum graph_type type);

/* Appends to outputs[*output_count] the gradients of sum_j seed[j] . y[j]: by the `inputs`, then by all parameters of
 * the graph, in their order. STATUS_MEMORY, and the graph's own. */
enum status gradients_append(struct graph *graph, const struct value *y, const struct value *seed, int count,
                             const struct value *inputs, int input_count, struct value *outputs, int *output_count);
/* The parameters' gradients of a part, outputs `first`, first + 1, ... of a plan, go straight to a block. */
enum status gradients_bind(struct plan *plan, const struct layout *layout, int part, int first, enum graph_type type,
                           void *block);
/* gradient += block, in the part. */
void gradients_add(const struct layout *layout, int part, enum graph_type type, const void *block, void *gradient);

#endif
