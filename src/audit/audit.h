/* audit.h - the table of what an installation must hold to: docs/checklists.md. */
#ifndef VA_AUDIT_AUDIT_H
#define VA_AUDIT_AUDIT_H

#include "audit/check.h"

const struct va_check *va_audit_items(size_t *ret_n);

#define VA_AUDIT_REPORT_FILE "audit.json" /* in the data folder */
#define VA_AUDIT_MAX_REPORT_BYTES 262144

#endif
