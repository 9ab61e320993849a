/* process.c - the running assistant: its process, its API, its metrics. */
#include "audit/scene.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "audit/parse.h"
#include "base/memory.h"

#define MAX_CANDIDATES 64
#define MAX_STATUS_BYTES 16384
#define MAX_NET_BYTES ((size_t)1 << 20)

/* ---- which process it is ---- */

struct candidates {
    struct va_scene *scene;
    struct {
        pid_t pid, parent;
    } at[MAX_CANDIDATES];
    size_t n;
};

/* Its arguments begin with "voice-assistant" in any folder and "serve". */
static int serves(const struct va_scene *scene, const char *pid)
{
    char path[64], *data;
    size_t size;
    va_error error;

    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    if (va_scene_file(scene, path, 131072, &data, &size, &error) < 0)
        return 0;
    const char *slash = strrchr(data, '/'), *name = slash != NULL ? slash + 1 : data;
    size_t n = strlen(data) + 1;
    int is_it = strcmp(name, "voice-assistant") == 0 && n < size && strcmp(data + n, "serve") == 0;
    va_free(data);
    return is_it;
}

static int look_at(void *user, const char *name)
{
    struct candidates *candidates = user;
    uint64_t pid, parent;

    if (!isdigit((unsigned char)name[0]) || va_parse_number(name, 10, &pid) < 0 || !serves(candidates->scene, name) ||
        va_scene_process_number(candidates->scene, (pid_t)pid, "PPid", 10, &parent) < 0)
        return 0;
    candidates->at[candidates->n].pid = (pid_t)pid;
    candidates->at[candidates->n++].parent = (pid_t)parent;
    return candidates->n == MAX_CANDIDATES;
}

static int is_child(const struct candidates *candidates, size_t i)
{
    for (size_t j = 0; j < candidates->n; j++)
        if (candidates->at[j].pid == candidates->at[i].parent)
            return 1;
    return 0;
}

struct owner {
    const struct va_scene *scene;
    pid_t pid;
    char wanted[64];
};

static int is_socket(void *user, const char *name)
{
    const struct owner *owner = user;
    char path[96], target[64];

    snprintf(path, sizeof path, "/proc/%d/fd/%.20s", (int)owner->pid, name);
    return va_scene_link(owner->scene, path, target, sizeof target) == 0 && strcmp(target, owner->wanted) == 0;
}

int va_scene_owns(const struct va_scene *scene, pid_t pid, uint64_t inode)
{
    struct owner owner = {.scene = scene, .pid = pid};
    char path[64];

    snprintf(owner.wanted, sizeof owner.wanted, "socket:[%llu]", (unsigned long long)inode);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    return va_scene_each(scene, path, is_socket, &owner);
}

int va_scene_listeners(const struct va_scene *scene, struct va_listener *ret_listeners, size_t *ret_n, va_error *error)
{
    static const char *const paths[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    size_t n = 0, size;

    for (int i = 0; i < 2; i++) {
        char *data;
        int r = va_scene_file(scene, paths[i], MAX_NET_BYTES, &data, &size, error);
        if (r == VA_ENOTFOUND && i == 1)
            continue; /* a kernel without IPv6 */
        if (r < 0)
            return r;
        va_parse_listeners(data, i, ret_listeners, &n);
        va_free(data);
    }
    *ret_n = n;
    return 0;
}

static int is_any(void *user, const char *name)
{
    return 1;
}

enum match { MATCH_NONE, MATCH_UNKNOWN, MATCH_PORT };

/* Whether a process listens on the configured port; unknown where its sockets cannot be seen. */
static enum match match_port(const struct va_scene *scene, pid_t pid, const struct va_listener *listeners, size_t n)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    if (scene->config == NULL || scene->config->server_port == 0 || !va_scene_each(scene, path, is_any, NULL))
        return MATCH_UNKNOWN;
    for (size_t i = 0; i < n; i++)
        if (listeners[i].port == scene->config->server_port && va_scene_owns(scene, pid, listeners[i].inode))
            return MATCH_PORT;
    return MATCH_NONE;
}

/* The one that listens on the configured port, else the only one of which that is not known. 0: neither. */
static pid_t pick(const struct va_scene *scene, const struct candidates *candidates)
{
    struct va_listener *listeners = va_alloc(VA_SOCKETS_MAX, sizeof *listeners);
    size_t n = 0, n_unknown = 0;
    pid_t found = 0, unknown = 0;
    va_error error;
    int is_readable = listeners != NULL && va_scene_listeners(scene, listeners, &n, &error) == 0;

    for (size_t i = 0; i < candidates->n; i++) {
        pid_t pid = candidates->at[i].pid;
        enum match match = is_child(candidates, i) ? MATCH_NONE : is_readable ? match_port(scene, pid, listeners, n) : MATCH_UNKNOWN;
        if (match == MATCH_PORT)
            found = pid;
        if (match == MATCH_UNKNOWN && n_unknown++ == 0)
            unknown = pid;
    }
    va_free(listeners);
    return found != 0 ? found : n_unknown == 1 ? unknown : 0;
}

