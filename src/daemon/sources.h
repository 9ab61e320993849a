/* sources.h - the command files the options of a command of the program name. */
#ifndef VA_DAEMON_SOURCES_H
#define VA_DAEMON_SOURCES_H

#include "intent/commands.h"

#define VA_SOURCES_MAX 16

struct va_sources {
    const char *paths[VA_SOURCES_MAX]; /* [n] of --commands */
    size_t n;
    const char *language, *config; /* or NULL */
};

/* Adds a path of --commands. 0, or VA_ELIMIT after a message on stderr, which starts with the name of the program's command. */
int va_sources_add(struct va_sources *sources, const char *command, const char *path);

/* Loads them all; where there are none the folder of the configuration. request may hold who hears of mistakes. */
VA_MUST_CHECK int va_sources_load(const struct va_sources *sources, struct va_commands_request request, va_commands **ret_commands,
                                  va_error *error);

#endif
