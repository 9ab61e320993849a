/* Timers are kept in a file, and outlive a restart. */
#include "action/timer_support.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"

static int no_threads;

int __real_va_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);
int __wrap_va_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);

int __wrap_va_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg)
{
    return no_threads ? VA_ENOMEM : __real_va_thread_start(ret_thread, run, arg);
}

static char folder[] = "/tmp/va-timers-XXXXXX";
static char path[64];

static va_actions *new_kept(struct fired *fired)
{
    const struct va_actions_options options = {.on_timer = fired == NULL ? NULL : on_timer, .user = fired, .folder = folder};
    va_actions *actions = NULL;

    assert_int_equal(va_actions_new(&options, &actions, NULL), 0);
    return actions;
}

static void test_a_restart_loses_none(void **state)
{
    struct fired fired = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    const va_slot settings[] = {{"do", "set"}, {"ended", "The {name} is ready."}, {"missed", "The {name} was ready."}};
    const va_slot soon[] = {{"name", "egg \"1\""}, {"seconds", "0.05"}}, tea[] = {{"name", "tea"}, {"minutes", "5"}},
                  noon[] = {{"time", "12:00"}, {"name", "lunch"}};
    va_actions *actions = new_kept(NULL);
    struct stat status;

    assert_int_equal(va_actions_restore(actions, NULL), 0);
    struct va_action_request request = request_for(settings, tea, 2, "");
    assert_response(actions, &request, 1, "");
    request = request_for(settings, noon, 2, "");
    request.type = "alarm";
    assert_response(actions, &request, 1, "");
    va_actions_free(actions);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    actions = new_kept(&fired);
    assert_int_equal(va_actions_restore(actions, NULL), 0);
    request = request_for(remaining, NULL, 0, "{name} {duration}");
    assert_response(actions, &request, 1, "tea 5 minutes");
    request.type = "alarm";
    request.response = "{name}";
    assert_response(actions, &request, 1, "lunch");
    request = request_for(settings, soon, 2, "");
    assert_response(actions, &request, 1, "");
    wait_for_fired(&fired, 1);
    assert_string_equal(fired.names[0], "egg \"1\"");
    assert_string_equal(fired.texts[0], "The egg \"1\" is ready.");
    request = request_for(cancel_all, NULL, 0, "");
    assert_response(actions, &request, 1, "");
    va_actions_free(actions);
    assert_int_equal(unlink(path), 0);
}

static void write_file(const char *text)
{
    assert_int_equal(va_file_write(path, text, strlen(text), 0600, NULL), 0);
}

#define KEPT_AS(alarm, name, seconds, end)                                                                                   \
    "{\"alarm\":" alarm ",\"name\":\"" name "\",\"text\":\"now\",\"late\":\"late\",\"language\":\"en\",\"seconds\":" seconds \
    ",\"end\":" end "}"
#define KEPT(end) KEPT_AS("false", "tea", "60", end)

static void test_what_ended_meanwhile_is_told(void **state)
{
    struct fired fired = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    va_actions *actions = new_kept(&fired);
    char *text;
    size_t size;

    write_file("{\"timers\":[" KEPT("1000000") "]}");
    assert_int_equal(va_actions_restore(actions, NULL), 0);
    wait_for_fired(&fired, 1);
    assert_string_equal(fired.texts[0], "late");
    assert_true(fired.late_s > 1e9);
    va_actions_free(actions);
    assert_int_equal(va_file_read(path, 1000, &text, &size, NULL), 0);
    assert_string_equal(text, "{\"timers\":[]}");
    va_free(text);
    unlink(path);
}

/* A board that has no clock of its own starts years back, until the network tells it the time: nothing is lost, and a timer takes no longer
 * than it was set for. */
static void test_a_clock_that_is_behind_loses_none(void **state)
{
    struct fired fired = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct va_timer_info timers[VA_TIMERS_MAX];
    va_actions *actions = new_kept(&fired);

    write_file("{\"timers\":[" KEPT("250000000000") "," KEPT_AS("true", "up", "0", "250000000000") "," KEPT_AS("false", "egg", "0.05",
                                                                                                               "250000000000") "]}");
    assert_int_equal(va_actions_restore(actions, NULL), 0);
    wait_for_fired(&fired, 1);
    assert_string_equal(fired.names[0], "egg");
    assert_string_equal(fired.texts[0], "now");
    assert_int_equal(va_actions_timers(actions, timers), 2);
    assert_true(timers[0].left_s > 0 && timers[0].left_s <= 60);
    assert_true(timers[1].left_s > 1e11);
    va_actions_free(actions);
    unlink(path);
}

struct told_in_between {
    va_actions *actions;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    char *kept; /* what is in the file while it is told */
};

static void set_another(void *user, const struct va_timer_event *event)
{
    struct told_in_between *told = user;
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    struct va_action_request request = request_for(set, tea, 2, "");
    size_t size;

    assert_string_equal(event->name, "egg");
    assert_response(told->actions, &request, 1, "");
    pthread_mutex_lock(&told->lock);
    assert_int_equal(va_file_read(path, 1000, &told->kept, &size, NULL), 0);
    pthread_cond_signal(&told->changed);
    pthread_mutex_unlock(&told->lock);
}

