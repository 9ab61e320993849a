/* What goes wrong beneath: memory, the disk, the file's content. Nothing crashes, and what was added before is there afterwards. */
#include "support.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/export.h"

static int drop(void *user, const char *data, size_t n)
{
    *(size_t *)user += n;
    return 0;
}

static int no_entry(void *user, const struct va_history_entry *entry)
{
    return 0;
}

/* All that can be done; the sum of what failed, and each failure must be the one wanted (0: any). */
static int use(int wanted)
{
    const struct va_history_options options = {.enabled = 1, .max_age_s = 1e9, .max_bytes = 1 << 30};
    struct va_history_query query = {.limit = 10, .search = "o"}, all = {0};
    const struct va_history_entry entry = entry_of("more");
    va_history *history = NULL;
    int64_t id = 0, n = 0;
    size_t size = 0;
    int results[8] = {0};

    if ((results[0] = va_history_open(folder, &options, &history, NULL)) == 0) {
        results[1] = va_history_add(history, &entry, &id, NULL);
        results[2] = va_history_list(history, &query, no_entry, NULL, &query.before_id, NULL);
        results[3] = va_history_export(history, &all, VA_HISTORY_JSONL, drop, &size, NULL);
        results[4] = va_history_export(history, &all, VA_HISTORY_CSV, drop, &size, NULL);
        results[5] = id == 0 ? 0 : va_history_delete(history, id, NULL);
        results[6] = va_history_delete_before(history, 1.0, &n, NULL);
        results[7] = va_history_trim(history, NULL);
    }
    va_history_close(history);
    int failed = 0;
    for (int i = 0; i < 8; i++) {
        failed += results[i] < 0;
        if (wanted != 0 && results[i] < 0)
            assert_int_equal(results[i], wanted);
    }
    return failed;
}

static void every_allocation_fails(void **state)
{
    va_history *history = open_history();
    int n = 1, failed = 1;

    for (int i = 0; i < 3; i++)
        add(history, "old");
    va_history_close(history);
    for (; failed > 0; n += 1 + n / 40) { /* each of the first, then some */
        va_memory_fail_after((size_t)n);
        failed = use(VA_ENOMEM);
        va_memory_fail_after(0);
        assert_true(n < 100000);
    }
    assert_true(n > 200); /* SQLite's are among them */
    history = open_history();
    assert_true(count(history) >= 3);
    va_history_close(history);
    assert_int_equal(sql_number("SELECT count(*) FROM entries WHERE text = 'old'"), 3);
    assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK), -1);
}

/* As on a full disk: files grow no more. */
static void a_full_disk(void **state)
{
    va_history *history = open_history();
    const struct va_history_query all = {.limit = 2};
    char text[2000];
    struct va_history_entry entry = entry_of(text);
    struct va_history_status status;
    struct rlimit before, limit;
    va_error error = {0};
    int64_t id;
    int n = 0;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 200000;
    add(history, "first");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    while (va_history_add(history, &entry, &id, &error) == 0)
        assert_true(++n < 1000);
    assert_true(n > 3);
    assert_int_equal(error.code, VA_EIO);
    va_history_get_status(history, &status);
    assert_true(status.failing && status.lost >= 1 && status.added == (uint64_t)n + 1);
    assert_string_equal(status.error, error.text);
    assert_int_equal(count(history), n + 1); /* reading goes on */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    add(history, "again");
    va_history_get_status(history, &status);
    assert_false(status.failing);
    assert_int_equal(strncmp(texts_of(history, &all, NULL), "again x", 7), 0);
    assert_int_equal(count(history), n + 2);
    va_history_close(history);
    assert_int_equal(n_notices, 0);
}

/* Where nothing can be written, not even what is deleted, all can be. */
static void a_full_disk_is_no_reason_to_keep(void **state)
{
    va_history *history = open_history();
    struct rlimit before, limit;
    int64_t n = 0;

    for (int i = 0; i < 100; i++)
        add(history, "a text of some length, so that there are several pages of it");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int r = va_history_delete_before(history, INFINITY, &n, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, 0);
    assert_false(is_in_files("a text of some length"));
    add(history, "again");
    assert_int_equal(count(history), 1);
    va_history_close(history);
}

static void a_folder_that_is_not_there(void **state)
{
    const struct va_history_options options = {.enabled = 1};
    const struct va_history_entry entry = entry_of("x");
    va_history *history;
    va_error error;
    int64_t id;

    assert_int_equal(va_history_open(temporary_path(folder, "none"), &options, &history, NULL), 0);
    assert_int_equal(va_history_add(history, &entry, &id, &error), VA_ENOTFOUND);
    assert_non_null(strstr(error.text, "cannot make"));
    assert_int_equal(count(history), 0);
    va_history_close(history);
}

static void check_set_aside(va_history *history)
{
    const struct va_history_query all = {0};

    add(history, "new");
    assert_string_equal(texts_of(history, &all, NULL), "new");
    assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK), 0);
    if (n_notices != 1)
        fail_msg("%d: %s", n_notices, last_notice);
    assert_non_null(strstr(last_notice, VA_HISTORY_ASIDE));
    va_history_close(history);
}

static void what_is_no_database_is_set_aside(void **state)
{
    assert_int_equal(
        temporary_write(history_path(), "this is no database, but longer than the head of one would have to be, which has a hundred bytes"),
        0);
    check_set_aside(open_kept_history());
}

