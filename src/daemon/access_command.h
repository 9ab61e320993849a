/* access_command.h - what the commands token, tls and pair have in common: options, the data folder, and whose files those are. */
#ifndef VA_DAEMON_ACCESS_COMMAND_H
#define VA_DAEMON_ACCESS_COMMAND_H

#include <sys/types.h>

#include "base/json.h"
#include "daemon/arguments.h"

#define VA_SERVER_MAX_NAMES 32

/* The option server.names in parts. */
struct va_server_names {
    char text[1024];
    const char *name[VA_SERVER_MAX_NAMES]; /* [n] in text */
    size_t n;
};

struct va_access_command {
    const char *name; /* of the command, before messages */
    struct va_overrides overrides;
    int json;

    va_config *config;
    char *folder; /* of data */
    struct va_server_names names;
    uid_t owner; /* of the folder */
    gid_t group;
};

#define VA_ACCESS_COMMAND_HELP "  --json                   print JSON\n" VA_ARGUMENTS_HELP

/* VA_EINVAL: too many, or too long. */
VA_MUST_CHECK int va_server_names_split(const char *option, struct va_server_names *ret_names, va_error *error);

/* Opens the configuration and the folder. From then on root acts as the folder's owner, so that the service can read what was written.
 * An exit code; what failed was told. */
int va_access_command_open(struct va_access_command *command);
void va_access_command_as_caller(const struct va_access_command *command); /* again as who called; root does without its groups */
void va_access_command_close(struct va_access_command *command);

int va_access_command_complain(const struct va_access_command *command, const va_error *error); /* VA_EXIT_FAILED */
int va_access_command_print(const struct va_access_command *command, struct va_json *json);     /* and frees its buffer; an exit code */

#endif
