#include "audit/doctor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audio/playback.h"
#include "audio/source.h"
#include "base/child.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/paths.h"
#include "catalog/catalog.h"
#include "intent/commands.h"
#include "nn/container.h"
#include "privacy/privacy.h"
#include "word/store.h"

static int has_config(const struct va_scene *scene, struct va_check_result *result)
{
    if (scene->config == NULL)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "the configuration cannot be read");
    return scene->config != NULL;
}

/* ---- models ---- */

/* Every byte of it is read. */
static int verify(const struct va_scene *scene, const char *name, enum va_container_kind kind, char ret_path[VA_SCENE_PATH_BYTES],
                  va_error *error)
{
    va_container *container = NULL;
    char *path = NULL;
    int r = va_catalog_locate(scene->config->model_folder, name, &path, error);

    if (r == 0)
        snprintf(ret_path, VA_SCENE_PATH_BYTES, "%s", path);
    if (r == 0)
        r = va_container_open(path, kind, &container, error);
    if (r == 0)
        r = va_container_verify(container, error);
    va_container_free(container);
    va_free(path);
    return r;
}

/* Whether this user may not look where models are kept: they may well be there. */
static int is_closed(const struct va_scene *scene, struct va_check_result *result)
{
    char folder[VA_SCENE_PATH_BYTES];

    snprintf(folder, sizeof folder, "%s%s", scene->root, scene->folder);
    if (scene->config->model_folder[0] != '\0' || access(folder, X_OK) == 0 || errno != EACCES)
        return 0;
    va_check_say(result, VA_CHECK_NOT_CHECKED, "this user may not look into %.200s", scene->folder);
    return 1;
}

void va_doctor_model(struct va_scene *scene, struct va_check_result *result)
{
    char path[VA_SCENE_PATH_BYTES];
    va_error error;

    if (!has_config(scene, result))
        return;
    const char *name = scene->config->model_name;
    if (verify(scene, name, VA_CONTAINER_WHISPER, path, &error) < 0) {
        if (is_closed(scene, result))
            return;
        va_check_say(result, VA_CHECK_FAIL, "%s", error.text);
        if (strchr(name, '/') == NULL)
            va_check_advise(result, "voice-assistant model fetch %.60s", name);
        return;
    }
    va_check_say(result, VA_CHECK_PASS, "%.60s, intact", name);
}

/* "alexa:0.6" -> "alexa"; a fetched word, or one that the user enrolled. */
static int find_word(const struct va_scene *scene, const char *text, va_error *error)
{
    char name[96], folder[VA_SCENE_PATH_BYTES], path[VA_SCENE_PATH_BYTES], *own = NULL;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ":"), text);
    snprintf(folder, sizeof folder, "%s%s/words", scene->root, scene->folder);
    if (va_word_path(folder, name, &own, error) == 0) {
        int is_there = va_file_exists(own);
        va_free(own);
        if (is_there)
            return 0;
    }
    if (strchr(name, '/') == NULL && strncmp(name, "wake-", 5) != 0)
        snprintf(name, sizeof name, "wake-%.*s", (int)strcspn(text, ":"), text);
    return verify(scene, name, VA_CONTAINER_WAKE, path, error);
}

void va_doctor_words(struct va_scene *scene, struct va_check_result *result)
{
    char path[VA_SCENE_PATH_BYTES], *list, *rest = NULL;
    va_error error;

    if (!has_config(scene, result))
        return;
    if (strcmp(scene->config->listen_mode, "off") == 0) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "listen.mode is off");
        return;
    }
    int r = verify(scene, scene->config->listen_vad, VA_CONTAINER_VAD, path, &error);
    if (r < 0 && is_closed(scene, result))
        return;
    if (r < 0) {
        va_check_say(result, VA_CHECK_FAIL, "listen.vad: %s", error.text);
        va_check_advise(result, "voice-assistant model fetch vad");
        return;
    }
    list = strcmp(scene->config->listen_mode, "wake") == 0 ? va_strdup(scene->config->listen_words) : va_strdup("");
    for (char *word = list != NULL ? strtok_r(list, ", ", &rest) : NULL; r == 0 && word != NULL; word = strtok_r(NULL, ", ", &rest))
        r = find_word(scene, word, &error);
    va_free(list);
    if (r < 0)
        va_check_say(result, VA_CHECK_FAIL, "listen.words: %s", error.text);
    else
        va_check_say(result, VA_CHECK_PASS, "listen.mode %s", scene->config->listen_mode);
}

