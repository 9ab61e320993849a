/* privacy.c - privacy mode: nothing is heard, and of what was heard nothing is left.
 *
 * No recording is ever on the disk, and an upload is in a file without a name: what is deleted is memory, which is wiped when it is
 * freed. */
#include "assistant/state.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"

#define FORGET_TIMEOUT_MS 5000

int va_assistant_is_private(const va_assistant *assistant)
{
    return (int)(atomic_load(&assistant->privacy_changes) & 1);
}

/* ---- what goes ---- */

static void forget(va_assistant *assistant)
{
    (void)va_workers_cancel(assistant->workers, VA_LIVE_TASKS);
    va_speech_forget(assistant);
    va_latest_forget(assistant);
    va_free(va_pending_take(assistant));
    va_reply_forget(assistant);
    va_record_settle(assistant);
    if (va_workers_forget(assistant->workers, FORGET_TIMEOUT_MS) < 0)
        va_log(VA_LOG_WARNING, "assistant", "a transcription is slow to end; what it holds goes when it does");
}

/* ---- cameras ---- */

static void with_cameras(va_assistant *assistant, void (*call)(const struct va_cameras_options *, struct va_cameras *),
                         struct va_cameras *ret_cameras)
{
    struct va_settings *settings = va_settings_hold(assistant);
    const struct va_cameras_options options = {
        .root = settings->config->system_root, .folder = assistant->folder, .names = settings->config->privacy_cameras};

    *ret_cameras = (struct va_cameras){0};
    if (assistant->folder != NULL)
        call(&options, ret_cameras);
    va_settings_release(settings);
}

static int fail_cameras(const struct va_cameras *cameras, int on, va_error *error)
{
    for (size_t i = 0; i < cameras->n; i++)
        if (cameras->camera[i].reason[0] != '\0')
            return va_fail(error, VA_EFAILED, "privacy mode is %s, but the camera %s is %s: %s", on ? "on" : "off", cameras->camera[i].name,
                           va_camera_state_text(cameras->camera[i].state), cameras->camera[i].reason);
    return 0;
}

/* ---- switching ---- */

static int store(va_assistant *assistant, int on, va_error *error)
{
    int r = assistant->folder == NULL ? 0 : va_privacy_write(assistant->folder, on, error);

    if (r == 0)
        assistant->switch_on = on;
    return r;
}

static int switch_on(va_assistant *assistant, int is_stored, struct va_privacy_state *state, va_error *error)
{
    va_error reason;
    int r = 0;

    if (!va_assistant_is_private(assistant))
        atomic_fetch_add(&assistant->privacy_changes, 1);
    state->on = 1;
    va_recording_drop(assistant);
    va_listening_stop(assistant);
    if (va_lives_end(assistant, VA_EDENIED, "privacy mode was switched on", FORGET_TIMEOUT_MS / 1000.0) < 0)
        va_log(VA_LOG_WARNING, "assistant", "a client's audio is slow to end; what it holds goes when it does");
    va_phase_change(assistant, VA_FACT_PRIVATE, 1);
    forget(assistant);
    if (!is_stored && (r = store(assistant, 1, &reason)) < 0)
        r = va_fail(error, r, "privacy mode is on, but would not outlive a restart: %s", reason.text);
    with_cameras(assistant, va_cameras_release, &state->cameras);
    return r < 0 ? r : fail_cameras(&state->cameras, 1, error);
}

static int switch_off(va_assistant *assistant, int is_stored, struct va_privacy_state *state, va_error *error)
{
    va_error reason;
    int r = is_stored ? 0 : store(assistant, 0, &reason);

    if (r < 0) {
        state->on = va_assistant_is_private(assistant);
        with_cameras(assistant, va_cameras_look, &state->cameras);
        return va_fail(error, r, "privacy mode stays %s: %s", state->on ? "on" : "off", reason.text);
    }
    int was_on = va_assistant_is_private(assistant);
    if (was_on)
        atomic_fetch_add(&assistant->privacy_changes, 1);
    state->on = 0;
    with_cameras(assistant, va_cameras_bind, &state->cameras);
    va_phase_change(assistant, VA_FACT_PRIVATE, 0);
    if (was_on && (r = va_listening_start(assistant, error)) < 0)
        return r;
    return fail_cameras(&state->cameras, 0, error);
}

static void tell_change(va_assistant *assistant, int on, const char *by, int status, const va_error *error)
{
    const struct va_field fields[] = {VA_BOOL("on", on), VA_STRING("by", by), VA_STRING("result", status == 0 ? "success" : error->text)};

    va_event_tell(assistant, status == 0 ? VA_LOG_INFO : VA_LOG_WARNING, "privacy", fields, sizeof fields / sizeof fields[0], 0);
}

