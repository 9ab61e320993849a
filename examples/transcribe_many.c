/* transcribe_many.c - several recordings at once, by the library's workers.
 *
 *     cc transcribe_many.c $(pkg-config --cflags --libs voice_assistant) -o transcribe_many
 *     transcribe_many MODEL.vam RECORDING.raw...
 *
 * The recordings are as for transcribe.c; the texts come as they are ready. Compiles as C17 and as C++17. */
#include <stdio.h>
#include <string.h>

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

static void close_file(void *user)
{
    fclose((FILE *)user);
}

/* Waits for the next result; its id is the recording's place in argv. VA_ESTATE when there will be none. */
static int print_result(va_workers *workers, char **argv, int *failures)
{
    va_task_result result;
    int status = va_workers_get_result(workers, -1, &result);

    if (status != 0)
        return status;
    printf("%s: %s\n", argv[result.id], result.status == 0 ? result.transcript->text : result.error.text);
    *failures += result.status != 0;
    va_transcript_free(result.transcript);
    return 0;
}

/* When the queue is full, takes results to make room. */
static void submit(va_workers *workers, char **argv, int i, int *failures)
{
    FILE *recording = fopen(argv[i], "rb");
    va_error error = {0, "cannot open it"};
    va_task task;
    int status = VA_ENOTFOUND;

    if (recording != NULL) {
        memset(&task, 0, sizeof task);
        task.id = (uint64_t)i;
        task.priority = VA_PRIORITY_UPLOAD;
        task.read = read_samples;
        task.release = close_file;
        task.user = recording;
        while ((status = va_workers_submit(workers, &task, &error)) == VA_EBUSY && print_result(workers, argv, failures) == 0)
            continue;
        if (status != 0)
            fclose(recording);
    }
    if (status != 0) {
        fprintf(stderr, "%s: %s\n", argv[i], error.text);
        ++*failures;
    }
}

int main(int argc, char **argv)
{
    va_model *model = NULL;
    va_workers *workers = NULL;
    va_error error;
    int status, failures = 0;

    if (argc < 3) {
        fprintf(stderr, "Usage: transcribe_many MODEL.vam RECORDING.raw...\n");
        return 2;
    }
    status = va_model_open(argv[1], NULL, &model, &error);
    if (status == 0)
        status = va_workers_new(model, NULL, &workers, &error);
    if (status == 0) {
        for (int i = 2; i < argc; i++)
            submit(workers, argv, i, &failures);
        va_workers_shutdown(workers, 0);
        while (print_result(workers, argv, &failures) == 0)
            continue;
    } else {
        fprintf(stderr, "transcribe_many: %s\n", error.text);
    }
    va_workers_free(workers);
    va_model_free(model);
    return status == 0 && failures == 0 ? 0 : 1;
}
