#include "daemon/confinement.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/paths.h"
#include "intent/commands.h"

#define FILES (VA_CONFINE_READ | VA_CONFINE_WRITE | VA_CONFINE_MAKE)
#define DEVICE (VA_CONFINE_READ | VA_CONFINE_WRITE)

struct place {
    const char *path;
    unsigned access;
};

/* Libraries that are loaded late, names and certificates, the kernel's tables, what other services tell, devices. */
static const struct place of_service[] = {{"/usr", VA_CONFINE_READ},         {"/lib", VA_CONFINE_READ},
                                          {"/lib64", VA_CONFINE_READ},       {"/etc", VA_CONFINE_READ},
                                          {"/proc", VA_CONFINE_READ},        {"/sys", VA_CONFINE_READ},
                                          {"/run", VA_CONFINE_READ},         {"/var/lib/voice-assistant/models", VA_CONFINE_READ},
                                          {"/dev/urandom", VA_CONFINE_READ}, {"/dev/null", DEVICE}};

/* What can be executed cannot be written, and the other way round. */
static const struct place of_programs[] = {{"/usr", VA_CONFINE_RUN}, {"/bin", VA_CONFINE_RUN},   {"/sbin", VA_CONFINE_RUN},
                                           {"/lib", VA_CONFINE_RUN}, {"/lib32", VA_CONFINE_RUN}, {"/lib64", VA_CONFINE_RUN},
                                           {"/opt", VA_CONFINE_RUN}, {"/dev", VA_CONFINE_WRITE}, {"/dev/shm", FILES},
                                           {"/tmp", FILES},          {"/var/tmp", FILES}};

static int allow_places(struct va_confine_plan *plan, const struct place *places, size_t n, va_error *error)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = va_confine_allow(plan, places[i].path, places[i].access, error);
    return r;
}

