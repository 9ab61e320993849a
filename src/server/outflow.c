#include "server/outflow.h"

#include "base/memory.h"

void va_outflow_init(struct va_outflow *outflow, va_request *request)
{
    *outflow = (struct va_outflow){.request = request};
    pthread_mutex_init(&outflow->lock, NULL);
    va_buffer_init(&outflow->waiting, VA_OUTFLOW_MAX_BYTES);
    atomic_store(&request->outflow, outflow);
}

void va_outflow_free(struct va_outflow *outflow)
{
    if (outflow == NULL)
        return;
    va_buffer_free(&outflow->waiting);
    pthread_mutex_destroy(&outflow->lock);
    va_free(outflow);
}

static void deliver(struct va_outflow *outflow)
{
    outflow->queued = 1;
    va_request_hold(outflow->request);
    outflow->request->sink->deliver(outflow->request->sink->user, outflow->request);
}

/* Under lock, so that nobody is told once the server's side has left. */
static void tell(struct va_outflow *outflow)
{
    if (!outflow->gone && !outflow->queued && !va_request_is_gone(outflow->request))
        deliver(outflow);
}

/* Under lock. */
static int append(struct va_outflow *outflow, const void *head, size_t n_head, const void *data, size_t n_data)
{
    size_t n_before = outflow->waiting.size;
    int r;

    if (outflow->gone || outflow->end != VA_OUTFLOW_OPEN || va_request_is_gone(outflow->request))
        return VA_ECANCELLED;
    if (outflow->n_taken + n_before + n_head + n_data > VA_OUTFLOW_MAX_BYTES)
        return VA_ELIMIT;
    if ((r = va_buffer_reserve(&outflow->waiting, n_head + n_data)) < 0)
        return r;
    if (n_head > 0)
        r = va_buffer_append(&outflow->waiting, head, n_head);
    if (r == 0 && n_data > 0)
        r = va_buffer_append(&outflow->waiting, data, n_data);
    return r;
}

int va_outflow_write(struct va_outflow *outflow, const void *head, size_t n_head, const void *data, size_t n_data)
{
    pthread_mutex_lock(&outflow->lock);
    int r = append(outflow, head, n_head, data, n_data);
    if (r == 0)
        tell(outflow);
    pthread_mutex_unlock(&outflow->lock);
    return r;
}

void va_outflow_finish(struct va_outflow *outflow, const void *data, size_t n)
{
    pthread_mutex_lock(&outflow->lock);
    (void)append(outflow, NULL, 0, data, n);
    outflow->end = VA_OUTFLOW_ENDED;
    tell(outflow);
    pthread_mutex_unlock(&outflow->lock);
}

void va_outflow_end(struct va_outflow *outflow, enum va_outflow_end end)
{
    pthread_mutex_lock(&outflow->lock);
    outflow->end = end;
    tell(outflow);
    pthread_mutex_unlock(&outflow->lock);
}

void va_outflow_wake(struct va_outflow *outflow)
{
    pthread_mutex_lock(&outflow->lock);
    tell(outflow);
    pthread_mutex_unlock(&outflow->lock);
}

void va_outflow_announce(struct va_outflow *outflow)
{
    pthread_mutex_lock(&outflow->lock);
    deliver(outflow);
    pthread_mutex_unlock(&outflow->lock);
}

void va_outflow_heard(struct va_outflow *outflow)
{
    pthread_mutex_lock(&outflow->lock);
    outflow->queued = 0;
    pthread_mutex_unlock(&outflow->lock);
}

enum va_outflow_end va_outflow_take(struct va_outflow *outflow, struct va_buffer *ret_data)
{
    pthread_mutex_lock(&outflow->lock);
    va_buffer_free(ret_data);
    *ret_data = outflow->waiting;
    va_buffer_init(&outflow->waiting, VA_OUTFLOW_MAX_BYTES);
    outflow->n_taken = ret_data->size;
    enum va_outflow_end end = outflow->end;
    pthread_mutex_unlock(&outflow->lock);
    return end;
}

void va_outflow_leave(struct va_outflow *outflow)
{
    pthread_mutex_lock(&outflow->lock);
    outflow->gone = 1;
    va_buffer_free(&outflow->waiting);
    pthread_mutex_unlock(&outflow->lock);
}
