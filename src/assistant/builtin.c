/* builtin.c - the actions that are about the assistant itself: what is asked, said, known. */
#include "assistant/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define DEFAULT_EXAMPLES 5
#define EXAMPLE_BYTES 160

void va_reply_remember(va_assistant *assistant, uint64_t privacy_changes, const char *reply)
{
    char *copy = reply[0] == '\0' ? NULL : va_strdup(reply), *before = copy;

    if (copy == NULL)
        return; /* what was said before stays */
    pthread_mutex_lock(&assistant->lock);
    if (atomic_load(&assistant->privacy_changes) == privacy_changes) {
        before = assistant->last_reply;
        assistant->last_reply = copy;
    }
    pthread_mutex_unlock(&assistant->lock);
    va_free(before);
}

void va_reply_forget(va_assistant *assistant)
{
    pthread_mutex_lock(&assistant->lock);
    char *before = assistant->last_reply;
    assistant->last_reply = NULL;
    pthread_mutex_unlock(&assistant->lock);
    va_free(before);
}

/* With something to confirm, the command itself is run instead: see execute.c. */
static int run_confirm(void *user, va_action_call *call)
{
    return va_action_refuse(call, "none");
}

static int run_cancel(void *user, va_action_call *call)
{
    struct va_pending *pending;
    int is_dry = va_action_request(call)->dry_run;

    if (is_dry) {
        int r = va_pending_look(user, &pending);
        if (r < 0)
            return va_action_fail(call, r, va_status_text(r));
    } else {
        pending = va_pending_take(user);
    }
    if (pending == NULL)
        return va_action_refuse(call, "none");
    int r = is_dry ? va_action_would(call, "would drop the question about '%s'", pending->command) : 0;
    va_free(pending);
    return r;
}

/* Ends what goes on: what is being said, and a question. There may be neither. A dry run ends only what is being said. */
static int run_stop(void *user, va_action_call *call)
{
    va_assistant_silence(user);
    if (!va_action_request(call)->dry_run)
        va_free(va_pending_take(user));
    return 0;
}

static int run_repeat(void *user, va_action_call *call)
{
    va_assistant *assistant = user;

    pthread_mutex_lock(&assistant->lock);
    char *reply = assistant->last_reply == NULL ? NULL : va_strdup(assistant->last_reply);
    pthread_mutex_unlock(&assistant->lock);
    if (reply == NULL)
        return va_action_refuse(call, "none");
    int r = va_action_field(call, "reply", reply);
    va_free(reply);
    return r;
}

/* Some examples, from the command *at on, which goes on to where the next help begins. */
static int list_examples(const va_commands *commands, const char *language, size_t count, const char *separator, size_t *at,
                         struct va_buffer *list)
{
    size_t n = va_commands_count(commands);
    int r = va_buffer_append_string(list, "");

    for (size_t i = 0; r == 0 && i < n && count > 0; i++) {
        char example[EXAMPLE_BYTES];
        size_t k = *at % n;
        *at = k + 1;
        if ((language != NULL && strcmp(va_commands_at(commands, k)->language, language) != 0) ||
            va_commands_example(commands, k, example, sizeof example) < 0)
            continue;
        count--;
        r = va_buffer_printf(list, "%s%s", list->size > 0 ? separator : "", example);
    }
    return r;
}

/* What can be said: {examples}, other ones each time. */
static int run_help(void *user, va_action_call *call)
{
    va_assistant *assistant = user;
    const char *count_text = va_action_setting(call, "count", NULL), *separator = va_action_setting(call, "separator", ", ");
    char *end = NULL;
    unsigned long count = count_text == NULL ? DEFAULT_EXAMPLES : strtoul(count_text, &end, 10);
    if ((end != NULL && *end != '\0') || count < 1 || count > VA_ACTION_EXAMPLES_MAX)
        return va_action_fail(call, VA_EINVAL, "the count of help must be 1 to 20");
    struct va_settings *settings = va_settings_hold(assistant);
    struct va_buffer list;

    va_buffer_init(&list, VA_ACTION_EXAMPLES_MAX * (EXAMPLE_BYTES + 64));
    pthread_mutex_lock(&assistant->lock);
    size_t at = assistant->next_example;
    pthread_mutex_unlock(&assistant->lock);
    int r = list_examples(settings->commands, va_action_request(call)->language, count, separator, &at, &list);
    if (r < 0)
        r = va_action_fail(call, r, va_status_text(r));
    else
        r = va_action_field(call, "examples", list.data);
    pthread_mutex_lock(&assistant->lock);
    assistant->next_example = at;
    pthread_mutex_unlock(&assistant->lock);
    va_buffer_free(&list);
    va_settings_release(settings);
    return r;
}

int va_builtins_register(va_assistant *assistant, va_error *error)
{
    static const struct {
        const char *type;
        va_action_fn run;
    } builtins[] = {{"confirm", run_confirm}, {"cancel", run_cancel},         {"stop", run_stop},        {"repeat", run_repeat},
                    {"help", run_help},       {"privacy", va_privacy_action}, {"power", va_power_action}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof builtins / sizeof builtins[0]; i++)
        r = va_actions_register(assistant->actions, builtins[i].type, builtins[i].run, assistant);
    return r == 0 ? 0 : va_fail(error, r, "cannot register the assistant's own actions");
}
