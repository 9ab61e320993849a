/* queue.h - a task as the workers keep it, and the lists it waits in. No locks: see state.h. */
#ifndef VA_WORKERS_QUEUE_H
#define VA_WORKERS_QUEUE_H

#include <stdatomic.h>

#include "base/error.h"
#include "workers/lane.h"

struct va_queued_task {
    va_task task; /* options points to the copy */
    va_transcribe_options options;
    float *own_pcm;               /* the copy, when there is no release */
    int is_ours;                  /* only the workers can do it, no lane */
    struct va_lane_source source; /* in place of the task's own; read NULL: none */
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
void va_task_list_put_first(struct va_task_list *list, struct va_queued_task *queued);
struct va_queued_task *va_task_list_take(struct va_task_list *list);       /* NULL when empty */
struct va_queued_task *va_task_list_take_short(struct va_task_list *list); /* the first short one, or NULL */

/* The first that a lane can do, and the first for a worker when n_left of those are left to lanes. NULL when there is none. */
struct va_queued_task *va_task_list_take_outside(struct va_task_list *list);
struct va_queued_task *va_task_list_take_ours(struct va_task_list *list, size_t n_left);
int va_task_list_has_ours(const struct va_task_list *list, size_t n_left);

/* Known to take little time. */
int va_queued_task_is_short(const struct va_queued_task *queued);

#endif
