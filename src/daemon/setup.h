/* setup.h - what serve and listen run on: commands, launcher, models, the assistant; opened in the right order. */
#ifndef VA_DAEMON_SETUP_H
#define VA_DAEMON_SETUP_H

#include "assistant/assistant.h"
#include "config/config.h"
#include "confine/confine.h"
#include "daemon/overrides.h"
#include "intent/commands.h"
#include "listen/listener.h"
#include "store/history.h"

struct va_launcher;

struct va_setup {
    /* Of the caller. */
    const struct va_overrides *overrides;
    int (*launched)(void *user, va_error *error); /* the launcher has been forked: threads and descriptors may come. May be NULL */
    void *user;
    va_assistant_event_fn on_event; /* is told of all events, from the first on. May be NULL */
    void *event_user;
    struct va_metrics *metrics; /* or NULL */
    int listens;                /* on the ports of the configuration */

    va_config *config; /* of the start; what needs a restart is read from here. The caller loads it */
    char *folder;      /* data */
    struct va_confine_state confined;
    struct va_launcher *launcher;
    va_commands *commands; /* of the start, until the assistant has them */
    va_model *model;
    char *model_path;
    va_vad_model *vad_model;
    struct va_listen_word words[VA_LISTEN_MAX_WORDS]; /* [n_words] with models and names of this */
    size_t n_words;
    va_history *history;
    va_assistant *assistant;
};

/* Everything below config but the assistant. What is there on failure is closed by va_setup_close, too. */
VA_MUST_CHECK int va_setup_open(struct va_setup *setup, va_error *error);
/* The assistant, which listens from then on. */
VA_MUST_CHECK int va_setup_start(struct va_setup *setup, va_error *error);
void va_setup_close(struct va_setup *setup);

/* Whether the program could start with this configuration, too: the models and words that it names are there. setup: what runs. */
VA_MUST_CHECK int va_setup_check(const struct va_setup *setup, va_config *config, va_error *error);

/* Of data; it need not exist. va_free it. */
VA_MUST_CHECK int va_setup_folder(const va_config *config, char **ret_folder, va_error *error);

/* VA_EDENIED: the option privacy.require_encryption is on, and that folder is not known to be on an encrypted disk. */
VA_MUST_CHECK int va_setup_check_encryption(const va_config *config, const char *folder, va_error *error);

/* The Whisper model that it names. ret_path: of its file; va_free it, on failure, too, unless it is NULL. */
VA_MUST_CHECK int va_setup_model(const va_config *config, va_model **ret_model, char **ret_path, va_error *error);

/* The commands that the configuration names, checked; what will not work is logged. launcher NULL: any program may run. */
VA_MUST_CHECK int va_setup_commands(const va_config *config, const struct va_launcher *launcher, va_commands **ret_commands,
                                    va_error *error);

#endif
