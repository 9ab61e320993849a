/* tls.h - TLS over bytes in memory: knows no socket. Server thread only, but for va_tls_renew. */
#ifndef VA_SERVER_TLS_H
#define VA_SERVER_TLS_H

#include "base/error.h"

typedef struct va_tls va_tls;
typedef struct va_tls_session va_tls_session;

struct va_tls_options {
    const char *certificate, *key; /* PEM files; the first may hold a chain */
    const char *client_ca;         /* PEM file: clients may show a certificate that it has signed; NULL or missing: they may not */
};

VA_MUST_CHECK int va_tls_open(const struct va_tls_options *options, va_tls **ret_tls, va_error *error);
void va_tls_free(va_tls *tls); /* sessions live on */

/* Is the certificate for that name or address? */
int va_tls_knows_name(void *tls, const char *name);

/* The files are looked at before the next session; without it, only some seconds after the last look. What has changed is taken for new
 * sessions; what is damaged is logged, and the old one stays. Any thread. */
void va_tls_renew(va_tls *tls);

/* NULL when out of memory. */
va_tls_session *va_tls_session_new(va_tls *tls, double now_s);
void va_tls_session_free(va_tls_session *session);

/* Bytes from the client. VA_ENOMEM. */
VA_MUST_CHECK int va_tls_session_feed(va_tls_session *session, const char *data, size_t n);

/* Goes on with the handshake: 1 when it is done, 0 when more bytes are needed, VA_EFORMAT when it has failed. */
int va_tls_session_shake(va_tls_session *session);
int va_tls_session_is_http2(const va_tls_session *session);
int va_tls_session_certificate(const va_tls_session *session, char ret_sha256[65]); /* 0, or VA_ENOTFOUND: the client showed none */

/* Bytes for the connection: how many, 0 for none yet, VA_EFORMAT when the stream is damaged, VA_ECANCELLED when the client has ended it. */
int va_tls_session_read(va_tls_session *session, char *ret_data, size_t capacity);

/* Takes up to n bytes of the connection: how many, or VA_EFORMAT. Call with an empty output only. */
int va_tls_session_write(va_tls_session *session, const char *data, size_t n);
void va_tls_session_end(va_tls_session *session); /* says that nothing more comes */

/* Bytes to the client. */
const char *va_tls_session_output(va_tls_session *session, size_t *ret_n);
void va_tls_session_sent(va_tls_session *session, size_t n);

#endif
