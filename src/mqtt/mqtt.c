#include "mqtt/mqtt.h"

#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/broken_pipe.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/thread.h"
#include "mqtt/discovery.h"
#include "mqtt/told.h"
#include "power/power.h"

#define KEEPALIVE_S 30
#define LOOK_MS 1000 /* how often what is no event is looked at */
#define GOODBYE_MS 1000
#define CONNECT_MS 15000 /* for the broker's welcome */
#define LEAVE_S 1.0      /* so long the end waits for the broker's name */
#define MAX_WAIT_S 60

/* What is published, each retained; a value is sent when it is another than the broker has. */
enum value { STATE, COMMAND, PRIVACY, PROBLEM, BATTERY, N_VALUES };
static const char *const topics[N_VALUES] = {VA_MQTT_STATE, VA_MQTT_COMMAND, VA_MQTT_PRIVACY, VA_MQTT_PROBLEM, VA_MQTT_BATTERY};

struct va_mqtt {
    va_assistant *assistant;
    struct va_mqtt_options options; /* with copies of its texts */
    char base[192], node[64], name[128];
    char *credentials; /* "USER:PASSWORD" cut in two, or NULL */
    const char *password;
    struct mosquitto *mosquitto;
    struct va_mqtt_device device;
    int is_welcome;       /* the broker has answered */
    int is_told;          /* the entities are described */
    int has_warned;       /* that the broker is gone */
    int refused;          /* its reason, or 0 */
    char *sent[N_VALUES]; /* what the broker has, or NULL */
    int wanted_privacy;   /* -1: nothing is asked */
    int wants_talk;

    pthread_t thread;
    int has_thread;
    int wake_fd;
    pthread_mutex_t lock;
    pthread_cond_t changed;  /* the name is looked up no more */
    int ending;              /* with lock */
    int is_looking_up;       /* with lock: the library looks for the broker's name, which nothing interrupts */
    int is_left;             /* with lock: the thread frees all, when it is back */
    char *last_command;      /* with lock; JSON, or NULL */
    _Atomic int must_forget; /* privacy mode has begun, and the broker may still have what was answered */
};

/* ---- what the assistant tells ---- */

static void on_event(void *user, const char *name, const struct va_field *fields, size_t n)
{
    va_mqtt *mqtt = user;

    if (strcmp(name, "state") != 0 && strcmp(name, "privacy") != 0 && strcmp(name, "result") != 0)
        return;
    int is_command = strcmp(name, "result") == 0 && va_field_text(fields, n, "command")[0] != '\0';
    int must_forget = strcmp(name, "privacy") == 0 && va_field_is_set(fields, n, "on") && mqtt->options.texts;
    if (is_command || must_forget) {
        char *text = is_command ? va_mqtt_write_command(fields, n, mqtt->options.texts && !va_assistant_is_private(mqtt->assistant)) : NULL;
        pthread_mutex_lock(&mqtt->lock);
        va_free(mqtt->last_command);
        mqtt->last_command = text;
        pthread_mutex_unlock(&mqtt->lock);
    }
    if (must_forget)
        atomic_store(&mqtt->must_forget, 1);
    eventfd_write(mqtt->wake_fd, 1);
}

/* ---- what is published ---- */

static int publish(va_mqtt *mqtt, const char *topic, const char *payload)
{
    char whole[256];

    snprintf(whole, sizeof whole, "%s/%s", mqtt->base, topic);
    return mosquitto_publish(mqtt->mosquitto, NULL, whole, (int)strlen(payload), payload, 1, true) == MOSQ_ERR_SUCCESS ? 0 : VA_EIO;
}

static void publish_value(va_mqtt *mqtt, enum value value, const char *text)
{
    if (text == NULL || (mqtt->sent[value] != NULL && strcmp(mqtt->sent[value], text) == 0) || publish(mqtt, topics[value], text) < 0)
        return;
    va_free(mqtt->sent[value]);
    mqtt->sent[value] = va_strdup(text);
}

static void publish_problem(va_mqtt *mqtt)
{
    char reasons[2048] = "";
    size_t n = mqtt->options.problems != NULL ? mqtt->options.problems(mqtt->options.user, reasons, sizeof reasons) : 0;
    struct va_buffer out;
    struct va_json json = {.out = &out};

    va_buffer_init(&out, VA_MQTT_MAX_PAYLOAD_BYTES);
    va_json_open(&json, NULL, '{');
    va_json_text(&json, "problem", n > 0 ? "ON" : "OFF");
    va_json_text(&json, "reasons", reasons);
    va_json_close(&json, '}');
    if (json.error == 0)
        publish_value(mqtt, PROBLEM, out.data);
    va_buffer_free(&out);
}

