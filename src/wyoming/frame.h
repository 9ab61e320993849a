/* frame.h - Wyoming's events as bytes: a line of JSON, then data (JSON) and payload (bytes) of the lengths it names. No input or output.
 *
 *     {"type": "audio-chunk", "data_length": 43, "payload_length": 2048}\n{"rate": 16000, ...}...
 *
 * What Home Assistant's package `wyoming` writes and reads; older versions of it put the data into the line. */
#ifndef VA_WYOMING_FRAME_H
#define VA_WYOMING_FRAME_H

#include <jansson.h>

#include "base/buffer.h"

#define VA_WYOMING_MAX_LINE_BYTES 65536
#define VA_WYOMING_MAX_DATA_BYTES 262144
#define VA_WYOMING_MAX_PAYLOAD_BYTES 1048576

typedef struct va_wyoming_reader va_wyoming_reader;

struct va_wyoming_event {
    const char *type;
    json_t *data; /* an object */
    const uint8_t *payload;
    size_t n_payload;
};

/* NULL when out of memory. */
va_wyoming_reader *va_wyoming_reader_new(void);
void va_wyoming_reader_free(va_wyoming_reader *reader);

/* Bytes that came, cut anywhere. Between two calls all events are to be taken. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_wyoming_reader_push(va_wyoming_reader *reader, const void *bytes, size_t n);

/* 1: the next event, valid until the next call; 0: more bytes are needed. VA_EFORMAT, VA_ELIMIT: it is none; what follows cannot be read
 * any more. VA_ENOMEM. */
VA_MUST_CHECK int va_wyoming_reader_next(va_wyoming_reader *reader, struct va_wyoming_event *ret_event, va_error *error);

/* Appends an event. data: the text of a JSON object [n_data], or NULL; payload [n_payload]. VA_ENOMEM, VA_ELIMIT. */
VA_MUST_CHECK int va_wyoming_write(struct va_buffer *out, const char *type, const char *data, size_t n_data, const void *payload,
                                   size_t n_payload);

#endif
