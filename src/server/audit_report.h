/* audit_report.h - what the last audit of this machine found: voice-assistant audit --output FOLDER/audit.json. Any thread. */
#ifndef VA_SERVER_AUDIT_REPORT_H
#define VA_SERVER_AUDIT_REPORT_H

#include "base/error.h"

/* The report as it stands in the file, checked to be one; va_free it. VA_ENOTFOUND: there is none. VA_EFORMAT, VA_ELIMIT, VA_EIO. */
VA_MUST_CHECK int va_audit_report_read(const char *folder, char **ret_text, size_t *ret_size, va_error *error);

/* Kept by who asks often: the file is only read when it has changed. All zero at the start. */
struct va_audit_summary {
    int64_t changed_ns, size; /* of the file when it was read */
    double failed, made_unix_s;
};

/* Not a number: there is no report. */
void va_audit_report_summary(const char *folder, struct va_audit_summary *summary);

#endif
