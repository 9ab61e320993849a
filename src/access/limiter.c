#include "access/limiter.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

#define PREFIX_BYTES 8

void va_limiter_key(const char *address, struct va_limiter_key *ret_key)
{
    struct in6_addr v6;
    struct in_addr v4;

    memset(ret_key, 0, sizeof *ret_key);
    if (address != NULL && inet_pton(AF_INET, address, &v4) == 1) {
        ret_key->bytes[0] = 4;
        memcpy(ret_key->bytes + 1, &v4, sizeof v4);
    } else if (address != NULL && inet_pton(AF_INET6, address, &v6) == 1) {
        int is_mapped = IN6_IS_ADDR_V4MAPPED(&v6);
        ret_key->bytes[0] = is_mapped ? 4 : 6;
        memcpy(ret_key->bytes + 1, v6.s6_addr + (is_mapped ? 12 : 0), is_mapped ? sizeof v4 : PREFIX_BYTES);
    }
}

static size_t find(const struct va_limiter *limiter, const struct va_limiter_key *key)
{
    size_t i = 0;

    while (i < limiter->n && memcmp(&limiter->entry[i].key, key, sizeof *key) != 0)
        i++;
    return i;
}

static double spent(const struct va_limiter *limiter, size_t i, double refill_s, double now_s)
{
    double left = limiter->entry[i].spent - (now_s - limiter->entry[i].seen_s) / refill_s;

    return left > 0.0 ? left : 0.0;
}

int va_limiter_wait_s(const struct va_limiter *limiter, const struct va_limiter_key *key, int is_local, double now_s)
{
    double refill_s = is_local ? VA_LIMITER_LOCAL_REFILL_S : VA_LIMITER_REFILL_S;
    double tries = is_local ? VA_LIMITER_LOCAL_TRIES : VA_LIMITER_TRIES;
    size_t i = find(limiter, key);

    if (i == limiter->n)
        return 0;
    double over = spent(limiter, i, refill_s, now_s) - (tries - 1.0);
    return over > 0.0 ? (int)ceil(over * refill_s) : 0;
}

void va_limiter_count(struct va_limiter *limiter, const struct va_limiter_key *key, int is_local, double now_s)
{
    double refill_s = is_local ? VA_LIMITER_LOCAL_REFILL_S : VA_LIMITER_REFILL_S;
    size_t i = find(limiter, key);

    if (i == limiter->n && limiter->n < VA_LIMITER_MAX) {
        limiter->n++;
    } else if (i == limiter->n) {
        i = 0;
        for (size_t j = 1; j < limiter->n; j++)
            if (limiter->entry[j].seen_s < limiter->entry[i].seen_s)
                i = j;
    } else {
        limiter->entry[i].spent = spent(limiter, i, refill_s, now_s) + 1.0;
        limiter->entry[i].seen_s = now_s;
        return;
    }
    limiter->entry[i].key = *key;
    limiter->entry[i].spent = 1.0;
    limiter->entry[i].seen_s = now_s;
}
