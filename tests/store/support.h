/* support.h - what the tests of the history share: a folder, a history, entries. */
#ifndef VA_TESTS_STORE_SUPPORT_H
#define VA_TESTS_STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/history.h"
#include "temporary.h"

extern char folder[256];
const char *history_path(void);

int start(void **state);
int stop(void **state);

/* Enabled, without upkeep, or with notices counted and kept. */
va_history *open_history(void);
va_history *open_kept_history(void);
extern _Atomic int n_notices;
extern char last_notice[512];

/* A command of this text; its id. */
int64_t add(va_history *history, const char *text);
struct va_history_entry entry_of(const char *text);

/* The texts of a page, "c b a"; lives until the next call. */
const char *texts_of(va_history *history, const struct va_history_query *query, int64_t *ret_next);
int count(va_history *history);

/* SQL of the test on the file itself. */
void run_sql(const char *sql);
int64_t sql_number(const char *sql);

/* 1 when the bytes stand in the file or its log. */
int is_in_files(const char *text);

#endif
