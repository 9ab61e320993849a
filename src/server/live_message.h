/* live_message.h - what a client may say in text on the live WebSocket: docs/live.md. */
#ifndef VA_SERVER_LIVE_MESSAGE_H
#define VA_SERVER_LIVE_MESSAGE_H

#include "audio/push_decoder.h"

#define VA_LIVE_LANGUAGE_BYTES 33
#define VA_LIVE_MAX_MESSAGE_BYTES 65536 /* audio, too */

enum va_live_message_kind { VA_LIVE_START, VA_LIVE_STOP, VA_LIVE_CANCEL };

struct va_live_message {
    enum va_live_message_kind kind;
    struct va_push_options audio;          /* of START, as all below */
    char language[VA_LIVE_LANGUAGE_BYTES]; /* "": the option's */
    int commands, execute, partials, endpoint;
};

/* What holds where START says nothing. */
void va_live_message_init(struct va_live_message *message);

/* text [n] need not end with a NUL. VA_EFORMAT, VA_EINVAL. */
VA_MUST_CHECK int va_live_message_parse(const char *text, size_t n, struct va_live_message *ret_message, va_error *error);

/* START from query parameters: get gives the value of a key as va_request_query does. Returns 1 when there are any, 0, or VA_EINVAL. */
VA_MUST_CHECK int va_live_message_query(int (*get)(const void *user, const char *key, char *ret_value, size_t capacity), const void *user,
                                        struct va_live_message *ret_message, va_error *error);

#endif
