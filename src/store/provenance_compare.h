/* Whether two results were made by the same program on the same kind of machine: what of /provenance can be compared.
 *
 * Failures: STATUS_FILE when a file cannot be read; STATUS_MEMORY, STATUS_MPI.
 */
#ifndef HGN_STORE_PROVENANCE_COMPARE_H
#define HGN_STORE_PROVENANCE_COMPARE_H

#include "store/provenance.h"

struct provenance_texts {
  char *text[PROVENANCE_MACHINES]; /* owned; NULL: not known */
};

/* Not collective. Of a file; what it lacks is not known. Freed with provenance_texts_free(), after a failure too. */
enum status provenance_read(const struct store_file *file, struct provenance_texts *texts);
/* Collective. Of the program that runs, on its ranks; the root's. Likewise. */
enum status provenance_here(const struct comm *comm, struct provenance_texts *texts);
void provenance_texts_free(struct provenance_texts *texts);

/* Not collective. A line of what is the same, and two of each thing that is not; a and b: what the two are called. */
void provenance_print_changes(const struct provenance_texts *of_a, const struct provenance_texts *of_b, const char *a,
                              const char *b, FILE *out);

#endif
