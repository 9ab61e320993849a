/* audit_scene.h - this machine as audit and doctor see it. */
#ifndef VA_DAEMON_AUDIT_SCENE_H
#define VA_DAEMON_AUDIT_SCENE_H

#include "audit/scene.h"
#include "daemon/overrides.h"

struct va_audit_scene {
    struct va_scene scene;
    va_config *config; /* NULL: it cannot be read; the scene knows why */
    char *folder, *log_file, *token;
};

/* token_file: for the API, or NULL. A configuration that cannot be read is no error. VA_EINVAL: --set; VA_ENOTFOUND, VA_EDENIED, VA_ENOMEM.
 */
VA_MUST_CHECK int va_audit_scene_open(struct va_audit_scene *audit, const struct va_overrides *overrides, const char *token_file,
                                      va_error *error);
void va_audit_scene_close(struct va_audit_scene *audit);

/* Prints the report to stdout: as a table, or as JSON. */
VA_MUST_CHECK int va_audit_scene_print(const struct va_audit_scene *audit, const struct va_report *report, const char *title, int as_json,
                                       va_error *error);

#endif
