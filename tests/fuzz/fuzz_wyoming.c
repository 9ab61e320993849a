/* Events in pieces: the first byte says of what size. However they are cut, the same events are read; what is written of them is read
 * again. */
#include "fuzz.h"

#include <string.h>

#include "wyoming/frame.h"

#define MAX_OUT_BYTES 8388608

/* Writes down what was read; returns how it ended. */
static int read_all(const uint8_t *bytes, size_t size, size_t piece, struct va_buffer *out)
{
    va_wyoming_reader *reader = va_wyoming_reader_new();
    struct va_wyoming_event event;
    int r = reader != NULL ? 0 : VA_ENOMEM;

    for (size_t at = 0; r == 0 && at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        r = va_wyoming_reader_push(reader, bytes + at, n);
        while (r == 0 && (r = va_wyoming_reader_next(reader, &event, NULL)) == 1) {
            char *data = json_dumps(event.data, JSON_SORT_KEYS);
            FUZZ_CHECK(event.type != NULL && data != NULL);
            r = va_buffer_append(out, data, strlen(data));
            if (r == 0)
                r = va_buffer_append(out, event.payload, event.n_payload);
            free(data);
        }
    }
    va_wyoming_reader_free(reader);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct va_buffer whole, pieces;

    if (size == 0)
        return 0;
    va_buffer_init(&whole, MAX_OUT_BYTES);
    va_buffer_init(&pieces, MAX_OUT_BYTES);
    int r = read_all(bytes + 1, size - 1, size, &whole);
    FUZZ_CHECK(r == 0 || r == VA_EFORMAT || r == VA_ELIMIT);
    int s = read_all(bytes + 1, size - 1, bytes[0] % 32u + 1, &pieces);
    FUZZ_CHECK((s < 0) == (r < 0));
    FUZZ_CHECK(whole.size == pieces.size && (whole.size == 0 || memcmp(whole.data, pieces.data, whole.size) == 0));
    va_buffer_free(&whole);
    va_buffer_free(&pieces);
    return 0;
}
