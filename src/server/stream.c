/* Replies in pieces. */
#include <stdio.h>

#include "base/memory.h"
#include "server/outflow.h"

struct va_stream_reply {
    struct va_outflow outflow;
};

int va_request_stream(va_request *request, int status, const char *content_type, va_stream_reply **ret_stream)
{
    va_stream_reply *stream = va_alloc(1, sizeof *stream);
    if (stream == NULL)
        return VA_ENOMEM;
    request->kind = VA_REPLY_STREAM;
    request->status = status;
    snprintf(request->content_type, sizeof request->content_type, "%s", content_type);
    va_outflow_init(&stream->outflow, request);
    *ret_stream = stream;
    va_outflow_wake(&stream->outflow); /* the head goes out at once */
    return 0;
}

int va_stream_reply_write(va_stream_reply *stream, const char *data, size_t n)
{
    return va_outflow_write(&stream->outflow, NULL, 0, data, n);
}

int va_stream_reply_may_go_on(const va_stream_reply *stream)
{
    return va_request_may_go_on(stream->outflow.request);
}

int va_stream_reply_is_gone(const va_stream_reply *stream)
{
    return va_request_is_gone(stream->outflow.request);
}

static void end(va_stream_reply *stream, enum va_outflow_end end)
{
    va_outflow_end(&stream->outflow, end);
    va_request_release(stream->outflow.request);
}

void va_stream_reply_end(va_stream_reply *stream)
{
    end(stream, VA_OUTFLOW_ENDED);
}

void va_stream_reply_cut(va_stream_reply *stream)
{
    end(stream, VA_OUTFLOW_CUT);
}
