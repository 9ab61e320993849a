/* limiter.h - how often each address may be wrong: a bucket of tries that fills again. The table is bounded: when it is full, the
 * address that has been quiet for longest is forgotten. IPv6 counts by /64, which one host has to itself. The caller locks. */
#ifndef VA_ACCESS_LIMITER_H
#define VA_ACCESS_LIMITER_H

#include <stddef.h>
#include <stdint.h>

#define VA_LIMITER_MAX 512
/* At once, and seconds until there is one more. */
#define VA_LIMITER_TRIES 10
#define VA_LIMITER_REFILL_S 6.0
/* Who is on this machine can do more harm than guess. */
#define VA_LIMITER_LOCAL_TRIES 60
#define VA_LIMITER_LOCAL_REFILL_S 1.0

struct va_limiter_key {
    uint8_t bytes[17]; /* kind, and an IPv4 address or an IPv6 prefix */
};

struct va_limiter {
    struct {
        struct va_limiter_key key;
        double spent, seen_s; /* tries that have not come back at seen_s */
    } entry[VA_LIMITER_MAX];  /* [n] */
    size_t n;
};

/* What is no address is a key of its own, shared by all of them. */
void va_limiter_key(const char *address, struct va_limiter_key *ret_key);

/* Seconds until a try is allowed; 0: now. */
int va_limiter_wait_s(const struct va_limiter *limiter, const struct va_limiter_key *key, int is_local, double now_s);
void va_limiter_count(struct va_limiter *limiter, const struct va_limiter_key *key, int is_local, double now_s);

#endif
