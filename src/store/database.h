/* database.h - the SQLite file beneath the history: opening, versions, errors. A connection is for one thread at a time. */
#ifndef VA_STORE_DATABASE_H
#define VA_STORE_DATABASE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct va_database {
    sqlite3 *db;
    dev_t device; /* the file that was opened: */
    ino_t inode;
} va_database;

/* Makes the file (mode 0600) when it is missing and make is 1, and brings it to the present version. VA_ENOTFOUND: it is missing.
 * VA_EFORMAT: damaged. VA_EUNSUPPORTED: of a newer program, or no history; nothing is changed then. */
VA_MUST_CHECK int va_database_open(const char *path, int make, va_database **ret_database, va_error *error);
void va_database_close(va_database *database);

/* 0: the file at path is another by now, or gone. */
int va_database_is_current(const va_database *database, const char *path);

VA_MUST_CHECK int va_database_run(va_database *database, const char *sql, va_error *error);
VA_MUST_CHECK int va_database_prepare(va_database *database, const char *sql, sqlite3_stmt **ret_statement, va_error *error);
/* The first number of the first row. */
VA_MUST_CHECK int va_database_number(va_database *database, const char *sql, int64_t *ret_value, va_error *error);

/* What SQLite has just failed with. */
int va_database_fail(const va_database *database, va_error *error);

/* The version that the program makes, and a step towards it: for tests. */
extern const char *const va_database_steps[];
extern const int va_database_n_steps;

#endif
