/* The OpenAPI document and the table of routes say the same: methods, paths, scopes, bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/api.h"

static json_t *document;

static int open_document(void **state)
{
    json_error_t error;
    document = json_load_file(OPENAPI, JSON_REJECT_DUPLICATES, &error);
    return document == NULL;
}

static int close_document(void **state)
{
    json_decref(document);
    return 0;
}

static const char *scope_name(unsigned scope)
{
    static const char *const names[] = {"status", "transcribe", "control", "history", "admin"};

    for (unsigned i = 0; i < 5; i++)
        if (scope == 1u << i)
            return names[i];
    return NULL;
}

static json_t *operation(const struct va_route *route)
{
    json_t *path = json_object_get(json_object_get(document, "paths"), route->path), *found;
    const char *method;

    json_object_foreach(path, method, found) if (strcasecmp(method, route->method) == 0) return found;
    return NULL;
}

static void every_route_is_described(void **state)
{
    size_t n;
    const struct va_route *routes = va_api_routes(&n);

    for (size_t i = 0; i < n; i++) {
        json_t *found = operation(&routes[i]);
        if (found == NULL)
            fail_msg("%s %s is not in openapi.json", routes[i].method, routes[i].path);
        json_t *security = json_object_get(found, "security");
        const char *scope = json_string_value(json_array_get(json_object_get(json_array_get(security, 0), "token"), 0));
        const char *wanted = scope_name(routes[i].scope);
        if (!json_is_array(security) || (scope == NULL) != (wanted == NULL) || (scope != NULL && strcmp(scope, wanted) != 0))
            fail_msg("%s %s: openapi.json asks for the scope %s", routes[i].method, routes[i].path, scope != NULL ? scope : "(none)");
        json_t *content = json_object_get(json_object_get(found, "requestBody"), "content");
        json_t *form = json_object_get(content, "multipart/form-data"), *json = json_object_get(content, "application/json");
        if ((form != NULL) != (routes[i].body == VA_BODY_FORM) || (json != NULL) != (routes[i].body == VA_BODY_JSON))
            fail_msg("%s %s: openapi.json has another body", routes[i].method, routes[i].path);
        if (form != NULL)
            assert_non_null(json_object_get(json_object_get(json_object_get(form, "schema"), "properties"), routes[i].file_field));
        if (strstr(routes[i].path, "{id}") != NULL)
            assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(found, "parameters"), 0), "name")), "id");
    }
}

static void every_description_is_of_a_route(void **state)
{
    size_t n;
    const struct va_route *routes = va_api_routes(&n);
    const char *path, *method;
    json_t *methods, *unused;

    json_object_foreach(json_object_get(document, "paths"), path, methods)
    {
        json_object_foreach(methods, method, unused)
        {
            int found = 0;
            for (size_t i = 0; i < n; i++)
                found |= strcmp(routes[i].path, path) == 0 && strcasecmp(routes[i].method, method) == 0;
            if (!found)
                fail_msg("there is no route %s %s", method, path);
        }
    }
}

/* Every "$ref" leads somewhere. */
static void check_references(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_array(value)) {
        json_array_foreach(value, i, member) check_references(member);
        return;
    }
    json_object_foreach(value, key, member)
    {
        if (strcmp(key, "$ref") != 0) {
            check_references(member);
            continue;
        }
        char path[128];
        snprintf(path, sizeof path, "%s", json_string_value(member));
        json_t *at = document;
        for (char *part = strtok(path, "/"); part != NULL; part = strtok(NULL, "/"))
            if (strcmp(part, "#") != 0)
                at = json_object_get(at, part);
        if (at == NULL)
            fail_msg("%s leads nowhere", json_string_value(member));
    }
}

static void references_lead_somewhere(void **state)
{
    check_references(document);
}

static void no_parameter_is_there_twice(void **state)
{
    const char *path, *method;
    json_t *methods, *described;

    json_object_foreach(json_object_get(document, "paths"), path, methods)
    {
        json_object_foreach(methods, method, described)
        {
            json_t *parameters = json_object_get(described, "parameters");
            for (size_t i = 0; i < json_array_size(parameters); i++)
                for (size_t k = 0; k < i; k++)
                    if (json_equal(json_object_get(json_array_get(parameters, i), "name"),
                                   json_object_get(json_array_get(parameters, k), "name")))
                        fail_msg("%s %s: parameter %zu is there twice", method, path, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described),
        cmocka_unit_test(every_description_is_of_a_route),
        cmocka_unit_test(references_lead_somewhere),
        cmocka_unit_test(no_parameter_is_there_twice),
    };
    return cmocka_run_group_tests(tests, open_document, close_document);
}
