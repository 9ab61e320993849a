#include "action/server.h"

#include <sys/stat.h>

#include "action/home.h"
#include "base/file.h"

#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"

static struct server server;
static va_actions *actions;
static char secret[] = "/tmp/va-secret-XXXXXX";

static int start(void **state)
{
    start_server(&server, OK_JSON "{\"ok\":1}");
    actions = new_actions(NULL, NULL);
    return 0;
}

static int stop(void **state)
{
    va_actions_free(actions);
    stop_server(&server);
    return 0;
}

/* A request whose settings begin with the URL of the server and this path. */
static struct va_action_request request_for(va_slot *settings, size_t n_settings, const char *path, const va_slot *slots, size_t n_slots)
{
    static char url[1024];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    settings[0] = (va_slot){"url", url};
    return (struct va_action_request){.type = "http",
                                      .command = "c",
                                      .settings = settings,
                                      .n_settings = n_settings,
                                      .slots = slots,
                                      .n_slots = n_slots,
                                      .response = "{status} {body}"};
}

static void expect_asked(const char *part)
{
    if (strstr(server.asked, part) == NULL)
        fail_msg("asked: %s", server.asked);
}

static void test_get(void **state)
{
    static const va_slot slots[] = {{"x", "a b/c?d=e&f#g%h\r\n\xc3\xa4"}, {"dots", ".."}};
    va_slot settings[2] = {{0}, {"headers.X-Room", "in {x}"}};
    struct va_action_request request = request_for(settings, 1, "/p/{x}?q={x}", slots, 2);

    assert_response(actions, &request, 1, "200 {\"ok\":1}");
    expect_asked("GET /p/a%20b%2Fc%3Fd%3De%26f%23g%25h%0D%0A%C3%A4?q=a%20b%2Fc%3Fd%3De%26f%23g%25h%0D%0A%C3%A4 HTTP/1.1\r\n");
    assert_null(strstr(server.asked, "Expect"));
    request.n_settings = 2;
    assert_failure(actions, &request, VA_EINVAL, "'x' may not put \"a b/c?d=e&f#g%h");
    request = request_for(settings, 1, "/p/{dots}/q", slots, 2);
    assert_failure(actions, &request, VA_EINVAL, "'dots' may not put \"..\" into the URL of 'c'");
}

