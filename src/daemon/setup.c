/* setup.c - opens what serve and listen run on. */
#include "daemon/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action/action.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/paths.h"
#include "catalog/catalog.h"
#include "daemon/confinement.h"
#include "daemon/executables.h"
#include "daemon/serve_history.h"
#include "privacy/encryption.h"
#include "word/store.h"

int va_setup_folder(const va_config *config, char **ret_folder, va_error *error)
{
    if (config->data_folder[0] == '\0')
        return va_paths_folder(VA_FOLDER_DATA, ret_folder, error);
    char *folder = va_strdup(config->data_folder);
    if (folder == NULL)
        return va_fail_memory(error);
    *ret_folder = folder;
    return 0;
}

int va_setup_check_encryption(const va_config *config, const char *folder, va_error *error)
{
    return config->privacy_require_encryption ? va_encryption_check(config->system_root, folder, error) : 0;
}

static int open_folder(struct va_setup *setup, va_error *error)
{
    int r = va_setup_folder(setup->config, &setup->folder, error);

    return r < 0 ? r : va_file_make_folder(setup->folder, 0750, error);
}

int va_setup_model(const va_config *config, va_model **ret_model, char **ret_path, va_error *error)
{
    const char *kernels = config->model_kernels;
    const va_model_options options = {.kernels = kernels[0] != '\0' ? kernels : NULL};
    int r = va_catalog_locate(config->model_folder, config->model_name, ret_path, error);

    return r == 0 ? va_model_open(*ret_path, &options, ret_model, error) : r;
}

static int open_vad(struct va_setup *setup, va_error *error)
{
    char *path = NULL;
    int r = va_catalog_locate(setup->config->model_folder, setup->config->listen_vad, &path, error);

    if (r == 0)
        r = va_vad_model_open(path, &setup->vad_model, error);
    va_free(path);
    return r;
}

/* One that the user enrolled. VA_ENOTFOUND: there is none of that name. */
static int open_own_word(struct va_setup *setup, const char *name, const va_word_model **ret_word, va_error *error)
{
    char *folder = va_paths_join(setup->folder, "words"), *path = NULL;
    va_word_model *word = NULL;
    int r = folder == NULL ? va_fail_memory(error) : va_word_path(folder, name, &path, error);

    if (r == 0)
        r = va_word_load(setup->model, path, &word, error);
    if (r == 0)
        *ret_word = word;
    va_free(path);
    va_free(folder);
    return r == VA_EINVAL ? VA_ENOTFOUND : r; /* a path is no name */
}

/* A fetched one: "alexa", "wake-alexa", or the path of a prepared model. */
static int open_wake_word(struct va_setup *setup, const char *text, const va_wake_model **ret_model, va_error *error)
{
    int is_whole = strchr(text, '/') != NULL || strncmp(text, "wake-", 5) == 0;
    char *name = va_asprintf("%s%s", is_whole ? "" : "wake-", text), *path = NULL;
    va_wake_model *model = NULL;
    int r = name == NULL ? va_fail_memory(error) : va_catalog_locate(setup->config->model_folder, name, &path, error);

    if (r == 0)
        r = va_wake_model_open(path, &model, error);
    if (r == 0)
        *ret_model = model;
    va_free(name);
    va_free(path);
    return r;
}

/* From the word's text. */
static int make_verifier(struct va_setup *setup, struct va_listen_word *word, va_error *error)
{
    va_context *context = NULL;
    va_word_model *own = NULL;
    int r = va_context_new(setup->model, 1, &context, error);

    if (r == 0)
        r = va_word_from_text(context, va_wake_model_word(word->model), setup->config->model_language, &own, error);
    if (r == 0)
        word->own = own;
    va_context_free(context);
    return r;
}

