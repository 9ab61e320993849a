#include "remote/message.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "remote/json_read.h"

#define VERSION 1
#define MAX_PROMPT_BYTES 65536

static int finish(struct va_json *json)
{
    va_json_close(json, '}');
    return json->error;
}

static void begin(struct va_json *json, struct va_buffer *out)
{
    *json = (struct va_json){.out = out};
    va_json_open(json, NULL, '{');
    va_json_integer(json, "v", VERSION);
}

/* ---- offers ---- */

int va_remote_write_offer(const struct va_remote_offer *offer, struct va_buffer *out)
{
    const va_transcribe_options *options = &offer->options;
    struct va_json json;

    begin(&json, out);
    va_json_text(&json, "job", offer->job);
    va_json_text(&json, "front", offer->front);
    va_json_integer(&json, "bytes", (int64_t)offer->bytes);
    va_json_text(&json, "language", options->language);
    va_json_text(&json, "prompt", options->prompt);
    va_json_bool(&json, "translate", options->translate);
    va_json_integer(&json, "beam", options->beam_size);
    va_json_integer(&json, "timestamps", options->timestamps);
    va_json_bool(&json, "conditioning", options->condition_on_previous_text);
    va_json_bool(&json, "fallback", options->temperature_fallback);
    va_json_number(&json, "compression_ratio", (double)options->compression_ratio_threshold, 6);
    va_json_number(&json, "logprob", (double)options->avg_logprob_threshold, 6);
    va_json_number(&json, "no_speech", (double)options->no_speech_threshold, 6);
    va_json_integer(&json, "seed", (int64_t)(options->seed & INT64_MAX));
    return finish(&json);
}

int va_remote_read_offer(const char *data, size_t n, struct va_remote_offer *ret_offer)
{
    struct va_remote_offer offer = {.bytes = 0};
    va_transcribe_options *options = &offer.options;
    int64_t bytes, seed;
    json_t *document = va_remote_parse(data, n, VERSION);

    if (document == NULL)
        return VA_EFORMAT;
    va_transcribe_options_init(options);
    if (va_remote_read_name(document, "job", offer.job) == 0 && va_remote_read_name(document, "front", offer.front) == 0 &&
        va_remote_read_integer(document, "bytes", 1, INT64_C(1) << 40, &bytes) == 0 &&
        va_remote_read_text(document, "language", 16, &options->language) == 0 &&
        va_remote_read_text(document, "prompt", MAX_PROMPT_BYTES, &options->prompt) == 0 &&
        va_remote_read_int(document, "translate", 0, 1, &options->translate) == 0 &&
        va_remote_read_int(document, "beam", 1, 8, &options->beam_size) == 0 &&
        va_remote_read_int(document, "timestamps", VA_TIMESTAMPS_NONE, VA_TIMESTAMPS_WORD, &options->timestamps) == 0 &&
        va_remote_read_int(document, "conditioning", 0, 1, &options->condition_on_previous_text) == 0 &&
        va_remote_read_int(document, "fallback", 0, 1, &options->temperature_fallback) == 0 &&
        va_remote_read_float(document, "compression_ratio", &options->compression_ratio_threshold) == 0 &&
        va_remote_read_float(document, "logprob", &options->avg_logprob_threshold) == 0 &&
        va_remote_read_float(document, "no_speech", &options->no_speech_threshold) == 0 &&
        va_remote_read_integer(document, "seed", 0, INT64_MAX, &seed) == 0) {
        offer.bytes = (uint64_t)bytes;
        options->seed = (uint64_t)seed;
        offer.document = document;
        *ret_offer = offer;
        return 0;
    }
    json_decref(document);
    return VA_EFORMAT;
}

void va_remote_offer_clear(struct va_remote_offer *offer)
{
    json_decref(offer->document);
    *offer = (struct va_remote_offer){.bytes = 0};
}

int va_remote_write_answer(const char *worker, struct va_buffer *out)
{
    struct va_json json;

    begin(&json, out);
    va_json_text(&json, "worker", worker);
    return finish(&json);
}

int va_remote_read_answer(const char *data, size_t n, char ret_worker[VA_REMOTE_NAME_BYTES])
{
    json_t *document = va_remote_parse(data, n, VERSION);
    int r = VA_EFORMAT;

    if (document != NULL && json_is_null(json_object_get(document, "worker"))) {
        ret_worker[0] = '\0';
        r = 0;
    } else if (document != NULL) {
        r = va_remote_read_name(document, "worker", ret_worker);
    }
    json_decref(document);
    return r;
}

/* ---- pieces and pulses ---- */

int va_remote_write_piece(const struct va_remote_piece *piece, struct va_buffer *out)
{
    struct va_json json;

    begin(&json, out);
    va_json_text(&json, "job", piece->job);
    va_json_integer(&json, "offset", (int64_t)piece->offset);
    return finish(&json);
}

int va_remote_read_piece(const char *data, size_t n, struct va_remote_piece *ret_piece)
{
    struct va_remote_piece piece;
    int64_t offset;
    json_t *document = va_remote_parse(data, n, VERSION);
    int r = VA_EFORMAT;

    if (document != NULL && va_remote_read_name(document, "job", piece.job) == 0 &&
        va_remote_read_integer(document, "offset", 0, INT64_C(1) << 40, &offset) == 0) {
        piece.offset = (uint64_t)offset;
        *ret_piece = piece;
        r = 0;
    }
    json_decref(document);
    return r;
}

int va_remote_write_pulse(const struct va_remote_pulse *pulse, struct va_buffer *out)
{
    struct va_json json;

    begin(&json, out);
    va_json_text(&json, "worker", pulse->worker);
    va_json_integer(&json, "places", pulse->places);
    va_json_open(&json, "jobs", '[');
    for (size_t i = 0; i < pulse->n_jobs; i++)
        va_json_text(&json, NULL, pulse->jobs[i]);
    va_json_close(&json, ']');
    return finish(&json);
}

int va_remote_read_pulse(const char *data, size_t n, struct va_remote_pulse *ret_pulse)
{
    struct va_remote_pulse pulse;
    int places;
    json_t *document = va_remote_parse(data, n, VERSION), *jobs = json_object_get(document, "jobs");
    int r = VA_EFORMAT;

    pulse.places = 0;
    pulse.n_jobs = json_array_size(jobs);
    if (document != NULL && json_is_array(jobs) && pulse.n_jobs <= VA_REMOTE_MAX_JOBS &&
        va_remote_read_name(document, "worker", pulse.worker) == 0 &&
        va_remote_read_int(document, "places", 0, VA_REMOTE_MAX_PLACES, &places) == 0) {
        pulse.places = (unsigned)places;
        r = 0;
        for (size_t i = 0; i < pulse.n_jobs && r == 0; i++)
            r = va_remote_check_name(json_string_value(json_array_get(jobs, i)), pulse.jobs[i]);
    }
    json_decref(document);
    if (r == 0)
        *ret_pulse = pulse;
    return r;
}
