/* item_network.c - what comes in from outside, and what goes out. */
#include "audit/items.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "audit/parse.h"
#include "base/memory.h"

#define CERTIFICATE_DAYS 14

static int is_loopback_name(const char *host)
{
    struct in_addr ip4;

    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &ip4) == 1 && ntohl(ip4.s_addr) >> 24 == 127);
}

/* ---- the firewall ---- */

struct ssh {
    const struct va_scene *scene;
    uint64_t port;
};

/* Whether a file of sshd's has it listen on the port. */
static int opens_ssh(const struct ssh *ssh, const char *path)
{
    char *text, *rest, value[16];
    uint64_t number;
    size_t size;
    int found = 0;
    va_error error;

    if (va_scene_file(ssh->scene, path, 1 << 20, &text, &size, &error) < 0)
        return 0;
    for (const char *line = strtok_r(text, "\n", &rest); line != NULL && !found; line = strtok_r(NULL, "\n", &rest))
        found =
            va_parse_field(line, "Port", ' ', value, sizeof value) == 0 && va_parse_number(value, 10, &number) == 0 && number == ssh->port;
    va_free(text);
    return found;
}

static int opens_ssh_too(void *user, const char *name)
{
    char path[320];

    snprintf(path, sizeof path, "/etc/ssh/sshd_config.d/%.255s", name);
    return opens_ssh(user, path);
}

/* sshd may listen on other ports than its own. */
static int is_ssh(const struct va_scene *scene, int port)
{
    struct ssh ssh = {.scene = scene, .port = (uint64_t)port};

    return port == 22 || opens_ssh(&ssh, "/etc/ssh/sshd_config") || va_scene_each(scene, "/etc/ssh/sshd_config.d", opens_ssh_too, &ssh);
}

static int is_meant(const struct va_scene *scene, int port)
{
    const va_config *config = scene->config;

    return is_ssh(scene, port) || port == 8000 || port == 8443 ||
           (config != NULL && (port == config->server_port || port == config->server_tls_port));
}

struct card {
    const struct va_scene *scene;
    const struct va_firewall *firewall;
    char name[32];
};

/* A network card, unlike a tunnel, is open to whoever is on its network. */
static int is_open_card(void *user, const char *name)
{
    struct card *card = user;
    char path[VA_SCENE_PATH_BYTES];

    snprintf(path, sizeof path, "/sys/class/net/%.31s/device", name);
    if (!va_scene_exists(card->scene, path))
        return 0;
    snprintf(card->name, sizeof card->name, "%.31s", name);
    for (size_t i = 0; i < card->firewall->n_interfaces; i++)
        if (fnmatch(card->firewall->interfaces[i], name, 0) == 0)
            return 1;
    return 0;
}

static void judge_firewall(const struct va_scene *scene, const struct va_firewall *firewall, struct va_check_result *result)
{
    struct card card = {.scene = scene, .firewall = firewall};
    char ports[160] = "";

    for (size_t i = 0; i < firewall->n_ports; i++) {
        if (!is_meant(scene, firewall->ports[i])) {
            va_check_say(result, VA_CHECK_FAIL, "port %d is let in, too", firewall->ports[i]);
            va_check_advise(result, "close it, or take the rule out: sudo nft list ruleset");
            return;
        }
        snprintf(ports + strlen(ports), sizeof ports - strlen(ports), " %d", firewall->ports[i]);
    }
    if (!firewall->denies_ip4 || !firewall->denies_ip6)
        va_check_say(result, VA_CHECK_FAIL, "incoming %s is not denied",
                     firewall->denies_ip4   ? "IPv6"
                     : firewall->denies_ip6 ? "IPv4"
                                            : "traffic");
    else if (firewall->lets_all_in)
        va_check_say(result, VA_CHECK_FAIL, "a rule lets everything in");
    else if (va_scene_each(scene, "/sys/class/net", is_open_card, &card))
        va_check_say(result, VA_CHECK_FAIL, "a rule lets everything in that comes by the network card %s", card.name);
    else if (firewall->is_unseen)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "a rule opens ports by a named set, a map or multiport, which is not looked into");
    else
        va_check_say(result, VA_CHECK_PASS, "incoming is denied, but for:%s", ports[0] != '\0' ? ports : " nothing");
}

