/* history.h - what was transcribed and which commands were carried out, kept in one SQLite file of the data folder.
 *
 * It never gets in the way: a file that is damaged, of a newer program, or on a full disk makes calls fail, and the next one tries
 * again. What several threads add at the same time goes to the disk together. Other processes may use the file at the same time.
 * Any thread; every call may block for as long as the disk does. */
#ifndef VA_STORE_HISTORY_H
#define VA_STORE_HISTORY_H

#include "base/error.h"

typedef struct va_history va_history;

#define VA_HISTORY_FILE "history.db"          /* mode 0600 */
#define VA_HISTORY_ASIDE "history.db.damaged" /* where a damaged one is put */
#define VA_HISTORY_MAX_PAGE 200
#define VA_HISTORY_MAX_ENTRY_BYTES ((size_t)4 << 20)
#define VA_HISTORY_MAX_SEARCH_BYTES 256

struct va_history_options {
    int enabled;        /* 0: nothing is added; what is there can be listed and deleted */
    double max_age_s;   /* older entries go; 0: none does */
    uint64_t max_bytes; /* of the file: the oldest entries go first; 0: no limit */
    /* 1: a thread of its own lets entries go at the start and each hour, and a damaged file is set aside for a new one. One process does.
     */
    int upkeep;
    void (*notice)(void *user, const char *text); /* what a person should know; from any thread. NULL: nobody wants to */
    void *user;
};

struct va_history_entry {
    int64_t id;
    double unix_s;
    const char *kind;   /* "transcription" or "command" */
    const char *source; /* "microphone", "upload", "live", "wyoming", "api", "mqtt" */
    const char *request_id, *text, *language, *command;
    const char *slots_json; /* {"name": "value"} */
    const char *response;
    double confidence, duration_s; /* not a number: not known */
    int success;
};

/* Touches no file: the first call that needs it does. VA_ENOMEM. */
VA_MUST_CHECK int va_history_open(const char *folder, const struct va_history_options *options, va_history **ret_history, va_error *error);
void va_history_close(va_history *history); /* no call may be under way. NULL is fine */

/* Replaces enabled, max_age_s and max_bytes. */
void va_history_configure(va_history *history, const struct va_history_options *options);
int va_history_is_enabled(const va_history *history);

/* It is on the disk when this returns 0. id and unix_s are set here; texts but kind and source may be NULL.
 * VA_ESTATE: not enabled. VA_ELIMIT: too long. VA_EBUSY: another process holds the file. VA_EFORMAT: damaged. VA_EUNSUPPORTED: of a newer
 * program. VA_EIO, VA_EDENIED, VA_ENOMEM ... */
VA_MUST_CHECK int va_history_add(va_history *history, const struct va_history_entry *entry, int64_t *ret_id, va_error *error);

struct va_history_query {
    const char *kind;                /* NULL: any */
    const char *search;              /* in text, command or response, capitals or not, as va_utf8_lower knows them; NULL: any */
    const double *since_s, *until_s; /* from since_s on, before until_s; NULL: no bound */
    int64_t before_id;               /* 0: from the newest on */
    int limit;                       /* 1 .. VA_HISTORY_MAX_PAGE */
};

/* A negative VA_E* ends the listing with that code. Must not call the history. */
typedef int (*va_history_entry_fn)(void *user, const struct va_history_entry *entry);

/* Newest first. ret_next: the before_id of the next page, 0 when there is none. Without a file there are no entries. */
VA_MUST_CHECK int va_history_list(va_history *history, const struct va_history_query *query, va_history_entry_fn call, void *user,
                                  int64_t *ret_next, va_error *error);

/* What is deleted is nowhere in the file when this returns: it is written anew. When that failed the entries are gone from the lists all
 * the same, and error says so. VA_ENOTFOUND: there is no such entry. */
VA_MUST_CHECK int va_history_delete(va_history *history, int64_t id, va_error *error);
/* unix_s INFINITY: all, and a damaged file that was set aside. Where the file is damaged or the disk is too full to delete entries, the
 * file itself is removed, and nothing is counted. */
VA_MUST_CHECK int va_history_delete_before(va_history *history, double unix_s, int64_t *ret_n, va_error *error);

struct va_history_status {
    int enabled;
    int failing; /* the last entry could not be added, and why */
    char error[256];
    uint64_t added, lost; /* since the start */
    uint64_t bytes;       /* of the file */
};
void va_history_get_status(va_history *history, struct va_history_status *ret_status);

/* Lets entries go that are too old or too many, as upkeep does each hour. */
VA_MUST_CHECK int va_history_trim(va_history *history, va_error *error);

#endif
