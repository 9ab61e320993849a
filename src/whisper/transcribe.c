/* transcribe.c - audio of any length to a transcript: window by window, with language detection, temperature fallback and the checks that
 * tell silence and endless repetition from text. Source of the rules: openai/whisper, whisper/transcribe.py. */
#include <voice_assistant.h>

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "whisper/context.h"
#include "whisper/rules.h"
#include "whisper/segments.h"
#include "whisper/silence.h"
#include "whisper/steering.h"

#define MIN_SAMPLES 1600      /* 0.1 s: less holds no word */
#define FALLBACK_BEAMS 5      /* samples drawn at temperatures above 0 */
#define MAX_NEW_TOKENS 224    /* half of the text context */
#define MAX_PROMPT_TOKENS 223 /* half of the text context less one */
#define MAX_TOKENS_PER_S 16.0
#define SILENCE_PEAK (1.5f / 32768.0f) /* digital silence, dithered or not */

/* One transcription under way. */
struct job {
    va_context *context;
    const va_transcribe_options *options;
    va_read_fn read;
    void *read_user;
    uint64_t total_samples;
    int language;   /* index, -1: not yet known */
    int timestamps; /* decode with timestamps */
    int32_t user_prompt[MAX_PROMPT_TOKENS];
    int n_user_prompt;
    int32_t history[MAX_PROMPT_TOKENS]; /* text of earlier windows */
    int n_history;

    size_t n_pcm;          /* samples in context->pcm */
    uint64_t window_start; /* sample where the window begins */
    int ended;             /* the reader has no more */
    int whole_window;      /* the encoder holds all 1500 frames, not a clip with virtual silence */
    va_transcript *head;   /* of the transcript that grows in the context */
    va_error *error;
};

/* What decoding a window gave. */
struct outcome {
    struct va_search_result result;
    float temperature, compression_ratio;
    int silent; /* nothing was said */
};

static double seconds(uint64_t samples)
{
    return (double)samples / VA_SAMPLE_RATE_HZ;
}

static int report_progress(void *user)
{
    struct job *job = user;
    if (job->options->progress == NULL)
        return 0;
    return job->options->progress(job->options->progress_user, seconds(job->window_start), seconds(job->total_samples));
}

static int fail_cancelled(const struct job *job)
{
    return va_fail(job->error, VA_ECANCELLED, "cancelled");
}

/* ---- the window ---- */

/* Moves the window on by `samples` and fills it up again. */
static int advance(struct job *job, size_t samples)
{
    float *pcm = job->context->pcm;

    job->n_pcm -= samples;
    job->window_start += samples;
    memmove(pcm, pcm + samples, job->n_pcm * sizeof *pcm);
    while (!job->ended && job->n_pcm < VA_WINDOW_SAMPLES) {
        int64_t n = job->read(job->read_user, pcm + job->n_pcm, VA_WINDOW_SAMPLES - job->n_pcm);
        if (n < 0)
            return va_fail(job->error, (int)n, "reading audio failed: %s", va_status_text((int)n));
        job->ended = n == 0;
        for (int64_t i = 0; i < n; i++)
            if (!isfinite(pcm[job->n_pcm + (size_t)i]))
                pcm[job->n_pcm + (size_t)i] = 0.0f;
        job->n_pcm += (size_t)n;
    }
    return 0;
}

static int is_digital_silence(const struct job *job)
{
    for (size_t i = 0; i < job->n_pcm; i++)
        if (fabsf(job->context->pcm[i]) > SILENCE_PEAK)
            return 0;
    return 1;
}

/* Frames to encode: those of the audio with a margin, behind which virtual silence stands; or the whole window. */
static int frames_to_encode(const struct job *job)
{
    int frames = (int)((job->n_pcm + VA_FRAME_SAMPLES - 1) / VA_FRAME_SAMPLES) + VA_MARGIN_FRAMES;
    return job->context->model->silence.rows > 0 && frames <= VA_LONGEST_CLIP_FRAMES ? frames : VA_WINDOW_FRAMES;
}

