/* Who is told of what happens, and what of it is in the log. */
#include "listening_support.h"

static void ignore(void *user, const char *name, const struct va_field *fields, size_t n)
{
    ++*(_Atomic int *)user;
}

static void some_can_be_told(void **state)
{
    _Atomic int calls[8] = {0};
    va_error error;
    int n = 0;

    begin("always", NULL);
    while (n < 8 && va_assistant_subscribe(assistant, ignore, &calls[n], &error) == 0)
        n++;
    assert_int_equal(n, 7); /* and the one of the parts */
    assert_int_equal(va_assistant_subscribe(assistant, ignore, &calls[7], &error), VA_ELIMIT);
    say("a nice day", NULL);
    for (int i = 0; i < 7; i++)
        assert_true(calls[i] > 0 && calls[i] == calls[0]);
    int before = calls[0];
    va_assistant_unsubscribe(assistant, ignore, &calls[3]);
    va_assistant_unsubscribe(assistant, ignore, &calls[7]); /* it is not there */
    say("a nice day", NULL);
    assert_true(calls[3] == before && calls[2] > before);
    assert_int_equal(va_assistant_subscribe(assistant, ignore, &calls[7], &error), 0);
    end();
}

static void what_was_said_is_not_in_the_log(void **state)
{
    struct va_log_options options = {.level = VA_LOG_DEBUG, .max_bytes = 1 << 20};
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    char path[300], *text = NULL;
    size_t size;
    va_error error;

    for (int allowed = 0; allowed < 2; allowed++) {
        snprintf(path, sizeof path, "%s/%d.log", folder, allowed);
        options.path = path;
        assert_int_equal(va_log_open(&options, &error), 0);
        begin("always", allowed ? "privacy.log_text=true" : NULL);
        doubles_hear(&(struct va_listen_event){.kind = VA_LISTEN_PARTIAL, .text = "turn on", .heard_s = 1.0});
        say("turn on the light", "light");
        expect_told("result command=light");
        expect_told("text=turn on the light"); /* subscribers are told */
        expect_state("idle");
        end();
        va_log_close();
        assert_int_equal(va_log_open(&quiet, &error), 0);
        assert_int_equal(va_file_read(path, 1 << 20, &text, &size, &error), 0);
        assert_int_equal(strstr(text, "turn on") != NULL, allowed);
        assert_int_equal(strstr(text, "did light 0") != NULL, allowed);
        assert_int_equal(strstr(text, "\"intent\":\"light\"") != NULL, allowed);
        assert_non_null(strstr(text, "\"event\":\"heard\",\"message\":\"heard\",\"command\":true"));
        assert_non_null(strstr(text, "\"event\":\"partial\""));
        assert_non_null(strstr(text, "\"after_speech_ms\":"));
        va_free(text);
    }
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_can_be_told),
        cmocka_unit_test(what_was_said_is_not_in_the_log),
    };
    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
