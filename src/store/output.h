/* Where files are written to: names, links, what may be replaced, and partial files. For HDF5 files and pictures alike.
 *
 * A file is made as ".NAME.partial-HOST-PID" in the folder of its final name and renamed when it is whole; while it is
 * made it carries the locks of lock.h, so that what killed jobs have left is told from what others are working on. A
 * process that a signal ends removes it (base/litter.h). One that is whole and cannot have its name stays as
 * "NAME.whole-HOST-PID".
 *
 * All functions: Not collective; one rank alone calls those that write.
 */
#ifndef HGN_STORE_OUTPUT_H
#define HGN_STORE_OUTPUT_H

#include "store/file.h"

#include <stdbool.h>

/* Whether there is anything of that name; a link that leads nowhere is nothing. STATUS_FILE when the system does not
 * tell, and that is not because it is missing. */
enum status output_exists(const char *path, bool *there);

/* Follows links: people put results on other disks. The file need not be there. For writing, STATUS_FILE when a link
 * belongs to neither the user, nor root, nor the owner of a folder that not everybody may write: whoever has put it
 * there could point it anywhere. */
enum status output_resolve(const char *path, bool writing, char resolved[STORE_PATH_MAX]);

/* STATUS_USAGE when the name is one that hgn gives to files by itself:
 * what a run or hgn limit writes beside others. */
enum status output_check_name(const char *path);

/* STATUS_FILE when a folder or anything but a plain file has the name. */
enum status output_check_plain(const char *path);

/* STATUS_FILE: nothing can be created in the folder of `path`, for the reason that errno gave. */
enum status output_fail_create(const char *path, int code);

/* What is at the resolved name may be replaced: nothing, an empty file, or an HDF5 file of that format. STATUS_FILE
 * says what it is. `damaged`: so may an HDF5 file that cannot be opened. */
enum status output_check_format(const char *path, const char *format, bool damaged);

/* The same for files of other kinds: nothing, an empty file, or one that begins with these bytes. */
enum status output_check_magic(const char *path, const char *magic);

/* A whole file at once: written aside in the same folder, then renamed, so the final name never holds half of it. Only
 * a file that begins with `magic` is replaced; "": any is. STATUS_FILE naming `path`; then what had that name before is
 * still there. */
enum status output_put(const void *data, size_t size, const char *magic, const char *path);

/* Creates an empty partial file, locked, and opens it for writing; removes what killed jobs have left in the folder: of
 * the same name all of it, of others, and locks, what processes of this host have left. */
enum status output_create_partial(const char *path, char partial[STORE_PATH_MAX], int *descriptor);

/* Removes a partial file of our own that is given up. */
void output_remove_partial(const char *partial);

/* Removes a partial file, NAME in `folder`, if nobody is working on it. */
void output_remove_left(const char *folder, const char *name);

/* Gives a partial file, which is on the disk, its final name. With `fresh`, nothing may be there, and what has appeared
 * meanwhile stays. On failure the file stays too, under a name that the message says. */
enum status output_rename(const char *partial, const char *path, bool fresh);

/* Length of a path without its ending ".h5", if it has that: what hgn names other files after. */
size_t output_stem(const char *path);

/* Where temporary files go: TMPDIR, or /tmp where it is not set or empty. Borrowed. */
const char *output_temporary(void);

/* The folder of `path`, "." when it names none; returns where the last component starts. */
const char *output_split(const char *path, char folder[STORE_PATH_MAX]);

#endif
