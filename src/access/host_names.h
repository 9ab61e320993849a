/* host_names.h - the names and addresses under which this machine is reached; inside src/access only. Any thread. */
#ifndef VA_ACCESS_HOST_NAMES_H
#define VA_ACCESS_HOST_NAMES_H

#include "access/certificate.h"

#define VA_HOST_NAME_BYTES 256

struct va_host_names {
    char name[VA_CERTIFICATE_MAX_NAMES][VA_HOST_NAME_BYTES]; /* [n], sorted; canonical: two that differ are two */
    size_t n;
};

int va_host_is_address(const char *name);
int va_host_is_name(const char *name); /* a DNS name without wildcards */

/* Its name without a domain; "localhost" when it has none that can stand in a certificate. */
void va_host_own(char ret_name[VA_HOST_NAME_BYTES]);

/* Those of the machine that may(user, name) let through. */
void va_host_names_gather(struct va_host_names *names, int (*may)(void *user, const char *name), void *user);

/* Sorted in; one that is there already stays. VA_ELIMIT. */
VA_MUST_CHECK int va_host_names_add(struct va_host_names *names, const char *name);

#endif
