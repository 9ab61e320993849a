/* support.h - running one action. */
#ifndef VA_TESTS_ACTION_SUPPORT_H
#define VA_TESTS_ACTION_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "action/actions.h"
#include "base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline va_actions *new_actions(va_timer_fn on_timer, void *user)
{
    const struct va_actions_options options = {.on_timer = on_timer, .user = user};
    va_actions *actions = NULL;

    assert_int_equal(va_actions_new(&options, &actions, NULL), 0);
    return actions;
}

/* Runs a request, and asserts the response. */
static inline void assert_response(va_actions *actions, const struct va_action_request *request, int success, const char *expected)
{
    struct va_action_result result;
    va_error error;

    if (va_actions_run(actions, request, &result, &error) < 0)
        fail_msg("%s", error.text);
    assert_string_equal(result.response, expected);
    assert_int_equal(result.success, success);
    va_action_result_clear(&result);
}

/* Runs a request that must fail with this code, and a message that holds the text. */
static inline void assert_failure(va_actions *actions, const struct va_action_request *request, int code, const char *expected)
{
    struct va_action_result result = {.success = 77};
    va_error error = {0};

    assert_int_equal(va_actions_run(actions, request, &result, &error), code);
    assert_int_equal(result.success, 77);
    if (strstr(error.text, expected) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", error.text, expected);
}

#endif