/* Found below a root; links are followed, as the kernel looks at where they lead. */
static int allow_found(struct va_confine_plan *plan, const char *root, const char *pattern, unsigned access, va_error *error)
{
    glob_t found = {0};
    char *path = va_asprintf("%s%s", root, pattern);
    int r = path == NULL ? va_fail_memory(error) : 0;

    if (r == 0 && glob(path, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
            r = va_confine_allow(plan, found.gl_pathv[i], access, error);
    globfree(&found);
    va_free(path);
    return r;
}

/* Only where it is one: names of models are looked up in their folder. */
static int allow_if_path(struct va_confine_plan *plan, const char *text, unsigned access, va_error *error)
{
    return strchr(text, '/') != NULL ? va_confine_allow_beside(plan, text, access, error) : 0;
}

static int allow_environment(struct va_confine_plan *plan, const char *name, unsigned access, va_error *error)
{
    const char *path = getenv(name);

    return path != NULL ? va_confine_allow_beside(plan, path, access, error) : 0;
}

static int allow_in_home(struct va_confine_plan *plan, const char *name, va_error *error)
{
    const char *home = getenv("HOME");
    char *path = home != NULL ? va_paths_join(home, name) : NULL;
    int r = path != NULL ? va_confine_allow(plan, path, VA_CONFINE_READ, error) : home != NULL ? va_fail_memory(error) : 0;

    va_free(path);
    return r;
}

/* ---- by the configuration ---- */

static int allow_log(struct va_confine_plan *plan, const va_config *config, va_error *error)
{
    char *folder = NULL;
    int r = 0;

    if (config->log_file[0] != '\0')
        return strcmp(config->log_file, "none") == 0 ? 0 : va_confine_allow_beside(plan, config->log_file, FILES, error);
    if (va_paths_folder(VA_FOLDER_LOG, &folder, NULL) == 0)
        r = va_confine_allow(plan, folder, FILES, error);
    va_free(folder);
    return r;
}

static int allow_configuration(struct va_confine_plan *plan, const va_config *config, va_error *error)
{
    char *folder = NULL, *commands = NULL;
    int r = va_confine_allow_beside(plan, va_config_path(config), VA_CONFINE_READ, error);

    if (r == 0 && va_paths_folder(VA_FOLDER_CONFIG, &folder, NULL) == 0)
        r = va_confine_allow(plan, folder, VA_CONFINE_READ, error);
    if (r == 0 && va_commands_folder(config->commands_folder, &commands, NULL) == 0)
        r = va_confine_allow(plan, commands, VA_CONFINE_READ, error);
    va_free(folder);
    va_free(commands);
    return r;
}

/* Models may be links to another disk. */
static int allow_models(struct va_confine_plan *plan, const va_config *config, va_error *error)
{
    char *folder = NULL, *pattern = NULL;
    glob_t found = {0};
    int r = config->model_folder[0] == '\0' ? va_paths_data("models", &folder, error) : 0;
    if (r < 0)
        return r;
    const char *path = folder != NULL ? folder : config->model_folder;
    if ((r = va_confine_allow(plan, path, VA_CONFINE_READ, error)) == 0 && (pattern = va_paths_join(path, "*.vam")) == NULL)
        r = va_fail_memory(error);
    if (r == 0 && glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
            r = va_confine_allow(plan, found.gl_pathv[i], VA_CONFINE_READ, error);
    globfree(&found);
    va_free(pattern);
    va_free(folder);
    return r;
}

/* Each may be replaced by another of its name, and is then read again. */
static int allow_named(struct va_confine_plan *plan, const va_config *config, va_error *error)
{
    const char *microphone = strchr(config->audio_microphone, ':'), *output = strchr(config->speech_output, ':');
    const char *const files[] = {config->server_certificate,       config->server_key,        config->mqtt_ca_file,
                                 config->mqtt_password_file,       config->remote_token_file, config->remote_ca_file,
                                 config->home_assistant_token_file};
    const char *const models[] = {config->model_name, config->listen_vad};
    int r = allow_models(plan, config, error);

    for (size_t i = 0; r == 0 && i < sizeof files / sizeof files[0]; i++)
        r = va_confine_allow_beside(plan, files[i], VA_CONFINE_READ, error);
    for (size_t i = 0; r == 0 && i < sizeof models / sizeof models[0]; i++)
        r = allow_if_path(plan, models[i], VA_CONFINE_READ, error);
    if (r == 0 && strncmp(config->audio_microphone, "file", 4) == 0 && microphone != NULL)
        r = va_confine_allow_beside(plan, microphone + 1, VA_CONFINE_READ, error);
    if (r == 0 && output != NULL)
        r = va_confine_allow(plan, output + 1, FILES, error);
    if (r == 0 && output != NULL)
        r = va_confine_allow_beside(plan, output + 1, FILES, error);
    return r;
}

/* "alexa:0.6, ./my.vam" */
static int allow_words(struct va_confine_plan *plan, const char *words, va_error *error)
{
    char *list = va_strdup(words), *rest = NULL;
    int r = list == NULL ? va_fail_memory(error) : 0;

    for (char *word = r == 0 ? strtok_r(list, ", ", &rest) : NULL; r == 0 && word != NULL; word = strtok_r(NULL, ", ", &rest))
        r = allow_if_path(plan, word, VA_CONFINE_READ, error);
    va_free(list);
    return r;
}

/* They come and go, each time as another file; that of a GPIO chip lies in no folder of its own. */
static int allow_buttons_and_lights(struct va_confine_plan *plan, const va_config *config, va_error *error)
{
    const char *root = config->system_root, *button = config->controls_button, *light = config->controls_light;
    int r = 0;

    if (strncmp(button, "key:", 4) == 0)
        r = allow_found(plan, root, "/dev/input", VA_CONFINE_READ, error);
    if (r == 0 && (strncmp(button, "gpio:", 5) == 0 || strncmp(light, "gpio:", 5) == 0 || config->power_charge_gpio[0] != '\0'))
        r = allow_found(plan, root, "/dev", DEVICE, error);
    if (r == 0 && strncmp(light, "led:", 4) == 0)
        r = allow_found(plan, root, "/sys/class/leds/*", DEVICE, error);
    return r;
}

/* The hardware that this process drives itself. */
static int allow_hardware(struct va_confine_plan *plan, const va_config *config, va_error *error)
{
    static const char *const always[] = {
        "/dev/i2c-*", "/sys/devices/system/cpu", "/sys/class/backlight/*", "/sys/class/rtc/rtc0", "/sys/power", "/dev/rfkill"};
    const char *root = config->system_root;
    int r = va_confine_allow(plan, root, DEVICE, error);

    for (size_t i = 0; r == 0 && i < sizeof always / sizeof always[0]; i++)
        r = allow_found(plan, root, always[i], DEVICE, error);
    if (r == 0)
        r = allow_buttons_and_lights(plan, config, error);
    if (r == 0 && config->privacy_cameras[0] != '\0')
        r = allow_found(plan, root, "/sys/bus", DEVICE, error);
    return r;
}

static int allow_ports(struct va_confine_plan *plan, const va_config *config, va_error *error)
{
    int r = va_confine_allow_port(plan, config->server_port, error);

    if (r == 0 && config->server_tls)
        r = va_confine_allow_port(plan, config->server_tls_port, error);
    if (r == 0 && config->metrics_enabled)
        r = va_confine_allow_port(plan, config->metrics_port, error);
    if (r == 0 && config->wyoming_enabled)
        r = va_confine_allow_port(plan, config->wyoming_port, error);
    return r;
}

static int plan_service(const va_config *config, const char *folder, struct va_confine_plan *plan, va_error *error)
{
    static const char *const beside[] = {"ALSA_CONFIG_PATH", "SSL_CERT_FILE", "CURL_CA_BUNDLE"};
    static const char *const in_home[] = {".asoundrc", ".config/alsa", ".config/pulse", ".config/pipewire"};
    int r = allow_places(plan, of_service, sizeof of_service / sizeof of_service[0], error);

    /* At an early start, or without a sound card yet, that folder is still to come. */
    if (r == 0)
        r = va_confine_allow(plan, access("/dev/snd", F_OK) == 0 ? "/dev/snd" : "/dev", DEVICE, error);
    for (size_t i = 0; r == 0 && i < sizeof beside / sizeof beside[0]; i++)
        r = allow_environment(plan, beside[i], VA_CONFINE_READ, error);
    for (size_t i = 0; r == 0 && i < sizeof in_home / sizeof in_home[0]; i++)
        r = allow_in_home(plan, in_home[i], error);
    if (r == 0)
        r = va_confine_allow(plan, folder, FILES, error);
    if (r < 0 || (r = allow_log(plan, config, error)) < 0 || (r = allow_configuration(plan, config, error)) < 0 ||
        (r = allow_named(plan, config, error)) < 0 || (r = allow_words(plan, config->listen_words, error)) < 0 ||
        (r = allow_words(plan, config->listen_stop_words, error)) < 0 || (r = allow_hardware(plan, config, error)) < 0)
        return r;
#ifdef VA_REPORTS_FOLDER
    if ((r = va_confine_allow(plan, VA_REPORTS_FOLDER, FILES, error)) < 0)
        return r;
#endif
    return va_confine_allow_list(plan, config->confine_allow, FILES, error);
}

/* ---- the two processes ---- */

int va_confinement_programs(const va_config *config, const char *const *executables, size_t n, struct va_confine_plan *ret_plan,
                            va_error *error)
{
    *ret_plan = (struct va_confine_plan){0};
    int r = va_confine_mode_parse(config->confine_mode, &ret_plan->mode);

    if (r < 0 || (r = allow_places(ret_plan, of_programs, sizeof of_programs / sizeof of_programs[0], error)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = va_confine_allow(ret_plan, executables[i], VA_CONFINE_RUN, error);
#ifdef VA_REPORTS_FOLDER
    if (r == 0)
        r = va_confine_allow(ret_plan, VA_REPORTS_FOLDER, FILES, error);
#endif
    return r == 0 ? va_confine_allow_list(ret_plan, config->confine_allow, FILES, error) : r;
}

static void tell(const struct va_confine_state *state)
{
    char files[64] = "files as ever";

    if (state->mode == VA_CONFINE_OFF) {
        va_log(VA_LOG_WARNING, "daemon", "not confined: confine.mode is off");
        return;
    }
    if (state->missing[0] != '\0')
        va_log(VA_LOG_WARNING, "daemon", "not wholly confined: %s", state->missing);
    if (state->landlock > 0)
        snprintf(files, sizeof files, "the files it needs (Landlock %d)", state->landlock);
    va_log(VA_LOG_INFO, "daemon", "confined%s: no privileges, %s, %s", state->mode == VA_CONFINE_LOG ? ", but only logged" : "",
           state->n_system_calls > 0 ? "the system calls it needs (seccomp)" : "system calls as ever", files);
}

int va_confinement_apply(const va_config *config, const char *folder, int launcher, int listens, struct va_confine_state *ret_state,
                         va_error *error)
{
    struct va_confine_plan plan = {.signalled = launcher};
    int r = va_confine_mode_parse(config->confine_mode, &plan.mode);

    if (r == 0)
        r = plan_service(config, folder, &plan, error);
    if (r == 0 && listens)
        r = allow_ports(&plan, config, error);
    if (r == 0)
        r = va_confine_service(&plan, ret_state, error);
    va_confine_plan_free(&plan);
    if (r == 0)
        tell(ret_state);
    return r;
}

void va_confinement_show(const struct va_confine_state *state, va_api *api)
{
    const char *layers[3];
    size_t n = 0;

    if (state->privileges)
        layers[n++] = "privileges";
    if (state->n_system_calls > 0 && state->mode == VA_CONFINE_ON)
        layers[n++] = "system_calls";
    if (state->landlock > 0)
        layers[n++] = "files";
    va_api_set_confined(api, layers, n);
}
