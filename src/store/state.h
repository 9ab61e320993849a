/* state.h - the inside of the history, shared by the files of this folder.
 *
 * One connection writes, another reads, each with a lock. Order: write_lock, read_lock, lock. */
#ifndef VA_STORE_STATE_H
#define VA_STORE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/database.h"
#include "store/history.h"

/* An entry on its way to the disk, of a thread that waits for write_lock. */
struct va_waiting_entry {
    const struct va_history_entry *entry;
    struct va_waiting_entry *next;
    double unix_s;
    int64_t id;
    int is_done, status; /* with write_lock held */
    va_error error;
};

struct va_history {
    char *path, *aside;
    void (*notice)(void *user, const char *text);
    void *user;
    int upkeep;
    _Atomic int enabled;
    _Atomic double max_age_s;
    _Atomic uint64_t max_bytes;

    pthread_mutex_t write_lock;
    va_database *writer; /* or NULL */
    sqlite3_stmt *insert;

    pthread_mutex_t read_lock;
    va_database *reader; /* or NULL */

    pthread_mutex_t lock;
    struct va_waiting_entry *waiting, **end; /* a list in the order of coming */
    int failing;
    char failure[256];
    uint64_t added, lost;
    pthread_cond_t upkeep_wanted;
    unsigned wants; /* of the upkeep: bits */
    int ending;
    pthread_t thread;
    int has_thread;
};

enum va_upkeep_want { VA_UPKEEP_TRIM = 1, VA_UPKEEP_CHECK = 2 };

/* With write_lock held: the connection that writes, opened where it must be. A damaged file is set aside first, where upkeep may.
 * VA_ENOTFOUND: there is no file, and it is not to be made. */
VA_MUST_CHECK int va_history_hold_writer(va_history *history, int make, va_error *error);
void va_history_drop_writer(va_history *history);

/* With write_lock held: the damaged file under its other name. */
VA_MUST_CHECK int va_history_set_aside(va_history *history, va_error *error);

/* With write_lock held: writes the file anew. */
VA_MUST_CHECK int va_history_scrub(va_history *history, va_error *error);

/* upkeep.c */
VA_MUST_CHECK int va_upkeep_start(va_history *history, va_error *error);
void va_upkeep_stop(va_history *history);
void va_upkeep_want(va_history *history, unsigned wants);

#endif
