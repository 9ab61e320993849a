#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "speech/chime.h"
#include "speech/internal.h"

/* Words a minute. */
#define MIN_RATE 80
#define MAX_RATE 450

struct item {
    char *text, *language, *voice;
    int rate;
    int fixed;
};

struct va_speaker {
    struct va_arguments command; /* the first is an absolute path */
    char *program;
    char *voice, *language, *device, *cache_folder;
    char *wav_path;                  /* or NULL: to the device */
    uint64_t cache_max_bytes, files; /* files: written to the folder wav_path */
    int rate, has_chimes;
    double timeout_s;
    va_speech_run_fn run;
    va_speech_fn on_event;
    void *user;
    va_playback_sound_fn on_sound;
    void *sound_user;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct item queue[VA_SPEECH_MAX_QUEUE]; /* a ring */
    size_t first, n;
    enum va_chime chimes[VA_SPEECH_MAX_CHIMES]; /* [n_chimes], the first to come first */
    size_t n_chimes;
    int speaking, has_thread, ending;
    pthread_t thread;
    _Atomic int stop; /* for the text that is being said */
    int stop_fd;      /* readable then */
    struct va_speaker_status status;
};

/* ---- one text ---- */

static void tell(va_speaker *speaker, enum va_speech_event event, const va_error *error)
{
    if (speaker->on_event != NULL)
        speaker->on_event(speaker->user, event, error);
}

static int make_sound(va_speaker *speaker, const struct item *item, int stop_fd, struct va_sound *ret_sound, va_error *error)
{
    const struct va_voice voice = {.language = item->language, .voice = item->voice, .rate = item->rate};
    int is_kept = item->fixed && speaker->cache_folder != NULL && speaker->cache_max_bytes > 0;
    struct va_arguments arguments;
    char key[VA_SPEECH_KEY_BYTES];
    va_error reason;
    int r = va_arguments_fill(&speaker->command, &voice, &arguments);
    if (r < 0)
        return va_fail_memory(error);
    if (is_kept && (r = va_speech_cache_key(&arguments, item->text, key, error)) < 0)
        goto end;
    if (is_kept && va_speech_cache_get(speaker->cache_folder, key, ret_sound) == 0) {
        pthread_mutex_lock(&speaker->lock);
        speaker->status.from_cache++;
        pthread_mutex_unlock(&speaker->lock);
        goto end;
    }
    pthread_mutex_lock(&speaker->lock);
    speaker->status.programs++;
    pthread_mutex_unlock(&speaker->lock);
    const struct va_synthesis synthesis = {.arguments = &arguments,
                                           .text = item->text,
                                           .timeout_s = speaker->timeout_s,
                                           .run = speaker->run,
                                           .user = speaker->user,
                                           .stop_fd = stop_fd};
    r = va_speech_synthesise(&synthesis, ret_sound, error);
    if (r == 0 && is_kept && va_speech_cache_put(speaker->cache_folder, speaker->cache_max_bytes, key, ret_sound, &reason) < 0)
        va_log(VA_LOG_DEBUG, "speech", "a reply is not kept: %s", reason.text);

end:
    va_arguments_free(&arguments);
    return r;
}

static int is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The file for this text: wav_path itself, or the next in that folder. NULL when out of memory. */
static char *next_file(va_speaker *speaker)
{
    if (!is_folder(speaker->wav_path))
        return va_strdup(speaker->wav_path);
    return va_asprintf("%s/%06llu.wav", speaker->wav_path, (unsigned long long)++speaker->files);
}

static int play(va_speaker *speaker, const struct va_sound *sound, int is_told, va_error *error)
{
    va_playback *playback = NULL;
    char *path = NULL;
    int r;

    if (speaker->wav_path != NULL) {
        path = next_file(speaker);
        if (path == NULL)
            return va_fail_memory(error);
    } else if ((r = va_playback_open(speaker->device, &playback, error)) < 0) {
        return r;
    }
    if (playback != NULL)
        va_playback_on_sound(playback, speaker->on_sound, speaker->sound_user);
    if (is_told)
        tell(speaker, VA_SPEECH_STARTED, NULL);
    r = path != NULL ? va_sound_write(sound, path, error) : va_playback_run(playback, sound->pcm, sound->n, &speaker->stop, error);
    va_playback_free(playback);
    va_free(path);
    if (is_told)
        tell(speaker, VA_SPEECH_ENDED, NULL);
    return r;
}