/* The rules of ufw's user, where it is on: some of them nft cannot show. */
static int add_ufw(const struct va_scene *scene, struct va_firewall *firewall, va_error *error)
{
    static const char *const paths[] = {"/etc/ufw/user.rules", "/etc/ufw/user6.rules"};
    char *text, value[8] = "";
    size_t size;
    int r = va_scene_file(scene, "/etc/ufw/ufw.conf", 1 << 20, &text, &size, error);

    if (r == VA_ENOTFOUND)
        return 0;
    if (r == 0) {
        (void)va_parse_field(text, "ENABLED", '=', value, sizeof value);
        va_free(text);
    }
    for (int i = 0; i < 2 && r == 0 && strcmp(value, "yes") == 0; i++) {
        if ((r = va_scene_file(scene, paths[i], 1 << 20, &text, &size, error)) < 0)
            break;
        va_parse_ufw(text, firewall);
        va_free(text);
    }
    return r;
}

void va_item_firewall(struct va_scene *scene, struct va_check_result *result)
{
    static const char *const argv[] = {"/usr/sbin/nft", "-j", "list", "ruleset", NULL};
    struct va_firewall firewall;
    struct va_buffer out;
    int exit_code = 0;
    va_error error;

    if (!scene->is_root) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "the rules of the firewall can only be read as root");
        return;
    }
    va_buffer_init(&out, VA_SCENE_MAX_OUTPUT_BYTES);
    int r = va_scene_run(scene, argv, &out, &exit_code, &error);
    if (r == VA_ENOTFOUND) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "nft is not installed, so nothing can be seen of a firewall");
        va_check_advise(result, "sudo apt-get install nftables");
    } else if (r < 0 || exit_code != 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "nft: %s", r < 0 ? error.text : "the rules cannot be read");
    } else if (va_parse_firewall(out.data != NULL ? out.data : "", out.size, &firewall, &error) < 0 ||
               add_ufw(scene, &firewall, &error) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
    } else {
        judge_firewall(scene, &firewall, result);
    }
    va_buffer_free(&out);
}

/* ---- what listens ---- */

/* What a listener of the assistant may not be, or NULL. */
static const char *complain(const va_config *config, const struct va_listener *listener)
{
    static const char unmeant[] = "listens beyond the loopback, which the configuration does not say";

    if (va_listener_is_loopback(listener))
        return NULL;
    if (listener->port == config->server_tls_port && config->server_tls)
        return is_loopback_name(config->server_tls_listen) ? unmeant : NULL;
    if (listener->port == config->server_port)
        return is_loopback_name(config->server_listen) ? unmeant : !config->server_tls ? "listens without TLS" : NULL;
    if (listener->port == config->wyoming_port && config->wyoming_enabled)
        return is_loopback_name(config->wyoming_listen) || config->wyoming_allow[0] == '\0' ? unmeant : NULL;
    if (listener->port == config->metrics_port && config->metrics_enabled)
        return is_loopback_name(config->metrics_listen) ? unmeant : NULL;
    return unmeant;
}

static void judge_listeners(struct va_scene *scene, const struct va_listener *listeners, size_t n, struct va_check_result *result)
{
    const va_config *config = scene->config;
    pid_t daemon = va_scene_daemon(scene);
    char text[VA_LISTENER_TEXT_BYTES];
    size_t n_own = 0, n_outside = 0;

    for (size_t i = 0; i < n; i++) {
        if (!va_scene_owns(scene, daemon, listeners[i].inode))
            continue;
        n_own++;
        n_outside += !va_listener_is_loopback(&listeners[i]);
        const char *complaint = complain(config, &listeners[i]);
        if (complaint != NULL) {
            va_listener_text(&listeners[i], text);
            va_check_say(result, VA_CHECK_FAIL, "%s %s", text, complaint);
            return;
        }
    }
    if (n_own == 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "which sockets are the assistant's cannot be seen: run it as root");
    else
        va_check_say(result, VA_CHECK_PASS, "%zu ports, %zu of them beyond the loopback%s", n_own, n_outside,
                     config->wyoming_enabled && config->wyoming_allow[0] != '\0' ? "; Wyoming has neither TLS nor tokens (wyoming.allow)"
                                                                                 : "");
}

