#include "doubles/name_server.h"

#include <netdb.h>
#include <unistd.h>

struct name_server_double name_server;

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                                                       struct addrinfo **ret_addresses)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)ret_addresses;
    name_server.n_asked++;
    name_server.is_asked = 1;
    sleep(1);
    for (int i = 0; i < 20000 && name_server.must_hold; i++)
        usleep(1000);
    name_server.is_asked = 0;
    return EAI_AGAIN;
}
