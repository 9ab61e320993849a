/* Audio of clients: what they are told, and every way in which it ends. */
#include "listening_support.h"

#include "assistant/live.h"

static const float second[16000];

/* What one client was told: "NAME ...\n" each. */
struct client {
    va_live *live;
    pthread_mutex_t lock;
    char text[4096];
    _Atomic int finals, ends, executions, rooms, end_status;
};

static void write_down(struct client *client, const char *line)
{
    pthread_mutex_lock(&client->lock);
    size_t at = strlen(client->text);
    snprintf(client->text + at, sizeof client->text - at, "%s\n", line);
    pthread_mutex_unlock(&client->lock);
}

static void on_speech(void *user, int begins, double at_s)
{
    char line[64];

    snprintf(line, sizeof line, "speech %d %.1f", begins, at_s);
    write_down(user, line);
}

static void on_partial(void *user, const char *text, size_t n_stable, double heard_s)
{
    char line[512];

    snprintf(line, sizeof line, "partial %s %zu %.1f", text, n_stable, heard_s);
    write_down(user, line);
}

static void on_final(void *user, const struct va_job_result *result)
{
    struct client *client = user;
    char line[512];

    assert_int_equal(result->status, 0);
    assert_true(result->id[0] != '\0');
    snprintf(line, sizeof line, "final %s %.2f %s", result->transcript->text, (double)result->transcript->confidence,
             result->is_command ? result->command->intent->name : "-");
    write_down(client, line);
    client->finals++;
}

static void on_executed(void *user, int status, const struct va_execution *execution, const va_error *error)
{
    struct client *client = user;
    char line[512];

    assert_int_equal(status < 0, execution == NULL);
    assert_int_equal(status < 0, error != NULL);
    snprintf(line, sizeof line, "executed %s", status < 0 ? error->text : execution->command);
    write_down(client, line);
    client->executions++;
}

static void on_room(void *user)
{
    ((struct client *)user)->rooms++;
}

static void on_ended(void *user, int status, const va_error *error)
{
    struct client *client = user;

    assert_int_equal(client->ends, 0);
    client->end_status = status;
    write_down(client, status < 0 ? error->text : "ended");
    client->ends++;
}

static const struct va_live_events events = {on_speech, on_partial, on_final, on_executed, on_room, on_ended};
static const struct va_live_options usual = {.commands = 1, .execute = 1, .partials = 1, .endpoint = 1};
static const struct va_live_options whole = {.commands = 1, .execute = 1, .partials = 1};

static int try_open(struct client *client, const struct va_live_options *options, va_error *error)
{
    *client = (struct client){.lock = PTHREAD_MUTEX_INITIALIZER};
    return va_live_open(assistant, options, &events, client, &client->live, error);
}

/* The listener is there when it returns. */
static void open_client(struct client *client, const struct va_live_options *options)
{
    va_error error;
    int before = doubles.listeners;

    if (try_open(client, options, &error) < 0)
        fail_msg("%s", error.text);
    assert_true(doubles_wait(&doubles.listeners, before + 1));
}

static void push(struct client *client, int seconds)
{
    va_error error;

    for (int i = 0; i < seconds; i++)
        if (va_live_push(client->live, second, 16000, &error) < 0)
            fail_msg("%s", error.text);
}

static void expect(struct client *client, const char *text)
{
    pthread_mutex_lock(&client->lock);
    assert_string_equal(client->text, text);
    pthread_mutex_unlock(&client->lock);
}

/* Like a va_stream's thread. */
static void utter(const char *text, double start_s, double end_s)
{
    va_transcript transcript = {.text = text, .confidence = 0.5f, .text_logprob = -0.1f, .language = "en"};
    va_intent intent = {.name = "light"};
    va_understanding understanding = {.intent = &intent, .confidence = 0.9f, .text = text};

    doubles_hear(&(struct va_listen_event){.kind = VA_LISTEN_STARTED, .text = "", .start_s = start_s});
    doubles_hear(&(struct va_listen_event){.kind = VA_LISTEN_PARTIAL, .text = "turn", .n_stable = 4, .heard_s = start_s + 1.0});
    doubles_hear(&(struct va_listen_event){.kind = VA_LISTEN_PAUSED, .text = text, .transcript = &transcript});
    doubles_hear(&(struct va_listen_event){.kind = VA_LISTEN_HEARD,
                                           .text = text,
                                           .start_s = start_s,
                                           .end_s = end_s,
                                           .speech_end_s = end_s,
                                           .transcript = &transcript,
                                           .understanding = strncmp(text, "turn on", 7) == 0 ? &understanding : NULL});
}