static void what_is_damaged_is_set_aside(void **state)
{
    static char noise[8192];
    va_history *history = open_history();

    add(history, "old");
    va_history_close(history);
    int fd = open(history_path(), O_WRONLY);
    memset(noise, 0x5a, sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 4096), sizeof noise);
    close(fd);
    check_set_aside(open_kept_history());
}

/* Where it is not seen when the file is opened. */
static va_history *open_damaged_history(void)
{
    static char noise[4096];
    va_history *history = open_kept_history();

    for (int i = 0; i < 100; i++)
        add(history, "a text of some length, so that there are several pages of it and the root is not a leaf");
    run_sql("UPDATE entries SET unix_ms = 5");                 /* too old, once they may not be older than a day */
    while (sql_number("PRAGMA wal_checkpoint(TRUNCATE)") != 0) /* the upkeep may be looking at it */
        usleep(1000);
    int64_t root = sql_number("SELECT rootpage FROM sqlite_schema WHERE name = 'entries'");
    int fd = open(history_path(), O_WRONLY);
    memset(noise, 0x5a, sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, (root - 1) * 4096), sizeof noise);
    close(fd);
    return history;
}

static void wait_for_notice(void)
{
    for (int i = 0; i < 10000 && n_notices == 0; i++)
        usleep(1000);
}

/* Found by a look, not by a writer. */
static void a_reader_finds_damage(void **state)
{
    struct va_history_query query = {.limit = 1};
    va_history *history = open_damaged_history();
    int r = va_history_list(history, &query, no_entry, NULL, &query.before_id, NULL);

    assert_true(r == VA_EFORMAT || r == 0); /* the upkeep may have been quicker */
    wait_for_notice();
    check_set_aside(history);
}

static void the_upkeep_finds_damage(void **state)
{
    const struct va_history_options options = {.enabled = 1, .max_age_s = 86400};
    va_history *history = open_damaged_history();

    va_history_configure(history, &options);
    wait_for_notice();
    check_set_aside(history);
}

/* Who deletes all deletes what is damaged, too. */
static void damage_is_deleted(void **state)
{
    va_history *history = open_damaged_history();
    const struct va_history_query all = {0};
    int64_t n = 0;

    assert_int_equal(va_history_delete_before(history, INFINITY, &n, NULL), 0);
    assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK), -1);
    add(history, "new");
    assert_string_equal(texts_of(history, &all, NULL), "new");
    assert_false(is_in_files("a text of some length"));
    va_history_close(history);
}

/* Bytes changed at random, and files cut short: it may be damaged or not, but nothing crashes, and an owner can always add. */
static void damage_of_every_kind(void **state)
{
    va_history *history = open_history();
    char *sound;
    size_t size;
    unsigned seed = 1;
    int n_aside = 0;

    for (int i = 0; i < 60; i++) {
        char text[600];
        memset(text, 'a' + i % 26, sizeof text);
        text[i * 10] = '\0';
        add(history, text);
    }
    va_history_close(history);
    assert_int_equal(va_file_read(history_path(), 1 << 20, &sound, &size, NULL), 0);
    for (int round = 0; round < 240; round++) {
        char *data = va_alloc(size, 1);
        memcpy(data, sound, size);
        size_t n = round % 8 == 7 ? (size_t)rand_r(&seed) % size : size;
        /* Heads of pages, where it hurts, and anywhere. */
        for (int i = 0; i <= round % 5; i++)
            data[round % 2 ? (size_t)rand_r(&seed) % size : (size_t)rand_r(&seed) % (size / 4096) * 4096 + (size_t)rand_r(&seed) % 112] =
                (char)rand_r(&seed);
        unlink(temporary_path(folder, VA_HISTORY_ASIDE));
        assert_int_equal(va_file_write(history_path(), data, n, 0600, NULL), 0);
        va_free(data);
        (void)use(0);
        assert_int_equal(access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK), -1); /* only an owner does that */
        history = open_kept_history();
        const struct va_history_entry entry = entry_of("new");
        va_error error = {0};
        int64_t id;
        int r = va_history_add(history, &entry, &id, &error);
        if (r != 0 && r != VA_EUNSUPPORTED)
            fail_msg("round %d: %d %s", round, r, error.text);
        va_history_close(history);
        n_aside += access(temporary_path(folder, VA_HISTORY_ASIDE), F_OK) == 0;
        unlink(temporary_path(folder, VA_HISTORY_FILE "-wal"));
        unlink(temporary_path(folder, VA_HISTORY_FILE "-shm"));
    }
    assert_true(n_aside > 30);
    va_free(sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_allocation_fails, start, stop),
        cmocka_unit_test_setup_teardown(a_full_disk, start, stop),
        cmocka_unit_test_setup_teardown(a_full_disk_is_no_reason_to_keep, start, stop),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_database_is_set_aside, start, stop),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_set_aside, start, stop),
        cmocka_unit_test_setup_teardown(a_reader_finds_damage, start, stop),
        cmocka_unit_test_setup_teardown(the_upkeep_finds_damage, start, stop),
        cmocka_unit_test_setup_teardown(damage_is_deleted, start, stop),
        cmocka_unit_test_setup_teardown(damage_of_every_kind, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
