/* mqtt.c - the action mqtt: publishes one message. */
#include "action/actions.h"

#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <string.h>

#include "base/broken_pipe.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/secret.h"

#define KEEPALIVE_S 60
#define STEP_MS 100
#define MAX_PAYLOAD_BYTES 65536

static const struct {
    const char *name;
    enum va_escape escape;
} contents[] = {{"text", VA_ESCAPE_NONE}, {"json", VA_ESCAPE_JSON}};

static int is_yes(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
}

static int check_bool(const struct va_action_settings *settings, const char *name, va_error *error)
{
    const char *text = va_slot_find(settings->settings, settings->n_settings, name);

    if (text == NULL || is_yes(text) || strcmp(text, "false") == 0 || strcmp(text, "no") == 0)
        return 0;
    return va_fail(error, VA_EINVAL, "'%s' must be true or false, not \"%.20s\"", name, text);
}

int va_action_check_mqtt(const struct va_action_settings *settings, va_error *error)
{
    const va_slot *all = settings->settings;
    size_t n = settings->n_settings;
    const char *topic = va_slot_find(all, n, "topic"), *content = va_slot_find(all, n, "content");
    const char *port = va_slot_find(all, n, "port"), *qos = va_slot_find(all, n, "qos");
    double number;
    int r;

    if (topic == NULL || topic[0] == '\0' || strpbrk(topic, "+#") != NULL)
        return va_fail(error, VA_EINVAL, "the action 'mqtt' needs a 'topic' without wildcards");
    if (content != NULL && strcmp(content, "text") != 0 && strcmp(content, "json") != 0)
        return va_fail(error, VA_EINVAL, "'content' must be text or json, not \"%.20s\"", content);
    if ((port != NULL && (r = va_action_number(port, "port", 1, 65535, &number, error)) < 0) ||
        (qos != NULL && (r = va_action_number(qos, "qos", 0, 2, &number, error)) < 0) ||
        (r = va_action_timeout(va_slot_find(all, n, "timeout"), &number, error)) < 0 || (r = check_bool(settings, "retain", error)) < 0)
        return r;
    return check_bool(settings, "tls", error);
}

/* ---- talking to the broker ---- */

struct message {
    const char *host, *topic, *payload;
    int port, qos, retain;
    const char *ca_file; /* of TLS */
    int tls;
    char *user_password; /* "USER:PASSWORD", or NULL */
};

struct talk {
    const struct message *message;
    int refused;   /* the broker's reason, or 0 */
    int done;      /* it has the message */
    int published; /* MOSQ_ERR_* of handing it over */
};

static void on_connect(struct mosquitto *mosquitto, void *user, int reason)
{
    struct talk *talk = user;
    const struct message *message = talk->message;

    talk->refused = reason;
    if (reason == 0)
        talk->published = mosquitto_publish(mosquitto, NULL, message->topic, (int)strlen(message->payload), message->payload, message->qos,
                                            message->retain);
}

static void on_publish(struct mosquitto *mosquitto, void *user, int id)
{
    ((struct talk *)user)->done = 1;
}

static int is_cancelled(int fd)
{
    struct pollfd cancel = {.fd = fd, .events = POLLIN};

    return poll(&cancel, 1, 0) > 0;
}

static const char *library_text(int code)
{
    return code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code);
}

static int set_up(struct mosquitto *mosquitto, const struct message *message)
{
    int code = MOSQ_ERR_SUCCESS;

    if (message->user_password != NULL) {
        char *password = strchr(message->user_password, ':');
        if (password != NULL)
            *password++ = '\0';
        code = mosquitto_username_pw_set(mosquitto, message->user_password, password);
    }
    if (code == MOSQ_ERR_SUCCESS && message->tls)
        code = mosquitto_tls_set(mosquitto, message->ca_file, message->ca_file == NULL ? "/etc/ssl/certs" : NULL, NULL, NULL, NULL);
    return code;
}

/* Until the broker has the message: nothing here blocks for longer than a step, but for the look-up of the host's name. */
static int talk_to_broker(struct mosquitto *mosquitto, const struct message *message, double timeout_s, int cancel_fd, va_error *error)
{
    double deadline_ms = va_clock_ms() + timeout_s * 1000;
    struct talk talk = {.message = message};

    mosquitto_user_data_set(mosquitto, &talk);
    mosquitto_connect_callback_set(mosquitto, on_connect);
    mosquitto_publish_callback_set(mosquitto, on_publish);
    int code = set_up(mosquitto, message);
    if (code == MOSQ_ERR_SUCCESS)
        code = mosquitto_connect_async(mosquitto, message->host, message->port, KEEPALIVE_S);
    while (code == MOSQ_ERR_SUCCESS && !talk.done && talk.refused == 0 && talk.published == MOSQ_ERR_SUCCESS) {
        if (va_clock_ms() >= deadline_ms)
            return va_fail(error, VA_ETIMEOUT, "the broker %.100s did not take the message within %.10g s", message->host, timeout_s);
        if (is_cancelled(cancel_fd))
            return va_fail(error, VA_ECANCELLED, "the message to the broker %.100s was given up", message->host);
        code = mosquitto_loop(mosquitto, STEP_MS, 1);
    }
    if (talk.done)
        return 0;
    if (talk.refused != 0)
        return va_fail(error, VA_EFAILED, "the broker %.100s: %s", message->host, mosquitto_connack_string(talk.refused));
    return va_fail(error, VA_EFAILED, "the broker %.100s: %s", message->host,
                   library_text(code != MOSQ_ERR_SUCCESS ? code : talk.published));
}

