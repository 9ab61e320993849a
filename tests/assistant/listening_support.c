#include "listening_support.h"

#define BLOCKS_BETWEEN 64 /* a reply and what is said next */

static const char command_text[] = "language: en\n"
                                   "question: 'Sure?'\n"
                                   "commands:\n"
                                   "  light:\n"
                                   "    sentences: ['turn on the light']\n"
                                   "    response: ok\n"
                                   "    action: {type: say}\n"
                                   "  door:\n"
                                   "    sentences: ['open the door']\n"
                                   "    confirm: true\n"
                                   "    action: {type: say}\n"
                                   "  yes:\n"
                                   "    sentences: ['yes']\n"
                                   "    action: {type: confirm, none: 'Yes what?'}\n"
                                   "  quiet:\n"
                                   "    sentences: ['quiet']\n"
                                   "    action: {type: stop}\n"
                                   "  broken:\n"
                                   "    sentences: ['break']\n"
                                   "    action: {type: time}\n";

char folder[256];
va_model *model;
va_assistant *assistant;
va_metrics *metrics;
int vad_double;
const struct va_listen_word words[2] = {{.name = "computer", .sensitivity = 0.5f}, {.name = "enough", .is_stop = 1}};

struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};

void note(void *user, const char *name, const struct va_field *fields, size_t n)
{
    assert_ptr_equal(user, &told);
    pthread_mutex_lock(&told.lock);
    size_t at = strlen(told.text);
    at += (size_t)snprintf(told.text + at, sizeof told.text - at, "%s", name);
    for (size_t i = 0; i < n && at < sizeof told.text; i++)
        if (fields[i].type == VA_FIELD_STRING)
            at += (size_t)snprintf(told.text + at, sizeof told.text - at, " %s=%s", fields[i].name, fields[i].value.string);
        else if (fields[i].type == VA_FIELD_NUMBER)
            at += (size_t)snprintf(told.text + at, sizeof told.text - at, " %s=%.3f", fields[i].name, fields[i].value.number);
        else
            at += (size_t)snprintf(told.text + at, sizeof told.text - at, " %s=%d", fields[i].name, (int)fields[i].value.integer);
    assert_true(at + 2 < sizeof told.text);
    memcpy(told.text + at, "\n", 2);
    told.n++;
    pthread_mutex_unlock(&told.lock);
}

int has_told(const char *part)
{
    pthread_mutex_lock(&told.lock);
    int yes = strstr(told.text, part) != NULL;
    pthread_mutex_unlock(&told.lock);
    return yes;
}

void expect_told(const char *part)
{
    for (int i = 0; i < 5000 && !has_told(part); i++)
        usleep(1000);
    if (!has_told(part))
        fail_msg("%s is not in:\n%s", part, told.text);
}

void forget_told(void)
{
    pthread_mutex_lock(&told.lock);
    told.text[0] = '\0';
    pthread_mutex_unlock(&told.lock);
}

va_config *load_config(const char *mode, const char *extra)
{
    char line[64];
    const char *overrides[] = {"model.workers=1", "audio.microphone=double", line, extra};
    va_config *config = NULL;
    va_error error;

    snprintf(line, sizeof line, "listen.mode=%s", mode);
    if (va_config_parse("test", "", 0, overrides, extra != NULL ? 4 : 3, &config, &error) < 0)
        fail_msg("%s", error.text);
    return config;
}

va_commands *load_commands(void)
{
    va_commands *commands = NULL;
    va_error error;

    if (va_commands_parse("test", command_text, sizeof command_text - 1, &commands, &error) < 0)
        fail_msg("%s", error.text);
    return commands;
}

int make(const char *mode, const char *extra, va_error *error)
{
    const struct va_assistant_parts parts = {.model = model,
                                             .model_name = "base",
                                             .vad_model = (const va_vad_model *)&vad_double,
                                             .words = words,
                                             .n_words = 2,
                                             .on_event = note,
                                             .event_user = &told,
                                             .metrics = metrics};
    va_config *config = load_config(mode, extra);
    va_commands *commands = load_commands();
    int r = va_assistant_new(&parts, config, commands, &assistant, error);

    if (r < 0) {
        va_config_free(config);
        va_commands_free(commands);
        assistant = NULL;
    }
    return r;
}

void begin(const char *mode, const char *extra)
{
    va_error error;

    doubles_reset();
    forget_told();
    if (make(mode, extra, &error) < 0)
        fail_msg("%s", error.text);
}

void end(void)
{
    va_assistant_free(assistant);
    assert_int_equal(doubles.captures, 0);
    assert_int_equal(doubles.listeners, 0);
}

const char *state_now(void)
{
    struct va_assistant_status status;

    va_assistant_get_status(assistant, &status);
    return status.state;
}

void expect_state(const char *state)
{
    for (int i = 0; i < 5000 && strcmp(state_now(), state) != 0; i++)
        usleep(1000);
    assert_string_equal(state_now(), state);
}

void expect_hearing(enum va_hearing hearing)
{
    for (int i = 0; i < 5000 && doubles.hearing != (int)hearing; i++)
        usleep(1000);
    assert_int_equal(doubles.hearing, hearing);
}

static _Atomic int n_held, must_hold;

static void hold(void *user)
{
    n_held++;
    while (must_hold)
        usleep(1000);
}

void hold_errands(void)
{
    n_held = 0;
    must_hold = 1;
    for (int i = 0; i < VA_ERRAND_THREADS; i++)
        assert_int_equal(va_assistant_run(assistant, hold, NULL, NULL), 0);
    assert_true(doubles_wait(&n_held, VA_ERRAND_THREADS));
}

void let_errands_go(void)
{
    must_hold = 0;
}

void hear(enum va_listen_event_kind kind)
{
    doubles_hear(&(struct va_listen_event){.kind = kind, .text = ""});
}

void say(const char *text, const char *command)
{
    va_intent intent = {.name = command};
    va_understanding understanding = {
        .intent = command != NULL ? &intent : NULL, .confidence = command != NULL ? 0.9f : 0.1f, .text = text};
    const va_transcript transcript = {.text = text, .confidence = 0.6f, .language = "en"};

    if (!doubles.pushes_wait && strcmp(state_now(), "speaking") != 0)
        assert_true(doubles_wait(&doubles.pushed, doubles.pushed + BLOCKS_BETWEEN));
    hear(VA_LISTEN_STARTED);
    hear(VA_LISTEN_PAUSED);
    doubles_hear(&(struct va_listen_event){.kind = VA_LISTEN_HEARD,
                                           .text = text,
                                           .start_s = 1.0,
                                           .end_s = 2.5,
                                           .speech_end_s = 2.25,
                                           .heard_s = 2.5,
                                           .decode_ms = 40.0,
                                           .transcript = &transcript,
                                           .understanding = &understanding,
                                           .is_command = command != NULL});
}

int setup_all(void **state)
{
    return temporary_make(folder) < 0 ? -1 : va_model_open("", NULL, &model, NULL);
}

int teardown_all(void **state)
{
    va_model_free(model);
    return temporary_remove(folder);
}
