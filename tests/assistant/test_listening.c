/* What becomes of what is heard: commands, questions, replies, recordings, privacy, failures. */
#include "listening_support.h"

/* ---- commands ---- */

static void a_command_is_carried_out(void **state)
{
    struct va_listener_options options;
    struct va_assistant_status status;

    begin("always", NULL);
    assert_true(doubles_wait(&doubles.pushed, 3));
    assert_int_equal(doubles.hearing, VA_HEAR_ALL);
    assert_string_equal(doubles.source, "double");
    doubles_listener(&options);
    assert_int_equal(options.mode, VA_LISTEN_ALWAYS);
    assert_ptr_equal(options.model, model);
    assert_non_null(options.steering);
    assert_true(options.confidence == 0.5f && options.step_ms == 1000 && options.wait_s == 6.0);
    expect_state("idle");
    say("turn on the light", "light");
    expect_told("result command=light success=1 confirm=0 dry_run=0 error= source=microphone response=did light 0\n");
    assert_true(has_told("state from=idle to=listening\nstate from=listening to=thinking\n"
                         "heard command=1 confidence=0.900 start=1.000 end=2.500 speech_end=2.250 heard=2.500 decode_ms=40.000 "
                         "source=microphone intent=light text=turn on the light\n"));
    assert_true(has_told("transcription id= audio_path=microphone confidence=0.900 language=en duration=1.500 elapsed=0.040 "
                         "text=turn on the light\n"));
    assert_true(has_told("acting after_speech_ms="));
    assert_true(doubles_wait(&doubles.said, 1));
    assert_string_equal(doubles.last_said, "did light 0");
    expect_state("idle");
    va_assistant_get_status(assistant, &status);
    assert_int_equal(status.commands, 1);
    assert_int_equal(doubles.opened, 0); /* no answer is awaited */
    end();
}

static void what_is_no_command_is_told_only(void **state)
{
    begin("always", NULL);
    say("a nice day", NULL);
    assert_true(has_told("heard command=0 confidence=0.100"));
    assert_true(has_told("intent= text=a nice day\n"));
    assert_true(has_told("transcription id= audio_path=microphone confidence=0.600 language=en"));
    forget_told();
    say("", NULL); /* a noise */
    assert_false(has_told("heard"));
    expect_state("idle");
    assert_false(has_told("acting"));
    end();
}

static void what_goes_wrong_is_told(void **state)
{
    begin("always", NULL);
    say("break", "broken");
    expect_told("result command=broken success=0 confirm=0 dry_run=0 error=no clock source=microphone response= no clock\n");
    say("something that is gone", "gone"); /* by a reload between hearing and acting */
    expect_told("result command= success=0");
    expect_state("idle");
    end();
}

static void a_risky_command_awaits_its_answer(void **state)
{
    begin("wake", NULL);
    say("open the door", "door");
    expect_told("result command=door success=0 confirm=1 dry_run=0 error= source=microphone response=Sure? 0 \n");
    assert_true(doubles_wait(&doubles.opened, 1)); /* behind the question */
    assert_true(doubles.wait_s == 8.0);
    assert_int_equal(doubles.said, 1);
    say("yes", "yes");
    expect_told("result command=door success=1 confirm=0");
    expect_state("idle");
    assert_int_equal(doubles.opened, 1);
    end();

    begin("wake", "speech.enabled=false"); /* where nothing is said, at once */
    say("open the door", "door");
    assert_true(doubles_wait(&doubles.opened, 1));
    assert_int_equal(doubles.said, 0);
    end();
}

static void more_may_be_said_behind_a_reply(void **state)
{
    begin("wake", "listen.follow_up=3");
    doubles.talks_long = 1;
    say("turn on the light", "light");
    expect_state("speaking");
    assert_int_equal(doubles.opened, 0);
    doubles_end_talk();
    assert_int_equal(doubles.opened, 1);
    assert_true(doubles.wait_s == 3.0);
    say("turn on the light", "light"); /* but not where it is cut off */
    expect_state("speaking");
    va_assistant_silence(assistant);
    expect_state("idle");
    va_assistant_say(assistant, "a timer", NULL);
    doubles_end_talk();
    assert_int_equal(doubles.opened, 1);
    doubles.no_queue = 1; /* and where it cannot be said, at once */
    say("open the door", "door");
    assert_true(doubles_wait(&doubles.opened, 2));
    assert_true(doubles.wait_s == 8.0);
    end();
}

