#include "daemon/serve_access.h"

#include <string.h>

#include "access/certificate.h"
#include "access/pairing.h"
#include "base/log.h"
#include "base/tcp.h"
#include "daemon/access_command.h"

static int prepare(const va_config *config, const char *folder, va_error *error)
{
    struct va_server_names names;
    int r = va_server_names_split(config->server_names, &names, error);

    return r < 0 ? r : va_certificate_prepare(folder, names.name, names.n, error);
}

int va_serve_access_open(const va_config *config, const char *folder, va_access **ret_access, va_error *error)
{
    const struct va_access_options options = {.folder = folder, .local_open = strcmp(config->access_local, "open") == 0};
    int r = prepare(config, folder, error);

    return r < 0 ? r : va_access_open(&options, ret_access, error);
}

void va_serve_access_renew(const va_config *config, const char *folder)
{
    va_error error;

    if (prepare(config, folder, &error) < 0)
        va_log(VA_LOG_ERROR, "daemon", "the certificate was not made anew: %s", error.text);
}

void va_serve_access_api(const va_config *config, const char *folder, va_access *access, va_api *api)
{
    struct va_api_site site = {.access = access, .folder = folder};
    struct va_server_names names;

    if (va_server_names_split(config->server_names, &names, NULL) < 0)
        names.n = 0;
    va_certificate_host(names.name, names.n, site.host);
    if (va_tcp_check(config->server_tls_listen, &site.is_local, NULL) < 0)
        site.is_local = 0;
    /* They would be sent on to where nobody answers them. */
    int is_loopback;
    if (site.is_local && va_tcp_check(config->server_listen, &is_loopback, NULL) == 0 && !is_loopback)
        va_log(VA_LOG_WARNING, "daemon", "%s", VA_ACCESS_LOCAL_HINT);
    va_api_set_site(api, &site);
}
