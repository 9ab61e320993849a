/* result.c - a transcript as a message, and back in one block of memory, as the engine makes them. */
#include "remote/message.h"

#include <string.h>
#include <zlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "remote/json_read.h"

#define VERSION 2

/* At most so many: a text may hold what looks like the beginning of one. */
static size_t count_values(const struct va_buffer *plain)
{
    size_t n = 0;

    for (size_t i = 0; i < plain->size; i++)
        n += plain->data[i] == ',' || plain->data[i] == '[' || plain->data[i] == '{';
    return n;
}

/* ---- writing ---- */

static void write_word(struct va_json *json, const va_word *word)
{
    va_json_open(json, NULL, '[');
    va_json_number(json, NULL, word->start_s, 3);
    va_json_number(json, NULL, word->end_s, 3);
    va_json_number(json, NULL, (double)word->probability, 9);
    va_json_text(json, NULL, word->text);
    va_json_close(json, ']');
}

static void write_segment(struct va_json *json, const va_segment *segment)
{
    va_json_open(json, NULL, '{');
    va_json_number(json, "start", segment->start_s, 3);
    va_json_number(json, "end", segment->end_s, 3);
    va_json_text(json, "text", segment->text);
    va_json_number(json, "confidence", (double)segment->confidence, 9);
    va_json_number(json, "logprob", (double)segment->avg_logprob, 9);
    va_json_number(json, "no_speech", (double)segment->no_speech_prob, 9);
    va_json_number(json, "compression_ratio", (double)segment->compression_ratio, 9);
    va_json_number(json, "temperature", (double)segment->temperature, 3);
    va_json_open(json, "tokens", '[');
    for (size_t i = 0; i < segment->n_tokens; i++)
        va_json_integer(json, NULL, segment->tokens[i]);
    va_json_close(json, ']');
    va_json_open(json, "logprobs", '[');
    for (size_t i = 0; i < segment->n_tokens; i++)
        va_json_number(json, NULL, (double)segment->logprobs[i], 6);
    va_json_close(json, ']');
    va_json_open(json, "words", '[');
    for (size_t i = 0; i < segment->n_words; i++)
        write_word(json, &segment->words[i]);
    va_json_close(json, ']');
    va_json_close(json, '}');
}

static void write_transcript(struct va_json *json, const va_transcript *transcript)
{
    va_json_open(json, "transcript", '{');
    va_json_number(json, "confidence", (double)transcript->confidence, 9);
    va_json_text(json, "language", transcript->language);
    va_json_number(json, "language_probability", (double)transcript->language_probability, 9);
    va_json_number(json, "no_speech", (double)transcript->no_speech_prob, 9);
    va_json_number(json, "duration", transcript->duration_s, 6);
    va_json_number(json, "mel_ms", transcript->timing.mel_ms, 3);
    va_json_number(json, "encode_ms", transcript->timing.encode_ms, 3);
    va_json_number(json, "decode_ms", transcript->timing.decode_ms, 3);
    va_json_number(json, "total_ms", transcript->timing.total_ms, 3);
    va_json_integer(json, "windows", transcript->n_windows);
    va_json_integer(json, "retried", transcript->n_retried);
    va_json_text(json, "text", transcript->text);
    va_json_open(json, "segments", '[');
    for (size_t i = 0; i < transcript->n_segments; i++)
        write_segment(json, &transcript->segments[i]);
    va_json_close(json, ']');
    va_json_close(json, '}');
}

int va_remote_write_result(const struct va_remote_result *result, struct va_buffer *out)
{
    struct va_buffer plain;
    struct va_json json = {.out = &plain};
    int r;

    va_buffer_init(&plain, VA_REMOTE_MAX_RESULT);
    va_json_open(&json, NULL, '{');
    va_json_integer(&json, "v", VERSION);
    va_json_text(&json, "job", result->job);
    va_json_integer(&json, "status", result->status);
    va_json_text(&json, "error", result->status < 0 ? result->error.text : NULL);
    va_json_number(&json, "run_ms", result->run_ms, 3);
    if (result->status == 0)
        write_transcript(&json, result->transcript);
    va_json_close(&json, '}');
    r = json.error == 0 && count_values(&plain) > VA_REMOTE_MAX_VALUES ? VA_ELIMIT : json.error;
    if (r < 0)
        goto end;
    uLongf n = compressBound((uLong)plain.size);
    if ((r = va_buffer_reserve(out, n)) < 0)
        goto end;
    r = compress2((Bytef *)out->data + out->size, &n, (const Bytef *)plain.data, (uLong)plain.size, Z_BEST_SPEED) == Z_OK ? 0 : VA_ENOMEM;
    if (r == 0)
        out->size += n;

end:
    va_buffer_free(&plain);
    return r;
}

