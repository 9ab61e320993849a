/* datagram.h - one message to the service manager or the journal, as their protocols have it. Any thread. */
#ifndef VA_DAEMON_DATAGRAM_H
#define VA_DAEMON_DATAGRAM_H

#include <stddef.h>

/* address: the path of a Unix socket, or "@NAME" of the abstract space. waits: 1: for room in the receiver's queue. 0, or -1 when nobody
 * has it. */
int va_datagram_send(const char *address, const void *bytes, size_t n, int waits);

#endif
