/* Private to match*.c: the two halves of match.h. Not collective. */
#ifndef HGN_PHYSICS_MATCH_PRIVATE_H
#define HGN_PHYSICS_MATCH_PRIVATE_H

#include "physics/limit_private.h"
#include "physics/match.h"

enum { MATCH_STARTS = 8, MATCH_BLOCKS = 8, MATCH_GLANCES = 6, MATCH_POINTS = SYSTEM_UNIFORMS_MAX + 1 };

/* How images are looked at: blurred, nearly as they are, as they are. */
enum match_look { MATCH_BLURRED, MATCH_SHARP, MATCH_TRUE, MATCH_LOOKS };

/* Which of the film's frames: 0, stride, ... below stop. */
struct match_part {
  enum match_look look;
  int64_t stride, stop;
};

struct match {
  struct experiment experiment; /* of the flow: `frames` to the film's end, `noise` at least that of MATCH_SHARP */
  const struct system *system;
  int64_t first, frames;
  double pixel; /* m or rad */
  struct limit_flow flow;
  struct expected expected[MATCH_LOOKS];
  int free[SYSTEM_UNIFORMS_MAX], dimension; /* the numbers that are fitted */
  struct arena arena;                       /* of all arrays */
  float *film;                              /* [frames][values]: the one at hand, less the background */
  float *image, *shifted;                   /* [values]; [freedom][values] */
  double *q, *lanes;                        /* [MATCH_POINTS][frames][freedom]; [first + frames][freedom][lane] */

  /* The bank. */
  int64_t rollouts, features; /* features: of a rollout, [glances][rows][columns][channels] */
  int64_t glance[MATCH_GLANCES];
  int glances, rows, columns;
  double *uniform;       /* [rollouts][SYSTEM_UNIFORMS_MAX] */
  float *bank, *feature; /* [rollouts][features]; [features] of the film at hand */
};

/* q[point][frame][freedom] of the film's frames, of up to MATCH_POINTS rollouts. */
void match_follow(const struct match *match, const double (*uniform)[SYSTEM_UNIFORMS_MAX], int points, double *q);

/* Of the film at hand; infinite where a rollout cannot be followed. q: [frames][freedom]. */
double match_error(struct match *match, const struct match_part *part, const double *q);

/* Makes the bank, and the MATCH_STARTS of its rollouts that are nearest to the film at hand, nearest first. */
enum status match_fill_bank(struct match *match);
void match_search_bank(struct match *match, int64_t start[MATCH_STARTS]);

#endif
