/* support.h - two workers over a stand-in for the engine, whose gate holds transcriptions as long as a test wants; three uploads, one
 * command and two live tasks may wait. */
#ifndef VA_TESTS_WORKERS_SUPPORT_H
#define VA_TESTS_WORKERS_SUPPORT_H

#include <stdatomic.h>

#include <voice_assistant.h>

extern va_model *model;
extern va_workers *workers;
extern const float silence[1000];

int setup_all(void **state);
int teardown_all(void **state);
int start(void **state);
int stop(void **state); /* fails when a context is left */
va_workers_options some_options(void);

/* What becomes of a task: the user of its functions. */
struct outcome {
    _Atomic int dones, releases;
    int status;
    uint64_t id;
    char text[32];
    size_t left; /* samples that it still has to read */
    int64_t read_fails;
    _Atomic int order; /* it was the n-th to end, from 1 */
};
void on_release(void *user);

/* Submits id samples with this id. */
int submit_with(uint64_t id, int priority, struct outcome *outcome, const va_transcribe_options *options, va_error *error);
int submit(uint64_t id, int priority, struct outcome *outcome);
int submit_long(uint64_t id, struct outcome *outcome); /* an upload of unknown length */
int submit_plain(uint64_t id, int priority);           /* its result is to be fetched */

/* Both workers get a task of id 1 that lasts until the gate opens; a live one, which nothing interrupts. */
void occupy(struct outcome *outcomes);
void occupy_with(int priority, struct outcome *outcomes);

void expect_result(uint64_t id, int status, const char *text); /* the next one fetched */
void expect_done(struct outcome *outcome, int status);
void expect_status(size_t running, size_t waiting, size_t finished);

#endif
