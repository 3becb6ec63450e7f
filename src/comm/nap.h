/* Waiting that leaves the core to others: one looks often at first, then ever more rarely.
 *
 * Open MPI's own waits poll as fast as they can, so that a rank with nothing to do takes a whole core. Here the pause
 * before the next look grows with the time waited so far, to a small part of it; beyond half a second of waiting it
 * is 2 ms, which costs about half a percent of a core.
 */
#ifndef HGN_COMM_NAP_H
#define HGN_COMM_NAP_H

#include "comm/comm.h"

#include <stdint.h>

struct nap {
  double since; /* s, monotonic clock, at which waiting began; 0: not yet */
};

/* Not collective. Something has come: the next wait begins anew. */
void nap_end(struct nap *nap);
/* Not collective. Waits a little. */
void nap_take(struct nap *nap);

/* Collective. As comm_broadcast() of up to INT_MAX bytes from root 0, for those that may have to wait for it for long:
 * they nap. Returns what MPI says on this rank alone. */
enum status comm_broadcast_late(const struct comm *comm, void *data, int bytes);

#endif
