/* Files that a process has made and that nobody needs once it has ended: partial files, and those that carry locks. A
 * process that a signal ends removes them on the way (stop.h); what a kill has left, the next that writes there does.
 *
 * All functions: Not collective. Names are copied; they stay right as long as the process stays in its folder.
 */
#ifndef HGN_BASE_LITTER_H
#define HGN_BASE_LITTER_H

/* From here on `path` is removed when a signal ends the process. Where there are too many, or the name is too long, it
 * is left to the next that writes there. */
void litter_add(const char *path);
/* No more: it has another name now, or is gone. Others of that name stay. Accepts a name that was never added. */
void litter_drop(const char *path);
/* Removes them all. Calls nothing that a signal handler may not call. */
void litter_remove(void);

#endif