static void start_library(void)
{
    mosquitto_lib_init();
}

static int publish(const struct message *message, double timeout_s, int cancel_fd, va_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start_library);
    struct mosquitto *mosquitto = mosquitto_new(NULL, true, NULL);
    if (mosquitto == NULL)
        return va_fail_memory(error);
    struct va_broken_pipe before;
    va_broken_pipe_block(&before);
    int r = talk_to_broker(mosquitto, message, timeout_s, cancel_fd, error);
    mosquitto_disconnect(mosquitto);
    va_broken_pipe_restore(&before);
    mosquitto_destroy(mosquitto);
    return r;
}

/* ---- the action ---- */

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* The broker that the command names, or else that of the options; what of it the command sets goes before. */
static int fill_broker(const struct va_action_call *call, struct message *message)
{
    static const struct va_action_broker none;
    const char *host = va_action_setting(call, "host", NULL);
    const struct va_action_broker *known = host != NULL ? &none : &call->request->broker;
    const char *file = va_action_setting(call, "password_file", or_null(known->password_file));
    const char *port_text = va_action_setting(call, "port", NULL);
    double port = known->port;
    int r = 0;

    message->tls = is_yes(va_action_setting(call, "tls", known->tls ? "true" : "false"));
    if (port_text == NULL && port == 0)
        port_text = message->tls ? "8883" : "1883";
    if (port_text != NULL)
        r = va_action_number(port_text, "port", 1, 65535, &port, call->error);
    if (r == 0 && file != NULL)
        r = va_secret_read(file, &message->user_password, call->error);
    message->host = host != NULL ? host : or_null(known->host) != NULL ? known->host : "localhost";
    message->port = (int)port;
    message->ca_file = va_action_setting(call, "ca_file", or_null(known->ca_file));
    return r;
}

static int fill_message(const struct va_action_call *call, struct message *message, char **ret_topic, char **ret_payload)
{
    int is_json = strcmp(va_action_setting(call, "content", "text"), "json") == 0;
    double qos;
    int r = va_action_fill(call, VA_ESCAPE_TOPIC, "topic", va_action_setting(call, "topic", ""), ret_topic);

    if (r == 0)
        r = va_action_fill(call, contents[is_json].escape, "payload", va_action_setting(call, "payload", ""), ret_payload);
    if (r < 0)
        return r;
    if (mosquitto_pub_topic_check(*ret_topic) != MOSQ_ERR_SUCCESS || strlen(*ret_payload) > MAX_PAYLOAD_BYTES)
        return va_fail(call->error, VA_EINVAL, "the topic of '%s' is no topic, or its payload is longer than %d bytes",
                       call->request->command, MAX_PAYLOAD_BYTES);
    if ((r = va_action_number(va_action_setting(call, "qos", "0"), "qos", 0, 2, &qos, call->error)) < 0 ||
        (r = fill_broker(call, message)) < 0)
        return r;
    message->topic = *ret_topic;
    message->payload = *ret_payload;
    message->qos = (int)qos;
    message->retain = is_yes(va_action_setting(call, "retain", "false"));
    return 0;
}

int va_action_run_mqtt(struct va_action_call *call)
{
    struct va_action_settings settings = {call->request->settings, call->request->n_settings, NULL, 0};
    struct message message = {0};
    char *topic = NULL, *payload = NULL;
    double timeout_s;
    int r = va_action_check_mqtt(&settings, call->error);

    if (r == 0)
        r = va_action_timeout(va_action_setting(call, "timeout", NULL), &timeout_s, call->error);
    if (r == 0)
        r = fill_message(call, &message, &topic, &payload);
    if (r == 0 && call->request->dry_run)
        r = va_action_would(call, "would publish to %s at %s:%d: %s", topic, message.host, message.port, payload);
    else if (r == 0)
        r = publish(&message, timeout_s, call->actions->stop_fd, call->error);
    va_free(topic);
    va_free(payload);
    va_secret_free(message.user_password);
    return r;
}
