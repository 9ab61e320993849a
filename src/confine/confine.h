/* confine.h - what a process takes from itself before it reads anything that others send.
 *
 * Three layers, each of use without the others: no privileges (no_new_privs, no capabilities), no system calls but those it needs
 * (seccomp), no files but those it needs (Landlock). None can be taken back, and threads and children that come later have them, too.
 * What the kernel does not have is told in the state, not an error.
 * docs/hardening.md; docs/adr/030 and 031. One thread, before there are others. */
#ifndef VA_CONFINE_H
#define VA_CONFINE_H

#include "base/error.h"

enum va_confine_mode {
    VA_CONFINE_OFF,
    VA_CONFINE_LOG, /* system calls that would be refused go into the kernel's log; files are not looked at */
    VA_CONFINE_ON
};

/* "off", "log", "on". VA_EINVAL: another. */
VA_MUST_CHECK int va_confine_mode_parse(const char *text, enum va_confine_mode *ret_mode);

/* ---- what may be reached ---- */

#define VA_CONFINE_READ 1u  /* files are read, folders listed */
#define VA_CONFINE_WRITE 2u /* what is there is written; devices take their commands */
#define VA_CONFINE_MAKE 4u  /* files and folders are made, renamed and removed */
#define VA_CONFINE_RUN 8u   /* files are executed */

#define VA_CONFINE_MAX_PATHS 256
#define VA_CONFINE_MAX_PORTS 8

/* All zero but for the mode is: nothing at all. */
struct va_confine_plan {
    enum va_confine_mode mode;
    struct {
        char *path;
        unsigned access;           /* VA_CONFINE_*, for all that is below */
    } paths[VA_CONFINE_MAX_PATHS]; /* [n_paths] */
    size_t n_paths;
    uint16_t
        ports[VA_CONFINE_MAX_PORTS]; /* [n_ports] of TCP that may be listened on; 0: any that the system gives. None: it listens on none */
    size_t n_ports;
    int signalled; /* the one other process that may be sent signals; 0: none */
};

/* A path that is not there when the plan is applied is left out, and so is an empty one. VA_ELIMIT, VA_ENOMEM. */
VA_MUST_CHECK int va_confine_allow(struct va_confine_plan *plan, const char *path, unsigned access, va_error *error);
/* The folder of the file, which may be replaced by another of its name; of a link, also the folder of what it leads to. */
VA_MUST_CHECK int va_confine_allow_beside(struct va_confine_plan *plan, const char *path, unsigned access, va_error *error);
/* Each of a list, separated by commas. */
VA_MUST_CHECK int va_confine_allow_list(struct va_confine_plan *plan, const char *list, unsigned access, va_error *error);
VA_MUST_CHECK int va_confine_allow_port(struct va_confine_plan *plan, int64_t port, va_error *error);
void va_confine_plan_free(struct va_confine_plan *plan);

/* ---- doing it ---- */

struct va_confine_state {
    enum va_confine_mode mode;
    int privileges;          /* 1: given up */
    unsigned n_system_calls; /* that are allowed; 0: no filter */
    int landlock;            /* version of the kernel's interface; 0: no rules */
    char missing[160];       /* what could not be done and why; "" */
};

/* The process that reads from the network. It keeps what a daemon of threads, sockets and files needs, and starts no programs.
 * VA_ENOMEM and the like only. */
VA_MUST_CHECK int va_confine_service(const struct va_confine_plan *plan, struct va_confine_state *ret_state, va_error *error);

/* The process that starts programs, which inherit it: whatever a program may want but what changes the machine, looks into other processes
 * or opens raw sockets. Files may be read; written and executed only as the plan says. */
VA_MUST_CHECK int va_confine_programs(const struct va_confine_plan *plan, struct va_confine_state *ret_state, va_error *error);

/* The first layer alone: nothing that is executed gains privileges, and root's are given up. */
void va_confine_drop_privileges(void);

#endif
