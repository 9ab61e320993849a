/* serve_mqtt.h - the daemon as a device of Home Assistant, as the section mqtt of the options says. */
#ifndef VA_DAEMON_SERVE_MQTT_H
#define VA_DAEMON_SERVE_MQTT_H

#include "daemon/setup.h"
#include "mqtt/mqtt.h"
#include "server/api.h"

/* ret_mqtt is left as it is where the options want none. api must outlive it. */
VA_MUST_CHECK int va_serve_mqtt(const struct va_setup *setup, va_api *api, va_mqtt **ret_mqtt, va_error *error);

#endif
