#include "mqtt/discovery.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

enum needs { ALWAYS, BATTERY, TALK };

struct entity {
    const char *component, *object, *name;
    const char *state, *command; /* topics below the base */
    const char *device_class, *icon, *category, *unit, *state_class, *template;
    const char *attributes; /* the topic of its attributes */
    enum needs needs;
};

static const struct entity entities[] = {
    {.component = "sensor", .object = "state", .name = "State", .state = VA_MQTT_STATE, .icon = "mdi:microphone-message"},
    {.component = "sensor",
     .object = "last_command",
     .name = "Last command",
     .state = VA_MQTT_COMMAND,
     .template = "{{ value_json.command }}",
     .attributes = VA_MQTT_COMMAND,
     .icon = "mdi:console-line"},
    {.component = "switch",
     .object = "privacy",
     .name = "Privacy mode",
     .state = VA_MQTT_PRIVACY,
     .command = VA_MQTT_PRIVACY_SET,
     .icon = "mdi:microphone-off"},
    {.component = "binary_sensor",
     .object = "problem",
     .name = "Problem",
     .state = VA_MQTT_PROBLEM,
     .template = "{{ value_json.problem }}",
     .attributes = VA_MQTT_PROBLEM,
     .device_class = "problem",
     .category = "diagnostic"},
    {.component = "sensor",
     .object = "battery",
     .name = "Battery",
     .state = VA_MQTT_BATTERY,
     .device_class = "battery",
     .state_class = "measurement",
     .unit = "%",
     .category = "diagnostic",
     .needs = BATTERY},
    {.component = "button", .object = "talk", .name = "Talk", .command = VA_MQTT_TALK, .icon = "mdi:microphone", .needs = TALK},
};

size_t va_mqtt_n_entities(void)
{
    return sizeof entities / sizeof entities[0];
}

static void add_topic(struct va_json *json, const char *key, const struct va_mqtt_device *device, const char *topic)
{
    char text[256];

    if (topic == NULL)
        return;
    snprintf(text, sizeof text, "%s/%s", device->base, topic);
    va_json_text(json, key, text);
}

static void add_text(struct va_json *json, const char *key, const char *text)
{
    if (text != NULL)
        va_json_text(json, key, text);
}

static void add_device(struct va_json *json, const struct va_mqtt_device *device)
{
    va_json_open(json, "device", '{');
    va_json_open(json, "identifiers", '[');
    va_json_text(json, NULL, device->node);
    va_json_close(json, ']');
    va_json_text(json, "name", device->name);
    va_json_text(json, "manufacturer", "voice-assistant");
    va_json_text(json, "model", "voice-assistant");
    va_json_text(json, "sw_version", va_version());
    va_json_close(json, '}');
    va_json_open(json, "origin", '{');
    va_json_text(json, "name", "voice-assistant");
    va_json_text(json, "sw_version", va_version());
    va_json_close(json, '}');
}

int va_mqtt_describe(const struct va_mqtt_device *device, size_t i, struct va_buffer *topic, struct va_buffer *payload)
{
    const struct entity *entity = &entities[i];
    struct va_json json = {.out = payload};
    char id[128];
    int r;

    va_buffer_clear(topic);
    va_buffer_clear(payload);
    r = va_buffer_printf(topic, "%s/%s/%s/%s/config", device->prefix, entity->component, device->node, entity->object);
    if (r < 0 || (entity->needs == BATTERY && !device->has_battery) || (entity->needs == TALK && !device->can_talk))
        return r < 0 ? r : va_buffer_append(payload, "", 0);
    snprintf(id, sizeof id, "%s_%s", device->node, entity->object);
    va_json_open(&json, NULL, '{');
    va_json_text(&json, "name", entity->name);
    va_json_text(&json, "unique_id", id);
    va_json_text(&json, "object_id", id);
    add_topic(&json, "state_topic", device, entity->state);
    add_topic(&json, "command_topic", device, entity->command);
    add_topic(&json, "json_attributes_topic", device, entity->attributes);
    add_topic(&json, "availability_topic", device, VA_MQTT_AVAILABILITY);
    add_text(&json, "value_template", entity->template);
    add_text(&json, "device_class", entity->device_class);
    add_text(&json, "state_class", entity->state_class);
    add_text(&json, "unit_of_measurement", entity->unit);
    add_text(&json, "entity_category", entity->category);
    add_text(&json, "icon", entity->icon);
    add_device(&json, device);
    va_json_close(&json, '}');
    return json.error;
}

void va_mqtt_node(const char *text, char ret_node[64])
{
    static const char sound[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t n = 0;

    for (; *text != '\0' && n < 63; text++)
        ret_node[n++] = strchr(sound, *text) != NULL ? *text : '_';
    ret_node[n] = '\0';
    if (n == 0)
        snprintf(ret_node, 64, "voice-assistant");
}
