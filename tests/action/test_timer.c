#include "action/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
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

struct fired {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char names[8][64];
    double seconds[8];
    char texts[8][64];
    double late_s;
    int n;
};

static void on_timer(void *user, const struct va_timer_event *event)
{
    struct fired *fired = user;

    pthread_mutex_lock(&fired->lock);
    snprintf(fired->names[fired->n], sizeof fired->names[0], "%s", event->name);
    snprintf(fired->texts[fired->n], sizeof fired->texts[0], "%s", event->text);
    fired->late_s = event->late_s;
    fired->seconds[fired->n++] = event->seconds;
    pthread_cond_signal(&fired->changed);
    pthread_mutex_unlock(&fired->lock);
}

static struct va_action_request request_for(const va_slot *verb, const va_slot *slots, size_t n_slots, const char *response)
{
    return (struct va_action_request){
        .type = "timer", .command = "c", .settings = verb, .n_settings = 3, .slots = slots, .n_slots = n_slots, .response = response};
}

#define VERB(name)                                       \
    {                                                    \
        {"do", name}, {"none", "There is no timer."},    \
        {                                                \
            "which", "Which timer? There are: {timers}." \
        }                                                \
    }
static const va_slot set[] = VERB("set"), cancel[] = VERB("cancel"), cancel_all[] = VERB("cancel_all"), list[] = VERB("list"),
                     remaining[] = VERB("remaining");

static void test_set_and_cancel(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot hour[] = {{"hours", "1"}, {"minutes", "30"}}, tea[] = {{"name", "tea"}, {"minutes", "4.5"}}, name[] = {{"name", "TEA"}};
    struct va_action_request request = request_for(list, NULL, 0, "{timers}");

    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(cancel, NULL, 0, "x");
    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(set, hour, 2, "{name}: {duration}");
    assert_response(actions, &request, 1, "1: 1 hour 30 minutes");
    request = request_for(remaining, NULL, 0, "{name} {remaining}");
    assert_response(actions, &request, 1, "1 1 hour 30 minutes");
    request = request_for(set, tea, 2, "{name}: {duration}");
    assert_response(actions, &request, 1, "tea: 4 minutes 30 seconds");
    assert_response(actions, &request, 1, "tea: 4 minutes 30 seconds");
    request = request_for(list, NULL, 0, "{count}");
    assert_response(actions, &request, 1, "2");
    request = request_for(cancel, NULL, 0, "x");
    assert_response(actions, &request, 0, "Which timer? There are: 1: 1 hour 30 minutes, tea: 4 minutes 30 seconds.");
    request = request_for(cancel, name, 1, "{name} is cancelled");
    assert_response(actions, &request, 1, "tea is cancelled");
    assert_response(actions, &request, 0, "Which timer? There are: 1: 1 hour 30 minutes.");
    request = request_for(cancel_all, NULL, 0, "{count} cancelled");
    assert_response(actions, &request, 1, "1 cancelled");
    assert_response(actions, &request, 0, "There is no timer.");
    va_actions_free(actions);
}

static void test_bad_durations(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    static const va_slot bad[] = {{"minutes", "many"}, {"minutes", "-1"}, {"seconds", "0"}, {"hours", "1e9"}, {"value", "inf"}};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct va_action_request request = request_for(set, &bad[i], 1, "");
        assert_failure(actions, &request, VA_EINVAL, "");
    }
    struct va_action_request request = request_for(set, NULL, 0, "");
    assert_failure(actions, &request, VA_EINVAL, "'c' needs a duration");
    va_actions_free(actions);
}

static void test_number_is_bounded(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot value = {"value", "3600"};
    struct va_action_request request = request_for(set, &value, 1, "");

    for (int i = 0; i < 64; i++)
        assert_response(actions, &request, 1, "");
    assert_failure(actions, &request, VA_ELIMIT, "there are 64 timers already");
    va_actions_free(actions);
}

