#include "config/options.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static void every_row_makes_sense(void **state)
{
    size_t section = 0;
    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        const struct va_option *option = &va_options[i];
        size_t n = strlen(option->doc);
        if (strcmp(option->section, va_sections[section].name) != 0) {
            section++; /* the rows of a section stand together, in the order of the sections */
            assert_true(section < VA_N_SECTIONS);
            assert_string_equal(option->section, va_sections[section].name);
        }
        assert_in_range(strlen(option->name), 3, VA_OPTION_NAME_BYTES - 1);
        assert_true(n > 10 && option->doc[n - 1] != '.' && strchr(option->doc, '\n') == NULL);
        if (option->type == VA_OPTION_TYPE_INT || option->type == VA_OPTION_TYPE_NUMBER)
            assert_true(option->min < option->max);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(option->name, va_options[j].name);
        for (const char *c = option->name; *c != '\0'; c++)
            assert_true(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_' || *c == '.');
    }
    assert_int_equal(section, VA_N_SECTIONS - 1);
}

/* The default itself must be a value that the file may hold. */
static void every_default_is_allowed(void **state)
{
    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        const struct va_option *option = &va_options[i];
        va_config config = {0};
        va_error error;
        char *text = option->type == VA_OPTION_TYPE_NUMBER ? va_asprintf("%.15g", option->number)
                     : option->type == VA_OPTION_TYPE_INT  ? va_asprintf("%lld", (long long)option->integer)
                     : option->type == VA_OPTION_TYPE_BOOL ? va_strdup(option->integer ? "true" : "false")
                                                           : va_strdup(option->string);
        if (va_option_parse(option, text, 0, &config, &error) < 0)
            fail_msg("%s", error.text);
        va_free(text);
    }
}

static void finds_by_name(void **state)
{
    for (size_t i = 0; i < VA_N_OPTIONS; i++) {
        const struct va_option *option = &va_options[i];
        assert_ptr_equal(va_option_find(option->section, strlen(option->section), option->key, strlen(option->key)), option);
    }
    assert_null(va_option_find("audio", 5, "microphonex", 11));
    assert_null(va_option_find("audio", 5, "microphon", 9));
    assert_null(va_option_find("", 0, "", 0));
    assert_non_null(va_section_find("audio"));
    assert_null(va_section_find("audi"));
}

static void guesses_what_was_meant(void **state)
{
    static const char *const rows[][2] = {
        {"audio.microfone", "audio.microphone"},
        {"audio.mircophone", "audio.microphone"},
        {"server.prot", "server.port"},
        {"sever.port", "server.port"},
        {"audio.port", "server.port"},
        {"Server.Port", "server.port"},
        {"log.levels", "log.level"},
    };
    char longer[VA_OPTION_NAME_BYTES * 3];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_non_null(va_option_nearest(rows[i][0]));
        assert_string_equal(va_option_nearest(rows[i][0]), rows[i][1]);
    }
    assert_null(va_option_nearest("quite.something_else_altogether"));
    assert_null(va_option_nearest(""));
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(va_option_nearest(longer));
    assert_null(va_section_nearest(longer));
    longer[VA_OPTION_NAME_BYTES] = '\0';
    assert_null(va_option_nearest(longer));
    assert_string_equal(va_section_nearest("modle"), "model");
    assert_string_equal(va_section_nearest("servers"), "server");
    assert_null(va_section_nearest("something"));
}

static const struct va_option *find(const char *section, const char *key)
{
    const struct va_option *option = va_option_find(section, strlen(section), key, strlen(key));
    assert_non_null(option);
    return option;
}

static void check(const struct va_option *option, const char *text, int quoted, int code, const char *message)
{
    va_config config = {0};
    va_error error = {0};
    assert_int_equal(va_option_parse(option, text, quoted, &config, &error), code);
    if (message != NULL && strcmp(error.text, message) != 0)
        fail_msg("'%s' is not '%s'", error.text, message);
}

static void whole_numbers(void **state)
{
    const struct va_option *port = find("server", "port");
    static const char *const wrong[] = {"", "abc", "1.5", "0x10", "010", "+5", " 5", "5 ", "1e3", "--1", "-", "1_000", "5\n"};
    check(port, "0", 0, 0, NULL);
    check(port, "65535", 0, 0, NULL);
    check(port, "65536", 0, VA_ELIMIT, "'server.port' must be a whole number from 0 to 65535, not '65536'");
    check(port, "-1", 0, VA_ELIMIT, "'server.port' must be a whole number from 0 to 65535, not '-1'");
    check(port, "99999999999999999999", 0, VA_ELIMIT, NULL);
    check(port, "-99999999999999999999", 0, VA_ELIMIT, NULL);
    check(port, "", 0, VA_EFORMAT, "'server.port' must be a whole number from 0 to 65535, but has no value");
    check(port, "80", 1, VA_EFORMAT, "'server.port' must be a whole number from 0 to 65535, written without quotes");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check(port, wrong[i], 0, VA_EFORMAT, NULL);
}

