#include "wyoming/frame.h"

#include <string.h>

#include "base/memory.h"

/* Of the package whose form this is. */
#define WYOMING_VERSION "1.8.0"

struct va_wyoming_reader {
    struct va_buffer bytes;     /* from the beginning of the event that is being read */
    size_t taken;               /* of them, by the event that was given last */
    size_t looked;              /* of them, in vain, for the line's end */
    size_t line, data, payload; /* bytes of each, once the line is read */
    json_t *event;              /* its line, then with all data */
};

va_wyoming_reader *va_wyoming_reader_new(void)
{
    va_wyoming_reader *reader = va_calloc(1, sizeof *reader);

    if (reader != NULL)
        va_buffer_init(&reader->bytes, 2 * (size_t)(VA_WYOMING_MAX_LINE_BYTES + VA_WYOMING_MAX_DATA_BYTES + VA_WYOMING_MAX_PAYLOAD_BYTES));
    return reader;
}

void va_wyoming_reader_free(va_wyoming_reader *reader)
{
    if (reader == NULL)
        return;
    json_decref(reader->event);
    va_buffer_free(&reader->bytes);
    va_free(reader);
}

int va_wyoming_reader_push(va_wyoming_reader *reader, const void *bytes, size_t n)
{
    return va_buffer_append(&reader->bytes, bytes, n);
}

/* The event that was given is done with. */
static void drop(va_wyoming_reader *reader)
{
    if (reader->taken == 0)
        return;
    json_decref(reader->event);
    reader->event = NULL;
    reader->bytes.size -= reader->taken;
    memmove(reader->bytes.data, reader->bytes.data + reader->taken, reader->bytes.size);
    reader->taken = reader->looked = 0;
    if (reader->bytes.size == 0)
        va_buffer_free(&reader->bytes); /* a large one may not come again */
}

static int get_length(const json_t *event, const char *name, size_t max, size_t *ret_length, va_error *error)
{
    const json_t *value = json_object_get(event, name);
    json_int_t length = json_integer_value(value);

    if (value != NULL && !json_is_null(value) && (!json_is_integer(value) || length < 0))
        return va_fail(error, VA_EFORMAT, "%s is no length", name);
    if (length > (json_int_t)max)
        return va_fail(error, VA_ELIMIT, "%s is more than %zu", name, max);
    *ret_length = (size_t)length;
    return 0;
}

static int read_object(const char *text, size_t n, const char *what, json_t **ret_object, va_error *error)
{
    json_error_t reason;
    json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &reason);

    if (object == NULL && json_error_code(&reason) == json_error_out_of_memory)
        return va_fail_memory(error);
    if (!json_is_object(object)) {
        json_decref(object);
        return va_fail(error, VA_EFORMAT, "%s is no JSON object", what);
    }
    *ret_object = object;
    return 0;
}

/* 1: the line is there and read. */
static int read_line(va_wyoming_reader *reader, va_error *error)
{
    const char *start = reader->bytes.data, *end;
    json_t *event = NULL, *data;
    int r;

    if (reader->bytes.size == 0)
        return 0;
    end = memchr(start + reader->looked, '\n', reader->bytes.size - reader->looked);
    reader->looked = reader->bytes.size;
    if ((end == NULL ? reader->bytes.size : (size_t)(end - start)) > VA_WYOMING_MAX_LINE_BYTES)
        return va_fail(error, VA_ELIMIT, "a line is longer than %d bytes", VA_WYOMING_MAX_LINE_BYTES);
    if (start[0] != '{') /* no other protocol is listened to for long */
        return va_fail(error, VA_EFORMAT, "an event begins with {");
    if (end == NULL)
        return 0;
    if ((r = read_object(start, (size_t)(end - start), "the line of an event", &event, error)) < 0)
        return r;
    data = json_object_get(event, "data");
    if (!json_is_string(json_object_get(event, "type")))
        r = va_fail(error, VA_EFORMAT, "an event has no type");
    else if (data != NULL && !json_is_null(data) && !json_is_object(data))
        r = va_fail(error, VA_EFORMAT, "the data of an event is no JSON object");
    if (r < 0 || (r = get_length(event, "data_length", VA_WYOMING_MAX_DATA_BYTES, &reader->data, error)) < 0 ||
        (r = get_length(event, "payload_length", VA_WYOMING_MAX_PAYLOAD_BYTES, &reader->payload, error)) < 0) {
        json_decref(event);
        return r;
    }
    reader->line = (size_t)(end - start) + 1;
    reader->event = event;
    return 1;
}

/* What stands behind the line goes before what stands in it. */
static int read_data(va_wyoming_reader *reader, va_error *error)
{
    json_t *data = json_object_get(reader->event, "data"), *more = NULL;
    int r = reader->data > 0 ? read_object(reader->bytes.data + reader->line, reader->data, "the data of an event", &more, error) : 0;

    if (r < 0)
        return r;
    if (!json_is_object(data)) {
        data = more != NULL ? json_incref(more) : json_object();
        r = json_object_set_new(reader->event, "data", data);
    } else if (more != NULL) {
        r = json_object_update(data, more);
    }
    json_decref(more);
    return r < 0 ? va_fail_memory(error) : 0;
}

int va_wyoming_reader_next(va_wyoming_reader *reader, struct va_wyoming_event *ret_event, va_error *error)
{
    int r;

    drop(reader);
    if (reader->event == NULL && (r = read_line(reader, error)) <= 0)
        return r;
    size_t size = reader->line + reader->data + reader->payload;
    if (reader->bytes.size < size)
        return 0;
    if ((r = read_data(reader, error)) < 0)
        return r;
    reader->taken = size;
    *ret_event = (struct va_wyoming_event){.type = json_string_value(json_object_get(reader->event, "type")),
                                           .data = json_object_get(reader->event, "data"),
                                           .payload = (const uint8_t *)reader->bytes.data + reader->line + reader->data,
                                           .n_payload = reader->payload};
    return 1;
}

int va_wyoming_write(struct va_buffer *out, const char *type, const char *data, size_t n_data, const void *payload, size_t n_payload)
{
    size_t before = out->size;
    int r = va_buffer_printf(out, "{\"type\": \"%s\", \"version\": \"" WYOMING_VERSION "\"", type);

    if (r == 0 && n_data > 0)
        r = va_buffer_printf(out, ", \"data_length\": %zu", n_data);
    if (r == 0 && n_payload > 0)
        r = va_buffer_printf(out, ", \"payload_length\": %zu", n_payload);
    if (r == 0)
        r = va_buffer_append(out, "}\n", 2);
    if (r == 0 && n_data > 0)
        r = va_buffer_append(out, data, n_data);
    if (r == 0 && n_payload > 0)
        r = va_buffer_append(out, payload, n_payload);
    if (r < 0 && out->data != NULL) {
        out->size = before;
        out->data[before] = '\0';
    }
    return r;
}