static int encode_window(struct job *job, int frames)
{
    va_context *context = job->context;
    va_timing *timing = &job->head->timing;
    float top;

    double start_ms = va_clock_ms();
    va_log_mel_compute(context->log_mel, context->pcm, job->n_pcm, (size_t)2 * (size_t)frames, context->mel, &top);
    job->whole_window = frames == VA_WINDOW_FRAMES;
    if (!job->whole_window && top < VA_QUIETEST_TOP)
        return encode_window(job, VA_WINDOW_FRAMES);
    va_log_mel_scale(context->mel, (size_t)2 * (size_t)frames, top, job->whole_window ? 0.0f : VA_SILENCE_TOP - top);
    double mel_ms = va_clock_ms();
    enum va_encoder_tail tail = job->whole_window ? VA_TAIL_NOTHING : VA_TAIL_SILENCE;
    if (va_encoder_run(context->encoder, context->mel, frames, tail, report_progress, job) < 0)
        return fail_cancelled(job);
    timing->mel_ms += mel_ms - start_ms;
    timing->encode_ms += va_clock_ms() - mel_ms;
    return 0;
}

static void detect_language(struct job *job)
{
    const struct va_special_tokens *special = job->context->model->special;
    int32_t start = special->start;
    struct va_token_set languages = {{0}};
    int best = 0;
    double sum = 0.0;

    va_token_set_add_range(&languages, special->first_language, special->first_language + special->n_languages);
    const float *logits = va_search_feed(job->context->search, job->context->encoder, &start, 1, &languages) + special->first_language;
    for (int i = 1; i < special->n_languages; i++)
        if (logits[i] > logits[best])
            best = i;
    for (int i = 0; i < special->n_languages; i++)
        sum += exp((double)logits[i] - logits[best]);
    job->language = best;
    job->head->language_probability = (float)(1.0 / sum);
}

/* ---- decoding ---- */

/* The last tokens that fit: what the user gave, then the text before. Returns the length of prompt. */
static int build_prompt(const struct job *job, int32_t *prompt, int *ret_start)
{
    const struct va_special_tokens *special = job->context->model->special;
    int n = 0, n_history = job->options->condition_on_previous_text ? job->n_history : 0;
    int n_user = job->n_user_prompt;

    if (n_history + n_user > MAX_PROMPT_TOKENS)
        n_history = MAX_PROMPT_TOKENS - n_user;
    if (n_user + n_history > 0) {
        prompt[n++] = special->start_of_prev;
        memcpy(prompt + n, job->user_prompt, (size_t)n_user * sizeof *prompt);
        n += n_user;
        memcpy(prompt + n, job->history + job->n_history - n_history, (size_t)n_history * sizeof *prompt);
        n += n_history;
    }
    *ret_start = n;
    prompt[n++] = special->start;
    if (special->multilingual) {
        prompt[n++] = special->first_language + job->language;
        prompt[n++] = job->options->translate ? special->translate : special->transcribe;
    }
    if (!job->timestamps)
        prompt[n++] = special->no_timestamps;
    return n;
}

/* How much the text repeats itself. */
static int compression_ratio(struct job *job, const struct va_hypothesis *hypothesis, float *ret_ratio)
{
    struct va_buffer *text = &job->context->text;

    va_buffer_clear(text);
    int r = va_tokenizer_decode(job->context->model->tokenizer, hypothesis->tokens, (size_t)hypothesis->n, text);
    if (r < 0)
        return r == VA_ENOMEM ? va_fail_memory(job->error) : va_fail(job->error, r, "a window of more than a megabyte of text");
    *ret_ratio = va_compression_ratio(job->context->compression, text->data, strlen(text->data));
    return 0;
}

/* More text than anybody can say in the time. */
static int is_too_long(const struct job *job, const struct va_hypothesis *best)
{
    return best->n > 16 + (int)(MAX_TOKENS_PER_S * seconds(job->n_pcm));
}

/* What all searches of a window have in common. prompt [VA_SEARCH_MAX_TOKENS] and rules are the caller's room. */
static struct va_search_options search_options(struct job *job, int32_t *prompt, struct va_rules *rules)
{
    struct va_search_options search = {
        .prompt = prompt,
        .seed = job->options->seed,
        .max_tokens = MAX_NEW_TOKENS,
        .filter = va_rules_apply,
        .filter_user = rules,
        .cancelled = report_progress,
        .cancelled_user = job,
    };
    *rules = (struct va_rules){.model = job->context->model, .timestamps = job->timestamps};
    search.n_prompt = build_prompt(job, prompt, &search.start);
    return search;
}

