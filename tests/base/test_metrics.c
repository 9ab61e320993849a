#include "base/metrics.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static char *text_of(const va_metrics *metrics)
{
    struct va_buffer out;

    va_buffer_init(&out, 1 << 20);
    assert_int_equal(va_metrics_write(metrics, &out), 0);
    char *text = va_buffer_take(&out);
    assert_non_null(text);
    return text;
}

static void assert_has(const va_metrics *metrics, const char *line)
{
    char *text = text_of(metrics);
    if (strstr(text, line) == NULL)
        fail_msg("no '%s' in\n%s", line, text);
    va_free(text);
}

static void assert_has_not(const va_metrics *metrics, const char *part)
{
    char *text = text_of(metrics);
    if (strstr(text, part) != NULL)
        fail_msg("'%s' in\n%s", part, text);
    va_free(text);
}

static va_metrics *made(void)
{
    va_metrics *metrics;
    assert_int_equal(va_metrics_new(&metrics, NULL), 0);
    return metrics;
}

static void counters_begin_at_zero_and_add_up(void **state)
{
    va_metrics *metrics = made();

    assert_has(metrics, "# TYPE transcriptions_total counter\ntranscriptions_total 0\n");
    va_metrics_add(metrics, VA_METRIC_TRANSCRIPTIONS, 0, 1);
    va_metrics_add(metrics, VA_METRIC_TRANSCRIPTIONS, 0, 1.5);
    assert_has(metrics, "\ntranscriptions_total 2.5\n");
    va_metrics_free(metrics);
}

