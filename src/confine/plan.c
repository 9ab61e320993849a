#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "confine/confine.h"

int va_confine_mode_parse(const char *text, enum va_confine_mode *ret_mode)
{
    static const char *const names[] = {"off", "log", "on"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_mode = (enum va_confine_mode)i;
            return 0;
        }
    return VA_EINVAL;
}

int va_confine_allow(struct va_confine_plan *plan, const char *path, unsigned access, va_error *error)
{
    if (path[0] == '\0')
        return 0;
    if (plan->n_paths == VA_CONFINE_MAX_PATHS)
        return va_fail(error, VA_ELIMIT, "more than %d files and folders are to be reached", VA_CONFINE_MAX_PATHS);
    char *copy = va_strdup(path);
    if (copy == NULL)
        return va_fail_memory(error);
    plan->paths[plan->n_paths].path = copy;
    plan->paths[plan->n_paths++].access = access;
    return 0;
}

static int allow_folder(struct va_confine_plan *plan, const char *path, unsigned access, va_error *error)
{
    char *copy = va_strdup(path);
    if (copy == NULL)
        return va_fail_memory(error);
    const char *folder = dirname(copy);
    /* All of / would be no limit. */
    int r = va_confine_allow(plan, strcmp(folder, "/") == 0 ? path : folder, access, error);
    va_free(copy);
    return r;
}

int va_confine_allow_beside(struct va_confine_plan *plan, const char *path, unsigned access, va_error *error)
{
    char target[PATH_MAX];
    int r = path[0] == '\0' ? 0 : allow_folder(plan, path, access, error);

    /* The kernel looks at where links lead. */
    return r == 0 && path[0] != '\0' && realpath(path, target) != NULL ? allow_folder(plan, target, access, error) : r;
}

int va_confine_allow_list(struct va_confine_plan *plan, const char *list, unsigned access, va_error *error)
{
    char *copy = va_strdup(list), *rest = NULL;
    int r = copy == NULL ? va_fail_memory(error) : 0;

    for (char *item = r == 0 ? strtok_r(copy, ",", &rest) : NULL; r == 0 && item != NULL; item = strtok_r(NULL, ",", &rest)) {
        item += strspn(item, " ");
        for (size_t n = strlen(item); n > 0 && item[n - 1] == ' '; n--)
            item[n - 1] = '\0';
        r = va_confine_allow(plan, item, access, error);
    }
    va_free(copy);
    return r;
}

int va_confine_allow_port(struct va_confine_plan *plan, int64_t port, va_error *error)
{
    if (plan->n_ports == VA_CONFINE_MAX_PORTS)
        return va_fail(error, VA_ELIMIT, "more than %d ports", VA_CONFINE_MAX_PORTS);
    plan->ports[plan->n_ports++] = (uint16_t)port;
    return 0;
}

void va_confine_plan_free(struct va_confine_plan *plan)
{
    while (plan->n_paths > 0)
        va_free(plan->paths[--plan->n_paths].path);
}