/* ---- reading ---- */

/* Where the parts of a transcript go, in one block. First only counted (block NULL), then filled. */
struct layout {
    char *block;
    size_t n_words, n_tokens, n_text;
    va_segment *segments;
    va_word *words;
    int32_t *tokens;
    float *logprobs;
    char *text;
};

static const char *put_text(struct layout *layout, const char *text)
{
    size_t n = strlen(text) + 1, at = layout->n_text;

    layout->n_text += n;
    return layout->block != NULL ? memcpy(layout->text + at, text, n) : NULL;
}

static int read_words(const json_t *words, va_segment *segment, struct layout *layout)
{
    segment->n_words = json_array_size(words);
    segment->words = layout->block != NULL && segment->n_words > 0 ? layout->words + layout->n_words : NULL;
    for (size_t i = 0; i < segment->n_words; i++) {
        const json_t *word = json_array_get(words, i);
        const char *text = json_string_value(json_array_get(word, 3));
        if (json_array_size(word) != 4 || text == NULL || !json_is_number(json_array_get(word, 0)) ||
            !json_is_number(json_array_get(word, 1)) || !json_is_number(json_array_get(word, 2)))
            return VA_EFORMAT;
        text = put_text(layout, text);
        if (layout->block != NULL)
            layout->words[layout->n_words] = (va_word){
                .start_s = json_number_value(json_array_get(word, 0)),
                .end_s = json_number_value(json_array_get(word, 1)),
                .probability = (float)json_number_value(json_array_get(word, 2)),
                .text = text,
            };
        layout->n_words++;
    }
    return json_is_array(words) ? 0 : VA_EFORMAT;
}

static int read_tokens(const json_t *tokens, const json_t *logprobs, va_segment *segment, struct layout *layout)
{
    segment->n_tokens = json_array_size(tokens);
    segment->tokens = layout->block != NULL ? layout->tokens + layout->n_tokens : NULL;
    segment->logprobs = layout->block != NULL ? layout->logprobs + layout->n_tokens : NULL;
    for (size_t i = 0; i < segment->n_tokens; i++) {
        json_int_t token = json_integer_value(json_array_get(tokens, i));
        if (token < 0 || token > INT32_MAX || !json_is_number(json_array_get(logprobs, i)))
            return VA_EFORMAT;
        if (layout->block != NULL) {
            layout->tokens[layout->n_tokens] = (int32_t)token;
            layout->logprobs[layout->n_tokens] = (float)json_number_value(json_array_get(logprobs, i));
        }
        layout->n_tokens++;
    }
    return json_is_array(tokens) && json_array_size(logprobs) == segment->n_tokens ? 0 : VA_EFORMAT;
}

static int read_segment(const json_t *object, va_segment *ret_segment, struct layout *layout)
{
    va_segment segment = {.start_s = 0};
    const char *text = json_string_value(json_object_get(object, "text"));

    if (text == NULL || va_remote_read_number(object, "start", &segment.start_s) < 0 ||
        va_remote_read_number(object, "end", &segment.end_s) < 0 || va_remote_read_float(object, "confidence", &segment.confidence) < 0 ||
        va_remote_read_float(object, "logprob", &segment.avg_logprob) < 0 ||
        va_remote_read_float(object, "no_speech", &segment.no_speech_prob) < 0 ||
        va_remote_read_float(object, "compression_ratio", &segment.compression_ratio) < 0 ||
        va_remote_read_float(object, "temperature", &segment.temperature) < 0)
        return VA_EFORMAT;
    segment.text = put_text(layout, text);
    if (read_tokens(json_object_get(object, "tokens"), json_object_get(object, "logprobs"), &segment, layout) < 0 ||
        read_words(json_object_get(object, "words"), &segment, layout) < 0)
        return VA_EFORMAT;
    *ret_segment = segment;
    return 0;
}

/* Once to count, once to fill. */
static int read_parts(const json_t *object, va_transcript *transcript, struct layout *layout)
{
    const json_t *segments = json_object_get(object, "segments");
    const char *text = json_string_value(json_object_get(object, "text"));
    int r = text != NULL && json_is_array(segments) ? 0 : VA_EFORMAT;

    layout->n_words = layout->n_tokens = layout->n_text = 0;
    if (r == 0)
        transcript->text = put_text(layout, text);
    transcript->n_segments = json_array_size(segments);
    transcript->segments = layout->segments;
    for (size_t i = 0; i < transcript->n_segments && r == 0; i++) {
        va_segment segment;
        r = read_segment(json_array_get(segments, i), &segment, layout);
        if (r == 0 && layout->block != NULL)
            layout->segments[i] = segment;
    }
    return r;
}

