#include "daemon/serve_mqtt.h"

#include <stdio.h>
#include <string.h>

#include "server/health.h"

static size_t problems(void *user, char *text, size_t size)
{
    struct va_health_state state;
    size_t used = 0;

    va_health_get(va_api_health(user), &state);
    for (size_t i = 0; i < state.n_reasons && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? "\n" : "", state.reasons[i].text);
    return state.n_reasons;
}

int va_serve_mqtt(const struct va_setup *setup, va_api *api, va_mqtt **ret_mqtt, va_error *error)
{
    const va_config *config = setup->config;
    const struct va_mqtt_options options = {
        .host = config->mqtt_host,
        .port = config->mqtt_port != 0 ? (int)config->mqtt_port
                : config->mqtt_tls     ? 8883
                                       : 1883,
        .tls = (int)config->mqtt_tls,
        .ca_file = config->mqtt_ca_file,
        .password_file = config->mqtt_password_file,
        .base = config->mqtt_topic,
        .prefix = config->mqtt_discovery,
        .name = config->mqtt_name,
        .texts = (int)config->mqtt_texts,
        .can_talk = strcmp(config->listen_mode, "off") != 0,
        .problems = problems,
        .user = api,
    };

    return config->mqtt_enabled ? va_mqtt_start(setup->assistant, &options, ret_mqtt, error) : 0;
}