/* Decodes the encoded window, at rising temperatures until the result passes the checks. A clip that trips a guard against endless
 * repetition is tried with the whole window first. */
static int decode_window(struct job *job, struct outcome *ret_outcome)
{
    const va_transcribe_options *options = job->options;
    int32_t prompt[VA_SEARCH_MAX_TOKENS];
    struct va_rules rules;
    struct va_search_options search = search_options(job, prompt, &rules);
    struct outcome outcome = {0};

    search.guess = options->guess;
    search.n_guess = job->window_start == 0 ? (int)(options->n_guess < VA_SEARCH_MAX_GUESS ? options->n_guess : VA_SEARCH_MAX_GUESS) : 0;
    for (int step = 0; step <= 5; step++) {
        search.temperature = 0.2f * (float)step;
        search.beams = step == 0 ? options->beam_size : FALLBACK_BEAMS;
        int r = va_context_need_beams(job->context, search.beams, job->error);
        if (r < 0)
            return r;
        r = va_search_run(job->context->search, job->context->encoder, &search, &outcome.result);
        if (r < 0)
            return r == VA_ECANCELLED ? fail_cancelled(job) : va_fail(job->error, r, "decoding failed");
        outcome.temperature = search.temperature;
        if ((r = compression_ratio(job, outcome.result.best, &outcome.compression_ratio)) < 0)
            return r;
        int doubtful = outcome.result.avg_logprob < options->avg_logprob_threshold;
        int repeats = outcome.compression_ratio > options->compression_ratio_threshold || outcome.result.best->looping;
        if (!job->whole_window && (repeats || is_too_long(job, outcome.result.best))) {
            job->head->n_retried++;
            if ((r = encode_window(job, VA_WINDOW_FRAMES)) < 0)
                return r;
            step = -1;
            continue;
        }
        outcome.silent = doubtful && outcome.result.no_speech_prob > options->no_speech_threshold;
        if (!options->temperature_fallback || outcome.silent || (!doubtful && !repeats))
            break;
    }
    *ret_outcome = outcome;
    return 0;
}

/* ---- results ---- */

static void remember(struct job *job, const struct outcome *outcome)
{
    const struct va_hypothesis *best = outcome->result.best;
    int end = job->context->model->special->end;

    if (outcome->temperature > 0.5f)
        job->n_history = 0;
    for (int i = 0; i < best->n; i++) {
        if (best->tokens[i] >= end)
            continue;
        if (job->n_history == MAX_PROMPT_TOKENS)
            memmove(job->history, job->history + 1, (size_t)--job->n_history * sizeof *job->history);
        job->history[job->n_history++] = best->tokens[i];
    }
}

/* Word times of the window's text, given to its segments. */
static int add_words(struct job *job, const struct va_hypothesis *best, const struct va_token_span *spans, int n_spans,
                     size_t first_segment, int frames)
{
    va_context *context = job->context;
    const va_model *model = context->model;
    int32_t prompt[VA_SEARCH_MAX_TOKENS], text[VA_SEARCH_MAX_TOKENS];
    float logprobs[VA_SEARCH_MAX_TOKENS];
    int times[VA_SEARCH_MAX_TOKENS + 1], counts[VA_SEGMENTS_MAX], n = 0, start;

    for (int s = 0; s < n_spans; s++) {
        int before = n;
        for (int i = spans[s].first; i < spans[s].first + spans[s].n; i++)
            if (best->tokens[i] < model->special->end) {
                text[n] = best->tokens[i];
                logprobs[n++] = best->logprobs[i];
            }
        counts[s] = n - before;
    }
    if (n == 0)
        return 0;
    int n_prompt = build_prompt(job, prompt, &start) - (job->timestamps ? 0 : 1);
    int r = va_context_need_aligner(context, job->error);
    if (r == 0)
        r = va_words_align(context->aligner, context->search, context->encoder, prompt + start, n_prompt - start, text, n, frames, times,
                           job->error);
    size_t segment = first_segment;
    for (int s = 0, at = 0; r == 0 && s < n_spans; at += counts[s++]) {
        if (spans[s].n < 0 || counts[s] == 0)
            continue;
        va_words_join(model->tokenizer, va_language_code(job->language), text + at, logprobs + at, counts[s], times + at,
                      seconds(job->window_start), &context->words);
        r = va_transcript_add_words(&context->transcript, segment++, context->words.words, context->words.n, job->error);
    }
    return r;
}

