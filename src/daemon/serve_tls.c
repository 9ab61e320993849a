#include "daemon/serve_tls.h"

#include <sys/resource.h>

#include "access/certificate.h"
#include "base/memory.h"

/* Models, devices, programs, uploads: all that is no connection. */
#define OTHER_FILES 256

int va_serve_tls_open(struct va_serve_tls *tls, const va_config *config, const char *folder, struct va_server_options *options,
                      struct va_endpoint *endpoints, va_error *error)
{
    int is_own = config->server_certificate[0] != '\0';

    if (!config->server_tls)
        return 0;
    if (is_own != (config->server_key[0] != '\0'))
        return va_fail(error, VA_EINVAL, "server.certificate and server.key belong together");
    tls->certificate = is_own ? va_strdup(config->server_certificate) : va_asprintf("%s/tls/%s", folder, VA_CERTIFICATE_SERVER);
    tls->key = is_own ? va_strdup(config->server_key) : va_asprintf("%s/tls/%s", folder, VA_CERTIFICATE_SERVER_KEY);
    tls->ca = va_asprintf("%s/tls/%s", folder, VA_CERTIFICATE_CA);
    if (tls->certificate == NULL || tls->key == NULL || tls->ca == NULL)
        return va_fail_memory(error);
    options->tls = (struct va_tls_options){.certificate = tls->certificate, .key = tls->key, .client_ca = tls->ca};
    struct va_endpoint *endpoint = &endpoints[options->n_endpoints++];
    *endpoint = endpoints[0];
    endpoint->listen = config->server_tls_listen;
    endpoint->port = (int)config->server_tls_port;
    endpoint->is_tls = 1;
    return 0;
}

void va_serve_tls_close(struct va_serve_tls *tls)
{
    va_free(tls->certificate);
    va_free(tls->key);
    va_free(tls->ca);
}

void va_serve_raise_files(int n_connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)n_connections + OTHER_FILES;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}