static void describe_entities(va_mqtt *mqtt)
{
    struct va_buffer topic, payload;

    va_buffer_init(&topic, 1024);
    va_buffer_init(&payload, VA_MQTT_MAX_PAYLOAD_BYTES);
    mqtt->is_told = 1;
    for (size_t i = 0; i < va_mqtt_n_entities(); i++)
        if (va_mqtt_describe(&mqtt->device, i, &topic, &payload) < 0 ||
            mosquitto_publish(mqtt->mosquitto, NULL, topic.data, (int)payload.size, payload.data, 1, true) != MOSQ_ERR_SUCCESS)
            mqtt->is_told = 0; /* again, a second later */
    va_buffer_free(&topic);
    va_buffer_free(&payload);
}

static void publish_command(va_mqtt *mqtt)
{
    int must_forget = atomic_exchange(&mqtt->must_forget, 0); /* before what was said since is looked at */

    pthread_mutex_lock(&mqtt->lock);
    char *command = mqtt->last_command != NULL ? va_strdup(mqtt->last_command) : NULL;
    pthread_mutex_unlock(&mqtt->lock);
    if (must_forget) {
        va_free(mqtt->sent[COMMAND]);
        mqtt->sent[COMMAND] = NULL;
    }
    if (must_forget && publish(mqtt, VA_MQTT_COMMAND, "") < 0) /* which ends what is retained */
        atomic_store(&mqtt->must_forget, 1);
    else
        publish_value(mqtt, COMMAND, command);
    va_free(command);
}

static void publish_all(va_mqtt *mqtt)
{
    struct va_assistant_status status;
    struct va_battery battery;
    int has_battery = va_battery_read(va_assistant_power(mqtt->assistant), &battery, NULL) == 0;
    char percent[16];

    if (has_battery != mqtt->device.has_battery) {
        mqtt->device.has_battery = has_battery;
        mqtt->is_told = 0;
    }
    /* An entity is told of before its value: whoever sees the value knows what it is. */
    if (!mqtt->is_told) {
        describe_entities(mqtt);
        publish(mqtt, VA_MQTT_AVAILABILITY, "online");
    }
    if (has_battery)
        snprintf(percent, sizeof percent, "%.0f", battery.percent);
    publish_value(mqtt, BATTERY, has_battery ? percent : NULL);
    va_assistant_get_status(mqtt->assistant, &status);
    publish_value(mqtt, STATE, status.state);
    publish_value(mqtt, PRIVACY, status.privacy ? "ON" : "OFF");
    publish_problem(mqtt);
    publish_command(mqtt);
}

/* ---- what comes ---- */

static int is_payload(const struct mosquitto_message *message, const char *text)
{
    return (size_t)message->payloadlen == strlen(text) && memcmp(message->payload, text, strlen(text)) == 0;
}

/* From mosquitto_loop_read, by the thread. A retained wish is an old one. */
static void on_message(struct mosquitto *mosquitto, void *user, const struct mosquitto_message *message)
{
    va_mqtt *mqtt = user;
    size_t n = strlen(mqtt->base);
    const char *topic = strncmp(message->topic, mqtt->base, n) == 0 && message->topic[n] == '/' ? message->topic + n + 1 : "";

    if (strcmp(topic, VA_MQTT_PRIVACY_SET) == 0 && !message->retain && (is_payload(message, "ON") || is_payload(message, "OFF")))
        mqtt->wanted_privacy = is_payload(message, "ON");
    else if (strcmp(topic, VA_MQTT_TALK) == 0 && !message->retain && is_payload(message, "PRESS"))
        mqtt->wants_talk = 1;
    else if (topic[0] == '\0' && is_payload(message, "online"))
        mqtt->is_told = 0; /* Home Assistant has started, and knows nothing */
}

