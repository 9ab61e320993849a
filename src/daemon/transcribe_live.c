#include "daemon/transcribe_live.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "assistant/transcript_json.h"
#include "audio/decode.h"
#include "audio/source.h"
#include "base/clock.h"
#include "base/memory.h"

#define MAX_EVENT_BYTES ((size_t)1 << 20)
#define BLOCK_SAMPLES 320 /* 20 ms: what a sound card gives at a time */
#define TIMES_COLUMNS 19  /* of a line, before its text */

/* What prints the events; used by the stream's thread until the stream is gone. */
struct printer {
    const struct va_live_options *options;
    const char *file;
    double start_ms; /* when the first sample was pushed */
    int columns;     /* of the terminal, 0: standard output is none */
    struct va_buffer out;
    int status; /* of the first failure */
};

static const char *const event_names[] = {"", "start", "partial", "ready", "resumed", "final"};

static int append_json(struct printer *printer, const va_stream_event *event)
{
    struct va_json json = {.out = &printer->out};

    va_json_open(&json, NULL, '{');
    va_json_text(&json, "file", printer->file);
    va_json_text(&json, "event", event_names[event->kind]);
    va_json_integer(&json, "utterance", (int64_t)event->utterance);
    va_json_number(&json, "at", (va_clock_ms() - printer->start_ms) / 1000.0, 4);
    va_json_number(&json, "heard", event->heard_s, 3);
    va_json_number(&json, "wait_ms", event->wait_ms, 1);
    va_json_number(&json, "from", event->start_s, 3);
    va_json_number(&json, "to", event->end_s, 3);
    va_json_number(&json, "speech_end", event->speech_end_s, 3);
    if (event->transcript != NULL) {
        char *stable = va_strndup(event->text, event->n_stable);
        if (stable == NULL)
            return VA_ENOMEM;
        va_json_text(&json, "stable", stable);
        va_free(stable);
        va_transcript_json(&json, event->transcript);
    }
    va_json_close(&json, '}');
    return json.error < 0 ? json.error : va_buffer_append(&printer->out, "\n", 1);
}

/* Of the character that begins with this byte, or 0 within one: what lies beyond U+1000 may be wide. */
static int columns_of(char byte)
{
    unsigned char first = (unsigned char)byte;
    return (first & 0xc0) == 0x80 ? 0 : first > 0xe0 ? 2 : 1;
}

/* Where to begin with a text so that its end, where it grows, fits. */
static size_t skip_to_fit(const char *text, int columns)
{
    size_t at = strlen(text);

    while (at > 0 && columns >= 0)
        columns -= columns_of(text[--at]);
    while (columns < 0 || columns_of(text[at]) == 0)
        columns += columns_of(text[at++]);
    return at;
}

/* "   0.84   2.31   Turn on the light."; a partial text has a ~ and its stable words before a bar, one that is ready a ?. */
static int append_text(struct printer *printer, const va_stream_event *event)
{
    int is_partial = event->kind == VA_STREAM_PARTIAL, is_final = event->kind == VA_STREAM_FINAL;
    size_t from = printer->columns > 0 && !is_final ? skip_to_fit(event->text, printer->columns - TIMES_COLUMNS) : 0;
    size_t stable = event->n_stable > from ? event->n_stable - from : 0;
    const char *text = event->text + from, *mark = is_final ? " " : is_partial ? "~" : "?";
    int r = printer->columns > 0 ? va_buffer_append_string(&printer->out, "\r\033[K") : 0;

    if (r < 0 || *event->text == '\0')
        return r;
    r = va_buffer_printf(&printer->out, "%7.2f %7.2f %s ", event->start_s, event->end_s, mark);
    if (r == 0 && is_partial)
        r = va_buffer_printf(&printer->out, "%.*s|%s", (int)stable, text, text + stable);
    else if (r == 0)
        r = va_buffer_append_string(&printer->out, text);
    if (r == 0 && (printer->columns == 0 || is_final))
        r = va_buffer_append(&printer->out, "\n", 1);
    return r;
}

