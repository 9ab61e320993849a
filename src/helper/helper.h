/* helper.h - what root's permission is needed for: done by this process where its user may, else asked of the helper.
 *
 * The helper is a program of its own (voice-assistant-helper), started by the system manager when somebody connects to its socket. It
 * does what the verbs of message.h say, and nothing else. Any thread. */
#ifndef VA_HELPER_H
#define VA_HELPER_H

#include "base/error.h"

#define VA_HELPER_SOCKET "/run/voice-assistant/helper.sock" /* below root */

/* Asks the helper. The format gives a request as in message.h, such as "governor %s". VA_ESTATE: no helper listens at the socket.
 * VA_ETIMEOUT: it does not answer. VA_EFORMAT: there is no such request. What the helper says, otherwise. */
VA_MUST_CHECK int va_helper_ask(const char *root, va_error *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, but only when this user may not do it. VA_EDENIED: and there is no helper; the error says which file it is about. Verbs for
 * cameras are not done here. */
VA_MUST_CHECK int va_helper_do(const char *root, va_error *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Whether va_helper_do could do it, without doing it. VA_ENOTFOUND, VA_EDENIED. */
VA_MUST_CHECK int va_helper_can(const char *root, va_error *error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