pid_t va_scene_daemon(struct va_scene *scene)
{
    struct va_scene_process *process = &scene->process;
    struct candidates candidates = {.scene = scene};

    if (process->is_known)
        return process->daemon;
    process->is_known = 1;
    va_scene_each(scene, "/proc", look_at, &candidates);
    process->daemon = pick(scene, &candidates);
    for (size_t i = 0; i < candidates.n; i++)
        if (process->daemon != 0 && candidates.at[i].parent == process->daemon)
            process->launcher = candidates.at[i].pid;
    if (process->daemon == 0)
        snprintf(process->problem, sizeof process->problem, "%s",
                 candidates.n > 0 ? "an assistant runs, but not on the configured port (server.port)" : "the assistant does not run");
    return process->daemon;
}

int va_scene_process_number(const struct va_scene *scene, pid_t pid, const char *field, int base, uint64_t *ret_value)
{
    char path[64], text[64], *data;
    size_t size;
    va_error error;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int r = va_scene_file(scene, path, MAX_STATUS_BYTES, &data, &size, &error);
    if (r < 0)
        return r;
    r = va_parse_field(data, field, ':', text, sizeof text);
    va_free(data);
    return r < 0 ? r : va_parse_number(text, base, ret_value);
}

/* ---- its API ---- */

/* What listens everywhere listens on the loopback, too. */
void va_scene_url(const char *scheme, const char *listen, int port, char ret_url[96])
{
    struct in6_addr ip6;
    struct in_addr ip4;

    if (inet_pton(AF_INET6, listen, &ip6) == 1)
        snprintf(ret_url, 96, "%s://[%.46s]:%d", scheme, IN6_IS_ADDR_UNSPECIFIED(&ip6) ? "::1" : listen, port);
    else if (inet_pton(AF_INET, listen, &ip4) == 1 && ip4.s_addr != htonl(INADDR_ANY))
        snprintf(ret_url, 96, "%s://%.46s:%d", scheme, listen, port);
    else
        snprintf(ret_url, 96, "%s://127.0.0.1:%d", scheme, port);
}

int va_scene_ask(struct va_scene *scene, const char *path, json_t **ret_root, va_error *error)
{
    struct va_buffer answer;
    char url[256];
    int status = 0;

    if (scene->config == NULL)
        return va_fail(error, VA_ESTATE, "the configuration cannot be read");
    if (scene->config->server_port == 0)
        return va_fail(error, VA_ESTATE, "server.port is 0, so where the assistant listens is not known");
    va_scene_url("http", scene->config->server_listen, (int)scene->config->server_port, url);
    snprintf(url + strlen(url), sizeof url - strlen(url), "%.100s", path);
    va_buffer_init(&answer, VA_SCENE_MAX_OUTPUT_BYTES);
    int r = scene->means->get(scene->means->user, url, NULL, scene->token, &answer, &status, error);
    if (r == 0 && (status == 401 || status == 403))
        r = va_fail(error, VA_EDENIED, "the assistant asks for a token (access.local); give it with --token-file");
    json_t *root = r == 0 ? json_loadb(answer.data != NULL ? answer.data : "", answer.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (r == 0 && !json_is_object(root))
        r = va_fail(error, VA_EFORMAT, "what answers on %s is another program", url);
    va_buffer_free(&answer);
    if (r < 0)
        json_decref(root);
    else
        *ret_root = root;
    return r;
}

const json_t *va_scene_status(struct va_scene *scene)
{
    struct va_scene_status *status = &scene->status;
    va_error error;

    if (status->is_known)
        return status->root;
    status->is_known = 1;
    if (va_scene_ask(scene, "/status", &status->root, &error) == 0)
        return status->root;
    status->root = NULL;
    snprintf(status->problem, sizeof status->problem, "%s", error.text);
    return NULL;
}

static void fetch_metrics(struct va_scene *scene)
{
    struct va_scene_metrics *metrics = &scene->metrics;
    struct va_buffer answer;
    char url[256];
    int status = 0;
    va_error error;

    metrics->is_known = 1;
    if (scene->config == NULL || !scene->config->metrics_enabled || scene->config->metrics_port == 0) {
        snprintf(metrics->problem, sizeof metrics->problem, "metrics.enabled is off, or metrics.port is not known");
        return;
    }
    va_scene_url("http", scene->config->metrics_listen, (int)scene->config->metrics_port, url);
    snprintf(url + strlen(url), sizeof url - strlen(url), "/metrics");
    va_buffer_init(&answer, VA_SCENE_MAX_OUTPUT_BYTES);
    if (scene->means->get(scene->means->user, url, NULL, scene->token, &answer, &status, &error) < 0)
        snprintf(metrics->problem, sizeof metrics->problem, "%s", error.text);
    else if (status != 200)
        snprintf(metrics->problem, sizeof metrics->problem, "%s answers with %d", url, status);
    else
        metrics->text = va_buffer_take(&answer);
    va_buffer_free(&answer);
}

int va_scene_metric(struct va_scene *scene, const char *series, double *ret_value)
{
    if (!scene->metrics.is_known)
        fetch_metrics(scene);
    return scene->metrics.text != NULL ? va_parse_metric(scene->metrics.text, series, ret_value) : VA_ESTATE;
}
