/* executables.h - which programs the launcher may start. */
#ifndef VA_DAEMON_EXECUTABLES_H
#define VA_DAEMON_EXECUTABLES_H

#include "config/config.h"

/* The executables of the process actions that are there, the one that speaks, and those of actions.executables. An entry of the latter that
 * is not there is an error; the others are not, since that command alone fails. Free the result with va_executables_free. */
VA_MUST_CHECK int va_executables_find(const va_commands *commands, const va_config *config, char ***ret_paths, size_t *ret_n,
                                      va_error *error);
void va_executables_free(char **paths, size_t n);

#endif
