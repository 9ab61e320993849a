/* voice-assistant say */
#include "daemon/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "assistant/assistant.h"
#include "base/memory.h"
#include "config/config.h"
#include "daemon/arguments.h"
#include "speech/speech.h"

#define WAIT_S 1000

struct request {
    const char *output, *language, *voice, *device;
    struct va_overrides overrides;
};

static void print_help(FILE *out)
{
    fputs("Usage: voice-assistant say [OPTION]... TEXT\n\n"
          "Says TEXT as replies are said, and returns when it has been heard. With '-' the text comes from standard input.\n\n"
          "Options:\n"
          "  --output FILE         write a WAV file instead (in a folder: 000001.wav)\n"
          "  --language L          the language of the text (default: option model.language)\n"
          "  --voice V             the voice, as the program of speech.command names it\n"
          "  --device D            the ALSA device (default: option speech.device)\n"
          "  --config FILE         the configuration to use\n"
          "  --set OPTION=VALUE    an option of the configuration, such as speech.rate=140\n"
          "  -h, --help            print this help\n\n"
          "Exit code: 0 when it was said, 1 when not, 2 when the command line is wrong.\n",
          out);
}

/* The speaker's thread is done with it before it is read. */
static void on_event(void *user, enum va_speech_event event, const va_error *error)
{
    if (event == VA_SPEECH_FAILED)
        *(va_error *)user = *error;
}

static int say(const struct request *request, const va_config *config, const char *text, va_error *error)
{
    va_error failure = {0};
    char *output = request->output != NULL ? va_asprintf("wav:%s", request->output) : va_strdup(config->speech_output);
    struct va_speaker_options options = va_assistant_speaker_options(config);
    const struct va_utterance utterance = {.text = text, .language = request->language, .voice = request->voice};
    va_speaker *speaker = NULL;

    options.device = request->device != NULL ? request->device : options.device;
    options.output = output;
    options.on_event = on_event;
    options.user = &failure;
    int r = output == NULL ? va_fail_memory(error) : va_speaker_new(&options, &speaker, error);
    if (r == 0)
        r = va_speaker_say(speaker, &utterance, error);
    if (r == 0 && va_speaker_wait(speaker, WAIT_S) < 0)
        r = va_fail(error, VA_ETIMEOUT, "it takes too long");
    va_speaker_free(speaker);
    va_free(output);
    if (r == 0 && failure.code != 0) {
        *error = failure;
        r = failure.code;
    }
    return r;
}

static int run(const struct request *request, const char *text)
{
    char input[VA_SPEECH_MAX_TEXT_BYTES + 2];
    va_config *config;
    va_error error;

    if (strcmp(text, "-") == 0) {
        size_t n = fread(input, 1, sizeof input - 1, stdin);
        input[n] = '\0';
        text = input;
    }
    int code = VA_EXIT_OK;
    if (va_overrides_load(&request->overrides, &config, &error) < 0) {
        code = va_overrides_exit_code(&error);
    } else {
        code = say(request, config, text, &error) < 0 ? VA_EXIT_FAILED : VA_EXIT_OK;
        va_config_free(config);
    }
    if (code != VA_EXIT_OK)
        fprintf(stderr, "voice-assistant say: %s\n", error.text);
    return code;
}

int va_command_say(int argc, char **argv)
{
    struct request request = {0};
    const struct va_argument rows[] = {{"output", .text = &request.output},
                                       {"language", .text = &request.language},
                                       {"voice", .text = &request.voice},
                                       {"device", .text = &request.device}};
    int exit_code = va_arguments_read(argc, argv, rows, sizeof rows / sizeof rows[0], &request.overrides, print_help);

    if (exit_code >= 0)
        return exit_code;
    const char *text = va_arguments_word(argc, argv, "TEXT", ": put TEXT in quotes");
    return text == NULL ? VA_EXIT_USAGE : run(&request, text);
}
