/* What a query asks of the history is within its bounds, and an entry of any bytes becomes one sound line of CSV and JSON. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "server/history_query.h"

static void check_query(const char *query)
{
    struct va_history_request request;
    double before_s = 0;
    va_error error;

    int r = va_history_request_read(query, &request, &error);
    FUZZ_CHECK(r == 0 || (r == VA_EINVAL && error.text[0] != '\0'));
    if (r == 0) {
        const struct va_history_query *asked = &request.query;
        FUZZ_CHECK(asked->limit >= 1 && asked->limit <= VA_HISTORY_MAX_PAGE && asked->before_id >= 0);
        FUZZ_CHECK(asked->since_s == NULL || (isfinite(*asked->since_s) && *asked->since_s > -86400));
        FUZZ_CHECK(asked->until_s == NULL || isfinite(*asked->until_s));
        FUZZ_CHECK(asked->search == NULL || (strlen(asked->search) <= VA_HISTORY_MAX_SEARCH_BYTES && asked->search[0] != '\0'));
        FUZZ_CHECK(asked->kind == NULL || strcmp(asked->kind, "command") == 0 || strcmp(asked->kind, "transcription") == 0);
    }
    r = va_history_request_read_bound(query, &before_s, &error);
    FUZZ_CHECK(r == 0 || r == VA_EINVAL);
}

/* Cells of a line; -1 when it is no line of RFC 4180. */
static int count_cells(const char *line)
{
    int n = 1;

    for (const char *at = line;; at++) {
        if (*at == '"') {
            for (at++; *at != '"' || at[1] == '"'; at++) {
                if (*at == '\0')
                    return -1;
                at += *at == '"';
            }
            at++;
        } else {
            while (*at != ',' && *at != '\r' && *at != '\0')
                if (*at == '"' || *at++ == '\n')
                    return -1;
        }
        if (*at == '\r')
            return at[1] == '\n' && at[2] == '\0' ? n : -1;
        if (*at != ',')
            return -1;
        n++;
    }
}

/* A control character or no UTF-8 in a JSON text would not be read. */
static void check_entry(const struct va_history_entry *entry)
{
    struct va_buffer out;
    struct va_json json = {.out = &out};

    va_buffer_init(&out, (size_t)1 << 24);
    FUZZ_CHECK(va_history_entry_csv(&out, entry) == 0);
    FUZZ_CHECK(count_cells(out.data) == 13 && va_utf8_valid(out.data, out.size));
    va_buffer_clear(&out);
    va_history_entry_json(&json, entry);
    FUZZ_CHECK(json.error == 0);
    json_t *read = json_loadb(out.data, out.size, 0, NULL);
    FUZZ_CHECK(json_object_size(read) == 13);
    json_decref(read);
    va_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = va_strndup((const char *)data, size);

    FUZZ_CHECK(text != NULL);
    check_query(text);
    check_entry(&(struct va_history_entry){.id = (int64_t)size,
                                           .unix_s = size > 0 ? data[0] * 1e9 : (double)NAN,
                                           .kind = "command",
                                           .source = text,
                                           .text = text,
                                           .slots_json = text,
                                           .response = text,
                                           .confidence = (double)NAN});
    va_free(text);
    return 0;
}
