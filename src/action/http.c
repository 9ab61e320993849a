/* http.c - the action http: a request to a server, made from the slots. */
#include "action/actions.h"

#include <jansson.h>
#include <string.h>

#include "action/web.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/utf8.h"

#define MAX_ANSWER_BYTES 65536

static const struct {
    const char *name, *type;
    enum va_escape escape;
} contents[] = {{"json", "Content-Type: application/json", VA_ESCAPE_JSON},
                {"form", "Content-Type: application/x-www-form-urlencoded", VA_ESCAPE_FORM},
                {"text", "Content-Type: text/plain; charset=utf-8", VA_ESCAPE_NONE}};

#define N_CONTENTS (sizeof contents / sizeof contents[0])

static size_t find_content(const char *name)
{
    size_t i = 0;

    while (i < N_CONTENTS && strcmp(contents[i].name, name) != 0)
        i++;
    return i;
}

static int is_method(const char *method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(methods[i], method) == 0)
            return 1;
    return 0;
}

/* "headers.NAME": a token of HTTP; its value has no control characters. */
static int check_header(const va_slot *setting, va_error *error)
{
    const char *name = setting->name + strlen("headers.");

    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] != '\0')
        return va_fail(error, VA_EINVAL, "'%.60s' is no name of a header", name);
    if (strpbrk(setting->value, "\r\n") != NULL)
        return va_fail(error, VA_EINVAL, "the header '%.60s' must be one line", name);
    return 0;
}

int va_action_check_http(const struct va_action_settings *settings, va_error *error)
{
    const va_slot *all = settings->settings;
    size_t n = settings->n_settings, n_headers = 0;
    const char *url = va_slot_find(all, n, "url"), *method = va_slot_find(all, n, "method"), *content = va_slot_find(all, n, "content");
    double timeout_s;

    if (url == NULL)
        return va_fail(error, VA_EINVAL, "the action 'http' needs a 'url'");
    if (method != NULL && !is_method(method))
        return va_fail(error, VA_EINVAL, "'method' must be GET, POST, PUT, PATCH, DELETE or HEAD, not \"%.20s\"", method);
    if (content != NULL && find_content(content) == N_CONTENTS)
        return va_fail(error, VA_EINVAL, "'content' must be json, form or text, not \"%.20s\"", content);
    for (size_t i = 0; i < n; i++) {
        int r = strncmp(all[i].name, "headers.", 8) == 0 ? check_header(&all[i], error) : 0;
        if (r < 0)
            return r;
        n_headers += strncmp(all[i].name, "headers.", 8) == 0;
    }
    if (n_headers > VA_WEB_MAX_HEADERS - 1)
        return va_fail(error, VA_ELIMIT, "more than %d headers", VA_WEB_MAX_HEADERS - 1);
    int r = va_action_timeout(va_slot_find(all, n, "timeout"), &timeout_s, error);
    return r < 0 ? r : va_web_check_url(url, error);
}

/* ---- the request, put together ---- */

struct parts {
    char *url, *body, *secret;
    char *headers[VA_WEB_MAX_HEADERS]; /* [n_headers] */
    size_t n_headers;
};

static void free_parts(struct parts *parts)
{
    va_free(parts->url);
    va_free(parts->body);
    va_secret_free(parts->secret);
    for (size_t i = 0; i < parts->n_headers; i++)
        va_free(parts->headers[i]);
}

/* line is theirs from now on, or NULL: out of memory. */
static int keep_header(const struct va_action_call *call, struct parts *parts, char *line)
{
    if (line == NULL)
        return va_fail_memory(call->error);
    parts->headers[parts->n_headers++] = line;
    return 0;
}

static int add_header(const struct va_action_call *call, struct parts *parts, const char *name, const char *value)
{
    return keep_header(call, parts, va_asprintf("%s: %s", name, value));
}

