/* serve_access.h - what serve needs before it lets others in. */
#ifndef VA_DAEMON_SERVE_ACCESS_H
#define VA_DAEMON_SERVE_ACCESS_H

#include "access/access.h"
#include "config/config.h"
#include "server/api.h"

/* Tells the API where tokens are kept and how other devices reach this machine. All of it must outlive the api. */
void va_serve_access_api(const va_config *config, const char *folder, va_access *access, va_api *api);

/* Makes the CA and the machine's certificate where they are missing or at their end, and opens the tokens. folder: of data. */
VA_MUST_CHECK int va_serve_access_open(const va_config *config, const char *folder, va_access **ret_access, va_error *error);

/* The certificate anew when it is time, or when names have changed. What goes wrong is logged. */
void va_serve_access_renew(const va_config *config, const char *folder);

#endif
