/* told.h - what the assistant tells of a command, as it is published. Pure. */
#ifndef VA_MQTT_TOLD_H
#define VA_MQTT_TOLD_H

#include "base/log.h"

#define VA_MQTT_MAX_PAYLOAD_BYTES 16384

/* The event "result" as JSON, va_free. The command's name is in the command files; what was answered may be private. NULL when out of
 * memory. */
char *va_mqtt_write_command(const struct va_field *fields, size_t n, int with_response);

#endif