/* ---- commands ---- */

struct mistakes {
    size_t n;
    char first[VA_CHECK_TEXT_BYTES];
};

static void note_mistake(void *user, const char *text)
{
    struct mistakes *mistakes = user;

    if (mistakes->n++ == 0)
        snprintf(mistakes->first, sizeof mistakes->first, "%s", text);
}

void va_doctor_commands(struct va_scene *scene, struct va_check_result *result)
{
    struct mistakes mistakes = {0};
    va_commands *commands = NULL;
    char *path = NULL;
    va_error error;

    if (!has_config(scene, result))
        return;
    int r = va_commands_folder(scene->config->commands_folder, &path, &error);
    if (r == 0)
        r = va_commands_load(path, note_mistake, &mistakes, &commands, &error);
    if (mistakes.n > 0)
        va_check_say(result, VA_CHECK_FAIL, "%zu mistake%s: %.250s", mistakes.n, mistakes.n == 1 ? "" : "s", mistakes.first);
    else if (r < 0)
        va_check_say(result, VA_CHECK_FAIL, "%s", error.text);
    else
        va_check_say(result, VA_CHECK_PASS, "%zu in %.200s", va_commands_count(commands), path);
    va_commands_free(commands);
    va_free(path);
}

/* ---- sound ---- */

/* Opens the device and closes it. */
static int try_microphone(const char *name, va_error *error)
{
    va_audio_source *source = NULL;
    int r = va_audio_source_open(name, &source, error);

    if (r == 0)
        va_audio_source_free(source);
    return r;
}

static int try_loudspeaker(const char *name, va_error *error)
{
    va_playback *playback = NULL;
    int r = va_playback_open(name, &playback, error);

    if (r == 0)
        va_playback_free(playback);
    return r;
}

static void judge_device(int (*try_it)(const char *name, va_error *error), const char *name, const char *option,
                         struct va_check_result *result)
{
    va_error error;
    int r = try_it(name, &error);

    if (r == 0) {
        va_check_say(result, VA_CHECK_PASS, "%.200s can be opened", name);
    } else if (r == VA_EBUSY) {
        va_check_say(result, VA_CHECK_NOTE, "%.200s is in use by another program", name);
    } else if (r == VA_EDENIED) {
        va_check_say(result, VA_CHECK_FAIL, "%.200s: this user may not use it", name);
        va_check_advise(result, "sudo usermod -aG audio USER, and log in again");
    } else {
        va_check_say(result, VA_CHECK_FAIL, "%s", error.text);
        va_check_advise(result, "plug one in, or set %s to one that voice-assistant devices lists", option);
    }
}

void va_doctor_microphone(struct va_scene *scene, struct va_check_result *result)
{
    if (!has_config(scene, result))
        return;
    const char *wanted = scene->config->audio_microphone;
    const json_t *status = va_scene_status(scene), *microphone = json_object_get(status, "microphone");
    const char *state = json_string_value(json_object_get(microphone, "state"));
    const char *problem = json_string_value(json_object_get(microphone, "error"));

    if (strcmp(wanted, "none") == 0)
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "audio.microphone is none");
    else if (strncmp(wanted, "file:", 5) == 0)
        va_check_say(result, va_file_exists(wanted + 5) ? VA_CHECK_PASS : VA_CHECK_FAIL, "%.250s", wanted);
    else if (json_is_true(json_object_get(status, "privacy_mode")))
        va_check_say(result, VA_CHECK_NOT_CHECKED, "privacy mode is on: it is not opened");
    else if (state != NULL && strcmp(state, "open") == 0)
        va_check_say(result, VA_CHECK_PASS, "the assistant has it open");
    else if (state != NULL && strcmp(state, "lost") == 0)
        va_check_say(result, VA_CHECK_FAIL, "the assistant has lost it: %s", problem != NULL ? problem : "");
    else
        judge_device(try_microphone, wanted, "audio.microphone", result);
}

