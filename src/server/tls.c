#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "access/private_key.h"
#include "base/log.h"
#include "base/memory.h"

#define LOOK_AGAIN_S 10.0
/* What a client that does not read can make the library say (answers to key updates). */
#define MAX_OUTPUT_BYTES 131072
#define MAX_WRITE_BYTES 16384
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* What tells a file from the one that was read. */
struct stamp {
    struct timespec changed;
    ino_t inode;
    off_t size;
};

struct va_tls {
    char *certificate, *key, *client_ca;
    struct stamp stamps[3];
    struct stamp refused[3]; /* of files that could not be used, which is said once */
    SSL_CTX *context;
    double looked_s;
    _Atomic int renew;
};

struct va_tls_session {
    SSL *ssl;
    BIO *in, *out; /* of ssl */
};

static int fail_tls(va_error *error, int code, const char *what, const char *path)
{
    char text[160];

    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    ERR_clear_error();
    return va_fail(error, code, "%s %s: %s", what, path, text);
}

static struct stamp stamp_of(const char *path)
{
    struct stat st;

    if (path == NULL || stat(path, &st) < 0)
        return (struct stamp){0};
    return (struct stamp){st.st_mtim, st.st_ino, st.st_size};
}

static int is_same(const struct stamp a[3], const struct stamp b[3])
{
    int is_other = 0;

    for (int i = 0; i < 3; i++)
        is_other |= a[i].changed.tv_sec != b[i].changed.tv_sec || a[i].changed.tv_nsec != b[i].changed.tv_nsec ||
                    a[i].inode != b[i].inode || a[i].size != b[i].size;
    return !is_other;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_n, const unsigned char *offered, unsigned n,
                           void *user)
{
    static const unsigned char known[] = "\x02h2\x08http/1.1";
    unsigned char *name;
    (void)ssl;
    (void)user;

    if (SSL_select_next_proto(&name, ret_n, known, sizeof known - 1, offered, n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_name = name;
    return SSL_TLSEXT_ERR_OK;
}

static int load_client_ca(const va_tls *tls, SSL_CTX *context, va_error *error)
{
    struct stat st;

    if (tls->client_ca == NULL || (stat(tls->client_ca, &st) < 0 && errno == ENOENT))
        return 0;
    if (SSL_CTX_load_verify_file(context, tls->client_ca) != 1)
        return fail_tls(error, VA_EFORMAT, "cannot use the certificate authority", tls->client_ca);
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *ca = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)); /* NULL: a list of revoked ones */
        if (ca != NULL && SSL_CTX_add_client_CA(context, ca) != 1)
            return fail_tls(error, VA_EFORMAT, "cannot use the certificate authority", tls->client_ca);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, NULL);
    return 0;
}

static int use_key(SSL_CTX *context, const char *path)
{
    BIO *bio = BIO_new_file(path, "r");
    EVP_PKEY *key = bio != NULL ? va_private_key_read(bio) : NULL;
    int is_ok = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return is_ok;
}

static int load(const va_tls *tls, SSL_CTX **ret_context, va_error *error)
{
    static const unsigned char id[] = "voice-assistant";
    int r = VA_EFORMAT;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL)
        return va_fail_memory(error);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets do */
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (SSL_CTX_set_cipher_list(context, CIPHERS) != 1 || SSL_CTX_set_num_tickets(context, 1) != 1 ||
        SSL_CTX_set_session_id_context(context, id, sizeof id - 1) != 1) {
        fail_tls(error, r, "TLS cannot be set up", "");
        goto fail;
    }
    if (SSL_CTX_use_certificate_chain_file(context, tls->certificate) != 1) {
        fail_tls(error, r, "cannot use the certificate", tls->certificate);
        goto fail;
    }
    if (!use_key(context, tls->key)) {
        fail_tls(error, r, "cannot use the certificate's key", tls->key);
        goto fail;
    }
    if ((r = load_client_ca(tls, context, error)) < 0)
        goto fail;
    *ret_context = context;
    return 0;

fail:
    SSL_CTX_free(context);
    return r;
}

static void look(const va_tls *tls, struct stamp ret_stamps[3])
{
    ret_stamps[0] = stamp_of(tls->certificate);
    ret_stamps[1] = stamp_of(tls->key);
    ret_stamps[2] = stamp_of(tls->client_ca);
}

int va_tls_open(const struct va_tls_options *options, va_tls **ret_tls, va_error *error)
{
    int r = VA_ENOMEM;
    va_tls *tls = va_calloc(1, sizeof *tls);

    if (tls == NULL)
        return va_fail_memory(error);
    tls->certificate = va_strdup(options->certificate);
    tls->key = va_strdup(options->key);
    tls->client_ca = options->client_ca != NULL ? va_strdup(options->client_ca) : NULL;
    if (tls->certificate == NULL || tls->key == NULL || (options->client_ca != NULL && tls->client_ca == NULL)) {
        va_fail_memory(error);
        goto fail;
    }
    look(tls, tls->stamps);
    if ((r = load(tls, &tls->context, error)) < 0)
        goto fail;
    *ret_tls = tls;
    return 0;

fail:
    va_tls_free(tls);
    return r;
}

