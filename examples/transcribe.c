/* transcribe.c - the smallest use of libvoice_assistant: a recording in, its text and, with a command file, the command out.
 *
 *     cc transcribe.c $(pkg-config --cflags --libs voice_assistant) -o transcribe
 *     transcribe MODEL.vam RECORDING.raw [COMMANDS.yaml]
 *
 * RECORDING.raw is headerless: signed 16-bit little-endian samples, 16 kHz, mono. Compiles as C17 and as C++17. */
#include <stdio.h>

#include <voice_assistant.h>

/* A va_read_fn: user is the open FILE. */
static int64_t read_samples(void *user, float *pcm, size_t capacity)
{
    unsigned char bytes[2];
    size_t n = 0;

    while (n < capacity && fread(bytes, 1, 2, (FILE *)user) == 2)
        pcm[n++] = (float)(int16_t)(bytes[0] | bytes[1] << 8) / 32768.0f;
    return ferror((FILE *)user) ? (int64_t)VA_EIO : (int64_t)n;
}

static int print_command(const char *path, const char *text, va_error *error)
{
    va_commands *commands = NULL;
    va_intent *intent = NULL;
    int status = va_commands_open(path, &commands, error);

    if (status == 0)
        status = va_commands_match(commands, text, &intent, error);
    if (status == 0) {
        printf("command: %s\n", intent->name);
        for (size_t i = 0; i < intent->n_slots; i++)
            printf("  %s = %s\n", intent->slots[i].name, intent->slots[i].value);
    }
    va_intent_free(intent);
    va_commands_free(commands);
    return status;
}

int main(int argc, char **argv)
{
    va_model *model = NULL;
    va_context *context = NULL;
    va_transcript *transcript = NULL;
    va_error error = {0, "cannot open the recording"};
    FILE *recording = NULL;
    int status = VA_EINVAL;

    if (argc < 3) {
        fprintf(stderr, "Usage: transcribe MODEL.vam RECORDING.raw [COMMANDS.yaml]\n");
        return 2;
    }
    recording = fopen(argv[2], "rb");
    if (recording != NULL)
        status = va_model_open(argv[1], NULL, &model, &error);
    if (status == 0)
        status = va_context_new(model, 2, &context, &error);
    if (status == 0)
        status = va_transcribe_stream(context, read_samples, recording, 0, NULL, &transcript, &error);
    if (status == 0) {
        printf("%s\nconfidence: %.2f\n", transcript->text, (double)transcript->confidence);
        if (argc > 3)
            status = print_command(argv[3], transcript->text, &error);
    }
    if (status != 0)
        fprintf(stderr, "transcribe: %s\n", error.text);
    va_transcript_free(transcript);
    va_context_free(context);
    va_model_free(model);
    if (recording != NULL)
        fclose(recording);
    return status == 0 ? 0 : 1;
}
