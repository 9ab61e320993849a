/* confinement.h - what the commands that serve others are confined to (src/confine), as their configuration says it at the start. */
#ifndef VA_DAEMON_CONFINEMENT_H
#define VA_DAEMON_CONFINEMENT_H

#include "config/config.h"
#include "confine/confine.h"
#include "server/api.h"

/* For the launcher: the programs of commands. executables [n]: those that it may start. va_confine_plan_free it, on failure, too. */
VA_MUST_CHECK int va_confinement_programs(const va_config *config, const char *const *executables, size_t n,
                                          struct va_confine_plan *ret_plan, va_error *error);

/* Confines this process, and says so in the log. folder: of data, and there; launcher: its process, 0: none; listens: the ports of the
 * configuration are listened on. */
VA_MUST_CHECK int va_confinement_apply(const va_config *config, const char *folder, int launcher, int listens,
                                       struct va_confine_state *ret_state, va_error *error);

/* For GET /status. */
void va_confinement_show(const struct va_confine_state *state, va_api *api);

#endif
