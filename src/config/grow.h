/* Growing arrays. Not collective. */
#ifndef HGN_CONFIG_GROW_H
#define HGN_CONFIG_GROW_H

#include "base/status.h"

#include <stddef.h>

/* Makes the array that the pointer `array` holds, with room for `room` elements, at least `need` long; at least doubled
 * when it grows, contents kept. An expression of type enum status: STATUS_MEMORY leaves both as they were. */
#define GROW(array, room, need) grow_array(&(array), &(room), (need), sizeof *(array))

/* `pointer` is the address of an object pointer. */
enum status grow_array(void *pointer, size_t *room, size_t need, size_t element);

#endif
