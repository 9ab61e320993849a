/* websocket.h - frames of RFC 6455, read strictly from pieces of any size and written. Knows no socket. One thread at a time. */
#ifndef VA_SERVER_WEBSOCKET_H
#define VA_SERVER_WEBSOCKET_H

#include "base/buffer.h"

#define VA_WEBSOCKET_MAX_CONTROL_BYTES 125
#define VA_WEBSOCKET_MAX_HEAD_BYTES 10

enum va_websocket_opcode {
    VA_WEBSOCKET_CONTINUATION = 0,
    VA_WEBSOCKET_TEXT = 1,
    VA_WEBSOCKET_BINARY = 2,
    VA_WEBSOCKET_CLOSE = 8,
    VA_WEBSOCKET_PING = 9,
    VA_WEBSOCKET_PONG = 10
};

enum va_websocket_code { /* why it is closed */
                         VA_WEBSOCKET_NORMAL = 1000,
                         VA_WEBSOCKET_GOING = 1001,
                         VA_WEBSOCKET_PROTOCOL = 1002,
                         VA_WEBSOCKET_NOTHING = 1005, /* stands for a close that says nothing */
                         VA_WEBSOCKET_NO_TEXT = 1007,
                         VA_WEBSOCKET_POLICY = 1008,
                         VA_WEBSOCKET_TOO_LARGE = 1009,
                         VA_WEBSOCKET_INTERNAL = 1011,
                         VA_WEBSOCKET_LATER = 1013
};

struct va_websocket {
    size_t max_message;
    unsigned char head[14]; /* of the present frame; [n_head] have come, [n_need] are needed as far as is known */
    size_t n_head, n_need;
    int in_payload;
    uint64_t left;                                         /* bytes of the payload to come */
    unsigned mask_at;                                      /* the next byte of the mask */
    unsigned n_empty;                                      /* frames without a payload in the present message */
    int message_opcode;                                    /* of the message being read; 0: none */
    struct va_buffer message;                              /* so far */
    unsigned char control[VA_WEBSOCKET_MAX_CONTROL_BYTES]; /* [n_control] of the present control frame */
    size_t n_control;
};

/* What was read. */
struct va_websocket_event {
    int opcode;       /* TEXT or BINARY: a whole message; CLOSE, PING, PONG; 0: nothing yet */
    const char *data; /* [n], until the next call */
    size_t n;
    int close_code; /* CLOSE: what it says, 1005 when nothing */
};

void va_websocket_begin(struct va_websocket *websocket, size_t max_message);
void va_websocket_end(struct va_websocket *websocket); /* gives the memory of a message back; reading may go on after a whole one */

/* Reads up to one event. Returns 0 with the bytes used, or the close code to end with: 1002 (protocol), 1007 (no UTF-8), 1009 (too
 * large), 1011 (out of memory). */
int va_websocket_read(struct va_websocket *websocket, const char *data, size_t n, size_t *ret_used, struct va_websocket_event *ret_event);

/* The head of a whole frame of n bytes, as a server sends it. Returns its length. */
size_t va_websocket_head(int opcode, size_t n, unsigned char ret_head[VA_WEBSOCKET_MAX_HEAD_BYTES]);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key. VA_EFORMAT: it is none. */
VA_MUST_CHECK int va_websocket_accept(const char *key, char ret_accept[29]);

#endif