/* Set in the other order than they end. */
static void test_timers_fire(void **state)
{
    struct fired fired = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    va_actions *actions = new_actions(on_timer, &fired);
    const va_slot late[] = {{"name", "late"}, {"seconds", "1.2"}}, early[] = {{"name", "early"}, {"seconds", "0.02"}};
    struct va_action_request request = request_for(set, late, 2, "{duration}");

    assert_response(actions, &request, 1, "1 second");
    request = request_for(set, early, 2, "");
    assert_response(actions, &request, 1, "");
    pthread_mutex_lock(&fired.lock);
    while (fired.n < 2)
        pthread_cond_wait(&fired.changed, &fired.lock);
    pthread_mutex_unlock(&fired.lock);
    assert_string_equal(fired.names[0], "early");
    assert_string_equal(fired.names[1], "late");
    assert_float_equal(fired.seconds[1], 1.2, 1e-9);
    request = request_for(list, NULL, 0, "");
    assert_response(actions, &request, 0, "There is no timer.");
    va_actions_free(actions);
}

static void test_words_are_settings(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"minute", "Minute"}, {"minutes", "Minuten"}, {"hours", "Stunden"}};
    const va_slot slots[] = {{"hours", "2"}, {"minutes", "1"}};
    struct va_action_request request = request_for(settings, slots, 2, "{duration}");

    request.n_settings = COUNT(settings);
    assert_response(actions, &request, 1, "2 Stunden 1 Minute");
    va_actions_free(actions);
}

/* ---- alarms ---- */

/* The clock of the tests is the machine's, so what is expected is computed from it. */
static void expect_alarm(va_actions *actions, const va_slot *settings, size_t n_settings, const va_slot *slots, size_t n_slots, int days,
                         int hour, int minute)
{
    struct va_action_request request = {.type = "alarm",
                                        .command = "c",
                                        .settings = settings,
                                        .n_settings = n_settings,
                                        .slots = slots,
                                        .n_slots = n_slots,
                                        .response = "{time}"};
    time_t now = time(NULL);
    struct tm then;
    char expected[64];

    localtime_r(&now, &then);
    then.tm_mday += days;
    then.tm_hour = hour;
    then.tm_min = minute;
    then.tm_sec = 0;
    then.tm_isdst = -1;
    mktime(&then);
    if (difftime(mktime(&then), now) <= 0 && days == 0) {
        then.tm_mday++;
        mktime(&then);
    }
    strftime(expected, sizeof expected, "%Y-%m-%d %H:%M", &then);
    assert_response(actions, &request, 1, expected);
}

static void test_alarms(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot set_alarm[] = {{"do", "set"}, {"format", "%Y-%m-%d %H:%M"}, {"clock", "24"}};
    const va_slot seven[] = {{"hour", "7"}, {"minute", "30"}}, evening[] = {{"hour", "7"}, {"half", "pm"}}, exact[] = {{"time", "19:05"}},
                  later[] = {{"hour", "12"}, {"half", "am"}, {"days", "2"}}, night[] = {{"time", "0:00"}};

    expect_alarm(actions, set_alarm, 3, seven, 2, 0, 7, 30);
    expect_alarm(actions, set_alarm, 3, evening, 2, 0, 19, 0);
    expect_alarm(actions, set_alarm, 3, exact, 1, 0, 19, 5);
    expect_alarm(actions, set_alarm, 3, later, 3, 2, 0, 0);
    expect_alarm(actions, set_alarm, 3, night, 1, 0, 0, 0);

    static const va_slot bad[][2] = {{{"hour", "24"}},
                                     {{"hour", "7"}, {"minute", "60"}},
                                     {{"hour", "13"}, {"half", "pm"}},
                                     {{"hour", "7"}, {"half", "noon"}},
                                     {{"time", "7"}},
                                     {{"time", "24:00"}},
                                     {{"time", "7:60"}},
                                     {{"time", ":30"}},
                                     {{"time", "7:30:00"}},
                                     {{"time", ""}},
                                     {{"minute", "5"}},
                                     {{"hour", "7"}, {"days", "30"}}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct va_action_request request = {.type = "alarm",
                                            .command = "c",
                                            .settings = set_alarm,
                                            .n_settings = 3,
                                            .slots = bad[i],
                                            .n_slots = bad[i][1].name != NULL ? 2 : 1};
        assert_failure(actions, &request, VA_EINVAL, "");
    }

    /* Alarms and timers are apart. */
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    struct va_action_request request = request_for(set, tea, 2, "");
    assert_response(actions, &request, 1, "");
    request = request_for(list, NULL, 0, "{count}");
    assert_response(actions, &request, 1, "1");
    request.type = "alarm";
    assert_response(actions, &request, 1, "5");
    request = request_for(cancel_all, NULL, 0, "{count}");
    request.type = "alarm";
    assert_response(actions, &request, 1, "5");
    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(remaining, NULL, 0, "{name}");
    assert_response(actions, &request, 1, "tea");
    va_actions_free(actions);
}

