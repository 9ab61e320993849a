#include "server/live_message.h"

#include <stdlib.h>
#include <string.h>

#include "server/members.h"

#define VALUE_BYTES 64
#define MIN_RATE_HZ 8000
#define MAX_RATE_HZ 48000

void va_live_message_init(struct va_live_message *message)
{
    *message = (struct va_live_message){
        .audio = {.format = VA_PUSH_PCM16, .rate_hz = 16000, .channels = 1}, .commands = 1, .partials = 1, .endpoint = 1};
}

static int read_start(const json_t *object, struct va_live_message *message, va_error *error)
{
    const char *type = "", *format = "pcm16", *language = "";
    int rate_hz = (int)message->audio.rate_hz;
    const struct va_member members[] = {{"type", .text = &type},
                                        {"format", .text = &format},
                                        {"rate", .integer = &rate_hz, .min = MIN_RATE_HZ, .max = MAX_RATE_HZ},
                                        {"language", .text = &language, .max = sizeof message->language - 1},
                                        {"commands", .flag = &message->commands},
                                        {"execute", .flag = &message->execute},
                                        {"partials", .flag = &message->partials},
                                        {"endpoint", .flag = &message->endpoint}};
    int r = va_members_read(object, members, sizeof members / sizeof members[0], error);

    if (r < 0)
        return r;
    if (strcmp(format, "pcm16") != 0 && strcmp(format, "opus") != 0)
        return va_fail(error, VA_EINVAL, "'format' must be pcm16 or opus");
    if (message->execute && !message->commands)
        return va_fail(error, VA_EINVAL, "'execute' needs 'commands'");
    message->audio.format = strcmp(format, "opus") == 0 ? VA_PUSH_OPUS : VA_PUSH_PCM16;
    message->audio.rate_hz = (uint32_t)rate_hz;
    memcpy(message->language, language, strlen(language) + 1);
    return 0;
}

static int read_message(const json_t *object, struct va_live_message *message, va_error *error)
{
    const char *type = json_string_value(json_object_get(object, "type"));

    va_live_message_init(message);
    if (type != NULL && strcmp(type, "start") == 0)
        return read_start(object, message, error);
    if (type == NULL || (strcmp(type, "stop") != 0 && strcmp(type, "cancel") != 0))
        return va_fail(error, VA_EINVAL, "the 'type' of a message must be start, stop or cancel");
    message->kind = strcmp(type, "stop") == 0 ? VA_LIVE_STOP : VA_LIVE_CANCEL;
    return 0;
}

int va_live_message_parse(const char *text, size_t n, struct va_live_message *ret_message, va_error *error)
{
    struct va_live_message message;
    json_t *object = NULL;
    int r = va_members_load(text, n, &object, error);

    if (r == 0)
        r = read_message(object, &message, error);
    json_decref(object);
    if (r == 0)
        *ret_message = message;
    return r;
}

/* ---- query ---- */

/* What a message would have in its place. */
static json_t *json_of(const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);

    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
        return json_boolean(value[0] == 't');
    return value[0] != '\0' && *end == '\0' ? json_integer(number) : json_string(value);
}

/* 1 when there are any, 0, or negative. */
static int gather(int (*get)(const void *user, const char *key, char *ret_value, size_t capacity), const void *user, json_t *object,
                  va_error *error)
{
    static const char *const keys[] = {"format", "rate", "language", "commands", "execute", "partials", "endpoint"};
    char value[VALUE_BYTES];
    int is_any = 0;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int r = get(user, keys[i], value, sizeof value);
        if (r == VA_ENOTFOUND)
            continue;
        json_t *json = r < 0 ? NULL : json_of(value); /* NULL also for what is no UTF-8 */
        if (json == NULL || json_object_set_new(object, keys[i], json) < 0)
            return va_fail(error, VA_EINVAL, "the parameter '%s' cannot be read", keys[i]);
        is_any = 1;
    }
    return is_any;
}

int va_live_message_query(int (*get)(const void *user, const char *key, char *ret_value, size_t capacity), const void *user,
                          struct va_live_message *ret_message, va_error *error)
{
    struct va_live_message message;
    json_t *object = json_object();
    int r = object == NULL ? va_fail_memory(error) : gather(get, user, object, error);

    va_live_message_init(&message);
    if (r > 0 && read_start(object, &message, error) < 0)
        r = VA_EINVAL;
    json_decref(object);
    if (r > 0)
        *ret_message = message;
    return r;
}
