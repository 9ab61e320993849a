#include "remote/peers.h"

#include <string.h>

#define SEEN_MS 2500 /* since the last pulse; they come each half second */

static struct va_remote_peer *row_of(struct va_remote_peers *peers, const char *name)
{
    struct va_remote_peer *oldest = &peers->peer[0];

    for (size_t i = 0; i < VA_REMOTE_MAX_PEERS; i++) {
        struct va_remote_peer *peer = &peers->peer[i];
        if (strcmp(peer->name, name) == 0)
            return peer;
        if (peer->seen_ms < oldest->seen_ms)
            oldest = peer;
    }
    return oldest;
}

void va_remote_peers_note(struct va_remote_peers *peers, const struct va_remote_pulse *pulse, double now_ms)
{
    struct va_remote_peer *peer = row_of(peers, pulse->worker);

    memcpy(peer->name, pulse->worker, sizeof peer->name);
    peer->places = pulse->places;
    peer->seen_ms = now_ms;
}

unsigned va_remote_peers_places(const struct va_remote_peers *peers, double now_ms, unsigned *ret_n)
{
    unsigned places = 0;

    *ret_n = 0;
    for (size_t i = 0; i < VA_REMOTE_MAX_PEERS; i++) {
        const struct va_remote_peer *peer = &peers->peer[i];
        if (peer->name[0] != '\0' && now_ms - peer->seen_ms < SEEN_MS) {
            places += peer->places;
            ++*ret_n;
        }
    }
    return places;
}
