#include "server/answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/metrics.h"

#define STRICTEST_POLICY "default-src 'none'; frame-ancestors 'none'"

void va_answer_of(const va_request *request, struct va_answer *ret_answer)
{
    size_t n;

    (void)va_request_reply_body(request, &n);
    *ret_answer = (struct va_answer){.status = request->status,
                                     .content_type = request->content_type,
                                     .length = request->kind == VA_REPLY_WHOLE ? (int64_t)n : -1,
                                     .policy = request->policy,
                                     .retry_after_s = request->retry_after_s,
                                     .is_strict = request->is_strict,
                                     .began_s = request->began_s,
                                     .headers = &request->headers};
}

void va_answer_count(const struct va_answer *answer, struct va_metrics *metrics)
{
    int class = answer->status / 100 - 2; /* 2xx is the first label */

    if (class < 0 || class > 3)
        return;
    va_metrics_add(metrics, VA_METRIC_REQUESTS, class, 1);
    if (answer->status == 503)
        va_metrics_add(metrics, VA_METRIC_REQUESTS_REFUSED, 0, 1);
    if (answer->began_s > 0.0)
        va_metrics_observe(metrics, VA_METRIC_REQUEST_SECONDS, 0, va_clock_ms() * 1e-3 - answer->began_s);
}

static int own_fields(const struct va_buffer *headers, int (*field)(void *user, const char *name, const char *value), void *user,
                      int *ret_has_cache_control)
{
    const char *p = headers != NULL ? headers->data : NULL, *end = p != NULL ? p + headers->size : NULL;
    int r = 0;

    *ret_has_cache_control = 0;
    while (r >= 0 && p < end) {
        const char *value = p + strlen(p) + 1;
        if (strcasecmp(p, "cache-control") == 0)
            *ret_has_cache_control = 1;
        r = field(user, p, value);
        p = value + strlen(value) + 1;
    }
    return r;
}

int va_answer_fields(const struct va_answer *answer, int (*field)(void *user, const char *name, const char *value), void *user)
{
    const char *type = answer->content_type != NULL && answer->content_type[0] != '\0' ? answer->content_type : "application/json";
    time_t now = time(NULL);
    struct tm utc;
    char text[64];
    int has_cache_control;

    gmtime_r(&now, &utc);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    int r = field(user, "Date", text);
    if (r >= 0 && answer->status != 204 && answer->status != 304)
        r = field(user, "Content-Type", type);
    if (r >= 0 && answer->length >= 0 && answer->status != 204 && answer->status != 304) {
        snprintf(text, sizeof text, "%lld", (long long)answer->length);
        r = field(user, "Content-Length", text);
    }
    if (r >= 0)
        r = own_fields(answer->headers, field, user, &has_cache_control);
    if (r >= 0 && !has_cache_control)
        r = field(user, "Cache-Control", "no-store");
    if (r >= 0)
        r = field(user, "X-Content-Type-Options", "nosniff");
    if (r >= 0)
        r = field(user, "Referrer-Policy", "no-referrer");
    if (r >= 0)
        r = field(user, "Content-Security-Policy", answer->policy != NULL ? answer->policy : STRICTEST_POLICY);
    if (r >= 0 && answer->is_strict)
        r = field(user, "Strict-Transport-Security", "max-age=31536000");
    if (r >= 0 && answer->retry_after_s > 0) {
        snprintf(text, sizeof text, "%d", answer->retry_after_s);
        r = field(user, "Retry-After", text);
    }
    return r;
}
