/* What the assistant counts, and how it says that it is. */
#include <fcntl.h>

#include "listening_support.h"

static char *text_of(void)
{
    struct va_buffer out;

    va_assistant_measure(assistant);
    va_buffer_init(&out, 1 << 20);
    assert_int_equal(va_metrics_write(metrics, &out), 0);
    return va_buffer_take(&out);
}

static int has(const char *line)
{
    char *text = text_of();
    int yes = strstr(text, line) != NULL;
    va_free(text);
    return yes;
}

/* Sooner or later. */
static void expect(const char *line)
{
    for (int i = 0; i < 5000 && !has(line); i++)
        usleep(1000);
    if (!has(line))
        fail_msg("no '%s' in\n%s", line, text_of());
}

static int with_metrics(void **state)
{
    return va_metrics_new(&metrics, NULL);
}

static int without(void **state)
{
    va_metrics_free(metrics);
    metrics = NULL;
    return 0;
}

static int submit(const char *audio)
{
    const char *path = temporary_path(folder, "audio");
    char id[VA_ID_SIZE];
    va_error error;

    assert_int_equal(temporary_write(path, audio), 0);
    struct va_job job = {.priority = VA_PRIORITY_UPLOAD, .fd = open(path, O_RDONLY), .timestamps = VA_TIMESTAMPS_NONE};
    int r = va_assistant_submit(assistant, &job, id, &error);
    if (r < 0)
        close(job.fd);
    return r;
}

static void transcriptions_are_counted(void **state)
{
    begin("off", "model.queue=1");
    expect("\ntranscriptions_total 0\n");
    assert_int_equal(submit("12345"), 0);
    expect("\ntranscriptions_total 1\n");
    expect("voice_assistant_transcriptions_total{source=\"upload\"} 1\n");
    expect("transcription_duration_seconds_count 1\n");
    expect("voice_assistant_queue_wait_seconds_count 1\n");
    expect("voice_assistant_windows_total{outcome=\"retried\"} 1\n"); /* says the stand-in */
    assert_int_equal(submit("Broken"), 0);
    expect("voice_assistant_transcriptions_unfinished_total{reason=\"failed\"} 1\n");
    expect("\ntranscriptions_total 1\n");

    doubles.gate_closed = 1;
    assert_int_equal(submit("12345"), 0);
    assert_true(doubles_wait(&doubles.running, 1));
    assert_int_equal(submit("12345"), 0);
    assert_int_equal(submit("12345"), VA_EBUSY);
    expect("voice_assistant_queue_refused_total 1\n");
    expect("voice_assistant_queue_depth 1\n");
    expect("voice_assistant_queue_capacity 1\n");
    expect("voice_assistant_workers_busy 1\n");
    expect("voice_assistant_workers 1\n");
    doubles.gate_closed = 0;
    expect("\ntranscriptions_total 3\n");
    expect("voice_assistant_queue_depth 0\n");
    end();
}

static void recordings_and_their_end_by_privacy_mode(void **state)
{
    struct va_privacy_state now;
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;

    begin("off", NULL);
    expect("voice_assistant_microphone_state{state=\"closed\"} 1\n");
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    expect("voice_assistant_microphone_state{state=\"open\"} 1\n");
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
    expect("voice_assistant_transcriptions_total{source=\"recording\"} 1\n");
    doubles.gate_closed = 1;
    assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
    assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
    assert_int_equal(va_assistant_privacy_set(assistant, 1, VA_PRIVACY_BY_API, &now, &error), 0);
    expect("voice_assistant_transcriptions_unfinished_total{reason=\"cancelled\"} 1\n");
    expect("voice_assistant_privacy_mode 1\n");
    doubles.gate_closed = 0;
    end();
}

static void commands_are_counted_by_what_became_of_them(void **state)
{
    static const struct {
        const char *text;
        unsigned flags;
        const char *line;
    } cases[] = {
        {"turn on the light", 0, "voice_assistant_commands_total{outcome=\"success\"} 1\n"},
        {"turn on the light", VA_EXECUTE_DRY_RUN, "voice_assistant_commands_total{outcome="},
        {"open the door", 0, "voice_assistant_commands_total{outcome=\"asked\"} 1\n"},
        {"break", 0, "voice_assistant_commands_total{outcome=\"error\"} 1\n"},
        {"sing about the sea", 0, "voice_assistant_commands_total{outcome=\"unknown\"} 1\n"},
    };
    struct va_execution execution;
    va_error error;

    begin("off", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (va_assistant_execute_text(assistant, cases[i].text, cases[i].flags, &execution, &error) == 0)
            va_execution_clear(&execution);
        expect(cases[i].line);
    }
    end();
}

static void what_is_listened_to(void **state)
{
    begin("always", NULL);
    doubles_hear(&(struct va_listen_event){.kind = VA_LISTEN_WOKEN, .text = "", .word = &words[0]});
    expect("voice_assistant_wake_words_total{kind=\"wake\"} 1\n");
    say("turn on the light", "light");
    expect("voice_assistant_transcriptions_total{source=\"listening\"} 1\n");
    expect("voice_assistant_transcribed_audio_seconds_total 1.5\n");
    expect("transcription_duration_seconds_bucket{le=\"0.05\"} 1\n");
    expect("voice_assistant_speech_to_action_seconds_count 1\n");
    expect("voice_assistant_commands_total{outcome=\"success\"} 1\n");
    expect("voice_assistant_replies_total{outcome=\"said\"} 1\n");
    doubles.lost = 1;
    expect("voice_assistant_microphone_state{state=\"lost\"} 1\n");
    expect("voice_assistant_microphone_lost_seconds 20\n");
    expect("voice_assistant_audio_buffers{state=\"free\"} 10\n");
    expect("voice_assistant_audio_buffers{state=\"used\"} 0\n");
    doubles.lost = 0;
    end();
}

/* The numbers of a microphone that was closed are not forgotten. */
static void a_microphone_is_counted_over_its_lives(void **state)
{
    char id[VA_ID_SIZE];
    double duration_s;
    va_error error;

    begin("off", NULL);
    for (int i = 1; i <= 3; i++) {
        char line[80];
        assert_int_equal(va_assistant_start_recording(assistant, &error), 0);
        snprintf(line, sizeof line, "voice_assistant_microphone_overruns_total %d\n", 2 * i); /* two each, says the stand-in */
        expect(line);
        assert_int_equal(va_assistant_stop_recording(assistant, id, &duration_s, &error), 0);
        expect(line);
    }
    end();
}

int main(void)
{
    const struct va_log_options quiet = {.level = VA_LOG_ERROR};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transcriptions_are_counted, with_metrics, without),
        cmocka_unit_test_setup_teardown(recordings_and_their_end_by_privacy_mode, with_metrics, without),
        cmocka_unit_test_setup_teardown(commands_are_counted_by_what_became_of_them, with_metrics, without),
        cmocka_unit_test_setup_teardown(what_is_listened_to, with_metrics, without),
        cmocka_unit_test_setup_teardown(a_microphone_is_counted_over_its_lives, with_metrics, without),
    };
    return va_log_open(&quiet, NULL) < 0 ? 1 : cmocka_run_group_tests(tests, setup_all, teardown_all);
}
