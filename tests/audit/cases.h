/* cases.h - what the tests of checks share: changes to the machine, and what a check says then. Whoever includes it defines CHECKS, the
 * function that has the table of the checks. */
#ifndef VA_TESTS_AUDIT_CASES_H
#define VA_TESTS_AUDIT_CASES_H

#include "machine.h"

#define PASS VA_CHECK_PASS
#define FAIL VA_CHECK_FAIL
#define NONE VA_CHECK_NOT_APPLICABLE
#define UNSEEN VA_CHECK_NOT_CHECKED
#define NOTE VA_CHECK_NOTE

/* A change to the machine, and what the check says then. Each step finds what the last has left. */
struct step {
    void (*change)(struct machine *m, const char *what, const char *text, int number); /* NULL: none */
    const char *what, *text;
    enum va_check_state wanted;
    const char *words; /* of its evidence; NULL: more is changed first */
    int number;
    const char *mend; /* NULL, or words of how it is mended */
};

static inline void assert_steps(struct machine *m, const char *name, const struct step *steps, size_t n, const char *file, int line)
{
    for (size_t i = 0; i < n; i++) {
        const struct step *step = &steps[i];
        if (step->change != NULL)
            step->change(m, step->what, step->text, step->number);
        if (step->words == NULL)
            continue;
        if (check(m, CHECKS, name) == step->wanted && strstr(m->result.evidence, step->words) != NULL &&
            (step->mend == NULL || strstr(m->result.mend, step->mend) != NULL))
            continue;
        print_error("%s, step %zu: %s: %s; %s\n", name, i, va_check_state_text(m->result.state), m->result.evidence, m->result.mend);
        _fail(file, line);
    }
}

#define THEN(state, evidence) .wanted = (state), .words = (evidence)
#define AND .words = NULL

#define ASSERT_STEPS(machine, name, steps) assert_steps(machine, name, steps, sizeof(steps) / sizeof(steps)[0], __FILE__, __LINE__)
#define ASSERT_CHECK(machine, name, state, evidence) \
    assert_steps(machine, name, &(const struct step){THEN(state, evidence)}, 1, __FILE__, __LINE__)

/* ---- changes ---- */

/* A function for steps, of one statement about m, what, text and number. */
#define CHANGE(name, statement)                                                                \
    static inline void name(struct machine *m, const char *what, const char *text, int number) \
    {                                                                                          \
        statement;                                                                             \
    }

CHANGE(a_file, put(m, what, text))
CHANGE(a_link, put_link(m, what, text))
CHANGE(no_file, put_away(m, what))
CHANGE(a_mode, set_mode(m, what, (unsigned)number))
CHANGE(a_process, put_process(m, DAEMON, 1, text))
CHANGE(no_process, (put_away(m, "/proc/100"), put_away(m, "/proc/101")))
CHANGE(options, configure(m, what, text, NULL)) /* none, one or two */
CHANGE(a_knock, m->knock_code = number)
CHANGE(a_log_file, m->scene.log_file = text)

/* What the program says whose command line has that word; NULL: the first one. */
static inline void a_program(struct machine *m, const char *word, const char *text, int exit_code)
{
    size_t i = 0;

    while (word != NULL && m->programs[i].word != NULL && strcmp(m->programs[i].word, word) != 0)
        i++;
    assert_true(i < sizeof m->programs / sizeof m->programs[0]);
    m->programs[i] = (struct answer){word != NULL ? word : m->programs[0].word, text, exit_code};
}

/* What is at the URL with that word; NULL: the same URL; status 0: 200. */
static inline void a_page(struct machine *m, const char *word, const char *text, int status)
{
    m->pages[0] = (struct answer){word != NULL ? word : m->pages[0].word, text, status != 0 ? status : 200};
}

/* ---- /proc/net/tcp ---- */

#define LINE(n, address, port, inode)                                                                                                    \
    "   " n ": " address ":" port " 00000000:0000 0A 00000000:00000000 00:00000000 00000000   990        0 " inode " 1 0000 100 0 0 10 " \
    "0\n"
#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

/* And the one by which the assistant is known. */
static inline void put_listeners(struct machine *m, const char *text)
{
    char all[4096];

    snprintf(all, sizeof all, "%s%s", text, LINE("9", "0100007F", "1F40", "509"));
    put(m, "/proc/net/tcp", all);
    put_link(m, "/proc/100/fd/5", "socket:[500]");
    put_link(m, "/proc/100/fd/6", "socket:[501]");
    put_link(m, "/proc/100/fd/7", "/dev/null");
    put_link(m, "/proc/100/fd/9", "socket:[509]");
}

CHANGE(listeners, put_listeners(m, text))

/* ---- cmocka's part ---- */

static inline int setup(void **state)
{
    static struct machine machine;

    machine_open(&machine);
    *state = &machine;
    return 0;
}

static inline int teardown(void **state)
{
    machine_close(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