/* Were the power cut just then, it would be told again. */
static void test_what_is_being_told_is_kept(void **state)
{
    struct told_in_between told = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    const struct va_actions_options options = {.on_timer = set_another, .user = &told, .folder = folder};
    const va_slot egg[] = {{"name", "egg"}, {"seconds", "0.02"}};
    struct va_action_request request = request_for(set, egg, 2, "");
    char *text;
    size_t size;

    assert_int_equal(va_actions_new(&options, &told.actions, NULL), 0);
    assert_response(told.actions, &request, 1, "");
    pthread_mutex_lock(&told.lock);
    while (told.kept == NULL)
        pthread_cond_wait(&told.changed, &told.lock);
    pthread_mutex_unlock(&told.lock);
    assert_non_null(strstr(told.kept, "\"egg\""));
    assert_non_null(strstr(told.kept, "\"tea\""));
    va_actions_free(told.actions);
    va_free(told.kept);
    assert_int_equal(va_file_read(path, 1000, &text, &size, NULL), 0);
    assert_null(strstr(text, "\"egg\""));
    assert_non_null(strstr(text, "\"tea\""));
    va_free(text);
    unlink(path);
}

static void test_a_damaged_file_is_said(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "[]",
                                      "{}",
                                      "{\"timers\":{}}",
                                      "{\"timers\":[1]}",
                                      "{\"timers\":[{}]}",
                                      "{\"timers\":[" KEPT("\"soon\"") "]}",
                                      "{\"timers\":[" KEPT("9e15") "]}",
                                      "{\"timers\":[" KEPT("1") ",7]}"};
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    va_error error;

    for (size_t i = 0; i < COUNT(bad); i++) {
        va_actions *actions = new_kept(NULL);
        write_file(bad[i]);
        assert_int_equal(va_actions_restore(actions, &error), VA_EFORMAT);
        assert_non_null(strstr(error.text, "timers.json is damaged"));
        struct va_action_request request = request_for(list, NULL, 0, "");
        assert_response(actions, &request, 0, "There is no timer.");
        request = request_for(set, tea, 2, "");
        assert_response(actions, &request, 1, "");
        va_actions_free(actions);
    }
    unlink(path);
}

/* Nor is it kept, to be told after a restart. */
static void test_what_nobody_can_watch_is_not_set(void **state)
{
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    va_actions *actions = new_kept(NULL);
    struct va_action_request request = request_for(set, tea, 2, "");

    no_threads = 1;
    assert_failure(actions, &request, VA_ENOMEM, "cannot start the thread of the timers");
    no_threads = 0;
    assert_false(va_file_exists(path));
    assert_response(actions, &request, 1, "");
    va_actions_free(actions);
    unlink(path);
}

/* What cannot be kept is not set. */
static void test_a_full_disk_is_said(void **state)
{
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    const struct va_actions_options options = {.folder = "/no/such/folder"};
    va_actions *actions = NULL;

    assert_int_equal(va_actions_new(&options, &actions, NULL), 0);
    struct va_action_request request = request_for(set, tea, 2, "");
    assert_failure(actions, &request, VA_ENOTFOUND, "/no/such/folder");
    request = request_for(list, NULL, 0, "");
    assert_response(actions, &request, 0, "There is no timer.");
    va_actions_free(actions);
}

/* That the file cannot be written is not that there is no timer. */
static void test_a_lost_folder_is_said(void **state)
{
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    char lost[] = "/tmp/va-timers-XXXXXX", file[64];
    const struct va_actions_options options = {.folder = lost};
    struct va_timer_info timers[VA_TIMERS_MAX];
    va_actions *actions = NULL;
    va_error error;

    assert_non_null(mkdtemp(lost));
    assert_int_equal(va_actions_new(&options, &actions, NULL), 0);
    struct va_action_request request = request_for(set, tea, 2, "");
    assert_response(actions, &request, 1, "");
    snprintf(file, sizeof file, "%s/timers.json", lost);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(lost), 0);
    assert_int_equal(va_actions_timers(actions, timers), 1);
    assert_int_equal(va_actions_cancel_timer(actions, timers[0].id, &error), VA_EIO);
    assert_non_null(strstr(error.text, lost));
    assert_int_equal(va_actions_timers(actions, timers), 0);
    assert_int_equal(va_actions_cancel_timer(actions, timers[0].id, &error), VA_ENOTFOUND);
    va_actions_free(actions);
}

static int make_folder(void **state)
{
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/timers.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restart_loses_none),
        cmocka_unit_test(test_what_ended_meanwhile_is_told),
        cmocka_unit_test(test_a_clock_that_is_behind_loses_none),
        cmocka_unit_test(test_what_is_being_told_is_kept),
        cmocka_unit_test(test_a_damaged_file_is_said),
        cmocka_unit_test(test_what_nobody_can_watch_is_not_set),
        cmocka_unit_test(test_a_full_disk_is_said),
        cmocka_unit_test(test_a_lost_folder_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
