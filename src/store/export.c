#include "store/export.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/utf8.h"

#define PAGE 100
#define PIECE_BYTES ((size_t)256 << 10) /* written when it is this long */
#define MAX_PIECE_BYTES (PIECE_BYTES + 8 * VA_HISTORY_MAX_ENTRY_BYTES)

/* ---- JSON ---- */

/* What is in the file may be damaged: only what is an object of texts is passed on. */
static void add_slots(struct va_json *json, const char *text)
{
    json_t *slots = text == NULL ? NULL : json_loads(text, 0, NULL), *value;
    const char *name;

    if (!json_is_object(slots)) {
        va_json_text(json, "slots", NULL);
    } else {
        va_json_open(json, "slots", '{');
        json_object_foreach(slots, name, value)
        {
            va_json_text(json, name, json_string_value(value));
        }
        va_json_close(json, '}');
    }
    json_decref(slots);
}

void va_history_entry_json(struct va_json *json, const struct va_history_entry *entry)
{
    char time[VA_CLOCK_TEXT_SIZE];

    va_clock_text(entry->unix_s, time);
    va_json_open(json, NULL, '{');
    va_json_integer(json, "id", entry->id);
    va_json_text(json, "time", time);
    va_json_text(json, "kind", entry->kind);
    va_json_text(json, "source", entry->source);
    va_json_text(json, "request_id", entry->request_id);
    va_json_text(json, "text", entry->text);
    va_json_text(json, "language", entry->language);
    va_json_text(json, "command", entry->command);
    add_slots(json, entry->slots_json);
    va_json_text(json, "response", entry->response);
    va_json_number(json, "confidence", entry->confidence, 4);
    va_json_number(json, "duration", entry->duration_s, 3);
    va_json_bool(json, "success", entry->success);
    va_json_close(json, '}');
}

/* ---- CSV ---- */

static int is_formula(const char *text)
{
    return text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
}

/* Quoted where it must be; bytes that are no UTF-8 become U+FFFD. */
static int add_cell(struct va_buffer *out, const char *text)
{
    int is_quoted = text[strcspn(text, ",\"\r\n")] != '\0', r = is_quoted ? va_buffer_append(out, "\"", 1) : 0;
    size_t left = strlen(text);

    if (r == 0 && is_formula(text))
        r = va_buffer_append(out, "'", 1);
    while (r == 0 && left > 0) {
        uint32_t code;
        size_t n = (size_t)va_utf8_next(text, left, &code);
        if (n == 0)
            r = va_buffer_append(out, "\xef\xbf\xbd", 3);
        else if (text[0] == '"')
            r = va_buffer_append(out, "\"\"", 2);
        else
            r = va_buffer_append(out, text, n);
        text += n > 0 ? n : 1;
        left -= n > 0 ? n : 1;
    }
    return r == 0 && is_quoted ? va_buffer_append(out, "\"", 1) : r;
}

static int add_number(struct va_buffer *out, double value, int decimals)
{
    return isfinite(value) ? va_buffer_printf(out, ",%.*f", decimals, value) : va_buffer_append(out, ",", 1);
}

int va_history_entry_csv(struct va_buffer *out, const struct va_history_entry *entry)
{
    const char *const texts[] = {entry->kind,     entry->source,  entry->request_id, entry->text,
                                 entry->language, entry->command, entry->slots_json, entry->response};
    char time[VA_CLOCK_TEXT_SIZE];
    size_t size = out->size;

    va_clock_text(entry->unix_s, time);
    int r = va_buffer_printf(out, "%lld,%s", (long long)entry->id, time);
    for (int i = 0; i < 8 && r == 0; i++) {
        r = va_buffer_append(out, ",", 1);
        if (r == 0 && texts[i] != NULL)
            r = add_cell(out, texts[i]);
    }
    if (r == 0)
        r = add_number(out, entry->confidence, 4);
    if (r == 0)
        r = add_number(out, entry->duration_s, 3);
    if (r == 0)
        r = va_buffer_printf(out, ",%s\r\n", entry->success ? "true" : "false");
    if (r < 0 && out->data != NULL)
        out->data[out->size = size] = '\0';
    return r;
}

/* ---- all of it ---- */

struct piece {
    enum va_history_format format;
    struct va_buffer buffer;
    int64_t last_id;
};

static int format_entry(struct piece *piece, const struct va_history_entry *entry)
{
    struct va_json json = {.out = &piece->buffer};

    if (piece->format == VA_HISTORY_CSV)
        return va_history_entry_csv(&piece->buffer, entry);
    va_history_entry_json(&json, entry);
    return json.error < 0 ? json.error : va_buffer_append(&piece->buffer, "\n", 1);
}

/* VA_ECANCELLED: the piece is long enough, the page ends here. */
static int add_entry(void *user, const struct va_history_entry *entry)
{
    struct piece *piece = user;
    int r = format_entry(piece, entry);

    piece->last_id = entry->id;
    return r == 0 && piece->buffer.size >= PIECE_BYTES ? VA_ECANCELLED : r;
}

int va_history_export(va_history *history, const struct va_history_query *query, enum va_history_format format, va_history_write_fn write,
                      void *user, va_error *error)
{
    struct va_history_query page = *query;
    struct piece piece = {.format = format};
    int r = format == VA_HISTORY_CSV ? write(user, VA_HISTORY_CSV_HEADER, strlen(VA_HISTORY_CSV_HEADER)) : 0;

    if (r < 0)
        return va_fail(error, r, "the export ended: %s", va_status_text(r));
    page.limit = PAGE;
    va_buffer_init(&piece.buffer, MAX_PIECE_BYTES);
    do {
        va_buffer_clear(&piece.buffer);
        r = va_history_list(history, &page, add_entry, &piece, &page.before_id, error);
        if (r == VA_ECANCELLED) {
            page.before_id = piece.last_id;
            r = 0;
        }
        if (r == 0 && piece.buffer.size > 0 && (r = write(user, piece.buffer.data, piece.buffer.size)) < 0)
            r = va_fail(error, r, "the export ended: %s", va_status_text(r));
    } while (r == 0 && page.before_id > 0);
    va_buffer_free(&piece.buffer);
    return r;
}
