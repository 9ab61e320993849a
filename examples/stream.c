/* stream.c - speech to text while somebody speaks: raw audio on standard input or in a file in, texts out as they become known.
 *
 *     cc stream.c $(pkg-config --cflags --libs voice_assistant) -o stream
 *     arecord -q -f S16_LE -r 16000 | stream MODEL.vam VAD.vam -
 *
 * The audio is headerless: signed 16-bit little-endian samples, 16 kHz, mono. Compiles as C17 and as C++17. */
#include <stdio.h>
#include <string.h>

#include <voice_assistant.h>

/* Stable words stand before the bar. */
static void print_event(void *user, const va_stream_event *event)
{
    (void)user;
    switch (event->kind) {
    case VA_STREAM_PARTIAL:
        printf("%7.2f  ... %.*s |%s\n", event->end_s, (int)event->n_stable, event->text, event->text + event->n_stable);
        break;
    case VA_STREAM_READY:
        printf("%7.2f  ... %s ?\n", event->end_s, event->text);
        break;
    case VA_STREAM_FINAL:
        printf("%7.2f  %s\n", event->end_s, event->text);
        break;
    default: /* speech starts or goes on */
        break;
    }
    fflush(stdout);
}

static int push_all(va_stream *stream, FILE *audio, va_error *error)
{
    unsigned char bytes[3200]; /* 0.1 s; less where a pipe gives less */
    float pcm[1600];
    size_t n;
    int status = 0;

    while (status == 0 && (n = fread(bytes, 2, 1600, audio)) > 0) {
        for (size_t i = 0; i < n; i++)
            pcm[i] = (float)(int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8) / 32768.0f;
        status = va_stream_push(stream, pcm, n, error);
    }
    return status == 0 ? va_stream_finish(stream, error) : status;
}

int main(int argc, char **argv)
{
    va_model *model = NULL;
    va_vad_model *vad_model = NULL;
    va_stream *stream = NULL;
    va_error error = {0, "cannot open the audio"};
    FILE *audio = NULL;
    int status = VA_EINVAL;

    if (argc != 4) {
        fprintf(stderr, "Usage: stream MODEL.vam VAD.vam RECORDING.raw|-\n");
        return 2;
    }
    audio = strcmp(argv[3], "-") == 0 ? stdin : fopen(argv[3], "rb");
    if (audio != NULL)
        status = va_model_open(argv[1], NULL, &model, &error);
    if (status == 0)
        status = va_vad_model_open(argv[2], &vad_model, &error);
    if (status == 0)
        status = va_stream_new(model, vad_model, NULL, print_event, NULL, &stream, &error);
    if (status == 0)
        status = push_all(stream, audio, &error);
    if (status != 0)
        fprintf(stderr, "stream: %s\n", error.text);
    va_stream_free(stream);
    va_vad_model_free(vad_model);
    va_model_free(model);
    if (audio != NULL && audio != stdin)
        fclose(audio);
    return status == 0 ? 0 : 1;
}
