#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#define BUSY_MS 3000
#define AGAIN_US 2000

/* What makes a file of version i one of version i + 1. Never changed once it has been released: add a row. */
const char *const va_database_steps[] = {
    "CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, unix_ms INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL,"
    " request_id TEXT, text TEXT, language TEXT, command TEXT, slots TEXT, response TEXT, confidence REAL, duration_s REAL,"
    " success INTEGER NOT NULL)",
    "CREATE INDEX entries_by_time ON entries (unix_ms)",
};
const int va_database_n_steps = sizeof va_database_steps / sizeof va_database_steps[0];

/* ---- memory: SQLite's is wiped when it is freed, as all is ---- */

static void *take(int n)
{
    return va_alloc((size_t)n, 1);
}

static void *retake(void *old, int n)
{
    return va_realloc(old, (size_t)n, 1);
}

static int size_of(void *p)
{
    return (int)malloc_usable_size(p);
}

static int round_up(int n)
{
    return (n + 7) & ~7;
}

static int begin(void *user)
{
    (void)user;
    return SQLITE_OK;
}

static void end(void *user)
{
    (void)user;
}

/* Where another library was first with SQLite it keeps its memory. */
static void start_library(void)
{
    static const sqlite3_mem_methods methods = {take, va_free, retake, size_of, round_up, begin, end, NULL};

    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK)
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* ---- errors ---- */

static int code_of(int code)
{
    if (code == SQLITE_IOERR_NOMEM)
        return VA_ENOMEM;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return VA_ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return VA_EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* our statements are sound: the tables are not */
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return VA_EFORMAT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return VA_EDENIED;
    case SQLITE_TOOBIG:
        return VA_ELIMIT;
    default:
        return VA_EIO;
    }
}

int va_database_fail(const va_database *database, va_error *error)
{
    int code = sqlite3_extended_errcode(database->db), number = sqlite3_system_errno(database->db);
    char reason[96];

    if (code_of(code) == VA_ENOMEM)
        return va_fail_memory(error);
    if (code_of(code) == VA_EIO && number != 0)
        return va_fail(error, VA_EIO, "the history: %s: %s", sqlite3_errstr(code), strerror_r(number, reason, sizeof reason));
    if (code_of(code) == VA_EFORMAT)
        return va_fail(error, VA_EFORMAT, "the history is damaged: %s", sqlite3_errmsg(database->db));
    return va_fail(error, code_of(code), "the history: %s", sqlite3_errmsg(database->db));
}

int va_database_run(va_database *database, const char *sql, va_error *error)
{
    return sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : va_database_fail(database, error);
}

int va_database_prepare(va_database *database, const char *sql, sqlite3_stmt **ret_statement, va_error *error)
{
    return sqlite3_prepare_v2(database->db, sql, -1, ret_statement, NULL) == SQLITE_OK ? 0 : va_database_fail(database, error);
}

int va_database_number(va_database *database, const char *sql, int64_t *ret_value, va_error *error)
{
    sqlite3_stmt *statement;
    int r = va_database_prepare(database, sql, &statement, error);

    if (r < 0)
        return r;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(statement, 0);
    else
        r = code == SQLITE_DONE ? va_fail(error, VA_EFORMAT, "the history is damaged") : va_database_fail(database, error);
    sqlite3_finalize(statement);
    return r;
}

/* ---- the file ---- */

/* By path: to close a descriptor of the file would end the locks that this process has on it. */
static int prepare_file(const char *path, int make, va_error *error)
{
    struct stat info;
    int fd = make ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

    if (fd >= 0) {
        va_file_hand_over(fd, path);
        char *folder = va_strdup(path);
        if (folder != NULL)
            va_file_sync_parent(folder);
        va_free(folder);
        close(fd);
    } else if (make && errno != EEXIST) {
        return va_fail_errno(error, "cannot make %s", path);
    }
    if (lstat(path, &info) < 0)
        return va_fail_errno(error, "%s", path);
    if (!S_ISREG(info.st_mode))
        return va_fail(error, VA_EDENIED, "%s is not a regular file", path);
    if ((info.st_mode & 077) != 0 && chmod(path, 0600) < 0)
        return va_fail_errno(error, "others can read %s, and it cannot be changed", path);
    return 0;
}

