/* The word that was meant. Not collective. */
#ifndef HGN_CONFIG_NEAREST_H
#define HGN_CONFIG_NEAREST_H

#include <stdbool.h>

/* Damerau-Levenshtein distance (optimal string alignment): the least number of insertions, deletions, substitutions and
 * swaps of neighbours. Only the first 63 bytes of each word are compared. */
int nearest_distance(const char *a, const char *b);

/* Whether `distance` is a likely slip of the pen for a word like `meant`. */
bool nearest_close(int distance, const char *meant);

/* The word of a list that `text` is a likely slip for, the first of the nearest; NULL when there is none. */
const char *nearest_word(const char *text, const char *const *words, int count);

#endif
