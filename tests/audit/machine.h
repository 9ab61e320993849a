/* machine.h - a machine of files for checks, with programs and an assistant that answer as they are told. */
#ifndef VA_TESTS_AUDIT_MACHINE_H
#define VA_TESTS_AUDIT_MACHINE_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/scene.h"
#include "temporary.h"

#define DAEMON 100
#define LAUNCHER 101
#define NOW_S 1800000000.0 /* 2027-01-15T08:00:00Z */

struct answer {
    const char *word; /* stands in the command line, or in the URL */
    const char *text;
    int code; /* exit code, or status of HTTP; negative: what the call returns */
};

struct machine {
    struct va_scene scene;
    struct va_scene_means means;
    char root[256];
    struct answer programs[8], pages[8];
    struct va_tls_facts tls;
    int tls_code, knock_code;
    struct va_check_result result;
};

static inline const struct answer *find_answer(const struct answer *answers, const char *text)
{
    for (size_t i = 0; i < 8 && answers[i].word != NULL; i++)
        if (strstr(text, answers[i].word) != NULL)
            return &answers[i];
    return NULL;
}

static inline int machine_run(void *user, const char *const *argv, struct va_buffer *out, int *ret_exit, va_error *error)
{
    struct machine *machine = user;
    char line[512] = "";

    assert_int_equal(argv[0][0], '/');
    for (size_t i = 0; argv[i] != NULL; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s ", argv[i]);
    const struct answer *answer = find_answer(machine->programs, line);
    if (answer == NULL)
        return va_fail(error, VA_ENOTFOUND, "%s is not there", argv[0]);
    if (answer->code < 0)
        return va_fail(error, answer->code, "it failed");
    *ret_exit = answer->code;
    return va_buffer_append_string(out, answer->text) < 0 ? va_fail_memory(error) : 0;
}

static inline int machine_get(void *user, const char *url, const char *ca_file, const char *token, struct va_buffer *out, int *ret_status,
                              va_error *error)
{
    struct machine *machine = user;
    const struct answer *answer = find_answer(machine->pages, url);

    if (answer == NULL || answer->code < 0)
        return va_fail(error, VA_EFAILED, "nobody answers on %s", url);
    *ret_status = answer->code;
    return va_buffer_append_string(out, answer->text) < 0 ? va_fail_memory(error) : 0;
}

static inline int machine_probe_tls(void *user, const char *address, int port, struct va_tls_facts *ret_facts, va_error *error)
{
    struct machine *machine = user;

    if (machine->tls_code < 0)
        return va_fail(error, machine->tls_code, "port %d does not answer", port);
    *ret_facts = machine->tls;
    return 0;
}

static inline int machine_knock(void *user, const char *path, va_error *error)
{
    struct machine *machine = user;

    return machine->knock_code < 0 ? va_fail(error, machine->knock_code, "%s: no", path) : 0;
}

/* FOLDER/PATH below the machine's root; with folders above it. */
static inline const char *machine_path(const struct machine *machine, const char *path)
{
    static char full[4][1024];
    static int next;
    char folder[1024];

    next = (next + 1) % 4;
    snprintf(full[next], sizeof full[next], "%s%s", machine->root, path);
    snprintf(folder, sizeof folder, "%s", full[next]);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(va_file_make_folder(folder, 0755, NULL), 0);
    return full[next];
}

static inline void put_bytes(const struct machine *machine, const char *path, const void *data, size_t n, unsigned mode)
{
    assert_int_equal(va_file_write(machine_path(machine, path), data, n, mode, NULL), 0);
}

static inline void put(const struct machine *machine, const char *path, const char *text)
{
    put_bytes(machine, path, text, strlen(text), 0600);
}

static inline void put_link(const struct machine *machine, const char *path, const char *target)
{
    const char *full = machine_path(machine, path);

    unlink(full);
    assert_int_equal(symlink(target, full), 0);
}

static inline void put_away(const struct machine *machine, const char *path)
{
    assert_int_equal(va_file_remove_tree(machine_path(machine, path), NULL), 0);
}

static inline void set_mode(const struct machine *machine, const char *path, unsigned mode)
{
    assert_int_equal(chmod(machine_path(machine, path), mode), 0);
}

/* Options as --set has them, up to NULL. */
static inline void configure(struct machine *machine, ...)
{
    const char *options[16];
    size_t n = 0;
    va_list list;
    va_config *config;
    va_error error;

    va_start(list, machine);
    while ((options[n] = va_arg(list, const char *)) != NULL)
        n++;
    va_end(list);
    va_config_free((va_config *)machine->scene.config);
    assert_int_equal(va_config_parse("test", "", 0, options, n, &config, &error), 0);
    machine->scene.config = config;
}

static inline void put_process(const struct machine *machine, int pid, int parent, const char *more)
{
    static const char arguments[] = "/usr/bin/voice-assistant\0serve";
    char path[128], text[1024];

    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    put_bytes(machine, path, arguments, sizeof arguments, 0600);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    snprintf(text, sizeof text, "Name:\tvoice-assistant\nPPid:\t%d\n%s", parent, more);
    put(machine, path, text);
}

#define CONFINED_STATUS                                                                                                                \
    "Uid:\t990\t990\t990\t990\nVmRSS:\t 60000 kB\nRssAnon:\t   20000 kB\nRssFile:\t   40000 kB\nRssShmem:\t       0 kB\nThreads:\t9\n" \
    "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"

/* An assistant that runs, with its launcher. */
static inline void machine_open(struct machine *machine)
{
    *machine = (struct machine){.means = {machine_run, machine_get, machine_probe_tls, machine_knock, machine}};
    assert_int_equal(temporary_make(machine->root), 0);
    machine->scene = (struct va_scene){.root = machine->root,
                                       .folder = "/var/lib/voice-assistant",
                                       .log_file = "/var/log/voice-assistant/app.log",
                                       .now_unix_s = NOW_S,
                                       .is_root = 1,
                                       .means = &machine->means};
    configure(machine, NULL);
    put_process(machine, DAEMON, 1, CONFINED_STATUS);
    put_process(machine, LAUNCHER, DAEMON, CONFINED_STATUS);
    put(machine, "/proc/cpuinfo", "processor\t: 0\nmodel name\t: A\n\nprocessor\t: 1\nmodel name\t: A\n");
}

static inline void machine_close(struct machine *machine)
{
    va_scene_close(&machine->scene);
    va_config_free((va_config *)machine->scene.config);
    temporary_remove(machine->root);
}

/* Runs one check, as if nothing were known. */
static inline enum va_check_state check(struct machine *machine, const struct va_check *(*table)(size_t *ret_n), const char *name)
{
    size_t n;
    const struct va_check *checks = table(&n);
    struct va_report report;
    va_error error;

    va_scene_close(&machine->scene);
    assert_int_equal(va_report_make(checks, n, name, &machine->scene, &report, &error), 0);
    machine->result = report.results[0];
    va_report_free(&report);
    return machine->result.state;
}

#endif
