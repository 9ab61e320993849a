#include "access/host_names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int va_host_is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

int va_host_is_name(const char *name)
{
    size_t n = strlen(name), label = 0;

    if (n == 0 || n > 253)
        return 0;
    for (size_t i = 0; i <= n; i++) {
        if (name[i] == '.' || name[i] == '\0') {
            if (label == 0 || label > 63 || name[i - 1] == '-')
                return 0;
            label = 0;
        } else if (isalnum((unsigned char)name[i]) || (name[i] == '-' && label > 0)) {
            label++;
        } else {
            return 0;
        }
    }
    return !isdigit((unsigned char)name[n - 1]) || strchr(name, '.') == NULL; /* the last label of a damaged address */
}

/* As a certificate's names are read back: small letters, an IPv6 address at its shortest. */
static int make_canonical(const char *name, char ret_canonical[VA_HOST_NAME_BYTES])
{
    struct in6_addr v6;
    size_t n = strlen(name);

    if (inet_pton(AF_INET6, name, &v6) == 1)
        return inet_ntop(AF_INET6, &v6, ret_canonical, VA_HOST_NAME_BYTES) == NULL ? VA_ELIMIT : 0;
    if (n >= VA_HOST_NAME_BYTES)
        return VA_ELIMIT;
    for (size_t i = 0; i <= n; i++)
        ret_canonical[i] = (char)tolower((unsigned char)name[i]);
    return 0;
}

int va_host_names_add(struct va_host_names *names, const char *name)
{
    char canonical[VA_HOST_NAME_BYTES];
    size_t at = 0;

    if (make_canonical(name, canonical) < 0)
        return VA_ELIMIT;
    while (at < names->n && strcmp(names->name[at], canonical) < 0)
        at++;
    if (at < names->n && strcmp(names->name[at], canonical) == 0)
        return 0;
    if (names->n == VA_CERTIFICATE_MAX_NAMES)
        return VA_ELIMIT;
    memmove(names->name[at + 1], names->name[at], (names->n++ - at) * sizeof names->name[0]);
    memcpy(names->name[at], canonical, strlen(canonical) + 1);
    return 0;
}

/* The machine has as many as it has: those beyond the limit are left out. */
static void add_own(struct va_host_names *names, const char *name, int (*may)(void *user, const char *name), void *user)
{
    int r = 0;

    if ((va_host_is_name(name) || va_host_is_address(name)) && may(user, name))
        r = va_host_names_add(names, name);
    (void)r;
}

static void read_own(char ret_name[VA_HOST_NAME_BYTES])
{
    if (gethostname(ret_name, VA_HOST_NAME_BYTES) < 0)
        ret_name[0] = '\0';
    ret_name[VA_HOST_NAME_BYTES - 1] = '\0';
}

void va_host_own(char ret_name[VA_HOST_NAME_BYTES])
{
    read_own(ret_name);
    ret_name[strcspn(ret_name, ".")] = '\0';
    if (!va_host_is_name(ret_name))
        snprintf(ret_name, VA_HOST_NAME_BYTES, "localhost");
}

static void add_interfaces(struct va_host_names *names, int (*may)(void *user, const char *name), void *user)
{
    struct ifaddrs *all = NULL;
    char text[INET6_ADDRSTRLEN];

    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        if (one->ifa_addr == NULL || !(one->ifa_flags & IFF_UP))
            continue;
        if (one->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in v4;
            memcpy(&v4, one->ifa_addr, sizeof v4);
            if (inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text) != NULL)
                add_own(names, text, may, user);
        } else if (one->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 v6;
            memcpy(&v6, one->ifa_addr, sizeof v6);
            /* Link-local ones need a zone, which no certificate has. */
            if (!IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) && inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text) != NULL)
                add_own(names, text, may, user);
        }
    }
    freeifaddrs(all);
}

void va_host_names_gather(struct va_host_names *names, int (*may)(void *user, const char *name), void *user)
{
    char own[VA_HOST_NAME_BYTES], local[VA_HOST_NAME_BYTES + 8];

    read_own(own);
    add_own(names, own, may, user);
    va_host_own(own);
    add_own(names, own, may, user);
    if (strcmp(own, "localhost") != 0) {
        snprintf(local, sizeof local, "%s.local", own);
        add_own(names, local, may, user);
    }
    add_own(names, "localhost", may, user);
    add_own(names, "127.0.0.1", may, user);
    add_own(names, "::1", may, user);
    add_interfaces(names, may, user);
}
