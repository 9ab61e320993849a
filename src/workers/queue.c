#include "workers/queue.h"

#include <string.h>

#include "base/memory.h"

static int check(const va_task *task, va_error *error)
{
    if (task->priority < VA_PRIORITY_LIVE || task->priority > VA_PRIORITY_UPLOAD)
        return va_fail(error, VA_EINVAL, "unknown priority %d", task->priority);
    if (task->read != NULL ? task->pcm != NULL : task->pcm == NULL && task->n_samples > 0)
        return va_fail(error, VA_EINVAL, "a task needs either samples or a function that reads them");
    return 0;
}

static int copy_pcm(struct va_queued_task *queued)
{
    if (queued->task.release != NULL || queued->task.pcm == NULL)
        return 0;
    queued->own_pcm = va_alloc(queued->task.n_samples, sizeof *queued->own_pcm);
    if (queued->own_pcm == NULL)
        return VA_ENOMEM;
    memcpy(queued->own_pcm, queued->task.pcm, queued->task.n_samples * sizeof *queued->own_pcm);
    queued->task.pcm = queued->own_pcm;
    return 0;
}

int va_queued_task_new(const va_task *task, struct va_queued_task **ret_queued, va_error *error)
{
    int r = check(task, error);
    if (r < 0)
        return r;
    struct va_queued_task *queued = va_calloc(1, sizeof *queued);
    if (queued == NULL)
        return va_fail_memory(error);
    queued->task = *task;
    if (task->options != NULL)
        queued->options = *task->options;
    else
        va_transcribe_options_init(&queued->options);
    queued->task.options = &queued->options;
    queued->result.id = task->id;
    queued->is_ours = queued->options.steering != NULL;
    /* Both, so that none is left pointing to the caller's string. */
    int language = va_strdup_at(&queued->options.language), prompt = va_strdup_at(&queued->options.prompt);
    if (language < 0 || prompt < 0 || copy_pcm(queued) < 0) {
        va_queued_task_free(queued);
        return va_fail_memory(error);
    }
    *ret_queued = queued;
    return 0;
}

void va_queued_task_release(struct va_queued_task *queued)
{
    if (queued->task.release != NULL)
        queued->task.release(queued->task.user);
    if (queued->source.read != NULL)
        queued->source.release(queued->source.user);
    queued->source.read = NULL;
    va_free(queued->own_pcm);
    queued->own_pcm = NULL;
}

void va_queued_task_free(struct va_queued_task *queued)
{
    if (queued == NULL)
        return;
    va_free((char *)queued->options.language);
    va_free((char *)queued->options.prompt);
    va_free(queued->own_pcm);
    va_free(queued);
}

void va_task_list_init(struct va_task_list *list)
{
    *list = (struct va_task_list){.end = &list->first};
}

void va_task_list_append(struct va_task_list *list, struct va_queued_task *queued)
{
    queued->next = NULL;
    *list->end = queued;
    list->end = &queued->next;
    list->n++;
}

void va_task_list_put_first(struct va_task_list *list, struct va_queued_task *queued)
{
    queued->next = list->first;
    list->first = queued;
    if (queued->next == NULL)
        list->end = &queued->next;
    list->n++;
}

static struct va_queued_task *take_at(struct va_task_list *list, struct va_queued_task **at)
{
    struct va_queued_task *queued = *at;
    if (queued == NULL)
        return NULL;
    *at = queued->next;
    if (*at == NULL)
        list->end = at;
    list->n--;
    return queued;
}

struct va_queued_task *va_task_list_take(struct va_task_list *list)
{
    return take_at(list, &list->first);
}

struct va_queued_task *va_task_list_take_outside(struct va_task_list *list)
{
    struct va_queued_task **at = &list->first;
    while (*at != NULL && (*at)->is_ours)
        at = &(*at)->next;
    return take_at(list, at);
}

struct va_queued_task *va_task_list_take_ours(struct va_task_list *list, size_t n_left)
{
    struct va_queued_task **at = &list->first;
    for (; *at != NULL && !(*at)->is_ours && n_left > 0; n_left--)
        at = &(*at)->next;
    return take_at(list, at);
}

int va_task_list_has_ours(const struct va_task_list *list, size_t n_left)
{
    const struct va_queued_task *queued = list->first;
    for (; queued != NULL && !queued->is_ours && n_left > 0; n_left--)
        queued = queued->next;
    return queued != NULL;
}

int va_queued_task_is_short(const struct va_queued_task *queued)
{
    const va_task *task = &queued->task;

    return task->n_samples <= VA_SHORT_TASK_SAMPLES && (task->n_samples > 0 || task->read == NULL);
}

struct va_queued_task *va_task_list_take_short(struct va_task_list *list)
{
    struct va_queued_task **at = &list->first;

    while (*at != NULL && !va_queued_task_is_short(*at))
        at = &(*at)->next;
    return take_at(list, at);
}
