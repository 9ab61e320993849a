#include "daemon/access_command.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "daemon/command.h"
#include "daemon/setup.h"

int va_server_names_split(const char *option, struct va_server_names *ret_names, va_error *error)
{
    struct va_server_names *names = ret_names;

    names->n = 0;
    if (strlen(option) >= sizeof names->text)
        return va_fail(error, VA_EINVAL, "server.names: longer than %zu bytes", sizeof names->text - 1);
    snprintf(names->text, sizeof names->text, "%s", option);
    for (char *p = names->text; *p != '\0';) {
        p += strspn(p, ", ");
        size_t n = strcspn(p, ", ");
        if (n > 0 && names->n == VA_SERVER_MAX_NAMES)
            return va_fail(error, VA_EINVAL, "server.names: more than %d names", VA_SERVER_MAX_NAMES);
        if (n > 0)
            names->name[names->n++] = p;
        p += n;
        if (*p != '\0')
            *p++ = '\0';
    }
    return 0;
}

static int act_as_owner(struct va_access_command *command, va_error *error)
{
    struct stat info;

    command->owner = geteuid();
    command->group = getegid();
    if (command->owner != 0 || stat(command->folder, &info) < 0 || info.st_uid == 0)
        return 0;
    command->owner = info.st_uid;
    command->group = info.st_gid;
    /* Without root's groups: a link in the folder must not lead to what only these may read. */
    return setgroups(0, NULL) < 0 || setegid(command->group) < 0 || seteuid(command->owner) < 0
               ? va_fail_errno(error, "cannot act as the owner of %s", command->folder)
               : 0;
}

void va_access_command_as_caller(const struct va_access_command *command)
{
    if (command->owner == geteuid() && seteuid(getuid()) == 0)
        (void)!setegid(getgid()); /* for the group of one file */
}

int va_access_command_open(struct va_access_command *command)
{
    va_error error;
    int r = va_overrides_load(&command->overrides, &command->config, &error);

    if (r == 0)
        r = va_server_names_split(command->config->server_names, &command->names, &error);
    if (r == 0)
        r = va_setup_folder(command->config, &command->folder, &error);
    if (r == 0)
        r = act_as_owner(command, &error);
    if (r == 0)
        return VA_EXIT_OK;
    va_access_command_close(command);
    (void)va_access_command_complain(command, &error);
    return r == VA_EINVAL ? VA_EXIT_USAGE : VA_EXIT_FAILED;
}

void va_access_command_close(struct va_access_command *command)
{
    va_config_free(command->config);
    va_free(command->folder);
    command->config = NULL;
    command->folder = NULL;
}

int va_access_command_complain(const struct va_access_command *command, const va_error *error)
{
    fprintf(stderr, "voice-assistant %s: %s\n", command->name, error->text);
    return VA_EXIT_FAILED;
}

int va_access_command_print(const struct va_access_command *command, struct va_json *json)
{
    va_error error;

    if (json->error == 0)
        puts(json->out->data);
    else
        (void)va_access_command_complain(command, (va_fail(&error, json->error, "%s", va_status_text(json->error)), &error));
    va_buffer_free(json->out);
    return json->error == 0 ? VA_EXIT_OK : VA_EXIT_FAILED;
}
