/* What checksums.c computes, as write_settings.c hands it over: a header and structs, byte for byte. So a program for
 * another processor needs no YAML; both sides have the same bytes when the sizes asserted here are the same. */
#ifndef HGN_TESTS_CROSS_SETTINGS_H
#define HGN_TESTS_CROSS_SETTINGS_H

#include "config/training.h"
#include "graph/graph.h"

#include <stdalign.h>
#include <stdint.h>

struct settings {
  char name[32]; /* in every line that is printed */
  enum graph_type type;
  int64_t height, width, channels, input_frames; /* of frames */
  int64_t dimension;                             /* of points; 0: a model of frames */
  struct model_settings model;
  struct optimizer_settings optimizer;
};

struct settings_header {
  uint64_t magic;
  int64_t bytes, count; /* of a struct settings; how many follow */
};
#define SETTINGS_MAGIC UINT64_C(0x31676e6974746573) /* also: little-endian words */

_Static_assert(sizeof(bool) == 1 && sizeof(enum graph_type) == 4 && sizeof(struct integer_list) == 136,
               "sizes of what settings are made of");
_Static_assert(alignof(int64_t) == 8 && alignof(double) == 8 && alignof(enum graph_type) == 4, "and how they stand");

#endif