/* "alexa:0.6" -> a word; the text is changed. */
static int open_word(struct va_setup *setup, char *text, int is_stop, va_error *error)
{
    struct va_listen_word *word = &setup->words[setup->n_words];
    char *colon = strchr(text, ':'), *end = NULL;

    if (setup->n_words == VA_LISTEN_MAX_WORDS)
        return va_fail(error, VA_ELIMIT, "listen.words, listen.stop_words: more than %d", VA_LISTEN_MAX_WORDS);
    *word = (struct va_listen_word){.sensitivity = 0.5f, .is_stop = is_stop};
    if (colon != NULL) {
        *colon = '\0';
        word->sensitivity = strtof(colon + 1, &end);
        if (end == colon + 1 || *end != '\0' || !(word->sensitivity >= 0.0f && word->sensitivity <= 1.0f))
            return va_fail(error, VA_EINVAL, "listen.words: the sensitivity of %.40s is not 0 to 1", text);
    }
    int r = open_own_word(setup, text, &word->own, error);
    if (r == VA_ENOTFOUND && (r = open_wake_word(setup, text, &word->model, error)) == 0 && setup->config->listen_verify)
        r = make_verifier(setup, word, error);
    if (r < 0) {
        va_wake_model_free((va_wake_model *)word->model);
        return r;
    }
    setup->n_words++;
    word->name = va_strdup(strchr(text, '/') == NULL ? text : va_wake_model_word(word->model));
    return word->name == NULL ? va_fail_memory(error) : 0;
}

static int open_words(struct va_setup *setup, const char *names, int is_stop, va_error *error)
{
    char *list = va_strdup(names), *rest = NULL;
    int r = list == NULL ? va_fail_memory(error) : 0;

    for (char *text = r == 0 ? strtok_r(list, ", ", &rest) : NULL; r == 0 && text != NULL; text = strtok_r(NULL, ", ", &rest))
        r = open_word(setup, text, is_stop, error);
    va_free(list);
    return r;
}

/* Words that the mode does without need not be there: what is wrong with them is logged. */
static int open_words_of(struct va_setup *setup, const char *option, const char *names, int is_stop, va_error *error)
{
    int r = open_words(setup, names, is_stop, error);

    if (r == 0 || r == VA_ENOMEM || strcmp(setup->config->listen_mode, "wake") == 0)
        return r;
    va_log(VA_LOG_WARNING, "daemon", "%s: %s", option, error->text);
    return 0;
}

/* What the mode does without need not be there. */
static int open_ears(struct va_setup *setup, va_error *error)
{
    const char *mode = setup->config->listen_mode;
    int needs_words = strcmp(mode, "wake") == 0, r = open_vad(setup, error);

    if (r < 0)
        return strcmp(mode, "off") == 0 && r != VA_ENOMEM ? 0 : r;
    r = open_words_of(setup, "listen.words", setup->config->listen_words, 0, error);
    if (r == 0 && needs_words && setup->n_words == 0)
        r = va_fail(error, VA_EINVAL, "listen.words: there is no wake word");
    return r < 0 ? r : open_words_of(setup, "listen.stop_words", setup->config->listen_stop_words, 1, error);
}

/* A program of the command files that was not there at the start is not started: what may run is fixed then. */
static int check_launch(const struct va_command_action *action, const va_launcher *launcher, va_error *error)
{
    char path[VA_LAUNCH_PATH_BYTES];

    for (size_t i = 0; launcher != NULL && strcmp(action->type, "process") == 0 && i < action->n_settings; i++) {
        if (strcmp(action->settings[i].name, "executable") != 0 || va_launch_find(action->settings[i].value, path, error) < 0)
            continue;
        if (!va_launcher_allows(launcher, path))
            return va_fail(error, VA_EDENIED, "%.150s was not allowed at the start; restart, or name it in actions.executables", path);
    }
    return 0;
}

/* Says which commands will not work, and why; they do not keep the others from working. */
static void check_actions(const va_commands *commands, const va_launcher *launcher)
{
    va_error error;

    for (size_t i = 0; i < va_commands_count(commands); i++) {
        const struct va_command *command = va_commands_at(commands, i);
        const struct va_command_action *action = &command->action;
        if (va_actions_check(action->type, action->settings, action->n_settings, action->arguments, action->n_arguments, &error) < 0 ||
            check_launch(action, launcher, &error) < 0)
            va_log(VA_LOG_WARNING, "daemon", "%s:%d: command %s will fail: %s", command->file, command->line, command->name, error.text);
    }
}

/* Without any commands there still is somebody who listens and transcribes. */
static int no_commands(va_commands **ret_commands, va_error *error)
{
    static const char text[] = "language: en\n";

    return va_commands_parse("no commands", text, sizeof text - 1, ret_commands, error);
}

