/* A client's frames through the reader of WebSocket. First byte: the size of the pieces. */
#include "fuzz.h"

#include <string.h>

#include "base/utf8.h"
#include "server/websocket.h"

#define MAX_MESSAGE 300

static void check(const struct va_websocket_event *event)
{
    switch (event->opcode) {
    case 0:
    case VA_WEBSOCKET_BINARY:
        break;
    case VA_WEBSOCKET_TEXT:
        FUZZ_CHECK(event->n == 0 || va_utf8_valid(event->data, event->n));
        break;
    case VA_WEBSOCKET_CLOSE:
        FUZZ_CHECK(event->close_code >= 1000 && event->close_code < 5000 && event->close_code != 1006);
        break;
    default:
        FUZZ_CHECK(event->opcode == VA_WEBSOCKET_PING || event->opcode == VA_WEBSOCKET_PONG);
    }
    FUZZ_CHECK(event->n <= MAX_MESSAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct va_websocket websocket;
    struct va_websocket_event event;
    int code = 0;

    if (size == 0)
        return 0;
    va_websocket_begin(&websocket, MAX_MESSAGE);
    size_t step = 1 + bytes[0];
    for (size_t i = 1; code == 0 && i < size;) {
        size_t n = size - i < step ? size - i : step, used;
        code = va_websocket_read(&websocket, (const char *)bytes + i, n, &used, &event);
        FUZZ_CHECK(used <= n && (used > 0 || code != 0));
        FUZZ_CHECK(code == 0 || code == 1002 || code == 1007 || code == 1009);
        if (code == 0)
            check(&event);
        i += used;
    }
    va_websocket_end(&websocket);
    return 0;
}
