/* multipart.h - multipart/form-data (RFC 7578), read in pieces of any size, in constant memory.
 *
 * Part data is handed on as it arrives, never collected here. Parts, header lines and names are bounded. Nothing allocates.
 * One thread at a time. */
#ifndef VA_SERVER_MULTIPART_H
#define VA_SERVER_MULTIPART_H

#include "base/error.h"

#define VA_MULTIPART_MAX_PARTS 32
#define VA_MULTIPART_MAX_NAME_BYTES 64
#define VA_MULTIPART_MAX_HEADER_BYTES 1024

/* Each returns 0 to go on, or a negative VA_E* that ends the reading with that code. */
struct va_multipart_events {
    int (*begin)(void *user, const char *name, int is_file); /* a part begins; is_file: it has a file name */
    int (*data)(void *user, const char *data, size_t n);
    int (*end)(void *user);
};

struct va_multipart {
    const struct va_multipart_events *events;
    void *user;
    char delimiter[76]; /* CR LF -- boundary */
    size_t n_delimiter;
    int state;
    size_t matched; /* bytes of the delimiter seen and held back */
    size_t n_parts;
    char header[VA_MULTIPART_MAX_HEADER_BYTES]; /* one header line */
    size_t n_header, n_header_total;
    char name[VA_MULTIPART_MAX_NAME_BYTES];
    int has_name, is_file;
    const char *reason; /* after VA_EFORMAT or VA_ELIMIT from here: a line for a person */
};

/* content_type: the request's header value. VA_EUNSUPPORTED when it is not multipart/form-data, VA_EFORMAT when its boundary is
 * missing or wrong. events must outlive the reader. */
VA_MUST_CHECK int va_multipart_begin(struct va_multipart *multipart, const char *content_type, const struct va_multipart_events *events,
                                     void *user);

/* 0, VA_EFORMAT, VA_ELIMIT, or what an event returned. Bytes after the last boundary are ignored. */
VA_MUST_CHECK int va_multipart_read(struct va_multipart *multipart, const char *data, size_t n);

/* The body is over: VA_EFORMAT when the closing boundary has not come. */
VA_MUST_CHECK int va_multipart_finish(struct va_multipart *multipart);

#endif
