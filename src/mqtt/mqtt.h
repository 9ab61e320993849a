/* mqtt.h - the assistant as a device in Home Assistant, over MQTT: its state goes out, the privacy switch and the talk button come in.
 *
 * A thread of its own keeps the connection: a broker that is gone is tried again, later and later up to a minute, and holds up nobody. */
#ifndef VA_MQTT_MQTT_H
#define VA_MQTT_MQTT_H

#include "assistant/assistant.h"

typedef struct va_mqtt va_mqtt;

/* The texts are copied, and assistant must outlive it. */
struct va_mqtt_options {
    const char *host;
    int port;
    int tls;
    const char *ca_file;       /* "": the system's */
    const char *password_file; /* "USER:PASSWORD" in a file of mode 0600; "": none */
    const char *base, *prefix; /* topics: ours, and Home Assistant's for discovery */
    const char *name;          /* of the device; "": the host's */
    int texts;                 /* 1: what was answered is sent, too */
    int can_talk;
    /* What is wrong, a line each, into text [size]. Returns how many. From the thread. */
    size_t (*problems)(void *user, char *text, size_t size);
    void *user;
};

/* VA_EINVAL: a topic or host is none. VA_EDENIED, VA_ENOTFOUND: the file of the password. VA_ENOMEM. It does not wait for the broker. */
VA_MUST_CHECK int va_mqtt_start(va_assistant *assistant, const struct va_mqtt_options *options, va_mqtt **ret_mqtt, va_error *error);
/* Says goodbye, if the broker is there. Waits a second at most for a name server; assistant is not needed any more. NULL is fine. */
void va_mqtt_free(va_mqtt *mqtt);

#endif