static void finish(struct client *client)
{
    va_live_finish(client->live);
    assert_true(doubles_wait(&client->ends, 1));
    assert_int_equal(client->end_status, 0);
    va_live_close(client->live);
}

/* ---- what is told ---- */

static void tells_and_carries_out(void **state)
{
    struct va_listener_options options;
    struct client client;

    begin("off", NULL);
    open_client(&client, &usual);
    doubles_listener(&options);
    assert_int_equal(options.mode, VA_LISTEN_ALWAYS);
    assert_int_equal(options.is_whole, 0);
    assert_non_null(options.steering);
    assert_true(options.step_ms > 0);
    push(&client, 2);
    assert_true(doubles_wait(&doubles.samples, 32000));
    utter("turn on the light", 0.5, 2.0);
    assert_true(doubles_wait(&client.executions, 1));
    expect(&client, "speech 1 0.5\npartial turn 4 1.5\nspeech 0 2.0\nfinal turn on the light 0.50 light\nexecuted light\n");
    expect_told("heard command=1");
    expect_told("source=live intent=light text=turn on the light");
    expect_told("acting source=live text=turn on the light");
    expect_told("result command=light success=1");
    utter("what a day", 3.0, 4.0);
    finish(&client);
    assert_int_equal(client.executions, 1);
    assert_non_null(strstr(client.text, "final what a day 0.50 -\nended\n"));
    expect_state("off");
    end();
}

static void does_as_asked(void **state)
{
    const struct va_live_options plain = {.language = "de", .endpoint = 1}, look = {.commands = 1, .endpoint = 1};
    struct va_listener_options options;
    struct client client;

    begin("off", NULL);
    open_client(&client, &plain);
    doubles_listener(&options);
    assert_null(options.steering);
    assert_int_equal(options.step_ms, 0);
    assert_string_equal(options.language, "de");
    finish(&client);
    expect(&client, "ended\n");
    open_client(&client, &look);
    utter("turn on the light", 0.5, 2.0);
    finish(&client);
    assert_int_equal(client.executions, 0);
    assert_non_null(strstr(client.text, "final turn on the light 0.50 light\n"));
    end();
}

static void one_text_without_endpoint(void **state)
{
    struct va_listener_options options;
    struct client client;

    begin("off", NULL);
    open_client(&client, &whole);
    doubles_listener(&options);
    assert_int_equal(options.is_whole, 1);
    utter("what", 0.0, 2.0);
    utter("", 2.0, 2.5);
    assert_int_equal(client.finals, 0);
    utter("a day", 3.0, 4.0);
    finish(&client);
    assert_int_equal(client.finals, 1);
    assert_non_null(strstr(client.text, "partial what turn 9 4.0\nspeech 0 4.0\nfinal what a day 0.50 -\nended\n"));

    open_client(&client, &whole);
    finish(&client);
    expect(&client, "final  0.00 -\nended\n");
    end();
}

/* The engine's stand-in understands what begins with "do"; there is no such command to carry out. */
static void a_command_without_endpoint(void **state)
{
    struct client client;

    begin("off", NULL);
    open_client(&client, &whole);
    utter("do it", 0.0, 2.0);
    finish(&client);
    assert_int_equal(client.executions, 1);
    assert_non_null(strstr(client.text, "final do it 0.50 do\nexecuted "));
    end();
}

/* ---- bounds ---- */