/* The enums of metrics.h and the table name the same values, from the first to the last. */
static void labels_stand_where_their_names_say(void **state)
{
    static const struct {
        enum va_metric metric;
        int label;
        const char *line;
    } cases[] = {
        {VA_METRIC_TRANSCRIPTIONS_BY_SOURCE, VA_SOURCE_RECORDING, "voice_assistant_transcriptions_total{source=\"recording\"} 1\n"},
        {VA_METRIC_TRANSCRIPTIONS_BY_SOURCE, VA_SOURCE_UPLOAD, "voice_assistant_transcriptions_total{source=\"upload\"} 1\n"},
        {VA_METRIC_TRANSCRIPTIONS_BY_SOURCE, VA_SOURCE_LISTENING, "voice_assistant_transcriptions_total{source=\"listening\"} 1\n"},
        {VA_METRIC_TRANSCRIPTIONS_BY_SOURCE, VA_SOURCE_CLIENT, "voice_assistant_transcriptions_total{source=\"client\"} 1\n"},
        {VA_METRIC_TRANSCRIPTION_ENDS, VA_UNFINISHED_CANCELLED, "{reason=\"cancelled\"} 1\n"},
        {VA_METRIC_WINDOWS, VA_WINDOW_RETRIED, "{outcome=\"retried\"} 1\n"},
        {VA_METRIC_WAKE_WORDS, VA_WORD_STOP, "{kind=\"stop\"} 1\n"},
        {VA_METRIC_COMMANDS, VA_COMMAND_SUCCESS, "voice_assistant_commands_total{outcome=\"success\"} 1\n"},
        {VA_METRIC_COMMANDS, VA_COMMAND_FAILED, "voice_assistant_commands_total{outcome=\"failed\"} 1\n"},
        {VA_METRIC_COMMANDS, VA_COMMAND_ERROR, "{outcome=\"error\"} 1\n"},
        {VA_METRIC_COMMANDS, VA_COMMAND_ASKED, "{outcome=\"asked\"} 1\n"},
        {VA_METRIC_COMMANDS, VA_COMMAND_DRY_RUN, "{outcome=\"dry_run\"} 1\n"},
        {VA_METRIC_COMMANDS, VA_COMMAND_UNKNOWN, "{outcome=\"unknown\"} 1\n"},
        {VA_METRIC_REPLIES, VA_REPLY_FAILED, "voice_assistant_replies_total{outcome=\"failed\"} 1\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        va_metrics *metrics = made();
        va_metrics_add(metrics, cases[i].metric, cases[i].label, 1);
        assert_has(metrics, cases[i].line);
        va_metrics_free(metrics);
    }
    va_metrics *metrics = made();
    va_metrics_set(metrics, VA_METRIC_POOL_BUFFERS, VA_BUFFER_USED, 4);
    assert_has(metrics, "voice_assistant_audio_buffers{state=\"used\"} 4\n");
    va_metrics_free(metrics);
}

static void what_is_not_known_is_not_shown(void **state)
{
    va_metrics *metrics = made();

    assert_has_not(metrics, "cpu_temperature");
    va_metrics_set(metrics, VA_METRIC_CPU_CELSIUS, 0, 41.25);
    assert_has(metrics, "# TYPE voice_assistant_cpu_temperature_celsius gauge\nvoice_assistant_cpu_temperature_celsius 41.25\n");
    va_metrics_set(metrics, VA_METRIC_CPU_CELSIUS, 0, NAN);
    assert_has_not(metrics, "cpu_temperature");
    va_metrics_set(metrics, VA_METRIC_MICROPHONE, 2, 1);
    assert_has(metrics, "voice_assistant_microphone_state{state=\"lost\"} 1\n");
    assert_has_not(metrics, "{state=\"open\"}");
    va_metrics_free(metrics);
}

static void a_value_at_a_bound_belongs_below_it(void **state)
{
    va_metrics *metrics = made();

    va_metrics_observe(metrics, VA_METRIC_TRANSCRIPTION_SECONDS, 0, 0.05);
    va_metrics_observe(metrics, VA_METRIC_TRANSCRIPTION_SECONDS, 0, 0.25);
    va_metrics_observe(metrics, VA_METRIC_TRANSCRIPTION_SECONDS, 0, 1000);
    assert_has(metrics, "# TYPE transcription_duration_seconds histogram\n");
    assert_has(metrics, "_seconds_bucket{le=\"0.025\"} 0\n");
    assert_has(metrics, "_seconds_bucket{le=\"0.05\"} 1\n");
    assert_has(metrics, "_seconds_bucket{le=\"0.2\"} 1\n");
    assert_has(metrics, "_seconds_bucket{le=\"0.3\"} 2\n");
    assert_has(metrics, "_seconds_bucket{le=\"600\"} 2\n");
    assert_has(metrics, "_seconds_bucket{le=\"+Inf\"} 3\ntranscription_duration_seconds_sum 1000.3\n"
                        "transcription_duration_seconds_count 3\n");
    va_metrics_free(metrics);
}

static void texts_of_labels_are_escaped(void **state)
{
    static const char *const values[] = {"1.0", "C:\\\"x\"\n", "avx2"};
    va_metrics *metrics = made();

    assert_has_not(metrics, "build_info");
    assert_int_equal(va_metrics_describe(metrics, VA_METRIC_BUILD, values, NULL), 0);
    assert_int_equal(va_metrics_describe(metrics, VA_METRIC_BUILD, values, NULL), 0);
    assert_has(metrics, "voice_assistant_build_info{version=\"1.0\",model=\"C:\\\\\\\"x\\\"\\n\",kernels=\"avx2\"} 1\n");
    va_metrics_free(metrics);
}

static void nothing_is_counted_without_a_registry(void **state)
{
    static const char *const values[] = {"", "", ""};

    va_metrics_add(NULL, VA_METRIC_TRANSCRIPTIONS, 0, 1);
    va_metrics_set(NULL, VA_METRIC_PRIVACY, 0, 1);
    va_metrics_observe(NULL, VA_METRIC_QUEUE_SECONDS, 0, 1);
    assert_int_equal(va_metrics_describe(NULL, VA_METRIC_BUILD, values, NULL), 0);
    va_metrics_free(NULL);
}

#define PER_THREAD 20000

static void *count(void *arg)
{
    for (int i = 0; i < PER_THREAD; i++) {
        va_metrics_add(arg, VA_METRIC_TRANSCRIPTIONS, 0, 1);
        va_metrics_observe(arg, VA_METRIC_QUEUE_SECONDS, 0, 0.5);
    }
    return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
    va_metrics *metrics = made();
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, metrics), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_has(metrics, "\ntranscriptions_total 80000\n");
    assert_has(metrics, "voice_assistant_queue_wait_seconds_bucket{le=\"0.5\"} 80000\n");
    assert_has(metrics, "voice_assistant_queue_wait_seconds_sum 40000\n");
    va_metrics_free(metrics);
}

static void a_small_buffer_and_no_memory_are_errors(void **state)
{
    va_metrics *metrics = made(), *none = NULL;
    static const char *const values[] = {"1", "2", "3"};
    struct va_buffer out;
    va_error error;

    va_buffer_init(&out, 100);
    assert_int_equal(va_metrics_write(metrics, &out), VA_ELIMIT);
    va_buffer_free(&out);
    va_memory_fail_after(1);
    assert_int_equal(va_metrics_new(&none, &error), VA_ENOMEM);
    va_memory_fail_after(1);
    assert_int_equal(va_metrics_describe(metrics, VA_METRIC_BUILD, values, &error), VA_ENOMEM);
    va_memory_fail_after(0);
    assert_null(none);
    va_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_begin_at_zero_and_add_up), cmocka_unit_test(labels_stand_where_their_names_say),
        cmocka_unit_test(what_is_not_known_is_not_shown),    cmocka_unit_test(a_value_at_a_bound_belongs_below_it),
        cmocka_unit_test(texts_of_labels_are_escaped),       cmocka_unit_test(nothing_is_counted_without_a_registry),
        cmocka_unit_test(nothing_is_lost_between_threads),   cmocka_unit_test(a_small_buffer_and_no_memory_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
