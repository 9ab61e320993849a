/* peers.h - the workers that a front has seen of late, and how much they can take. No locks: one at a time. */
#ifndef VA_REMOTE_PEERS_H
#define VA_REMOTE_PEERS_H

#include "remote/message.h"

#define VA_REMOTE_MAX_PEERS 64

/* All zero: none. */
struct va_remote_peers {
    struct va_remote_peer {
        char name[VA_REMOTE_NAME_BYTES];
        unsigned places;
        double seen_ms;
    } peer[VA_REMOTE_MAX_PEERS];
};

/* A pulse has come. When the table is full, the one not seen for longest makes room. */
void va_remote_peers_note(struct va_remote_peers *peers, const struct va_remote_pulse *pulse, double now_ms);

/* Places of those seen in the last seconds, and how many they are. */
unsigned va_remote_peers_places(const struct va_remote_peers *peers, double now_ms, unsigned *ret_n);

#endif
