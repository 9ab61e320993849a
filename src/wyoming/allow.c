#include "wyoming/allow.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void from_v4(const struct in_addr *from, uint8_t ret_address[16])
{
    memcpy(ret_address, mapped, sizeof mapped);
    memcpy(ret_address + sizeof mapped, from, 4);
}

static int parse_one(const char *option, char *text, struct va_wyoming_allow *allow, va_error *error)
{
    char *slash = strchr(text, '/'), *end = NULL;
    struct in6_addr v6;
    struct in_addr v4;
    int is_v4;
    long bits;

    if (allow->n == VA_WYOMING_ALLOW_MAX)
        return va_fail(error, VA_ELIMIT, "%s: more than %d addresses", option, VA_WYOMING_ALLOW_MAX);
    if (slash != NULL)
        *slash++ = '\0';
    is_v4 = inet_pton(AF_INET, text, &v4) == 1;
    if (!is_v4 && inet_pton(AF_INET6, text, &v6) != 1)
        return va_fail(error, VA_EINVAL, "%s: '%.60s' is no address", option, text);
    bits = is_v4 ? 32 : 128;
    if (slash != NULL) {
        long all = bits;
        bits = strtol(slash, &end, 10);
        if (slash[0] < '0' || slash[0] > '9' || *end != '\0' || bits > all)
            return va_fail(error, VA_EINVAL, "%s: '/%.20s' behind an address is not 0 to %ld", option, slash, all);
    }
    if (is_v4)
        from_v4(&v4, allow->list[allow->n].address);
    else
        memcpy(allow->list[allow->n].address, &v6, 16);
    allow->list[allow->n++].bits = (int)bits + (is_v4 ? 96 : 0);
    return 0;
}

int va_wyoming_allow_parse(const char *option, const char *text, struct va_wyoming_allow *ret_allow, va_error *error)
{
    struct va_wyoming_allow allow = {.n = 0};

    while (*(text += strspn(text, ", \t")) != '\0') {
        char one[80];
        size_t n = strcspn(text, ", \t");
        if (n >= sizeof one)
            return va_fail(error, VA_EINVAL, "%s: '%.60s' is no address", option, text);
        memcpy(one, text, n);
        one[n] = '\0';
        text += n;
        int r = parse_one(option, one, &allow, error);
        if (r < 0)
            return r;
    }
    *ret_allow = allow;
    return 0;
}

static int is_within(const uint8_t *address, const uint8_t *network, int bits)
{
    if (memcmp(address, network, (size_t)bits / 8) != 0)
        return 0;
    return bits % 8 == 0 || (address[bits / 8] ^ network[bits / 8]) >> (8 - bits % 8) == 0;
}

int va_wyoming_allows(const struct va_wyoming_allow *allow, const struct sockaddr *address)
{
    static const uint8_t loopback_v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127}, loopback_v6[16] = {[15] = 1};
    uint8_t bytes[16];

    if (address->sa_family == AF_INET)
        from_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, bytes);
    else if (address->sa_family == AF_INET6)
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    else
        return 0;
    if (is_within(bytes, loopback_v4, 104) || is_within(bytes, loopback_v6, 128))
        return 1;
    for (size_t i = 0; i < allow->n; i++)
        if (is_within(bytes, allow->list[i].address, allow->list[i].bits))
            return 1;
    return 0;
}
