/* serve_tls.h - the endpoint with TLS. */
#ifndef VA_DAEMON_SERVE_TLS_H
#define VA_DAEMON_SERVE_TLS_H

#include "config/config.h"
#include "server/server.h"

struct va_serve_tls {
    char *certificate, *key, *ca; /* paths */
};

/* Adds it to options behind endpoints [n_endpoints], of which the first lends its routes, when server.tls is on. folder: of data, where
 * the certificates are. tls must outlive the start of the server. */
VA_MUST_CHECK int va_serve_tls_open(struct va_serve_tls *tls, const va_config *config, const char *folder,
                                    struct va_server_options *options, struct va_endpoint *endpoints, va_error *error);
void va_serve_tls_close(struct va_serve_tls *tls);

/* Lets this process open files for so many connections, as far as the system allows. */
void va_serve_raise_files(int n_connections);

#endif
