#include "store/state.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

/* Writes text [n] so that capitals are as small letters; returns the length, which is n at most. */
static size_t fold(const char *text, size_t n, char *ret_folded)
{
    static const uint32_t sigma = 0x3C3, final_sigma = 0x3C2; /* both have the same capital */
    size_t size = 0;

    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t length = (unsigned char)text[at] < 0x80 ? 0 : (size_t)va_utf8_next(text + at, n - at, &code);
        if (length == 0) { /* ASCII, which is most, or damaged */
            ret_folded[size++] = (char)(text[at] >= 'A' && text[at] <= 'Z' ? text[at] | 0x20 : text[at]);
            at++;
            continue;
        }
        at += length;
        size += va_utf8_put(code == final_sigma ? sigma : va_utf8_lower(code), ret_folded + size);
    }
    return size;
}

static char *fold_search(const char *search)
{
    size_t n = strlen(search);
    char *folded = va_alloc(n + 1, 1);

    if (folded != NULL)
        folded[fold(search, n, folded)] = '\0';
    return folded;
}

/* SQL: contains(text, folded). LIKE knows the capitals of ASCII only. */
static void contains(sqlite3_context *context, int n_values, sqlite3_value **values)
{
    (void)n_values;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    const char *text = (const char *)sqlite3_value_text(values[0]), *folded = (const char *)sqlite3_value_text(values[1]);
    size_t n = (size_t)sqlite3_value_bytes(values[0]);
    char *own = text == NULL || folded == NULL ? NULL : va_alloc(n, 1);
    if (own == NULL)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_int(context, memmem(own, fold(text, n, own), folded, (size_t)sqlite3_value_bytes(values[1])) != NULL);
    va_free(own);
}

/* With read_lock held. */
static int hold_reader(va_history *history, va_error *error)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;

    if (history->reader != NULL && !va_database_is_current(history->reader, history->path)) {
        va_database_close(history->reader);
        history->reader = NULL;
    }
    if (history->reader != NULL)
        return 0;
    va_database *reader;
    int r = va_database_open(history->path, 0, &reader, error);
    if (r < 0)
        return r;
    if (sqlite3_create_function(reader->db, "contains", 2, flags, NULL, contains, NULL, NULL) != SQLITE_OK) {
        r = va_database_fail(reader, error);
        va_database_close(reader);
        return r;
    }
    history->reader = reader;
    return 0;
}

static int bind_bound(sqlite3_stmt *statement, int at, const double *unix_s)
{
    return unix_s == NULL ? sqlite3_bind_null(statement, at) : sqlite3_bind_double(statement, at, *unix_s * 1000.0);
}

static int bind(sqlite3_stmt *statement, const struct va_history_query *query, const char *folded)
{
    int code = query->before_id > 0 ? sqlite3_bind_int64(statement, 1, query->before_id) : sqlite3_bind_null(statement, 1);

    if (code == SQLITE_OK && query->kind != NULL)
        code = sqlite3_bind_text(statement, 2, query->kind, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = bind_bound(statement, 3, query->since_s);
    if (code == SQLITE_OK)
        code = bind_bound(statement, 4, query->until_s);
    if (code == SQLITE_OK && folded != NULL)
        code = sqlite3_bind_text(statement, 5, folded, -1, SQLITE_STATIC);
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
static int list(va_history *history, const struct va_history_query *query, const char *folded, va_history_entry_fn call, void *user,
                int64_t *ret_next, va_error *error)
{
    static const char sql[] =
        "SELECT id, unix_ms, kind, source, request_id, text, language, command, slots, response, confidence, duration_s, success"
        " FROM entries WHERE id < ifnull(?1, 9223372036854775807) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR unix_ms >= ?3)"
        " AND (?4 IS NULL OR unix_ms < ?4) AND (?5 IS NULL OR contains(text, ?5) OR contains(command, ?5) OR contains(response, ?5))"
        " ORDER BY id DESC LIMIT ?6";
    sqlite3_stmt *statement = NULL;
    int r = hold_reader(history, error);

    if (r < 0)
        return r;
    r = va_database_prepare(history->reader, sql, &statement, error);
    if (r == 0 && bind(statement, query, folded) != SQLITE_OK)
        r = va_database_fail(history->reader, error);
    if (r == 0)
        r = read_rows(history->reader, statement, query, call, user, ret_next, error);
    sqlite3_finalize(statement);
    return r;
}

int va_history_list(va_history *history, const struct va_history_query *query, va_history_entry_fn call, void *user, int64_t *ret_next,
                    va_error *error)
{
    char *folded = NULL;
    int64_t next = 0;

    if (query->limit < 1 || query->limit > VA_HISTORY_MAX_PAGE)
        return va_fail(error, VA_EINVAL, "a page has 1 to %d entries", VA_HISTORY_MAX_PAGE);
    if (query->search != NULL && strlen(query->search) > VA_HISTORY_MAX_SEARCH_BYTES)
        return va_fail(error, VA_EINVAL, "what is searched for has more than %d bytes", VA_HISTORY_MAX_SEARCH_BYTES);
    if (query->search != NULL && (folded = fold_search(query->search)) == NULL)
        return va_fail_memory(error);
    pthread_mutex_lock(&history->read_lock);
    int r = list(history, query, folded, call, user, &next, error);
    pthread_mutex_unlock(&history->read_lock);
    va_free(folded);
    if (r == VA_EFORMAT)
        va_upkeep_want(history, VA_UPKEEP_CHECK);
    if (r < 0 && r != VA_ENOTFOUND)
        return r;
    *ret_next = next;
    return 0;
}