static int make_chime(enum va_chime chime, struct va_sound *ret_sound, va_error *error)
{
    int r = va_chime_make(chime, ret_sound);
    return r < 0 ? va_fail_memory(error) : 0;
}

/* item NULL: the chime. */
static int say(va_speaker *speaker, const struct item *item, enum va_chime chime)
{
    struct va_sound sound = {0};
    va_error error;

    if (item == NULL && speaker->wav_path != NULL && !is_folder(speaker->wav_path))
        return 0;
    int r = item != NULL ? make_sound(speaker, item, speaker->stop_fd, &sound, &error) : make_chime(chime, &sound, &error);
    if (r == 0 && atomic_load(&speaker->stop))
        r = VA_ECANCELLED;
    if (r == 0)
        r = play(speaker, &sound, item != NULL, &error);
    va_sound_free(&sound);
    if (r < 0 && r != VA_ECANCELLED)
        tell(speaker, VA_SPEECH_FAILED, &error);
    return r;
}

/* ---- the queue ---- */

static void free_item(struct item *item)
{
    va_free(item->text);
    va_free(item->language);
    va_free(item->voice);
}

/* With the lock, which is given back meanwhile: the next chime. */
static void do_chime(va_speaker *speaker)
{
    enum va_chime chime = speaker->chimes[0];

    memmove(speaker->chimes, speaker->chimes + 1, --speaker->n_chimes * sizeof chime);
    pthread_mutex_unlock(&speaker->lock);
    int r = say(speaker, NULL, chime);
    pthread_mutex_lock(&speaker->lock);
    speaker->status.chimes += r == 0;
}

/* The same for the next text. */
static void do_text(va_speaker *speaker)
{
    struct item item = speaker->queue[speaker->first];

    speaker->first = (speaker->first + 1) % VA_SPEECH_MAX_QUEUE;
    speaker->n--;
    pthread_mutex_unlock(&speaker->lock);
    int r = say(speaker, &item, 0);
    free_item(&item);
    pthread_mutex_lock(&speaker->lock);
    *(r == 0 ? &speaker->status.said : r == VA_ECANCELLED ? &speaker->status.stopped : &speaker->status.failed) += 1;
}

static void *run(void *user)
{
    va_speaker *speaker = user;
    uint64_t count;

    pthread_mutex_lock(&speaker->lock);
    for (;;) {
        while (speaker->n + speaker->n_chimes == 0 && !speaker->ending)
            pthread_cond_wait(&speaker->changed, &speaker->lock);
        if (speaker->ending)
            break;
        speaker->speaking = 1;
        if (speaker->n_chimes > 0)
            do_chime(speaker);
        else
            do_text(speaker);
        /* Whoever stops does it under the lock and for what is being said: it is done with. */
        atomic_store(&speaker->stop, 0);
        while (read(speaker->stop_fd, &count, sizeof count) > 0)
            ;
        speaker->speaking = 0;
        pthread_cond_broadcast(&speaker->changed);
    }
    pthread_mutex_unlock(&speaker->lock);
    return NULL;
}

static int is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static int is_utf8(const char *text)
{
    size_t n = strlen(text);
    uint32_t code;
    int length = 1;

    for (size_t i = 0; i < n && length > 0; i += (size_t)length)
        length = va_utf8_next(text + i, n - i, &code);
    return length > 0;
}

static int rate_of(const va_speaker *speaker, double speed)
{
    double rate = speaker->rate * (speed > 0 ? speed : 1);

    return rate < MIN_RATE ? MIN_RATE : rate > MAX_RATE ? MAX_RATE : (int)rate;
}