static void only_so_many(void **state)
{
    struct client clients[3];
    va_error error;

    begin("off", "live.sessions=2");
    open_client(&clients[0], &usual);
    open_client(&clients[1], &usual);
    assert_int_equal(try_open(&clients[2], &usual, &error), VA_EBUSY);
    assert_null(clients[2].live);
    finish(&clients[0]);
    for (int i = 0; i < 5000 && try_open(&clients[2], &usual, &error) < 0; i++)
        usleep(1000);
    assert_non_null(clients[2].live);
    finish(&clients[2]);
    finish(&clients[1]);
    end();
}

static void audio_waits_in_bounds(void **state)
{
    struct client client;
    va_error error;

    begin("off", NULL);
    doubles.pushes_wait = 1;
    open_client(&client, &usual);
    push(&client, 10);
    assert_int_equal(va_live_is_behind(client.live), 0);
    push(&client, 2);
    assert_int_equal(va_live_is_behind(client.live), 1);
    push(&client, 18);
    assert_int_equal(va_live_push(client.live, second, 16000, &error), VA_EBUSY);
    assert_int_equal(client.rooms, 0);
    doubles.pushes_wait = 0;
    assert_true(doubles_wait(&client.rooms, 1));
    finish(&client);
    assert_int_equal(doubles.samples, 30 * 16000); /* all that was taken */
    assert_int_equal(client.rooms, 1);
    end();
}

static void without_endpoint_not_for_ever(void **state)
{
    struct client client;
    va_error error;
    int r = 0;

    begin("off", NULL);
    open_client(&client, &whole);
    for (int i = 0; r == 0 && i < VA_LIVE_MAX_S; i++) {
        push(&client, 1);
        assert_true(doubles_wait(&doubles.samples, (i + 1) * 16000));
    }
    assert_int_equal(va_live_push(client.live, second, 1, &error), VA_ELIMIT);
    finish(&client);
    end();
}

static void arguments(void **state)
{
    struct va_live_options options = usual;
    struct client client;
    va_error error;

    begin("off", NULL);
    options.language = "";
    assert_int_equal(try_open(&client, &options, &error), VA_EINVAL);
    options.language = "a language that is longer than any";
    assert_int_equal(try_open(&client, &options, &error), VA_EINVAL);
    options = usual;
    options.commands = 0;
    assert_int_equal(try_open(&client, &options, &error), VA_EINVAL);
    open_client(&client, &usual);
    va_live_finish(client.live);
    assert_int_equal(va_live_push(client.live, second, 1, &error), VA_ESTATE);
    va_live_close(client.live);
    va_live_close(NULL);
    end();
}

/* ---- ends ---- */

static void closed_while_it_decodes(void **state)
{
    struct client client;

    begin("off", NULL);
    doubles.pushes_wait = 1;
    open_client(&client, &usual);
    push(&client, 3);
    va_live_close(client.live);
    for (int i = 0; i < 5000 && doubles.listeners > 0; i++)
        usleep(1000);
    assert_int_equal(doubles.listeners, 0);
    doubles.pushes_wait = 0;
    doubles.finish_waits = 1;
    open_client(&client, &usual);
    va_live_finish(client.live);
    assert_true(doubles_wait(&doubles.finished, 1));
    va_live_close(client.live);
    end();
    expect(&client, "");
}

static void closed_while_it_acts(void **state)
{
    struct client client;

    begin("off", NULL);
    doubles.action_waits_ms = 50;
    open_client(&client, &usual);
    utter("turn on the light", 0.5, 2.0);
    va_live_close(client.live);
    expect_told("result command=light success=1");
    assert_int_equal(client.executions, 0);
    end();
}

static void ends_in_privacy_mode(void **state)
{
    struct va_privacy_state privacy;
    struct client client, other;
    va_error error;

    begin("off", NULL);
    doubles.pushes_wait = 1;
    open_client(&client, &usual);
    push(&client, 3);
    assert_int_equal(va_assistant_privacy_set(assistant, 1, VA_PRIVACY_BY_API, &privacy, &error), 0);
    assert_int_equal(doubles.listeners, 0); /* gone before it returns */
    assert_true(doubles_wait(&client.ends, 1));
    assert_int_equal(client.end_status, VA_EDENIED);
    assert_int_equal(va_live_push(client.live, second, 1, &error), VA_ESTATE);
    va_live_close(client.live);
    assert_int_equal(try_open(&other, &usual, &error), VA_EDENIED);
    assert_int_equal(va_assistant_privacy_set(assistant, 0, VA_PRIVACY_BY_API, &privacy, &error), 0);
    doubles.pushes_wait = 0;
    open_client(&other, &usual);
    finish(&other);
    end();
}

