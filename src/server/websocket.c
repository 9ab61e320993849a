#include "server/websocket.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/utf8.h"

#define MASK_AT 2
#define MAX_EMPTY_FRAMES 1000

void va_websocket_begin(struct va_websocket *websocket, size_t max_message)
{
    memset(websocket, 0, sizeof *websocket);
    websocket->max_message = max_message;
    websocket->n_need = 2;
    va_buffer_init(&websocket->message, max_message);
}

void va_websocket_end(struct va_websocket *websocket)
{
    va_buffer_free(&websocket->message);
}

static int opcode_of(const struct va_websocket *websocket)
{
    return websocket->head[0] & 0x0f;
}

static int is_final(const struct va_websocket *websocket)
{
    return websocket->head[0] >> 7;
}

static int is_control(int opcode)
{
    return opcode >= VA_WEBSOCKET_CLOSE;
}

/* The first two bytes: what may stand there, and how long the head is. */
static int check_start(struct va_websocket *websocket)
{
    int opcode = opcode_of(websocket), length = websocket->head[1] & 0x7f;

    if ((websocket->head[0] & 0x70) != 0 || (websocket->head[1] & 0x80) == 0)
        return VA_WEBSOCKET_PROTOCOL; /* an extension that was not agreed on, or no mask */
    if (is_control(opcode)) {
        if (opcode > VA_WEBSOCKET_PONG || !is_final(websocket) || length > VA_WEBSOCKET_MAX_CONTROL_BYTES)
            return VA_WEBSOCKET_PROTOCOL;
    } else if (opcode > VA_WEBSOCKET_BINARY || (opcode == VA_WEBSOCKET_CONTINUATION) != (websocket->message_opcode != 0)) {
        return VA_WEBSOCKET_PROTOCOL;
    }
    websocket->n_need = length == 127 ? 14 : length == 126 ? 8 : 6;
    return 0;
}

static int finish_head(struct va_websocket *websocket)
{
    const unsigned char *head = websocket->head;
    size_t n_length = websocket->n_need - 6; /* 0, 2 or 8 bytes */
    uint64_t length = head[1] & 0x7f;

    if (n_length > 0) {
        length = 0;
        for (size_t i = 0; i < n_length; i++)
            length = length << 8 | head[2 + i];
        if (length >> 63 || length < (n_length == 2 ? 126 : 65536))
            return VA_WEBSOCKET_PROTOCOL; /* there is one way to write a length */
    }
    if (!is_control(opcode_of(websocket))) {
        if (length > websocket->max_message - websocket->message.size)
            return VA_WEBSOCKET_TOO_LARGE;
        if (length == 0 && ++websocket->n_empty > MAX_EMPTY_FRAMES)
            return VA_WEBSOCKET_PROTOCOL;
        if (opcode_of(websocket) != VA_WEBSOCKET_CONTINUATION)
            websocket->message_opcode = opcode_of(websocket);
    }
    websocket->left = length;
    websocket->mask_at = 0;
    websocket->n_control = 0;
    websocket->in_payload = 1;
    return 0;
}

static int take_payload(struct va_websocket *websocket, const char *data, size_t n)
{
    const unsigned char *mask = websocket->head + websocket->n_need - 4;
    char *to = (char *)websocket->control + websocket->n_control;

    if (n == 0)
        return 0;
    if (!is_control(opcode_of(websocket))) {
        if (va_buffer_append(&websocket->message, data, n) < 0)
            return VA_WEBSOCKET_INTERNAL;
        to = websocket->message.data + websocket->message.size - n;
    } else {
        websocket->n_control += n;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(data[i] ^ mask[websocket->mask_at++ & 3]);
    websocket->left -= n;
    return 0;
}

static int is_close_code(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

static int finish_control(struct va_websocket *websocket, struct va_websocket_event *ret_event)
{
    const unsigned char *data = websocket->control;
    size_t n = websocket->n_control;

    *ret_event = (struct va_websocket_event){.opcode = opcode_of(websocket), .data = (const char *)data, .n = n};
    if (ret_event->opcode != VA_WEBSOCKET_CLOSE)
        return 0;
    ret_event->close_code = n == 0 ? VA_WEBSOCKET_NOTHING : n == 1 ? 0 : data[0] << 8 | data[1];
    if (n > 0 && !is_close_code(ret_event->close_code))
        return VA_WEBSOCKET_PROTOCOL;
    return n > 2 && !va_utf8_valid((const char *)data + 2, n - 2) ? VA_WEBSOCKET_NO_TEXT : 0;
}

static int finish_frame(struct va_websocket *websocket, struct va_websocket_event *ret_event)
{
    websocket->in_payload = 0;
    websocket->n_head = 0;
    websocket->n_need = 2;
    if (is_control(opcode_of(websocket)))
        return finish_control(websocket, ret_event);
    if (!is_final(websocket))
        return 0;
    struct va_buffer *message = &websocket->message;
    if (websocket->message_opcode == VA_WEBSOCKET_TEXT && message->size > 0 && !va_utf8_valid(message->data, message->size))
        return VA_WEBSOCKET_NO_TEXT;
    *ret_event = (struct va_websocket_event){
        .opcode = websocket->message_opcode, .data = message->data != NULL ? message->data : "", .n = message->size};
    websocket->message_opcode = 0;
    websocket->n_empty = 0;
    return 0;
}

int va_websocket_read(struct va_websocket *websocket, const char *data, size_t n, size_t *ret_used, struct va_websocket_event *ret_event)
{
    size_t used = 0;
    int code = 0;

    *ret_event = (struct va_websocket_event){0};
    if (websocket->message_opcode == 0)
        va_websocket_end(websocket); /* the message of the call before */
    while (code == 0 && ret_event->opcode == 0) {
        if (!websocket->in_payload) {
            if (used == n)
                break;
            websocket->head[websocket->n_head++] = (unsigned char)data[used++];
            if (websocket->n_head == 2)
                code = check_start(websocket);
            else if (websocket->n_head == websocket->n_need)
                code = finish_head(websocket);
            continue;
        }
        size_t take = n - used < websocket->left ? n - used : (size_t)websocket->left;
        code = take_payload(websocket, data + used, take);
        used += take;
        if (code != 0 || websocket->left > 0)
            break;
        code = finish_frame(websocket, ret_event);
    }
    *ret_used = used;
    return code;
}

size_t va_websocket_head(int opcode, size_t n, unsigned char ret_head[VA_WEBSOCKET_MAX_HEAD_BYTES])
{
    size_t n_length = n < 126 ? 0 : n < 65536 ? 2 : 8;

    ret_head[0] = (unsigned char)(0x80 | opcode);
    ret_head[1] = (unsigned char)(n_length == 0 ? n : n_length == 2 ? 126 : 127);
    for (size_t i = 0; i < n_length; i++)
        ret_head[2 + i] = (unsigned char)((uint64_t)n >> 8 * (n_length - 1 - i));
    return 2 + n_length;
}

int va_websocket_accept(const char *key, char ret_accept[29])
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[64];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n;

    if (strlen(key) != 24 || strspn(key, base64) != 22 || strcmp(key + 22, "==") != 0)
        return VA_EFORMAT;
    memcpy(text, key, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 37);
    if (EVP_Digest(text, 60, digest, &n, EVP_sha1(), NULL) != 1)
        return VA_ENOMEM;
    EVP_EncodeBlock((unsigned char *)ret_accept, digest, (int)n);
    return 0;
}
