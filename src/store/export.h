/* export.h - entries of the history as JSON and CSV. Any thread. */
#ifndef VA_STORE_EXPORT_H
#define VA_STORE_EXPORT_H

#include "base/json.h"
#include "store/history.h"

/* An object as a value: {"id","time","kind","source","request_id","text","language","command","slots","response","confidence","duration",
 * "success"}; what is not known is null. */
void va_history_entry_json(struct va_json *json, const struct va_history_entry *entry);

/* A line of RFC 4180 with CR LF, as text_csv_header names its columns. A text that a spreadsheet would take for a formula gets an
 * apostrophe before it. VA_ENOMEM, VA_ELIMIT. */
#define VA_HISTORY_CSV_HEADER "id,time,kind,source,request_id,text,language,command,slots,response,confidence,duration,success\r\n"
VA_MUST_CHECK int va_history_entry_csv(struct va_buffer *out, const struct va_history_entry *entry);

enum va_history_format { VA_HISTORY_JSONL, VA_HISTORY_CSV };

/* A negative VA_E* ends the export with that code. */
typedef int (*va_history_write_fn)(void *user, const char *data, size_t n);

/* Writes all that query asks for (its limit is not), newest first, in pieces of a page each; others may write meanwhile. */
VA_MUST_CHECK int va_history_export(va_history *history, const struct va_history_query *query, enum va_history_format format,
                                    va_history_write_fn write, void *user, va_error *error);

#endif
