/* allow.h - who may connect: the loopback, and the addresses of a list. */
#ifndef VA_WYOMING_ALLOW_H
#define VA_WYOMING_ALLOW_H

#include <sys/socket.h>

#include "base/error.h"

#define VA_WYOMING_ALLOW_MAX 64

struct va_wyoming_allow {
    struct {
        uint8_t address[16]; /* of IPv6; those of IPv4 as ::ffff:a.b.c.d */
        int bits;            /* that count */
    } list[VA_WYOMING_ALLOW_MAX];
    size_t n;
};

/* "192.168.1.10, 10.0.0.0/8, fd00::/8"; option is for messages. VA_EINVAL, VA_ELIMIT. */
VA_MUST_CHECK int va_wyoming_allow_parse(const char *option, const char *text, struct va_wyoming_allow *ret_allow, va_error *error);

int va_wyoming_allows(const struct va_wyoming_allow *allow, const struct sockaddr *address);

#endif
