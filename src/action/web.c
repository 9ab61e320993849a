#include "action/web.h"

#include <poll.h>
#include <string.h>

#include "action/curl_library.h"
#include "base/broken_pipe.h"
#include "base/buffer.h"

#define MAX_REDIRECTS 5L
#define MAX_HEADER_BYTES 65536

struct transfer {
    const struct va_web_request *request;
    struct va_buffer body;
    size_t header_bytes;
    int error; /* why our functions ended it */
};

int va_web_check_url(const char *url, va_error *error)
{
    const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;

    if (host == NULL)
        return va_fail(error, VA_EINVAL, "the URL must begin with http:// or https://, not \"%.100s\"", url);
    size_t n = strcspn(host, "/?#");
    if (n == 0 || memchr(host, '{', n) != NULL || memchr(host, '@', n) != NULL)
        return va_fail(error, VA_EINVAL, "the URL needs a host, without slots and passwords in it: \"%.100s\"", url);
    for (; *url != '\0'; url++)
        if ((unsigned char)*url <= 0x20 || *url == 0x7f)
            return va_fail(error, VA_EINVAL, "the URL holds blanks or control characters");
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;

    transfer->error = va_buffer_append(&transfer->body, bytes, size * n);
    return transfer->error == 0 ? size * n : 0;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *transfer = user;

    transfer->header_bytes += size * n;
    if (transfer->header_bytes > MAX_HEADER_BYTES)
        transfer->error = VA_ELIMIT;
    return transfer->error == 0 ? size * n : 0;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *transfer = user;
    struct pollfd cancel = {.fd = transfer->request->cancel_fd, .events = POLLIN};

    if (cancel.fd >= 0 && poll(&cancel, 1, 0) > 0)
        transfer->error = VA_ECANCELLED;
    return transfer->error != 0;
}

static CURLcode set_options(const struct va_curl *curl, CURL *handle, struct transfer *transfer, struct curl_slist *headers, char *why)
{
    const struct va_web_request *request = transfer->request;
    const char *redirects = strncmp(request->url, "https:", 6) == 0 ? "https" : "http,https";

    curl->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L); /* the end does not wait for a name server that is slow */
    curl->easy_setopt(handle, CURLOPT_ERRORBUFFER, why);
    curl->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, redirects);
    curl->easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl->easy_setopt(handle, CURLOPT_MAXREDIRS, MAX_REDIRECTS);
    curl->easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    curl->easy_setopt(handle, CURLOPT_PROXY, ""); /* straight to the host, whatever the environment says */
    curl->easy_setopt(handle, CURLOPT_USERAGENT, "voice-assistant");
    curl->easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)(request->timeout_s * 1000) + 1);
    curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
    curl->easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl->easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
    curl->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl->easy_setopt(handle, CURLOPT_XFERINFODATA, transfer);
    curl->easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl->easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl->easy_setopt(handle, CURLOPT_URL, request->url);
    if (code == CURLE_OK && request->body != NULL)
        code = curl->easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body));
    if (code == CURLE_OK && request->body != NULL)
        code = curl->easy_setopt(handle, CURLOPT_POSTFIELDS, request->body);
    if (strcmp(request->method, "HEAD") == 0)
        curl->easy_setopt(handle, CURLOPT_NOBODY, 1L);
    else if (code == CURLE_OK)
        code = curl->easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
    if (code == CURLE_OK && request->ca_file != NULL)
        code = curl->easy_setopt(handle, CURLOPT_CAINFO, request->ca_file);
    if (code == CURLE_OK && request->token != NULL) {
        curl->easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        code = curl->easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, request->token);
    } else if (code == CURLE_OK && request->user_password != NULL) {
        curl->easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        code = curl->easy_setopt(handle, CURLOPT_USERPWD, request->user_password);
    }
    return code;
}

/* The host alone: a path or query may hold what was said. */
static int fail_transfer(const struct va_curl *curl, const struct transfer *transfer, CURLcode code, const char *why, va_error *error)
{
    const char *url = transfer->request->url, *host = strstr(url, "//");
    int n = (int)(host - url + 2 + (ptrdiff_t)strcspn(host + 2, "/?#"));

    if (transfer->error == VA_ELIMIT)
        return va_fail(error, VA_ELIMIT, "the answer of %.*s is larger than %zu bytes", n, url, transfer->request->max_bytes);
    if (transfer->error < 0)
        return va_fail(error, transfer->error, "the request to %.*s: %s", n, url, va_status_text(transfer->error));
    if (code == CURLE_OUT_OF_MEMORY)
        return va_fail_memory(error);
    if (code == CURLE_URL_MALFORMAT)
        return va_fail(error, VA_EINVAL, "the request to %.*s: %s", n, url, why[0] != '\0' ? why : curl->easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return va_fail(error, VA_ETIMEOUT, "%.*s did not answer within %.10g s", n, url, transfer->request->timeout_s);
    return va_fail(error, VA_EFAILED, "the request to %.*s: %s", n, url, why[0] != '\0' ? why : curl->easy_strerror(code));
}

/* NULL when out of memory. "Expect:" is sent by no one: a server that does not know it would cost a second. */
static struct curl_slist *make_headers(const struct va_curl *curl, const struct va_web_request *request)
{
    struct curl_slist *headers = curl->slist_append(NULL, "Expect:");

    for (size_t i = 0; headers != NULL && i < request->n_headers; i++) {
        struct curl_slist *more = curl->slist_append(headers, request->headers[i]);
        if (more == NULL)
            curl->slist_free_all(headers);
        headers = more;
    }
    return headers;
}

int va_web_call(const struct va_web_request *request, struct va_web_answer *ret_answer, va_error *error)
{
    const struct va_curl *curl;
    struct transfer transfer = {.request = request};
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    int r = va_web_check_url(request->url, error);

    if (r < 0 || (r = va_curl_load(&curl, error)) < 0)
        return r;
    CURL *handle = curl->easy_init();
    struct curl_slist *headers = make_headers(curl, request);
    va_buffer_init(&transfer.body, request->max_bytes);
    r = handle == NULL || headers == NULL ? va_fail_memory(error) : va_buffer_append_string(&transfer.body, "");
    if (r == 0) {
        struct va_broken_pipe before;
        CURLcode code = set_options(curl, handle, &transfer, headers, why);
        va_broken_pipe_block(&before);
        if (code == CURLE_OK)
            code = curl->easy_perform(handle);
        va_broken_pipe_restore(&before);
        curl->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
        r = code == CURLE_OK ? 0 : fail_transfer(curl, &transfer, code, why, error);
    }
    curl->slist_free_all(headers);
    curl->easy_cleanup(handle);
    size_t size = transfer.body.size;
    char *body = r == 0 ? va_buffer_take(&transfer.body) : NULL;
    va_buffer_free(&transfer.body);
    if (r == 0 && body == NULL)
        r = va_fail_memory(error);
    if (r == 0)
        *ret_answer = (struct va_web_answer){(int)status, body, size};
    return r;
}
