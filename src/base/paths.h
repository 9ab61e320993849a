/* paths.h - where files are when no option says so. Any thread that does not change the environment meanwhile.
 *
 * In this order:
 *   1. what systemd set for the service: $CONFIGURATION_DIRECTORY, $STATE_DIRECTORY, $LOGS_DIRECTORY;
 *   2. root: /etc/voice-assistant, /var/lib/voice-assistant, /var/log/voice-assistant;
 *   3. a ~/.voice-assistant that exists, for everything;
 *   4. the XDG folders: $XDG_CONFIG_HOME (~/.config), $XDG_DATA_HOME (~/.local/share), $XDG_STATE_HOME (~/.local/state),
 *      each with /voice-assistant. */
#ifndef VA_BASE_PATHS_H
#define VA_BASE_PATHS_H

#include "base/error.h"

enum va_folder {
    VA_FOLDER_CONFIG, /* voice-assistant.yaml, commands/ */
    VA_FOLDER_DATA,   /* models/, recordings, state */
    VA_FOLDER_LOG     /* app.log */
};

/* The folder need not exist. va_free it. VA_ENOTFOUND when the user has no home. */
VA_MUST_CHECK int va_paths_folder(enum va_folder folder, char **ret_path, va_error *error);

/* The same as root (1) or another user (0): for tests. */
VA_MUST_CHECK int va_paths_folder_as(enum va_folder folder, int is_root, char **ret_path, va_error *error);

/* A file or folder of the configuration such as "commands": the first that exists of the one in VA_FOLDER_CONFIG and the one in
 * /etc/voice-assistant; when none does, the former. va_free it. */
VA_MUST_CHECK int va_paths_config(const char *name, char **ret_path, va_error *error);

/* The same of the data, such as "models": of the one in VA_FOLDER_DATA and the one in /var/lib/voice-assistant. va_free it. */
VA_MUST_CHECK int va_paths_data(const char *name, char **ret_path, va_error *error);

/* "FOLDER/NAME", va_free it; NULL when out of memory. */
char *va_paths_join(const char *folder, const char *name);

#endif
