/* Communicators and agreement on errors.
 *
 * A struct comm owns a duplicate of an MPI communicator on which errors are returned, not fatal. The rule of the whole
 * program: no rank returns between two collectives on its own. Local work ends in comm_agree(), after which all ranks
 * hold the same status and the same message, and take the same branch.
 *
 * Failures: STATUS_MPI, with the call and what MPI says of it; comm_agree() also returns what it is given.
 */
#ifndef HGN_COMM_COMM_H
#define HGN_COMM_COMM_H

#include "base/status.h"

#include <mpi.h>
#include <stdint.h>

struct comm {
  MPI_Comm mpi;
  int rank, size;
};

/* Collective over `parent`. Duplicates it and sets MPI_ERRORS_RETURN. */
enum status comm_open(MPI_Comm parent, struct comm *comm);

/* Collective over `parent`. Ranks of one `color` form a group, in the order that they have in `parent`; a negative
 * color: in none, `group` is zeroed. Closed with comm_close(). */
enum status comm_split(const struct comm *parent, int color, struct comm *group);

/* Collective. Accepts a closed or zeroed comm. */
void comm_close(struct comm *comm);

/* Collective. Returns on every rank the worst code of all ranks; among equals the lowest rank speaks, and its message,
 * prefixed with "rank R: " when there is more than one rank and not all ranks failed alike,
 * becomes the message of every rank. */
enum status comm_agree(const struct comm *comm, enum status local);

/* Not collective. Turns an MPI return code into a status: STATUS_MPI with MPI_Error_string, naming `call`. */
enum status comm_check(int mpi_code, const char *call);

/* Collective. Broadcasts bytes from root 0. */
enum status comm_broadcast(const struct comm *comm, void *data, int64_t bytes);

/* Collective. A barrier at which ranks that have nothing to do leave their cores to those that have. */
enum status comm_wait(const struct comm *comm);

/* Not collective. The contiguous share of `total` items of rank `rank` of `size`: first item and count; shares differ
 * by at most one, lower ranks get the larger. */
void comm_share(int64_t total, int size, int rank, int64_t *first, int64_t *count);

#endif
