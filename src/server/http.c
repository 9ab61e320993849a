#include "server/http.h"

#include <stdio.h>
#include <string.h>

#define MAX_CHUNK_EXTRA_BYTES 4096
#define MAX_SKIPPED_BYTES 64

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_START,
    TRAILER,
    TRAILER_LF,
    TRAILER_END_LF
};

void va_http_begin(struct va_http *http)
{
    /* The head itself need not be cleared: only what was written is read. */
    memset(http, 0, offsetof(struct va_http, head));
    memset((char *)http + offsetof(struct va_http, n_head), 0, sizeof *http - offsetof(struct va_http, n_head));
    http->state = VA_HTTP_HEAD;
    http->method = http->path = http->query = "";
}

static int fail(struct va_http *http, int status, const char *reason)
{
    http->state = VA_HTTP_BROKEN;
    http->status = status;
    http->reason = reason;
    http->keep_alive = 0;
    return -1;
}

/* RFC 9110: the characters of a token. */
static int is_token(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX in place (the result is never longer). -1 for a bad escape or an encoded NUL. */
static int percent_decode(char *text, int plus_is_space)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        if (*in == '%') {
            int high = hex_digit((unsigned char)in[1]);
            int low = high < 0 ? -1 : hex_digit((unsigned char)in[2]);
            if (low < 0 || (high == 0 && low == 0))
                return -1;
            *out++ = (char)(high * 16 + low);
            in += 2;
        } else {
            *out++ = plus_is_space && *in == '+' ? ' ' : *in;
        }
    }
    *out = '\0';
    return 0;
}

static int parse_request_line(struct va_http *http, char *line)
{
    char *space = strchr(line, ' ');
    if (space == NULL || space == line)
        return fail(http, 400, "the request line is not METHOD TARGET HTTP/1.1");
    *space = '\0';
    for (const char *p = line; *p != '\0'; p++)
        if (!is_token((unsigned char)*p))
            return fail(http, 400, "the request line is not METHOD TARGET HTTP/1.1");
    char *target = space + 1;
    char *version = strchr(target, ' ');
    if (version == NULL)
        return fail(http, 400, "the request line is not METHOD TARGET HTTP/1.1");
    *version++ = '\0';
    if (strncmp(version, "HTTP/", 5) != 0 || strlen(version) != 8 || version[6] != '.')
        return fail(http, 400, "the request line is not METHOD TARGET HTTP/1.1");
    if (version[5] != '1' || (version[7] != '0' && version[7] != '1'))
        return fail(http, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    http->minor = version[7] - '0';
    http->keep_alive = http->minor;
    if (strlen(target) > VA_HTTP_MAX_TARGET_BYTES)
        return fail(http, 414, "the request target is too long");
    for (const char *p = target; *p != '\0'; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            return fail(http, 400, "the request target holds characters that must be percent-encoded");

    char *path = target;
    if (strncasecmp(target, "http://", 7) == 0) { /* as proxies may send it */
        http->authority = target + 7;
        http->n_authority = strcspn(http->authority, "/");
        path += 7 + http->n_authority;
    }
    char *query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    if (path[0] != '/' && strcmp(path, "*") != 0)
        return fail(http, 400, "the request target does not begin with /");
    if (percent_decode(path, 0) < 0)
        return fail(http, 400, "the request target has a bad percent-encoding");
    http->method = line;
    http->path = path;
    http->query = query != NULL ? query : "";
    return 0;
}

static int parse_field(struct va_http *http, char *line)
{
    if (line[0] == ' ' || line[0] == '\t')
        return fail(http, 400, "folded header lines are not accepted");
    char *colon = strchr(line, ':');
    if (colon == NULL || colon == line)
        return fail(http, 400, "a header line is not NAME: VALUE");
    for (char *p = line; p < colon; p++) {
        if (!is_token((unsigned char)*p))
            return fail(http, 400, "a header name holds a character that is not allowed");
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    }
    *colon = '\0';
    char *value = colon + 1;
    while (*value == ' ' || *value == '\t')
        value++;
    char *end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    for (const char *p = value; *p != '\0'; p++)
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
            return fail(http, 400, "a header value holds a control character");
    if (http->n_fields == VA_HTTP_MAX_FIELDS)
        return fail(http, 431, "there are too many header lines");
    http->fields[http->n_fields++] = (struct va_http_field){(uint16_t)(line - http->head), (uint16_t)(value - http->head)};
    return 0;
}

static size_t count_fields(const struct va_http *http, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < http->n_fields; i++)
        n += strcmp(http->head + http->fields[i].name, name) == 0;
    return n;
}

const char *va_http_field(const struct va_http *http, const char *name)
{
    for (size_t i = 0; i < http->n_fields; i++)
        if (strcmp(http->head + http->fields[i].name, name) == 0)
            return http->head + http->fields[i].value;
    return NULL;
}

/* Is word one of the comma-separated tokens of list? */
static int has_token(const char *list, const char *word)
{
    size_t n = strlen(word);
    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t length = strcspn(list, ", \t");
        if (length == n && strncasecmp(list, word, n) == 0)
            return 1;
        list += length;
    }
    return 0;
}