static void obey(va_mqtt *mqtt)
{
    struct va_privacy_state state;
    va_error error;

    if (mqtt->wanted_privacy >= 0) {
        if (va_assistant_privacy_set(mqtt->assistant, mqtt->wanted_privacy, VA_PRIVACY_BY_MQTT, &state, &error) < 0)
            va_log(VA_LOG_WARNING, "mqtt", "privacy mode, asked for over MQTT: %s", error.text);
        va_free(mqtt->sent[PRIVACY]); /* the switch shows what holds, also where it could not be done */
        mqtt->sent[PRIVACY] = NULL;
        mqtt->wanted_privacy = -1;
    }
    if (mqtt->wants_talk && va_assistant_talk(mqtt->assistant, 1, &error) < 0)
        va_log(VA_LOG_INFO, "mqtt", "the talk button: %s", error.text);
    mqtt->wants_talk = 0;
}

/* ---- the connection ---- */

static void forget_sent(va_mqtt *mqtt)
{
    for (size_t i = 0; i < N_VALUES; i++) {
        va_free(mqtt->sent[i]);
        mqtt->sent[i] = NULL;
    }
    mqtt->is_told = 0;
}

static void on_connect(struct mosquitto *mosquitto, void *user, int reason)
{
    va_mqtt *mqtt = user;
    char topic[256];

    mqtt->refused = reason;
    if (reason != 0)
        return;
    mqtt->is_welcome = 1;
    forget_sent(mqtt);
    snprintf(topic, sizeof topic, "%s/+/set", mqtt->base);
    mosquitto_subscribe(mosquitto, NULL, topic, 1);
    snprintf(topic, sizeof topic, "%s/status", mqtt->options.prefix);
    mosquitto_subscribe(mosquitto, NULL, topic, 1);
    va_log(VA_LOG_INFO, "mqtt", "connected to the broker %s", mqtt->options.host);
    mqtt->has_warned = 0;
}

static int is_ending(va_mqtt *mqtt)
{
    pthread_mutex_lock(&mqtt->lock);
    int ending = mqtt->ending;
    pthread_mutex_unlock(&mqtt->lock);
    return ending;
}

static void wait_ms(va_mqtt *mqtt, int ms)
{
    struct pollfd wake = {.fd = mqtt->wake_fd, .events = POLLIN};
    double end_ms = va_clock_ms() + ms;
    eventfd_t count;

    while (!is_ending(mqtt) && va_clock_ms() < end_ms) {
        poll(&wake, 1, (int)(end_ms - va_clock_ms()) + 1);
        eventfd_read(mqtt->wake_fd, &count);
    }
}

/* What the library has to do, within timeout_ms. MOSQ_ERR_*. */
static int step(va_mqtt *mqtt, int timeout_ms)
{
    struct mosquitto *mosquitto = mqtt->mosquitto;
    struct pollfd fds[2] = {{.fd = mosquitto_socket(mosquitto), .events = POLLIN}, {.fd = mqtt->wake_fd, .events = POLLIN}};
    eventfd_t count;
    int code = MOSQ_ERR_SUCCESS;

    if (fds[0].fd < 0)
        return MOSQ_ERR_NO_CONN;
    if (mosquitto_want_write(mosquitto))
        fds[0].events |= POLLOUT;
    if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
        return MOSQ_ERR_ERRNO;
    if (fds[1].revents != 0)
        eventfd_read(mqtt->wake_fd, &count);
    if (fds[0].revents & (POLLIN | POLLERR | POLLHUP))
        code = mosquitto_loop_read(mosquitto, 1);
    if (code == MOSQ_ERR_SUCCESS && (fds[0].revents & POLLOUT) != 0)
        code = mosquitto_loop_write(mosquitto, 1);
    return code == MOSQ_ERR_SUCCESS ? mosquitto_loop_misc(mosquitto) : code;
}

static void note_lookup(va_mqtt *mqtt, int is_looking_up)
{
    pthread_mutex_lock(&mqtt->lock);
    mqtt->is_looking_up = is_looking_up;
    pthread_cond_signal(&mqtt->changed);
    pthread_mutex_unlock(&mqtt->lock);
}

