/* settings_request.h - the body of PATCH /api/v1/settings: {"section.key": value}. */
#ifndef VA_SERVER_SETTINGS_REQUEST_H
#define VA_SERVER_SETTINGS_REQUEST_H

#include "config/settings.h"
#include "server/members.h"

#define VA_SETTINGS_MAX 256 /* in one request */

struct va_settings_request {
    struct va_setting settings[VA_SETTINGS_MAX]; /* [n] */
    size_t n;
    char numbers[VA_SETTINGS_MAX][VA_MEMBER_NUMBER_BYTES];
    json_t *document; /* owns the texts */
};

/* VA_EFORMAT: no JSON object. VA_EINVAL: an empty one, an option that is not there, a wrong value. VA_EDENIED: a locked option. Clear it
 * after success. */
VA_MUST_CHECK int va_settings_request_read(const char *body, size_t n, struct va_settings_request *ret_request, va_error *error);
void va_settings_request_clear(struct va_settings_request *request);

#endif
