/* history_query.h - what a request asks of the history, read from its query ("search=light&limit=20"). Any thread. */
#ifndef VA_SERVER_HISTORY_QUERY_H
#define VA_SERVER_HISTORY_QUERY_H

#include "store/export.h"

#define VA_HISTORY_USUAL_PAGE 50

struct va_history_request {
    struct va_history_query query; /* points into this */
    enum va_history_format format;
    double since_s, until_s;
    char kind[16], search[VA_HISTORY_MAX_SEARCH_BYTES + 1];
};

/* kind, search, since, until (times as va_clock_parse reads them), before_id, limit; and format. What is missing is not asked for.
 * VA_EINVAL, with the reason. Do not copy the result. */
VA_MUST_CHECK int va_history_request_read(const char *query, struct va_history_request *ret_request, va_error *error);

/* "before=TIME", or "all=true" for INFINITY; one of them. VA_EINVAL. */
VA_MUST_CHECK int va_history_request_read_bound(const char *query, double *ret_before_s, va_error *error);

/* A number from 1 on. VA_ENOTFOUND: no entry can have it. */
VA_MUST_CHECK int va_history_request_read_id(const char *text, int64_t *ret_id);

#endif
