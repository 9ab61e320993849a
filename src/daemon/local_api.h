/* local_api.h - where the API of a program that serves on this machine is. */
#ifndef VA_DAEMON_LOCAL_API_H
#define VA_DAEMON_LOCAL_API_H

#include "config/config.h"

#define VA_LOCAL_API_BYTES 96

/* The address that the configuration says. Returns 0 when nothing listens there. */
int va_local_api_find(const va_config *config, char ret_url[VA_LOCAL_API_BYTES]);

#endif
