/* timer_support.h - what the tests of timers share. */
#ifndef VA_TESTS_ACTION_TIMER_SUPPORT_H
#define VA_TESTS_ACTION_TIMER_SUPPORT_H

#include "action/support.h"

#include <pthread.h>

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

static void wait_for_fired(struct fired *fired, int n)
{
    pthread_mutex_lock(&fired->lock);
    while (fired->n < n)
        pthread_cond_wait(&fired->changed, &fired->lock);
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

#endif
