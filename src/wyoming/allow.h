/* peers.h - who may connect: the loopback, and the addresses of a list. */
#ifndef VA_WYOMING_PEERS_H
#define VA_WYOMING_PEERS_H

#include <sys/socket.h>

#include "base/error.h"

#define VA_PEERS_MAX 64

struct va_peers {
    struct {
        uint8_t address[16]; /* of IPv6; those of IPv4 as ::ffff:a.b.c.d */
        int bits;            /* that count */
    } list[VA_PEERS_MAX];
    size_t n;
};

/* "192.168.1.10, 10.0.0.0/8, fd00::/8"; option is for messages. VA_EINVAL, VA_ELIMIT. */
VA_MUST_CHECK int va_peers_parse(const char *option, const char *text, struct va_peers *ret_peers, va_error *error);

int va_peers_allow(const struct va_peers *peers, const struct sockaddr *address);

#endif
