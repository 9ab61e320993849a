/* name_server.h - a stand-in for getaddrinfo, also of the libraries: no name is found, and finding that out takes a second. */
#ifndef VA_TESTS_DOUBLES_NAME_SERVER_H
#define VA_TESTS_DOUBLES_NAME_SERVER_H

#include <stdatomic.h>

struct name_server_double {
    _Atomic int n_asked, is_asked; /* so often; just now */
    _Atomic int must_hold;         /* it does not answer while this is set; after 20 s it does, before the test would hang */
};
extern struct name_server_double name_server;

#endif