/* The tables come first: who makes them meanwhile sets the version with them. */
static int read_version(va_database *database, const char *path, int64_t *ret_version, va_error *error)
{
    int64_t version = 0, n_tables = 0;
    int r = va_database_number(database, "SELECT count(*) FROM sqlite_schema", &n_tables, error);

    if (r == 0)
        r = va_database_number(database, "PRAGMA user_version", &version, error);
    if (r < 0)
        return r;
    if (version < 0 || version > va_database_n_steps)
        return va_fail(error, VA_EUNSUPPORTED, "%s was made by a newer program: it has version %lld, and this program knows %d", path,
                       (long long)version, va_database_n_steps);
    if (version == 0 && n_tables > 0)
        return va_fail(error, VA_EUNSUPPORTED, "%s is a database, but no history", path);
    *ret_version = version;
    return 0;
}

/* With a transaction open: another process may have come first. */
static int migrate(va_database *database, const char *path, va_error *error)
{
    int64_t version = 0;
    char sql[64];
    int r = read_version(database, path, &version, error);

    for (int64_t i = version; r == 0 && i < va_database_n_steps; i++)
        r = va_database_run(database, va_database_steps[i], error);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", va_database_n_steps);
    return r < 0 ? r : va_database_run(database, sql, error);
}

static int set_up(va_database *database, const char *path, va_error *error)
{
    /* The first takes effect in an empty file only. FULL: what has been acknowledged survives a power cut. Freed places are zeroed, and
     * nothing goes to other files. */
    static const char pragmas[] = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                  "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 1048576;"
                                  "PRAGMA cache_size = -512; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON";
    int64_t version;
    int r;

    sqlite3_busy_timeout(database->db, BUSY_MS);
    sqlite3_limit(database->db, SQLITE_LIMIT_LENGTH, 2 * (int)(4u << 20));
    sqlite3_db_config(database->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if ((r = read_version(database, path, &version, error)) < 0 || (r = va_database_run(database, pragmas, error)) < 0 ||
        version == va_database_n_steps)
        return r;
    if ((r = va_database_run(database, "BEGIN IMMEDIATE", error)) < 0)
        return r;
    r = migrate(database, path, error); /* what fails is rolled back when the connection closes */
    return r < 0 ? r : va_database_run(database, "COMMIT", error);
}

static int open_once(const char *path, int make, va_database **ret_database, va_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    struct stat info;
    int r = prepare_file(path, make, error);
    if (r < 0)
        return r;
    va_database *database = va_calloc(1, sizeof *database);
    if (database == NULL)
        return va_fail_memory(error);
    pthread_once(&once, start_library);
    if (sqlite3_open_v2(path, &database->db, flags, NULL) != SQLITE_OK) {
        r = database->db == NULL ? va_fail_memory(error) : va_database_fail(database, error);
        goto fail;
    }
    sqlite3_extended_result_codes(database->db, 1);
    if ((r = set_up(database, path, error)) < 0)
        goto fail;
    if (stat(path, &info) < 0) {
        r = va_fail_errno(error, "%s", path);
        goto fail;
    }
    database->device = info.st_dev;
    database->inode = info.st_ino;
    *ret_database = database;
    return 0;

fail:
    va_database_close(database);
    return r;
}

/* Two that open a file at the same time, or one that does when the last other one closes, may stand in each other's way: SQLite then tells
 * one of them at once, without waiting, to let go and come again. */
int va_database_open(const char *path, int make, va_database **ret_database, va_error *error)
{
    double end_ms = va_clock_ms() + BUSY_MS;
    int r;

    while ((r = open_once(path, make, ret_database, error)) == VA_EBUSY && va_clock_ms() < end_ms)
        usleep(AGAIN_US);
    return r;
}

void va_database_close(va_database *database)
{
    if (database == NULL)
        return;
    sqlite3_close(database->db);
    va_free(database);
}

int va_database_is_current(const va_database *database, const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && info.st_dev == database->device && info.st_ino == database->inode;
}