int va_http_has_token(const struct va_http *http, const char *name, const char *word)
{
    for (size_t i = 0; i < http->n_fields; i++)
        if (strcmp(http->head + http->fields[i].name, name) == 0 && has_token(http->head + http->fields[i].value, word))
            return 1;
    return 0;
}

static int parse_length(struct va_http *http)
{
    const char *text = va_http_field(http, "content-length");
    if (text == NULL)
        return 0;
    if (count_fields(http, "content-length") > 1)
        return fail(http, 400, "there is more than one Content-Length");
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0')
        return fail(http, 400, "Content-Length is not a number");
    if (digits > 18)
        return fail(http, 413, "the body is too large");
    for (const char *p = text; *p != '\0'; p++)
        http->length = http->length * 10 + (uint64_t)(*p - '0');
    http->has_length = 1;
    return 0;
}

static int parse_transfer(struct va_http *http)
{
    const char *text = va_http_field(http, "transfer-encoding");
    if (text == NULL)
        return 0;
    if (http->has_length)
        return fail(http, 400, "Content-Length and Transfer-Encoding in one request are not accepted");
    if (http->minor == 0)
        return fail(http, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (count_fields(http, "transfer-encoding") > 1)
        return fail(http, 400, "there is more than one Transfer-Encoding");
    if (strcasecmp(text, "chunked") != 0)
        return fail(http, 501, "the only Transfer-Encoding known here is chunked");
    http->chunked = 1;
    return 0;
}

/* The head is complete: what its fields mean for the body and the connection. */
static int finish_head(struct va_http *http)
{
    size_t hosts = count_fields(http, "host");
    if (hosts > 1 || (hosts == 0 && http->minor == 1))
        return fail(http, 400, "there must be exactly one Host");
    const char *host = va_http_field(http, "host");
    if (http->authority != NULL && host != NULL &&
        (strlen(host) != http->n_authority || strncasecmp(http->authority, host, http->n_authority) != 0))
        return fail(http, 400, "the request target names another host than Host");
    if (parse_length(http) < 0 || parse_transfer(http) < 0)
        return -1;
    for (size_t i = 0; i < http->n_fields; i++) {
        const char *name = http->head + http->fields[i].name, *value = http->head + http->fields[i].value;
        if (strcmp(name, "connection") == 0) {
            if (has_token(value, "close"))
                http->keep_alive = 0;
            else if (has_token(value, "keep-alive") && count_fields(http, "connection") == 1)
                http->keep_alive = 1;
        } else if (strcmp(name, "expect") == 0) {
            if (strcasecmp(value, "100-continue") != 0)
                return fail(http, 417, "the only Expect known here is 100-continue");
            http->expects_continue = http->minor;
        }
    }
    http->state = http->chunked || http->length > 0 ? VA_HTTP_BODY : VA_HTTP_DONE;
    return 0;
}

/* The line from line_start is complete (without its CR LF, NUL-terminated). */
static int take_line(struct va_http *http)
{
    char *line = http->head + http->line_start;
    if (http->method[0] == '\0')
        return parse_request_line(http, line);
    if (line[0] == '\0')
        return finish_head(http);
    return parse_field(http, line);
}

size_t va_http_read_head(struct va_http *http, const char *data, size_t n)
{
    size_t i = 0;

    while (i < n && http->state == VA_HTTP_HEAD) {
        char c = data[i++];
        /* Some clients send an empty line after a body; it is not part of the next request. */
        if (http->n_head == 0 && (c == '\r' || c == '\n')) {
            if (++http->skipped > MAX_SKIPPED_BYTES)
                fail(http, 400, "empty lines instead of a request");
            continue;
        }
        if (http->n_head == VA_HTTP_MAX_HEAD_BYTES) {
            fail(http, http->method[0] == '\0' ? 414 : 431, "the request line and headers are too large");
            break;
        }
        if (c == '\0') {
            fail(http, 400, "there is a NUL in the headers");
        } else if (c == '\n') {
            if (http->n_head == http->line_start || http->head[http->n_head - 1] != '\r') {
                fail(http, 400, "a header line does not end in CR LF");
                break;
            }
            http->head[http->n_head - 1] = '\0';
            take_line(http);
            http->line_start = http->n_head;
        } else if (http->n_head > http->line_start && http->head[http->n_head - 1] == '\r') {
            fail(http, 400, "there is a CR inside a header line");
        } else {
            http->head[http->n_head++] = c;
        }
    }
    return i;
}

/* Puts a line together as HTTP/1.1 writes it. NULL when it does not fit. */
static char *make_line(struct va_http *http, const char *a, const char *between, const char *b, const char *end)
{
    size_t room = VA_HTTP_MAX_HEAD_BYTES - http->n_head;
    char *line = http->head + http->n_head;

    if (http->state != VA_HTTP_HEAD)
        return NULL;
    int n = snprintf(line, room, "%s%s%s%s", a, between, b, end);
    if (n < 0 || (size_t)n >= room) {
        fail(http, http->method[0] == '\0' ? 414 : 431, "the request line and headers are too large");
        return NULL;
    }
    http->n_head += (size_t)n + 1;
    return line;
}

void va_http_take_request(struct va_http *http, const char *method, const char *target)
{
    char *line = make_line(http, method, " ", target, " HTTP/1.1");
    if (line != NULL)
        parse_request_line(http, line);
}

void va_http_take_field(struct va_http *http, const char *name, const char *value)
{
    char *line = make_line(http, name, ": ", value, "");
    if (line != NULL)
        parse_field(http, line);
}

void va_http_finish(struct va_http *http, int has_body)
{
    http->is_http2 = 1;
    if (http->state == VA_HTTP_HEAD && finish_head(http) == 0)
        http->state = has_body ? VA_HTTP_BODY : VA_HTTP_DONE;
}

/* One byte of chunk framing. 0, or -1 after fail. */
static int chunk_byte(struct va_http *http, unsigned char c)
{
    int digit;

    switch (http->chunk_state) {
    case CHUNK_SIZE:
        digit = hex_digit(c);
        if (digit >= 0) {
            if (++http->chunk_digits > 8)
                return fail(http, 413, "a chunk is too large");
            http->chunk_left = http->chunk_left * 16 + (uint64_t)digit;
            return 0;
        }
        if (http->chunk_digits == 0)
            return fail(http, 400, "a chunk has no size");
        if (c == ';' || c == ' ' || c == '\t')
            http->chunk_state = CHUNK_EXTENSION;
        else if (c == '\r')
            http->chunk_state = CHUNK_SIZE_LF;
        else
            return fail(http, 400, "a chunk size is not a hexadecimal number");
        return 0;
    case CHUNK_EXTENSION:
        if (c == '\r')
            http->chunk_state = CHUNK_SIZE_LF;
        else if (c == '\n' || c == '\0' || ++http->chunk_extra_bytes > MAX_CHUNK_EXTRA_BYTES)
            return fail(http, 400, "a chunk extension is not accepted");
        return 0;
    case CHUNK_SIZE_LF:
    case CHUNK_DATA_LF:
    case TRAILER_LF:
    case TRAILER_END_LF:
        if (c != '\n')
            return fail(http, 400, "a chunk line does not end in CR LF");
        if (http->chunk_state == TRAILER_END_LF)
            http->state = VA_HTTP_DONE;
        else if (http->chunk_state == CHUNK_SIZE_LF)
            http->chunk_state = http->chunk_left > 0 ? CHUNK_DATA : TRAILER_START;
        else
            http->chunk_state = http->chunk_state == TRAILER_LF ? TRAILER_START : CHUNK_SIZE;
        http->chunk_digits = 0;
        return 0;
    case CHUNK_DATA_CR:
        if (c != '\r')
            return fail(http, 400, "a chunk is longer than its size");
        http->chunk_state = CHUNK_DATA_LF;
        return 0;
    case TRAILER_START:
    case TRAILER:
        if (c == '\r')
            http->chunk_state = http->chunk_state == TRAILER_START ? TRAILER_END_LF : TRAILER_LF;
        else if (c == '\n' || c == '\0' || ++http->chunk_extra_bytes > MAX_CHUNK_EXTRA_BYTES)
            return fail(http, 400, "the trailer is not accepted");
        else
            http->chunk_state = TRAILER;
        return 0;
    default:
        return fail(http, 500, "chunk state");
    }
}

static size_t read_chunked(struct va_http *http, const char *data, size_t n, const char **ret_piece, size_t *ret_n)
{
    size_t i = 0;

    while (i < n && http->state == VA_HTTP_BODY && http->chunk_state != CHUNK_DATA)
        chunk_byte(http, (unsigned char)data[i++]);
    if (i < n && http->state == VA_HTTP_BODY) {
        size_t take = n - i < http->chunk_left ? n - i : (size_t)http->chunk_left;
        *ret_piece = data + i;
        *ret_n = take;
        http->chunk_left -= take;
        http->received += take;
        if (http->chunk_left == 0)
            http->chunk_state = CHUNK_DATA_CR;
        i += take;
    }
    return i;
}

size_t va_http_read_body(struct va_http *http, const char *data, size_t n, const char **ret_piece, size_t *ret_n)
{
    *ret_piece = data;
    *ret_n = 0;
    if (http->state != VA_HTTP_BODY)
        return 0;
    if (http->chunked)
        return read_chunked(http, data, n, ret_piece, ret_n);
    size_t take = n < http->length - http->received ? n : (size_t)(http->length - http->received);
    *ret_n = take;
    http->received += take;
    if (http->received == http->length)
        http->state = VA_HTTP_DONE;
    return take;
}

int va_http_query(const char *query, const char *key, char *ret_value, size_t capacity)
{
    size_t n_key = strlen(key);

    while (*query != '\0') {
        size_t n = strcspn(query, "&");
        if (n > n_key && strncmp(query, key, n_key) == 0 && query[n_key] == '=') {
            size_t length = n - n_key - 1;
            if (length >= capacity)
                return VA_ELIMIT;
            memcpy(ret_value, query + n_key + 1, length);
            ret_value[length] = '\0';
            return percent_decode(ret_value, 1) < 0 ? VA_EFORMAT : 0;
        }
        query += n + (query[n] == '&');
    }
    return VA_ENOTFOUND;
}

const char *va_http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {303, "See Other"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].status == status)
            return table[i].text;
    return "Unknown";
}