void va_doctor_loudspeaker(struct va_scene *scene, struct va_check_result *result)
{
    if (!has_config(scene, result))
        return;
    if (!scene->config->speech_enabled)
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "speech.enabled is off");
    else if (scene->config->speech_output[0] != '\0')
        va_check_say(result, VA_CHECK_PASS, "%.200s", scene->config->speech_output);
    else
        judge_device(try_loudspeaker, scene->config->speech_device, "speech.device", result);
}

void va_doctor_voice(struct va_scene *scene, struct va_check_result *result)
{
    char name[VA_CHILD_PATH_BYTES], path[VA_CHILD_PATH_BYTES];
    va_error error;

    if (!has_config(scene, result))
        return;
    if (!scene->config->speech_enabled) {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "speech.enabled is off");
        return;
    }
    const char *command = scene->config->speech_command;
    size_t n = command[0] == '"' ? strcspn(command + 1, "\"") : strcspn(command, " ");
    snprintf(name, sizeof name, "%.*s", (int)n, command[0] == '"' ? command + 1 : command);
    if (va_child_find(name, path, &error) == 0)
        va_check_say(result, VA_CHECK_PASS, "%.200s", path);
    else
        va_check_say(result, VA_CHECK_FAIL, "%s", error.text);
    if (result->state == VA_CHECK_FAIL && strcmp(name, "espeak-ng") != 0)
        va_check_advise(result, "install it, or correct speech.command");
}

/* ---- ports ---- */

void va_doctor_ports(struct va_scene *scene, struct va_check_result *result)
{
    pid_t daemon = va_scene_daemon(scene);
    struct va_listener *listeners = va_alloc(VA_SOCKETS_MAX, sizeof *listeners);
    size_t n = 0, n_own = 0, n_there = 0;
    va_error error;

    if (!has_config(scene, result) || listeners == NULL || va_scene_listeners(scene, listeners, &n, &error) < 0) {
        va_free(listeners);
        return;
    }
    const va_config *config = scene->config;
    const struct {
        const char *option;
        int64_t port, is_wanted;
    } ports[] = {{"server.port", config->server_port, 1},
                 {"server.tls_port", config->server_tls_port, config->server_tls},
                 {"metrics.port", config->metrics_port, config->metrics_enabled},
                 {"wyoming.port", config->wyoming_port, config->wyoming_enabled}};
    const char *taken = NULL;
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        for (size_t j = 0; ports[i].is_wanted && ports[i].port != 0 && j < n; j++) {
            if (listeners[j].port != ports[i].port)
                continue;
            n_there++;
            if (daemon != 0 && va_scene_owns(scene, daemon, listeners[j].inode))
                n_own++;
            else
                taken = ports[i].option;
        }
    }
    if (daemon != 0 && n_there > 0 && n_own == 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "they are in use; whose they are cannot be seen by this user");
    else if (taken != NULL)
        va_check_say(result, VA_CHECK_FAIL, "another program has the port of %s", taken);
    else
        va_check_say(result, VA_CHECK_PASS, "%s", n_own > 0 ? "they are the assistant's" : "they are free");
    va_free(listeners);
}

/* ---- privacy ---- */

void va_doctor_privacy(struct va_scene *scene, struct va_check_result *result)
{
    char full[VA_SCENE_PATH_BYTES];
    va_error error = {0};

    snprintf(full, sizeof full, "%s%s", scene->root, scene->folder);
    if (!va_privacy_read(full, &error)) {
        va_check_say(result, VA_CHECK_PASS, "off");
    } else if (error.code == VA_EDENIED) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "this user may not look");
    } else {
        va_check_say(result, error.code < 0 ? VA_CHECK_FAIL : VA_CHECK_NOTE, "%s", error.code < 0 ? error.text : "on: nothing is heard");
        va_check_advise(result, "voice-assistant privacy off");
    }
}
