/* datagram.h - one message to the service manager or the journal, as their protocols have it. Any thread. */
#ifndef VA_DAEMON_DATAGRAM_H
#define VA_DAEMON_DATAGRAM_H

#include <stddef.h>

/* address: the path of a Unix socket, or "@NAME" of the abstract space. Blocks while the receiver's queue is full. 0, or -1 when nobody has
 * it. */
int va_datagram_send(const char *address, const void *bytes, size_t n);

#endif
