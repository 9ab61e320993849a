/* check.h - what an audit and a doctor are made of: a table of checks, each of which looks at one thing and says how it is.
 *
 * A check never changes anything. One thread at a time. */
#ifndef VA_AUDIT_CHECK_H
#define VA_AUDIT_CHECK_H

#include "base/buffer.h"
#include "base/json.h"

struct va_scene;

enum va_check_state {
    VA_CHECK_PASS,
    VA_CHECK_FAIL,
    VA_CHECK_NOT_APPLICABLE, /* the machine has no such thing, or it is not wanted */
    VA_CHECK_NOT_CHECKED,    /* it could not be seen how it is: never as good as a pass */
    VA_CHECK_NOTE,           /* worth knowing, and nothing that is wrong */
    VA_CHECK_N_STATES
};

/* "pass", "fail", "not applicable", "not checked", "note". */
const char *va_check_state_text(enum va_check_state state);

#define VA_CHECK_TEXT_BYTES 320

struct va_check_result {
    enum va_check_state state;
    char evidence[VA_CHECK_TEXT_BYTES]; /* one line */
    char mend[VA_CHECK_TEXT_BYTES];     /* one line; "": what the table says */
};

/* The lists an item belongs to, as bits. */
enum va_check_list { VA_LIST_SUCCESS = 1, VA_LIST_TUNING = 2, VA_LIST_HARDENING = 4 };

struct va_check {
    const char *name;  /* lower-case letters and - */
    const char *about; /* what must hold */
    unsigned lists;
    const char *mend; /* what to do when it does not; may be "" */
    void (*run)(struct va_scene *scene, struct va_check_result *ret_result);
};

/* For checks: the state and its evidence. Control characters become '?', a long text is cut. */
void va_check_say(struct va_check_result *result, enum va_check_state state, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What to do, where the table does not know it. */
void va_check_advise(struct va_check_result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct va_report {
    const struct va_check *checks;   /* [n] */
    struct va_check_result *results; /* [n] */
    size_t n;
    size_t counts[VA_CHECK_N_STATES];
};

/* Runs those checks [n] whose name is only, or all for NULL. VA_EINVAL: there is none of that name. */
VA_MUST_CHECK int va_report_make(const struct va_check *checks, size_t n, const char *only, struct va_scene *scene,
                                 struct va_report *ret_report, va_error *error);
void va_report_free(struct va_report *report);

/* What a check is to be mended by; "" when it needs none. */
const char *va_report_mend(const struct va_report *report, size_t i);

/* Members "timestamp", "version", "summary" and "items" of an open object. */
void va_report_json(const struct va_report *report, double unix_s, struct va_json *json);

/* A line for each check, and for what is wrong another that says what to do. is_terminal: with colours and signs. */
VA_MUST_CHECK int va_report_text(const struct va_report *report, const char *title, int is_terminal, struct va_buffer *out);

#endif
