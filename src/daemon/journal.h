/* journal.h - log lines as structured entries of systemd's journal. */
#ifndef VA_DAEMON_JOURNAL_H
#define VA_DAEMON_JOURNAL_H

#include "base/log_line.h"

/* option: "on", "off", or "auto": when stderr is the journal, as systemd says in JOURNAL_STREAM. */
int va_journal_is_wanted(const char *option);

/* For va_log_divert: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, VA_MODULE, of an event also VA_EVENT and VA_<FIELD> for each field. 0, or
 * negative when there is no journal, or when it takes nothing at once. */
int va_journal_write(const struct va_log_record *record);

#endif