void va_item_listeners(struct va_scene *scene, struct va_check_result *result)
{
    struct va_listener *listeners;
    size_t n = 0;
    va_error error;

    if (scene->config == NULL || va_scene_daemon(scene) == 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", scene->config == NULL ? scene->config_error.text : scene->process.problem);
        return;
    }
    listeners = va_alloc(VA_SOCKETS_MAX, sizeof *listeners);
    int r = listeners == NULL ? va_fail_memory(&error) : va_scene_listeners(scene, listeners, &n, &error);
    if (r < 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
    else
        judge_listeners(scene, listeners, n, result);
    va_free(listeners);
}

/* ---- TLS ---- */

/* The host of an address, without user and port. */
static void host_of(const char *url, char ret_host[256])
{
    const char *slashes = strstr(url, "://"), *host = slashes != NULL ? slashes + 3 : url;
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#,");

    snprintf(ret_host, 256, "%.*s", (int)(n < 255 ? n : 255), host);
}

/* What goes out unencrypted, or NULL. */
static const char *plain_partner(const va_config *config)
{
    char host[256];

    host_of(config->home_assistant_url, host);
    if (strncmp(config->home_assistant_url, "http://", 7) == 0 && !is_loopback_name(host))
        return "home_assistant.url is without TLS, and its token goes there";
    if (config->mqtt_enabled && !config->mqtt_tls && !is_loopback_name(config->mqtt_host))
        return "the MQTT broker is on another machine, and mqtt.tls is off";
    host_of(config->remote_url, host);
    if (strncmp(config->remote_url, "nats://", 7) == 0 && !is_loopback_name(host))
        return "remote.url is without TLS";
    return NULL;
}

void va_item_tls(struct va_scene *scene, struct va_check_result *result)
{
    const va_config *config = scene->config;
    struct va_tls_facts facts;
    va_error error;

    if (config == NULL) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", scene->config_error.text);
        return;
    }
    const char *plain = plain_partner(config);
    if (plain != NULL || !config->server_tls) {
        va_check_say(result, VA_CHECK_FAIL, "%s", plain != NULL ? plain : "server.tls is off");
        va_check_advise(result, "%s", plain != NULL ? "use an address with TLS" : "set server.tls to yes, and restart the assistant");
        return;
    }
    if (config->server_tls_port == 0 ||
        scene->means->probe_tls(scene->means->user, config->server_tls_listen, (int)config->server_tls_port, &facts, &error) < 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s",
                     config->server_tls_port == 0 ? "server.tls_port is 0, so the port is not known" : error.text);
        return;
    }
    double days = ((double)facts.ends_unix_s - scene->now_unix_s) / 86400;
    if (strcmp(facts.version, "TLSv1.2") != 0 && strcmp(facts.version, "TLSv1.3") != 0)
        va_check_say(result, VA_CHECK_FAIL, "port %d speaks %s", (int)config->server_tls_port, facts.version);
    else if (facts.takes_old)
        va_check_say(result, VA_CHECK_FAIL, "port %d speaks TLS 1.1, too", (int)config->server_tls_port);
    else if ((double)facts.begins_unix_s > scene->now_unix_s)
        va_check_say(result, VA_CHECK_FAIL, "the certificate is not valid yet: is the clock right?");
    else if (days < CERTIFICATE_DAYS)
        va_check_say(result, VA_CHECK_FAIL, "the certificate ends %s", days < 0 ? "in the past" : "in less than 14 days");
    else
        va_check_say(result, VA_CHECK_PASS, "%s, 1.1 is refused, the certificate is good for %.0f days", facts.version, days);
}

/* ---- who comes in ---- */

void va_item_access(struct va_scene *scene, struct va_check_result *result)
{
    const va_config *config = scene->config;
    char url[128], ca[VA_SCENE_PATH_BYTES + 16];
    struct va_buffer answer;
    int status = 0;
    va_error error;

    if (config == NULL || !config->server_tls || config->server_tls_port == 0) {
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s",
                     config == NULL ? scene->config_error.text : "there is no port with TLS, or it is not known which");
        return;
    }
    va_scene_url("https", config->server_tls_listen, (int)config->server_tls_port, url);
    snprintf(url + strlen(url), sizeof url - strlen(url), "/status");
    snprintf(ca, sizeof ca, "%s%s/tls/ca.pem", scene->root, scene->folder);
    va_buffer_init(&answer, VA_SCENE_MAX_OUTPUT_BYTES);
    int r = scene->means->get(scene->means->user, url, config->server_certificate[0] == '\0' ? ca : NULL, NULL, &answer, &status, &error);
    va_buffer_free(&answer);
    if (r < 0)
        va_check_say(result, VA_CHECK_NOT_CHECKED, "%s", error.text);
    else if (status == 401)
        va_check_say(result, VA_CHECK_PASS, "port %d answers 401 to who has no token; without TLS %s", (int)config->server_tls_port,
                     strcmp(config->access_local, "token") == 0 ? "nobody is served without one, either" : "only this machine is served");
    else
        va_check_say(result, VA_CHECK_FAIL, "port %d answers %d to who has no token", (int)config->server_tls_port, status);
}

/* ---- VPN ---- */

struct vpn {
    const struct va_scene *scene;
    char name[128]; /* of the first configuration; "": none */
    int is_up;
};

static int note_client(void *user, const char *name)
{
    struct vpn *vpn = user;
    size_t n = strlen(name);

    if (n <= 5 || n >= sizeof vpn->name || strcmp(name + n - 5, ".conf") != 0)
        return 0;
    snprintf(vpn->name, sizeof vpn->name, "%.*s", (int)(n - 5), name);
    return strcmp(vpn->name, "voice-assistant") == 0;
}

