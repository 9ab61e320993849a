/* The members of a JSON object that a client sends, and the requests that are read by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/access_request.h"
#include "server/live_message.h"
#include "server/members.h"
#include "server/settings_request.h"

static va_error error;

static void what_is_no_object(void **state)
{
    static const char *const texts[] = {"",       "{", "[]", "null", "1", "\"{}\"", "{\"a\":1,\"a\":1}", "{}{}", "{\"a\":\"\\u0000\"}",
                                        "{'a':1}"};
    struct va_token_request token;
    struct va_claim_request claim;
    struct va_live_message message;
    static struct va_settings_request settings;
    json_t *object;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t n = strlen(texts[i]);
        assert_int_equal(va_members_load(texts[i], n, &object, &error), VA_EFORMAT);
        assert_int_equal(va_token_request_read(texts[i], n, &token, &error), VA_EFORMAT);
        assert_int_equal(va_claim_request_read(texts[i], n, &claim, &error), VA_EFORMAT);
        assert_int_equal(va_live_message_parse(texts[i], n, &message, &error), VA_EFORMAT);
        assert_int_equal(va_settings_request_read(texts[i], n, &settings, &error), VA_EFORMAT);
    }
}

static void members(void **state)
{
    static const struct {
        const char *text, *message; /* or NULL */
    } cases[] = {
        {"{\"text\":\"four\",\"flag\":true,\"integer\":3,\"number\":0.5,\"value\":[]}", NULL},
        {"{\"text\":\"1\"}", NULL},
        {"{\"text\":\"1\",\"integer\":9,\"number\":1}", NULL},
        {"{}", "'text' must be a text of 1 to 4 bytes"},
        {"{\"text\":\"\"}", "'text' must be a text of 1 to 4 bytes"},
        {"{\"text\":\"fifth\"}", "'text' must be a text of 1 to 4 bytes"},
        {"{\"text\":null}", "'text' must be a text of 1 to 4 bytes"},
        {"{\"text\":\"1\",\"flag\":1}", "'flag' must be true or false"},
        {"{\"text\":\"1\",\"flag\":null}", "'flag' must be true or false"},
        {"{\"text\":\"1\",\"integer\":10}", "'integer' must be a whole number from 2 to 9"},
        {"{\"text\":\"1\",\"integer\":1}", "'integer' must be a whole number from 2 to 9"},
        {"{\"text\":\"1\",\"integer\":3.0}", "'integer' must be a whole number from 2 to 9"},
        {"{\"text\":\"1\",\"integer\":9223372036854775807}", "'integer' must be a whole number from 2 to 9"},
        {"{\"text\":\"1\",\"number\":1.25}", "'number' must be a number from 0 to 1"},
        {"{\"text\":\"1\",\"number\":\"1\"}", "'number' must be a number from 0 to 1"},
        {"{\"text\":\"1\",\"Text\":\"1\"}", "there is no member 'Text' here"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = NULL, *blamed;
        int flag = -1, integer = -1;
        double number = -1;
        json_t *object, *value = NULL;
        const struct va_member rows[] = {{"text", .text = &text, .max = 4, .is_needed = 1},
                                         {"flag", .flag = &flag},
                                         {"integer", .integer = &integer, .min = 2, .max = 9},
                                         {"number", .number = &number, .min = 0, .max = 1},
                                         {"value", .value = &value}};
        assert_int_equal(va_members_load(cases[i].text, strlen(cases[i].text), &object, &error), 0);
        int r = va_members_read(object, rows, 5, &error), is_known = strstr(cases[i].text, "Text") == NULL;
        assert_int_equal(r, cases[i].message == NULL ? 0 : VA_EINVAL);
        if (r < 0)
            assert_string_equal(error.text, cases[i].message);
        if (i == 0)
            assert_true(strcmp(text, "four") == 0 && flag == 1 && integer == 3 && number == 0.5 && json_is_array(value));
        if (i == 1)
            assert_true(flag == -1 && integer == -1 && number == -1.0 && value == NULL);
        assert_int_equal(va_members_read_some(object, rows, 5, &blamed, &error), is_known ? r : 0);
        if (r < 0 && is_known)
            assert_memory_equal(error.text + 1, blamed, strlen(blamed));
        json_decref(object);
    }
}

static void requests_know_their_members_only(void **state)
{
    static const char *const tokens[] = {"{\"name\":\"a\",\"scope\":[\"status\"]}", "{\"name\":\"a\",\"expires_days\":0}",
                                         "{\"name\":\" a\"}", "{\"name\":\"a\",\"scopes\":\"all\"}", "{\"scopes\":[\"status\"]}"};
    static const char claim_text[] = "{\"code\":\"1\",\"name\":\"a\",\"scopes\":[\"admin\"]}";
    struct va_token_request token;
    struct va_claim_request claim;

    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        assert_int_equal(va_token_request_read(tokens[i], strlen(tokens[i]), &token, &error), VA_EINVAL);
    assert_int_equal(va_claim_request_read(claim_text, strlen(claim_text), &claim, &error), VA_EINVAL);
    static const char good[] = "{\"name\":\"a\",\"scopes\":[\"status\",\"admin\"],\"expires_days\":null}";
    assert_int_equal(va_token_request_read(good, strlen(good), &token, &error), 0);
    assert_true(strcmp(token.name, "a") == 0 && token.scopes == (VA_SCOPE_STATUS | VA_SCOPE_ADMIN) && token.days == 0);
}

/* ---- live: the same in a message and in a query ---- */

static int get(const void *user, const char *key, char *ret_value, size_t capacity)
{
    const char *const *pair = user; /* key, value ... NULL */

    for (; pair[0] != NULL; pair += 2)
        if (strcmp(pair[0], key) == 0) {
            strncpy(ret_value, pair[1], capacity - 1);
            ret_value[capacity - 1] = '\0';
            return 0;
        }
    return VA_ENOTFOUND;
}

static void a_query_says_what_a_start_says(void **state)
{
    static const char *const good[] = {"format", "opus", "rate", "8000", "language", "de", "partials", "false", "other", "x", NULL};
    static const char *const wrong[][3] = {{"format", "mp3"}, {"rate", "7999"},   {"rate", "8000x"},    {"rate", ""},   {"rate", "true"},
                                           {"commands", "1"}, {"commands", "no"}, {"language", "\xff"}, {"execute", ""}};
    static const char *const nothing[] = {NULL};
    struct va_live_message message;

    assert_int_equal(va_live_message_query(get, nothing, &message, &error), 0);
    assert_int_equal(va_live_message_query(get, good, &message, &error), 1);
    assert_true(message.audio.format == VA_PUSH_OPUS && message.audio.rate_hz == 8000 && strcmp(message.language, "de") == 0);
    assert_true(message.commands && !message.execute && !message.partials && message.endpoint);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(va_live_message_query(get, wrong[i], &message, &error), VA_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_object),
        cmocka_unit_test(members),
        cmocka_unit_test(requests_know_their_members_only),
        cmocka_unit_test(a_query_says_what_a_start_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
