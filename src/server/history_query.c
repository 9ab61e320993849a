#include "server/history_query.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "server/http.h"

#define MAX_ID INT64_C(0x1fffffffffffff) /* exact in JSON */

/* 1: it is there. VA_EINVAL: too long, or no text. */
static int read_text(const char *query, const char *key, char *ret_value, size_t capacity, va_error *error)
{
    int r = va_http_query(query, key, ret_value, capacity);

    if (r == VA_ENOTFOUND)
        return 0;
    if (r < 0 || !va_utf8_valid(ret_value, strlen(ret_value)))
        return va_fail(error, VA_EINVAL, "%s must be text of at most %zu bytes", key, capacity - 1);
    return 1;
}

static int read_time(const char *query, const char *key, double *ret_unix_s, va_error *error)
{
    char text[40];
    int r = va_http_query(query, key, text, sizeof text);

    if (r == VA_ENOTFOUND)
        return 0;
    if (r < 0 || va_clock_parse(text, ret_unix_s) < 0)
        return va_fail(error, VA_EINVAL, "%s must be a time such as 2026-01-31T23:59:59Z", key);
    return 1;
}

static int read_number(const char *query, const char *key, int64_t max, int64_t *ret_value, va_error *error)
{
    char text[24];
    int64_t value;
    int r = va_http_query(query, key, text, sizeof text);

    if (r == VA_ENOTFOUND)
        return 0;
    if (r < 0 || va_history_request_read_id(text, &value) < 0 || value > max)
        return va_fail(error, VA_EINVAL, "%s must be a number from 1 to %lld", key, (long long)max);
    *ret_value = value;
    return 1;
}

int va_history_request_read_id(const char *text, int64_t *ret_id)
{
    char *end;

    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < 1 || value > MAX_ID)
        return VA_ENOTFOUND;
    *ret_id = value;
    return 0;
}

int va_history_request_read(const char *query, struct va_history_request *ret_request, va_error *error)
{
    int64_t limit = VA_HISTORY_USUAL_PAGE;
    char format[8] = "jsonl";
    int r;

    *ret_request = (struct va_history_request){0};
    if ((r = read_text(query, "kind", ret_request->kind, sizeof ret_request->kind, error)) < 0)
        return r;
    if (r > 0 && strcmp(ret_request->kind, "transcription") != 0 && strcmp(ret_request->kind, "command") != 0)
        return va_fail(error, VA_EINVAL, "kind must be transcription or command");
    ret_request->query.kind = r > 0 ? ret_request->kind : NULL;
    if ((r = read_text(query, "search", ret_request->search, sizeof ret_request->search, error)) < 0)
        return r;
    ret_request->query.search = r > 0 && ret_request->search[0] != '\0' ? ret_request->search : NULL;
    if ((r = read_time(query, "since", &ret_request->since_s, error)) < 0)
        return r;
    ret_request->query.since_s = r > 0 ? &ret_request->since_s : NULL;
    if ((r = read_time(query, "until", &ret_request->until_s, error)) < 0)
        return r;
    ret_request->query.until_s = r > 0 ? &ret_request->until_s : NULL;
    if ((r = read_number(query, "before_id", MAX_ID, &ret_request->query.before_id, error)) < 0 ||
        (r = read_number(query, "limit", VA_HISTORY_MAX_PAGE, &limit, error)) < 0)
        return r;
    ret_request->query.limit = (int)limit;
    if (read_text(query, "format", format, sizeof format, NULL) < 0 || (strcmp(format, "jsonl") != 0 && strcmp(format, "csv") != 0))
        return va_fail(error, VA_EINVAL, "format must be jsonl or csv");
    ret_request->format = strcmp(format, "csv") == 0 ? VA_HISTORY_CSV : VA_HISTORY_JSONL;
    return 0;
}

int va_history_request_read_bound(const char *query, double *ret_before_s, va_error *error)
{
    char all[8] = "";
    double before_s;
    int is_all = va_http_query(query, "all", all, sizeof all), is_before = read_time(query, "before", &before_s, error);

    if (is_before < 0)
        return is_before;
    if ((is_all == VA_ENOTFOUND) == (is_before == 0) || (is_before == 0 && (is_all < 0 || strcmp(all, "true") != 0)))
        return va_fail(error, VA_EINVAL, "say before=TIME, or all=true for all entries");
    *ret_before_s = is_before > 0 ? before_s : (double)INFINITY;
    return 0;
}