static int make_headers(const struct va_action_call *call, struct parts *parts)
{
    const struct va_action_request *request = call->request;
    int r = 0;

    for (size_t i = 0; r == 0 && i < request->n_settings; i++) {
        const va_slot *setting = &request->settings[i];
        char *value;
        if (strncmp(setting->name, "headers.", 8) != 0)
            continue;
        r = va_action_fill(call, VA_ESCAPE_LINE, setting->name, setting->value, &value);
        if (r == 0) {
            r = add_header(call, parts, setting->name + 8, value);
            va_free(value);
        }
    }
    return r;
}

/* What is sent as JSON is JSON. */
static int check_json(const struct va_action_call *call, const char *body)
{
    json_error_t why;
    json_t *json = json_loads(body, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);

    if (json == NULL)
        return va_fail(call->error, VA_EINVAL, "the body of '%s' is not JSON: line %d column %d: %s", call->request->command, why.line,
                       why.column, why.text);
    json_decref(json);
    return 0;
}

static int make_body(const struct va_action_call *call, struct parts *parts)
{
    const char *template = va_action_setting(call, "body", NULL);
    size_t content = find_content(va_action_setting(call, "content", "json"));

    if (template == NULL)
        return 0;
    int r = va_action_fill(call, contents[content].escape, "body", template, &parts->body);
    if (r == 0 && contents[content].escape == VA_ESCAPE_JSON)
        r = check_json(call, parts->body);
    if (r < 0)
        return r;
    return keep_header(call, parts, va_strdup(contents[content].type));
}

static int make_parts(const struct va_action_call *call, struct parts *parts)
{
    const char *token_file = va_action_setting(call, "token_file", NULL), *file = va_action_setting(call, "password_file", token_file);
    int r = va_action_fill(call, VA_ESCAPE_URL, "URL", va_action_setting(call, "url", ""), &parts->url);

    if (r == 0)
        r = va_web_check_url(parts->url, call->error);
    if (r == 0)
        r = make_headers(call, parts);
    if (r == 0)
        r = make_body(call, parts);
    if (r == 0 && file != NULL)
        r = va_secret_read(file, &parts->secret, call->error);
    return r;
}

/* ---- the answer ---- */

static int take_answer(struct va_action_call *call, struct va_web_answer *answer)
{
    va_utf8_mend(answer->body, answer->size);
    call->output = answer->body;
    int r = va_action_field_number(call, "status", answer->status);
    if (r == 0)
        r = va_action_field(call, "body", answer->body);
    if (r == 0 && answer->status >= 300)
        r = va_fail(call->error, VA_EFAILED, "the server answered %d: %.*s", answer->status, (int)strcspn(answer->body, "\r\n"),
                    answer->body);
    return r;
}

int va_action_run_http(struct va_action_call *call)
{
    struct va_action_settings settings = {call->request->settings, call->request->n_settings, NULL, 0};
    struct parts parts = {0};
    struct va_web_answer answer;
    int r = va_action_check_http(&settings, call->error);

    if (r < 0 || (r = make_parts(call, &parts)) < 0)
        goto end;
    int is_token = va_action_setting(call, "password_file", NULL) == NULL;
    struct va_web_request request = {
        .method = va_action_setting(call, "method", parts.body == NULL ? "GET" : "POST"),
        .url = parts.url,
        .headers = (const char *const *)parts.headers,
        .n_headers = parts.n_headers,
        .body = parts.body,
        .token = is_token ? parts.secret : NULL,
        .user_password = is_token ? NULL : parts.secret,
        .ca_file = va_action_setting(call, "ca_file", NULL),
        .max_bytes = MAX_ANSWER_BYTES,
        .cancel_fd = call->actions->stop_fd,
    };
    if ((r = va_action_timeout(va_action_setting(call, "timeout", NULL), &request.timeout_s, call->error)) < 0)
        goto end;
    if (call->request->dry_run)
        r = va_action_would(call, "would request %s %s%s%s", request.method, request.url, parts.body == NULL ? "" : " with ",
                            parts.body == NULL ? "" : parts.body);
    else if ((r = va_web_call(&request, &answer, call->error)) == 0)
        r = take_answer(call, &answer);

end:
    free_parts(&parts);
    return r;
}
