/* support.h - trying something in a process that is confined. */
#ifndef VA_TESTS_CONFINE_SUPPORT_H
#define VA_TESTS_CONFINE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "confine/internal.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KILLED (1000 + SIGSYS)
#define NOT_CONFINED 250

/* What came of an attempt: 0, an errno, or 1000 + the signal that ended it. */
typedef int (*attempt_fn)(void);

/* What a system call returned. */
static inline int number_of(long result)
{
    return result < 0 ? errno : 0;
}

/* Where all attempts may read and write; its file "own" is there. */
static char folder[] = "/tmp/va-confine-XXXXXX", own[sizeof folder + 8];
/* The same, but for nobody. */
static char other[] = "/tmp/va-confine-XXXXXX", foreign[sizeof other + 8];

static inline int make_folders(void **state)
{
    va_error error;

    assert_non_null(mkdtemp(folder));
    assert_non_null(mkdtemp(other));
    snprintf(own, sizeof own, "%s/own", folder);
    snprintf(foreign, sizeof foreign, "%s/own", other);
    assert_int_equal(va_file_write(own, "text", 4, 0600, &error), 0);
    assert_int_equal(va_file_write(foreign, "text", 4, 0600, &error), 0);
    return 0;
}

static inline int remove_folders(void **state)
{
    va_error error;

    assert_int_equal(va_file_remove_tree(folder, &error), 0);
    assert_int_equal(va_file_remove_tree(other, &error), 0);
    return 0;
}

typedef int (*confine_fn)(const struct va_confine_plan *plan, struct va_confine_state *ret_state, va_error *error);

/* In a child. Where the kernel lacks what is needed, the test is skipped. */
static inline int try(confine_fn confine, const struct va_confine_plan *plan, int needs_landlock, attempt_fn attempt)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct va_confine_state state;
        va_error error;
        if (confine(plan, &state, &error) < 0)
            _exit(NOT_CONFINED - 1);
        if (plan->mode != VA_CONFINE_OFF && (state.n_system_calls == 0 || state.landlock < needs_landlock))
            _exit(NOT_CONFINED);
        _exit(attempt());
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return 1000 + WTERMSIG(status);
    if (WEXITSTATUS(status) == NOT_CONFINED) {
        print_message("this kernel, or what emulates it, cannot confine\n");
        skip();
    }
    return WEXITSTATUS(status);
}

#endif