/* One connection, from its beginning to its end. */
static void stay_connected(va_mqtt *mqtt)
{
    double deadline_ms = va_clock_ms() + CONNECT_MS;
    int code;

    mqtt->is_welcome = mqtt->refused = 0;
    note_lookup(mqtt, 1);
    code = mosquitto_connect_async(mqtt->mosquitto, mqtt->options.host, mqtt->options.port, KEEPALIVE_S);
    note_lookup(mqtt, 0);
    while (code == MOSQ_ERR_SUCCESS && mqtt->refused == 0 && !is_ending(mqtt)) {
        code = step(mqtt, mqtt->is_welcome ? LOOK_MS : 50);
        if (code != MOSQ_ERR_SUCCESS)
            break;
        if (!mqtt->is_welcome && va_clock_ms() >= deadline_ms) {
            code = MOSQ_ERR_CONN_LOST;
        } else if (mqtt->is_welcome) {
            obey(mqtt);
            publish_all(mqtt);
        }
    }
    if (!is_ending(mqtt) && !mqtt->has_warned) {
        const char *why = mqtt->refused != 0       ? mosquitto_connack_string(mqtt->refused)
                          : code == MOSQ_ERR_ERRNO ? strerror(errno)
                                                   : mosquitto_strerror(code);
        va_log(VA_LOG_WARNING, "mqtt", "the broker %s is not reached, and tried again and again: %s", mqtt->options.host, why);
        mqtt->has_warned = 1;
    }
}

/* The broker would say "offline" for us, but only when it misses us. */
static void say_goodbye(va_mqtt *mqtt)
{
    double end_ms = va_clock_ms() + GOODBYE_MS;

    if (mqtt->is_welcome && publish(mqtt, VA_MQTT_AVAILABILITY, "offline") == 0)
        while (mosquitto_want_write(mqtt->mosquitto) && va_clock_ms() < end_ms && step(mqtt, 50) == MOSQ_ERR_SUCCESS)
            ;
    mosquitto_disconnect(mqtt->mosquitto);
    while (mosquitto_socket(mqtt->mosquitto) >= 0 && va_clock_ms() < end_ms && step(mqtt, 50) == MOSQ_ERR_SUCCESS)
        ;
}

static void clear(va_mqtt *mqtt)
{
    if (mqtt->mosquitto != NULL)
        mosquitto_destroy(mqtt->mosquitto);
    forget_sent(mqtt);
    va_free((char *)mqtt->options.host);
    va_free((char *)mqtt->options.ca_file);
    va_free((char *)mqtt->options.prefix);
    va_free(mqtt->last_command);
    va_secret_free(mqtt->credentials);
    if (mqtt->wake_fd >= 0)
        close(mqtt->wake_fd);
    pthread_cond_destroy(&mqtt->changed);
    pthread_mutex_destroy(&mqtt->lock);
    va_free(mqtt);
}

static void *run(void *user)
{
    va_mqtt *mqtt = user;
    struct va_broken_pipe before;
    int wait_s = 1;

    va_broken_pipe_block(&before);
    while (!is_ending(mqtt)) {
        stay_connected(mqtt);
        if (is_ending(mqtt))
            break;
        wait_s = mqtt->is_welcome ? 1 : wait_s * 2 > MAX_WAIT_S ? MAX_WAIT_S : wait_s * 2;
        wait_ms(mqtt, wait_s * 1000);
    }
    say_goodbye(mqtt);
    va_broken_pipe_restore(&before);
    if (mqtt->is_left) /* by now it is, or never will be */
        clear(mqtt);
    return NULL;
}

/* ---- life ---- */

static void start_library(void)
{
    mosquitto_lib_init();
}

static int copy_options(va_mqtt *mqtt, const struct va_mqtt_options *options, va_error *error)
{
    char host[256] = "";
    int r = 0;

    gethostname(host, sizeof host - 1);
    host[strcspn(host, ".")] = '\0';
    snprintf(mqtt->name, sizeof mqtt->name, "%s", options->name[0] != '\0' ? options->name : host);
    va_mqtt_node(mqtt->name, mqtt->node);
    mqtt->options = *options;
    mqtt->options.host = va_strdup(options->host);
    mqtt->options.ca_file = va_strdup(options->ca_file);
    mqtt->options.prefix = va_strdup(options->prefix);
    if (mqtt->options.host == NULL || mqtt->options.ca_file == NULL || mqtt->options.prefix == NULL)
        return va_fail_memory(error);
    if (options->host[0] == '\0' || strlen(options->base) > 100 || strlen(options->prefix) > 100 || options->base[0] == '\0' ||
        options->prefix[0] == '\0' || mosquitto_pub_topic_check(options->base) != MOSQ_ERR_SUCCESS ||
        mosquitto_pub_topic_check(options->prefix) != MOSQ_ERR_SUCCESS)
        return va_fail(error, VA_EINVAL, "mqtt.host, mqtt.topic and mqtt.discovery must be a host and topics without wildcards");
    snprintf(mqtt->base, sizeof mqtt->base, "%s/%s", options->base, mqtt->node);
    if (options->password_file[0] != '\0')
        r = va_secret_read(options->password_file, &mqtt->credentials, error);
    if (r == 0 && mqtt->credentials != NULL) {
        char *password = strchr(mqtt->credentials, ':');
        if (password != NULL)
            *password++ = '\0';
        mqtt->password = password;
    }
    mqtt->device = (struct va_mqtt_device){
        .prefix = mqtt->options.prefix, .base = mqtt->base, .node = mqtt->node, .name = mqtt->name, .can_talk = options->can_talk};
    return r;
}

