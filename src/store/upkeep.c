/* upkeep.c - a thread that looks after the file: at the start, each hour, and when it is told to. */
#include "store/state.h"

#include <string.h>

#include "base/clock.h"
#include "base/thread.h"

#define PERIOD_S 3600
#define RETRY_S 60 /* what could not be done now */

/* Each fault once; whoever asks for the state is told until it is over. */
static void note(va_history *history, int r, const va_error *error, const char *last)
{
    int is_new = r < 0 && strcmp(error->text, last) != 0;

    pthread_mutex_lock(&history->lock);
    if (r < 0 || strcmp(history->failure, last) == 0) {
        history->failing = r < 0;
        memcpy(history->failure, error->text, sizeof history->failure);
    }
    pthread_mutex_unlock(&history->lock);
    if (is_new && history->notice != NULL)
        history->notice(history->user, error->text);
}

/* By a connection of its own: who adds does not wait for it. VA_EFORMAT: the file is damaged. With read_lock held, so that nobody sets the
 * file aside meanwhile. */
static int look_locked(va_history *history, va_error *error)
{
    va_database *database = NULL;
    sqlite3_stmt *statement = NULL;
    int r = va_database_open(history->path, 0, &database, error);

    if (r == 0)
        r = va_database_prepare(database, "PRAGMA quick_check(1)", &statement, error);
    if (r == 0 && sqlite3_step(statement) != SQLITE_ROW)
        r = va_database_fail(database, error);
    const char *found = r == 0 ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (r == 0 && (found == NULL || strcmp(found, "ok") != 0))
        r = va_fail(error, found == NULL ? VA_ENOMEM : VA_EFORMAT, "the history is damaged: %s", found == NULL ? "" : found);
    sqlite3_finalize(statement);
    va_database_close(database);
    return r;
}

static int look(va_history *history, va_error *error)
{
    pthread_mutex_lock(&history->read_lock);
    int r = look_locked(history, error);
    pthread_mutex_unlock(&history->read_lock);
    return r;
}

static int check(va_history *history, va_error *error)
{
    int r = look(history, error);

    if (r == VA_ENOTFOUND)
        return 0;
    if (r != VA_EFORMAT)
        return r;
    pthread_mutex_lock(&history->write_lock);
    r = look(history, error); /* a writer may have come first */
    if (r == VA_EFORMAT)
        r = va_history_set_aside(history, error);
    pthread_mutex_unlock(&history->write_lock);
    return r;
}

static int make(va_history *history, va_error *error)
{
    pthread_mutex_lock(&history->write_lock);
    int r = va_history_hold_writer(history, 1, error);
    pthread_mutex_unlock(&history->write_lock);
    return r;
}

/* What damage it finds would be found again each time. */
static int trim(va_history *history, va_error *error)
{
    int r = va_history_trim(history, error);

    if (r != VA_EFORMAT)
        return r;
    pthread_mutex_lock(&history->write_lock);
    r = va_history_set_aside(history, error);
    pthread_mutex_unlock(&history->write_lock);
    return r;
}

/* With lock held. */
static void wait_for_work(va_history *history, int seconds)
{
    uint64_t end_ns = va_clock_after(seconds);

    while (history->wants == 0 && !history->ending)
        if (va_thread_wait_until(&history->upkeep_wanted, &history->lock, end_ns) != 0) {
            history->wants |= VA_UPKEEP_TRIM;
            break;
        }
}

static void *run(void *arg)
{
    va_history *history = arg;
    va_error error, last = {0};

    pthread_mutex_lock(&history->lock);
    for (int wait_s = PERIOD_S; !history->ending; wait_for_work(history, wait_s)) {
        unsigned wants = history->wants;
        int r = 0;
        history->wants = 0;
        pthread_mutex_unlock(&history->lock);
        error = (va_error){0};
        if ((wants & VA_UPKEEP_CHECK) != 0)
            r = check(history, &error);
        if (r == 0 && va_history_is_enabled(history))
            r = make(history, &error);
        if (r == 0)
            r = trim(history, &error);
        note(history, r, &error, last.text);
        last = error;
        wait_s = r < 0 ? RETRY_S : PERIOD_S;
        pthread_mutex_lock(&history->lock);
    }
    pthread_mutex_unlock(&history->lock);
    return NULL;
}

int va_upkeep_start(va_history *history, va_error *error)
{
    if (!history->upkeep)
        return 0;
    pthread_cond_init(&history->upkeep_wanted, NULL);
    history->wants = VA_UPKEEP_CHECK | VA_UPKEEP_TRIM;
    if (va_thread_start(&history->thread, run, history) < 0) {
        pthread_cond_destroy(&history->upkeep_wanted);
        return va_fail(error, VA_ENOMEM, "cannot start a thread");
    }
    history->has_thread = 1;
    return 0;
}

void va_upkeep_stop(va_history *history)
{
    if (!history->has_thread)
        return;
    pthread_mutex_lock(&history->lock);
    history->ending = 1;
    pthread_cond_signal(&history->upkeep_wanted);
    pthread_mutex_unlock(&history->lock);
    pthread_join(history->thread, NULL);
    pthread_cond_destroy(&history->upkeep_wanted);
    history->has_thread = 0;
}

void va_upkeep_want(va_history *history, unsigned wants)
{
    if (!history->has_thread)
        return;
    pthread_mutex_lock(&history->lock);
    history->wants |= wants;
    pthread_cond_signal(&history->upkeep_wanted);
    pthread_mutex_unlock(&history->lock);
}