static void what_privacy_mode_overtakes_is_forgotten(void **state)
{
    struct va_privacy_state privacy;
    struct client client;

    begin("off", NULL);
    open_client(&client, &usual);
    hold_errands();
    utter("turn on the light", 0.5, 2.0);
    assert_int_equal(va_assistant_privacy_set(assistant, 1, VA_PRIVACY_BY_API, &privacy, NULL), 0);
    let_errands_go();
    assert_true(doubles_wait(&client.ends, 1));
    assert_int_equal(client.executions, 0);
    va_live_close(client.live);
    end();
    assert_true(has_told("heard command=1"));
    assert_false(has_told("\nacting "));
    assert_false(has_told("\nresult "));
}

/* What has its end is finished, what goes on ends. */
static void ends_with_the_assistant(void **state)
{
    struct client client, finished;
    va_error error;

    begin("off", NULL);
    open_client(&client, &usual);
    push(&client, 1);
    assert_true(doubles_wait(&doubles.samples, 16000));
    doubles.pushes_wait = 1;
    open_client(&finished, &whole);
    push(&finished, 2);
    va_live_finish(finished.live);
    doubles.pushes_wait = 0;
    va_assistant_stop(assistant);
    assert_int_equal(client.ends, 1);
    assert_int_equal(client.end_status, VA_ESTATE);
    assert_int_equal(finished.ends, 1);
    assert_int_equal(finished.end_status, 0);
    assert_int_equal(finished.finals, 1);
    assert_int_equal(doubles.samples, 3 * 16000);
    struct client late;
    assert_int_equal(try_open(&late, &usual, &error), VA_ESTATE);
    va_live_close(client.live);
    end();
    va_live_close(finished.live); /* also behind the assistant */
}

static void decoding_fails(void **state)
{
    struct client client;
    va_error error;

    begin("off", NULL);
    doubles.fail_listeners = 1;
    assert_int_equal(try_open(&client, &usual, &error), 0);
    assert_true(doubles_wait(&client.ends, 1));
    assert_int_equal(client.end_status, VA_ENOMEM);
    va_live_close(client.live);
    doubles.fail_pushes = 1;
    open_client(&client, &usual);
    push(&client, 1);
    assert_true(doubles_wait(&client.ends, 1));
    assert_int_equal(client.end_status, VA_ENOMEM);
    expect(&client, "no memory to decode with\n");
    va_live_close(client.live);
    end();
}

static void out_of_memory(void **state)
{
    struct client client;
    va_error error;
    int r = VA_ENOMEM;

    begin("off", NULL);
    for (size_t n = 1; r == VA_ENOMEM && n < 20; n++) {
        va_memory_fail_after(n);
        r = try_open(&client, &usual, &error);
        if (r == 0) {
            assert_true(n > 3);
            assert_true(doubles_wait(&client.ends, 1) || doubles.listeners == 1);
        }
        va_memory_fail_after(0);
    }
    assert_int_equal(r, 0);
    va_live_close(client.live);
    end();
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_and_carries_out),
        cmocka_unit_test(does_as_asked),
        cmocka_unit_test(one_text_without_endpoint),
        cmocka_unit_test(a_command_without_endpoint),
        cmocka_unit_test(only_so_many),
        cmocka_unit_test(audio_waits_in_bounds),
        cmocka_unit_test(without_endpoint_not_for_ever),
        cmocka_unit_test(arguments),
        cmocka_unit_test(closed_while_it_decodes),
        cmocka_unit_test(closed_while_it_acts),
        cmocka_unit_test(ends_in_privacy_mode),
        cmocka_unit_test(what_privacy_mode_overtakes_is_forgotten),
        cmocka_unit_test(ends_with_the_assistant),
        cmocka_unit_test(decoding_fails),
        cmocka_unit_test(out_of_memory),
    };

    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
