/* Functions of the plane as pictures: labelled square fields in rows. Not collective. */
#ifndef HGN_STORE_FIELD_BOARD_H
#define HGN_STORE_FIELD_BOARD_H

#include "store/picture.h"

#include <stdint.h>

enum { FIELD_SIDE = 80, FIELD_VALUES = FIELD_SIDE * FIELD_SIDE, BOARD_ROWS_MAX = 5, BOARD_COLUMNS_MAX = 6 };

enum field_ink {
  FIELD_DENSITY, /* from paper at 0 to dark at the largest */
  FIELD_ENERGY   /* from the smallest to the largest, in bands */
};

struct field {
  char label[64]; /* "": there is none at this place */
  enum field_ink ink;
  double lower[2], upper[2]; /* of the plane, across and upward */
  double *value;             /* [FIELD_SIDE][FIELD_SIDE], the top row first; owned; not finite: blank */
  double darkest;            /* the value that is drawn darkest; 0: the largest that there is */
};

struct field_board {
  int rows, columns;
  char title[200];
  struct field field[BOARD_ROWS_MAX][BOARD_COLUMNS_MAX];
};

/* Gives a place its values, 0. STATUS_MEMORY. */
enum status field_open(struct field_board *board, int row, int column, const char *label, enum field_ink ink,
                       const double lower[2], const double upper[2], struct field **field);
/* The point in the middle of value `index`. */
void field_point(const struct field *field, int64_t index, double point[2]);
/* Adds a point to the value that it falls into, if it is inside; and a line between two, as it goes. */
void field_count(struct field *field, const double point[2]);
void field_line(struct field *field, const double from[2], const double to[2]);

/* All of it as a picture, closed with picture_close(). STATUS_MEMORY. */
enum status field_board_draw(const struct field_board *board, struct picture *picture);
/* .png. Those of picture.h. */
enum status field_board_write(const struct field_board *board, const char *path);
void field_board_free(struct field_board *board);

#endif
