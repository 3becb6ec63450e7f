/* Private to src/cli: the numbers of a benchmark for programs, beside what it prints for people: --csv FILE has a line
 * each, table,row,column,value, with the column's unit in brackets.
 *
 * Not collective; of rank 0, one file at a time.
 */
#ifndef HGN_CLI_BENCH_ROWS_H
#define HGN_CLI_BENCH_ROWS_H

#include "base/status.h"

/* path NULL: numbers are only printed. STATUS_FILE. */
enum status bench_rows_open(const char *path);
/* STATUS_FILE when they are not all written. */
enum status bench_rows_close(void);

/* The row to which numbers belong that follow. */
void bench_row(const char *table, const char *format, ...) STATUS_PRINTF(2, 3);
/* Passed over where it is not finite. */
void bench_number(const char *column, double value);

#endif
