/* means.c - the means of the real machine: programs, HTTP, TLS, sockets. */
#include "audit/scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "action/web.h"
#include "audit/parse.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/memory.h"

#define RUN_TIMEOUT_MS 60000.0
#define GET_TIMEOUT_S 10
#define PROBE_TIMEOUT_S 5
#define MAX_ARGUMENTS 16

/* ---- programs ---- */

/* Until its output ends. */
static int read_output(const struct va_child *child, struct va_buffer *out, va_error *error)
{
    double end_ms = va_clock_ms() + RUN_TIMEOUT_MS;
    char part[4096];

    for (;;) {
        struct pollfd wait = {.fd = child->output, .events = POLLIN};
        double left_ms = end_ms - va_clock_ms();
        if (left_ms <= 0 || (poll(&wait, 1, (int)left_ms) < 0 && errno != EINTR))
            return va_fail(error, VA_ETIMEOUT, "it took longer than %.0f s", RUN_TIMEOUT_MS / 1000);
        ssize_t n = read(child->output, part, sizeof part);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return 0;
        int r = va_buffer_append(out, part, (size_t)n);
        if (r < 0)
            return va_fail(error, r, "it printed more than %zu bytes", out->max);
    }
}

/* It has ended, or closed its output: what is left of it has a moment to end by itself, so that its exit code is its own. */
static int run(void *user, const char *const *argv, struct va_buffer *out, int *ret_exit, va_error *error)
{
    struct va_child_options options = {.executable = argv[0], .arguments = argv + 1, .input = -1};
    struct va_child child;
    char path[VA_CHILD_PATH_BYTES];

    while (argv[options.n_arguments + 1] != NULL && options.n_arguments < MAX_ARGUMENTS)
        options.n_arguments++;
    int r = va_child_find(argv[0], path, error);
    if (r < 0 || (r = va_child_start(&options, &child, error)) < 0)
        return r;
    r = read_output(&child, out, error);
    struct pollfd wait = {.fd = child.fd, .events = POLLIN};
    if (r == 0 && poll(&wait, 1, 5000) == 0)
        r = va_fail(error, VA_ETIMEOUT, "%s does not end", argv[0]);
    *ret_exit = va_child_finish(&child);
    return r;
}

/* ---- HTTP ---- */

static int get(void *user, const char *url, const char *ca_file, const char *token, struct va_buffer *out, int *ret_status, va_error *error)
{
    const struct va_web_request request = {.method = "GET",
                                           .url = url,
                                           .ca_file = ca_file,
                                           .token = token,
                                           .timeout_s = GET_TIMEOUT_S,
                                           .max_bytes = VA_SCENE_MAX_OUTPUT_BYTES,
                                           .cancel_fd = -1};
    struct va_web_answer answer;
    int r = va_web_call(&request, &answer, error);

    if (r < 0)
        return r;
    r = va_buffer_append(out, answer.body, answer.size);
    *ret_status = answer.status;
    va_free(answer.body);
    return r < 0 ? va_fail(error, r, "the answer is too large") : 0;
}

/* ---- TLS ---- */

static int dial(const char *address, int port, va_error *error)
{
    struct sockaddr_in ip4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    const struct timeval limit = {.tv_sec = PROBE_TIMEOUT_S};
    int is_ip6 = inet_pton(AF_INET6, address, &ip6.sin6_addr) == 1;

    if (is_ip6 && IN6_IS_ADDR_UNSPECIFIED(&ip6.sin6_addr))
        ip6.sin6_addr = in6addr_loopback;
    if (!is_ip6 && (inet_pton(AF_INET, address, &ip4.sin_addr) != 1 || ip4.sin_addr.s_addr == htonl(INADDR_ANY)))
        ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(is_ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return va_fail_errno(error, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if ((is_ip6 ? connect(fd, (const struct sockaddr *)&ip6, sizeof ip6) : connect(fd, (const struct sockaddr *)&ip4, sizeof ip4)) < 0) {
        int r = va_fail_errno(error, "port %d", port);
        close(fd);
        return r;
    }
    return fd;
}

static int64_t unix_s_of(const ASN1_TIME *time)
{
    struct tm tm;

    return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* One handshake; nothing is believed, so nothing is verified. max: 0 for the newest. */
static int shake(const char *address, int port, int max, struct va_tls_facts *ret_facts, va_error *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *tls = context != NULL ? SSL_new(context) : NULL;
    int fd = tls != NULL ? dial(address, port, error) : va_fail_memory(error), r = fd < 0 ? fd : 0;

    if (r == 0) {
        SSL_set_security_level(tls, 0); /* or the library itself would refuse what the server must */
        SSL_set_min_proto_version(tls, TLS1_VERSION);
        SSL_set_max_proto_version(tls, max);
        SSL_set_cipher_list(tls, "ALL:@SECLEVEL=0");
        SSL_set_fd(tls, fd);
        if (SSL_connect(tls) != 1)
            r = va_fail(error, VA_EFAILED, "port %d does not agree on TLS", port);
    }
    if (r == 0) {
        X509 *certificate = SSL_get1_peer_certificate(tls);
        snprintf(ret_facts->version, sizeof ret_facts->version, "%s", SSL_get_version(tls));
        ret_facts->begins_unix_s = certificate != NULL ? unix_s_of(X509_get0_notBefore(certificate)) : 0;
        ret_facts->ends_unix_s = certificate != NULL ? unix_s_of(X509_get0_notAfter(certificate)) : 0;
        X509_free(certificate);
    }
    ERR_clear_error();
    SSL_free(tls);
    SSL_CTX_free(context);
    if (fd >= 0)
        close(fd);
    return r;
}

static int probe_tls(void *user, const char *address, int port, struct va_tls_facts *ret_facts, va_error *error)
{
    struct va_tls_facts facts = {.takes_old = 0}, old;
    int r = shake(address, port, 0, &facts, error);

    if (r < 0)
        return r;
    facts.takes_old = shake(address, port, TLS1_1_VERSION, &old, NULL) == 0;
    *ret_facts = facts;
    return 0;
}

/* ---- sockets ---- */

static int knock(void *user, const char *path, va_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return va_fail(error, VA_ELIMIT, "the path %.80s... is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int r = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof address);
    if (r < 0 && errno == EPROTOTYPE) {
        close(fd);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        r = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&address, sizeof address);
    }
    if (r < 0)
        r = va_fail_errno(error, "%s", path);
    if (fd >= 0)
        close(fd);
    return r;
}

const struct va_scene_means va_scene_real_means = {.run = run, .get = get, .probe_tls = probe_tls, .knock = knock};