void va_tls_free(va_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    va_free(tls->certificate);
    va_free(tls->key);
    va_free(tls->client_ca);
    va_free(tls);
}

int va_tls_knows_name(void *user, const char *name)
{
    va_tls *tls = user;
    X509 *certificate = SSL_CTX_get0_certificate(tls->context);

    return X509_check_ip_asc(certificate, name, 0) == 1 || X509_check_host(certificate, name, 0, 0, NULL) == 1;
}

void va_tls_renew(va_tls *tls)
{
    atomic_store(&tls->renew, 1);
}

static void look_again(va_tls *tls, double now_s)
{
    struct stamp stamps[3];
    SSL_CTX *context;
    va_error error;

    if (!atomic_exchange(&tls->renew, 0) && now_s < tls->looked_s + LOOK_AGAIN_S)
        return;
    tls->looked_s = now_s;
    look(tls, stamps);
    if (is_same(stamps, tls->stamps))
        return;
    if (load(tls, &context, &error) < 0) {
        if (!is_same(stamps, tls->refused))
            va_log(VA_LOG_WARNING, "server", "%s; the old one stays", error.text);
        memcpy(tls->refused, stamps, sizeof stamps);
        return;
    }
    SSL_CTX_free(tls->context);
    tls->context = context;
    memcpy(tls->stamps, stamps, sizeof stamps);
    va_log(VA_LOG_INFO, "server", "the certificate has been read again");
}

/* ---- sessions ---- */

va_tls_session *va_tls_session_new(va_tls *tls, double now_s)
{
    va_tls_session *session = va_calloc(1, sizeof *session);

    if (session == NULL)
        return NULL;
    look_again(tls, now_s);
    session->ssl = SSL_new(tls->context);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (session->ssl == NULL || session->in == NULL || session->out == NULL) {
        SSL_free(session->ssl);
        BIO_free(session->in);
        BIO_free(session->out);
        va_free(session);
        return NULL;
    }
    SSL_set_bio(session->ssl, session->in, session->out);
    SSL_set_accept_state(session->ssl);
    return session;
}

void va_tls_session_free(va_tls_session *session)
{
    if (session == NULL)
        return;
    SSL_free(session->ssl);
    va_free(session);
}

int va_tls_session_feed(va_tls_session *session, const char *data, size_t n)
{
    return BIO_write(session->in, data, (int)n) == (int)n ? 0 : VA_ENOMEM;
}

/* What a call of the library that did not succeed means. */
static int judge(va_tls_session *session, int result)
{
    int code = SSL_get_error(session->ssl, result);

    ERR_clear_error();
    if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
        return BIO_pending(session->out) > MAX_OUTPUT_BYTES ? VA_EFORMAT : 0;
    return code == SSL_ERROR_ZERO_RETURN ? VA_ECANCELLED : VA_EFORMAT;
}

int va_tls_session_shake(va_tls_session *session)
{
    int r = SSL_do_handshake(session->ssl);
    return r == 1 ? 1 : judge(session, r) < 0 ? VA_EFORMAT : 0;
}

int va_tls_session_is_http2(const va_tls_session *session)
{
    const unsigned char *name;
    unsigned n;

    SSL_get0_alpn_selected(session->ssl, &name, &n);
    return n == 2 && memcmp(name, "h2", 2) == 0;
}

int va_tls_session_certificate(const va_tls_session *session, char ret_sha256[65])
{
    X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n;

    if (certificate == NULL || SSL_get_verify_result(session->ssl) != X509_V_OK || X509_digest(certificate, EVP_sha256(), digest, &n) != 1)
        return VA_ENOTFOUND;
    for (unsigned i = 0; i < n; i++)
        snprintf(ret_sha256 + 2 * i, 3, "%02x", digest[i]);
    return 0;
}

int va_tls_session_read(va_tls_session *session, char *ret_data, size_t capacity)
{
    int n = SSL_read(session->ssl, ret_data, (int)capacity);
    return n > 0 ? n : judge(session, n);
}

int va_tls_session_write(va_tls_session *session, const char *data, size_t n)
{
    int written = SSL_write(session->ssl, data, n < MAX_WRITE_BYTES ? (int)n : MAX_WRITE_BYTES);
    return written > 0 ? written : judge(session, written) < 0 ? VA_EFORMAT : 0;
}

void va_tls_session_end(va_tls_session *session)
{
    if (SSL_is_init_finished(session->ssl))
        (void)SSL_shutdown(session->ssl);
    ERR_clear_error();
}

const char *va_tls_session_output(va_tls_session *session, size_t *ret_n)
{
    char *data;
    long n = BIO_get_mem_data(session->out, &data);

    *ret_n = n > 0 ? (size_t)n : 0;
    return data;
}

void va_tls_session_sent(va_tls_session *session, size_t n)
{
    char waste[4096];

    while (n > 0) {
        int taken = BIO_read(session->out, waste, n < sizeof waste ? (int)n : (int)sizeof waste);
        if (taken <= 0)
            return;
        n -= (size_t)taken;
    }
}
