/* queue.h - a task as the workers keep it, and the lists it waits in. No locks: see state.h. */
#ifndef VA_WORKERS_QUEUE_H
#define VA_WORKERS_QUEUE_H

#include <stdatomic.h>

#include "base/error.h"

struct va_queued_task {
    va_task task; /* options points to the copy */
    va_transcribe_options options;
    float *own_pcm; /* the copy, when there is no release */
    _Atomic int cancelled;
    va_task_result result; /* when it has ended */
    struct va_queued_task *next;
};

/* First in, first out. */
struct va_task_list {
    struct va_queued_task *first, **end;
    size_t n;
};

/* Copies the task, its options and, without release, its audio. VA_EINVAL, VA_ENOMEM. */
VA_MUST_CHECK int va_queued_task_new(const va_task *task, struct va_queued_task **ret_queued, va_error *error);

/* Calls release; the audio is not needed any more. */
void va_queued_task_release(struct va_queued_task *queued);
/* Frees the copies only, neither the caller's audio nor the result's transcript. */
void va_queued_task_free(struct va_queued_task *queued);

void va_task_list_init(struct va_task_list *list);
void va_task_list_append(struct va_task_list *list, struct va_queued_task *queued);
struct va_queued_task *va_task_list_take(struct va_task_list *list); /* NULL when empty */

#endif
