/* speech.h - spoken replies: text to a synthesiser (a program of its own), its sound to a device or into files.
 *
 * va_speaker_say returns at once; a thread of the speaker, started with the first text, does the rest. va_speaker_render gives the sound
 * to its caller instead. Any thread. */
#ifndef VA_SPEECH_H
#define VA_SPEECH_H

#include "audio/playback.h"
#include "base/child.h"

#define VA_SPEECH_MAX_TEXT_BYTES 4096
#define VA_SPEECH_MAX_QUEUE 16
#define VA_SPEECH_MAX_CHIMES 4    /* that wait */
#define VA_SPEECH_MAX_SECONDS 300 /* of sound for one text */
#define VA_SPEECH_WAV_HEADER_BYTES 44

typedef struct va_speaker va_speaker;

/* The language to speak where another option says which one is heard: that, or English where it may be any ("auto"). */
const char *va_speech_language(const char *heard);

enum va_speech_event {
    VA_SPEECH_STARTED, /* the sound begins */
    VA_SPEECH_ENDED,   /* ... and has ended, to the end or stopped; once for each that started */
    VA_SPEECH_FAILED   /* there was no sound, or it broke off; error says why */
};

/* From the speaker's thread, which waits meanwhile. error is NULL but for VA_SPEECH_FAILED. */
typedef void (*va_speech_fn)(void *user, enum va_speech_event event, const va_error *error);

/* A program to be run for a text. */
struct va_speech_program {
    const char *executable;       /* absolute path */
    const char *const *arguments; /* [n_arguments] without its own name */
    size_t n_arguments;
    int input, output; /* files: its stdin, and what takes its stdout */
    size_t max_bytes;  /* of output */
    double timeout_s;
    int stop_fd; /* readable: give up, VA_ECANCELLED */
};

/* VA_ETIMEOUT, VA_ELIMIT, VA_ECANCELLED; others with their error. Several at once, from any thread. */
typedef int (*va_speech_run_fn)(void *user, const struct va_speech_program *program, int *ret_status, va_error *error);

/* The texts are copied. */
struct va_speaker_options {
    /* The program that reads the text on its standard input and writes a WAV file to its standard output: its name and arguments in
     * one line, with quotes where blanks belong to one. {voice}, {language} and {rate} are replaced inside each argument. No shell. */
    const char *command;
    const char *voice;             /* for texts in `language` that come without; "": {voice} is the language */
    const char *language;          /* for texts that come without */
    int rate;                      /* words a minute */
    double timeout_s;              /* of the program, for one text */
    const char *device;            /* an ALSA device */
    const char *output;            /* "": the device; "wav:PATH": a file, which the next text replaces, or a folder, for a file a text */
    const char *cache_folder;      /* where the sound of fixed texts is kept; NULL: nowhere */
    uint64_t cache_max_bytes;      /* the least recently used go first */
    int chimes;                    /* 0: va_speaker_chime does nothing */
    va_speech_run_fn run;          /* runs programs for this process; NULL: it does so itself */
    va_speech_fn on_event;         /* or NULL */
    void *user;                    /* of both */
    va_playback_sound_fn on_sound; /* or NULL: see playback.h; called by the speaker's thread */
    void *sound_user;
};

/* VA_EINVAL: the command or output cannot be understood. VA_ENOTFOUND: there is no such program. Opens no device. */
VA_MUST_CHECK int va_speaker_new(const struct va_speaker_options *options, va_speaker **ret_speaker, va_error *error);
void va_speaker_free(va_speaker *speaker); /* stops at once */

/* The program of a command as in the options. VA_EINVAL, VA_ENOTFOUND, VA_ENOMEM. */
VA_MUST_CHECK int va_speech_program(const char *command, char ret_path[VA_CHILD_PATH_BYTES], va_error *error);

struct va_utterance {
    const char *text;     /* UTF-8, not blank, at most VA_SPEECH_MAX_TEXT_BYTES */
    const char *language; /* or NULL */
    const char *voice;    /* or NULL: the speaker's own for a text in the speaker's language, else {voice} is the language */
    double speed;         /* of the speaker's rate; 0: as that is */
    int fixed;            /* 1: the same words may come again and are nobody's secret, so their sound is kept */
};

/* VA_EBUSY: VA_SPEECH_MAX_QUEUE texts wait. VA_EINVAL: blank, too long, not UTF-8, or no voice. */
VA_MUST_CHECK int va_speaker_say(va_speaker *speaker, const struct va_utterance *utterance, va_error *error);

/* The sound of a text, 16 kHz mono: ret_pcm [ret_n], from va_alloc, the caller's. Waits for the program; several at once are fine, until
 * va_speaker_free is called. stop_fd: it is given up when that is readable; -1: never. VA_ECANCELLED; VA_ETIMEOUT, VA_EFAILED, VA_EFORMAT,
 * VA_ELIMIT: of the program; VA_EINVAL as for va_speaker_say. */
VA_MUST_CHECK int va_speaker_render(va_speaker *speaker, const struct va_utterance *utterance, int stop_fd, int16_t **ret_pcm,
                                    size_t *ret_n, va_error *error);

/* What stands before such samples in a WAV file. */
void va_speech_wav_header(size_t n_samples, uint8_t ret_header[VA_SPEECH_WAV_HEADER_BYTES]);

enum va_chime {
    VA_CHIME_WAKE, /* two notes upwards: it listens */
    VA_CHIME_END,  /* two notes downwards: it has heard the end */
    VA_CHIME_ERROR /* two low notes */
};

/* A short tone, before all texts that wait; it is no speech, so that of the events only VA_SPEECH_FAILED is told: who heard it may speak at
 * once. With the output "wav:FILE" there is none: it would replace the reply. VA_EBUSY: VA_SPEECH_MAX_CHIMES wait. VA_ENOMEM. */
VA_MUST_CHECK int va_speaker_chime(va_speaker *speaker, enum va_chime chime, va_error *error);

/* Drops what waits, ends the program and the sound. Does not wait for the latter: that is a few hundredths of a second. */
void va_speaker_stop(va_speaker *speaker);

/* Until nothing is said or waits. 0 or VA_ETIMEOUT. */
int va_speaker_wait(va_speaker *speaker, double timeout_s);

struct va_speaker_status {
    int speaking;                                         /* something is said, or made ready to be */
    size_t queued;                                        /* texts behind that */
    uint64_t said, stopped, failed, from_cache, programs; /* texts since the start; programs started */
    uint64_t chimes;                                      /* that were heard */
};
void va_speaker_get_status(va_speaker *speaker, struct va_speaker_status *ret_status);

#endif
