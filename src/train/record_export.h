/* What a run's file holds, for programs that do not read HDF5: tables of comma-separated values, and event files.
 *
 * Not collective. Failures: STATUS_FILE when the run is not what was written, or nothing can be written there;
 * STATUS_MEMORY.
 */
#ifndef HGN_TRAIN_RECORD_EXPORT_H
#define HGN_TRAIN_RECORD_EXPORT_H

#include "train/record.h"

/* Into a folder that is there: reports.csv (with what was measured), lanes.csv (each lane's part of the terms),
 * checksums.csv (of parameters and gradients, hexadecimal), evaluation_SPLIT.csv and evaluation_SPLIT_frames.csv (the
 * score by frame), a row for each report or evaluation that is there. */
enum status record_export_csv(const struct record_reader *reader, const char *folder);

/* One event file (store/events.h) into a folder that is there: report/NAME, measured/NAME, evaluation/SPLIT/NAME
 * after each step; what is not known is left out. Its times are those of the records: when the process began that
 * made them, and the seconds since then. Its name follows from the run alone. */
enum status record_export_events(const struct record_reader *reader, const char *folder);

#endif
