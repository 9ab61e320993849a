/* scene.h - what checks look at: the files of a machine below a root folder, its programs, the running assistant.
 *
 * Everything outside goes through here, so that a test can be any machine. One thread at a time. */
#ifndef VA_AUDIT_SCENE_H
#define VA_AUDIT_SCENE_H

#include <sys/stat.h>
#include <sys/types.h>

#include <jansson.h>

#include "audit/check.h"
#include "audit/parse.h"
#include "config/config.h"

#define VA_SCENE_MAX_OUTPUT_BYTES ((size_t)4 << 20) /* of a program, or of an answer */
#define VA_SCENE_MAX_FILE_BYTES ((size_t)64 << 20)
#define VA_SCENE_PATH_BYTES 512

struct va_tls_facts {
    char version[16];    /* what is agreed on, such as "TLSv1.3" */
    int takes_old;       /* TLS 1.1 is agreed to, too */
    int64_t ends_unix_s; /* of the certificate */
    int64_t begins_unix_s;
};

/* What is done beyond reading files. */
struct va_scene_means {
    /* Runs argv [up to NULL], whose first is an absolute path, for at most a minute. VA_ENOTFOUND: it is not installed. VA_ETIMEOUT. */
    int (*run)(void *user, const char *const *argv, struct va_buffer *out, int *ret_exit, va_error *error);
    /* GET. ca_file, token: may be NULL. Any status is an answer. */
    int (*get)(void *user, const char *url, const char *ca_file, const char *token, struct va_buffer *out, int *ret_status,
               va_error *error);
    int (*probe_tls)(void *user, const char *address, int port, struct va_tls_facts *ret_facts, va_error *error);
    /* Connects to a UNIX socket, and hangs up. */
    int (*knock)(void *user, const char *path, va_error *error);
    void *user;
};

extern const struct va_scene_means va_scene_real_means;

struct va_scene {
    const char *root;        /* "" for this machine; before every path */
    const va_config *config; /* NULL: it cannot be read, as config_error says */
    va_error config_error;
    const char *folder;   /* of data */
    const char *log_file; /* "": none */
    const char *debsecan; /* a report of debsecan, or NULL */
    const char *token;    /* for the API, or NULL */
    double now_unix_s;
    int is_root;       /* sees everything */
    int writes_report; /* what is found out is kept in the data folder */
    const struct va_scene_means *means;

    /* Found out when first asked for. */
    struct va_scene_process {
        int is_known;
        pid_t daemon, launcher; /* 0: none */
        char problem[VA_CHECK_TEXT_BYTES];
    } process;
    struct va_scene_status {
        int is_known;
        json_t *root; /* of GET /status; NULL: problem says why */
        char problem[VA_CHECK_TEXT_BYTES];
    } status;
    struct va_scene_metrics {
        int is_known;
        char *text; /* or NULL */
        char problem[VA_CHECK_TEXT_BYTES];
    } metrics;
};

/* Frees what was found out. */
void va_scene_close(struct va_scene *scene);

/* ---- files; paths are absolute, without the root ---- */

/* A small file of the kernel, without blank space at its end. VA_ENOTFOUND, VA_EDENIED. */
VA_MUST_CHECK int va_scene_text(const struct va_scene *scene, const char *path, char *ret_text, size_t capacity);
/* A whole file; va_free it. VA_ELIMIT. */
VA_MUST_CHECK int va_scene_file(const struct va_scene *scene, const char *path, size_t max, char **ret_data, size_t *ret_size,
                                va_error *error);
/* The end of a text file, bounded; va_free it. */
VA_MUST_CHECK int va_scene_tail(const struct va_scene *scene, const char *path, char **ret_text, size_t *ret_size, va_error *error);
/* Follows links of the scene only as far as the kernel does: use it for files. VA_ENOTFOUND, VA_EDENIED. */
VA_MUST_CHECK int va_scene_stat(const struct va_scene *scene, const char *path, struct stat *ret_status);
int va_scene_exists(const struct va_scene *scene, const char *path);
/* Where a link leads. */
VA_MUST_CHECK int va_scene_link(const struct va_scene *scene, const char *path, char *ret_target, size_t capacity);
/* As va_sysfs_each. */
int va_scene_each(const struct va_scene *scene, const char *folder, int (*call)(void *user, const char *name), void *user);

/* ---- the running assistant ---- */

/* The process that serves with this configuration, 0 when there is none; process.problem says why. */
pid_t va_scene_daemon(struct va_scene *scene);
/* A number of /proc/PID/status such as "RssAnon" (in kB), or a hexadecimal one such as "CapEff". */
int va_scene_process_number(const struct va_scene *scene, pid_t pid, const char *field, int base, uint64_t *ret_value);

/* What listens on TCP ports of this machine, [*ret_n of VA_SOCKETS_MAX], and whether a process has such a socket. */
VA_MUST_CHECK int va_scene_listeners(const struct va_scene *scene, struct va_listener *ret_listeners, size_t *ret_n, va_error *error);
int va_scene_owns(const struct va_scene *scene, pid_t pid, uint64_t inode);

/* "http://127.0.0.1:8000" for the port as it is reached from this machine. */
void va_scene_url(const char *scheme, const char *listen, int port, char ret_url[96]);
/* GET of the API; ret_root: json_decref it. VA_EDENIED: it wants a token. */
VA_MUST_CHECK int va_scene_ask(struct va_scene *scene, const char *path, json_t **ret_root, va_error *error);
/* Of GET /status; NULL when it does not answer, and status.problem says why. */
const json_t *va_scene_status(struct va_scene *scene);
/* A number of the Prometheus text; series with labels as they stand there. VA_ENOTFOUND; VA_ESTATE: metrics.problem says why. */
int va_scene_metric(struct va_scene *scene, const char *series, double *ret_value);

/* ---- programs ---- */

/* VA_ESTATE: this is not the machine of the root folder. */
VA_MUST_CHECK int va_scene_run(struct va_scene *scene, const char *const *argv, struct va_buffer *out, int *ret_exit, va_error *error);
/* Whether systemd runs this machine. */
int va_scene_has_systemd(const struct va_scene *scene);
/* Where a unit is installed: /etc/systemd/system before /usr/lib and /lib. VA_ENOTFOUND. */
VA_MUST_CHECK int va_scene_unit(const struct va_scene *scene, const char *unit, char ret_path[VA_SCENE_PATH_BYTES]);
/* Whether another unit wants it, by a link in /etc/systemd/system. */
int va_scene_unit_is_enabled(const struct va_scene *scene, const char *unit);
int va_scene_unit_is_masked(const struct va_scene *scene, const char *unit);

#endif
