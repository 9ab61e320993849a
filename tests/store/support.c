#include "support.h"

#include <math.h>
#include <stdatomic.h>

#include "base/memory.h"

char folder[256];
_Atomic int n_notices;
char last_notice[512];

const char *history_path(void)
{
    return temporary_path(folder, VA_HISTORY_FILE);
}

int start(void **state)
{
    n_notices = 0;
    return temporary_make(folder);
}

int stop(void **state)
{
    va_memory_fail_after(0);
    return temporary_remove(folder);
}

static void on_notice(void *user, const char *text)
{
    snprintf(last_notice, sizeof last_notice, "%s", text);
    n_notices++;
}

static va_history *open_with(int upkeep)
{
    const struct va_history_options options = {.enabled = 1, .upkeep = upkeep, .notice = on_notice};
    va_history *history = NULL;

    assert_int_equal(va_history_open(folder, &options, &history, NULL), 0);
    return history;
}

va_history *open_history(void)
{
    return open_with(0);
}

va_history *open_kept_history(void)
{
    return open_with(1);
}

struct va_history_entry entry_of(const char *text)
{
    return (struct va_history_entry){.kind = "command", .source = "api", .text = text, .confidence = NAN, .duration_s = NAN, .success = 1};
}

int64_t add(va_history *history, const char *text)
{
    const struct va_history_entry entry = entry_of(text);
    va_error error = {0};
    int64_t id = 0;

    if (va_history_add(history, &entry, &id, &error) < 0)
        fail_msg("%s", error.text);
    return id;
}

static int append(void *user, const struct va_history_entry *entry)
{
    char *texts = user;

    snprintf(texts + strlen(texts), 8192 - strlen(texts), "%s%s", texts[0] != '\0' ? " " : "", entry->text);
    return 0;
}

const char *texts_of(va_history *history, const struct va_history_query *query, int64_t *ret_next)
{
    static char texts[8192];
    struct va_history_query page = *query;
    va_error error = {0};
    int64_t next = -1;

    texts[0] = '\0';
    page.limit = page.limit == 0 ? VA_HISTORY_MAX_PAGE : page.limit;
    if (va_history_list(history, &page, append, texts, &next, &error) < 0)
        fail_msg("%s", error.text);
    if (ret_next != NULL)
        *ret_next = next;
    return texts;
}

static int count_one(void *user, const struct va_history_entry *entry)
{
    ++*(int *)user;
    return 0;
}

int count(va_history *history)
{
    struct va_history_query query = {.limit = VA_HISTORY_MAX_PAGE};
    int n = 0;

    do
        assert_int_equal(va_history_list(history, &query, count_one, &n, &query.before_id, NULL), 0);
    while (query.before_id > 0);
    return n;
}

void run_sql(const char *sql)
{
    sqlite3 *db;
    char *message = NULL;

    assert_int_equal(sqlite3_open(history_path(), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

int64_t sql_number(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_open(history_path(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

int is_in_files(const char *text)
{
    static const char *const names[] = {VA_HISTORY_FILE, VA_HISTORY_FILE "-wal"};

    for (int i = 0; i < 2; i++) {
        char *data = NULL;
        size_t size;
        if (va_file_read(temporary_path(folder, names[i]), (size_t)64 << 20, &data, &size, NULL) < 0)
            continue;
        int found = memmem(data, size, text, strlen(text)) != NULL;
        va_free(data);
        if (found)
            return 1;
    }
    return 0;
}