static int make_client(va_mqtt *mqtt, va_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char topic[256];
    int code = MOSQ_ERR_SUCCESS;

    pthread_once(&once, start_library);
    mqtt->mosquitto = mosquitto_new(NULL, true, mqtt);
    if (mqtt->mosquitto == NULL)
        return va_fail_memory(error);
    snprintf(topic, sizeof topic, "%s/%s", mqtt->base, VA_MQTT_AVAILABILITY);
    mosquitto_connect_callback_set(mqtt->mosquitto, on_connect);
    mosquitto_message_callback_set(mqtt->mosquitto, on_message);
    code = mosquitto_will_set(mqtt->mosquitto, topic, 7, "offline", 1, true);
    if (code == MOSQ_ERR_SUCCESS && mqtt->credentials != NULL)
        code = mosquitto_username_pw_set(mqtt->mosquitto, mqtt->credentials, mqtt->password);
    if (code == MOSQ_ERR_SUCCESS && mqtt->options.tls) {
        const char *file = mqtt->options.ca_file[0] != '\0' ? mqtt->options.ca_file : NULL;
        code = mosquitto_tls_set(mqtt->mosquitto, file, file == NULL ? "/etc/ssl/certs" : NULL, NULL, NULL, NULL);
    }
    return code == MOSQ_ERR_SUCCESS ? 0 : va_fail(error, VA_EINVAL, "MQTT: %s", mosquitto_strerror(code));
}

int va_mqtt_start(va_assistant *assistant, const struct va_mqtt_options *options, va_mqtt **ret_mqtt, va_error *error)
{
    va_mqtt *mqtt = va_calloc(1, sizeof *mqtt);
    int r;

    if (mqtt == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&mqtt->lock, NULL);
    pthread_cond_init(&mqtt->changed, NULL);
    mqtt->assistant = assistant;
    mqtt->wanted_privacy = -1;
    mqtt->must_forget = options->texts && va_assistant_is_private(assistant);
    mqtt->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = mqtt->wake_fd < 0 ? va_fail_errno(error, "cannot make an event") : copy_options(mqtt, options, error);
    if (r == 0)
        r = make_client(mqtt, error);
    if (r == 0)
        r = va_assistant_subscribe(assistant, on_event, mqtt, error);
    if (r == 0 && va_thread_start(&mqtt->thread, run, mqtt) < 0)
        r = va_fail(error, VA_ENOMEM, "cannot start a thread");
    if (r < 0) {
        va_mqtt_free(mqtt);
        return r;
    }
    mqtt->has_thread = 1;
    *ret_mqtt = mqtt;
    return 0;
}

/* A name server that does not answer holds the library for longer than the end may take: the thread is left to end itself. */
void va_mqtt_free(va_mqtt *mqtt)
{
    if (mqtt == NULL)
        return;
    uint64_t until_ns = va_clock_after(LEAVE_S);
    pthread_t thread = mqtt->thread;
    va_assistant_unsubscribe(mqtt->assistant, on_event, mqtt);
    pthread_mutex_lock(&mqtt->lock);
    mqtt->ending = 1;
    eventfd_write(mqtt->wake_fd, 1);
    while (mqtt->is_looking_up && va_thread_wait_until(&mqtt->changed, &mqtt->lock, until_ns) == 0)
        ;
    int is_left = mqtt->is_left = mqtt->is_looking_up;
    pthread_mutex_unlock(&mqtt->lock);
    if (is_left) {
        pthread_detach(thread);
        return;
    }
    if (mqtt->has_thread)
        pthread_join(thread, NULL);
    clear(mqtt);
}