static void its_own_words_are_no_commands(void **state)
{
    begin("always", NULL);
    doubles.talks_long = 1;
    say("turn on the light", "light");
    expect_state("speaking");
    expect_hearing(VA_DEAF);
    forget_told();
    say("turn on the light", "light");
    assert_true(has_told("heard"));
    say("quiet", "quiet"); /* but what ends it */
    expect_told("result command=quiet");
    assert_false(has_told("command=light"));
    expect_state("idle");

    /* Nor are they when they are understood behind the end. */
    doubles.talks_long = 1;
    va_assistant_say(assistant, "turn on the light", NULL);
    expect_hearing(VA_DEAF);
    doubles.pushes_wait = 1; /* what the microphone heard meanwhile is still to be taken */
    doubles_end_talk();
    expect_state("idle");
    forget_told();
    say("turn on the light", "light");
    assert_true(has_told("heard command=1"));
    expect_state("idle");
    assert_false(has_told("acting"));
    doubles.pushes_wait = 0;
    end();
}

/* ---- words and the button ---- */

static void words_are_told(void **state)
{
    struct va_listen_event event = {
        .kind = VA_LISTEN_WOKEN, .word = &words[0], .text = "", .score = 0.75f, .level_dbfs = -21.5f, .end_s = 4.0};
    struct va_listener_options options;

    begin("wake", NULL);
    doubles_listener(&options);
    assert_int_equal(options.n_words, 2);
    assert_string_equal(options.words[0].name, "computer");
    doubles_hear(&event);
    assert_true(has_told("wake word=computer score=0.750 level_dbfs=-21.5"));
    assert_true(has_told(" device=double end=4.000\n"));
    assert_int_equal(doubles.silenced, 1); /* who wakes it wants to be heard */
    hear(VA_LISTEN_OPENED);
    expect_state("wake");
    hear(VA_LISTEN_STARTED);
    hear(VA_LISTEN_CLOSED);
    expect_state("idle");

    event.word = &words[1];
    forget_told();
    doubles_hear(&event); /* nothing to stop */
    assert_int_equal(doubles.silenced, 1);
    assert_false(has_told("stop"));
    doubles.talks_long = 1;
    va_assistant_say(assistant, "a long story", NULL);
    expect_state("speaking");
    doubles_hear(&event);
    assert_true(has_told("stop word=enough"));
    expect_state("idle");
    end();
}

/* ---- the microphone ---- */

static void a_recording_shares_the_microphone(void **state)
{
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;

    begin("always", NULL);
    assert_true(doubles_wait(&doubles.pushed, 1));
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_int_equal(doubles.captures, 1);
    expect_hearing(VA_DEAF); /* it is for itself */
    hear(VA_LISTEN_HEARD);
    expect_state("listening");
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
    expect_hearing(VA_HEAR_ALL);
    assert_int_equal(doubles.captures, 1);
    expect_state("idle");

    /* A recording that goes on keeps it open over a reload. */
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_int_equal(va_assistant_reload(assistant, load_config("off", NULL), load_commands(), &error), 0);
    assert_int_equal(doubles.listeners, 0);
    assert_int_equal(doubles.captures, 1);
    assert_string_equal(state_now(), "listening");
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
    assert_int_equal(doubles.captures, 0);
    end();

    begin("always", NULL); /* a device that is lost refuses it */
    doubles.lost = 1;
    assert_int_equal(va_assistant_start_recording(assistant, &error), VA_EIO);
    assert_non_null(strstr(error.text, "unplugged"));
    assert_int_equal(doubles.captures, 1);
    end();
}

static void *start_recording(void *arg)
{
    va_error error;

    *(int *)arg = va_assistant_start_recording(assistant, &error);
    return NULL;
}

static void *stop_recording(void *arg)
{
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;

    *(int *)arg = va_assistant_stop_recording(assistant, id, &duration_s, &error);
    return NULL;
}

static void a_device_that_opens_or_closes_keeps_nobody_waiting(void **state)
{
    struct va_microphone_status status;
    pthread_t thread;
    int r = -1;

    begin("off", NULL);
    doubles.open_waits = 1;
    assert_int_equal(pthread_create(&thread, NULL, start_recording, &r), 0);
    assert_true(doubles_wait(&doubles.opening, 1));
    va_assistant_get_microphone(assistant, &status);
    assert_string_equal(status.state, "closed");
    doubles.open_waits = 0;
    pthread_join(thread, NULL);
    assert_int_equal(r, 0);
    va_assistant_get_microphone(assistant, &status);
    assert_string_equal(status.state, "open");
    assert_int_equal(status.overruns, 2);

    doubles.close_waits = 1;
    assert_int_equal(pthread_create(&thread, NULL, stop_recording, &r), 0);
    assert_true(doubles_wait(&doubles.closing, 1));
    va_assistant_get_microphone(assistant, &status);
    assert_string_equal(status.state, "closed");
    assert_int_equal(status.overruns, 2);
    doubles.close_waits = 0;
    pthread_join(thread, NULL);
    end();
}