/* Without am or pm the sooner of the two is meant. */
static void test_alarm_on_a_clock_of_twelve(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot settings[] = {{"do", "set"}, {"clock", "12"}, {"format", "%s"}};
    const va_slot slots[] = {{"hour", "6"}, {"minute", "30"}};
    struct va_action_request request = {
        .type = "alarm", .command = "c", .settings = settings, .n_settings = 3, .slots = slots, .n_slots = 2, .response = "{time}"};
    struct va_action_result result;

    assert_int_equal(va_actions_run(actions, &request, &result, NULL), 0);
    double left_s = (double)strtol(result.response, NULL, 10) - (double)time(NULL);
    assert_true(left_s > -60 && left_s <= 13 * 3600);
    va_action_result_clear(&result);
    va_actions_free(actions);
}

/* ---- a restart ---- */

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
    pthread_mutex_lock(&fired.lock);
    while (fired.n < 1)
        pthread_cond_wait(&fired.changed, &fired.lock);
    pthread_mutex_unlock(&fired.lock);
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

#define KEPT(end) "{\"alarm\":false,\"name\":\"tea\",\"text\":\"now\",\"late\":\"late\",\"language\":\"en\",\"seconds\":60,\"end\":" end "}"

static void test_what_ended_meanwhile_is_told(void **state)
{
    struct fired fired = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    va_actions *actions = new_kept(&fired);
    char *text;
    size_t size;

    write_file("{\"timers\":[" KEPT("1000000") "]}");
    assert_int_equal(va_actions_restore(actions, NULL), 0);
    pthread_mutex_lock(&fired.lock);
    while (fired.n < 1)
        pthread_cond_wait(&fired.changed, &fired.lock);
    pthread_mutex_unlock(&fired.lock);
    assert_string_equal(fired.texts[0], "late");
    assert_true(fired.late_s > 1e9);
    va_actions_free(actions);
    assert_int_equal(va_file_read(path, 1000, &text, &size, NULL), 0);
    assert_string_equal(text, "{\"timers\":[]}");
    va_free(text);
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

static void test_dry_run(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot tea[] = {{"name", "tea"}, {"minutes", "5"}};
    struct va_action_request request = request_for(set, tea, 2, "");

    request.dry_run = 1;
    assert_response(actions, &request, 1, "would set the timer 'tea' for 300 s");
    request = request_for(list, NULL, 0, "");
    assert_response(actions, &request, 0, "There is no timer.");
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
        cmocka_unit_test(test_set_and_cancel),
        cmocka_unit_test(test_bad_durations),
        cmocka_unit_test(test_number_is_bounded),
        cmocka_unit_test(test_timers_fire),
        cmocka_unit_test(test_words_are_settings),
        cmocka_unit_test(test_alarms),
        cmocka_unit_test(test_alarm_on_a_clock_of_twelve),
        cmocka_unit_test(test_a_restart_loses_none),
        cmocka_unit_test(test_what_ended_meanwhile_is_told),
        cmocka_unit_test(test_what_is_being_told_is_kept),
        cmocka_unit_test(test_a_damaged_file_is_said),
        cmocka_unit_test(test_what_nobody_can_watch_is_not_set),
        cmocka_unit_test(test_a_full_disk_is_said),
        cmocka_unit_test(test_a_lost_folder_is_said),
        cmocka_unit_test(test_dry_run),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
