/* pending.c - the risky command that the user was asked about. */
#include "assistant/state.h"

#include <string.h>

#include "base/memory.h"

/* Copies text to *at and moves it on. */
static const char *copy(char **at, const char *text)
{
    size_t n = strlen(text) + 1;
    char *start = memcpy(*at, text, n);

    *at += n;
    return start;
}

/* NULL when out of memory. */
static struct va_pending *make(const char *command, const char *response, const va_slot *slots, size_t n_slots, double deadline_s)
{
    size_t size = sizeof(struct va_pending) + n_slots * sizeof *slots + strlen(command) + strlen(response) + 2;

    for (size_t i = 0; i < n_slots; i++)
        size += strlen(slots[i].name) + strlen(slots[i].value) + 2;
    struct va_pending *pending = va_alloc(size, 1);
    if (pending == NULL)
        return NULL;
    char *text = (char *)&pending->slots[n_slots];
    pending->deadline_s = deadline_s;
    pending->command = copy(&text, command);
    pending->response = copy(&text, response);
    pending->n_slots = n_slots;
    for (size_t i = 0; i < n_slots; i++) {
        pending->slots[i].name = copy(&text, slots[i].name);
        pending->slots[i].value = copy(&text, slots[i].value);
    }
    return pending;
}

int va_pending_put(va_assistant *assistant, uint64_t privacy_changes, const char *command, const char *response, const va_slot *slots,
                   size_t n_slots, double deadline_s)
{
    struct va_pending *pending = make(command, response, slots, n_slots, deadline_s), *before = pending;

    if (pending == NULL)
        return VA_ENOMEM;
    pthread_mutex_lock(&assistant->lock);
    if (atomic_load(&assistant->privacy_changes) == privacy_changes) {
        before = assistant->pending;
        assistant->pending = pending;
    }
    pthread_mutex_unlock(&assistant->lock);
    va_free(before);
    return 0;
}

struct va_pending *va_pending_take(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    struct va_pending *pending = assistant->pending;
    assistant->pending = NULL;
    pthread_mutex_unlock(&assistant->lock);
    if (pending == NULL || va_assistant_now_s() <= pending->deadline_s)
        return pending;
    va_free(pending);
    return NULL;
}

int va_pending_look(va_assistant *assistant, struct va_pending **ret_pending)
{
    int r = 0;

    *ret_pending = NULL;
    pthread_mutex_lock(&assistant->lock);
    const struct va_pending *pending = assistant->pending;
    if (pending != NULL && va_assistant_now_s() <= pending->deadline_s) {
        *ret_pending = make(pending->command, pending->response, pending->slots, pending->n_slots, pending->deadline_s);
        r = *ret_pending == NULL ? VA_ENOMEM : 0;
    }
    pthread_mutex_unlock(&assistant->lock);
    return r;
}
