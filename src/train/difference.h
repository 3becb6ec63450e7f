/* Where two records of one step part: in the parameters or the gradient of which network, in which lane of which term
 * of the loss, in which number. Of a training beside its replay, or beside another training.
 *
 * All functions: Not collective.
 */
#ifndef HGN_TRAIN_DIFFERENCE_H
#define HGN_TRAIN_DIFFERENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { DIFFERENCE_LIST_MAX = 128, DIFFERENCE_NAME_MAX = 128, DIFFERENCE_WHERE_MAX = 48 };

/* What differs, in the order in which it is told. */
enum difference_kind { DIFFERENCE_GRADIENT, DIFFERENCE_PARAMETERS, DIFFERENCE_LANE, DIFFERENCE_NUMBER };

struct difference {
  enum difference_kind kind;
  char name[DIFFERENCE_NAME_MAX]; /* "network encoder, gradient"; "lane 3 of kl"; "loss" */
  int64_t lane;                   /* -1: none */
  uint64_t a[2], b[2];            /* the bits: of a checksum two words, of a number the first */
};

/* Of one report or evaluation. */
struct difference_list {
  int64_t step;
  char where[DIFFERENCE_WHERE_MAX]; /* "evaluation of the test split"; "": a report */
  int64_t values, count;            /* that were compared; that differ */
  int listed;                       /* entries of the list: the first DIFFERENCE_LIST_MAX */
  struct difference list[DIFFERENCE_LIST_MAX];
};

/* Adds one that differs. */
void difference_add(struct difference_list *differences, const struct difference *difference);
/* Whether two numbers, as bits, are different: NaN is NaN, whatever its bits. */
bool difference_of_numbers(uint64_t a, uint64_t b);
/* "first difference at step 17: network encoder, gradient; lane 3 of kl", and a line for each of the first, with both
 * values; a and b: what the two are called. */
void difference_print(const struct difference_list *differences, const char *a, const char *b, FILE *out);

#endif
