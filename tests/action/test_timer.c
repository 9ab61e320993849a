#include "action/support.h"

#include <pthread.h>

struct fired {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char names[8][64];
    double seconds[8];
    int n;
};

static void on_timer(void *user, const char *name, double seconds)
{
    struct fired *fired = user;

    pthread_mutex_lock(&fired->lock);
    snprintf(fired->names[fired->n], sizeof fired->names[0], "%s", name);
    fired->seconds[fired->n++] = seconds;
    pthread_cond_signal(&fired->changed);
    pthread_mutex_unlock(&fired->lock);
}

static struct va_action_request request_for(const va_slot *verb, const va_slot *slots, size_t n_slots, const char *response)
{
    return (struct va_action_request){
        .type = "timer", .command = "c", .settings = verb, .n_settings = 1, .slots = slots, .n_slots = n_slots, .response = response};
}

static const va_slot set = {"do", "set"}, cancel = {"do", "cancel"}, cancel_all = {"do", "cancel_all"}, list = {"do", "list"},
                     remaining = {"do", "remaining"};

static void test_set_and_cancel(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot hour[] = {{"hours", "1"}, {"minutes", "30"}}, tea[] = {{"name", "tea"}, {"minutes", "4.5"}}, name[] = {{"name", "TEA"}};
    struct va_action_request request = request_for(&list, NULL, 0, "{timers}");

    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(&cancel, NULL, 0, "x");
    assert_response(actions, &request, 0, "There is no timer.");
    request = request_for(&set, hour, 2, "{name}: {duration}");
    assert_response(actions, &request, 1, "1: 1 hour 30 minutes");
    request = request_for(&remaining, NULL, 0, "{name} {remaining}");
    assert_response(actions, &request, 1, "1 1 hour 30 minutes");
    request = request_for(&set, tea, 2, "{name}: {duration}");
    assert_response(actions, &request, 1, "tea: 4 minutes 30 seconds");
    assert_response(actions, &request, 1, "tea: 4 minutes 30 seconds");
    request = request_for(&list, NULL, 0, "{count}");
    assert_response(actions, &request, 1, "2");
    request = request_for(&cancel, NULL, 0, "x");
    assert_response(actions, &request, 0, "Which timer? There are: 1: 1 hour 30 minutes, tea: 4 minutes 30 seconds.");
    request = request_for(&cancel, name, 1, "{name} is cancelled");
    assert_response(actions, &request, 1, "tea is cancelled");
    assert_response(actions, &request, 0, "Which timer? There are: 1: 1 hour 30 minutes.");
    request = request_for(&cancel_all, NULL, 0, "{count} cancelled");
    assert_response(actions, &request, 1, "1 cancelled");
    assert_response(actions, &request, 0, "There is no timer.");
    va_actions_free(actions);
}

static void test_bad_durations(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    static const va_slot bad[] = {{"minutes", "many"}, {"minutes", "-1"}, {"seconds", "0"}, {"hours", "1e9"}, {"value", "inf"}};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct va_action_request request = request_for(&set, &bad[i], 1, "");
        assert_failure(actions, &request, VA_EINVAL, "");
    }
    struct va_action_request request = request_for(&set, NULL, 0, "");
    assert_failure(actions, &request, VA_EINVAL, "'c' needs a duration");
    va_actions_free(actions);
}

static void test_number_is_bounded(void **state)
{
    va_actions *actions = new_actions(NULL, NULL);
    const va_slot value = {"value", "3600"};
    struct va_action_request request = request_for(&set, &value, 1, "");

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
    struct va_action_request request = request_for(&set, late, 2, "{duration}");

    assert_response(actions, &request, 1, "1 second");
    request = request_for(&set, early, 2, "");
    assert_response(actions, &request, 1, "");
    pthread_mutex_lock(&fired.lock);
    while (fired.n < 2)
        pthread_cond_wait(&fired.changed, &fired.lock);
    pthread_mutex_unlock(&fired.lock);
    assert_string_equal(fired.names[0], "early");
    assert_string_equal(fired.names[1], "late");
    assert_float_equal(fired.seconds[1], 1.2, 1e-9);
    request = request_for(&list, NULL, 0, "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_cancel), cmocka_unit_test(test_bad_durations),      cmocka_unit_test(test_number_is_bounded),
        cmocka_unit_test(test_timers_fire),    cmocka_unit_test(test_words_are_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
