/* serve.h - the helper's side of the socket. One request a connection, one connection at a time, no heap, no threads. */
#ifndef VA_HELPER_SERVE_H
#define VA_HELPER_SERVE_H

#include <sys/types.h>

#include "helper/verbs.h"

struct va_helper_server {
    struct va_helper_place place;
    int socket;  /* a SOCK_SEQPACKET that listens */
    uid_t user;  /* who may ask, besides root */
    int idle_ms; /* without a connection, until it returns */
};

/* VA_EINVAL: fd is no such socket. */
VA_MUST_CHECK int va_helper_check_socket(int fd, va_error *error);

/* The number of a user in root's /etc/passwd. VA_ENOTFOUND. */
VA_MUST_CHECK int va_helper_find_user(const char *root, const char *name, uid_t *ret_user);

/* Serves until nobody has asked for idle_ms, which is 0, or VA_EIO. */
VA_MUST_CHECK int va_helper_serve(const struct va_helper_server *server, va_error *error);

#endif
