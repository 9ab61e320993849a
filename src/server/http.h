/* http.h - one HTTP/1.x request, read strictly from pieces of any size.
 *
 * Strict on purpose: what two readers could understand differently (two lengths, a length and a transfer encoding, folded lines,
 * bare line feeds, spaces before a colon) is refused, so that no proxy before us sees other requests than we do.
 * Chunked bodies are decoded. Nothing here allocates; the head has a fixed bound. One thread at a time.
 *
 *     va_http_begin(&http);
 *     while (n > 0 && va_http_state(&http) == VA_HTTP_HEAD) { size_t used = va_http_read_head(&http, data, n); ... }
 *     while (... VA_HTTP_BODY) { size_t used = va_http_read_body(&http, data, n, &piece, &n_piece); ... } */
#ifndef VA_SERVER_HTTP_H
#define VA_SERVER_HTTP_H

#include "base/error.h"

#define VA_HTTP_MAX_HEAD_BYTES 16384
#define VA_HTTP_MAX_TARGET_BYTES 4096
#define VA_HTTP_MAX_FIELDS 100

enum va_http_state { VA_HTTP_HEAD, VA_HTTP_BODY, VA_HTTP_DONE, VA_HTTP_BROKEN };

struct va_http_field {
    uint16_t name, value; /* offsets of NUL-terminated texts in head; the name is lower case */
};

struct va_http {
    enum va_http_state state;
    int status;         /* with VA_HTTP_BROKEN: the HTTP status to answer with */
    const char *reason; /* and a line for a person */

    const char *method, *path; /* path: percent-decoded, without the query */
    const char *query;         /* raw, "" when none */
    int minor;                 /* HTTP/1.minor */
    int is_http2;              /* filled by http2.c */
    int keep_alive;
    int expects_continue;
    int chunked;
    int has_length;
    uint64_t length;   /* of the body, with has_length */
    uint64_t received; /* body bytes handed out */
    struct va_http_field fields[VA_HTTP_MAX_FIELDS];
    size_t n_fields;

    /* Inside: the head collects here and is then cut into NUL-terminated texts in place. */
    char head[VA_HTTP_MAX_HEAD_BYTES + 1];
    size_t n_head;
    const char *authority; /* [n_authority] of a target with one, else NULL */
    size_t n_authority;
    size_t line_start; /* of the line being read */
    size_t skipped;    /* empty bytes before the request line */
    int chunk_state;
    uint64_t chunk_left;
    size_t chunk_extra_bytes; /* chunk extension or trailer bytes so far */
    unsigned chunk_digits;
};

void va_http_begin(struct va_http *http);

/* Reads head bytes. Returns how many were used; the state is then HEAD (more is needed), BODY, DONE (no body) or BROKEN. */
size_t va_http_read_head(struct va_http *http, const char *data, size_t n);

/* Reads body bytes in state BODY. Returns how many were used; *ret_piece [*ret_n] is the part of data that belongs to the body
 * (often empty while a chunk header is read). The state becomes DONE after the last byte, or BROKEN. */
size_t va_http_read_body(struct va_http *http, const char *data, size_t n, const char **ret_piece, size_t *ret_n);

/* For HTTP/2, whose frames have been read already: the head from its parts, under the same rules. Request line, fields, finish. The state
 * may become BROKEN with each; what does not fit is 431. */
void va_http_take_request(struct va_http *http, const char *method, const char *target);
void va_http_take_field(struct va_http *http, const char *name, const char *value);
void va_http_finish(struct va_http *http, int has_body);

/* The value of a header field by its lower-case name; NULL when absent. Of several the first. */
const char *va_http_field(const struct va_http *http, const char *name);

/* Is word among the comma-separated tokens of that field, or of one of those fields? */
int va_http_has_token(const struct va_http *http, const char *name, const char *word);

/* Value of a key in a query or form text ("a=1&b=2"), percent-decoded into ret_value. VA_ENOTFOUND, VA_ELIMIT, VA_EFORMAT. */
VA_MUST_CHECK int va_http_query(const char *query, const char *key, char *ret_value, size_t capacity);

/* "Not Found" for 404 ... never NULL. */
const char *va_http_status_text(int status);

#endif
