/* items.h - the checks of the table in audit.c; inside src/audit only. */
#ifndef VA_AUDIT_ITEMS_H
#define VA_AUDIT_ITEMS_H

#include "audit/check.h"
#include "audit/scene.h"

#define VA_SERVICE "voice-assistant.service"

/* item_confinement.c */
void va_item_mandatory_access(struct va_scene *scene, struct va_check_result *result);
void va_item_sandbox(struct va_scene *scene, struct va_check_result *result);
void va_item_exposure(struct va_scene *scene, struct va_check_result *result);
/* item_machine.c */
void va_item_secure_boot(struct va_scene *scene, struct va_check_result *result);
void va_item_encryption(struct va_scene *scene, struct va_check_result *result);
void va_item_kernel_parameters(struct va_scene *scene, struct va_check_result *result);
void va_item_services(struct va_scene *scene, struct va_check_result *result);
void va_item_cpu_frequency(struct va_scene *scene, struct va_check_result *result);
void va_item_power_modes(struct va_scene *scene, struct va_check_result *result);
/* item_network.c */
void va_item_firewall(struct va_scene *scene, struct va_check_result *result);
void va_item_listeners(struct va_scene *scene, struct va_check_result *result);
void va_item_tls(struct va_scene *scene, struct va_check_result *result);
void va_item_access(struct va_scene *scene, struct va_check_result *result);
void va_item_vpn(struct va_scene *scene, struct va_check_result *result);
/* item_files.c */
void va_item_files(struct va_scene *scene, struct va_check_result *result);
void va_item_log(struct va_scene *scene, struct va_check_result *result);
void va_item_privacy(struct va_scene *scene, struct va_check_result *result);
/* item_reports.c */
void va_item_regular_audits(struct va_scene *scene, struct va_check_result *result);
void va_item_updates(struct va_scene *scene, struct va_check_result *result);
void va_item_vulnerabilities(struct va_scene *scene, struct va_check_result *result);
void va_item_lynis(struct va_scene *scene, struct va_check_result *result);
void va_item_coverage(struct va_scene *scene, struct va_check_result *result);
void va_item_massif(struct va_scene *scene, struct va_check_result *result);
void va_item_container(struct va_scene *scene, struct va_check_result *result);
/* item_figures.c */
void va_item_boot_time(struct va_scene *scene, struct va_check_result *result);
void va_item_boot_analysed(struct va_scene *scene, struct va_check_result *result);
void va_item_memory_idle(struct va_scene *scene, struct va_check_result *result);
void va_item_cpu_active(struct va_scene *scene, struct va_check_result *result);
void va_item_buffer_pool(struct va_scene *scene, struct va_check_result *result);
void va_item_threads(struct va_scene *scene, struct va_check_result *result);

#endif