static int note_interface(void *user, const char *name)
{
    struct vpn *vpn = user;

    char path[VA_SCENE_PATH_BYTES];

    snprintf(path, sizeof path, "/sys/class/net/%.100s/tun_flags", name);
    return vpn->is_up = va_scene_exists(vpn->scene, path);
}

/* Whether others may read a file that the configuration names. */
static int is_shown(const struct va_scene *scene, const char *config, const char *option)
{
    char value[256], path[VA_SCENE_PATH_BYTES];
    struct stat status;

    if (va_parse_field(config, option, ' ', value, sizeof value) < 0)
        return 0;
    value[strcspn(value, " \t")] = '\0'; /* tls-auth has a direction behind it */
    snprintf(path, sizeof path, "%s%s", value[0] == '/' ? "" : "/etc/openvpn/client/", value);
    return va_scene_stat(scene, path, &status) == 0 && (status.st_mode & 0077) != 0;
}

/* Whether the tunnel of that configuration is there: by its name, or any where it is given one by the kernel. */
static int is_connected(const struct vpn *vpn, const char *config)
{
    char device[32], path[VA_SCENE_PATH_BYTES];

    if (va_parse_field(config, "dev", ' ', device, sizeof device) < 0 || strcmp(device, "tun") == 0 || strcmp(device, "tap") == 0)
        return vpn->is_up;
    snprintf(path, sizeof path, "/sys/class/net/%s", device);
    return va_scene_exists(vpn->scene, path);
}

/* What a client's configuration lacks. NULL: all is well. */
static const char *judge_configuration(const struct vpn *vpn, const char *config)
{
    static const char *const secrets[] = {"key", "tls-crypt", "tls-auth", "tls-crypt-v2", "pkcs12", "secret", "auth-user-pass"};
    char unit[192], value[64];

    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (is_shown(vpn->scene, config, secrets[i]))
            return "others may read its keys";
    if (va_parse_field(config, "remote-cert-tls", ' ', value, sizeof value) < 0 || strcmp(value, "server") != 0)
        return "it does not ask for a server's certificate (remote-cert-tls server)";
    if (!va_scene_exists(vpn->scene, "/usr/sbin/openvpn"))
        return "openvpn is not installed";
    snprintf(unit, sizeof unit, "openvpn-client@%s.service", vpn->name);
    if (!va_scene_unit_is_enabled(vpn->scene, unit))
        return "its unit does not start at boot";
    return is_connected(vpn, config) ? NULL : "it is not connected: there is no tunnel";
}

/* NULL: all is well. "": it cannot be seen. */
static const char *judge_client(const struct vpn *vpn)
{
    char path[VA_SCENE_PATH_BYTES], *text;
    struct stat status;
    size_t size;
    va_error error;

    snprintf(path, sizeof path, "/etc/openvpn/client/%s.conf", vpn->name);
    if (va_scene_stat(vpn->scene, path, &status) == 0 && (status.st_mode & 0077) != 0)
        return "others may read its configuration, which may hold its keys";
    int r = va_scene_file(vpn->scene, path, 1 << 20, &text, &size, &error);
    if (r < 0)
        return r == VA_EDENIED ? "" : "its configuration cannot be read";
    const char *complaint = judge_configuration(vpn, text);
    va_free(text);
    return complaint;
}

void va_item_vpn(struct va_scene *scene, struct va_check_result *result)
{
    struct vpn vpn = {.scene = scene};
    char path[VA_SCENE_PATH_BYTES];

    va_scene_each(scene, "/etc/openvpn/client", note_client, &vpn);
    va_scene_each(scene, "/sys/class/net", note_interface, &vpn);
    if (vpn.name[0] == '\0' && va_scene_unit(scene, VA_SERVICE, path) == 0 && !va_scene_exists(scene, "/usr/sbin/voice-assistant-setup")) {
        va_check_say(result, VA_CHECK_FAIL, "voice-assistant-setup, which sets a client up, is missing");
        return;
    }
    if (vpn.name[0] == '\0') {
        va_check_say(result, VA_CHECK_NOT_APPLICABLE, "no VPN client is set up");
        return;
    }
    const char *complaint = judge_client(&vpn);
    if (complaint == NULL)
        va_check_say(result, VA_CHECK_PASS, "the client %s is connected and starts at boot", vpn.name);
    else if (complaint[0] == '\0')
        va_check_say(result, VA_CHECK_NOT_CHECKED, "/etc/openvpn/client can only be read as root");
    else
        va_check_say(result, VA_CHECK_FAIL, "the client %s: %s", vpn.name, complaint);
}