static void numbers(void **state)
{
    const struct va_option *longest = find("audio", "max_recording");
    static const char *const wrong[] = {"", "abc", "nan", "inf", "0x10", "1,5", " 5", "5 ", "1e", ".", "-", "1.2.3", "e"};
    check(longest, "1", 0, 0, NULL);
    check(longest, "2.5", 0, 0, NULL);
    check(longest, "3.6e3", 0, 0, NULL);
    check(longest, "0.99", 0, VA_ELIMIT, "'audio.max_recording' must be a number from 1 to 3600, not '0.99'");
    check(longest, "1e999", 0, VA_ELIMIT, NULL);
    check(longest, "-5", 0, VA_ELIMIT, NULL);
    check(longest, "5", 1, VA_EFORMAT, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check(longest, wrong[i], 0, VA_EFORMAT, NULL);
}

static void switches(void **state)
{
    const struct va_option *log_text = find("privacy", "log_text");
    static const char *const words[] = {"true", "True", "TRUE", "yes", "on", "false", "no", "Off"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        va_config config = {.privacy_log_text = 7};
        assert_int_equal(va_option_parse(log_text, words[i], 0, &config, NULL), 0);
        assert_int_equal(config.privacy_log_text, i < 5);
    }
    check(log_text, "maybe", 0, VA_EFORMAT, "'privacy.log_text' must be true or false, not 'maybe'");
    check(log_text, "", 0, VA_EFORMAT, "'privacy.log_text' must be true or false, but has no value");
    check(log_text, "true", 1, VA_EFORMAT, "'privacy.log_text' must be true or false, written without quotes");
}

static void choices(void **state)
{
    const struct va_option *level = find("log", "level");
    check(level, "debug", 0, 0, NULL);
    check(level, "error", 1, 0, NULL);
    check(level, "loud", 0, VA_EFORMAT, "'log.level' must be debug, info, warning or error, not 'loud'");
    check(level, "debu", 0, VA_EFORMAT, NULL);
    check(level, "debug|info", 0, VA_EFORMAT, NULL);
    check(level, "", 0, VA_EFORMAT, NULL);
}

static void texts(void **state)
{
    const struct va_option *microphone = find("audio", "microphone");
    char text[VA_OPTION_STRING_BYTES + 1];
    memset(text, 'x', sizeof text);
    text[VA_OPTION_STRING_BYTES - 1] = '\0';
    check(microphone, text, 0, 0, NULL);
    text[VA_OPTION_STRING_BYTES - 1] = 'x';
    text[VA_OPTION_STRING_BYTES] = '\0';
    check(microphone, text, 0, VA_ELIMIT, "'audio.microphone' is longer than 4095 bytes");
    check(microphone, "", 0, 0, NULL);
    check(microphone, "gr\xc3\xbc\xc3\x9f", 1, 0, NULL);
    check(microphone, "a\nb", 1, VA_EFORMAT, "'audio.microphone' may not contain control characters or line breaks");
    check(microphone, "a\xc2\x85", 1, VA_EFORMAT, NULL);
    check(microphone, "a\xe2\x80\xa8", 1, VA_EFORMAT, NULL); /* a line separator */
    check(microphone, "a\xff", 1, VA_EFORMAT, "'audio.microphone' is not UTF-8 text");
}

static void secrets_are_not_told(void **state)
{
    const struct va_option pin = {.section = "audio",
                                  .key = "pin",
                                  .name = "audio.pin",
                                  .type = VA_OPTION_TYPE_CHOICE,
                                  .flags = VA_OPTION_SECRET,
                                  .choices = "one|two"};
    check(&pin, "hidden", 0, VA_EFORMAT, "'audio.pin' must be one or two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_makes_sense),
        cmocka_unit_test(every_default_is_allowed),
        cmocka_unit_test(finds_by_name),
        cmocka_unit_test(guesses_what_was_meant),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(numbers),
        cmocka_unit_test(switches),
        cmocka_unit_test(choices),
        cmocka_unit_test(texts),
        cmocka_unit_test(secrets_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
