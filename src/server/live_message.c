#include "server/live_message.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MEMBERS 16
#define VALUE_BYTES 64

struct flag {
    const char *key;
    size_t offset;
};

static const struct flag flags[] = {
    {"commands", offsetof(struct va_live_message, commands)},
    {"execute", offsetof(struct va_live_message, execute)},
    {"partials", offsetof(struct va_live_message, partials)},
    {"endpoint", offsetof(struct va_live_message, endpoint)},
};
enum { N_FLAGS = sizeof flags / sizeof flags[0] };

static int *flag_of(struct va_live_message *message, const struct flag *flag)
{
    return (int *)(void *)((char *)message + flag->offset);
}

void va_live_message_init(struct va_live_message *message)
{
    *message = (struct va_live_message){
        .audio = {.format = VA_PUSH_PCM16, .rate_hz = 16000, .channels = 1}, .commands = 1, .partials = 1, .endpoint = 1};
}

/* ---- the members ---- */

static int set_format(struct va_live_message *message, const char *value, va_error *error)
{
    if (strcmp(value, "pcm16") != 0 && strcmp(value, "opus") != 0)
        return va_fail(error, VA_EINVAL, "'format' must be pcm16 or opus");
    message->audio.format = strcmp(value, "opus") == 0 ? VA_PUSH_OPUS : VA_PUSH_PCM16;
    return 0;
}

static int set_language(struct va_live_message *message, const char *value, va_error *error)
{
    size_t n = strlen(value);

    if (n >= sizeof message->language)
        return va_fail(error, VA_EINVAL, "'language' must be a code such as en, or auto");
    memcpy(message->language, value, n + 1);
    return 0;
}

static int set_rate(struct va_live_message *message, long long value, va_error *error)
{
    if (value < 8000 || value > 48000)
        return va_fail(error, VA_EINVAL, "'rate' must be 8000 to 48000");
    message->audio.rate_hz = (uint32_t)value;
    return 0;
}

/* What has been said in whole. */
static int check(const struct va_live_message *message, va_error *error)
{
    if (message->execute && !message->commands)
        return va_fail(error, VA_EINVAL, "'execute' needs 'commands'");
    return 0;
}

/* ---- JSON ---- */

static int set_member(struct va_live_message *message, const char *key, const json_t *value, va_error *error)
{
    for (size_t i = 0; i < N_FLAGS; i++) {
        if (strcmp(key, flags[i].key) != 0)
            continue;
        if (!json_is_boolean(value))
            return va_fail(error, VA_EINVAL, "'%s' must be true or false", key);
        *flag_of(message, &flags[i]) = json_is_true(value);
        return 0;
    }
    if (strcmp(key, "type") == 0)
        return 0;
    if (strcmp(key, "format") == 0)
        return set_format(message, json_is_string(value) ? json_string_value(value) : "", error);
    if (strcmp(key, "rate") == 0)
        return set_rate(message, json_is_integer(value) ? json_integer_value(value) : 0, error);
    if (strcmp(key, "language") == 0 && json_is_string(value))
        return set_language(message, json_string_value(value), error);
    return va_fail(error, VA_EINVAL, "a start has no such '%.32s'", key);
}

static int read_object(json_t *object, struct va_live_message *message, va_error *error)
{
    const char *type = json_string_value(json_object_get(object, "type")), *key;
    json_t *value;
    int r = 0;

    va_live_message_init(message);
    if (type != NULL && (strcmp(type, "stop") == 0 || strcmp(type, "cancel") == 0)) {
        message->kind = strcmp(type, "stop") == 0 ? VA_LIVE_STOP : VA_LIVE_CANCEL;
        return 0;
    }
    if (type == NULL || strcmp(type, "start") != 0)
        return va_fail(error, VA_EINVAL, "the 'type' of a message must be start, stop or cancel");
    if (json_object_size(object) > MAX_MEMBERS)
        return va_fail(error, VA_EINVAL, "a start has at most %d members", MAX_MEMBERS);
    json_object_foreach(object, key, value)
    {
        if (r == 0)
            r = set_member(message, key, value, error);
    }
    return r == 0 ? check(message, error) : r;
}

int va_live_message_parse(const char *text, size_t n, struct va_live_message *ret_message, va_error *error)
{
    struct va_live_message message;
    json_error_t why;
    json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);

    if (object == NULL)
        return va_fail(error, VA_EFORMAT, "line %d column %d: %s", why.line, why.column, why.text);
    int r = read_object(object, &message, error);
    json_decref(object);
    if (r == 0)
        *ret_message = message;
    return r;
}

/* ---- query ---- */

static int set_value(struct va_live_message *message, const char *key, const char *value, va_error *error)
{
    char *end;

    if (strcmp(key, "format") == 0)
        return set_format(message, value, error);
    if (strcmp(key, "language") == 0)
        return set_language(message, value, error);
    if (strcmp(key, "rate") == 0) {
        long rate = strtol(value, &end, 10);
        return set_rate(message, *end == '\0' ? rate : 0, error);
    }
    for (size_t i = 0; i < N_FLAGS; i++) {
        if (strcmp(key, flags[i].key) != 0)
            continue;
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return va_fail(error, VA_EINVAL, "'%s' must be true or false", key);
        *flag_of(message, &flags[i]) = strcmp(value, "true") == 0;
    }
    return 0;
}

int va_live_message_query(int (*get)(const void *user, const char *key, char *ret_value, size_t capacity), const void *user,
                          struct va_live_message *ret_message, va_error *error)
{
    static const char *const keys[] = {"format", "rate", "language", "commands", "execute", "partials", "endpoint"};
    struct va_live_message message;
    char value[VALUE_BYTES];
    int is_any = 0;

    va_live_message_init(&message);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int r = get(user, keys[i], value, sizeof value);
        if (r == VA_ENOTFOUND)
            continue;
        if (r < 0)
            return va_fail(error, VA_EINVAL, "the parameter '%s' cannot be read", keys[i]);
        if ((r = set_value(&message, keys[i], value, error)) < 0)
            return r;
        is_any = 1;
    }
    if (check(&message, error) < 0)
        return VA_EINVAL;
    if (is_any)
        *ret_message = message;
    return is_any;
}