static void what_the_microphone_does_is_told(void **state)
{
    struct va_capture_event event = {.change = VA_CAPTURE_STATE, .state = VA_CAPTURE_LOST, .device = "double"};
    struct va_microphone_status status;

    begin("off", NULL);
    va_assistant_get_microphone(assistant, &status);
    assert_string_equal(status.state, "closed");
    assert_true(status.rms_db == -120.0f && status.rate_hz == 0 && status.error[0] == '\0');
    end();

    begin("always", NULL);
    va_assistant_get_microphone(assistant, &status);
    assert_string_equal(status.state, "open");
    assert_string_equal(status.device, "double");
    assert_true(status.rate_hz == 48000 && status.rms_db == -40.0f);
    doubles.lost = 1;
    (void)va_fail(&event.error, VA_EIO, "it is unplugged");
    doubles_capture(&event);
    assert_true(has_told("microphone state=lost device=double error=it is unplugged gap=0.000 overruns=0\n"));
    expect_hearing(VA_DEAF); /* once: what was being said ends there */
    int interrupted = doubles.pushed;
    usleep(20000);
    assert_int_equal(doubles.pushed, interrupted);
    va_assistant_get_microphone(assistant, &status);
    assert_string_equal(status.state, "lost");
    assert_string_equal(status.error, "it is unplugged");
    doubles.lost = 0;
    doubles_capture(&(struct va_capture_event){.change = VA_CAPTURE_STATE, .state = VA_CAPTURE_OPEN, .device = "double", .gap_s = 1.5});
    assert_true(has_told("microphone state=open device=double error= gap=1.500 overruns=0\n"));
    doubles_capture(&(struct va_capture_event){.change = VA_CAPTURE_OVERRUN, .state = VA_CAPTURE_OPEN, .device = "double", .overruns = 2});
    assert_true(has_told("microphone state=overrun device=double error= gap=0.000 overruns=2\n"));
    for (int silent = 1; silent >= 0; silent--)
        doubles_capture(
            &(struct va_capture_event){.change = VA_CAPTURE_SILENCE, .state = VA_CAPTURE_OPEN, .device = "double", .is_silent = silent});
    assert_true(has_told("microphone state=silent"));
    assert_true(has_told("microphone state=sound"));
    int pushed = doubles.pushed;
    assert_true(doubles_wait(&doubles.pushed, pushed + 3)); /* it goes on */
    end();
}

static void privacy_closes_it(void **state)
{
    struct va_privacy_state privacy;
    va_error error;

    begin("always", NULL);
    hear(VA_LISTEN_STARTED);
    assert_int_equal(va_assistant_privacy_set(assistant, 1, VA_PRIVACY_BY_API, &privacy, &error), 0);
    assert_int_equal(doubles.captures, 0);
    assert_int_equal(doubles.listeners, 0);
    assert_string_equal(state_now(), "privacy");
    assert_int_equal(va_assistant_talk(assistant, 1, &error), VA_ESTATE);
    assert_int_equal(va_assistant_reload(assistant, load_config("always", NULL), load_commands(), &error), 0);
    assert_int_equal(doubles.captures, 0); /* a reload does not open it */
    assert_int_equal(va_assistant_privacy_set(assistant, 0, VA_PRIVACY_BY_API, &privacy, &error), 0);
    assert_int_equal(doubles.captures, 1);
    assert_int_equal(doubles.listeners, 1);
    expect_state("idle");
    end();
}

static void a_reload(void **state)
{
    struct va_listener_options options;
    va_error error;

    begin("always", NULL);
    assert_int_equal(va_assistant_reload(assistant, load_config("wake", "listen.wait=2"), load_commands(), &error), 0);
    doubles_listener(&options);
    assert_true(options.mode == VA_LISTEN_WAKE && options.wait_s == 2.0);
    assert_int_equal(doubles.captures, 1);
    int pushed = doubles.pushed;
    assert_true(doubles_wait(&doubles.pushed, pushed + 3));
    say("turn on the light", "light");
    expect_told("result command=light success=1");
    assert_int_equal(va_assistant_reload(assistant, load_config("off", NULL), load_commands(), &error), 0);
    assert_int_equal(doubles.captures + doubles.listeners, 0);
    expect_state("off");

    /* What it cannot listen with is taken over nevertheless: it belongs to the assistant. */
    doubles.fail_listeners = 1;
    assert_int_equal(va_assistant_reload(assistant, load_config("always", NULL), load_commands(), &error), 0);
    assert_int_equal(doubles.captures + doubles.listeners, 0);
    doubles.fail_listeners = 1; /* whoever asks */
    assert_int_equal(va_assistant_reload(assistant, load_config("always", NULL), load_commands(), NULL), 0);
    expect_state("off");
    assert_int_equal(va_assistant_talk(assistant, 1, &error), VA_ESTATE);
    end();
}