/* With privacy_lock held. */
static int change(va_assistant *assistant, int on, const char *by, int is_stored, struct va_privacy_state *ret_state, va_error *error)
{
    int r = on ? switch_on(assistant, is_stored, ret_state, error) : switch_off(assistant, is_stored, ret_state, error);

    tell_change(assistant, va_assistant_is_private(assistant), by, r, error);
    return r;
}

int va_assistant_privacy_set(va_assistant *assistant, int on, enum va_privacy_by by, struct va_privacy_state *ret_state, va_error *error)
{
    static const char *const names[] = {"api", "command", "cli", "button", "mqtt"};

    pthread_mutex_lock(&assistant->privacy_lock);
    int r = change(assistant, on, names[by], 0, ret_state, error);
    pthread_mutex_unlock(&assistant->privacy_lock);
    return r;
}

void va_assistant_privacy_get(va_assistant *assistant, struct va_privacy_state *ret_state)
{
    pthread_mutex_lock(&assistant->privacy_lock);
    ret_state->on = va_assistant_is_private(assistant);
    with_cameras(assistant, va_cameras_look, &ret_state->cameras);
    pthread_mutex_unlock(&assistant->privacy_lock);
}

/* ---- the action of commands ---- */

int va_privacy_action(void *user, va_action_call *call)
{
    const char *mode = va_action_setting(call, "mode", "on");
    struct va_privacy_state state;
    va_error error;

    if (strcmp(mode, "on") != 0 && strcmp(mode, "off") != 0)
        return va_action_fail(call, VA_EINVAL, "the mode of privacy must be on or off");
    if (va_action_request(call)->dry_run)
        return va_action_would(call, "would switch privacy mode %s", mode);
    int r = va_assistant_privacy_set(user, strcmp(mode, "on") == 0, VA_PRIVACY_BY_COMMAND, &state, &error);
    return r < 0 ? va_action_fail(call, r, error.text) : 0;
}

/* ---- the switch on the disk ---- */

/* The kernel binds cameras at each boot and when they are plugged in; and privacy mode may have ended while this program did not run. */
static void settle_cameras(void *user)
{
    va_assistant *assistant = user;
    struct va_cameras cameras;
    va_error error;

    pthread_mutex_lock(&assistant->privacy_lock);
    int on = va_assistant_is_private(assistant);
    with_cameras(assistant, on ? va_cameras_release : va_cameras_bind, &cameras);
    if (fail_cameras(&cameras, on, &error) < 0)
        va_log(VA_LOG_WARNING, "assistant", "%s", error.text);
    pthread_mutex_unlock(&assistant->privacy_lock);
}

/* Somebody has written the switch, perhaps this program. What could not be stored is not undone by it. */
static void follow_switch(va_assistant *assistant)
{
    struct va_privacy_state state;
    va_error error;

    pthread_mutex_lock(&assistant->privacy_lock);
    int on = va_privacy_read(assistant->folder, &error);
    int has_changed = on != assistant->switch_on;
    assistant->switch_on = on;
    if (has_changed && on != va_assistant_is_private(assistant))
        (void)change(assistant, on, "file", 1, &state, &error);
    pthread_mutex_unlock(&assistant->privacy_lock);
}

/* From the watch's thread. */
static void follow(void *user, unsigned news)
{
    if (news & VA_PRIVACY_SWITCH)
        follow_switch(user);
    if ((news & VA_PRIVACY_CAMERA) && va_assistant_is_private(user))
        settle_cameras(user);
}

int va_privacy_start(va_assistant *assistant, const char *folder, va_error *error)
{
    va_error reason, switch_error;

    if (folder == NULL)
        return 0;
    assistant->folder = va_strdup(folder);
    if (assistant->folder == NULL)
        return va_fail_memory(error);
    /* The watch is there before the switch is read, so that no change is missed. */
    pthread_mutex_lock(&assistant->privacy_lock);
    const struct va_privacy_watch_options watch = {
        .folder = folder, .root = assistant->settings->config->system_root, .changed = follow, .user = assistant};
    int r = va_privacy_watch_new(&watch, &assistant->privacy_watch, &reason);
    int on = assistant->switch_on = va_privacy_read(folder, &switch_error);
    atomic_store(&assistant->privacy_changes, (uint64_t)on);
    va_phase_change(assistant, VA_FACT_PRIVATE, on);
    if (switch_error.code < 0)
        va_log(VA_LOG_WARNING, "assistant", "%s", switch_error.text);
    pthread_mutex_unlock(&assistant->privacy_lock);
    if (r == VA_ENOMEM)
        return va_fail_memory(error);
    if (r < 0)
        va_log(VA_LOG_WARNING, "assistant", "a change of privacy mode by another program is not noticed: %s", reason.text);
    if (on)
        tell_change(assistant, 1, "start", 0, NULL);
    return va_assistant_run(assistant, settle_cameras, assistant, error);
}

void va_privacy_stop(va_assistant *assistant)
{
    va_privacy_watch_free(assistant->privacy_watch);
    assistant->privacy_watch = NULL;
}