static int read_head(const json_t *object, va_transcript *ret_head)
{
    va_transcript head = {.confidence = 0};
    const char *language = json_string_value(json_object_get(object, "language"));

    if (language == NULL || strlen(language) >= sizeof head.language || va_remote_read_float(object, "confidence", &head.confidence) < 0 ||
        va_remote_read_float(object, "language_probability", &head.language_probability) < 0 ||
        va_remote_read_float(object, "no_speech", &head.no_speech_prob) < 0 ||
        va_remote_read_number(object, "duration", &head.duration_s) < 0 ||
        va_remote_read_number(object, "mel_ms", &head.timing.mel_ms) < 0 ||
        va_remote_read_number(object, "encode_ms", &head.timing.encode_ms) < 0 ||
        va_remote_read_number(object, "decode_ms", &head.timing.decode_ms) < 0 ||
        va_remote_read_number(object, "total_ms", &head.timing.total_ms) < 0 ||
        va_remote_read_int(object, "windows", 0, INT32_MAX, &head.n_windows) < 0 ||
        va_remote_read_int(object, "retried", 0, INT32_MAX, &head.n_retried) < 0)
        return VA_EFORMAT;
    memcpy(head.language, language, strlen(language) + 1);
    *ret_head = head;
    return 0;
}

static int read_transcript(const json_t *object, va_transcript **ret_transcript)
{
    struct layout layout = {.block = NULL};
    va_transcript head;
    int r = read_head(object, &head);

    if (r == 0)
        r = read_parts(object, &head, &layout);
    if (r < 0)
        return r;
    size_t segments = head.n_segments * sizeof *layout.segments, words = layout.n_words * sizeof *layout.words,
           tokens = layout.n_tokens * sizeof *layout.tokens, logprobs = layout.n_tokens * sizeof *layout.logprobs;
    va_transcript *transcript = va_alloc(sizeof *transcript + segments + words + tokens + logprobs + layout.n_text, 1);
    if (transcript == NULL)
        return VA_ENOMEM;
    layout.block = (char *)(transcript + 1); /* in falling order of alignment */
    layout.segments = (va_segment *)layout.block;
    layout.words = (va_word *)(layout.block + segments);
    layout.tokens = (int32_t *)(layout.block + segments + words);
    layout.logprobs = (void *)(layout.block + segments + words + tokens);
    layout.text = layout.block + segments + words + tokens + logprobs;
    *transcript = head;
    (void)read_parts(object, transcript, &layout); /* it has succeeded once */
    *ret_transcript = transcript;
    return 0;
}

static int unpack(const char *data, size_t n, struct va_buffer *out)
{
    z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)n};
    char piece[16384];
    int r = 0, z = Z_OK;

    if (inflateInit(&stream) != Z_OK)
        return VA_ENOMEM;
    while (r == 0 && z == Z_OK) {
        stream.next_out = (Bytef *)piece;
        stream.avail_out = sizeof piece;
        z = inflate(&stream, Z_NO_FLUSH);
        if (z != Z_OK && z != Z_STREAM_END)
            r = VA_EFORMAT;
        else
            r = va_buffer_append(out, piece, sizeof piece - stream.avail_out);
    }
    inflateEnd(&stream);
    return r == VA_ELIMIT ? VA_EFORMAT : r;
}

static int read_document(const json_t *document, struct va_remote_result *ret_result)
{
    struct va_remote_result result = {.status = 0};
    const char *text;

    if (va_remote_read_name(document, "job", result.job) < 0 || va_remote_read_int(document, "status", VA_EFAILED, 0, &result.status) < 0 ||
        va_remote_read_number(document, "run_ms", &result.run_ms) < 0 ||
        va_remote_read_text(document, "error", sizeof result.error.text - 1, &text) < 0 || (result.status < 0 && text == NULL))
        return VA_EFORMAT;
    if (result.status < 0)
        (void)va_fail(&result.error, result.status, "%s", text);
    int r = result.status == 0 ? read_transcript(json_object_get(document, "transcript"), &result.transcript) : 0;
    if (r == 0)
        *ret_result = result;
    return r;
}

int va_remote_read_result(const char *data, size_t n, struct va_remote_result *ret_result)
{
    struct va_buffer plain;
    json_t *document = NULL;

    va_buffer_init(&plain, VA_REMOTE_MAX_RESULT);
    int r = n <= VA_REMOTE_MAX_MESSAGE ? unpack(data, n, &plain) : VA_EFORMAT;
    if (r == 0 && count_values(&plain) > VA_REMOTE_MAX_VALUES)
        r = VA_EFORMAT;
    if (r == 0) {
        document = va_remote_parse(plain.data != NULL ? plain.data : "", plain.size, VERSION);
        r = document != NULL ? read_document(document, ret_result) : VA_EFORMAT;
    }
    json_decref(document);
    va_buffer_free(&plain);
    return r;
}
