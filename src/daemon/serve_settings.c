#include "daemon/serve_settings.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/paths.h"

#define MAX_SHOWN_BYTES ((size_t)1 << 20)
#define MAX_FILE_BYTES ((size_t)1 << 20)

struct va_serve_settings_ask {
    struct va_setting *settings;
    size_t n;
    int is_done, status;
    va_error error;
};

/* ---- other threads ---- */

static int show(void *user, struct va_buffer *out, va_error *error)
{
    struct va_serve_settings *settings = user;

    pthread_mutex_lock(&settings->lock);
    int r = va_buffer_append(out, settings->shown.data, settings->shown.size);
    pthread_mutex_unlock(&settings->lock);
    return r < 0 ? va_fail(error, r, "%s", va_status_text(r)) : 0;
}

static int change(void *user, struct va_setting *changes, size_t n, va_error *error)
{
    struct va_serve_settings *settings = user;
    struct va_serve_settings_ask ask = {.settings = changes, .n = n};

    pthread_mutex_lock(&settings->lock);
    while (settings->asked != NULL && !settings->is_closed)
        pthread_cond_wait(&settings->changed, &settings->lock);
    if (settings->is_closed) {
        pthread_mutex_unlock(&settings->lock);
        return va_fail(error, VA_ESTATE, "the program is ending");
    }
    settings->asked = &ask;
    eventfd_write(settings->wake_fd, 1);
    while (!ask.is_done)
        pthread_cond_wait(&settings->changed, &settings->lock);
    pthread_mutex_unlock(&settings->lock);
    return ask.status < 0 ? va_fail(error, ask.status, "%s", ask.error.text) : 0;
}

/* ---- the main thread ---- */

int va_serve_settings_open(struct va_serve_settings *settings, const struct va_setup *setup, va_api *api, va_error *error)
{
    const struct va_api_settings calls = {.show = show, .change = change, .user = settings};

    settings->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (settings->wake_fd < 0)
        return va_fail_errno(error, "cannot make an event");
    settings->setup = setup;
    pthread_mutex_init(&settings->lock, NULL);
    pthread_cond_init(&settings->changed, NULL);
    va_buffer_init(&settings->shown, MAX_SHOWN_BYTES);
    va_api_set_settings(api, &calls);
    return va_serve_settings_loaded(settings, setup->config, error);
}

int va_serve_settings_loaded(struct va_serve_settings *settings, const va_config *config, va_error *error)
{
    struct va_buffer shown, old;

    va_buffer_init(&shown, MAX_SHOWN_BYTES);
    int r = va_config_describe(config, settings->setup->config, &shown);
    if (r < 0) {
        va_buffer_free(&shown);
        return va_fail(error, r, "%s", va_status_text(r));
    }
    if (va_config_notice(config)[0] != '\0')
        va_log(VA_LOG_WARNING, "daemon", "%s", va_config_notice(config));
    if (settings->answers != NULL)
        va_settings_effects(settings->answers->settings, settings->answers->n, settings->setup->config, config);
    pthread_mutex_lock(&settings->lock);
    old = settings->shown;
    settings->shown = shown;
    pthread_mutex_unlock(&settings->lock);
    va_buffer_free(&old);
    return 0;
}

/* With the new file the program must be able to start. */
static int check_start(const struct va_setup *setup, va_error *error)
{
    va_config *config = NULL;
    int r = va_overrides_load(setup->overrides, &config, error);

    if (r == 0)
        r = va_setup_check(setup, config, error);
    va_config_free(config);
    return r;
}

/* What only the engine knows to be wrong. */
static int check_wanted(const struct va_serve_settings_ask *ask, va_error *error)
{
    for (size_t i = 0; i < ask->n; i++)
        if (strcmp(ask->settings[i].name, "model.language") == 0 && ask->settings[i].text != NULL)
            return va_overrides_check_language(ask->settings[i].text, error);
    return 0;
}

/* What path holds, or nothing when it is not there. */
static int keep(const char *path, char **ret_text, size_t *ret_size, va_error *error)
{
    int r = va_file_read(path, MAX_FILE_BYTES, ret_text, ret_size, error);
    return r == VA_ENOTFOUND ? 0 : r;
}

static void put_back(const char *path, const char *text, size_t size)
{
    va_error error;

    if (text == NULL)
        unlink(path);
    else if (va_file_write(path, text, size, 0600, &error) < 0)
        va_log(VA_LOG_ERROR, "daemon", "the settings before could not be put back: %s", error.text);
}

static int fail_taking(int code, va_error *error)
{
    return code == VA_ENOMEM ? va_fail_memory(error) : va_fail(error, VA_EFAILED, "%s; nothing was changed", error->text);
}

static int make_change(struct va_serve_settings *settings, struct va_serve_settings_ask *ask, int (*reload)(void *user, va_error *error),
                       void *user)
{
    const char *folder = settings->setup->folder;
    char *path = va_paths_join(folder, VA_SETTINGS_FILE), *before = NULL;
    struct va_buffer text;
    size_t size = 0;
    va_error *error = &ask->error;

    va_buffer_init(&text, MAX_FILE_BYTES);
    int r = path == NULL ? va_fail_memory(error) : keep(path, &before, &size, error);
    if (r == 0)
        r = check_wanted(ask, error);
    if (r == 0)
        r = va_settings_change(folder, ask->settings, ask->n, &text, error);
    if (r == 0)
        r = va_file_write(path, text.data, text.size, 0600, error);
    if (r == 0 && ((r = check_start(settings->setup, error)) < 0 || (r = reload(user, error)) < 0)) {
        put_back(path, before, size);
        r = fail_taking(r, error);
    }
    va_buffer_free(&text);
    va_free(before);
    va_free(path);
    return r;
}

void va_serve_settings_work(struct va_serve_settings *settings, int (*reload)(void *user, va_error *error), void *user)
{
    eventfd_t n;

    (void)eventfd_read(settings->wake_fd, &n);
    pthread_mutex_lock(&settings->lock);
    struct va_serve_settings_ask *ask = settings->asked;
    pthread_mutex_unlock(&settings->lock);
    if (ask == NULL)
        return;
    settings->answers = ask;
    int r = make_change(settings, ask, reload, user);
    settings->answers = NULL;
    pthread_mutex_lock(&settings->lock);
    settings->asked = NULL;
    ask->status = r;
    ask->is_done = 1;
    pthread_cond_broadcast(&settings->changed);
    pthread_mutex_unlock(&settings->lock);
}

void va_serve_settings_stop(struct va_serve_settings *settings)
{
    if (settings->setup == NULL)
        return;
    pthread_mutex_lock(&settings->lock);
    settings->is_closed = 1;
    if (settings->asked != NULL) {
        settings->asked->status = va_fail(&settings->asked->error, VA_ESTATE, "the program is ending");
        settings->asked->is_done = 1;
        settings->asked = NULL;
    }
    pthread_cond_broadcast(&settings->changed);
    pthread_mutex_unlock(&settings->lock);
}

void va_serve_settings_close(struct va_serve_settings *settings)
{
    if (settings->setup == NULL)
        return;
    va_buffer_free(&settings->shown);
    pthread_cond_destroy(&settings->changed);
    pthread_mutex_destroy(&settings->lock);
    close(settings->wake_fd);
}