static void test_bodies(void **state)
{
    va_slot slot = {"x", "say \"hi\"\\\n}"};
    va_slot settings[] = {{0}, {"body", "{\"text\": \"{x}\", \"n\": 1}"}, {"content", "json"}, {"method", "PUT"}};
    struct va_action_request request = request_for(settings, 2, "/", &slot, 1);

    assert_response(actions, &request, 1, "200 {\"ok\":1}");
    expect_asked("POST / HTTP/1.1\r\n");
    expect_asked("Content-Type: application/json\r\n");
    expect_asked("\r\n\r\n{\"text\": \"say \\\"hi\\\"\\\\\\u000a}\", \"n\": 1}");
    request.n_settings = 4;
    settings[2].value = "form";
    settings[1].value = "a={x}&b=1";
    assert_response(actions, &request, 1, "200 {\"ok\":1}");
    expect_asked("PUT / HTTP/1.1\r\n");
    expect_asked("\r\n\r\na=say%20%22hi%22%5C%0A%7D&b=1");
    settings[2].value = "text";
    settings[1].value = "<{x}>";
    assert_response(actions, &request, 1, "200 {\"ok\":1}");
    expect_asked("\r\n\r\n<say \"hi\"\\\n}>");

    /* Outside quotes only what is one value of JSON by itself. */
    static const char *const good[] = {"22", "-1.5", "1e3", "true", "false", "null", "0"}, *const bad[] = {
                                                                                               "",      "1, 2", "1,\"a\":2", "[1]", "{}",
                                                                                               "\"a\"", "x",    "01",        "1.",  "nan",
                                                                                               "+1",    "1e",   "--1",       "1 "};
    settings[2].value = "json";
    settings[1].value = "{\"v\": [{x}, \"\\\"{x}\"]}";
    for (size_t i = 0; i < COUNT(good); i++) {
        slot.value = good[i];
        assert_response(actions, &request, 1, "200 {\"ok\":1}");
        expect_asked(good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        slot.value = bad[i];
        assert_failure(actions, &request, VA_EINVAL, "into the body of 'c'");
    }
    settings[1].value = "{\"v\": {y}}";
    assert_failure(actions, &request, VA_EINVAL, "the body of 'c' is not JSON");
}

static void test_answers(void **state)
{
    va_slot settings[1];
    struct va_action_request request = request_for(settings, 1, "/", NULL, 0);

    server.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot\nhere!";
    assert_failure(actions, &request, VA_EFAILED, "the server answered 404: not");
    server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\na\xff\xc3!";
    assert_response(actions, &request, 1,
                    "200 a?"
                    "?!");
    server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut off";
    assert_failure(actions, &request, VA_EFAILED, "the request to http://127.0.0.1");
    server.answer = "nonsense";
    assert_failure(actions, &request, VA_EFAILED, "the request to http://127.0.0.1");
    server.answer = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n";
    assert_failure(actions, &request, VA_EFAILED, "Protocol \"file\" not supported");
    server.answer = "HTTP/1.1 302 Found\r\nLocation: /again\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_failure(actions, &request, VA_EFAILED, "Maximum (5) redirects");
    server.answer = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_response(actions, &request, 1, "204 ");
}

static void test_dry_run(void **state)
{
    static const va_slot slot = {"x", "a b"};
    va_slot settings[] = {{0}, {"body", "{\"t\": \"{x}\"}"}};
    struct va_action_request request = request_for(settings, 2, "/{x}", &slot, 1);
    struct va_action_result result;

    request.dry_run = 1;
    assert_int_equal(va_actions_run(actions, &request, &result, NULL), 0);
    assert_true(result.dry_run && result.success);
    assert_non_null(strstr(result.response, "would request POST http://127.0.0.1:"));
    assert_non_null(strstr(result.response, "/a%20b with {\"t\": \"a b\"}"));
    va_action_result_clear(&result);
    assert_int_equal(server.asked[0], '\0');
}

static void write_secret(const char *text, mode_t mode)
{
    assert_int_equal(va_file_write(secret, text, strlen(text), mode, NULL), 0);
    assert_int_equal(chmod(secret, mode), 0);
}

static void test_credentials(void **state)
{
    va_slot settings[] = {{0}, {"token_file", secret}};
    struct va_action_request request = request_for(settings, 2, "/", NULL, 0);

    write_secret("abc.def\n", 0600);
    assert_response(actions, &request, 1, "200 {\"ok\":1}");
    expect_asked("Authorization: Bearer abc.def\r\n");
    settings[1].name = "password_file";
    write_secret("me:secret", 0400);
    assert_response(actions, &request, 1, "200 {\"ok\":1}");
    expect_asked("Authorization: Basic bWU6c2VjcmV0\r\n");
    write_secret("me:secret", 0640);
    assert_failure(actions, &request, VA_EDENIED, "make its mode 0600");
    write_secret("", 0600);
    assert_failure(actions, &request, VA_EFORMAT, "must have one line of text");
    write_secret("a\tb", 0600);
    assert_failure(actions, &request, VA_EFORMAT, "must have one line of text");
    settings[1].value = "/tmp";
    assert_failure(actions, &request, VA_EINVAL, "/tmp is not a file");
    settings[1].value = "/no/such/file";
    assert_failure(actions, &request, VA_ENOTFOUND, "cannot read /no/such/file");
}

/* ---- Home Assistant ---- */

static struct va_action_request home_request(const va_slot *settings, size_t n_settings, const va_slot *slots, size_t n_slots)
{
    static char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", server.port);
    write_secret("token", 0600);
    return (struct va_action_request){.type = "home_assistant",
                                      .command = "HassTurnOn",
                                      .settings = settings,
                                      .n_settings = n_settings,
                                      .slots = slots,
                                      .n_slots = n_slots,
                                      .home_url = url,
                                      .home_token_file = secret};
}

static void test_home_service(void **state)
{
    va_slot slots[] = {{"domain", "light"}, {"brightness", "50"}, {"x", "a\", \"b\": \"c"}};
    const va_slot settings[] = {{"service", "{domain}.turn_on"},
                                {"data.entity_id", "light.{x}"},
                                {"data.brightness_pct", "{brightness}"},
                                {"data.area_id", "{area}"}};
    struct va_action_request request = home_request(settings, 4, slots, 3);

    server.answer = OK_JSON "[]";
    assert_response(actions, &request, 1, "");
    expect_asked("POST /api/services/light/turn_on HTTP/1.1\r\n");
    expect_asked("Authorization: Bearer token\r\n");
    expect_asked("\r\n\r\n{\"entity_id\":\"light.a\\\", \\\"b\\\": \\\"c\",\"brightness_pct\":50}");
    static const char *const bad[] = {"../x", "Light", "a.b", "a/b", "", "a\r\nb", "\xc3\xa4"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        slots[0].value = bad[i];
        assert_failure(actions, &request, VA_EINVAL, "");
    }
    slots[0].value = "light";
    server.answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    assert_failure(actions, &request, VA_EDENIED, "does not accept the token");
    server.answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad";
    assert_failure(actions, &request, VA_EFAILED, "Home Assistant answered 400: bad");
    request.home_url = "";
    assert_failure(actions, &request, VA_EFAILED, "home_assistant.url");
}

static void test_home_intent(void **state)
{
    const va_slot slots[] = {{"name", "Kitchen Lamp"}, {"brightness", "50"}}, intent = {"intent", "true"};
    struct va_action_request request = home_request(&intent, 1, slots, 2);

    server.answer = OK_JSON "{\"speech\":{\"plain\":{\"speech\":\"Turned on the lamp\"}},\"response_type\":\"action_done\"}";
    assert_response(actions, &request, 1, "Turned on the lamp");
    expect_asked("POST /api/intent/handle HTTP/1.1\r\n");
    expect_asked("\r\n\r\n{\"name\":\"HassTurnOn\",\"data\":{\"name\":\"Kitchen Lamp\",\"brightness\":50}}");
    request.response = "<{name}>";
    assert_response(actions, &request, 1, "Turned on the lamp");
    server.answer = OK_JSON "{\"speech\":{},\"response_type\":\"action_done\",\"data\":{\"success\":[{\"id\":\"light.x\"}],\"failed\":[]}}";
    assert_response(actions, &request, 1, "<Kitchen Lamp>");
    server.answer = OK_JSON "{\"speech\":{},\"response_type\":\"action_done\",\"data\":{\"success\":[],\"failed\":[{\"id\":\"light.x\"}]}}";
    assert_failure(actions, &request, VA_EFAILED, "Home Assistant: error");
    server.answer = OK_JSON "{\"speech\":{\"plain\":{\"speech\":\"No such lamp\"}},\"response_type\":\"error\"}";
    assert_failure(actions, &request, VA_EFAILED, "Home Assistant: No such lamp");
    server.answer = OK_JSON "<html>";
    assert_failure(actions, &request, VA_EFAILED, "what is no JSON");
}

static void test_home_fetch(void **state)
{
    char url[64];
    struct va_buffer out;
    va_error error;

    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    write_secret("token", 0600);
    va_buffer_init(&out, VA_HOME_MAX_BYTES);
    /* The same answer to both questions: a list has no areas. */
    server.answer = OK_JSON "[{\"entity_id\":\"light.a\",\"attributes\":{\"friendly_name\":\"A \\\"b\\\": \\n- "
                            "c\",\"device_class\":\"tv\"}},{\"entity_id\":\"light.x_y\"},"
                            "{\"entity_id\":5},{},7]";
    assert_int_equal(va_home_fetch(url, secret, 10, &out, &error), 0);
    assert_string_equal(
        out.data, "floors: []\nareas: []\nentities:\n  - name: \"A \\\"b\\\": \\u000a- c\"\n    id: \"light.a\"\n    device_class: \"tv\"\n"
                  "  - name: \"x_y\"\n    id: \"light.x_y\"\n");
    va_buffer_clear(&out);
    server.answer = OK_JSON "{}";
    assert_int_equal(va_home_fetch(url, secret, 10, &out, &error), VA_EFORMAT);
    server.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(va_home_fetch(url, secret, 10, &out, &error), VA_EFAILED);
    assert_non_null(strstr(error.text, "is this its address?"));
    server.answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(va_home_fetch(url, secret, 10, &out, &error), VA_EDENIED);
    assert_int_equal(va_home_fetch("ftp://x", secret, 10, &out, &error), VA_EINVAL);
    assert_int_equal(va_home_fetch(url, "/no/such/file", 10, &out, &error), VA_ENOTFOUND);
    va_buffer_free(&out);
}

static void test_home_fetch_of_places(void **state)
{
    char url[64];
    struct va_buffer out;
    va_error error;

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", server.port);
    write_secret("token", 0600);
    va_buffer_init(&out, VA_HOME_MAX_BYTES);
    server.answer = OK_JSON "[{\"entity_id\":\"light.a\",\"attributes\":{\"friendly_name\":\"A\"}}]";
    server.path = "/api/template";
    server.path_answer =
        OK_JSON "{\"areas\":[{\"id\":\"k\",\"name\":\"Kitchen\",\"entities\":[\"light.x\",\"light.a\"]},{\"id\":\"h\",\"name\":\"Hall\"}],"
                "\"floors\":[{\"id\":\"g\",\"name\":\"Ground\",\"areas\":[\"k\"]},{\"id\":\"n\",\"name\":null}]}";
    assert_int_equal(va_home_fetch(url, secret, 10, &out, &error), 0);
    assert_string_equal(out.data, "floors:\n  - name: \"Ground\"\n    id: \"g\"\n"
                                  "areas:\n  - name: \"Kitchen\"\n    id: \"k\"\n    floor: \"Ground\"\n  - name: \"Hall\"\n    id: \"h\"\n"
                                  "entities:\n  - name: \"A\"\n    id: \"light.a\"\n    area: \"Kitchen\"\n");
    expect_asked("POST /api/template HTTP/1.1\r\n");
    va_buffer_free(&out);
}

static const struct {
    const char *type;
    va_slot settings[3];
    const char *message;
} checks[] = {
    {"http", {{"method", "GET"}}, "needs a 'url'"},
    {"http", {{"url", "ftp://h/"}}, "must begin with http"},
    {"http", {{"url", "http:///x"}}, "needs a host"},
    {"http", {{"url", "http://{host}/x"}}, "needs a host, without slots"},
    {"http", {{"url", "http://me:pw@h/x"}}, "and passwords in it"},
    {"http", {{"url", "http://h/a b"}}, "holds blanks"},
    {"http", {{"url", "http://h/"}, {"method", "TRACE"}}, "'method' must be"},
    {"http", {{"url", "http://h/"}, {"content", "xml"}}, "'content' must be"},
    {"http", {{"url", "http://h/"}, {"headers.A b", "x"}}, "is no name of a header"},
    {"http", {{"url", "http://h/"}, {"headers.A", "x\ny"}}, "must be one line"},
    {"http", {{"url", "http://h/"}, {"headers.", "x"}}, "has no setting"},
    {"http", {{"url", "http://h/"}, {"timeout", "0"}}, "'timeout' must be"},
    {"http", {{"url", "http://h/{x}"}, {"headers.A", "{x}"}, {"body", "{x}"}}, NULL},
    {"mqtt", {{"topic", "a/+/b"}}, "without wildcards"},
    {"mqtt", {{"qos", "1"}}, "needs a 'topic'"},
    {"mqtt", {{"topic", "a"}, {"qos", "3"}}, "'qos' must be"},
    {"mqtt", {{"topic", "a"}, {"port", "0"}}, "'port' must be"},
    {"mqtt", {{"topic", "a"}, {"retain", "perhaps"}}, "'retain' must be true or false"},
    {"mqtt", {{"topic", "a/{x}"}, {"content", "json"}, {"tls", "true"}}, NULL},
    {"home_assistant", {{"timeout", "5"}}, "either a 'service' or an 'intent'"},
    {"home_assistant", {{"service", "a.b"}, {"intent", "true"}}, "either a 'service' or an 'intent'"},
    {"home_assistant", {{"service", "toggle"}}, "must be DOMAIN.SERVICE"},
    {"home_assistant", {{"service", "light.toggle"}, {"data.entity_id", "light.{x}"}}, NULL},
};

static void test_checks(void **state)
{
    for (size_t i = 0; i < COUNT(checks); i++) {
        va_error error = {0};
        size_t n = 0;
        while (n < 3 && checks[i].settings[n].name != NULL)
            n++;
        int r = va_actions_check(checks[i].type, checks[i].settings, n, NULL, 0, &error);
        if ((r == 0) != (checks[i].message == NULL) || (r < 0 && strstr(error.text, checks[i].message) == NULL))
            fail_msg("check %zu: %d \"%s\"", i, r, error.text);
    }
}

/* A topic is what the file says; a slot is within one level of it. */
static void test_topics(void **state)
{
    static const char *const bad[] = {"", "a/b", "+", "#", "a#", "$SYS", "a\nb"};
    va_slot slot = {"room", "living room"};
    const va_slot settings[] = {{"topic", "home/{room}/set"}, {"payload", "{\"v\": {v}}"}};
    struct va_action_request request = {
        .type = "mqtt", .command = "c", .settings = settings, .n_settings = 2, .slots = &slot, .n_slots = 1, .dry_run = 1};

    assert_response(actions, &request, 1, "would publish to home/living room/set at localhost:1883: {\"v\": }");
    for (size_t i = 0; i < COUNT(bad); i++) {
        slot.value = bad[i];
        assert_failure(actions, &request, VA_EINVAL, "'room' may not put");
    }
    request.n_slots = 0;
    assert_failure(actions, &request, VA_EINVAL, "'room' may not put");
}

static void test_out_of_memory(void **state)
{
    const va_slot slots[] = {{"x", "1"}}, service[] = {{"service", "a.b"}, {"data.x", "{x}"}};
    va_slot settings[] = {{0}, {"body", "{\"x\": \"{x}\"}"}, {"headers.A", "{x}"}};
    struct va_action_request requests[] = {request_for(settings, 3, "/{x}", slots, 1), home_request(service, 2, slots, 1)};

    for (size_t k = 0; k < COUNT(requests); k++) {
        int r = VA_ENOMEM;
        for (size_t i = 1; (r == VA_ENOMEM || r == VA_EFAILED) && i < 2000; i++) { /* curl may say that it cannot connect */
            struct va_action_result result = {0};
            va_memory_fail_after(i);
            r = va_actions_run(actions, &requests[k], &result, NULL);
            va_memory_fail_after(0);
            va_action_result_clear(&result);
        }
        assert_int_equal(r, 0);
    }
}

static int make_secret(void **state)
{
    int fd = mkstemp(secret);
    return fd < 0 ? -1 : close(fd);
}

static int remove_secret(void **state)
{
    return unlink(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get, start, stop),
        cmocka_unit_test_setup_teardown(test_bodies, start, stop),
        cmocka_unit_test_setup_teardown(test_answers, start, stop),
        cmocka_unit_test_setup_teardown(test_dry_run, start, stop),
        cmocka_unit_test_setup_teardown(test_credentials, start, stop),
        cmocka_unit_test_setup_teardown(test_home_service, start, stop),
        cmocka_unit_test_setup_teardown(test_home_intent, start, stop),
        cmocka_unit_test_setup_teardown(test_home_fetch, start, stop),
        cmocka_unit_test_setup_teardown(test_home_fetch_of_places, start, stop),
        cmocka_unit_test(test_checks),
        cmocka_unit_test_setup_teardown(test_topics, start, stop),
        cmocka_unit_test_setup_teardown(test_out_of_memory, start, stop),
    };
    return cmocka_run_group_tests(tests, make_secret, remove_secret);
}