static void decoding_fails(void **state)
{
    va_error error;

    begin("wake", NULL);
    hear(VA_LISTEN_OPENED);
    hear(VA_LISTEN_STARTED);
    expect_state("listening");
    doubles.fail_listeners = 1; /* and once more */
    doubles.makes_wait = 1;
    doubles.fail_pushes = 1;
    expect_state("idle");
    assert_true(doubles_wait(&doubles.making, 1));
    assert_int_equal(va_assistant_talk(assistant, 1, &error), VA_ESTATE); /* at once */
    doubles.makes_wait = 0;
    assert_true(doubles_wait(&doubles.listeners, 1));
    for (int i = 0; i < 8000 && (doubles.fail_listeners > 0 || doubles.listeners == 0); i++)
        usleep(1000);
    int pushed = doubles.pushed;
    assert_true(doubles_wait(&doubles.pushed, pushed + 3));
    say("turn on the light", "light");
    expect_told("result command=light success=1");
    end();

    begin("wake", NULL); /* stopping does not wait for it */
    doubles.fail_pushes = 1000;
    for (int i = 0; i < 5000 && doubles.fail_pushes == 1000; i++)
        usleep(1000);
    end();
}

static void a_file_ends(void **state)
{
    begin("always", NULL);
    doubles.has_ended = 1;
    expect_state("off");
    end();
}

static void what_is_missing_keeps_it_from_listening(void **state)
{
    const struct va_assistant_parts parts = {.model = model, .model_name = "base"};
    va_error error;

    doubles_reset();
    assert_int_equal(va_assistant_new(&parts, load_config("always", NULL), load_commands(), &assistant, &error), 0);
    assert_int_equal(doubles.captures, 0); /* no vad_model */
    assert_string_equal(state_now(), "off");
    end();
    for (int i = 0; i < 50; i++) { /* while errands of the start are under way */
        struct va_assistant_parts whole = parts;
        va_config *config = load_config("always", NULL);
        va_commands *commands = load_commands();
        whole.vad_model = (const va_vad_model *)&vad_double;
        whole.folder = folder;
        doubles.fail_listeners = 1;
        assert_int_equal(va_assistant_new(&whole, config, commands, &assistant, &error), VA_ENOMEM);
        assert_int_equal(doubles.captures + doubles.listeners, 0);
        va_config_free(config);
        va_commands_free(commands);
    }
}

static void out_of_memory(void **state)
{
    va_error error;
    int r = VA_ENOMEM, failed = 0;

    doubles_reset();
    for (size_t n = 1; n < 60; n++) {
        const struct va_assistant_parts parts = {.model = model,
                                                 .model_name = "base",
                                                 .vad_model = (const va_vad_model *)&vad_double,
                                                 .words = words,
                                                 .n_words = 2,
                                                 .on_event = note,
                                                 .event_user = &told};
        va_config *config = load_config("always", NULL);
        va_commands *commands = load_commands();
        forget_told();
        va_memory_fail_after(n);
        r = va_assistant_new(&parts, config, commands, &assistant, &error);
        va_memory_fail_after(0);
        if (r == 0) {
            end();
            continue;
        }
        failed++;
        assert_int_equal(r, VA_ENOMEM);
        assert_int_equal(doubles.captures + doubles.listeners, 0);
        va_config_free(config);
        va_commands_free(commands);
    }
    assert_true(failed > 10);

    begin("always", NULL);
    for (size_t n = 1; n < 4; n++) {
        va_memory_fail_after(n);
        say("turn on the light", "light");
        usleep(2000);
        va_memory_fail_after(0);
        expect_state("idle");
    }
    forget_told();
    say("turn on the light", "light");
    expect_told("result command=light success=1");
    end();
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_carried_out),
        cmocka_unit_test(what_is_no_command_is_told_only),
        cmocka_unit_test(what_goes_wrong_is_told),
        cmocka_unit_test(a_risky_command_awaits_its_answer),
        cmocka_unit_test(more_may_be_said_behind_a_reply),
        cmocka_unit_test(its_own_words_are_no_commands),
        cmocka_unit_test(words_are_told),
        cmocka_unit_test(a_recording_shares_the_microphone),
        cmocka_unit_test(a_device_that_opens_or_closes_keeps_nobody_waiting),
        cmocka_unit_test(what_the_microphone_does_is_told),
        cmocka_unit_test(privacy_closes_it),
        cmocka_unit_test(a_reload),
        cmocka_unit_test(decoding_fails),
        cmocka_unit_test(a_file_ends),
        cmocka_unit_test(what_is_missing_keeps_it_from_listening),
        cmocka_unit_test(out_of_memory),
    };
    if (va_log_open(&quiet, NULL) < 0)
        return 1;
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
