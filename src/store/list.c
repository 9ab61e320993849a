#include "store/state.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

/* "50%" -> "%50\%%": any text around it, and nothing in it stands for others. */
static char *pattern_of(const char *search)
{
    size_t n = strlen(search), at = 0;
    char *pattern = va_alloc(2 * n + 3, 1);

    if (pattern == NULL)
        return NULL;
    pattern[at++] = '%';
    for (size_t i = 0; i < n; i++) {
        if (search[i] == '%' || search[i] == '_' || search[i] == '\\')
            pattern[at++] = '\\';
        pattern[at++] = search[i];
    }
    pattern[at++] = '%';
    pattern[at] = '\0';
    return pattern;
}

static int bind_bound(sqlite3_stmt *statement, int at, double unix_s)
{
    return unix_s == 0 || !isfinite(unix_s) ? sqlite3_bind_null(statement, at) : sqlite3_bind_double(statement, at, unix_s * 1000.0);
}

static int bind(sqlite3_stmt *statement, const struct va_history_query *query, const char *pattern)
{
    int code = query->before_id > 0 ? sqlite3_bind_int64(statement, 1, query->before_id) : sqlite3_bind_null(statement, 1);

    if (code == SQLITE_OK && query->kind != NULL)
        code = sqlite3_bind_text(statement, 2, query->kind, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = bind_bound(statement, 3, query->since_s);
    if (code == SQLITE_OK)
        code = bind_bound(statement, 4, query->until_s);
    if (code == SQLITE_OK && pattern != NULL)
        code = sqlite3_bind_text(statement, 5, pattern, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 6, query->limit + 1);
    return code;
}

static double number_at(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(statement, column);
}

/* VA_ENOMEM: a text could not be read. */
static int read_entry(const va_database *database, sqlite3_stmt *statement, struct va_history_entry *ret_entry)
{
    const char *texts[8];

    for (int i = 0; i < 8; i++) {
        texts[i] = (const char *)sqlite3_column_text(statement, i + 2);
        if (texts[i] == NULL && sqlite3_errcode(database->db) == SQLITE_NOMEM)
            return VA_ENOMEM;
    }
    *ret_entry = (struct va_history_entry){
        .id = sqlite3_column_int64(statement, 0),
        .unix_s = (double)sqlite3_column_int64(statement, 1) / 1000.0,
        .kind = texts[0] != NULL ? texts[0] : "",
        .source = texts[1] != NULL ? texts[1] : "",
        .request_id = texts[2],
        .text = texts[3],
        .language = texts[4],
        .command = texts[5],
        .slots_json = texts[6],
        .response = texts[7],
        .confidence = number_at(statement, 10),
        .duration_s = number_at(statement, 11),
        .success = sqlite3_column_int(statement, 12),
    };
    return 0;
}

static int read_rows(va_database *database, sqlite3_stmt *statement, const struct va_history_query *query, va_history_entry_fn call,
                     void *user, int64_t *ret_next, va_error *error)
{
    struct va_history_entry entry;
    int64_t last = 0;
    int code, r = 0;

    for (int i = 0; (code = sqlite3_step(statement)) == SQLITE_ROW; i++) {
        if (i == query->limit) {
            *ret_next = last;
            return 0;
        }
        if (read_entry(database, statement, &entry) < 0)
            return va_fail_memory(error);
        last = entry.id;
        if ((r = call(user, &entry)) < 0)
            return va_fail(error, r, "%s", va_status_text(r));
    }
    if (code != SQLITE_DONE)
        return va_database_fail(database, error);
    *ret_next = 0;
    return 0;
}

/* With read_lock held. */
static int list(va_history *history, const struct va_history_query *query, const char *pattern, va_history_entry_fn call, void *user,
                int64_t *ret_next, va_error *error)
{
    static const char sql[] =
        "SELECT id, unix_ms, kind, source, request_id, text, language, command, slots, response, confidence, duration_s, success"
        " FROM entries WHERE id < ifnull(?1, 9223372036854775807) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR unix_ms >= ?3)"
        " AND (?4 IS NULL OR unix_ms < ?4) AND (?5 IS NULL OR text LIKE ?5 ESCAPE '\\' OR command LIKE ?5 ESCAPE '\\'"
        " OR response LIKE ?5 ESCAPE '\\') ORDER BY id DESC LIMIT ?6";
    sqlite3_stmt *statement = NULL;
    int r = 0;

    if (history->reader != NULL && !va_database_is_current(history->reader, history->path)) {
        va_database_close(history->reader);
        history->reader = NULL;
    }
    if (history->reader == NULL && (r = va_database_open(history->path, 0, &history->reader, error)) < 0)
        return r;
    r = va_database_prepare(history->reader, sql, &statement, error);
    if (r == 0 && bind(statement, query, pattern) != SQLITE_OK)
        r = va_database_fail(history->reader, error);
    if (r == 0)
        r = read_rows(history->reader, statement, query, call, user, ret_next, error);
    sqlite3_finalize(statement);
    return r;
}

int va_history_list(va_history *history, const struct va_history_query *query, va_history_entry_fn call, void *user, int64_t *ret_next,
                    va_error *error)
{
    char *pattern = NULL;
    int64_t next = 0;

    if (query->limit < 1 || query->limit > VA_HISTORY_MAX_PAGE)
        return va_fail(error, VA_EINVAL, "a page has 1 to %d entries", VA_HISTORY_MAX_PAGE);
    if (query->search != NULL && strlen(query->search) > VA_HISTORY_MAX_SEARCH_BYTES)
        return va_fail(error, VA_EINVAL, "what is searched for has more than %d bytes", VA_HISTORY_MAX_SEARCH_BYTES);
    if (query->search != NULL && (pattern = pattern_of(query->search)) == NULL)
        return va_fail_memory(error);
    pthread_mutex_lock(&history->read_lock);
    int r = list(history, query, pattern, call, user, &next, error);
    pthread_mutex_unlock(&history->read_lock);
    va_free(pattern);
    if (r == VA_EFORMAT)
        va_upkeep_want(history, VA_UPKEEP_CHECK);
    if (r < 0 && r != VA_ENOTFOUND)
        return r;
    *ret_next = next;
    return 0;
}