static int add_segments(struct job *job, const struct outcome *outcome, int frames, int *ret_advance)
{
    const va_model *model = job->context->model;
    const struct va_hypothesis *best = outcome->result.best;
    struct va_token_span spans[VA_SEGMENTS_MAX], with_text[VA_SEGMENTS_MAX];
    size_t first_segment = job->head->n_segments;
    int n_with_text = 0, r = 0;

    int n = va_segments_cut(model->special, best->tokens, best->n, frames, spans, ret_advance);
    for (int i = 0; i < n && r == 0; i++) {
        struct va_segment segment = {
            .start_s = seconds(job->window_start) + spans[i].start_frame * VA_FRAME_S,
            .end_s = seconds(job->window_start) + spans[i].end_frame * VA_FRAME_S,
            .no_speech_prob = outcome->result.no_speech_prob,
            .compression_ratio = outcome->compression_ratio,
            .temperature = outcome->temperature,
        };
        size_t text_before = job->context->transcript.text.size;
        int added;
        r = va_transcript_add(&job->context->transcript, model->tokenizer, &segment, best->tokens + spans[i].first,
                              best->logprobs + spans[i].first, spans[i].n, &added, job->error);
        if (r == 0 && added)
            with_text[n_with_text++] = spans[i];
        if (r == 0 && added && job->options->on_text != NULL)
            job->options->on_text(job->options->on_text_user, job->context->transcript.text.data + text_before);
    }
    if (r == 0 && job->options->timestamps == VA_TIMESTAMPS_WORD)
        r = add_words(job, best, with_text, n_with_text, first_segment, frames);
    return r;
}

/* The most likely command, where the text is none. The hypothesis of the text is gone after that. */
static int steer(struct job *job, const struct outcome *outcome)
{
    int32_t prompt[VA_SEARCH_MAX_TOKENS];
    struct va_rules rules;
    struct va_search_options search = search_options(job, prompt, &rules);

    return va_steering_search(job->context, job->options->steering, &search, &outcome->result, job->context->text.data, job->error);
}

static int transcribe_window(struct job *job)
{
    struct outcome outcome = {0};
    int frames = (int)((job->n_pcm + VA_FRAME_SAMPLES - 1) / VA_FRAME_SAMPLES), advance_frames = frames;
    va_timing *timing = &job->head->timing;

    if (is_digital_silence(job))
        return advance(job, job->n_pcm);
    int r = encode_window(job, frames_to_encode(job));
    if (r < 0)
        return r;
    double start_ms = va_clock_ms();
    job->head->n_windows++;
    if (job->language < 0)
        detect_language(job);
    if ((r = decode_window(job, &outcome)) < 0)
        return r;
    if (job->window_start == 0)
        job->head->no_speech_prob = outcome.result.no_speech_prob;
    if (!outcome.silent) {
        r = add_segments(job, &outcome, frames, &advance_frames);
        if (r == 0 && job->options->steering != NULL && job->ended && job->window_start == 0)
            r = steer(job, &outcome); /* the only window: nothing to remember, and the text is no prompt of its own search */
        else
            remember(job, &outcome);
    }
    timing->decode_ms += va_clock_ms() - start_ms;
    if (r < 0)
        return r;
    size_t samples = (size_t)advance_frames * VA_FRAME_SAMPLES;
    return advance(job, samples < job->n_pcm ? samples : job->n_pcm);
}

/* ---- the whole ---- */