int va_setup_commands(const va_config *config, const va_launcher *launcher, va_commands **ret_commands, va_error *error)
{
    char *path = NULL;
    int r = va_commands_folder(config->commands_folder, &path, error);
    if (r < 0)
        return r;
    r = va_commands_open(path, ret_commands, error);
    if (r == VA_ENOTFOUND && config->commands_folder[0] == '\0') {
        va_log(VA_LOG_WARNING, "daemon", "there are no commands: %s", error->text);
        r = no_commands(ret_commands, error);
    }
    va_free(path);
    if (r == 0)
        check_actions(*ret_commands, launcher);
    return r;
}

/* Forks the launcher, before there are threads and devices. */
static int start_launcher(struct va_setup *setup, va_error *error)
{
    struct va_confine_plan plan = {0};
    char **executables = NULL;
    size_t n = 0;
    int r = va_executables_find(setup->commands, setup->config, &executables, &n, error);

    if (r == 0)
        r = va_confinement_programs(setup->config, (const char *const *)executables, n, &plan, error);
    if (r == 0)
        r = va_launcher_start((const char *const *)executables, n, &plan, &setup->launcher, error);
    va_confine_plan_free(&plan);
    va_executables_free(executables, n);
    return r;
}

int va_setup_open(struct va_setup *setup, va_error *error)
{
    int r = va_setup_commands(setup->config, NULL, &setup->commands, error);

    if (r < 0 || (r = start_launcher(setup, error)) < 0)
        return r;
    if (setup->launched != NULL && (r = setup->launched(setup->user, error)) < 0)
        return r;
    if ((r = open_folder(setup, error)) < 0 ||
        (r = va_confinement_apply(setup->config, setup->folder, setup->launcher->process, setup->listens, &setup->confined, error)) < 0 ||
        (r = va_setup_model(setup->config, &setup->model, &setup->model_path, error)) < 0 || (r = open_ears(setup, error)) < 0)
        return r;
    return va_serve_history_open(setup->config, setup->folder, &setup->history, error);
}

int va_setup_start(struct va_setup *setup, va_error *error)
{
    const struct va_assistant_parts parts = {.model = setup->model,
                                             .model_name = setup->config->model_name,
                                             .launcher = setup->launcher,
                                             .folder = setup->folder,
                                             .history = setup->history,
                                             .vad_model = setup->vad_model,
                                             .words = setup->words,
                                             .n_words = setup->n_words,
                                             .on_event = setup->on_event,
                                             .event_user = setup->event_user,
                                             .metrics = setup->metrics};
    va_config *config = NULL;
    va_error reason;
    size_t n_commands = va_commands_count(setup->commands);
    /* The assistant replaces its configuration on reload; ours stays as it was at the start. */
    int r = va_overrides_load(setup->overrides, &config, error);
    if (r == 0 && va_overrides_check_language(config->model_language, &reason) < 0)
        va_log(VA_LOG_WARNING, "daemon", "%s: nothing will be understood", reason.text);
    if (r == 0)
        r = va_assistant_new(&parts, config, setup->commands, &setup->assistant, error);
    if (r < 0) {
        va_config_free(config);
        return r;
    }
    setup->commands = NULL;
    va_log(VA_LOG_INFO, "daemon", "model %s with %s kernels, %zu commands", setup->config->model_name, va_model_kernels(setup->model),
           n_commands);
    return 0;
}

static void close_ears(struct va_setup *setup)
{
    for (size_t i = 0; i < setup->n_words; i++) {
        va_wake_model_free((va_wake_model *)setup->words[i].model);
        va_word_free((va_word_model *)setup->words[i].own);
        va_free((char *)setup->words[i].name);
    }
    va_vad_model_free(setup->vad_model);
}

int va_setup_check(const struct va_setup *setup, va_config *config, va_error *error)
{
    struct va_setup trial = {.config = config, .folder = setup->folder, .model = setup->model};
    char *path = NULL;
    int r = va_catalog_locate(config->model_folder, config->model_name, &path, error);

    if (r == 0)
        r = open_ears(&trial, error);
    close_ears(&trial);
    va_free(path);
    return r;
}

void va_setup_close(struct va_setup *setup)
{
    va_assistant_free(setup->assistant);
    va_history_close(setup->history);
    va_launcher_free(setup->launcher);
    va_commands_free(setup->commands);
    close_ears(setup);
    va_model_free(setup->model);
    va_config_free(setup->config);
    va_free(setup->folder);
    va_free(setup->model_path);
}
