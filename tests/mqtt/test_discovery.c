#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt/discovery.h"

static size_t described(const struct va_mqtt_device *device)
{
    struct va_buffer topic, payload;
    size_t n = 0;

    va_buffer_init(&topic, 1024);
    va_buffer_init(&payload, 16384);
    for (size_t i = 0; i < va_mqtt_n_entities(); i++) {
        assert_int_equal(va_mqtt_describe(device, i, &topic, &payload), 0);
        assert_int_equal(strncmp(topic.data, "homeassistant/", 14), 0);
        assert_non_null(strstr(topic.data, "/kitchen/"));
        n += payload.size > 0;
        if (payload.size > 0)
            assert_non_null(strstr(payload.data, "\"availability_topic\":\"va/kitchen/availability\""));
        else
            assert_non_null(payload.data); /* an empty one removes it */
    }
    va_buffer_free(&topic);
    va_buffer_free(&payload);
    return n;
}

static void test_what_is_not_there_is_removed(void **state)
{
    struct va_mqtt_device device = {.prefix = "homeassistant", .base = "va/kitchen", .node = "kitchen", .name = "The \"kitchen\""};

    assert_int_equal(described(&device), 4);
    device.has_battery = 1;
    assert_int_equal(described(&device), 5);
    device.can_talk = 1;
    assert_int_equal(described(&device), 6);
}

static void test_limits(void **state)
{
    const struct va_mqtt_device device = {.prefix = "homeassistant", .base = "va/kitchen", .node = "kitchen", .name = "x"};
    struct va_buffer topic, payload;

    va_buffer_init(&topic, 1024);
    va_buffer_init(&payload, 100);
    assert_int_equal(va_mqtt_describe(&device, 0, &topic, &payload), VA_ELIMIT);
    va_buffer_free(&topic);
    va_buffer_init(&topic, 8);
    assert_int_equal(va_mqtt_describe(&device, 0, &topic, &payload), VA_ELIMIT);
    va_buffer_free(&topic);
    va_buffer_free(&payload);
}

static void test_a_node_is_one_word(void **state)
{
    char node[64], many[200];

    va_mqtt_node("Living room/+#\xc3\xa4", node);
    assert_string_equal(node, "Living_room_____");
    va_mqtt_node("", node);
    assert_string_equal(node, "voice-assistant");
    memset(many, 'x', sizeof many);
    many[199] = '\0';
    va_mqtt_node(many, node);
    assert_int_equal(strlen(node), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_there_is_removed),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_a_node_is_one_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