static void print_event(void *user, const va_stream_event *event)
{
    struct printer *printer = user;

    if (printer->status < 0)
        return;
    printer->out.size = 0;
    int r = printer->options->format == VA_OUTPUT_JSON ? append_json(printer, event) : append_text(printer, event);
    if (r == 0)
        r = va_buffer_print(&printer->out);
    printer->status = r;
}

/* ---- feeding ---- */

/* A recording or a live pipe; one of the two is NULL. */
struct feed {
    va_audio_decoder *decoder;
    va_audio_source *pipe;
};

static int open_feed(const struct va_live_options *options, const char *file, struct feed *feed, va_error *error)
{
    const struct va_decode_options decode = {.raw = options->raw};

    if (options->raw && strcmp(file, "-") == 0)
        return va_audio_source_open("-", &feed->pipe, error);
    return va_audio_decoder_open(file, &decode, &feed->decoder, error);
}

static void close_feed(struct feed *feed)
{
    va_audio_decoder_free(feed->decoder);
    va_audio_source_free(feed->pipe);
}

static int64_t read_feed(struct feed *feed, float *pcm, va_error *error)
{
    int64_t n;

    if (feed->decoder != NULL) {
        n = va_audio_decoder_read(feed->decoder, pcm, BLOCK_SAMPLES);
        if (n < 0)
            *error = *va_audio_decoder_error(feed->decoder);
        return n;
    }
    do
        n = va_audio_source_read(feed->pipe, pcm, BLOCK_SAMPLES);
    while (n == VA_ETIMEOUT);
    return n < 0 ? va_fail(error, (int)n, "cannot read standard input") : n;
}

static void sleep_until(double ms)
{
    double left = ms - va_clock_ms();

    if (left > 0.0) {
        struct timespec pause = {.tv_sec = (time_t)(left / 1000.0)};
        pause.tv_nsec = (long)((left - 1000.0 * (double)pause.tv_sec) * 1e6);
        nanosleep(&pause, NULL);
    }
}

/* A block is pushed when its last sample has been spoken. */
static int feed_stream(struct printer *printer, struct feed *feed, va_stream *stream, va_error *error)
{
    double pace = feed->pipe != NULL ? 0.0 : printer->options->pace, spoken_ms = 0.0;
    float pcm[BLOCK_SAMPLES];
    int64_t n;
    int r = 0;

    while (r == 0 && (n = read_feed(feed, pcm, error)) != 0) {
        if (n < 0)
            return (int)n;
        spoken_ms += (double)n * 1000.0 / VA_SAMPLE_RATE_HZ;
        if (pace > 0.0)
            sleep_until(printer->start_ms + spoken_ms / pace);
        r = va_stream_push(stream, pcm, (size_t)n, error);
    }
    return r == 0 ? va_stream_finish(stream, error) : r;
}

static int terminal_columns(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 2 * TIMES_COLUMNS ? size.ws_col : 80;
}

int va_transcribe_live(const struct va_live_options *options, const char *file, va_error *error)
{
    struct printer printer = {.options = options, .file = file, .columns = terminal_columns()};
    struct feed feed = {0};
    va_stream *stream = NULL;

    va_buffer_init(&printer.out, MAX_EVENT_BYTES);
    int r = open_feed(options, file, &feed, error);
    if (r == 0)
        r = va_stream_new(options->model, options->vad_model, &options->stream, print_event, &printer, &stream, error);
    printer.start_ms = va_clock_ms();
    if (r == 0)
        r = feed_stream(&printer, &feed, stream, error);
    va_stream_free(stream);
    close_feed(&feed);
    va_buffer_free(&printer.out);
    if (r == 0 && printer.status < 0)
        r = va_fail(error, printer.status, "cannot print what was heard: %s", va_status_text(printer.status));
    return r;
}
