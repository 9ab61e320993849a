#include "server/route.h"

#include <stdio.h>
#include <string.h>

#define ALIAS "/api/v1"

static int begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int matches(const struct va_route *route, const char *path, const char **ret_segment)
{
    *ret_segment = "";
    if (begins(path, ALIAS "/") && !begins(route->path, "/api/") && !begins(route->path, "/v1/"))
        path += sizeof ALIAS - 1;
    const char *brace = strstr(route->path, "/{id}");
    if (brace == NULL)
        return strcmp(route->path, path) == 0;
    size_t n = (size_t)(brace - route->path) + 1;
    if (strncmp(route->path, path, n) != 0 || path[n] == '\0' || strchr(path + n, '/') != NULL)
        return 0;
    *ret_segment = path + n;
    return 1;
}

/* A path that is written out in the table is not one that "{id}" stands for, whatever the method. */
static int is_written_out(const struct va_route *routes, size_t n_routes, const char *path)
{
    const char *segment;

    for (size_t i = 0; i < n_routes; i++)
        if (matches(&routes[i], path, &segment) && segment[0] == '\0')
            return 1;
    return 0;
}

const struct va_route *va_route_find(const struct va_route *routes, size_t n_routes, const char *method, const char *path,
                                     const char **ret_segment, int *ret_status)
{
    int is_fixed = is_written_out(routes, n_routes, path);
    const char *segment;

    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    *ret_status = 404;
    *ret_segment = "";
    for (size_t i = 0; i < n_routes; i++) {
        if (!matches(&routes[i], path, &segment) || (is_fixed && segment[0] != '\0'))
            continue;
        *ret_status = 405;
        if (strcmp(routes[i].method, method) == 0) {
            *ret_segment = segment;
            return &routes[i];
        }
    }
    return NULL;
}

void va_route_methods(const struct va_route *routes, size_t n_routes, const char *path, char *ret_text, size_t capacity)
{
    int is_fixed = is_written_out(routes, n_routes, path);
    const char *segment;
    size_t n = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; i < n_routes && n < capacity; i++)
        if (matches(&routes[i], path, &segment) && (!is_fixed || segment[0] == '\0'))
            n += (size_t)snprintf(ret_text + n, capacity - n, "%s%s%s", n > 0 ? ", " : "", routes[i].method,
                                  strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
}
