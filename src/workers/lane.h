/* lane.h - a way out of the queue beside the workers' own threads: for uploads that somebody else transcribes, such as another machine.
 *
 * A lane has one task at a time and one thread. While lanes wait, as many uploads are left to them; what a lane gives back, and what only
 * this machine can do (the search among commands), is the workers'. Close lanes when the workers have been shut down, before they are
 * freed. */
#ifndef VA_WORKERS_LANE_H
#define VA_WORKERS_LANE_H

#include "base/error.h"

typedef struct va_lane va_lane;

/* Another source of a task's audio, when the first has been read. */
struct va_lane_source {
    va_read_fn read;
    void *user;
    void (*release)(void *user); /* user is needed no longer: once. Not NULL */
};

VA_MUST_CHECK int va_lane_open(va_workers *workers, va_lane **ret_lane, va_error *error);
void va_lane_close(va_lane *lane); /* without a task */

/* The next upload, the lane's until it ends or gives it back. VA_ETIMEOUT: there was none in timeout_ms. VA_ESTATE: the workers have been
 * shut down, and nothing is left to take. */
VA_MUST_CHECK int va_lane_take(va_lane *lane, int timeout_ms, const va_task **ret_task);

/* 1: cancelled, or nobody waits for it any more. Asks the task's progress function. */
int va_lane_must_stop(va_lane *lane);

/* transcript: with status 0, given over. error: otherwise, or NULL. */
void va_lane_end(va_lane *lane, int status, va_transcript *transcript, const va_error *error, double run_ms);

/* The task goes back to the head of the queue. source: taken over; NULL when the task's own has not been read. */
void va_lane_give_back(va_lane *lane, const struct va_lane_source *source);

#endif
