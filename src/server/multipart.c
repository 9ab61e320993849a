#include "server/multipart.h"

#include <string.h>

/* Header lines of one part together. */
#define MAX_PART_HEADERS_BYTES 4096

enum state { PREAMBLE, AFTER_DELIMITER, AFTER_DASH, AFTER_CR, HEADER, HEADER_LF, DATA, EPILOGUE };

static int fail(struct va_multipart *multipart, int code, const char *reason)
{
    multipart->reason = reason;
    return code;
}

/* A character RFC 2046 allows in a boundary. */
static int is_boundary(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}

/* Finds `; name=value` or `; name="value"` in a header value and copies it, without its quotes, into ret_value.
 * Returns its length, -1 when absent, -2 when it is damaged or too long. */
static int parameter(const char *text, const char *name, char *ret_value, size_t capacity)
{
    size_t n_name = strlen(name);
    const char *p = strchr(text, ';');

    while (p != NULL && *p == ';') {
        p += 1 + strspn(p + 1, " \t");
        size_t n_key = strcspn(p, "=; \t");
        int wanted = n_key == n_name && strncasecmp(p, name, n_name) == 0;
        p += n_key;
        if (*p != '=') {
            p = strchr(p, ';');
            continue;
        }
        p++;
        size_t n = 0;
        int quoted = *p == '"';
        for (p += quoted; *p != '\0' && (quoted ? *p != '"' : strchr("; \t", *p) == NULL); p++) {
            if (quoted && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
                p++;
            if (wanted) {
                if (n + 1 >= capacity)
                    return -2;
                ret_value[n++] = *p;
            }
        }
        if (quoted && *p++ != '"')
            return -2;
        if (wanted) {
            ret_value[n] = '\0';
            return (int)n;
        }
        p += strspn(p, " \t");
    }
    return -1;
}

int va_multipart_begin(struct va_multipart *multipart, const char *content_type, const struct va_multipart_events *events, void *user)
{
    static const char type[] = "multipart/form-data";

    memset(multipart, 0, sizeof *multipart);
    multipart->events = events;
    multipart->user = user;
    if (content_type == NULL || strncasecmp(content_type, type, sizeof type - 1) != 0 ||
        strchr("; \t", content_type[sizeof type - 1]) == NULL)
        return fail(multipart, VA_EUNSUPPORTED, "the body must be multipart/form-data");
    memcpy(multipart->delimiter, "\r\n--", 4);
    int n = parameter(content_type, "boundary", multipart->delimiter + 4, 71);
    if (n <= 0 || n > 70)
        return fail(multipart, VA_EFORMAT, "the boundary of the multipart body is missing or too long");
    for (int i = 0; i < n; i++)
        if (!is_boundary((unsigned char)multipart->delimiter[4 + i]))
            return fail(multipart, VA_EFORMAT, "the boundary of the multipart body holds a character that is not allowed");
    multipart->n_delimiter = (size_t)n + 4;
    multipart->state = PREAMBLE;
    multipart->matched = 2; /* the first boundary may stand at the very start, without its CR LF */
    return 0;
}

/* The part's header line in header[0..n_header) is complete. */
static int take_header(struct va_multipart *multipart)
{
    static const char disposition[] = "content-disposition:";
    char file_name[VA_MULTIPART_MAX_HEADER_BYTES];

    multipart->header[multipart->n_header] = '\0';
    if (strlen(multipart->header) != multipart->n_header)
        return fail(multipart, VA_EFORMAT, "there is a NUL in a part header");
    if (strncasecmp(multipart->header, disposition, sizeof disposition - 1) != 0)
        return 0;
    const char *value = multipart->header + sizeof disposition - 1;
    value += strspn(value, " \t");
    if (strncasecmp(value, "form-data", 9) != 0)
        return fail(multipart, VA_EFORMAT, "a part is not form-data");
    int n = parameter(value, "name", multipart->name, sizeof multipart->name);
    if (n == -2)
        return fail(multipart, VA_ELIMIT, "a field name is damaged or too long");
    multipart->has_name = n >= 0;
    multipart->is_file =
        parameter(value, "filename", file_name, sizeof file_name) != -1 || parameter(value, "filename*", file_name, sizeof file_name) != -1;
    return 0;
}

static int begin_part(struct va_multipart *multipart)
{
    if (!multipart->has_name)
        return fail(multipart, VA_EFORMAT, "a part has no name");
    if (++multipart->n_parts > VA_MULTIPART_MAX_PARTS)
        return fail(multipart, VA_ELIMIT, "there are too many parts");
    multipart->state = DATA;
    multipart->matched = 0;
    return multipart->events->begin(multipart->user, multipart->name, multipart->is_file);
}

/* One byte between a delimiter and the part's data. */
static int frame_byte(struct va_multipart *multipart, char c)
{
    switch (multipart->state) {
    case AFTER_DELIMITER: /* spaces, then CR LF, or -- at the end of all */
        if (c == '-')
            multipart->state = AFTER_DASH;
        else if (c == '\r')
            multipart->state = AFTER_CR;
        else if (c != ' ' && c != '\t')
            return fail(multipart, VA_EFORMAT, "a boundary is followed by something else");
        return 0;
    case AFTER_DASH:
        if (c != '-')
            return fail(multipart, VA_EFORMAT, "a boundary is followed by something else");
        multipart->state = EPILOGUE;
        return 0;
    case AFTER_CR:
        if (c != '\n')
            return fail(multipart, VA_EFORMAT, "a boundary line does not end in CR LF");
        multipart->state = HEADER;
        multipart->n_header = multipart->n_header_total = 0;
        multipart->has_name = multipart->is_file = 0;
        return 0;
    case HEADER:
        if (c == '\r') {
            multipart->state = HEADER_LF;
            return 0;
        }
        if (multipart->n_header + 1 >= sizeof multipart->header || ++multipart->n_header_total > MAX_PART_HEADERS_BYTES)
            return fail(multipart, VA_ELIMIT, "the headers of a part are too large");
        multipart->header[multipart->n_header++] = c;
        return 0;
    default: /* HEADER_LF */
        if (c != '\n')
            return fail(multipart, VA_EFORMAT, "a part header does not end in CR LF");
        if (multipart->n_header == 0)
            return begin_part(multipart);
        int r = take_header(multipart);
        multipart->n_header = 0;
        multipart->state = HEADER;
        return r;
    }
}

static int give(struct va_multipart *multipart, const char *data, size_t n)
{
    return n == 0 || multipart->state == PREAMBLE ? 0 : multipart->events->data(multipart->user, data, n);
}

/* Looks for the delimiter in data [n]; hands on what cannot be part of it. *ret_used bytes are done with.
 * The delimiter begins with the only CR in it, so after a mismatch only the present byte can begin it anew. */
static int read_data(struct va_multipart *multipart, const char *data, size_t n, size_t *ret_used)
{
    size_t i = 0;
    int r;

    while (i < n) {
        if (multipart->matched == 0) {
            const char *cr = memchr(data + i, '\r', n - i);
            size_t plain = cr == NULL ? n - i : (size_t)(cr - (data + i));
            if ((r = give(multipart, data + i, plain)) < 0)
                return r;
            i += plain;
            if (i == n)
                break;
        }
        if (data[i] == multipart->delimiter[multipart->matched]) {
            i++;
            if (++multipart->matched < multipart->n_delimiter)
                continue;
            r = multipart->state == DATA ? multipart->events->end(multipart->user) : 0;
            multipart->state = AFTER_DELIMITER;
            *ret_used = i;
            return r;
        }
        size_t held = multipart->matched;
        multipart->matched = 0;
        if ((r = give(multipart, multipart->delimiter, held)) < 0)
            return r;
    }
    *ret_used = n;
    return 0;
}

int va_multipart_read(struct va_multipart *multipart, const char *data, size_t n)
{
    while (n > 0) {
        size_t used = 1;
        int r;
        if (multipart->state == EPILOGUE)
            return 0;
        if (multipart->state == PREAMBLE || multipart->state == DATA)
            r = read_data(multipart, data, n, &used);
        else
            r = frame_byte(multipart, *data);
        if (r < 0)
            return r;
        data += used;
        n -= used;
    }
    return 0;
}

int va_multipart_finish(struct va_multipart *multipart)
{
    if (multipart->state != EPILOGUE)
        return fail(multipart, VA_EFORMAT, "the multipart body ends before its closing boundary");
    return 0;
}
