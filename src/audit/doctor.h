/* doctor.h - the table of what an installation needs to work. */
#ifndef VA_AUDIT_DOCTOR_H
#define VA_AUDIT_DOCTOR_H

#include "audit/check.h"

const struct va_check *va_doctor_checks(size_t *ret_n);

#endif