/* Copies what is to be said, without line breaks and other controls. */
static int make_item(const va_speaker *speaker, const struct va_utterance *utterance, struct item *ret_item, va_error *error)
{
    const char *language = utterance->language != NULL ? utterance->language : speaker->language;
    const char *voice = utterance->voice;

    if (strlen(utterance->text) > VA_SPEECH_MAX_TEXT_BYTES || is_blank(utterance->text) || !is_utf8(utterance->text))
        return va_fail(error, VA_EINVAL, "a text to be said must be UTF-8, not blank and at most %d bytes", VA_SPEECH_MAX_TEXT_BYTES);
    if (voice == NULL || voice[0] == '\0')
        voice = speaker->voice[0] != '\0' && strcmp(language, speaker->language) == 0 ? speaker->voice : language;
    if (!va_voice_is_sound(voice) || !va_voice_is_sound(language))
        return va_fail(error, VA_EINVAL, "there can be no voice '%.60s' of the language '%.60s'", voice, language);
    struct item item = {.text = va_strdup(utterance->text),
                        .language = va_strdup(language),
                        .voice = va_strdup(voice),
                        .rate = rate_of(speaker, utterance->speed),
                        .fixed = utterance->fixed};
    if (item.text == NULL || item.language == NULL || item.voice == NULL) {
        free_item(&item);
        return va_fail_memory(error);
    }
    for (char *p = item.text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    *ret_item = item;
    return 0;
}

/* With the lock. */
static int start_thread(va_speaker *speaker, va_error *error)
{
    if (!speaker->has_thread)
        speaker->has_thread = va_thread_start(&speaker->thread, run, speaker) == 0;
    return speaker->has_thread ? 0 : va_fail(error, VA_ENOMEM, "cannot start a thread");
}

int va_speaker_chime(va_speaker *speaker, enum va_chime chime, va_error *error)
{
    int r = 0;

    if (!speaker->has_chimes)
        return 0;
    pthread_mutex_lock(&speaker->lock);
    if (speaker->n_chimes == VA_SPEECH_MAX_CHIMES)
        r = va_fail(error, VA_EBUSY, "%d chimes wait", VA_SPEECH_MAX_CHIMES);
    if (r == 0)
        r = start_thread(speaker, error);
    if (r == 0) {
        speaker->chimes[speaker->n_chimes++] = chime;
        pthread_cond_broadcast(&speaker->changed);
    }
    pthread_mutex_unlock(&speaker->lock);
    return r;
}

int va_speaker_say(va_speaker *speaker, const struct va_utterance *utterance, va_error *error)
{
    struct item item;
    int r = make_item(speaker, utterance, &item, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&speaker->lock);
    if (speaker->n == VA_SPEECH_MAX_QUEUE)
        r = va_fail(error, VA_EBUSY, "%d texts wait to be said", VA_SPEECH_MAX_QUEUE);
    if (r == 0)
        r = start_thread(speaker, error);
    if (r == 0) {
        speaker->queue[(speaker->first + speaker->n++) % VA_SPEECH_MAX_QUEUE] = item;
        pthread_cond_broadcast(&speaker->changed);
    }
    pthread_mutex_unlock(&speaker->lock);
    if (r < 0)
        free_item(&item);
    return r;
}

int va_speaker_render(va_speaker *speaker, const struct va_utterance *utterance, int stop_fd, int16_t **ret_pcm, size_t *ret_n,
                      va_error *error)
{
    struct va_sound sound;
    struct item item;
    int r = make_item(speaker, utterance, &item, error);
    if (r < 0)
        return r;
    item.fixed = 0; /* the cache is the thread's */
    r = make_sound(speaker, &item, stop_fd, &sound, error);
    free_item(&item);
    if (r < 0)
        return r;
    *ret_pcm = sound.pcm;
    *ret_n = sound.n;
    return 0;
}

/* With the lock. */
static void stop(va_speaker *speaker)
{
    speaker->n_chimes = 0;
    speaker->status.stopped += speaker->n;
    for (; speaker->n > 0; speaker->n--) {
        free_item(&speaker->queue[speaker->first]);
        speaker->first = (speaker->first + 1) % VA_SPEECH_MAX_QUEUE;
    }
    if (speaker->speaking) {
        atomic_store(&speaker->stop, 1);
        eventfd_write(speaker->stop_fd, 1);
    }
    pthread_cond_broadcast(&speaker->changed);
}

void va_speaker_stop(va_speaker *speaker)
{
    pthread_mutex_lock(&speaker->lock);
    stop(speaker);
    pthread_mutex_unlock(&speaker->lock);
}

int va_speaker_wait(va_speaker *speaker, double timeout_s)
{
    uint64_t deadline_ns = va_clock_after(timeout_s);
    int r = 0;

    pthread_mutex_lock(&speaker->lock);
    while ((speaker->speaking || speaker->n + speaker->n_chimes > 0) && r == 0)
        r = va_thread_wait_until(&speaker->changed, &speaker->lock, deadline_ns);
    int is_done = !speaker->speaking && speaker->n + speaker->n_chimes == 0;
    pthread_mutex_unlock(&speaker->lock);
    return is_done ? 0 : VA_ETIMEOUT;
}

void va_speaker_get_status(va_speaker *speaker, struct va_speaker_status *ret_status)
{
    pthread_mutex_lock(&speaker->lock);
    *ret_status = speaker->status;
    ret_status->speaking = speaker->speaking;
    ret_status->queued = speaker->n;
    pthread_mutex_unlock(&speaker->lock);
}

/* ---- life ---- */

const char *va_speech_language(const char *heard)
{
    return heard[0] == '\0' || strcmp(heard, "auto") == 0 ? "en" : heard;
}

int va_speech_program(const char *command, char ret_path[VA_CHILD_PATH_BYTES], va_error *error)
{
    struct va_arguments arguments;
    int r = va_arguments_split(command, &arguments, error);

    if (r < 0)
        return r;
    r = va_child_find(arguments.words[0], ret_path, error);
    va_arguments_free(&arguments);
    return r;
}

/* The command's first word becomes the path of the program. */
static int set_command(va_speaker *speaker, const char *command, va_error *error)
{
    char path[VA_CHILD_PATH_BYTES];
    int r = va_arguments_split(command, &speaker->command, error);

    if (r < 0 || (r = va_child_find(speaker->command.words[0], path, error)) < 0)
        return r;
    speaker->program = va_strdup(path);
    if (speaker->program == NULL)
        return va_fail_memory(error);
    speaker->command.words[0] = speaker->program;
    return 0;
}

static int set_output(va_speaker *speaker, const char *output, va_error *error)
{
    if (output[0] == '\0')
        return 0;
    if (strncmp(output, "wav:", 4) != 0 || output[4] == '\0')
        return va_fail(error, VA_EINVAL, "the output of speech must be empty or wav:PATH, not '%.80s'", output);
    speaker->wav_path = va_strdup(output + 4);
    return speaker->wav_path != NULL ? 0 : va_fail_memory(error);
}

static int copy_texts(va_speaker *speaker, const struct va_speaker_options *options, va_error *error)
{
    speaker->voice = va_strdup(options->voice);
    speaker->language = va_strdup(options->language);
    speaker->device = va_strdup(options->device);
    if (options->cache_folder != NULL)
        speaker->cache_folder = va_strdup(options->cache_folder);
    if (speaker->voice == NULL || speaker->language == NULL || speaker->device == NULL ||
        (options->cache_folder != NULL && speaker->cache_folder == NULL))
        return va_fail_memory(error);
    return 0;
}

int va_speaker_new(const struct va_speaker_options *options, va_speaker **ret_speaker, va_error *error)
{
    int r;
    va_speaker *speaker = va_calloc(1, sizeof *speaker);
    if (speaker == NULL)
        return va_fail_memory(error);
    pthread_mutex_init(&speaker->lock, NULL);
    pthread_cond_init(&speaker->changed, NULL);
    speaker->rate = options->rate;
    speaker->has_chimes = options->chimes;
    speaker->timeout_s = options->timeout_s;
    speaker->cache_max_bytes = options->cache_max_bytes;
    speaker->run = options->run;
    speaker->on_event = options->on_event;
    speaker->user = options->user;
    speaker->on_sound = options->on_sound;
    speaker->sound_user = options->sound_user;
    speaker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = speaker->stop_fd < 0 ? va_fail_errno(error, "cannot make an event") : copy_texts(speaker, options, error);
    if (r < 0 || (r = set_command(speaker, options->command, error)) < 0 || (r = set_output(speaker, options->output, error)) < 0) {
        va_speaker_free(speaker);
        return r;
    }
    *ret_speaker = speaker;
    return 0;
}

void va_speaker_free(va_speaker *speaker)
{
    if (speaker == NULL)
        return;
    pthread_mutex_lock(&speaker->lock);
    speaker->ending = 1;
    stop(speaker);
    pthread_mutex_unlock(&speaker->lock);
    if (speaker->has_thread)
        pthread_join(speaker->thread, NULL);
    if (speaker->stop_fd >= 0)
        close(speaker->stop_fd);
    va_arguments_free(&speaker->command);
    va_free(speaker->program);
    va_free(speaker->voice);
    va_free(speaker->language);
    va_free(speaker->device);
    va_free(speaker->cache_folder);
    va_free(speaker->wav_path);
    pthread_cond_destroy(&speaker->changed);
    pthread_mutex_destroy(&speaker->lock);
    va_free(speaker);
}
