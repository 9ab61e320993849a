#include "daemon/serve_wyoming.h"

#include <string.h>

#include "base/log.h"
#include "speech/speech.h"

#define IDLE_S 60.0

int va_serve_wyoming(const struct va_setup *setup, va_wyoming **ret_wyoming, va_error *error)
{
    const va_config *config = setup->config;
    const struct va_wyoming_options options = {
        .listen = config->wyoming_listen,
        .port = (int)config->wyoming_port,
        .allow = config->wyoming_allow,
        .max_clients = (int)config->wyoming_max_clients,
        .idle_s = IDLE_S,
        .parts = {.assistant = setup->assistant,
                  .model = setup->model,
                  .vad_model = setup->vad_model,
                  .words = setup->words,
                  .n_words = setup->n_words,
                  .speech_language = va_speech_language(config->model_language),
                  .speech_voice = config->speech_voice},
    };
    int r;

    if (!config->wyoming_enabled)
        return 0;
    if (strcmp(config->access_local, "token") == 0)
        va_log(VA_LOG_WARNING, "daemon", "Wyoming knows no tokens: access.local does not hold there; wyoming.enabled=no closes it");
    r = va_wyoming_start(&options, ret_wyoming, error);
    if (r != VA_EBUSY)
        return r;
    va_log(VA_LOG_WARNING, "daemon", "there is no Wyoming server: %s", error->text);
    return 0;
}
