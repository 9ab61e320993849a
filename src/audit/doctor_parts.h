/* doctor_parts.h - what is said and heard; inside src/audit only. */
#ifndef VA_AUDIT_DOCTOR_PARTS_H
#define VA_AUDIT_DOCTOR_PARTS_H

#include "audit/scene.h"

void va_doctor_model(struct va_scene *scene, struct va_check_result *result);
void va_doctor_words(struct va_scene *scene, struct va_check_result *result);
void va_doctor_commands(struct va_scene *scene, struct va_check_result *result);
void va_doctor_microphone(struct va_scene *scene, struct va_check_result *result);
void va_doctor_loudspeaker(struct va_scene *scene, struct va_check_result *result);
void va_doctor_voice(struct va_scene *scene, struct va_check_result *result);
void va_doctor_ports(struct va_scene *scene, struct va_check_result *result);
void va_doctor_privacy(struct va_scene *scene, struct va_check_result *result);

#endif
