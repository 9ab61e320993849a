/* discovery.h - how Home Assistant is told over MQTT what there is: one message for each entity of one device. Pure. */
#ifndef VA_MQTT_DISCOVERY_H
#define VA_MQTT_DISCOVERY_H

#include "base/buffer.h"

/* What is published, and taken, below the base topic. */
#define VA_MQTT_AVAILABILITY "availability" /* online, offline */
#define VA_MQTT_STATE "state"               /* as in /status */
#define VA_MQTT_COMMAND "command"           /* the last one: JSON with command, success, source, time */
#define VA_MQTT_PRIVACY "privacy"           /* ON, OFF */
#define VA_MQTT_PROBLEM "problem"           /* JSON with problem (ON, OFF) and reasons */
#define VA_MQTT_BATTERY "battery"           /* percent */
#define VA_MQTT_PRIVACY_SET "privacy/set"   /* taken: ON, OFF */
#define VA_MQTT_TALK "talk/set"             /* taken: PRESS */

struct va_mqtt_device {
    const char *prefix; /* of Home Assistant's discovery topics */
    const char *base;   /* of ours, with the node: "voice-assistant/kitchen" */
    const char *node;   /* one word of letters, digits, - and _ */
    const char *name;   /* for people */
    int has_battery, can_talk;
};

/* Entities that may be there; one that is not has an empty payload, which removes it. */
size_t va_mqtt_n_entities(void);
VA_MUST_CHECK int va_mqtt_describe(const struct va_mqtt_device *device, size_t entity, struct va_buffer *topic, struct va_buffer *payload);

/* A word of letters, digits, - and _ from any text. */
void va_mqtt_node(const char *text, char ret_node[64]);

#endif