static int check_options(struct job *job)
{
    const va_transcribe_options *options = job->options;
    const va_model *model = job->context->model;

    if (options->beam_size < 1 || options->beam_size > VA_SEARCH_MAX_BEAMS)
        return va_fail(job->error, VA_EINVAL, "beam size must be 1 to %d, not %d", VA_SEARCH_MAX_BEAMS, options->beam_size);
    for (size_t i = 0; i < options->n_guess; i++)
        if (options->guess[i] < 0 || options->guess[i] >= model->n_vocab)
            return va_fail(job->error, VA_EINVAL, "the guess holds a token that the model does not have: %d", (int)options->guess[i]);
    if (options->timestamps < VA_TIMESTAMPS_NONE || options->timestamps > VA_TIMESTAMPS_WORD)
        return va_fail(job->error, VA_EINVAL, "unknown kind of timestamps: %d", options->timestamps);
    int detect = options->language == NULL || *options->language == '\0' || strcmp(options->language, "auto") == 0;
    job->language = detect ? -1 : va_language_index(options->language);
    if (!detect && (job->language < 0 || job->language >= model->special->n_languages))
        return va_fail(job->error, VA_EINVAL, "unknown language '%s'", options->language);
    if (!model->special->multilingual) {
        if (job->language > 0 || options->translate)
            return va_fail(job->error, VA_EUNSUPPORTED, "this model knows English only");
        job->language = 0;
    }
    return 0;
}

static int encode_user_prompt(struct job *job)
{
    int32_t ids[4096];
    if (job->options->prompt == NULL || *job->options->prompt == '\0')
        return 0;
    struct va_buffer *text = &job->context->text;
    va_buffer_clear(text);
    int n = va_buffer_printf(text, " %s", job->options->prompt + strspn(job->options->prompt, " \t\r\n"));
    if (n == 0)
        n = va_tokenizer_encode(job->context->model->tokenizer, text->data, ids, sizeof ids / sizeof ids[0]);
    if (n < 0)
        return n == VA_ELIMIT ? va_fail(job->error, n, "the prompt is too long") : va_fail_memory(job->error);
    int skip = n > MAX_PROMPT_TOKENS ? n - MAX_PROMPT_TOKENS : 0;
    job->n_user_prompt = n - skip;
    memcpy(job->user_prompt, ids + skip, (size_t)job->n_user_prompt * sizeof *ids);
    return 0;
}

static int run(struct job *job)
{
    int r = check_options(job);
    if (r == 0)
        r = encode_user_prompt(job);
    if (r == 0)
        r = advance(job, 0);
    /* Text without timestamps has no sound place to cut: longer audio is decoded with them. */
    job->timestamps = (job->options->timestamps != VA_TIMESTAMPS_NONE && job->options->steering == NULL) || !job->ended;
    job->head->language_probability = 1.0f;
    while (r == 0 && job->n_pcm >= MIN_SAMPLES) {
        if (report_progress(job))
            return fail_cancelled(job);
        r = transcribe_window(job);
    }
    return r;
}

int va_transcribe_stream(va_context *context, va_read_fn read, void *read_user, uint64_t total_samples,
                         const va_transcribe_options *options, va_transcript **ret_transcript, va_error *error)
{
    va_transcribe_options defaults;
    va_transcribe_options_init(&defaults);
    struct job job = {
        .context = context,
        .options = options == NULL ? &defaults : options,
        .read = read,
        .read_user = read_user,
        .total_samples = total_samples,
        .head = &context->transcript.head,
        .error = error,
    };
    double start_ms = va_clock_ms();
    va_transcript_begin(&context->transcript);
    int r = run(&job);
    if (r < 0)
        return r;
    const char *code = va_language_code(job.language < 0 ? 0 : job.language);
    memcpy(job.head->language, code, strlen(code) + 1);
    if (job.language < 0)
        job.head->language_probability = 0.0f;
    job.head->duration_s = seconds(job.window_start + job.n_pcm);
    job.head->timing.total_ms = va_clock_ms() - start_ms;
    return va_transcript_end(&context->transcript, ret_transcript, error);
}

struct pcm_reader {
    const float *pcm;
    size_t left;
};

static int64_t read_pcm(void *user, float *pcm, size_t capacity)
{
    struct pcm_reader *reader = user;
    size_t n = reader->left < capacity ? reader->left : capacity;
    if (n == 0) /* then pcm may be NULL */
        return 0;
    memcpy(pcm, reader->pcm, n * sizeof *pcm);
    reader->pcm += n;
    reader->left -= n;
    return (int64_t)n;
}

int va_transcribe(va_context *context, const float *pcm, size_t n_samples, const va_transcribe_options *options,
                  va_transcript **ret_transcript, va_error *error)
{
    struct pcm_reader reader = {pcm, n_samples};
    return va_transcribe_stream(context, read_pcm, &reader, n_samples, options, ret_transcript, error);
}
